import numpy as np
import pytest

from course_utils import audio
from course_utils.datasets import commands, familiar
from course_utils.recipes import pretrained, reading

TEXT = "call five nine six seven six"


@pytest.fixture(scope="module")
def clip():
    return familiar.clips()["command"]


@pytest.fixture(scope="module")
def readers():
    ds2, las = (pretrained.load(name) for name in ("deepspeech2-commands", "las-commands"))
    sentences = [row["text"] for row in commands.load("train").table]
    return {
        "letters": reading.reader(ds2),
        "with words": reading.reader(ds2, sentences),
        "speller": reading.reader(las),
    }


@pytest.mark.parametrize("name", ["letters", "with words", "speller"])
def test_a_reading_holds_text_words_and_alternatives(readers, clip, name):
    found = readers[name](clip.waveform, clip.sample_rate)
    assert found.text == clip.text == TEXT
    assert [word.text for word in found.words] == TEXT.split()
    middles = [(word.start_s + word.end_s) / 2 for word in found.words]
    assert middles == sorted(middles)
    for word in found.words:
        assert 0 <= word.start_s < word.end_s <= len(clip.waveform) / clip.sample_rate
        assert 0.5 < word.confidence <= 1
    shares = [share for _, share in found.nbest]
    assert found.nbest[0][0] == TEXT and 1 < len(shares) <= 5
    assert shares == sorted(shares, reverse=True) and 0.5 < sum(shares) <= 1 + 1e-9
    assert len({text for text, _ in found.nbest}) == len(shares)


@pytest.mark.parametrize("name", ["letters", "with words", "speller"])
def test_words_move_with_the_sound(readers, clip, name):
    rate = clip.sample_rate
    floor = 1e-4 * np.random.default_rng(0).normal(size=rate // 5).astype(np.float32)
    later = readers[name](np.concatenate([floor, clip.waveform]), rate)
    now = readers[name](clip.waveform, rate)
    assert later.text == now.text
    moved = [b.end_s - a.end_s for a, b in zip(now.words, later.words, strict=True)]
    np.testing.assert_allclose(moved, 0.2, atol=0.1)


def test_words_lie_where_they_are_said(readers):
    digits = familiar.clips()["digits"]
    found = {w.text: w for w in readers["with words"](digits.waveform, digits.sample_rate).words}
    for word in digits.words[-2:]:  # "eight four", which it gets right
        middle = (found[word.text].start_s + found[word.text].end_s) / 2
        assert word.start_s < middle < word.end_s


def test_another_rate_is_resampled(readers, clip):
    twice = audio.resample(clip.waveform, clip.sample_rate, 2 * clip.sample_rate)
    for read in readers.values():
        assert read(twice, 2 * clip.sample_rate).text == TEXT


def test_confidence_is_the_share_of_texts_with_that_word_there():
    texts = {"stop the music": 0.6, "stop music": 0.3, "drop the music now": 0.1}
    assert reading.confidences("stop the music", texts) == pytest.approx([0.9, 0.7, 1.0])
    assert reading.confidences("", {"": 1.0}) == []


def test_texts_that_differ_in_spaces_only_are_one():
    from course_utils.datasets.text import Alphabet
    from course_utils.decoding import Hypothesis

    alphabet = Alphabet(" ab")
    found = [Hypothesis([2, 1, 3], -1.0), Hypothesis([2, 1, 1, 3], -1.0), Hypothesis([2], -1.0)]
    spans = [(0.1, 0.2), (0.2, 0.3), (0.3, 0.9)]
    got = reading._reading(found, spans, alphabet, 0.5, top=5)
    assert got.nbest == [("a b", pytest.approx(2 / 3)), ("a", pytest.approx(1 / 3))]
    assert got.words[0] == ("a", 0.1, 0.2, pytest.approx(1.0))
    assert got.words[1] == ("b", 0.3, 0.5, pytest.approx(2 / 3))  # no later than the sound's end


def test_without_a_sentence_in_the_beam_it_reads_greedily(readers, clip, monkeypatch):
    monkeypatch.setattr(reading.decoding, "prefix_beam_search", lambda *a, **k: [])
    found = readers["with words"](clip.waveform, clip.sample_rate)
    assert found.text == TEXT and found.nbest == [(TEXT, 1.0)]


def test_what_cannot_be_read_is_refused(readers):
    for read in readers.values():
        with pytest.raises(ValueError, match="silent"):
            read(np.zeros(8000, np.float32), 8000)
        with pytest.raises(ValueError, match="too long"):
            read(np.ones(8000 * 61, np.float32), 8000)
    with pytest.raises(ValueError, match="a speller knows its texts"):
        reading.reader(pretrained.load("las-commands"), ["stop"])
    with pytest.raises(ValueError, match="top must be a whole number of at least 1, got 0"):
        reading.reader(pretrained.load("las-commands"), top=0)
    with pytest.raises(ValueError, match="not in the alphabet"):
        reading.reader(pretrained.load("deepspeech2-commands"), ["stop at 5"])
