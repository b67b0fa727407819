"""One function for each kind of picture; each takes and returns a matplotlib Axes.

A notebook shows a figure with `captioned(ax, "what it shows")`: the caption stands below the
picture, is read by screen readers, and is what those get who cannot see the picture.
"""

from html import escape
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, display
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_utils import signals

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
    figure = ax.figure
    display(figure, metadata={"image/png": {"alt": caption}})
    display(HTML(f'<p class="course-caption"><em>{escape(caption)}</em></p>'))
    plt.close(figure)


def new_axes(rows: int = 1, height: float = 2.6, share_x: bool = True) -> Axes | np.ndarray:
    """Axes of the course's usual width, one below the other when `rows` is more than 1."""
    _, axes = plt.subplots(
        rows, 1, figsize=(8, height * rows), sharex=share_x, layout="constrained", squeeze=False
    )
    for ax in axes[:, 0]:
        ax.spines[["top", "right"]].set_visible(False)
    return axes[0, 0] if rows == 1 else axes[:, 0]


def waveform(
    x: ArrayLike,
    sample_rate: float,
    start_s: float = 0.0,
    stop_s: float | None = None,
    envelope: bool = False,
    color: str = BLUE,
    label: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draws a waveform over time; short stretches are in milliseconds.

    Args:
        x: waveform, (samples,).
        sample_rate: in Hz.
        start_s: where the picture starts, in seconds.
        stop_s: where it ends; the sound's end when None.
        envelope: draw the outline too, dashed.
        color: of the curve.
        label: name of the curve in the legend.
        ax: where to draw; new Axes when None.
    """
    ax = new_axes() if ax is None else ax
    x = np.asarray(x)
    first = round(start_s * sample_rate)
    last = len(x) if stop_s is None else round(stop_s * sample_rate)
    times = np.arange(first, min(last, len(x))) / sample_rate
    unit, scale = ("ms", 1000) if times[-1] - times[0] < 0.2 else ("s", 1)
    ax.plot(times * scale, x[first:last], color=color, lw=0.9, label=label)
    if envelope:
        outline = signals.amplitude_envelope(x, sample_rate)[first:last]
        ax.plot(times * scale, outline, "--", color=VERMILLION, lw=1.5, label="outline")
        ax.plot(times * scale, -outline, "--", color=VERMILLION, lw=1.5)
    ax.set(xlabel=f"time ({unit})", ylabel="amplitude")
    ax.margins(x=0)
    if label or envelope:
        ax.legend(loc="upper right", frameon=False)
    return ax


def waveforms(curves: dict[str, ArrayLike], sample_rate: float, stop_s: float) -> Axes:
    """Draws several waveforms below each other on one time axis.

    Args:
        curves: name to waveform; the name becomes the title of its row.
        sample_rate: in Hz, one for all.
        stop_s: where the picture ends, in seconds.
    """
    axes = np.atleast_1d(new_axes(rows=len(curves), height=1.5))
    limit = 1.1 * max(np.abs(x).max() for x in curves.values())
    for ax, (name, x) in zip(axes, curves.items(), strict=True):
        waveform(x, sample_rate, stop_s=stop_s, ax=ax)
        ax.set(ylim=(-limit, limit), xlabel="" if ax is not axes[-1] else ax.get_xlabel())
        ax.set_title(name, loc="left", fontsize=10)
    return axes[0]


def air(frequency_hz: float, length_m: float = 2.0, t_s: float = 0.0, speed: float = 343.0) -> Axes:
    """Draws air in a tube: particles, their displacement and the pressure, on one axis.

    The displacement is drawn a million times larger than that of an ordinary sound.

    Args:
        frequency_hz: of the wave, which travels to the right.
        length_m: of the tube.
        t_s: the moment, in seconds.
        speed: of sound, in m/s.
    """
    particles, curves = new_axes(rows=2, height=1.9)
    wavelength_m = speed / frequency_hz
    amplitude_m = 0.08 * wavelength_m
    rest = np.linspace(0, length_m, 160)
    moved = rest + signals.displacement(rest, t_s, frequency_hz, amplitude_m, speed)
    rows = np.random.default_rng(0).uniform(0, 1, len(rest))
    particles.plot(moved, rows, ".", color=GREY, ms=4)
    particles.set(ylim=(-0.1, 1.1), yticks=[], title="air")
    x = np.linspace(0, length_m, 800)
    s = signals.displacement(x, t_s, frequency_hz, amplitude_m, speed)
    p = signals.pressure(x, t_s, frequency_hz, amplitude_m, speed)
    curves.plot(x, s / np.abs(s).max(), "--", color=BLUE, label="displacement")
    curves.plot(x, p / np.abs(p).max(), color=VERMILLION, label="pressure")
    for crest in x[1:-1][(p[1:-1] > p[:-2]) & (p[1:-1] >= p[2:])]:
        for ax in (particles, curves):
            ax.axvline(crest, color=VERMILLION, lw=0.8, ls=":")
    curves.set(xlabel="place (m)", ylabel="of the largest", xlim=(0, length_m))
    curves.legend(loc="upper right", frameon=False, ncols=2)
    return particles


def samples(
    times_s: ArrayLike,
    values: ArrayLike,
    curves: dict[str, tuple[ArrayLike, ArrayLike]],
    stairs: bool = False,
) -> Axes:
    """Draws samples as dots on stems, with curves through or beside them.

    Args:
        times_s: of the samples, in seconds.
        values: of the samples.
        curves: name to (times in seconds, values), drawn in different line styles.
        stairs: also hold each sample until the next, as a staircase.
    """
    ax = new_axes()
    times_ms = np.asarray(times_s) * 1000
    for (name, (t, y)), (color, style, _) in zip(curves.items(), CURVE_STYLES, strict=False):
        ax.plot(np.asarray(t) * 1000, y, style, color=color, lw=1.6, label=name)
    if stairs:
        ax.step(times_ms, values, where="post", color=GREY, lw=1, label="staircase")
    ax.vlines(times_ms, 0, values, color=GREY, lw=0.8)
    ax.plot(times_ms, values, "o", color="black", ms=5, label="samples")
    ax.set(xlabel="time (ms)", ylabel="amplitude")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.25), ncols=4, frameon=False)
    return ax


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
    for (name, y), (color, style, marker) in zip(curves.items(), CURVE_STYLES, strict=False):
        few = marker if len(np.asarray(y)) <= 40 else None
        ax.plot(x, y, style, color=color, marker=few, ms=5, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=False)
    ax.grid(alpha=0.3)
    return ax


def labelled_parts(
    x: ArrayLike, sample_rate: float, parts: list[tuple[float, float, str]], ax: Axes | None = None
) -> Axes:
    """Draws a waveform whose stretches are named, each shaded and hatched in turn.

    Args:
        x: waveform, (samples,).
        sample_rate: in Hz.
        parts: (start, end, name), in seconds.
        ax: where to draw; new Axes when None.
    """
    ax = waveform(x, sample_rate, ax=ax)
    top = 1.15 * np.abs(x).max()
    for k, (start, end, name) in enumerate(parts):
        ax.axvspan(start, end, color=(SKY, ORANGE)[k % 2], alpha=0.25, lw=0)
        ax.text((start + end) / 2, top, name, ha="center", va="bottom", fontsize=9)
    ax.set_ylim(-top, 1.3 * top)
    return ax


def course_map(notebooks: list, written: set[str]) -> Axes:
    """Draws the course as a path of boxes, one row for each part.

    Args:
        notebooks: of `course_utils.exercises.course.Notebook`, in reading order.
        written: names of the notebooks that are there; the others get a dashed frame.
    """
    parts = list(dict.fromkeys(notebook.part for notebook in notebooks))
    colors = dict(zip(parts, (BLUE, GREEN, ORANGE, VERMILLION, PURPLE), strict=False))
    _, ax = plt.subplots(figsize=(9, 1.25 * len(parts)), layout="constrained")
    for row, part in enumerate(parts):
        members = [notebook for notebook in notebooks if notebook.part == part]
        ax.text(-0.15, -row, part, ha="right", va="center", fontsize=11, weight="bold")
        for column, notebook in enumerate(members):
            box = plt.Rectangle(
                (column + 0.02, -row - 0.36),
                0.96,
                0.72,
                facecolor=colors[part] + "22",
                edgecolor=colors[part],
                linestyle="-" if notebook.name in written else "--",
            )
            ax.add_patch(box)
            label = f"{notebook.number:02d}\n{fill(notebook.title, 24)}\n{notebook.minutes} min"
            ax.text(column + 0.5, -row, label, ha="center", va="center", fontsize=8)
            if column:
                ax.annotate("", (column + 0.03, -row), (column - 0.03, -row), arrowprops={"lw": 1})
    ax.set(xlim=(-0.6, 4), ylim=(0.5 - len(parts), 0.5))
    ax.axis("off")
    return ax
