"""Pictures of recurrence: a network unrolled, an LSTM's cell, a detector on a stream."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_utils.datasets.items import Word
from course_utils.plotting.base import (
    BLUE,
    CURVE_STYLES,
    GREEN,
    GREY,
    ORANGE,
    SKY,
    VERMILLION,
    new_axes,
)


def unrolled(steps: int = 4) -> Axes:
    """Draws a recurrent network as a loop, and unrolled over time with the gradient's way back."""
    _, ax = plt.subplots(figsize=(8.5, 2.6), layout="constrained")
    arrow = {"arrowstyle": "-|>", "lw": 1.4, "color": "black"}

    def box(x: float, y: float, text: str, color: str) -> None:
        frame = {"boxstyle": "round,pad=0.35", "facecolor": color + "33", "edgecolor": color}
        ax.text(x, y, text, ha="center", va="center", fontsize=11, bbox=frame)

    def column(x: float, name: str) -> None:
        box(x, 0, f"$x_{{{name}}}$", GREY)
        box(x, 1, f"$h_{{{name}}}$", BLUE)
        ax.annotate("", (x, 0.78), (x, 0.22), arrowprops=arrow)
        ax.text(x + 0.06, 0.5, "W", va="center", fontsize=9)

    column(0, "t")
    loop = {**arrow, "connectionstyle": "arc3,rad=2.6"}
    ax.annotate("", (-0.12, 1.2), (0.12, 1.2), arrowprops=loop)
    ax.text(0, 1.62, "U", ha="center", fontsize=9)
    ax.text(0.55, 0.35, "=", fontsize=16, ha="center", va="center")
    for t in range(steps):
        x = 1.7 + 1.15 * t
        column(x, str(t + 1))
        ax.annotate("", (x - 0.22, 1), (x - 0.93, 1), arrowprops=arrow)
        ax.text(x - 0.57, 1.08, "U", ha="center", fontsize=9)
        back = {**arrow, "color": VERMILLION, "linestyle": "--", "connectionstyle": "arc3,rad=0.3"}
        ax.annotate("", (x - 0.95, 0.86), (x - 0.2, 0.86), arrowprops=back)
    end = 1.7 + 1.15 * steps
    ax.annotate("", (end - 0.3, 1), (end - 0.93, 1), arrowprops=arrow)
    ax.annotate("", (end - 0.95, 0.86), (end - 0.3, 0.86), arrowprops=back)
    ax.text(1.7 - 1.05, 1, "$h_0$", ha="center", va="center", fontsize=11)
    box(end, 1, "loss", VERMILLION)
    ax.text(end, 0.55, "dashed: the\ngradient's way", ha="center", va="center", fontsize=8)
    ax.set(xlim=(-0.6, end + 0.6), ylim=(-0.4, 1.9))
    ax.axis("off")
    return ax


