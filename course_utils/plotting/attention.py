"""Pictures of attention: what was heard, where a model looked, tables of edit distances."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from numpy.typing import ArrayLike

from course_utils.datasets.items import Word
from course_utils.plotting.base import GREY, SKY, VERMILLION, lines, new_axes


def melody(
    features: ArrayLike, words: Sequence[Word], duration_s: float, ax: Axes | None = None
) -> Axes:
    """Draws features over time, and above them what is in the sound, and where.

    Args:
        features: (frames, bands).
        words: names with their start and end in seconds.
        duration_s: of the sound.
        ax: where to draw; new Axes when None.
    """
    ax = new_axes() if ax is None else ax
    features = np.asarray(features)
    top = features.shape[1] - 0.5
    extent = (0, duration_s, -0.5, top)
    ax.imshow(features.T, origin="lower", aspect="auto", cmap="magma", extent=extent)
    for word in words:
        ax.text((word.start_s + word.end_s) / 2, 1.06 * top, word.text, ha="center", va="bottom")
        ax.plot([word.start_s, word.end_s], [1.04 * top] * 2, color=GREY, lw=2, clip_on=False)
    ax.set(xlabel="time (s)", ylabel="band", xlim=(0, duration_s), ylim=(-0.5, top))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def edit_table(
    table: ArrayLike,
    reference: Sequence[str],
    hypothesis: Sequence[str],
    path: Sequence[tuple[int, int]] = (),
) -> Axes:
    """Draws a table of edit distances, with the cells of one cheapest way framed.

    Args:
        table: integers (len(reference) + 1, len(hypothesis) + 1); negative ones are left empty.
        reference: names of the rows after the first.
        hypothesis: names of the columns after the first.
        path: (row, column) of the cells to frame.
    """
    table = np.asarray(table)
    rows, columns = table.shape
    _, ax = plt.subplots(figsize=(1.4 + 0.6 * columns, 1.0 + 0.5 * rows), layout="constrained")
    ax.imshow(np.zeros_like(table), cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        if value >= 0:
            ax.text(column, row, str(value), ha="center", va="center", fontsize=12)
    for row, column in path:
        ax.add_patch(
            plt.Rectangle((column - 0.42, row - 0.42), 0.84, 0.84, fill=False, ec=VERMILLION, lw=2)
        )
    ax.set_xticks(range(columns), ["nothing", *hypothesis])
    ax.set_yticks(range(rows), ["nothing", *reference])
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set(xlabel="written", ylabel="right")
    ax.set_xticks(np.arange(columns - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(rows - 1) + 0.5, minor=True)
    ax.grid(which="minor", alpha=0.3)
    ax.tick_params(length=0, which="both")
    return ax


def alignment(
    weights: ArrayLike,
    tokens: Sequence[str],
    place_s: float,
    words: Sequence[Word] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draws where a model looked: a row a token, the darker the larger the weight's root.

    Args:
        weights: (tokens, places).
        tokens: what was written, from the top.
        place_s: seconds from one place to the next; place j is centred on second j · place_s.
        words: what is in the sound; each is framed in the row of the token with its number.
        ax: where to draw; new Axes when None.
    """
    weights = np.asarray(weights)
    ax = new_axes(height=0.9 + 0.2 * len(weights)) if ax is None else ax
    half = place_s / 2
    extent = (-half, (weights.shape[1] - 1) * place_s + half, len(weights) - 0.5, -0.5)
    shades = PowerNorm(0.5, vmin=0)  # or one sure token makes the others pale
    look = {"cmap": "Greys", "norm": shades, "interpolation": "none"}
    ax.imshow(weights, aspect="auto", extent=extent, **look)
    for row, word in enumerate(words):
        ax.add_patch(
            plt.Rectangle(
                (word.start_s, row - 0.5), word.end_s - word.start_s, 1, fill=False, ec=VERMILLION
            )
        )
    ax.set_yticks(range(len(weights)), tokens, fontsize=8)
    ax.set(xlabel="time (s)", ylabel="written", xlim=(0, extent[1]))
    return ax


def errors_by_length(
    rates: Mapping[str, Mapping[int, float]], longest_trained: int, unit: str = "notes"
) -> Axes:
    """Draws error rates over the length of what was to be written, one curve a model.

    Args:
        rates: name to {length: error rate}.
        longest_trained: lengths beyond it are shaded: no model has met them.
        unit: of the lengths.
    """
    ax = new_axes(height=3)
    lengths = sorted({length for curve in rates.values() for length in curve})
    curves = {
        name: [curve.get(length, np.nan) for length in lengths] for name, curve in rates.items()
    }
    lines(lengths, curves, f"{unit} in the sound", "error rate", ax=ax)
    if lengths[-1] > longest_trained:
        ax.axvspan(longest_trained + 0.5, lengths[-1] + 0.5, color=SKY, alpha=0.2, lw=0)
        ax.text(longest_trained + 0.7, ax.get_ylim()[1], "never trained", va="top", fontsize=9)
    ax.set(xlim=(lengths[0] - 0.5, lengths[-1] + 0.5), ylim=(0, None))
    return ax
