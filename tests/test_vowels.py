"""The drawn vowels have the means and spreads that are written down, and sound as they are said."""

import numpy as np
import pytest

from course_utils.datasets import vowels


def test_the_table_has_the_order_that_vowels_have():
    """Front vowels have a high F2, open ones a high F1, short vocal tracts have all higher."""
    assert vowels.MEAN_HZ.shape == (3, 10, 4)
    assert (np.diff(vowels.MEAN_HZ[:, :, 1:], axis=2) > 0).all()
    assert (np.diff(vowels.MEAN_HZ[:, :, [0, 2, 3]], axis=0) > 0).all()
    at = {word: vowels.MEAN_HZ[0, i] for i, word in enumerate(vowels.WORDS)}
    assert at["heed"][2] == max(row[2] for row in at.values())
    assert at["hod"][1] == max(row[1] for row in at.values())
    assert at["heard"][3] == min(row[3] for row in at.values())


def test_the_printed_averages_are_within_three_percent():
    """Peterson and Barney's Table II, men's F1 and F2 of some words."""
    printed = {"heed": (270, 2290), "had": (660, 1720), "hod": (730, 1090), "who'd": (300, 870)}
    for word, expected in printed.items():
        found = vowels.MEAN_HZ[0, vowels.WORDS.index(word), 1:3]
        np.testing.assert_allclose(found, expected, rtol=0.03)


def test_as_many_rows_as_asked_for_speaker_by_speaker():
    drawn = vowels.draw(4, takes=3, words=("had", "hod"), seed=1)
    assert drawn.words == ("had", "hod")
    assert drawn.formants_hz.shape == (24, 3)
    assert drawn.labels.tolist() == [0, 0, 0, 1, 1, 1] * 4
    assert drawn.speakers.tolist() == [s for s in range(4) for _ in range(6)]
    assert drawn.groups.tolist() == [s % 3 for s in range(4) for _ in range(6)]
    some = drawn.where(drawn.labels == 1)
    assert len(some.f0_hz) == 12
    assert some.words == drawn.words


def test_the_same_speaker_is_drawn_again_alone_and_with_other_words():
    everyone = vowels.draw(5, seed=3)
    third = vowels.draw(1, seed=3, first=3)
    np.testing.assert_array_equal(
        everyone.where(everyone.speakers == 3).formants_hz, third.formants_hz
    )
    assert not np.array_equal(vowels.draw(5, seed=4).f0_hz, everyone.f0_hz)


def test_the_spreads_are_those_that_are_written_down():
    drawn = vowels.draw(1500, takes=2, seed=5)
    log = np.log(drawn.formants_hz).reshape(1500, 10, 2, 3)
    group = drawn.groups.reshape(1500, -1)[:, 0]
    log = log - np.log(vowels.MEAN_HZ[group, :, 1:])[:, :, None]
    assert np.abs(log.mean(axis=(0, 2))).max() < 0.015
    take = (log[:, :, 0] - log[:, :, 1]).std(axis=(0, 1)) / np.sqrt(2)
    np.testing.assert_allclose(take, vowels.TAKE_SPREAD, rtol=0.05)
    of_speakers = log.mean(axis=(1, 2))
    common = np.cov(of_speakers.T)[np.triu_indices(3, 1)].mean()
    assert np.sqrt(common) == pytest.approx(vowels.TRACT_SPREAD, rel=0.08)
    # One speaker's value of one word, against all speakers' mean of it.
    own = log.mean(axis=2).var(axis=0).mean(axis=0) - np.square(vowels.TAKE_SPREAD) / 2
    expected = np.square(vowels.OWN_SPREAD) + vowels.TRACT_SPREAD**2
    np.testing.assert_allclose(own, expected, rtol=0.08)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"speakers": 0}, "speakers must be 1 or more, got 0"),
        ({"speakers": 2, "takes": 0}, "takes must be 1 or more"),
        ({"speakers": 2, "words": ("had", "hat")}, "'hat' is not one of the words: heed"),
    ],
)
def test_what_cannot_be_drawn_is_said(arguments, problem):
    with pytest.raises(ValueError, match=problem):
        vowels.draw(**arguments)


@pytest.mark.parametrize("group", range(3))
@pytest.mark.parametrize("word", range(10))
def test_a_synthetic_vowel_has_its_resonances(group, word):
    """From one pitch-wide band to the next, its level follows the resonances on paper."""
    rate, (f0, *formants) = 16_000, vowels.MEAN_HZ[group, word]
    sound = vowels.synthesise(f0, formants, sample_rate=rate)
    assert sound.dtype == np.float32
    assert np.abs(sound).max() == pytest.approx(0.5)
    assert len(sound) == rate // 2
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / rate)
    z = np.exp(2j * np.pi * frequency / rate)
    response = 1 / (1 - vowels.SOURCE_POLE / z)
    for formant, bandwidth in zip(formants, vowels.BANDWIDTHS_HZ, strict=True):
        pole = np.exp(np.pi * (-bandwidth + 2j * formant) / rate)
        response = response / ((1 - pole / z) * (1 - pole.conj() / z))
    bands = (frequency / f0 - 0.5).astype(int)
    inside = (frequency > 0.5 * f0) & (frequency < 4000)
    count = np.bincount(bands[inside])
    levels = [
        10 * np.log10(np.bincount(bands[inside], weights=p[inside]) / count)[:-1]
        for p in (power, np.abs(response) ** 2)
    ]
    assert np.corrcoef(levels)[0, 1] > 0.97
    other = vowels.synthesise(f0, formants[::-1][:2], sample_rate=rate)
    assert not np.allclose(other, sound)


def test_a_pitch_that_cannot_be_is_said():
    with pytest.raises(ValueError, match="f0_hz must be between 0 and 11025 Hz, got 0"):
        vowels.synthesise(0, (500, 1500))
