import csv

import numpy as np
import pytest
import soundfile

from course_utils import audio, signals
from course_utils.datasets import broken, bundled, digits, manifest

RATE = 8000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("broken")
    return path, broken.make(path)


def test_everything_that_was_broken_is_named_and_nothing_else(folder):
    path, made = folder
    assert len(made) == len(set(made.values())) == 15
    found = manifest.scan(path, RATE)
    assert {row["file"]: row["problem"] for row in found.problems} == made
    assert len(found.problems) == len(made)
    kept = {row["file"] for row in found.corpus.table}
    for row in found.problems:
        assert row["found"] and row["remedy"]
        assert (row["file"] in kept) == (row["done"] != "skipped")
    assert len(kept) == 80 - sum(row["done"] == "skipped" for row in found.problems)


def test_what_is_kept_can_be_read_and_is_described(folder):
    path, _ = folder
    corpus = manifest.scan(path, RATE).corpus
    for row, clip in zip(corpus.table, corpus, strict=True):
        assert row["duration_s"] == pytest.approx(len(clip.waveform) / clip.sample_rate, abs=1e-4)
        assert row["sample_rate"] == clip.sample_rate
        assert row["peak"] == pytest.approx(np.abs(clip.waveform).max(), abs=1e-3)
        assert row["rms_db"] == pytest.approx(20 * np.log10(signals.rms(clip.waveform)), abs=0.06)
        assert clip.text in digits.WORDS
    assert {row["channels"] for row in corpus.table} == {1, 2}


def test_refused_by_choice_with_every_name(folder):
    path, made = folder
    with pytest.raises(ValueError, match="10 files can't be used") as refused:
        manifest.scan(path, RATE, on_error="raise")
    skipped = [file for file, kind in made.items() if manifest.DONE[kind][0] == "skipped"]
    for file in skipped:
        assert file in str(refused.value)
    assert len(skipped) == 10


def test_a_folder_without_a_fault_has_no_problems(tmp_path):
    clips = digits.load("dev")[:5]
    for i, clip in enumerate(clips):
        (tmp_path / clip.speaker).mkdir(exist_ok=True)
        audio.save(tmp_path / clip.speaker / f"{clip.text}.{i}.flac", clip.waveform, RATE)
    found = manifest.scan(tmp_path, RATE, on_error="raise")
    assert found.problems == []
    assert [row["speaker"] for row in found.corpus.table] == [clip.speaker for clip in clips]
    assert {row["text"].split(".")[0] for row in found.corpus.table} == {c.text for c in clips}


def test_the_bundled_digits_are_clean():
    folder = bundled.DATA / "digits" / "storm"
    assert manifest.scan(folder, RATE, on_error="raise").problems == []


def test_an_mp3_that_calls_itself_wav_and_a_file_that_no_row_names(tmp_path):
    clip = digits.load("dev")[0]
    soundfile.write(tmp_path / "a.wav", clip.waveform, RATE, format="MP3")
    audio.save(tmp_path / "b.wav", clip.waveform, RATE)
    (tmp_path / "metadata.csv").write_text("file,text,speaker\na.wav,zero,x\n", encoding="utf-8")
    found = manifest.scan(tmp_path, RATE)
    assert [(row["file"], row["problem"]) for row in found.problems] == [
        ("a.wav", "wrong suffix"),
        ("b.wav", "not listed"),
    ]
    assert len(found.corpus) == 1


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a.wav,zero", "bad row"),
        ("a.wav,zero,x,more", "bad row"),
        ("a.wav,,x", "bad row"),
        (",zero,x", "bad row"),
        ("b.wav,zero,x\nb.wav,one,x", "bad row"),
        ("c.wav,zero,x", "missing"),
        ("../outside.wav,zero,x", "bad row"),
        ("/a.wav,zero,x", "bad row"),
        ("b.wav,z\xe9ro,x", "bad row"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tmp_path, line, problem):
    clip = digits.load("dev")[0]
    for name in ("a.wav", "b.wav", "good.wav"):
        audio.save(tmp_path / name, clip.waveform * (0.5 if name == "a.wav" else 0.9), RATE)
    text = f"file,text,speaker\ngood.wav,zero,x\n{line}\n"
    (tmp_path / "metadata.csv").write_bytes(text.encode("latin-1"))
    problems = manifest.scan(tmp_path, RATE).problems
    assert problem in [row["problem"] for row in problems], problems


def test_a_table_without_a_column_and_folders_that_are_none(tmp_path):
    with pytest.raises(NotADirectoryError, match="no such folder"):
        manifest.scan(tmp_path / "none", RATE)
    with pytest.raises(ValueError, match="no file can be used"):
        manifest.scan(tmp_path, RATE)
    with (tmp_path / "metadata.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "text"], ["a.wav", "zero"]])
    with pytest.raises(ValueError, match="has no column file, speaker"):
        manifest.scan(tmp_path, RATE)
    with pytest.raises(ValueError, match="on_error must be"):
        manifest.scan(tmp_path, RATE, on_error="ignore")
    with pytest.raises(ValueError, match="min_s must be"):
        manifest.scan(tmp_path, RATE, min_s=3, max_s=2)
    with pytest.raises(ValueError, match="is not empty"):
        broken.make(tmp_path)


def test_two_equal_samples_at_the_peak_are_no_clipping_three_are():
    # A recording in 16 bits often has two by chance.
    x = (0.3 * np.sin(np.arange(800))).astype(np.float32)
    for side in (1, -1):
        for run, found in ((2, 0), (3, 3)):
            flat = x.copy()
            flat[100 : 100 + run] = side * 0.9
            assert manifest.flat_tops(flat) == found


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_clipping_is_seen_at_any_level_and_not_in_tones(tmp_path, gain):
    t = np.arange(RATE) / RATE
    for name, x in {
        "tone": 0.9 * np.sin(2 * np.pi * 100 * t),
        "clipped": np.clip(2 * np.sin(2 * np.pi * 100 * t), -0.9, 0.9),
    }.items():
        soundfile.write(tmp_path / f"{name}.wav", gain * x, RATE)
    problems = manifest.scan(tmp_path, RATE).problems
    assert [(row["file"], row["problem"]) for row in problems] == [("clipped.wav", "clipped")]
