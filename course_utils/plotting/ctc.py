"""Pictures of CTC: paths, trellises, probabilities over time, where labels were found."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from course_utils.datasets.items import Word
from course_utils.plotting.base import (
    BLUE,
    CURVE_STYLES,
    GREY,
    SKY,
    VERMILLION,
    new_axes,
    text_inches,
)

MANY = 9  # from so many frames or places on, cells are narrow and hold no numbers
FILLS = ["#eeeeee", "#9ecae9", "#fdbe85", "#a1d9b4", "#dcb9d4", "#f5e79e"]


def paths(rows: Sequence[Sequence[int]], names: Sequence[str], notes: Sequence[str] = ()) -> Axes:
    """Draws paths as rows of lettered boxes, a box a frame; a token always has the same colour.

    Args:
        rows: the paths, tokens, all of the same length.
        names: names[token]; token 0, the blank, is grey.
        notes: written behind the rows.
    """
    frames = len(rows[0])
    width = 1.2 + 0.42 * frames + 0.09 * max(map(len, notes), default=0)
    _, ax = plt.subplots(figsize=(width, 0.5 + 0.27 * len(rows)), layout="constrained")
    for y, row in enumerate(rows):
        for x, token in enumerate(row):
            fill = FILLS[token % len(FILLS)]
            ax.add_patch(plt.Rectangle((x + 0.04, y + 0.06), 0.92, 0.88, fc=fill, ec=GREY, lw=0.7))
            ax.text(x + 0.5, y + 0.5, names[token], ha="center", va="center", fontsize=9)
    for y, note in enumerate(notes):
        ax.text(frames + 0.15, y + 0.5, note, va="center", fontsize=9)
    ax.set(xlim=(0, frames + 0.22 * max(map(len, notes), default=0)), ylim=(len(rows), 0))
    ax.set_xticks(np.arange(frames) + 0.5, range(1, frames + 1))
    ax.set(xlabel="frame", yticks=[])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def trellis(
    values: ArrayLike,
    labels: Sequence[int],
    names: Sequence[str],
    title: str = "",
    blank: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draws a trellis: a column a frame, a row a place of l', each cell with its number.

    Args:
        values: probabilities (frames, places); exact zeros are cells that no path reaches.
        labels: l', the target with its blanks.
        names: names[token].
        title: above the picture, on the left.
        blank: blank token.
        ax: where to draw; new Axes when None.
    """
    values = np.asarray(values, float)
    frames, places = values.shape
    if ax is None:
        size = (min(9, 1.6 + 1.15 * frames), 0.9 + 0.5 * places)
        ax = plt.subplots(figsize=size, layout="constrained")[1]
    scale = values.max() or 1.0
    arrow = {"arrowstyle": "-|>", "lw": 0.9, "color": GREY, "shrinkA": 0, "shrinkB": 0}
    for (t, s), value in np.ndenumerate(values):
        blue = plt.get_cmap("Blues")(0.65 * value / scale) if value > 0 else "white"
        edge = {"ec": GREY, "lw": 0.8} if value > 0 else {"ec": "#cccccc", "lw": 0.8, "ls": ":"}
        box = plt.Rectangle((t - 0.3, s - 0.3), 0.6, 0.6, fc=blue, zorder=2, **edge)
        ax.add_patch(box)
        if frames < MANY:
            text = f"{value:.4f}".rstrip("0").rstrip(".") if value > 0 else "0"
            ink = "black" if value > 0 else "#999999"
            ax.text(t, s, text, ha="center", va="center", fontsize=9, color=ink, zorder=3)
        for step in (0, 1, 2):
            if t == 0 or s < step or value <= 0 or values[t - 1, s - step] <= 0:
                continue
            if step == 2 and (labels[s] == blank or labels[s] == labels[s - 2]):
                continue
            start, end = (t - 0.7, s - step + 0.12 * step), (t - 0.3, s - 0.12 * step)
            ax.annotate("", end, start, arrowprops=arrow, zorder=1)
    ax.set_xticks(range(frames), range(1, frames + 1))
    ax.set_yticks(range(places), [names[label] for label in labels])
    ax.set(xlabel="frame t", ylabel="place s", xlim=(-0.5, frames - 0.5), ylim=(places - 0.5, -0.5))
    ax.set_title(title, loc="left", fontsize=10)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def posteriors(
    probabilities: ArrayLike,
    names: Sequence[str],
    frame_s: float,
    words: Sequence[Word] = (),
    title: str = "",
    unit: str = "s",
    ax: Axes | None = None,
) -> Axes:
    """Draws what a CTC network says at each frame: the blank dashed, each label as a curve.

    Args:
        probabilities: (frames, tokens), token 0 the blank.
        names: names[token]; each hill of a curve above 0.3 is named at its top.
        frame_s: seconds from one frame to the next; frame t is centred on t · frame_s.
        words: where they lie is shaded, and their names stand above.
        title: above the picture, on the left.
        unit: of the time axis; "frame" for an axis that counts frames.
        ax: where to draw; new Axes when None.
    """
    ax = new_axes(height=2.2) if ax is None else ax
    y = np.asarray(probabilities, float)
    times = np.arange(len(y)) * frame_s
    _shade(ax, words, 1.12)
    ax.plot(times, y[:, 0], "--", color=GREY, lw=1.2)
    for token in range(1, y.shape[1]):
        color = CURVE_STYLES[token % len(CURVE_STYLES)][0]
        style = "-" if token <= len(CURVE_STYLES) else "-."  # ten digits, five colours
        ax.plot(times, y[:, token], style, color=color, lw=1.4)
        for middle, top in _hills(y[:, token]):
            height = min(top + 0.02, 1.0)
            halo = [withStroke(linewidth=2, foreground="white")]  # the blank may pass behind it
            place = {"ha": "center", "va": "bottom", "fontsize": 8, "path_effects": halo}
            ax.text(middle * frame_s, height, names[token], **place)
    xlabel = unit if unit == "frame" else f"time ({unit})"
    ax.set(xlabel=xlabel, ylabel="probability", ylim=(0, 1.1), xlim=(0, times[-1]))
    if unit == "frame":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title(title, loc="left", fontsize=10, pad=14 if words else 4)
    return ax


