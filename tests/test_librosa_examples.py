import shutil

import librosa
import numpy as np
import pytest
import soundfile

from course_utils.datasets import librosa_examples


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without any recording."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LIBROSA_DATA_DIR", str(tmp_path / "librosa"))
    return tmp_path


def test_missing_recording_says_how_to_get_it(nowhere):
    assert librosa_examples.find("robin") is None
    with pytest.raises(FileNotFoundError, match=r"librosa\.ex\('robin', hq=True\)"):
        librosa_examples.load("robin")


@pytest.mark.parametrize("folder", ["data/librosa-examples/audio", "librosa"])
def test_recording_is_found_in_both_places(nowhere, folder):
    (nowhere / folder).mkdir(parents=True)
    path = nowhere / folder / librosa_examples.FILES["libri1"]
    soundfile.write(path, np.full(800, 0.25), 8000, format="WAV")
    x, rate = librosa_examples.load("libri1")
    assert rate == 8000 and np.allclose(x, 0.25, atol=1e-4)
    shutil.rmtree(nowhere / folder)
    assert librosa_examples.find("libri1") is None


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="libri1, robin"):
        librosa_examples.find("sparrow")


def test_names_are_librosas(monkeypatch):
    import importlib

    asked = []
    files = importlib.import_module("librosa.util.files")
    monkeypatch.setattr(files.__dict__["__GOODBOY"], "fetch", asked.append)
    for name, file in librosa_examples.FILES.items():
        librosa.ex(name, hq=True)
        assert asked[-1] == file
