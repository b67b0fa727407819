"""An augmentation bench: a clip before and after, seen as waveform and log-mel, and heard."""

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_utils import features, fourier, signals
from course_utils.datasets import augmentation
from course_utils.widgets.base import BLUE, RED, Quantity, Whole, javascript
from course_utils.widgets.clips import ClipExplorer

NO_NOISE_DB = 40.0  # the slider's end: no noise is added
SHORTEST_RT60_S = 0.05
MELS = 40
RANGE = 14.0  # of the log-mel colours: 60 dB, in natural logarithms of power


class Dice:
    """As much of a random generator as the augmentations use, simple enough for JavaScript.

    The i-th number of a stream is a hash of (seed, stream, i), so that both sides of the explorer
    draw the same ones. Not for anything else: use `numpy.random`.

    Source: the constants of Wellons (2018), "Prospecting for hash functions", lowbias32,
    https://nullprogram.com/blog/2018/07/31/
    """

    def __init__(self, seed: int, stream: int) -> None:
        """Begin a stream."""
        self._key = (seed * 0x85EBCA6B + stream * 0xC2B2AE35) & 0xFFFFFFFF
        self._drawn = 0

    def uniform(self, count: int) -> np.ndarray:
        """The next `count` numbers between 0 and 1, float64."""
        x = np.arange(self._drawn, self._drawn + count, dtype=np.uint64)
        self._drawn += count
        low = np.uint64(0xFFFFFFFF)
        x = (x * np.uint64(0x9E3779B9) + np.uint64(self._key)) & low
        x ^= x >> np.uint64(16)
        x = (x * np.uint64(0x7FEB352D)) & low
        x ^= x >> np.uint64(15)
        x = (x * np.uint64(0x846CA68B)) & low
        x ^= x >> np.uint64(16)
        return (x + 0.5) / 2**32

    def standard_normal(self, count: int) -> np.ndarray:
        """The next `count` Gaussian numbers, two uniform ones each (Box and Muller 1958)."""
        u = self.uniform(2 * count)
        return np.sqrt(-2 * np.log(u[::2])) * np.cos(2 * np.pi * u[1::2])

    def integers(self, low: int, high: int, endpoint: bool = False) -> int:
        """The next whole number from `low` to `high`, which belongs to it with `endpoint`."""
        return low + int(self.uniform(1)[0] * (high - low + endpoint))


