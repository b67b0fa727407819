"""Pictures of one person's recordings: where speech lies, and what was read there."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_utils import features
from course_utils.plotting.base import BLUE, GREY, SKY, VERMILLION, new_axes


def speech(waveform: ArrayLike, sample_rate: int, ends_s: tuple[float, float]) -> Axes:
    """Draws a waveform and its level in pieces of 25 ms, and where the speech is said to lie.

    Args:
        waveform: (samples,), at least 25 ms.
        sample_rate: in Hz.
        ends_s: start and end of the speech in seconds.
    """
    x = np.asarray(waveform, dtype=np.float64)
    piece = round(0.025 * sample_rate)
    power = np.square(features.frame(x, piece, piece // 2)).mean(axis=1)
    above, below = new_axes(2, height=1.5)
    above.plot(np.arange(len(x)) / sample_rate, x, color=BLUE, lw=0.6)
    above.set_ylabel("amplitude")
    times = (np.arange(len(power)) * (piece // 2) + piece / 2) / sample_rate
    below.plot(times, 10 * np.log10(np.maximum(power, 1e-12)), color=BLUE, lw=1)
    below.set(xlabel="time (s)", ylabel="level (dB)", xlim=(0, len(x) / sample_rate))
    for ax in (above, below):
        ax.axvspan(*ends_s, color=SKY, alpha=0.25, lw=0)
        for end in ends_s:
            ax.axvline(end, color=VERMILLION, lw=1, ls="--")
    return above


def readings(
    waveform: ArrayLike, sample_rate: float, words: Mapping[str, Sequence[tuple]], said: str = ""
) -> Axes:
    """Draws a waveform, and below it what each of several readers wrote, word by word.

    Args:
        waveform: (samples,).
        sample_rate: in Hz.
        words: name of a reader to its words, each (text, start_s, end_s, confidence); where a word
            would run into the one before, it stands a line further from its box.
        said: what was said, above the picture.
    """
    x = np.asarray(waveform)
    rows = len(words)
    _, (above, below) = plt.subplots(
        2, 1, figsize=(8, 1.6 + 0.85 * rows), sharex=True, layout="constrained",
        height_ratios=[1.4, 0.85 * rows],
    )  # fmt: skip
    above.plot(np.arange(len(x)) / sample_rate, x, color=BLUE, lw=0.6)
    above.set_ylabel("amplitude")
    above.set_title(f"said: {said}" if said else "", loc="left", fontsize=10)
    letter_s = len(x) / sample_rate / 95  # of a label, about
    for row, found in enumerate(words.values()):
        taken = -np.inf
        for text, start, end, confidence in found:
            middle = (start + end) / 2
            half = max(1.8, len(text) / 2) * letter_s
            lift = 11 if middle - half < taken else 0  # points: two words at one place
            taken = max(taken, middle + half) if not lift else taken
            box = plt.Rectangle(
                (start, row - 0.13),
                end - start,
                0.2,
                fc=SKY,
                ec=BLUE,
                alpha=0.25 + 0.6 * confidence,
            )
            below.add_patch(box)
            at = {"ha": "center", "textcoords": "offset points"}
            above_box, under = (middle, row - 0.13), (middle, row + 0.07)
            below.annotate(text, above_box, (0, 2 + lift), va="bottom", fontsize=9, **at)
            note, look = f"{confidence:.2f}", {"fontsize": 7, "color": GREY}
            below.annotate(note, under, (0, -1 - 0.8 * lift), va="top", **look, **at)
    below.set_yticks(range(rows), list(words))
    below.set(xlabel="time (s)", ylim=(rows - 0.5, -0.7), xlim=(0, len(x) / sample_rate))
    for ax in (above, below):
        ax.spines[["top", "right"]].set_visible(False)
    return above
