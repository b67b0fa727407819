"""Pictures of a speller: its pyramid, where it looked, how much was read, its kinds of errors."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from numpy.typing import ArrayLike

from course_utils.datasets.items import Word
from course_utils.plotting.base import BLUE, GREEN, GREY, ORANGE, SKY, VERMILLION, new_axes

MOST_ROWS = 40  # with more than these, only the first letter of a word has its name beside it
SPACE = "␣"  # as `Alphabet.names` writes it
READ = 0.5  # drawn as a line: the search counts a place whose weights sum to more as read


def pyramid(frames: int, levels: int) -> Axes:
    """Draws frames that are joined in pairs, level by level, the first level at the bottom.

    Args:
        frames: how many there are at the bottom.
        levels: how often they are halved; a frame without a partner gets zeros, drawn hatched.
    """
    _, ax = plt.subplots(figsize=(8, 0.8 + 0.62 * (levels + 1)), layout="constrained")
    width = 1
    names = []
    for level in range(levels + 1):
        missing = frames % 2 if level < levels else 0
        for number in range(frames + missing):
            real = number < frames
            box = plt.Rectangle(
                (number * width + 0.06, level + 0.12),
                width - 0.12,
                0.6,
                fc=SKY if real else "white",
                ec=BLUE if real else GREY,
                hatch=None if real else "///",
            )
            ax.add_patch(box)
            if level < levels:
                x = (number + 0.5) * width
                ax.plot([x, (number // 2 + 0.5) * 2 * width], [level + 0.72, level + 1.12], c=GREY)
        names.append(f"{frames} of width {width}")
        frames, width = (frames + 1) // 2, 2 * width
    ax.set_yticks(np.arange(levels + 1) + 0.42, names)
    ax.set(ylim=(0, levels + 0.85), xticks=[], xlabel="time")
    ax.autoscale(axis="x")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(length=0)
    return ax


def looks(
    weights: ArrayLike,
    tokens: Sequence[str],
    place_s: float,
    words: Sequence[Word] = (),
    title: str = "",
) -> Axes:
    """Draws where a speller looked for each token, and below it how much each place was read.

    A weight of 1 is black in every picture, one of 1/4 half as dark: pictures can be compared.

    Args:
        weights: (tokens, places).
        tokens: what was written, from the top: words, or letters with "␣" between words.
        place_s: seconds of a place; place j lasts from j to j + 1 times that.
        words: what is in the sound, named above it, with lines where each begins and ends.
        title: above the picture, on the left; broken into lines where it is too long.
    """
    weights = np.asarray(weights)
    height = min(6.5, 0.7 + 0.17 * len(weights))
    _, (ax, below) = plt.subplots(
        2,
        1,
        figsize=(8, height + 1.3),
        height_ratios=[height, 0.75],
        sharex=True,
        layout="constrained",
    )
    end_s = weights.shape[1] * place_s
    extent = (0, end_s, len(weights) - 0.5, -0.5)
    shade = PowerNorm(0.5, 0, 1)
    ax.imshow(weights, aspect="auto", cmap="Greys", extent=extent, norm=shade, interpolation="none")
    rows, names = _row_names(tokens)
    ax.set_yticks(rows, names, fontsize=8)
    ax.set_ylabel("written")
    ax.set_title(fill(title, 90), loc="left", fontsize=10, pad=18 if words else 6)
    for word in words:
        middle = (word.start_s + word.end_s) / 2
        ax.annotate(
            word.text,
            (middle, 1.02),
            xycoords=ax.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=9,
        )
        for edge in (word.start_s, word.end_s):
            ax.axvline(edge, color=VERMILLION, lw=0.8, ls=":")
    total = weights.sum(axis=0)
    below.bar(np.arange(weights.shape[1]) * place_s, total, place_s, align="edge", color=BLUE)
    below.axhline(READ, color=GREY, lw=1, ls="--")
    below.set(xlabel="time (s)", ylabel="read", xlim=(0, end_s), ylim=(0, None))
    below.spines[["top", "right"]].set_visible(False)
    return ax


def _row_names(tokens: Sequence[str]) -> tuple[list[int], list[str]]:
    """Rows that get a name, and the names: all, or the first letter of each word."""
    if len(tokens) <= MOST_ROWS:
        return list(range(len(tokens))), list(tokens)
    if SPACE not in tokens:
        step = -(-len(tokens) // MOST_ROWS)
        return list(range(0, len(tokens), step)), list(tokens[::step])
    rows, names, row = [], [], 0
    for is_space, group in groupby(tokens, key=lambda token: token == SPACE):
        letters = list(group)
        if not is_space:
            rows.append(row)
            names.append("".join(letters))
        row += len(letters)
    return rows, names


def error_kinds(kinds: Mapping[str, Mapping[str, float]], xlabel: str = "errors (%)") -> Axes:
    """Draws for each system a bar of its errors, divided into kinds by colour, hatch and number.

    Args:
        kinds: name of a system to {kind of error: share of the right words}; the same kinds each.
        xlabel: what the length of a bar is.
    """
    ax = new_axes(height=1.1 + 0.36 * len(kinds))
    names = list(next(iter(kinds.values())))
    styles = zip((SKY, ORANGE, GREEN, GREY), ("", "//", "xx", ".."), strict=True)
    for (kind, (color, hatch)), left in zip(
        zip(names, styles, strict=False),
        np.cumsum([[0] + [k[n] for n in names[:-1]] for k in kinds.values()], axis=1).T,
        strict=True,
    ):
        share = 100 * np.array([found[kind] for found in kinds.values()])
        ax.barh(
            range(len(kinds)), share, left=100 * left, color=color, hatch=hatch, ec="white",
            height=0.65, label=kind,
        )  # fmt: skip
    total = [100 * sum(found.values()) for found in kinds.values()]
    for row, end in enumerate(total):
        ax.text(end, row, f" {end:.1f}", va="center", fontsize=9)
    ax.set_yticks(range(len(kinds)), list(kinds))
    ax.invert_yaxis()
    ax.set(xlabel=xlabel, xlim=(0, 1.12 * max(total) or 1))
    ax.legend(frameon=False, ncols=len(names), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return ax
