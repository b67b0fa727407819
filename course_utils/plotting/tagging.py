"""Pictures of tagging: what sounds when, how good the scores are, how honest the probabilities."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_utils.metrics import Event
from course_utils.plotting.base import BLUE, CURVE_STYLES, GREY, VERMILLION, new_axes
from course_utils.plotting.sound import spectrogram


def scene(
    x: ArrayLike,
    sample_rate: float,
    events: Sequence[Event],
    frames: ArrayLike | None = None,
    names: Sequence[str] = (),
    frame_s: float = 0.0,
    detected: Sequence[Event] = (),
) -> Axes:
    """Draws a spectrogram, and under it a lane for each kind of sound.

    Args:
        x: waveform, (samples,).
        sample_rate: in Hz.
        events: what sounds when: a blue bar in its lane, above the grey area if there is one.
        frames: probabilities, (frames, classes): a grey area in each lane, full height is 1.
        names: of the classes; only lanes with an event or a probability over 0.2 are drawn.
        frame_s: time from frame to frame in seconds.
        detected: what a tagger found: a hatched vermillion bar under its lane.
    """
    shown = {event.label for event in (*events, *detected)}
    if frames is not None:
        frames = np.asarray(frames)
        shown |= {name for name, p in zip(names, frames.T, strict=True) if p.max() > 0.2}
    lanes = sorted(shown)
    n_lanes = max(1, len(lanes))
    figure = new_axes(height=2.6 + 0.42 * n_lanes).figure
    figure.clf()
    above, ax = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 0.42 * n_lanes])
    spectrogram(x, sample_rate, n_fft=1024, hop_length=256, ax=above)
    above.set_xlabel("")
    bar = 0.27 if frames is None else 0.66
    for row, name in enumerate(lanes):
        if frames is not None:
            p = frames[:, list(names).index(name)]
            ax.fill_between(np.arange(len(p)) * frame_s, row, row + 0.6 * p, color=GREY, alpha=0.6)
        for event in events:
            if event.label == name:
                ax.broken_barh([_span(event)], (row + bar, 0.13), color=BLUE)
        for event in detected:
            if event.label == name:
                style = {"facecolor": "white", "edgecolor": VERMILLION, "hatch": "////"}
                ax.broken_barh([_span(event)], (row - 0.02, -0.12), **style)
    ax.set_yticks(np.arange(len(lanes)) + 0.33, lanes)
    ax.set(ylim=(-0.2, n_lanes), xlim=(0, len(np.asarray(x)) / sample_rate), xlabel="time (s)")
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(False)
    return above


def _span(event: Event) -> tuple[float, float]:
    return event.start_s, event.end_s - event.start_s


def by_class(
    names: Sequence[str],
    values: Mapping[str, ArrayLike],
    xlabel: str,
    chance: ArrayLike | None = None,
) -> Axes:
    """Draws a value of each class, one marker for each system, on a line of its own.

    Args:
        names: of the classes.
        values: name of a system to (classes,) values from 0 to 1.
        xlabel: what the values are.
        chance: (classes,) values that no knowledge needs, drawn as small bars.
    """
    ax = new_axes(height=0.9 + 0.27 * len(names))
    rows = np.arange(len(names))[::-1]
    if chance is not None:
        ax.plot(chance, rows, "|", color=GREY, ms=12, label="chance")
    for (name, value), (color, _, marker) in zip(values.items(), cycle(CURVE_STYLES), strict=False):
        ax.plot(value, rows, marker, color=color, label=name, ms=7)
    ax.set_yticks(rows, names)
    ax.set(xlabel=xlabel, xlim=(0, 1.02))
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax


def precision_recall(labels: ArrayLike, scores: Mapping[str, ArrayLike]) -> Axes:
    """Draws precision over recall, a point for each threshold, as steps whose area is the AP.

    Args:
        labels: 0 or 1, (clips,).
        scores: name of a system to (clips,) scores.
    """
    ax = new_axes(height=3)
    y = np.asarray(labels).astype(bool)
    for (name, s), (color, style, _) in zip(scores.items(), cycle(CURVE_STYLES), strict=False):
        order = np.argsort(-np.asarray(s), kind="stable")
        right = np.cumsum(y[order])
        recall = np.concatenate([[0], right / y.sum()])
        precision = right / np.arange(1, len(y) + 1)
        ax.step(recall, [precision[0], *precision], style, color=color, label=name)
    ax.axhline(y.mean(), color=GREY, lw=1, ls=":", label="chance")
    ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.03))
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax


def reliability(labels: ArrayLike, probabilities: Mapping[str, ArrayLike], bins: int = 10) -> Axes:
    """Draws how often it was true over what was said; on the diagonal a probability is honest.

    Args:
        labels: 0 or 1, any shape.
        probabilities: name to probabilities of that shape; the larger a marker, the more of them.
        bins: of equal width.
    """
    ax = new_axes(height=3.2)
    y = np.asarray(labels, dtype=float).ravel()
    ax.plot([0, 1], [0, 1], ":", color=GREY, label="honest")
    styles = cycle(CURVE_STYLES)
    for (name, p), (color, style, marker) in zip(probabilities.items(), styles, strict=False):
        p = np.asarray(p).ravel()
        place = np.minimum((p * bins).astype(int), bins - 1)
        counts = np.bincount(place, minlength=bins)
        some = counts > 0
        said, true = (np.bincount(place, w, bins)[some] / counts[some] for w in (p, y))
        ax.plot(said, true, style, color=color, lw=1, label=name)
        size = 12 + 120 * counts[some] / len(y)
        ax.scatter(said, true, size, color=color, marker=marker, clip_on=False, zorder=3)
    ax.set(xlabel="probability said", ylabel="how often it was true")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax
