"""Pictures of convolution: feature maps, receptive fields, learned filters, what was heard."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_utils import features
from course_utils.plotting.base import BLUE, GREEN, GREY, VERMILLION, new_axes


def feature_maps(maps: Mapping[str, ArrayLike]) -> Axes:
    """Draws pictures of frames by bands side by side, frames to the right, bands upward.

    A picture with negative values has its colours symmetric about zero: orange below, purple above.

    Args:
        maps: name to (frames, bands).
    """
    columns = min(len(maps), 4)
    rows = -(-len(maps) // columns)
    _, axes = plt.subplots(
        rows, columns, figsize=(8, 2.0 * rows), layout="constrained", squeeze=False
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (name, values) in zip(axes.flat, maps.items(), strict=False):
        values = np.asarray(values)
        limit = max(float(np.abs(values).max()), 1e-9)
        signed = values.min() < 0
        ax.imshow(
            values.T,
            origin="lower",
            aspect="auto",
            interpolation="none",
            cmap="PuOr" if signed else "magma",
            vmin=-limit if signed else 0,
            vmax=limit,
        )
        ax.set_title(f"{name}\n{values.shape[0]} × {values.shape[1]}", fontsize=9)
    return axes[0, 0]


def receptive_field(layers: Sequence[tuple[int, int, int]], inputs: int = 40) -> Axes:
    """Draws a stack of layers as rows of dots, and what one output at the top sees of them.

    Args:
        layers: (filter_size, stride, dilation) of each layer, from the input on; without padding.
        inputs: dots of the lowest row.

    Raises:
        ValueError: the stack sees more inputs than there are.
    """
    counts, steps, starts = [inputs], [1], [0.0]
    for F, S, D in layers:
        counts.append((counts[-1] - D * (F - 1) - 1) // S + 1)
        starts.append(starts[-1] + D * (F - 1) / 2 * steps[-1])
        steps.append(steps[-1] * S)
    if counts[-1] < 1:
        raise ValueError(
            f"{inputs} inputs are fewer than one output of the stack sees: draw more of them, "
            "or a smaller stack"
        )
    ax = new_axes(height=0.75 * len(counts) + 0.4)
    seen = {counts[-1] // 2}
    for level in range(len(layers), -1, -1):
        places = starts[level] + steps[level] * np.arange(counts[level])
        ax.plot(places, np.full(len(places), level), "o", color="#cccccc", ms=4)
        ax.plot(places[sorted(seen)], [level] * len(seen), "o", color=BLUE, ms=6)
        if level == 0:
            ax.text(inputs, 0, f"  {max(seen) - min(seen) + 1} seen", va="center", fontsize=9)
            break
        F, S, D = layers[level - 1]
        below = set()
        for place in seen:
            for k in range(F):
                tap = S * place + D * k
                below.add(tap)
                x = starts[level - 1] + steps[level - 1] * tap
                ax.plot([places[place], x], [level, level - 1], "-", color=BLUE, lw=0.6, alpha=0.6)
        seen = below
    names = [f"layer {i}: F {F}, S {S}, D {D}" for i, (F, S, D) in enumerate(layers, start=1)]
    ax.set_yticks(range(len(counts)), ["input", *names])
    ax.set(xticks=[], xlim=(-1, inputs + 4))
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.tick_params(length=0)
    return ax


def frequency_responses(filters: ArrayLike, sample_rate: float) -> Axes:
    """Draws filters of a waveform layer as frequency responses, sorted by where each is largest.

    Beside them, where filters with centres at even steps of the mel scale would have their peaks.

    Args:
        filters: weights, (filters, taps).
        sample_rate: of what they slide over, in Hz.
    """
    frequencies, responses = responses_of(filters, sample_rate)
    peaks = frequencies[responses.argmax(axis=1)]
    order = np.argsort(peaks, kind="stable")
    level = 20 * np.log10(
        np.maximum(responses[order] / responses[order].max(axis=1)[:, None], 1e-3)
    )
    ax = new_axes(height=3.4)
    picture = ax.imshow(
        level.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-30,
        vmax=0,
        extent=(-0.5, len(order) - 0.5, 0, sample_rate / 2),
    )
    ax.figure.colorbar(picture, ax=ax, pad=0.01, label="dB under its peak")
    x = np.arange(len(order))
    ax.plot(x, peaks[order], "o", color="white", mec="black", ms=4, label="peak of each filter")
    mels = np.linspace(0, features.hz_to_mel(sample_rate / 2), len(order) + 2)[1:-1]
    ax.plot(x, features.mel_to_hz(mels), "--", color="#56B4E9", lw=2, label="even steps in mel")
    ax.set(xlabel="filter, sorted", ylabel="frequency (Hz)", ylim=(0, sample_rate / 2))
    ax.legend(loc="upper left", fontsize=9)
    return ax


def responses_of(
    filters: ArrayLike, sample_rate: float, n_fft: int = 1024
) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz (bins,), and each filter's magnitude response there (filters, bins)."""
    responses = np.abs(np.fft.rfft(np.asarray(filters, dtype=np.float64), n_fft, axis=1))
    return np.fft.rfftfreq(n_fft, 1 / sample_rate), responses


