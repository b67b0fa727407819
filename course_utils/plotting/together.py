"""Pictures of several processes that train one model."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_utils.plotting.base import BLUE, GREEN, GREY, ORANGE, SKY, VERMILLION, new_axes

# Name, start, width, colour: a step of one process, from left to right.
_WORK = (
    ("its share\nof the batch", 0.0, 1.3, SKY),
    ("forward", 1.5, 1.1, BLUE),
    ("forward", 2.95, 0.75, BLUE),
    ("backward", 3.85, 1.6, GREEN),
    ("step of the\noptimiser", 6.7, 1.25, GREY),
)


def one_step(processes: int = 2) -> Axes:
    """Draws one step of several processes below each other, and what they exchange."""
    ax = new_axes(height=0.9 + 0.75 * processes)
    for row in range(processes):
        for name, start, width, color in _WORK:
            box = plt.Rectangle((start, row + 0.15), width, 0.7, fc=color + "40", ec=color, lw=1.2)
            ax.add_patch(box)
            ax.text(start + width / 2, row + 0.5, name, ha="center", va="center", fontsize=9)
        ax.text(-0.1, row + 0.5, f"process {row}", ha="right", va="center", fontsize=9)
    exchanges = ((2.65, 0.25, "sums of batch\nnormalisation"), (5.6, 0.95, "sum of all\ngradients"))
    for start, width, name in exchanges:
        box = plt.Rectangle(
            (start, -0.05), width, processes + 0.1, fc=VERMILLION + "20", ec=VERMILLION, lw=2
        )
        ax.add_patch(box)
        ax.text(
            start + width / 2, -0.15, name, ha="center", va="bottom", fontsize=9, color=VERMILLION
        )
    ax.set(xlim=(-0.2, 8.0), ylim=(processes + 0.15, -0.75))
    ax.axis("off")
    return ax


def frames_of_steps(frames: ArrayLike, title: str, ax: Axes | None = None) -> Axes:
    """Draws what each process computes in each step, the time that it waits hatched.

    Args:
        frames: (steps, processes), padded frames.
        title: above the picture.
        ax: where to draw; new Axes when None.
    """
    ax = new_axes(height=2.4) if ax is None else ax
    frames = np.asarray(frames)
    steps, processes = frames.shape
    width = 0.8 / processes
    slowest = frames.max(axis=1)
    for rank, color in zip(range(processes), (BLUE, ORANGE, GREEN, SKY), strict=False):
        x = np.arange(steps) + (rank - (processes - 1) / 2) * width
        ax.bar(x, frames[:, rank], width, color=color, label=f"process {rank}")
        ax.bar(
            x,
            slowest - frames[:, rank],
            width,
            bottom=frames[:, rank],
            color="#eeeeee",
            hatch="////",
            edgecolor=GREY,
            lw=0,
            label="waits" if rank == processes - 1 else None,
        )
    ax.set(xlabel="step", ylabel="padded frames")
    ax.set_title(title, loc="left", fontsize=10)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    return ax
