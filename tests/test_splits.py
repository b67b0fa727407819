import io

import numpy as np
import pytest
import soundfile

from course_utils import audio
from course_utils.datasets import augmentation, digits, fsdd, splits
from course_utils.datasets.items import Corpus


def corpus(speakers, **columns):
    rows = [
        {"id": f"{i}", "file": f"{i}.wav", "text": "one", "speaker": speaker}
        for i, speaker in enumerate(speakers)
    ]
    for name, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    return Corpus("toy", ".", rows)


def ids(one):
    return [row["id"] for row in one.table]


def test_groups_stay_together_and_every_file_is_on_one_side():
    whole = digits.load("train")
    for seed in range(3):
        train, test = splits.by_group(whole, 0.2, seed=seed)
        assert not set(train.speakers) & set(test.speakers)
        assert len(test.speakers) == 7
        assert sorted(ids(train) + ids(test)) == sorted(ids(whole))
        assert ids(splits.by_group(whole, 0.2, seed=seed)[1]) == ids(test)
    assert ids(splits.by_group(whole, 0.2, seed=3)[1]) != ids(test)


def test_other_columns_can_be_the_groups():
    one = corpus("aabb", source=["x", "y", "x", "y"])
    train, test = splits.by_group(one, 0.5, column="source")
    assert {row["source"] for row in train.table} | {row["source"] for row in test.table} == {*"xy"}
    assert len(train) == len(test) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: splits.by_group(c, 0.0), "no side may be empty"),
        (lambda c: splits.by_group(c, 1.0), "no side may be empty"),
        (lambda c: splits.by_group(c, 0.5, column="room"), "no column 'room'"),
        (lambda c: splits.folds(c, 4), "count must be 2 to 3"),
        (lambda c: splits.folds(c, 1), "count must be 2 to 3"),
        (lambda c: splits.by_group(c.filter(lambda row: False), 0.5), "no column"),
    ],
)
def test_splits_that_are_none(call, message):
    with pytest.raises(ValueError, match=message):
        call(corpus("abc"))


def test_each_group_is_tested_in_exactly_one_fold():
    whole = digits.load("dev")
    pairs = splits.folds(whole, 4, seed=1)
    assert sorted(name for _, test in pairs for name in ids(test)) == sorted(ids(whole))
    for train, test in pairs:
        assert not set(train.speakers) & set(test.speakers)
        assert len(train) + len(test) == len(whole)
        assert len(test.speakers) in (1, 2)
    tested = {frozenset(test.speakers) for _, test in pairs}
    assert {frozenset(test.speakers) for _, test in splits.folds(whole, 4, seed=1)} == tested
    others = [splits.folds(whole, 4, seed=seed) for seed in (2, 3)]
    assert any({frozenset(test.speakers) for _, test in pairs} != tested for pairs in others)


def test_shared_values_are_named_with_an_example_of_each_side():
    train = corpus("aab", source=["x", "y", "z"])
    test = corpus("ca", source=["w", "z"])
    leaks = splits.find_leaks(train, test, ("speaker", "source"), listen=False)
    assert [(leak.kind, leak.train_id, leak.test_id) for leak in leaks] == [
        ("speaker", "0", "1"),
        ("source", "2", "1"),
    ]
    assert leaks[0].detail == "a: 2 files in train, 1 in test"
    assert splits.find_leaks(corpus("ab"), corpus("cd"), listen=False) == []
    (leak,) = splits.find_leaks(corpus(["f02"]), corpus([" F02 "]), listen=False)
    assert leak.detail == "f02: 1 files in train, 1 in test"
    with pytest.raises(ValueError, match="no column 'room'"):
        splits.find_leaks(train, test, ("room",), listen=False)


def as_mp3(x, rate):
    file = io.BytesIO()
    soundfile.write(file, x, rate, format="MP3")
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


DISGUISES = {
    "same": lambda x: (x, 8000),
    "softer": lambda x: (augmentation.gain(x, -20), 8000),
    "polarity": lambda x: (-x, 8000),
    "later": lambda x: (np.pad(x, (301, 0)), 8000),
    "padded": lambda x: (np.pad(x, (1500, 700)), 8000),
    "16 kHz": lambda x: (audio.resample(x, 8000, 16_000), 16_000),
    "11025 Hz": lambda x: (audio.resample(x, 8000, 11_025), 11_025),
    "44.1 kHz": lambda x: (audio.resample(x, 8000, 44_100), 44_100),
    "MP3": lambda x: (as_mp3(x, 8000), 8000),
    "offset": lambda x: (x + 0.1, 8000),
    "noise at 30 dB": lambda x: (augmentation.add_noise(x, 30, np.random.default_rng(0)), 8000),
    "all at once": lambda x: (
        0.3 * as_mp3(audio.resample(np.pad(x, (77, 900)), 8000, 16_000), 16_000),
        16_000,
    ),
}


@pytest.mark.parametrize("name", DISGUISES)
def test_a_recording_in_disguise_is_found(name):
    clips = [clip for clip in digits.load("test").filter(speaker="storm")]
    train = {clip.id: (clip.waveform, 8000) for clip in clips}
    test = {f"{clip.id} again": DISGUISES[name](clip.waveform) for clip in clips}
    found = {(one, other) for one, other, _ in splits.near_duplicates(train, test)}
    missed = {(clip.id, f"{clip.id} again") for clip in clips} - found
    assert len(missed) <= (1 if name in ("noise at 30 dB", "MP3", "all at once") else 0), missed


def test_takes_of_one_word_by_one_voice_are_no_duplicates():
    """But for a synthesiser that says a word twice in almost the same way: one in a hundred."""
    whole = digits.load()
    sides = [
        {
            row["id"]: audio.load(whole.path(i))
            for i, row in enumerate(whole.table)
            if last in row["id"]
        }
        for last in ("_1", "_2")
    ]
    found = splits.near_duplicates(*sides)
    assert len(found) <= 5
    assert all(likeness > 0.9 for *_, likeness in found)


@pytest.mark.real_data
@pytest.mark.skipif(not fsdd.available(), reason="FSDD is not on this machine")
def test_real_takes_are_no_duplicates():
    takes = fsdd.load().filter(lambda row: row["take"] < 8)
    sides = [
        {
            row["id"]: audio.load(takes.path(i))
            for i, row in enumerate(takes.table)
            if row["take"] % 2 == k
        }
        for k in (0, 1)
    ]
    assert splits.near_duplicates(*sides) == []


def test_silence_and_no_files_have_no_duplicates():
    silent = {"silence": (np.zeros(8000, np.float32), 8000)}
    assert splits.near_duplicates(silent, silent) == []
    assert splits.near_duplicates({}, silent) == splits.near_duplicates(silent, {}) == []


def test_leaks_are_heard_in_files(tmp_path):
    clips = digits.load("dev")[:3]
    for i, clip in enumerate(clips):
        audio.save(tmp_path / f"{i}.wav", clip.waveform, 8000)
    audio.save(tmp_path / "9.wav", np.pad(0.5 * clips[1].waveform, (200, 0)), 8000)

    def rows(names, speaker):
        return Corpus(
            "toy",
            tmp_path,
            [{"id": n, "file": f"{n}.wav", "text": "", "speaker": speaker} for n in names],
        )

    (leak,) = splits.find_leaks(rows("012", "a"), rows("9", "b"))
    assert (leak.kind, leak.train_id, leak.test_id) == ("near-duplicate", "1", "9")
