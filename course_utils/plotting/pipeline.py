"""Pictures of the way from files to batches: padding, masks, splits, rooms, time spent."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_utils import features
from course_utils.plotting.base import BLUE, GREY, ORANGE, SKY, VERMILLION, new_axes


def padding(plans: Mapping[str, Sequence[Sequence[int]]], lengths: Sequence[int]) -> Axes:
    """Draws batches as stacks of bars, one bar an item, its padding hatched.

    Args:
        plans: title to batches of item indices; the first six of each are drawn.
        lengths: frames of each item.
    """
    _, axes = plt.subplots(
        1, len(plans), figsize=(8, 3.6), sharex=True, layout="constrained", squeeze=False
    )
    for ax, (title, batches) in zip(axes[0], plans.items(), strict=True):
        place = 0
        for batch in batches[:6]:
            frames = np.asarray(lengths)[batch]
            rows = place + np.arange(len(frames))
            ax.barh(rows, frames, height=0.9, color=BLUE)
            rest = frames.max() - frames
            ax.barh(
                rows,
                rest,
                left=frames,
                height=0.9,
                color="#dddddd",
                hatch="////",
                edgecolor=GREY,
                lw=0,
            )
            place += len(frames) + 3
        ax.set_title(title, loc="left", fontsize=10)
        ax.set(xlabel="frames", yticks=[], ylabel="items of six batches")
        ax.invert_yaxis()
        ax.spines[["top", "right"]].set_visible(False)
    return axes[0, 0]


def batch(values: ArrayLike, mask: ArrayLike, names: Sequence[str]) -> Axes:
    """Draws the items of a padded batch below each other, over each the mask as a strip.

    Args:
        values: features (batch, frames, bands).
        mask: bool (batch, frames), True where there is signal.
        names: of the items.
    """
    values, mask = np.asarray(values), np.asarray(mask)
    axes = np.atleast_1d(new_axes(rows=len(values), height=1.25))
    limit = np.abs(values).max()
    bands = values.shape[2]
    for ax, item, valid, name in zip(axes, values, mask, names, strict=True):
        ax.imshow(
            item.T, origin="lower", aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit,
            interpolation="none",
        )  # fmt: skip
        strip = (-0.5, len(valid) - 0.5, bands + 3, bands + 11)
        ax.imshow(
            valid[None], origin="lower", aspect="auto", cmap="gray", vmin=0, vmax=1, extent=strip,
            interpolation="none",
        )  # fmt: skip
        ax.plot(
            [*strip[:2], strip[1], strip[0], strip[0]], np.array(strip)[[2, 2, 3, 3, 2]], color=GREY
        )
        ax.set(ylim=(-0.5, bands + 12), yticks=[bands // 2, bands + 7])
        ax.set_yticklabels(["bands", "mask"])
        ax.set_title(name, loc="left", fontsize=9)
    axes[-1].set_xlabel("frame")
    return axes[0]


def splits(plans: Mapping[str, Mapping[str, ArrayLike]]) -> Axes:
    """Draws who is where: a row a voice, a column a file; test files hatched, with a T.

    Args:
        plans: title to {voice: booleans (files,), True in the test set}.
    """
    count = len(next(iter(plans.values())))
    _, axes = plt.subplots(
        1, len(plans), figsize=(8, 0.7 + 0.32 * count), layout="constrained", squeeze=False
    )
    for ax, (title, plan) in zip(axes[0], plans.items(), strict=True):
        for row, tested in enumerate(plan.values()):
            for column, is_test in enumerate(np.asarray(tested)):
                style = {"color": ORANGE, "hatch": "///"} if is_test else {"color": SKY}
                ax.barh(row, 0.92, left=column, height=0.8, edgecolor="white", **style)
                if is_test:
                    ax.text(column + 0.46, row, "T", ha="center", va="center", fontsize=7)
        ax.set_yticks(range(len(plan)), list(plan))
        ax.set(xlabel="file", xticks=[])
        ax.invert_yaxis()
        ax.set_title(title, loc="left", fontsize=10)
        ax.spines[:].set_visible(False)
    return axes[0, 0]


def paired(scores: Mapping[str, ArrayLike], ylabel: str) -> Axes:
    """Draws a score for each draw and column, the same draw joined by a line, and the means.

    Args:
        scores: column to (draws,) values.
        ylabel: what is scored.
    """
    ax = new_axes(height=3.2)
    table = np.array([np.asarray(values) for values in scores.values()])
    places = np.arange(len(table))
    ax.plot(places, table, color=GREY, lw=0.7, alpha=0.4)
    ax.plot(places, table, "o", color=BLUE, ms=3.5, alpha=0.5)
    ax.plot(places, table.mean(axis=1), "_", color=VERMILLION, ms=44, mew=3)
    for place, mean in zip(places, table.mean(axis=1), strict=True):
        label = ax.text(place + 0.2, mean, f"{mean:.2f}", color=VERMILLION, va="center")
        label.set(weight="bold", bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 1})
    ax.set_xticks(places, list(scores))
    ax.set(ylabel=ylabel, xlim=(-0.4, len(table) - 0.5))
    return ax


def stations(values: Mapping[str, float], xlabel: str, remark: str) -> Axes:
    """Draws numbers as bars from the top down, the largest one in another colour.

    Args:
        values: name to number.
        xlabel: what is counted, with its unit.
        remark: stands at the largest one.
    """
    _, ax = plt.subplots(figsize=(8, 0.8 + 0.36 * len(values)), layout="constrained")
    names, values = list(values), list(values.values())
    places = np.arange(len(names))
    longest = [value == max(values) for value in values]
    ax.barh(places, values, color=[VERMILLION if top else BLUE for top in longest])
    for place, value, top in zip(places, values, longest, strict=True):
        ax.text(value, place, f" {value:.2f} {remark if top else ''}", va="center")
    ax.set_yticks(places, names)
    ax.set(xlabel=xlabel, xlim=(0, 1.35 * max(values)))
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def before_after(sounds: Mapping[str, ArrayLike], sample_rate: int) -> Axes:
    """Draws sounds side by side, waveform above, log-mel below, all on the same axes."""
    _, axes = plt.subplots(
        2,
        len(sounds),
        figsize=(8, 3.4),
        sharex=True,
        sharey="row",
        height_ratios=[1, 1.5],
        layout="constrained",
        squeeze=False,
    )
    n_fft, hop_length = round(0.032 * sample_rate), round(0.01 * sample_rate)
    mels = [
        features.log_mel(np.asarray(x), sample_rate, n_fft, hop_length, 40) for x in sounds.values()
    ]
    top = max(mel.max() for mel in mels)
    for (above, below), (name, x), mel in zip(axes.T, sounds.items(), mels, strict=True):
        above.plot(np.arange(len(x)) / sample_rate, x, color=BLUE, lw=0.5)
        above.set_title(name, loc="left", fontsize=9)
        extent = (-0.005, 0.01 * len(mel) - 0.005, 0, 40)
        below.imshow(
            mel.T,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=top - 14,
            vmax=top,
            extent=extent,
        )
        below.set_xlabel("time (s)")
    axes[1, 0].set_ylabel("mel band")
    longest = max(len(np.asarray(x)) for x in sounds.values()) / sample_rate
    axes[0, 0].set_xlim(0, longest)
    return axes[0, 0]


def decay(response: ArrayLike, curve_db: ArrayLike, sample_rate: int, rt60_s: float) -> Axes:
    """Draws a room's response, its decay curve, and the line that gives the reverberation time.

    Args:
        response: (samples,).
        curve_db: energy still to come, in dB, (samples,), from `augmentation.decay_curve`.
        sample_rate: in Hz.
        rt60_s: reverberation time in seconds.
    """
    above, below = new_axes(rows=2, height=1.7)
    times = np.arange(len(np.asarray(response))) / sample_rate
    above.plot(times, response, color=BLUE, lw=0.6)
    above.set_ylabel("response")
    below.plot(times, curve_db, color=BLUE, label="energy still to come")
    first = int(np.argmax(np.asarray(curve_db) <= -5))
    line = curve_db[first] - 60 * (times - times[first]) / rt60_s
    below.plot(times, line, "--", color=VERMILLION, label=f"60 dB in {rt60_s:.2f} s")
    below.set(xlabel="time (s)", ylabel="dB", ylim=(-65, 3))
    below.legend(frameon=False)
    return above
