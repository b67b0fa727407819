"""Pictures of sound: waveforms, spectra, spectrograms, filters; and the map of the course."""

from itertools import cycle
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import get_sample_data
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils import features, fourier, signals
from course_utils.plotting.base import (
    BLUE,
    CURVE_STYLES,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    new_axes,
)


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

    Raises:
        ValueError: there is no sound between `start_s` and `stop_s`.
    """
    ax = new_axes() if ax is None else ax
    x = np.asarray(x)
    end_s = len(x) / sample_rate
    stop_s = end_s if stop_s is None else stop_s
    if not 0 <= start_s < min(stop_s, end_s):
        raise ValueError(f"nothing lies from {start_s} s to {stop_s} s in a sound of {end_s:.3f} s")
    first, last = round(start_s * sample_rate), min(round(stop_s * sample_rate), len(x))
    times = np.arange(first, last) / sample_rate
    unit, scale = ("ms", 1000) if stop_s - start_s < 0.2 else ("s", 1)
    alpha = 0.5 if envelope else 1
    ax.plot(times * scale, x[first:last], color=color, lw=0.9, alpha=alpha, label=label)
    if envelope:
        outline = signals.amplitude_envelope(x)[first:last]
        ax.plot(times * scale, outline, "--", color=VERMILLION, lw=1.5, label="outline")
        ax.plot(times * scale, -outline, "--", color=VERMILLION, lw=1.5)
    ax.set(xlabel=f"time ({unit})", ylabel="amplitude")
    ax.margins(x=0)
    if label or envelope:
        ax.legend(loc="lower right", bbox_to_anchor=(1, 0.98), frameon=False)
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

    The displacement is drawn much larger than that of any real sound.

    Args:
        frequency_hz: of the wave, which travels to the right.
        length_m: of the tube.
        t_s: the moment, in seconds.
        speed: of sound, in m/s.
    """
    particles, curves = new_axes(rows=2, height=1.9)
    wavelength_m = speed / frequency_hz
    amplitude_m = 0.08 * wavelength_m
    rest = np.linspace(0, length_m, 700)
    moved = rest + signals.displacement(rest, t_s, frequency_hz, amplitude_m, speed)
    rows = np.random.default_rng(0).uniform(0, 1, len(rest))
    particles.plot(moved, rows, ".", color=GREY, ms=3)
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
    curves.legend(loc="lower center", bbox_to_anchor=(0.5, 0.98), frameon=False, ncols=2)
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
    for (name, (t, y)), (color, style, _) in zip(curves.items(), cycle(CURVE_STYLES), strict=False):
        ax.plot(np.asarray(t) * 1000, y, style, color=color, lw=1.6, label=name)
    if stairs:
        ax.step(times_ms, values, where="post", color=GREY, lw=1, label="staircase")
    ax.vlines(times_ms, 0, values, color=GREY, lw=0.8)
    ax.plot(times_ms, values, "o", color="black", ms=5, label="samples")
    ax.set(xlabel="time (ms)", ylabel="amplitude")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.25), ncols=4, frameon=False)
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


def course_map(notebooks: list) -> Axes:
    """Draws the course as a path of boxes, one row for each part.

    Args:
        notebooks: of `course_utils.exercises.course.Notebook`, in reading order.
    """
    parts = list(dict.fromkeys(notebook.part for notebook in notebooks))
    colors = dict(zip(parts, (BLUE, GREEN, ORANGE, VERMILLION, PURPLE), strict=False))
    _, ax = plt.subplots(figsize=(9, 1.25 * len(parts)), layout="constrained")
    for row, part in enumerate(parts):
        members = [notebook for notebook in notebooks if notebook.part == part]
        ax.text(-0.15, -row, part, ha="right", va="center", fontsize=11, weight="bold")
        for column, notebook in enumerate(members):
            box = plt.Rectangle(
                (column + 0.06, -row - 0.36),
                0.88,
                0.72,
                facecolor=colors[part] + "22",
                edgecolor=colors[part],
            )
            ax.add_patch(box)
            label = f"{notebook.number:02d}\n{fill(notebook.title, 24)}\n{notebook.minutes} min"
            ax.text(column + 0.5, -row, label, ha="center", va="center", fontsize=8)
            if column:
                ends = (column + 0.07, -row), (column - 0.07, -row)
                ax.annotate("", *ends, arrowprops={"arrowstyle": "-|>", "color": "black"})
    ax.set(xlim=(-0.6, 4), ylim=(0.5 - len(parts), 0.5))
    ax.axis("off")
    return ax


