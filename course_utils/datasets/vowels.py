"""Vowels as numbers and as sound: formants of ten English vowels, after published measurements.

Peterson and Barney (1952) measured 1,520 vowels: 33 men, 28 women and 15 children said ten words
twice each. Their table is distributed with Praat (menu New, Tables, "Create formant table
(Peterson & Barney 1952)"). From it come, computed for this file:

- `MEAN_HZ`, the geometric means by kind of speaker and word. The arithmetic means are within
  3 % of the averages that the paper prints in its Table II, rounded to 10 Hz;
- the spreads below: standard deviations of natural logarithms, 0.05 being about 5 %, pooled over
  the three kinds of speaker. What a speaker's formants have in common is the covariance of the
  speakers' means; what changes from take to take, half the squared difference of the two takes.

Ours, and not measured by anyone: that the logarithms are normal and their parts independent, and
as many men as women as children.

G. E. Peterson and H. L. Barney, "Control methods used in a study of the vowels", Journal of the
Acoustical Society of America 24, 1952, 175-184, https://doi.org/10.1121/1.1906875.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_utils import signals

WORDS = ("heed", "hid", "head", "had", "hod", "hawed", "hood", "who'd", "hud", "heard")
GROUPS = ("man", "woman", "child")

# F0, F1, F2, F3 in Hz: one row a word, one block a group.
MEAN_HZ = np.array(
    [
        [
            [135, 264, 2290, 2932],
            [134, 389, 1990, 2566],
            [127, 523, 1851, 2478],
            [124, 661, 1723, 2416],
            [123, 716, 1087, 2433],
            [126, 565, 828, 2394],
            [135, 434, 1016, 2240],
            [138, 303, 862, 2227],
            [127, 629, 1187, 2371],
            [132, 485, 1357, 1704],
        ],
        [
            [229, 307, 2779, 3304],
            [231, 438, 2469, 3060],
            [219, 603, 2330, 2995],
            [207, 855, 2041, 2827],
            [210, 859, 1225, 2775],
            [215, 580, 906, 2726],
            [233, 466, 1151, 2678],
            [232, 375, 945, 2659],
            [221, 755, 1404, 2763],
            [218, 499, 1631, 1964],
        ],
        [
            [267, 355, 3170, 3755],
            [268, 529, 2737, 3595],
            [257, 695, 2608, 3556],
            [247, 1006, 2323, 3348],
            [256, 1022, 1374, 3167],
            [257, 684, 1058, 3241],
            [271, 556, 1397, 3318],
            [276, 424, 1163, 3235],
            [260, 848, 1588, 3315],
            [261, 562, 1794, 2170],
        ],
    ],
    dtype=np.float64,
)
# Between speakers of a group: the vocal tract, longer or shorter, moves F1, F2 and F3 alike.
TRACT_SPREAD = 0.035
# A speaker's own way with each word, the same in all takes: of F1, F2, F3.
OWN_SPREAD = (0.105, 0.090, 0.064)
# From take to take: of F1, F2, F3.
TAKE_SPREAD = (0.068, 0.048, 0.036)
# F0: between speakers, and from take to take.
PITCH_SPREAD, PITCH_TAKE_SPREAD = 0.113, 0.056
# Widths of the resonances F1, F2, F3, and the share of a pulse that is left in the next sample.
BANDWIDTHS_HZ = (60.0, 90.0, 150.0)
SOURCE_POLE = 0.98


class Vowels(NamedTuple):
    """Spoken vowels, one row each.

    Attributes:
        formants_hz: F1, F2, F3 in Hz, float64 `(vowels, 3)`.
        f0_hz: pitch in Hz, float64 `(vowels,)`.
        labels: index into `words`, int64 `(vowels,)`.
        speakers: number of the speaker, int64 `(vowels,)`; splits must not share speakers.
        groups: index into `GROUPS`, int64 `(vowels,)`.
        words: names of the labels.
    """

    formants_hz: np.ndarray
    f0_hz: np.ndarray
    labels: np.ndarray
    speakers: np.ndarray
    groups: np.ndarray
    words: tuple[str, ...]

    def where(self, mask: ArrayLike) -> "Vowels":
        """The rows for which `mask`, bool `(vowels,)`, is True."""
        return Vowels(*(column[np.asarray(mask)] for column in self[:-1]), self.words)


def draw(
    speakers: int, takes: int = 2, words: Sequence[str] = WORDS, seed: int = 0, first: int = 0
) -> Vowels:
    """Speakers at random, who say each word some times.

    A speaker is drawn first, then what the speaker says: log F = log mean + vocal tract + own way
    with the word + take. Speaker 0 is a man, 1 a woman, 2 a child, 3 a man, and so on.

    Args:
        speakers: how many, >= 1.
        takes: how often each says each word, >= 1.
        words: some of `WORDS`; labels count in their order.
        seed: the same seed draws the same speakers.
        first: number of the first speaker, for speakers that no other draw of this seed has.

    Returns:
        speakers x words x takes rows, speaker by speaker.

    Raises:
        ValueError: a count is below 1, or a word is not one of `WORDS`.
    """
    for name, count in (("speakers", speakers), ("takes", takes)):
        if count < 1:
            raise ValueError(f"{name} must be 1 or more, got {count}")
    if unknown := [word for word in words if word not in WORDS]:
        raise ValueError(f"{unknown[0]!r} is not one of the words: {', '.join(WORDS)}")
    said = [WORDS.index(word) for word in words]
    columns: list[list] = [[], [], [], [], []]
    for speaker in range(first, first + speakers):
        rng = np.random.default_rng([seed, speaker])
        group = speaker % len(GROUPS)
        tract, pitch = rng.normal(0, (TRACT_SPREAD, PITCH_SPREAD))
        own = rng.normal(0, OWN_SPREAD, (len(WORDS), 3))[said]
        shape = (len(said), takes)
        shift = tract + own[:, None] + rng.normal(0, TAKE_SPREAD, (*shape, 3))
        pitches = pitch + rng.normal(0, PITCH_TAKE_SPREAD, shape)
        mean = MEAN_HZ[group, said]
        columns[0].append((mean[:, None, 1:] * np.exp(shift)).reshape(-1, 3))
        columns[1].append((mean[:, None, 0] * np.exp(pitches)).ravel())
        columns[2].append(np.repeat(np.arange(len(said)), takes))
        columns[3].append(np.full(len(said) * takes, speaker))
        columns[4].append(np.full(len(said) * takes, group))
    return Vowels(*(np.concatenate(column) for column in columns), tuple(words))


def synthesise(
    f0_hz: float,
    formants_hz: ArrayLike,
    duration_s: float = 0.5,
    sample_rate: int = signals.SAMPLE_RATE,
) -> np.ndarray:
    """A vowel from its formants: pulses of the vocal folds through one resonance for each.

    The pulses lose 6 dB an octave, which is what the folds (-12) and the lips (+6) do together. The
    pitch falls by a tenth on the way, as in a word said by itself.

    Args:
        f0_hz: pitch in the middle, in Hz.
        formants_hz: F1, F2, F3, or the first one or two of them, in Hz.
        duration_s: in seconds, > 0.02.
        sample_rate: in Hz, more than twice the highest formant.

    Returns:
        Waveform, float32 `(samples,)`, peak 0.5.

    Raises:
        ValueError: a frequency is not between 0 and half the sample rate.

    Source: the cascade of resonators of Klatt, 1980, https://doi.org/10.1121/1.383940. The widths
    are round numbers of ours.
    """
    from scipy.signal import lfilter  # only here: the package stays quick to import

    if not 0 < f0_hz < sample_rate / 2:
        raise ValueError(f"f0_hz must be between 0 and {sample_rate / 2:g} Hz, got {f0_hz}")
    times_s = signals.time_axis(duration_s, sample_rate)
    pitch = f0_hz * (1.05 - 0.1 * times_s / duration_s)
    turns = np.cumsum(pitch) / sample_rate
    wave = np.diff(np.floor(turns), prepend=0.0)
    wave = lfilter([1 - SOURCE_POLE], [1, -SOURCE_POLE], wave)
    for frequency_hz, bandwidth_hz in zip(formants_hz, BANDWIDTHS_HZ, strict=False):
        wave = signals.resonator(wave, float(frequency_hz), bandwidth_hz, sample_rate)
    wave = signals.fade(wave - np.mean(wave), sample_rate, 0.02)
    return (0.5 * wave / np.abs(wave).max()).astype(np.float32)