def _hills(p: np.ndarray, least: float = 0.3) -> list[tuple[float, float]]:
    """Where each hill above `least` is highest, in frames, and how high it is there."""
    above = np.flatnonzero(p > least)
    found = []
    for hill in np.split(above, np.flatnonzero(np.diff(above) > 1) + 1):
        if len(hill):
            top = hill[p[hill] > 0.95 * p[hill].max()]
            found.append(((top[0] + top[-1]) / 2, float(p[hill].max())))
    return found


def evolution(
    snapshots: Mapping[str, ArrayLike],
    names: Sequence[str],
    frame_s: float,
    words: Sequence[Word] = (),
    unit: str = "s",
) -> Axes:
    """Draws the probabilities of one clip at several moments of a training, one below the other.

    Args:
        snapshots: title to probabilities (frames, tokens), token 0 the blank.
        names: names[token].
        frame_s: seconds from one frame to the next.
        words: where they lie.
        unit: as in `posteriors`.
    """
    axes = np.atleast_1d(new_axes(rows=len(snapshots), height=1.45))
    for ax, (title, y) in zip(axes, snapshots.items(), strict=True):
        posteriors(y, names, frame_s, words if ax is axes[0] else (), title, unit, ax)
        if ax is not axes[0]:
            _shade(ax, words, None)
        ax.set(xlabel=ax.get_xlabel() if ax is axes[-1] else "", ylabel="")
    return axes[0]


