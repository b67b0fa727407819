"""Pictures of recognisers: their parts, what is in them over time, when each word was written."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import ArrayLike

from course_utils.datasets.items import Word
from course_utils.plotting.base import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SKY,
    VERMILLION,
    lines,
    new_axes,
)

PARTS = {"input": SKY, "convolution": ORANGE, "recurrent": GREEN, "linear": BLUE}


def architectures(models: Mapping[str, Sequence[tuple[str, str]]]) -> Axes:
    """Draws models as stacks of boxes side by side, what comes in at the bottom.

    Args:
        models: title to its parts from the input up, each (kind, text); the kind is "input",
            "convolution", "recurrent", "linear", or "" for what comes out.
    """
    highest = max(map(len, models.values()))
    _, axes = plt.subplots(
        1, len(models), figsize=(8, 0.7 + 0.34 * highest), layout="constrained", squeeze=False
    )
    for ax, (title, parts) in zip(axes[0], models.items(), strict=True):
        for row, (kind, text) in enumerate(parts):
            if kind:
                box = (0.04, row + 0.1)
                ax.add_patch(plt.Rectangle(box, 0.92, 0.74, fc=PARTS[kind] + "40", ec=PARTS[kind]))
            ax.text(0.5, row + 0.47, text, ha="center", va="center", fontsize=9)
            if row:
                tail = {"arrowstyle": "-|>", "lw": 0.8, "color": GREY, "shrinkA": 0, "shrinkB": 0}
                ax.annotate("", (0.5, row + 0.12), (0.5, row - 0.18), arrowprops=tail)
        ax.set(xlim=(0, 1), ylim=(0, highest))
        ax.set_title(title, fontsize=10)
        ax.axis("off")
    return axes[0, 0]


def layers(pictures: Mapping[str, tuple[ArrayLike, float]]) -> Axes:
    """Draws what is in the layers of a network, one below the other over the same seconds.

    Args:
        pictures: title to (values, step_s): values (steps, numbers), drawn from the least to the
            largest of the picture; step t is centred on t · step_s.
    """
    axes = np.atleast_1d(new_axes(rows=len(pictures), height=1.5))
    for ax, (title, (values, step_s)) in zip(axes, pictures.items(), strict=True):
        values = np.asarray(values)
        extent = (-step_s / 2, (len(values) - 0.5) * step_s, -0.5, values.shape[1] - 0.5)
        ax.imshow(
            values.T, origin="lower", aspect="auto", cmap="magma", extent=extent,
            interpolation="none",
        )  # fmt: skip
        ax.set_title(title, loc="left", fontsize=10)
        ax.set_ylabel("number")
    axes[-1].set(xlabel="time (s)", xlim=(0, max(len(v) * s for v, s in pictures.values())))
    return axes[0]


def written_when(
    waveform: ArrayLike, sample_rate: float, words: Sequence[Word], written: Sequence[float]
) -> Axes:
    """Draws a waveform with its words, and when a recogniser that listens wrote each of them.

    Args:
        waveform: (samples,).
        sample_rate: in Hz.
        words: where they truly lie: shaded, and named.
        written: when each was written, in seconds from the start of the sound.
    """
    x = np.asarray(waveform)
    _, (above, below) = plt.subplots(
        2,
        1,
        figsize=(8, 1.9 + 0.27 * len(words)),
        sharex=True,
        layout="constrained",
        height_ratios=[1.2, 0.3 * len(words)],
    )
    above.plot(np.arange(len(x)) / sample_rate, x, color=BLUE, lw=0.6)
    above.set_ylabel("amplitude")
    for row, (word, second) in enumerate(zip(words, written, strict=True)):
        for ax in (above, below):
            ax.axvspan(word.start_s, word.end_s, color=SKY, alpha=0.25, lw=0)
        below.plot([word.end_s, second], [row, row], color=GREY, lw=1.2)
        below.plot(second, row, "D", color=VERMILLION, ms=6)
        late = 1000 * (second - word.end_s)
        note = f"   {word.text}, {late:+.0f} ms"
        below.text(max(second, word.end_s), row, note, va="center", fontsize=9)
    last = max([len(x) / sample_rate, *written])
    below.set(xlabel="time (s)", yticks=[], ylim=(len(words) - 0.5, -0.5), xlim=(0, 1.2 * last))
    for ax in (above, below):
        ax.spines[["top", "right"]].set_visible(False)
    return above


def waiting(frame_ms: float, hop_ms: float, taps: int, stride: int, lookahead: int) -> Axes:
    """Draws what a row of a model that streams waits for: its own sound, and that of later rows.

    Args:
        frame_ms: length of a frame.
        hop_ms: from the beginning of a frame to that of the next.
        taps: frames that the convolution spans, an odd number.
        stride: frames from a row to the next.
        lookahead: later rows that the lookahead convolution takes.
    """
    ax = new_axes(height=1.0 + 0.3 * (lookahead + 1))
    half = (taps - 1) // 2 * hop_ms
    for j in range(lookahead + 1):
        start = j * stride * hop_ms
        ax.barh(j, 2 * half + frame_ms, left=start - half, color=SKY, alpha=0.45, height=0.6)
        ax.barh(j, frame_ms, left=start, color=BLUE, height=0.6)
    end = lookahead * stride * hop_ms + half + frame_ms
    for x, name in ((0, "the row's frame begins"), (end, f"written: {end:g} ms")):
        ax.axvline(x, color=VERMILLION, ls="--", lw=1.2)
        ax.text(x, -0.75, name, ha="center", va="bottom", fontsize=9)
    names = ["the row"] + [f"row + {j}" for j in range(1, lookahead + 1)]
    ax.set_yticks(range(lookahead + 1), names)
    ax.set(xlabel="time (ms)", ylim=(lookahead + 0.6, -0.7), xlim=(-1.3 * half - 20, 1.12 * end))
    return ax


def scaling(amounts: ArrayLike, curves: Mapping[str, ArrayLike], xlabel: str, ylabel: str) -> Axes:
    """Draws what more of something brings, both axes logarithmic, with plain numbers on them.

    Args:
        amounts: (points,), for instance hours of data.
        curves: name to (points,) values.
        xlabel: name and unit of the amounts.
        ylabel: name and unit of the values.
    """
    ax = lines(amounts, dict(curves), xlabel, ylabel)
    ax.set(xscale="log", yscale="log")
    for axis, base in ((ax.xaxis, 10), (ax.yaxis, 2)):
        axis.set_major_locator(LogLocator(base=base))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    return ax
