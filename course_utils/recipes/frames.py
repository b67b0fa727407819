"""From a waveform to what a recogniser sees, at once or as the sound arrives; its augmentation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from course_utils import features
from course_utils.datasets import preparation
from course_utils.datasets.batching import mask

HOP_S, WINDOW_S = 0.01, 0.025
DECIBEL = math.log(10) / 10  # in natural logarithm of power
QUIET = -5.0  # log power of the loudest band of quiet speech, at full scale 1.0
SPREAD = 4.0  # about what log-mel of speech deviates from its mean


@dataclass(frozen=True)
class Sound:
    """How a waveform becomes frames.

    Attributes:
        sample_rate: in Hz; another one is refused.
        n_mels: bands.
        running: True takes nothing from the future: no frame looks ahead, and the level is that of
            the loudest place so far. For models that stream.
        range_db: what lies further below the loudest place is lifted to there. A small one hides
            the noise of a recording, and what is soft in its speech.
    """

    sample_rate: int = 8000
    n_mels: int = 40
    running: bool = False
    range_db: float = 50.0

    @property
    def range(self) -> float:
        """`range_db` in natural logarithm of power."""
        return self.range_db * DECIBEL


def frames_of(waveform: np.ndarray, sample_rate: int, sound: Sound) -> np.ndarray:
    """Log-mel frames, 10 ms apart, none of them further than the range under the loudest place.

    Running: under the loudest place so far, which is at 0; else the mean is left, for `level` to
    take off (after an augmentation).

    Args:
        waveform: (samples,), at least 25 ms that are not silent.
        sample_rate: must be the recipe's.
        sound: the recipe's.

    Returns:
        float32 (frames, n_mels), natural logarithm of power.

    Raises:
        ValueError: another sample rate, too short, silent, or not finite.
    """
    if sample_rate != sound.sample_rate:
        raise ValueError(
            f"this recogniser was made for {sound.sample_rate} Hz, the waveform has {sample_rate} "
            f"Hz: audio.resample(waveform, {sample_rate}, {sound.sample_rate})"
        )
    waveform = np.asarray(waveform)
    window = round(WINDOW_S * sample_rate)
    if waveform.ndim != 1 or len(waveform) < window:
        raise ValueError(
            f"a waveform must be (samples,) with at least {window} of them ({WINDOW_S * 1e3:.0f} "
            f"ms at {sample_rate} Hz), got shape {waveform.shape}"
        )
    if not np.isfinite(waveform).all():
        raise ValueError("the waveform holds NaN or infinity")
    if np.ptp(waveform) == 0:
        raise ValueError("the waveform is silent: there is nothing to recognise")
    if sound.running:
        return RunningFrames(sound)(waveform, last=True)
    x = preparation.pre_emphasis((waveform - waveform.mean()).astype(np.float32))
    c = preparation.log_mel(x, sample_rate, sound.n_mels)
    return np.maximum(c, c.max() - sound.range)


class RunningFrames:
    """Frames as the sound arrives: none looks at a sample that is not there yet.

    Frame t covers samples hop · t to hop · t + n_fft - 1. The mean of an utterance is not known
    yet, and the mean so far misleads at the start, when there was nothing but silence. So a frame
    is compared with the loudest place so far; before speech, with `QUIET`.
    """

    def __init__(self, sound: Sound) -> None:
        self.sound = sound
        rate = sound.sample_rate
        self.window, self.hop = round(WINDOW_S * rate), round(HOP_S * rate)
        self.n_fft = 1 << (self.window - 1).bit_length()
        self.samples, self.before = np.zeros(0, np.float32), 0.0
        self.count, self.loudest = 0, QUIET

    def __call__(self, waveform: np.ndarray, last: bool = False) -> np.ndarray:
        """The frames that these samples complete, possibly none, float32 (frames, n_mels).

        Args:
            waveform: the next samples, any number of them.
            last: nothing follows: zeros fill up a first frame that is not complete.
        """
        x = np.asarray(waveform, dtype=np.float32)
        if len(x):
            shifted = np.concatenate([[self.before], x[:-1]]).astype(np.float32)
            self.before = float(x[-1])
            self.samples = np.concatenate([self.samples, x - np.float32(0.97) * shifted])
        if last and self.count == 0 and len(self.samples) < self.n_fft:
            self.samples = np.pad(self.samples, (0, self.n_fft - len(self.samples)))
        if len(self.samples) < self.n_fft:
            return np.zeros((0, self.sound.n_mels), np.float32)
        c = features.log_mel(
            self.samples, self.sound.sample_rate, self.n_fft, self.hop, self.sound.n_mels,
            f_min=60.0, win_length=self.window, center=False,
        )  # fmt: skip
        self.samples = self.samples[self.hop * len(c) :]
        loudest = np.maximum.accumulate(np.append(self.loudest, c.max(axis=1)))[1:]
        self.loudest = float(loudest[-1])
        self.count += len(c)
        return np.maximum(c - loudest[:, None], -self.sound.range).astype(np.float32)


def level(frames: Tensor, lengths: Tensor, sound: Sound) -> Tensor:
    """What the network sees of a padded batch: each band's mean off, and zeros in the padding.

    Args:
        frames: (batch, frames, bands).
        lengths: (batch,).
        sound: with `running`, half of the range is put on in place of that.
    """
    inside = mask(lengths.to(frames.device), frames.shape[1])[..., None]
    if sound.running:
        frames = frames + sound.range / 2
    else:
        frames = frames.masked_fill(~inside, 0)
        frames = frames - frames.sum(dim=1, keepdim=True) / lengths.view(-1, 1, 1).to(frames)
    return frames.masked_fill(~inside, 0) / SPREAD


def varied(frames: Tensor, lengths: Tensor, slowest: float = 0.0) -> tuple[Tensor, Tensor]:
    """Another tempo for the batch; another vocal tract, microphone, noise and gap for each item.

    Args:
        frames: log-mel (batch, frames, bands), in natural logarithm of power.
        lengths: (batch,).
        slowest: no tempo leaves less than this share of the frames.

    Returns:
        The same with other frames and lengths. All chance comes from torch.
    """
    items, size, bands = frames.shape
    outside = ~mask(lengths, size)[..., None]
    quietest = frames.masked_fill(outside, torch.inf).amin(dim=(1, 2), keepdim=True)
    c = torch.where(outside, quietest, frames)  # what is stretched must not blend with padding
    tempo = float(torch.empty(1).uniform_(-0.12, 0.2).exp())
    wanted = max(round(size * tempo), int(size * slowest) + 1)
    c = functional.interpolate(c.transpose(1, 2), size=wanted, mode="linear").transpose(1, 2)
    lengths = (lengths * wanted // size).clamp(min=1)
    factor = torch.empty(items, 1).uniform_(-0.1, 0.1).exp()
    place = (torch.arange(bands) / factor).clamp(max=bands - 1.001)
    below, share = place.long()[:, None].expand(-1, wanted, -1), (place % 1)[:, None]
    c = c.gather(2, below) * (1 - share) + c.gather(2, below + 1) * share
    colour = 2 * DECIBEL * torch.randn(items, 1, 5)  # 2 dB at five places along the bands
    c = c + functional.interpolate(colour, size=bands, mode="linear", align_corners=True)
    loudest = c.amax(dim=(1, 2), keepdim=True)
    c = torch.logaddexp(c, loudest - DECIBEL * torch.empty(items, 1, 1).uniform_(20, 60))
    # One stripe of up to 8 bands is set to the item's mean in each of its bands.
    width = (torch.rand(items, 1) * 9).long()
    start = (torch.rand(items, 1) * (bands - width + 1)).long()
    band = torch.arange(bands)
    stripe = ((band >= start) & (band < start + width))[:, None]
    return torch.where(stripe, c.mean(dim=1, keepdim=True), c), lengths