class AugmentationBench(ClipExplorer):
    """What an augmentation does to a clip: waveform and log-mel before and after, both heard.

    The changes come in the order of `augmentation.Augmentation`: speed, room, noise, gain, shift;
    then log-mel, and on it the masks of `features.spec_augment`, which are seen and not heard.
    Windows are 32 ms long and start every 10 ms, 40 mel bands.

    Of each clip the first 24,000 samples are taken, 3 s at 8 kHz.

    Traits:
        clip: name of the sound.
        speed: factor, 0.7 to 1.4; 1 changes nothing.
        rt60_s: reverberation time, 0.05 to 1.5 s; 0 is no room.
        snr_db: signal-to-noise ratio, -5 to 40 dB; at 40 no noise is added.
        gain_db: -20 to 12 dB.
        shift_s: later by so many seconds, -0.5 to 0.5.
        freq_masks, freq_width: how many frequency masks, 0 to 4, and their largest width in bands.
        time_masks, time_width: how many time masks, 0 to 4, and their largest width in frames.
        seed: another one draws another noise, room and other masks.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("spectrum.js", "stft.js", "effects.js", "augmentation_bench.js")
    LONGEST = 24_000

    speed = Quantity(1, 0.7, 1.4, "times as fast")
    rt60_s = Quantity(0, 0, 1.5, "s")
    snr_db = Quantity(NO_NOISE_DB, -5, NO_NOISE_DB, "dB")
    gain_db = Quantity(0, -20, 12, "dB")
    shift_s = Quantity(0, -0.5, 0.5, "s")
    freq_masks = Whole(0, 0, 4, "masks")
    freq_width = Whole(8, 0, 20, "bands")
    time_masks = Whole(0, 0, 4, "masks")
    time_width = Whole(20, 0, 60, "frames")
    seed = Whole(1, 0, 999)
    _bench = traitlets.Dict(
        {"noNoise": NO_NOISE_DB, "shortest": SHORTEST_RT60_S, "mels": MELS, "range": RANGE}
    ).tag(sync=True)

    @traitlets.validate("rt60_s")
    def _check_rt60(self, proposal: dict) -> float:
        if 0 < proposal["value"] < SHORTEST_RT60_S:
            raise traitlets.TraitError(
                f"rt60_s must be 0 (off) or {SHORTEST_RT60_S:g} to 1.5 s, got {proposal['value']!r}"
            )
        return proposal["value"]

    def augmented(self) -> np.ndarray:
        """The changed waveform, float32 `(samples,)`; it may go beyond full scale."""
        x = self.waveform.copy()
        if self.speed != 1:
            x = augmentation.speed(x, self.speed)
        if self.rt60_s:
            x = augmentation.reverberate(x, self.sample_rate, self.rt60_s, Dice(self.seed, 1))
        if self.snr_db < NO_NOISE_DB and x.any():
            x = augmentation.add_noise(x, self.snr_db, Dice(self.seed, 2))
        if self.gain_db:
            x = augmentation.gain(x, self.gain_db)
        return augmentation.shift(x, int(np.floor(self.shift_s * self.sample_rate + 0.5)))

    def log_mel(self, waveform: np.ndarray) -> np.ndarray:
        """Log-mel of a waveform at the clip's rate, float32 (frames, 40)."""
        n_fft = fourier.power_of_two_from(round(0.032 * self.sample_rate))
        return features.log_mel(
            waveform, self.sample_rate, n_fft, round(0.01 * self.sample_rate), MELS
        )

    def masked(self) -> np.ndarray:
        """Log-mel of the changed waveform with the masks, float32 (frames, 40)."""
        return features.spec_augment(
            self.log_mel(self.augmented()),
            Dice(self.seed, 3),
            min(self.freq_width, MELS),
            self.time_width,
            self.freq_masks,
            self.time_masks,
        )

    def _changes(self) -> list[str]:
        """What is switched on, in words."""
        said = []
        if self.speed != 1:
            said.append(f"{self.speed:.2f} times as fast")
        if self.rt60_s:
            said.append(f"in a room with RT60 {self.rt60_s:.2f} s")
        if self.snr_db < NO_NOISE_DB:
            said.append(f"noise at an SNR of {self.snr_db:.0f} dB")
        if self.gain_db:
            said.append(f"gain {self.gain_db:+.1f} dB")
        if self.shift_s:
            said.append(f"shifted by {self.shift_s:+.2f} s")
        if self.freq_masks:
            said.append(f"{self.freq_masks} frequency masks up to {self.freq_width} bands")
        if self.time_masks:
            said.append(f"{self.time_masks} time masks up to {self.time_width} frames")
        return said

    def describe(self) -> str:
        """The state in two sentences, with its numbers."""
        after = self.augmented()
        level_db = 20 * np.log10(
            max(signals.rms(after), 1e-9) / max(signals.rms(self.waveform), 1e-9)
        )
        changes = self._changes()
        done = f"changed: {', '.join(changes)}" if changes else "unchanged"
        return (
            f'"{self.clip}", {self.duration_s:.2f} s, {done}. '
            f"After: {len(after) / self.sample_rate:.2f} s, {level_db + 0.0:+.1f} dB, "
            f"{len(self.masked())} frames of {MELS} mel bands."
        )

    def draw(self, figure: Figure) -> None:
        """Waveforms above, log-mel below; before on the left, after on the right."""
        axes = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=[1, 1.6])
        after = self.augmented()
        sides = (
            ("before", BLUE, self.waveform, self.log_mel(self.waveform)),
            ("after", RED, after, self.masked()),
        )
        top = max(mel.max() for *_, mel in sides)
        longest_s = max(len(self.waveform), len(after)) / self.sample_rate
        for column, (name, colour, x, mel) in zip(axes.T, sides, strict=True):
            column[0].plot(np.arange(len(x)) / self.sample_rate, x, color=colour, linewidth=0.5)
            column[0].set_title(name, fontsize=9)
            half_s = 0.005
            column[1].imshow(
                mel.T,
                origin="lower",
                aspect="auto",
                cmap="magma",
                vmin=top - RANGE,
                vmax=top,
                extent=(-half_s, len(mel) * 0.01 - half_s, 0, MELS),
            )
            column[1].set(xlabel="time in s", xlim=(0, longest_s))
        axes[1, 0].set_ylabel("mel band")
