from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from course_utils.datasets import digits, fsdd
from course_utils.datasets.connected_digits import FADE_S, ConnectedDigits
from course_utils.datasets.items import Corpus

RATE = 8_000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Two speakers; each recording is a constant of its own, so that it is known where it went."""
    folder = tmp_path_factory.mktemp("constants")
    rows = []
    for speaker in ("ann", "bob"):
        for word in ("one", "two", "six"):
            number = len(rows)
            level = np.full(400 + 100 * number, (number + 1) / 10)
            soundfile.write(folder / f"{number}.wav", level, RATE, subtype="FLOAT")
            row = {"id": str(number), "file": f"{number}.wav", "text": word, "speaker": speaker}
            rows.append(row)
    return Corpus("constants", folder, rows)


def same(first, second) -> bool:
    return np.array_equal(first.waveform, second.waveform) and first[1:] == second[1:]


@given(index=st.integers(0, 99), seed=st.integers(0, 50))
def test_words_lie_where_the_item_says(corpus: Corpus, index: int, seed: int) -> None:
    item = ConnectedDigits(corpus, 100, digits=(1, 4), gap_s=(0.01, 0.05), seed=seed)[index]
    levels = {
        (row["speaker"], row["text"]): (number + 1) / 10 for number, row in enumerate(corpus.table)
    }
    silent = np.ones(item.waveform.size, bool)
    fade = round(FADE_S * RATE)
    last = 0
    for word in item.words:
        start, end = round(word.start_s * RATE), round(word.end_s * RATE)
        assert 0.01 * RATE - 1 <= start - last <= 0.05 * RATE + 1
        inside = item.waveform[start + fade : end - fade]
        assert np.allclose(inside, levels[item.speaker, word.text])
        assert item.waveform[start] == item.waveform[end - 1] == 0
        silent[start:end] = False
        last = end
    assert 0.01 * RATE - 1 <= item.waveform.size - last <= 0.05 * RATE + 1
    assert not item.waveform[silent].any()
    assert item.text == " ".join(word.text for word in item.words)
    assert 1 <= len(item.words) <= 4
    assert item.waveform.dtype == np.float32
    assert item.sample_rate == RATE


def test_an_item_depends_on_seed_and_number_alone(corpus: Corpus) -> None:
    long, short = ConnectedDigits(corpus, 50, seed=3), ConnectedDigits(corpus, 10, seed=3)
    backwards = [long[index] for index in reversed(range(10))][::-1]
    assert all(same(short[index], backwards[index]) for index in range(10))
    assert same(short[-1], short[9])
    assert not any(same(long[0], long[index]) for index in range(1, 50))
    assert not same(long[0], ConnectedDigits(corpus, 50, seed=4)[0])


def test_every_length_speaker_and_digit_comes_about_equally_often(corpus: Corpus) -> None:
    items = ConnectedDigits(corpus, 600, digits=(2, 4)).table
    lengths = np.array([len(row["text"].split()) for row in items])
    assert set(lengths) == {2, 3, 4}
    assert min(np.bincount(lengths)[2:]) > 150
    assert sum(row["speaker"] == "ann" for row in items) == pytest.approx(300, abs=60)
    said = " ".join(row["text"] for row in items).split()
    assert min(said.count(word) for word in ("one", "two", "six")) > len(said) / 3 - 80


def test_table_says_what_the_items_are(corpus: Corpus) -> None:
    joined = ConnectedDigits(corpus, 20)
    assert [(row["id"], row["text"], row["speaker"]) for row in joined.table] == [
        (item.id, item.text, item.speaker) for item in joined
    ]


def test_no_gap_at_all(corpus: Corpus) -> None:
    item = ConnectedDigits(corpus, 1, digits=(3, 3), gap_s=(0, 0))[0]
    assert item.words[0].start_s == 0
    assert item.words[0].end_s == item.words[1].start_s
    assert item.words[2].end_s == item.waveform.size / RATE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count must be a whole number of at least 1, got 0"),
        ({"count": 2.5}, "count .* got 2.5"),
        ({"digits": (0, 3)}, r"digits must start at 1 or more, got \(0, 3\)"),
        ({"digits": (5, 2)}, r"digits must be \(least, most\)"),
        ({"digits": 4}, r"digits must be \(least, most\), for instance \(2, 5\), got 4"),
        ({"digits": (1.0, 2.0)}, "digits must be"),
        ({"gap_s": (0.3, 0.1)}, "gap_s must be"),
        ({"gap_s": (-0.1, 0.1)}, "gap_s must be seconds from 0 on"),
        ({"gap_s": (0.0, float("inf"))}, "gap_s must be seconds from 0 on"),
        ({"gap_s": (0.0, float("nan"))}, "gap_s must be seconds from 0 on"),
        ({"gap_s": ("a", "b")}, "gap_s must be"),
        ({"seed": -1}, "seed must be a whole number, not negative, got -1"),
        ({"seed": 0.5}, "seed must be"),
    ],
)
def test_bad_arguments_are_refused(corpus: Corpus, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConnectedDigits(corpus, **{"count": 1, **options})


def test_corpora_that_cannot_be_joined_are_refused(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="constants is empty"):
        ConnectedDigits(corpus[:0], 1)
    row = {"id": "a", "file": "a.wav", "text": "one two", "speaker": "ann"}
    with pytest.raises(ValueError, match="a of pairs says 'one two'"):
        ConnectedDigits(Corpus("pairs", tmp_path, [row]), 1)
    with pytest.raises(IndexError, match="there are 5 utterances, no number 5"):
        ConnectedDigits(corpus, 5)[5]


def test_recordings_of_another_rate_are_named(tmp_path: Path) -> None:
    rows = []
    for name, rate in (("a", 8_000), ("b", 16_000)):
        soundfile.write(tmp_path / f"{name}.wav", np.full(400, 0.1), rate)
        rows.append({"id": name, "file": f"{name}.wav", "text": name, "speaker": "ann"})
    joined = ConnectedDigits(Corpus("mixed", tmp_path, rows), 1, digits=(9, 9))
    with pytest.raises(ValueError, match=r"[ab]\.wav: (8000|16000) Hz, the digit before"):
        joined[0]


def test_bundled_digits_are_joined() -> None:
    joined = ConnectedDigits(digits.load("test"), 3, seed=1)
    for item in joined:
        assert set(item.text.split()) <= set(digits.WORDS)
        first = item.words[0]
        sound = item.waveform[round(first.start_s * 8_000) : round(first.end_s * 8_000)]
        assert np.abs(sound).max() > 0.1


@pytest.mark.real_data
@pytest.mark.skipif(not fsdd.available(), reason="FSDD is not on this machine")
def test_recorded_digits_are_joined() -> None:
    joined = ConnectedDigits(fsdd.load(), 5)
    assert all(set(item.text.split()) <= set(digits.WORDS) for item in joined)
    assert all(item.sample_rate == 8_000 for item in joined)