def spans(
    waveform: ArrayLike,
    sample_rate: float,
    rows: Mapping[str, Sequence[Word]],
    words: Sequence[Word] = (),
) -> Axes:
    """Draws a waveform, and below it rows of bars that say where something was found in it.

    Args:
        waveform: (samples,).
        sample_rate: in Hz.
        rows: title to labels with their times.
        words: where they truly lie: shaded, and named above.
    """
    x = np.asarray(waveform)
    end_s = len(x) / sample_rate
    _, (above, below) = plt.subplots(
        2,
        1,
        figsize=(8, 2.1 + 0.42 * len(rows)),
        sharex=True,
        layout="constrained",
        height_ratios=[1.6, 0.42 * len(rows)],
    )
    limit = 1.1 * np.abs(x).max()
    above.plot(np.arange(len(x)) / sample_rate, x, color=BLUE, lw=0.6)
    above.set(ylim=(-limit, limit), ylabel="amplitude", xlim=(0, end_s))
    for ax in (above, below):
        _shade(ax, words, limit * 1.08 if ax is above else None)
        ax.spines[["top", "right"]].set_visible(False)
    for y, found in enumerate(rows.values()):
        for word in found:
            length = word.end_s - word.start_s
            below.barh(y, length, left=word.start_s, height=0.62, color=SKY, ec=BLUE, lw=0.8)
            middle = (word.start_s + word.end_s) / 2
            # The axes are about 7 inches wide; a short bar gets small letters.
            room = 6.2 * length / end_s / max(text_inches(word.text, 8), 1e-9)
            size = 8 * min(1.0, max(0.65, room))
            below.text(middle, y, word.text, ha="center", va="center", fontsize=size)
    below.set_yticks(range(len(rows)), rows)
    below.set(ylim=(len(rows) - 0.5, -0.5), xlabel="time (s)")
    below.tick_params(axis="y", length=0)
    return above


def plateau(
    losses: Mapping[str, ArrayLike], level: float, blanks: Mapping[str, Mapping[int, float]]
) -> Axes:
    """Draws the steps of trainings: the loss, and the share of the blank.

    Args:
        losses: name to the loss of each step; drawn as means of five steps.
        level: loss of the best network that does not hear, a dotted line.
        blanks: name to {step: mean probability of the blank in a clip}.
    """
    above, below = new_axes(rows=2, height=1.8)
    longest = max(map(len, losses.values()))
    for (name, values), (color, style, _) in zip(losses.items(), CURVE_STYLES, strict=False):
        means = np.convolve(np.asarray(values), np.full(5, 0.2), mode="valid")
        above.plot(np.arange(len(means)) + 2, means, style, color=color, lw=1.3, label=name)
        steps = list(blanks[name])
        below.plot(steps, [blanks[name][k] for k in steps], style, color=color, lw=1.3)
    above.axhline(level, ls=":", color=GREY, lw=2, label="best that hears nothing")
    above.set(yscale="log", ylabel="loss")
    above.legend(frameon=False, fontsize=9)
    below.set(xlabel="step", ylabel="blank", ylim=(0, 1.05), xlim=(0, longest))
    for ax in (above, below):
        ax.grid(alpha=0.3)
    return above


def suspects(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], reference: tuple[ArrayLike, ArrayLike]
) -> Axes:
    """Draws loss and error rate of several programs, two columns, each over those of a right one.

    Args:
        curves: name of a program to (loss, error rate), each (epochs,).
        reference: the same of the right program, dashed in every picture.
    """
    _, axes = plt.subplots(
        len(curves),
        2,
        figsize=(8, 1.05 * len(curves) + 0.5),
        sharex=True,
        layout="constrained",
        squeeze=False,
    )
    for row, (name, pair) in zip(axes, curves.items(), strict=True):
        for ax, values, right in zip(row, pair, reference, strict=True):
            epochs = np.arange(1, len(np.asarray(values)) + 1)
            ax.plot(epochs, right, "--", color=GREY, lw=1.2)
            ax.plot(epochs, values, "-", color=VERMILLION, marker="o", ms=3)
            ax.axhline(0, color="black", lw=0.6)
            ax.grid(alpha=0.3)
            ax.spines[["top", "right"]].set_visible(False)
        row[0].set_ylabel(name, rotation=0, fontsize=13, labelpad=12, va="center")
        row[1].set_ylim(-0.05, 1.25)
    axes[0, 0].set_title("training loss", loc="left", fontsize=10)
    axes[0, 1].set_title("error rate, new melodies", loc="left", fontsize=10)
    for ax in axes[-1]:
        ax.set_xlabel("epoch")
        ax.xaxis.get_major_locator().set_params(integer=True)
    return axes[0, 0]


def _shade(ax: Axes, words: Sequence[Word], height: float | None) -> None:
    """Shades where words lie, and names them at a height, if any."""
    for word in words:
        ax.axvspan(word.start_s, word.end_s, color=SKY, alpha=0.25, lw=0)
        if height is not None:
            middle = (word.start_s + word.end_s) / 2
            ax.text(middle, height, word.text, ha="center", va="bottom", fontsize=9)