def relevance(pictures: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Axes:
    """Draws pictures of frames by bands, with lines around the most relevant tenth of each.

    Args:
        pictures: title to (picture, relevance), both (frames, bands), the relevance not negative.
    """
    columns = len(pictures)
    _, axes = plt.subplots(1, columns, figsize=(8, 2.7), layout="constrained", squeeze=False)
    for ax, (title, (picture, weight)) in zip(axes[0], pictures.items(), strict=True):
        picture, weight = np.asarray(picture), np.asarray(weight)
        ax.imshow(picture.T, origin="lower", aspect="auto", cmap="gray_r")
        limit = np.quantile(weight, 0.9)
        ax.imshow(
            np.ma.masked_less(weight, limit).T,
            origin="lower",
            aspect="auto",
            cmap="autumn_r",
            alpha=0.55,
        )
        ax.contour(limit <= weight.T, levels=[0.5], colors=VERMILLION, linewidths=1)
        ax.set_title(title, fontsize=9)
        ax.set(xlabel="frame", ylabel="mel band" if ax is axes[0, 0] else "")
    return axes[0, 0]


def heard(
    utterance: Any,
    said: Sequence[tuple[float, float, str]],
    title: str = "",
    scores: tuple[ArrayLike, ArrayLike, Sequence[str]] | None = None,
) -> Axes:
    """Draws an utterance's spectrogram, above it what is true, below what a model said, and where.

    Args:
        utterance: has `waveform`, `sample_rate` and `words` (of text, start_s, end_s).
        said: (start in s, end in s, text) of each word that the model gave.
        title: on the left, above.
        scores: (times in s, probabilities (times, classes), names of the classes), drawn below.
    """
    heights = [2.2, 2.0] if scores is not None else [2.2]
    _, axes = plt.subplots(
        len(heights),
        1,
        figsize=(8, sum(heights) + 0.6),
        sharex=True,
        layout="constrained",
        height_ratios=heights,
        squeeze=False,
    )
    ax, rate = axes[0, 0], utterance.sample_rate
    duration_s = len(utterance.waveform) / rate
    level = features.power_to_db(np.abs(features.stft(utterance.waveform, 256, 80)) ** 2)
    ax.imshow(
        level.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=level.max() - 60,
        extent=(0, duration_s, 0, rate / 2),
    )
    for word in utterance.words:
        ax.axvspan(word.start_s, word.end_s, fill=False, ec="white", lw=1, ls=":")
        middle = (word.start_s + word.end_s) / 2
        ax.text(middle, 1.03, word.text, transform=ax.get_xaxis_transform(), ha="center")
    truth = {(word.start_s, word.text) for word in utterance.words}
    for start, end, text in said:
        right = (start, text) in truth
        ax.text(
            (start + end) / 2,
            0.04,
            text + ("" if right or not truth else " ✗"),
            transform=ax.get_xaxis_transform(),
            ha="center",
            color="white",
            fontsize=9,
            bbox={
                "facecolor": GREEN if right else (VERMILLION if truth else GREY),
                "lw": 0,
                "pad": 2,
            },
        )
    ax.set(ylabel="frequency (Hz)", xlim=(0, duration_s))
    ax.set_title(title, loc="left", fontsize=10, pad=18)
    if scores is not None:
        times, probabilities, names = scores
        low = axes[1, 0]
        step = times[1] - times[0]
        low.imshow(
            np.asarray(probabilities).T,
            origin="lower",
            aspect="auto",
            cmap="Blues",
            vmin=0,
            vmax=1,
            extent=(times[0] - step / 2, times[-1] + step / 2, -0.5, len(names) - 0.5),
        )
        low.set_yticks(range(len(names)), names, fontsize=8)
    axes[-1, 0].set_xlabel("time (s)")
    return ax