def spectrum(
    frequencies_hz: ArrayLike,
    level_db: ArrayLike,
    f_min: float = 0.0,
    f_max: float | None = None,
    color: str = BLUE,
    style: str = "-",
    label: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draws a magnitude spectrum in dB over frequency, down to 100 dB below its peak.

    Args:
        frequencies_hz: of the bins, (bins,).
        level_db: (bins,).
        f_min: where the picture starts, in Hz.
        f_max: where it ends; the last bin when None.
        color: of the curve.
        style: line style of the curve.
        label: name of the curve in the legend.
        ax: where to draw; new Axes when None.
    """
    ax = new_axes() if ax is None else ax
    f, level = np.asarray(frequencies_hz), np.asarray(level_db)
    shown = (f >= f_min) & (f <= (f[-1] if f_max is None else f_max))
    few = "." if shown.sum() <= 120 and label is None else None
    ax.plot(f[shown], level[shown], style, color=color, marker=few, lw=1.2, label=label)
    ax.set(xlabel="frequency (Hz)", ylabel="level (dB)", xlim=(f[shown][0], f[shown][-1]))
    top = max(level[shown].max() + 5, ax.get_ylim()[1] if label else -np.inf)
    ax.set_ylim(max(level[shown].min() - 5, top - 105), top)
    ax.grid(alpha=0.3)
    if label:
        ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=4)
    return ax


def arrows(numbers: dict[str, complex]) -> Axes:
    """Draws complex numbers as labelled arrows in the plane, with the unit circle."""
    _, ax = plt.subplots(figsize=(4.5, 4.5), layout="constrained")
    for (name, z), (color, style, _) in zip(numbers.items(), cycle(CURVE_STYLES), strict=False):
        ax.annotate("", (z.real, z.imag), (0, 0), arrowprops={"color": color, "arrowstyle": "->"})
        ax.plot([0, z.real], [0, z.imag], style, color=color, lw=1.6)
        ax.text(1.08 * z.real, 1.08 * z.imag, name, color=color, ha="center", va="center")
    ax.add_patch(plt.Circle((0, 0), 1, fill=False, color=GREY, lw=0.8, ls=":"))
    limit = 1.35 * max(abs(z) for z in numbers.values())
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ax.set(xlabel="real part", ylabel="imaginary part")
    ax.axhline(0, color=GREY, lw=0.6)
    ax.axvline(0, color=GREY, lw=0.6)
    return ax


def images(pictures: dict[str, ArrayLike]) -> Axes:
    """Draws grey pictures side by side, each with its title and its own range of grey."""
    _, axes = plt.subplots(
        1, len(pictures), figsize=(2.2 * len(pictures), 2.6), layout="constrained", squeeze=False
    )
    for ax, (name, picture) in zip(axes[0], pictures.items(), strict=True):
        ax.imshow(picture, cmap="gray")
        ax.set_title(name, fontsize=10)
        ax.axis("off")
    return axes[0, 0]


def sample_images(size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures: a portrait of Grace Hopper, which comes with Matplotlib, and a poster of words.

    Args:
        size: rows and columns of each.

    Returns:
        Portrait and poster, float64 (size, size), grey values from 0 to 1.
    """
    photo = np.asarray(plt.imread(get_sample_data("grace_hopper.jpg")), dtype=np.float64)
    side = min(photo.shape[:2])
    pick = np.linspace(0, side - 1, size).round().astype(int)
    portrait = photo[pick][:, pick].mean(axis=2) / 255
    figure = Figure(figsize=(1, 1), dpi=size)
    figure.text(0.5, 0.5, "SEE\nTHE\nWAVE", ha="center", va="center", fontsize=22, weight="bold")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return portrait, np.asarray(canvas.buffer_rgba())[:, :, 0] / 255


def framing(x: ArrayLike, n_fft: int, hop_length: int) -> Axes:
    """Draws a piece of signal and, below it, the Hann windows that cut it into frames.

    Args:
        x: (samples,), some frames long.
        n_fft: samples of a frame.
        hop_length: samples from one frame to the next.
    """
    top, bottom = new_axes(rows=2, height=1.5)
    samples_shown = np.arange(len(np.asarray(x)))
    top.plot(samples_shown, x, color=BLUE, lw=0.9)
    top.set_ylabel("amplitude")
    starts = range(0, len(samples_shown) - n_fft + 1, hop_length)
    for t, start in enumerate(starts):
        color, style, _ = CURVE_STYLES[t % len(CURVE_STYLES)]
        n = start + np.arange(n_fft)
        bottom.plot(n, fourier.window("hann", n_fft), style, color=color)
        bottom.text(start + n_fft / 2, 1.05, f"frame {t}", ha="center", color=color, fontsize=9)
    bottom.set(xlabel="sample", ylabel="weight", ylim=(0, 1.3))
    top.margins(x=0)
    return top


def spectrogram(
    x: ArrayLike,
    sample_rate: float,
    n_fft: int,
    hop_length: int,
    f_max: float | None = None,
    f_min: float = 0.0,
    dynamic_range_db: float = 70.0,
    ax: Axes | None = None,
) -> Axes:
    """Draws the power of the STFT in dB relative to its peak, over seconds and Hz.

    Args:
        x: waveform, (samples,).
        sample_rate: in Hz.
        n_fft: samples of a frame.
        hop_length: samples from one frame to the next.
        f_max: highest frequency drawn, in Hz; half the sample rate when None.
        f_min: lowest frequency drawn, in Hz.
        dynamic_range_db: what lies further below the peak is black.
        ax: where to draw; new Axes when None.
    """
    ax = new_axes() if ax is None else ax
    power = np.abs(features.stft(np.asarray(x), n_fft, hop_length)) ** 2
    level = features.power_to_db(power, reference=power.max())
    f_max = sample_rate / 2 if f_max is None else f_max
    bins = np.searchsorted(fourier.rfft_frequencies(n_fft, sample_rate), f_max, side="right")
    half_hop_s = hop_length / sample_rate / 2
    half_bin_hz = sample_rate / n_fft / 2
    picture = ax.imshow(
        level[:, :bins].T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-dynamic_range_db,
        vmax=0,
        extent=(
            -half_hop_s,
            (2 * len(level) - 1) * half_hop_s,
            -half_bin_hz,
            (2 * bins - 1) * half_bin_hz,
        ),
    )
    ax.figure.colorbar(picture, ax=ax, pad=0.01, label="dB")
    ax.set(xlabel="time (s)", ylabel="frequency (Hz)", xlim=(0, len(np.asarray(x)) / sample_rate))
    ax.set_ylim(f_min, f_max)
    return ax


def spectrograms(
    sounds: dict[str, ArrayLike],
    sample_rate: float,
    n_fft: int,
    hop_length: int,
    f_max: float | None = None,
) -> Axes:
    """Draws the spectrograms of several sounds below each other; the name is each one's title.

    Args:
        sounds: name to waveform, (samples,).
        sample_rate: in Hz, one for all.
        n_fft: samples of a frame.
        hop_length: samples from one frame to the next.
        f_max: highest frequency drawn, in Hz; half the sample rate when None.
    """
    axes = np.atleast_1d(new_axes(rows=len(sounds), height=2.3, share_x=False))
    for ax, (name, x) in zip(axes, sounds.items(), strict=True):
        spectrogram(x, sample_rate, n_fft, hop_length, f_max, ax=ax)
        ax.set_title(name, loc="left", fontsize=10)
    return axes[0]


def window_comparison(
    x: ArrayLike,
    sample_rate: float,
    n_ffts: tuple[int, ...],
    f_max: float | None = None,
    f_min: float = 0.0,
) -> Axes:
    """Draws one sound through windows of several lengths, each with a hop of an eighth of it.

    Args:
        x: waveform, (samples,).
        sample_rate: in Hz.
        n_ffts: samples of each window.
        f_max: highest frequency drawn, in Hz; half the sample rate when None.
        f_min: lowest frequency drawn, in Hz.
    """
    axes = np.atleast_1d(new_axes(rows=len(n_ffts), height=6.2 / len(n_ffts), share_x=False))
    for ax, n_fft in zip(axes, n_ffts, strict=True):
        spectrogram(x, sample_rate, n_fft, max(1, n_fft // 8), f_max, f_min, ax=ax)
        title = f"window of {n_fft} samples, {1000 * n_fft / sample_rate:.0f} ms"
        ax.set_title(title, loc="left", fontsize=10)
    return axes[0]


def filter_bank(frequencies_hz: ArrayLike, bank: ArrayLike) -> Axes:
    """Draws the filters of a bank, (filters, bins), over frequency, in turning colours."""
    ax = new_axes()
    for m, weights in enumerate(np.asarray(bank)):
        color, style, _ = CURVE_STYLES[m % len(CURVE_STYLES)]
        shown = np.flatnonzero(weights)
        if shown.size == 0:  # a filter too narrow to hold a bin
            continue
        around = slice(max(0, shown[0] - 1), shown[-1] + 2)
        ax.plot(np.asarray(frequencies_hz)[around], weights[around], style, color=color)
    ax.set(xlabel="frequency (Hz)", ylabel="weight")
    ax.margins(x=0)
    return ax
