"""Pictures of fully connected networks: layers, vowels in the plane, boundaries, ways downhill."""

from collections.abc import Callable, Sequence
from itertools import cycle, pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_utils.datasets.vowels import Vowels
from course_utils.plotting.base import BLUE, CURVE_STYLES, GREY, VERMILLION, new_axes

F1_HZ, F2_HZ = (180.0, 1500.0), (600.0, 4200.0)
_GRID = 160


def network(sizes: Sequence[int], names: Sequence[str] = ()) -> Axes:
    """Draws a network: a column of circles for each layer, a line for each weight.

    Args:
        sizes: numbers in, neurons of each layer.
        names: what stands below each column.
    """
    _, ax = plt.subplots(figsize=(6, 3), layout="constrained")
    places = [
        [(column, (size - 1) / 2 - row) for row in range(size)] for column, size in enumerate(sizes)
    ]
    for left, right in pairwise(places):
        for x1, y1 in left:
            for x2, y2 in right:
                ax.plot([x1, x2], [y1, y2], color=GREY, lw=0.8, zorder=1)
    for column, layer in enumerate(places):
        for x, y in layer:
            face = "white" if column == 0 else BLUE
            ax.plot(x, y, "o", ms=16, mfc=face, mec=BLUE, mew=1.5, zorder=2)
    low = -max(sizes) / 2 - 0.4
    for column, name in enumerate(names):
        ax.text(column, low, name, ha="center", va="top", fontsize=10)
    ax.set(xlim=(-0.6, len(sizes) - 0.4), ylim=(low - 0.8, max(sizes) / 2 + 0.2))
    ax.axis("off")
    return ax


def vowel_chart(
    vowels: Vowels,
    lines: dict[str, Callable[[np.ndarray], ArrayLike]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draws vowels in the plane of F1 and F2, each word's name at its middle.

    Args:
        vowels: what is drawn, a dot each.
        lines: name to a function of formants in Hz, `(points, 2)`; where it is 0, a line is drawn.
        ax: where to draw; new Axes when None.
    """
    ax = _plane() if ax is None else ax
    F = vowels.formants_hz
    for label, (word, (color, _, marker)) in enumerate(zip(vowels.words, cycle(CURVE_STYLES))):
        own = F[vowels.labels == label]
        face = color if label < len(CURVE_STYLES) else "none"
        ax.plot(own[:, 0], own[:, 1], marker, ms=4, mfc=face, mec=color, mew=0.8, alpha=0.7)
        _name(ax, word, *np.exp(np.log(own[:, :2]).mean(axis=0)))
    for (name, function), (color, style, _) in zip(
        (lines or {}).items(), CURVE_STYLES, strict=False
    ):
        _, f1, f2, values = _over_the_plane(function)
        ax.contour(f1, f2, values, [0], colors=color, linestyles=style)
        ax.plot([], [], style, color=color, label=name)
    if lines:
        ax.legend(loc="lower left", fontsize=9)
    return ax


def vowel_regions(predict: Callable[[np.ndarray], ArrayLike], vowels: Vowels) -> Axes:
    """Draws which word a network says where, with vowels on it; its mistakes are crosses.

    Args:
        predict: takes formants in Hz, `(points, 2)`, gives a label for each, `(points,)`.
        vowels: are drawn: a dot where `predict` is right, a cross where it is wrong.
    """
    ax = _plane()
    F, f1, f2, said = _over_the_plane(predict)
    grid = np.log(F).reshape(_GRID, _GRID, 2)
    ax.contourf(f1, f2, said % 3, [-0.5, 0.5, 1.5, 2.5], colors=["#fff", "#dde8f2", "#f4e6da"])
    for label, word in enumerate(vowels.words):
        inside = said == label
        if not inside.any():
            continue
        ax.contour(f1, f2, inside, [0.5], colors=GREY, linewidths=1.2)
        _name(ax, word, *np.exp(grid[inside].mean(axis=0)))
    right = np.asarray(predict(vowels.formants_hz[:, :2])) == vowels.labels
    for mask, marker, color, name in (
        (right, "o", BLUE, "right"),
        (~right, "x", VERMILLION, "wrong"),
    ):
        ax.plot(*vowels.formants_hz[mask, :2].T, marker, color=color, ms=4, mew=1, label=name)
    ax.legend(loc="lower left", fontsize=9)
    return ax


def descent(
    loss: Callable[[ArrayLike, ArrayLike], np.ndarray], paths: dict[str, ArrayLike]
) -> Axes:
    """Draws ways downhill over the contour lines of a loss of two numbers.

    Args:
        loss: of two arrays of one shape.
        paths: name to `(steps, 2)`, where each step stood.
    """
    ax = new_axes(height=3.2)
    ends = np.concatenate([np.asarray(path) for path in paths.values()])
    reach = 1.15 * np.abs(ends).max(axis=0)
    a, b = (np.linspace(-limit, limit, 120) for limit in reach)
    values = loss(a, b[:, None])
    ax.contour(a, b, np.sqrt(values), 12, colors=GREY, linewidths=0.6)
    for (name, path), (color, style, marker) in zip(paths.items(), CURVE_STYLES, strict=False):
        ax.plot(*np.transpose(path), style, color=color, marker=marker, ms=4, lw=1.2, label=name)
    ax.plot(0, 0, "+", color="black", ms=14, mew=2)
    ax.set(xlabel="a", ylabel="b")
    ax.legend(fontsize=9)
    return ax


def _plane() -> Axes:
    """F1 to the right, F2 up, both on a logarithmic axis."""
    _, ax = plt.subplots(figsize=(7, 5), layout="constrained")
    ax.set(xscale="log", yscale="log", xlim=F1_HZ, ylim=F2_HZ, xlabel="F1 (Hz)", ylabel="F2 (Hz)")
    for axis, ticks in (
        (ax.xaxis, (200, 300, 500, 800, 1200)),
        (ax.yaxis, (700, 1000, 2000, 3000)),
    ):
        axis.set_ticks(ticks, [str(tick) for tick in ticks])
        axis.set_ticks([], minor=True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _name(ax: Axes, word: str, f1_hz: float, f2_hz: float) -> None:
    box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8}
    ax.text(f1_hz, f2_hz, word, ha="center", va="center", weight="bold", fontsize=10, bbox=box)


def _over_the_plane(
    function: Callable[[np.ndarray], ArrayLike],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points `(points, 2)`, the two axes, and the function's values as a grid."""
    f1, f2 = np.geomspace(*F1_HZ, _GRID), np.geomspace(*F2_HZ, _GRID)
    F = np.stack(np.meshgrid(f1, f2), axis=-1).reshape(-1, 2)
    return F, f1, f2, np.asarray(function(F)).reshape(_GRID, _GRID)