def lstm_cell() -> Axes:
    """Draws one step of an LSTM: the cell passes above, the gates below act on it."""
    _, ax = plt.subplots(figsize=(7.5, 3.3), layout="constrained")
    arrow = {"arrowstyle": "-|>", "lw": 1.4, "color": "black"}

    def go(start: tuple[float, float], end: tuple[float, float], color: str = "black") -> None:
        ax.annotate(
            "", end, start, arrowprops={**arrow, "color": color, "shrinkA": 0, "shrinkB": 0}
        )

    def node(x: float, y: float, text: str) -> None:
        ax.plot(x, y, "o", ms=21, mfc="white", mec="black", zorder=3)
        ax.text(x, y, text, ha="center", va="center", fontsize=12, zorder=4)

    gates = {"f": (1.5, VERMILLION, "σ"), "i": (2.6, GREEN, "σ"), "g": (3.5, BLUE, "tanh")}
    gates["o"] = (4.9, ORANGE, "σ")
    for name, (x, color, bend) in gates.items():
        frame = {"boxstyle": "round,pad=0.3", "facecolor": color + "33", "edgecolor": color}
        text = f"${name}$\n{bend}"
        ax.text(x, 0.7, text, ha="center", va="center", fontsize=10, bbox=frame, zorder=3)
        go((x, 0.08), (x, 0.4))
    ax.plot([0.3, 4.9], [0.08, 0.08], color="black", lw=1.4)
    ax.text(0.2, 0.08, "$x_t,\\ h_{t-1}$", ha="right", va="center", fontsize=11)
    node(1.5, 2.5, "×")
    node(3.05, 2.5, "+")
    node(3.05, 1.6, "×")
    node(5.6, 1.6, "×")
    go((0.3, 2.5), (1.32, 2.5), BLUE)
    go((1.68, 2.5), (2.87, 2.5), BLUE)
    go((3.23, 2.5), (6.6, 2.5), BLUE)
    ax.text(0.2, 2.5, "$c_{t-1}$", ha="right", va="center", fontsize=12)
    ax.text(6.7, 2.5, "$c_t$", va="center", fontsize=12)
    go((1.5, 1.02), (1.5, 2.28))
    go((2.6, 1.02), (2.95, 1.42))
    go((3.5, 1.02), (3.15, 1.42))
    go((3.05, 1.8), (3.05, 2.28))
    go((4.9, 1.02), (5.44, 1.48))
    go((5.6, 2.5), (5.6, 1.82))
    ax.text(5.68, 2.12, "tanh", fontsize=9)
    go((5.78, 1.6), (6.6, 1.6))
    ax.text(6.7, 1.6, "$h_t$", va="center", fontsize=12)
    for x, y, text in ((1.58, 1.6, "keep"), (3.13, 2.02, "write"), (4.62, 1.3, "show")):
        ax.text(x, y, text, fontsize=9, color=GREY)
    ax.set(xlim=(-0.6, 7.2), ylim=(-0.2, 2.95))
    ax.axis("off")
    return ax


def stream(
    features: ArrayLike,
    probability: ArrayLike,
    hop_s: float,
    threshold: float,
    alarms_s: Sequence[float],
    words: Sequence[Word] = (),
    keyword: str = "",
) -> Axes:
    """Draws what a detector reads and what it says over time, with its alarms.

    Args:
        features: (frames, bands).
        probability: (frames,).
        hop_s: seconds from frame to frame.
        threshold: drawn as a line.
        alarms_s: when it raised an alarm, in seconds.
        words: named above the picture, where they are known.
        keyword: the word that is looked for is marked.
    """
    above, below = new_axes(rows=2, height=1.7)
    features, times = np.asarray(features), np.arange(len(probability)) * hop_s
    extent = (-hop_s / 2, times[-1] + hop_s / 2, -0.5, features.shape[1] - 0.5)
    above.imshow(features.T, origin="lower", aspect="auto", cmap="magma", extent=extent)
    above.set_ylabel("mel band")
    for word in words:
        middle = (word.start_s + word.end_s) / 2
        weight = "bold" if word.text == keyword else "normal"
        above.text(middle, features.shape[1], word.text, ha="center", va="bottom", weight=weight)
        if word.text == keyword:
            below.axvspan(word.start_s, word.end_s, color=SKY, alpha=0.4, lw=0)
    below.plot(times, probability, color=BLUE)
    below.axhline(threshold, color=GREY, ls="--", lw=1)
    for alarm in alarms_s:
        below.axvline(alarm, color=VERMILLION, lw=1.5)
        below.plot(alarm, 1.08, "v", color=VERMILLION, ms=9, clip_on=False)
    below.set(xlabel="time (s)", ylabel="probability", ylim=(-0.03, 1.08), xlim=extent[:2])
    return above


def operating_curves(curves: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Axes:
    """Draws misses against false alarms an hour, a curve for each name, a point a threshold.

    Args:
        curves: name to (false alarms an hour, misses in percent), each (thresholds,).
    """
    ax = new_axes(height=3.4)
    for (name, (alarms, misses)), (color, style, marker) in zip(
        curves.items(), cycle(CURVE_STYLES), strict=False
    ):
        ax.plot(alarms, misses, style, color=color, marker=marker, ms=4, label=name)
    # From 0 to 10 in even steps, above in ratios: both "none" and "a thousand" have a place.
    ax.set_xscale("symlog", linthresh=10)
    ax.set(xlabel="false alarms an hour", ylabel="missed keywords (%)", xlim=(-1, None))
    ax.set_ylim(-3, 103)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    return ax
