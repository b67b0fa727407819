"""A spectrogram explorer: every setting of the STFT, on any clip, with sound and a cross-hair."""

import math
from typing import Any, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_utils import features, fourier
from course_utils.widgets.base import BLUE, INK, Quantity, Whole, javascript
from course_utils.widgets.clips import ClipExplorer

LONGEST_WINDOW = LONGEST_FFT = 4096
FLOOR = 1e-10  # smallest power told apart, as in `features`


class Probe(NamedTuple):
    """What lies under the cross-hair."""

    time_s: float  # centre of the frame
    frequency_hz: float  # centre of the bin or band
    level_db: float


class SpectrogramExplorer(ClipExplorer):
    """The STFT of a clip, drawn in the browser while its settings are moved.

    Frame t is centred on sample t · hop_length, zeros around the ends; the numbers are those of
    `features.stft` and, with mel bands, `features.log_mel`, in decibels: 0 dB is a power of 1.
    The picture shows the loudest `range_db`.

    The settings are kept possible: `n_fft` grows to hold the window and is a power of two, the
    window shrinks to a smaller `n_fft`, and a hop is never longer than the window.

    Of each clip the first 110,250 samples are taken, 5 s at 22.05 kHz.

    Traits:
        clip: name of the sound.
        win_length: length of the window, 32 to 4096 samples.
        hop_length: samples from frame to frame, 8 to 2048.
        n_fft: samples of a frame, zeros around the window included, 32 to 4096; a power of two.
        window: "rectangular", "hann", "hamming" or "blackman".
        n_mels: number of mel bands up to half the sample rate (Slaney's scale, area norm), at most
            128; 0 draws the bins on a linear axis.
        range_db: 20 to 100 dB.
        time_s, frequency_hz: where the cross-hair stands.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("spectrum.js", "stft.js", "spectrogram.js")
    LONGEST = 110_250

    win_length = Whole(512, 32, LONGEST_WINDOW, "samples")
    hop_length = Whole(128, 8, LONGEST_WINDOW // 2, "samples")
    n_fft = Whole(1024, 32, LONGEST_FFT, "samples")
    window = traitlets.Enum(list(fourier.WINDOW_COEFFICIENTS), "hann").tag(sync=True)
    n_mels = Whole(0, 0, 128, "bands")
    range_db = Quantity(70, 20, 100, "dB")
    time_s = Quantity(0.5, 0, 40, "s")
    frequency_hz = Quantity(1000, 0, 48_000, "Hz")

    @traitlets.validate("n_fft")
    def _check_n_fft(self, proposal: dict[str, Any]) -> int:
        value = proposal["value"]
        if value != fourier.power_of_two_from(value):
            raise traitlets.TraitError(
                f"n_fft must be a power of two from 32 to {LONGEST_FFT}, got {value}"
            )
        return value

    @traitlets.observe("win_length", "hop_length", "n_fft")
    def _keep_possible(self, change: dict[str, Any]) -> None:
        if change["name"] == "n_fft":
            self.win_length = min(self.win_length, self.n_fft)
        if change["name"] == "hop_length":
            self.win_length = max(self.win_length, self.hop_length)
        self.n_fft = max(self.n_fft, fourier.power_of_two_from(self.win_length))
        self.hop_length = min(self.hop_length, self.win_length)

    def levels(self) -> np.ndarray:
        """Levels of all frames in dB, 10 log10 of the power, at least -100.

        Returns:
            float32 (frames, n_fft // 2 + 1), or (frames, n_mels) where `n_mels` is not 0.
        """
        frame = (self.n_fft, self.hop_length)
        window = {"win_length": self.win_length, "window": self.window}
        if self.n_mels == 0:
            spectrum = features.stft(self.waveform, *frame, **window)
            return features.power_to_db(np.abs(spectrum) ** 2, floor=FLOOR)
        mel = features.log_mel(
            self.waveform, self.sample_rate, *frame, self.n_mels, floor=FLOOR, **window
        )
        return 10 / math.log(10) * mel

    def frequencies(self) -> np.ndarray:
        """Centres of the bins, or of the mel bands, in Hz, float64."""
        if self.n_mels == 0:
            return fourier.rfft_frequencies(self.n_fft, self.sample_rate)
        highest = features.hz_to_mel(self.sample_rate / 2)
        return features.mel_to_hz(np.linspace(0, highest, self.n_mels + 2)[1:-1])

    def probe(self) -> Probe:
        """The frame and the bin or band nearest to the cross-hair."""
        levels, frequencies = self.levels(), self.frequencies()
        frame = min(int(self.time_s * self.sample_rate / self.hop_length + 0.5), len(levels) - 1)
        row = int(np.argmin(np.abs(self._rows(frequencies) - self._rows(self.frequency_hz))))
        time_s = frame * self.hop_length / self.sample_rate
        return Probe(time_s, float(frequencies[row]), float(levels[frame, row]))

    def _rows(self, frequency_hz: np.ndarray | float) -> np.ndarray:
        """Place of a frequency on the picture's axis: a bin's or band's number, with a fraction."""
        if self.n_mels == 0:
            return np.asarray(frequency_hz) * self.n_fft / self.sample_rate
        highest = features.hz_to_mel(self.sample_rate / 2)
        return features.hz_to_mel(frequency_hz) / highest * (self.n_mels + 1) - 1

    def describe(self) -> str:
        """The state in two or three sentences, with its numbers."""
        levels, probe = self.levels(), self.probe()
        axis = f"{self.n_mels} mel bands" if self.n_mels else f"{levels.shape[1]} bins"
        return (
            f'spectrogram of "{self.clip}", {self.duration_s:.1f} s: {self.window} window of '
            f"{self.win_length} samples ({1000 * self.win_length / self.sample_rate:.1f} ms), hop "
            f"{self.hop_length}, n_fft {self.n_fft}; {len(levels)} frames x {axis}. At "
            f"{probe.time_s:.3f} s and {probe.frequency_hz:.0f} Hz the level is "
            f"{probe.level_db:.1f} dB, {levels.max() - probe.level_db:.1f} below the loudest."
        )

    def draw(self, figure: Figure) -> None:
        """The waveform, and the spectrogram with its cross-hair on the same time axis."""
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1, 4])
        levels, probe, rate = self.levels(), self.probe(), self.sample_rate
        above.plot(np.arange(len(self.waveform)) / rate, self.waveform, color=BLUE, linewidth=0.4)
        above.set(yticks=[])
        # As many frames as the picture has pixels; each one reaches half a hop to both sides.
        shown = levels[np.linspace(0, len(levels) - 1, min(len(levels), 500)).astype(int)]
        half_s = self.hop_length / rate / 2
        extent = (-half_s, (len(levels) - 1) * 2 * half_s + half_s, -0.5, levels.shape[1] - 0.5)
        top = levels.max()
        picture = below.imshow(
            shown.T,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            extent=extent,
            cmap="magma",
            vmin=top - self.range_db,
            vmax=top,
        )
        below.axvline(probe.time_s, color="white", linewidth=0.8, linestyle="--")
        row = self._rows(probe.frequency_hz)
        below.axhline(row, color="white", linewidth=0.8, linestyle="--")
        ticks_hz = np.array([0, 500, 1000, 2000, 4000, 6000, 8000, 10_000, 16_000])
        if self.n_mels == 0:
            ticks_hz = np.delete(ticks_hz, 1)
        ticks_hz = ticks_hz[(ticks_hz <= rate / 2) & (self._rows(ticks_hz) >= -0.5)]
        below.set_yticks(self._rows(ticks_hz), [f"{f:g}" for f in ticks_hz])
        below.set(xlim=(0, self.duration_s), ylim=extent[2:], xlabel="time in s", ylabel="Hz")
        bar = figure.colorbar(picture, ax=[above, below], pad=0.01, aspect=40)
        bar.set_label("dB", color=INK)
