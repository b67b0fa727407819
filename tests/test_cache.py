import os
import stat
import sys

import numpy as np
import pytest

from course_utils.datasets import downloads
from course_utils.datasets.cache import FeatureCache

SETTINGS = {"n_fft": 256, "hop_length": 80, "n_mels": 40}


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "corpus" / "clip.wav"
    path.parent.mkdir()
    path.write_bytes(b"sound")
    return path


def counted(value=1.0):
    """A function that computes, and how often it was called."""
    calls = []

    def compute():
        calls.append(1)
        return np.full((3, 2), value, dtype=np.float32)

    return compute, calls


def test_computed_once_and_read_by_everyone_with_the_same_settings(source, tmp_path):
    compute, calls = counted()
    first = FeatureCache(SETTINGS, tmp_path / "cache")
    second = FeatureCache(dict(reversed(SETTINGS.items())), tmp_path / "cache")
    results = [first.get(source, compute), first.get(source, compute), second.get(source, compute)]
    assert len(calls) == 1
    for result in results:
        np.testing.assert_array_equal(result, np.ones((3, 2)))
        assert result.dtype == np.float32
    assert (first.made, first.read, second.made, second.read) == (1, 1, 0, 1)


@pytest.mark.parametrize(
    "settings",
    [{**SETTINGS, "n_mels": 41}, {**SETTINGS, "floor": 1e-10}, {"n_fft": 256}, {}],
)
def test_other_settings_have_another_key(source, tmp_path, settings):
    one, other = (FeatureCache(s, tmp_path / "cache") for s in (SETTINGS, settings))
    assert one.key(source) != other.key(source)
    old, _ = counted(1.0)
    new, calls = counted(2.0)
    one.get(source, old)
    assert other.get(source, new)[0, 0] == 2 and len(calls) == 1
    assert one.get(source, new)[0, 0] == 1


def test_a_changed_source_has_another_key(source, tmp_path):
    cache = FeatureCache(SETTINGS, tmp_path / "cache")
    before = cache.key(source)
    source.write_bytes(b"another sound")
    assert cache.key(source) != before
    resized = cache.key(source)
    os.utime(source, ns=(1, 1))
    assert cache.key(source) not in (before, resized)
    other = source.with_name("copy.wav")
    other.write_bytes(source.read_bytes())
    os.utime(other, ns=(1, 1))
    assert cache.key(other) != cache.key(source)


def damage_cut(data):
    return data[: len(data) // 2]


def damage_bit(data):
    return data[:-10] + bytes([data[-10] ^ 1]) + data[-9:]


@pytest.mark.parametrize("damage", [damage_cut, damage_bit, lambda d: b"", lambda d: b"nonsense"])
def test_a_damaged_file_is_made_anew(source, tmp_path, damage):
    cache = FeatureCache(SETTINGS, tmp_path / "cache")
    compute, calls = counted()
    cache.get(source, compute)
    (stored,) = (tmp_path / "cache").rglob("*.features")
    stored.write_bytes(damage(stored.read_bytes()))
    np.testing.assert_array_equal(cache.get(source, compute), np.ones((3, 2)))
    assert len(calls) == 2
    cache.get(source, compute)
    assert len(calls) == 2


def test_a_write_that_fails_leaves_nothing_behind(source, tmp_path, monkeypatch):
    cache = FeatureCache(SETTINGS, tmp_path / "cache")
    compute, _ = counted()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="No space"):
        cache.get(source, compute)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_errors_of_the_computation_pass_and_nothing_is_kept(source, tmp_path):
    cache = FeatureCache(SETTINGS, tmp_path / "cache")

    def fails():
        raise ValueError("broken clip")

    with pytest.raises(ValueError, match="broken clip"):
        cache.get(source, fails)
    with pytest.raises(FileNotFoundError):
        cache.get(source.with_name("none.wav"), fails)
    assert not (tmp_path / "cache").exists()


def test_a_cache_never_lies_in_the_corpus(source):
    corpus = source.parent
    for folder in (corpus, corpus / "features", corpus / ".." / "corpus" / "x"):
        with pytest.raises(ValueError, match="lies inside the corpus"):
            FeatureCache(SETTINGS, folder, corpus_folder=corpus)
    FeatureCache(SETTINGS, corpus.parent / "corpus2", corpus_folder=corpus)


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no write bit on Windows")
def test_a_read_only_corpus_is_only_read(source, tmp_path):
    source.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        compute, _ = counted()
        FeatureCache(SETTINGS, tmp_path / "cache", source.parent).get(source, compute)
        assert [path.name for path in source.parent.iterdir()] == ["clip.wav"]
    finally:
        source.parent.chmod(stat.S_IRWXU)


def test_the_default_folder_is_the_users_cache(source, monkeypatch, tmp_path):
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "user")
    cache = FeatureCache(SETTINGS)
    cache.get(source, counted()[0])
    assert list((tmp_path / "user" / "features").rglob("*.features"))


@pytest.mark.parametrize("shape", [(0, 40), (1,), (2, 3, 4), ()])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "bool"])
def test_any_array_comes_back_and_can_be_written_to(source, tmp_path, shape, dtype):
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    cache = FeatureCache({"shape": shape, "dtype": dtype}, tmp_path / "cache")
    cache.get(source, lambda: array.T if array.ndim > 1 else array)
    found = cache.get(source, lambda: None)
    np.testing.assert_array_equal(found, array.T if array.ndim > 1 else np.atleast_1d(array))
    assert found.dtype == array.dtype and found.flags.writeable


def test_settings_that_json_cannot_hold():
    with pytest.raises(ValueError, match="settings must be numbers"):
        FeatureCache({"window": np.ones(3)})
