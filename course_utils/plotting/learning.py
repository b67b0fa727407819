"""Pictures of learning: curves over the epochs, and which class was taken for which."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_utils.plotting.base import lines, new_axes


def learning_curves(
    curves: Mapping[str, ArrayLike], ylabel: str = "loss", log: bool = False, ax: Axes | None = None
) -> Axes:
    """Draws measures over the epochs, for instance {"train": history.curve("loss"), ...}.

    Args:
        curves: name to (epochs,) values; they may differ in length.
        ylabel: what is measured.
        log: draw the values on a logarithmic axis.
        ax: where to draw; new Axes when None.
    """
    longest = max(len(np.asarray(values)) for values in curves.values())
    padded = {
        name: np.pad(np.asarray(y, float), (0, longest - len(y)), constant_values=np.nan)
        for name, y in curves.items()
    }
    ax = new_axes(height=2.8) if ax is None else ax
    lines(np.arange(1, longest + 1), padded, "epoch", ylabel, ax=ax)
    if log:
        ax.set_yscale("log")
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax


def confusion(counts: ArrayLike, names: Sequence[str]) -> Axes:
    """Draws a confusion matrix; each place holds its count, zeros are left empty.

    Args:
        counts: integers (classes, classes), rows what is true, columns what was said.
        names: of the classes.
    """
    counts = np.asarray(counts)
    size = 1.6 + 0.44 * len(counts)
    _, ax = plt.subplots(figsize=(size + 0.5, size), layout="constrained")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ink = "white" if shares[row, column] > 0.5 else "black"
            ax.text(column, row, str(count), ha="center", va="center", color=ink, fontsize=9)
    ticks = np.arange(len(names))
    ax.set_xticks(ticks, names, rotation=45, ha="right")
    ax.set_yticks(ticks, names)
    ax.set(xlabel="recognised", ylabel="true")
    return ax
