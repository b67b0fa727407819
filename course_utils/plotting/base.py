"""What every picture of the course shares: palette, captions, axes; curves, tables and matrices."""

from base64 import b64encode
from html import escape
from io import BytesIO
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, display
from matplotlib.axes import Axes
from matplotlib.textpath import TextPath
from numpy.typing import ArrayLike
from PIL import Image

# Okabe and Ito's palette, which colour-blind readers can tell apart.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, YELLOW, GREY = "#E69F00", "#56B4E9", "#F0E442", "#666666"
# Colour, line style and marker of the first, second ... curve: never told by colour alone.
CURVE_STYLES = [
    (BLUE, "-", "o"),
    (VERMILLION, "--", "s"),
    (GREEN, "-.", "^"),
    (PURPLE, ":", "D"),
    (ORANGE, "-", "v"),
]


def captioned(ax: Axes, caption: str) -> None:
    """Shows the figure of `ax` with a caption below it, and closes the figure.

    Args:
        ax: any Axes of the figure.
        caption: what the picture shows, in a sentence or two that stand alone.
    """
    file = BytesIO()
    ax.figure.savefig(file, format="png", dpi=100)
    plt.close(ax.figure)
    # Few colours are enough for a figure, and a third of the bytes.
    small = BytesIO()
    Image.open(file).convert("RGB").quantize(128, kmeans=1, dither=Image.Dither.NONE).save(
        small, "png"
    )
    bundle = {"image/png": b64encode(small.getvalue()).decode(), "text/plain": caption}
    display(bundle, raw=True, metadata={"image/png": {"alt": caption}})
    display(HTML(f'<p class="course-caption"><em>{escape(caption)}</em></p>'))


def new_axes(rows: int = 1, height: float = 2.6, share_x: bool = True) -> Axes | np.ndarray:
    """Axes of the course's usual width, one below the other when `rows` is more than 1."""
    _, axes = plt.subplots(
        rows, 1, figsize=(8, height * rows), sharex=share_x, layout="constrained", squeeze=False
    )
    for ax in axes[:, 0]:
        ax.spines[["top", "right"]].set_visible(False)
    return axes[0, 0] if rows == 1 else axes[:, 0]


def text_inches(text: str, fontsize: float) -> float:
    """Width of a line of text in inches."""
    return TextPath((0, 0), text, size=fontsize).get_extents().width / 72 if text.strip() else 0.0


def lines(
    x: ArrayLike,
    curves: dict[str, ArrayLike],
    xlabel: str,
    ylabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Draws named curves over one axis, each with its own colour, line style and marker.

    Args:
        x: values of the horizontal axis, (points,).
        curves: name to (points,) values.
        xlabel: name and unit of the horizontal axis.
        ylabel: name and unit of the vertical axis.
        ax: where to draw; new Axes when None.
    """
    ax = new_axes(height=3) if ax is None else ax
    for (name, y), (color, style, marker) in zip(curves.items(), cycle(CURVE_STYLES), strict=False):
        few = marker if len(np.asarray(y)) <= 40 else None
        ax.plot(x, y, style, color=color, marker=few, ms=5, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=False)
    ax.grid(alpha=0.3)
    return ax


def matrix(values: ArrayLike, xlabel: str, ylabel: str, title: str = "") -> Axes:
    """Draws a matrix as a picture, row 0 at the top, with a colour bar symmetric about zero.

    Args:
        values: (rows, columns).
        xlabel: name of the columns.
        ylabel: name of the rows.
        title: above the picture.
    """
    values = np.asarray(values)
    _, ax = plt.subplots(figsize=(5.2, 4.4), layout="constrained")
    limit = np.abs(values).max()
    picture = ax.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    ax.figure.colorbar(picture, ax=ax, shrink=0.8)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    return ax


def heatmap(
    values: ArrayLike, xlabel: str, ylabel: str, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draws a table of numbers as colours, row 0 at the bottom, with a colour bar.

    Args:
        values: (rows, columns).
        xlabel: name of the columns.
        ylabel: name of the rows.
        title: above the picture, on the left.
        ax: where to draw; new Axes when None.
    """
    ax = new_axes() if ax is None else ax
    picture = ax.imshow(values, origin="lower", aspect="auto", cmap="magma", interpolation="none")
    ax.figure.colorbar(picture, ax=ax, pad=0.01)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set_title(title, loc="left", fontsize=10)
    return ax
