"""Pictures of one person's recordings: where speech lies, and what was read there."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_utils import features
from course_utils.plotting.base import BLUE, GREY, SKY, VERMILLION, new_axes, text_inches


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
    for row, found in enumerate(words.values()):
        free_from = [-np.inf, -np.inf]  # on the line at the box, and on the one further off
        for text, start, end, confidence in sorted(found, key=lambda word: word[1] + word[2]):
            middle = (start + end) / 2
            half = max(text_inches(text, 9), text_inches("0.00", 7)) / 2 + 0.03
            half *= len(x) / sample_rate / 7  # the axes are about 7 inches wide
            line = int(free_from[0] > middle - half and free_from[1] < free_from[0])
            free_from[line] = middle + half
            box = plt.Rectangle(
                (start, row - 0.13),
                end - start,
                0.2,
                fc=SKY,
                ec=BLUE,
                alpha=0.25 + 0.6 * confidence,
            )
            below.add_patch(box)
            word, note = row - 0.17 - 0.22 * line, row + 0.11 + 0.15 * line
            below.text(middle, word, text, ha="center", va="bottom", fontsize=9)
            place = {"ha": "center", "va": "top", "fontsize": 7, "color": GREY}
            below.text(middle, note, f"{confidence:.2f}", **place)
    below.set_yticks(range(rows), list(words))
    below.set(xlabel="time (s)", ylim=(rows - 0.5, -0.62), xlim=(0, len(x) / sample_rate))
    for ax in (above, below):
        ax.spines[["top", "right"]].set_visible(False)
    return above
