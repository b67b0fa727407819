import numpy as np
import pytest

from course_utils import signals
from course_utils.datasets import melodies
from course_utils.datasets.melodies import FREQUENCIES_HZ, NOTES, SAMPLE_RATE, Melodies


def test_a_melody_depends_on_its_seed_and_place_alone():
    one, other = Melodies(5, seed=3), Melodies(9, seed=3)
    assert one[4].text == other[4].text == one[-1].text
    np.testing.assert_array_equal(one[4].waveform, other[4].waveform)
    assert one[4].id == "3-000004"
    texts = {Melodies(5, seed=seed)[k].text for seed in range(4) for k in range(5)}
    assert len(texts) == 20


def test_what_is_written_is_what_lies_there():
    for melody in Melodies(30, notes=(1, 6), seed=1):
        assert melody.sample_rate == SAMPLE_RATE
        assert melody.waveform.dtype == np.float32
        assert np.abs(melody.waveform).max() < 1
        assert melody.text.split() == [word.text for word in melody.words]
        assert 1 <= len(melody.words) <= 6
        assert melody.speaker in melodies.INSTRUMENTS
        ends = [0.0]
        for word in melody.words:
            assert 0.029 < word.start_s - ends[-1] < 0.081
            ends.append(word.end_s)
            first, last = (round(t * SAMPLE_RATE) for t in word[1:])
            piece = melody.waveform[first:last]
            spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 2**14))
            loudest = np.argmax(spectrum) * SAMPLE_RATE / 2**14
            cents = 1200 * np.log2(loudest / FREQUENCIES_HZ[word.text])
            assert abs(cents) < 50
        assert ends[-1] < len(melody.waveform) / SAMPLE_RATE


def test_between_the_notes_it_is_quiet():
    melody = Melodies(1, notes=(8, 8), seed=2)[0]
    for before, after in zip(melody.words, melody.words[1:], strict=False):
        gap = slice(round(before.end_s * SAMPLE_RATE) + 1, round(after.start_s * SAMPLE_RATE))
        assert signals.rms(melody.waveform[gap]) < 0.003


def test_all_notes_instruments_and_lengths_come():
    drawn = [Melodies(200, notes=(2, 4), seed=5)[k] for k in range(200)]
    assert {word.text for melody in drawn for word in melody.words} == set(NOTES)
    assert {melody.speaker for melody in drawn} == set(melodies.INSTRUMENTS)
    assert {len(melody.words) for melody in drawn} == {2, 3, 4}


def test_the_notes_are_the_white_keys_from_c5():
    expected = [523.25, 587.33, 659.26, 698.46, 783.99, 880, 987.77, 1046.5]
    np.testing.assert_allclose(list(FREQUENCIES_HZ.values()), expected, atol=0.01)


def test_features_are_zero_in_silence_and_count_frames_every_20_ms():
    assert melodies.log_mel(np.zeros(1600, np.float32)).tolist() == np.zeros((11, 40)).tolist()
    melody = Melodies(1, seed=1)[0]
    values = melodies.log_mel(melody.waveform)
    assert values.shape == (1 + len(melody.waveform) // 160, melodies.N_MELS)
    assert values.dtype == np.float32
    assert values.min() == 0
    assert 1 < values.max() < 4
    middles = [int((w.start_s + w.end_s) / 2 / melodies.FRAME_S) for w in melody.words]
    assert values[middles].max(axis=1).min() > 0.8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "count must be a whole number"),
        ({"count": 2.5}, "count must be a whole number"),
        ({"count": 3, "seed": -1}, "seed must be a whole number"),
        ({"count": 3, "notes": (3, 2)}, r"notes must be \(least, most\)"),
        ({"count": 3, "notes": 4}, r"notes must be \(least, most\)"),
        ({"count": 3, "notes": (0, 4)}, r"notes must start at 1 or more, got \(0, 4\)"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Melodies(**arguments)


def test_there_is_no_melody_beyond_the_last():
    with pytest.raises(IndexError, match="there are 2 melodies, no number 2"):
        Melodies(2)[2]
    assert len(list(Melodies(2))) == 2
    assert repr(Melodies(2000, (2, 5), 7)) == "<2,000 melodies of 2 to 5 notes, seed 7>"
