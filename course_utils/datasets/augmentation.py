"""Waveforms changed in ways that leave the word the same; chance comes from `rng`.

Every function returns a new float32 array and leaves its input alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import soxr

if TYPE_CHECKING:  # explorers import this file, and must not wait for torch
    from torch import Tensor

    from course_utils.datasets.batching import Batch


def gain(waveform: np.ndarray, gain_db: float) -> np.ndarray:
    """Louder or softer by `gain_db` decibels; nothing is clipped."""
    return (waveform * 10 ** (gain_db / 20)).astype(np.float32)


def shift(waveform: np.ndarray, samples: int) -> np.ndarray:
    """Later by `samples` (earlier when negative): zeros come in, the other end drops out."""
    shifted = np.zeros(len(waveform), dtype=np.float32)
    kept = max(0, len(waveform) - abs(samples))
    if kept:
        start = max(0, samples)
        shifted[start : start + kept] = waveform[max(0, -samples) :][:kept]
    return shifted


def add_noise(waveform: np.ndarray, snr_db: float, rng: np.random.Generator) -> np.ndarray:
    """White noise added so that the ratio of the two powers is exactly `snr_db`.

    Args:
        waveform: (samples,).
        snr_db: signal-to-noise ratio in dB, 10 log10(signal power / noise power).
        rng: source of the noise.

    Raises:
        ValueError: the waveform is silent: no noise has a ratio to it.
    """
    power = np.mean(np.square(waveform, dtype=np.float64))
    if not power > 0:
        raise ValueError("the waveform is silent: noise at an SNR needs a signal")
    noise = rng.standard_normal(len(waveform))
    noise *= np.sqrt(power / np.mean(noise**2) / 10 ** (snr_db / 10))
    return (waveform + noise).astype(np.float32)


def speed(waveform: np.ndarray, factor: float) -> np.ndarray:
    """Played `factor` times as fast: shorter, and every frequency `factor` times as high.

    Source: Ko et al. (2015), "Audio augmentation for speech recognition", Interspeech.

    Raises:
        ValueError: `factor` is not from 0.5 to 2.
    """
    if not 0.5 <= factor <= 2:
        raise ValueError(f"factor must be 0.5 to 2, got {factor}")
    return soxr.resample(np.asarray(waveform, dtype=np.float32), factor, 1.0)


def room_response(rt60_s: float, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """What a click becomes in a room: the direct sound, then noise that dies away.

    The noise decays exponentially, by 60 dB in `rt60_s`, and holds as much energy as the direct
    sound: h[0] = 1, and h[n] is proportional to g[n] 10^(-3 n / (rate · RT60)), g Gaussian.

    Args:
        rt60_s: reverberation time, 0.05 to 5 s.
        sample_rate: in Hz.
        rng: source of the noise.

    Returns:
        float32, RT60 long.

    Raises:
        ValueError: `rt60_s` is out of range.

    Source: Polack (1988), La transmission de l'énergie sonore dans les salles, Le Mans: the model
    of a decaying Gaussian noise.
    """
    if not 0.05 <= rt60_s <= 5:
        raise ValueError(f"rt60_s must be 0.05 to 5 s, got {rt60_s}")
    n = np.arange(1, round(rt60_s * sample_rate))
    tail = rng.standard_normal(len(n)) * 10 ** (-3 * n / (sample_rate * rt60_s))
    tail /= np.sqrt(np.sum(tail**2))
    return np.concatenate([[1.0], tail]).astype(np.float32)


def decay_curve(response: np.ndarray) -> np.ndarray:
    """Energy that is still to come, Σ h² from each sample on, in dB below all of it.

    Source: Schroeder (1965), "New method of measuring reverberation time",
    https://doi.org/10.1121/1.1909343
    """
    energy = np.cumsum(np.square(response[::-1], dtype=np.float64))[::-1]
    return 10 * np.log10(np.maximum(energy / energy[0], 1e-12))


def reverberation_time(response: np.ndarray, sample_rate: float) -> float:
    """RT60 in s: a line through the decay curve from -5 to -25 dB, drawn on to -60 dB.

    Raises:
        ValueError: the response does not decay that far.
    """
    curve = decay_curve(response)
    inside = np.flatnonzero((curve <= -5) & (curve >= -25))
    if curve[-1] > -25 or len(inside) < 2:
        raise ValueError("the response must decay by 25 dB or more to have a reverberation time")
    slope_db = np.polyfit(inside / sample_rate, curve[inside], 1)[0]
    return float(-60 / slope_db)


def reverberate(
    waveform: np.ndarray, sample_rate: float, rt60_s: float, rng: np.random.Generator
) -> np.ndarray:
    """Heard in a synthesised room: convolved with a `room_response`, at the level it had.

    What rings on behind the end is cut off, so the length stays.

    Args:
        waveform: (samples,).
        sample_rate: in Hz.
        rt60_s: reverberation time of the room, 0.05 to 5 s.
        rng: draws the room.

    Raises:
        ValueError: `rt60_s` is out of range.
    """
    from scipy.signal import fftconvolve

    response = room_response(rt60_s, sample_rate, rng)
    wet = fftconvolve(np.asarray(waveform, dtype=np.float64), response)[: len(waveform)]
    power = np.mean(wet**2)
    if power > 0:
        wet *= np.sqrt(np.mean(np.square(waveform, dtype=np.float64)) / power)
    return wet.astype(np.float32)


Range = tuple[float, float] | None


@dataclass(frozen=True)
class Augmentation:
    """A policy: each change happens with `probability`, by an amount drawn from its range.

    The order is that of the world: the talker, the room, its noise, the microphone, the cut. An
    object of this class can be sent to worker processes.

    Attributes:
        probability: of each change.
        speed: range of the factor.
        rt60_s: range of the reverberation time.
        snr_db: range of the signal-to-noise ratio; silence gets no noise.
        gain_db: range of the gain.
        shift_s: range of the shift, negative is earlier.
    """

    probability: float = 0.5
    speed: Range = None
    rt60_s: Range = None
    snr_db: Range = None
    gain_db: Range = None
    shift_s: Range = None

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability must be 0 to 1, got {self.probability}")
        for field in fields(self)[1:]:
            limits = getattr(self, field.name)
            if limits is not None and not (len(limits) == 2 and limits[0] <= limits[1]):
                raise ValueError(f"{field.name} must be (lowest, highest) or None, got {limits!r}")

    def __call__(
        self, waveform: np.ndarray, sample_rate: float, rng: np.random.Generator
    ) -> np.ndarray:
        """One changed copy, float32; which one follows from the state of `rng` alone."""
        x = np.array(waveform, dtype=np.float32)
        if self._happens(self.speed, rng):
            x = speed(x, rng.uniform(*self.speed))
        if self._happens(self.rt60_s, rng):
            x = reverberate(x, sample_rate, rng.uniform(*self.rt60_s), rng)
        if self._happens(self.snr_db, rng) and x.any():
            x = add_noise(x, rng.uniform(*self.snr_db), rng)
        if self._happens(self.gain_db, rng):
            x = gain(x, rng.uniform(*self.gain_db))
        if self._happens(self.shift_s, rng):
            x = shift(x, round(rng.uniform(*self.shift_s) * sample_rate))
        return x

    def _happens(self, limits: Range, rng: np.random.Generator) -> bool:
        return limits is not None and rng.random() < self.probability


def mixup(batch: Batch, classes: int, rng: np.random.Generator, alpha: float = 0.2) -> Batch:
    """Each item mixed with another one of the batch, and their labels by the same share.

    x = λ x_i + (1 - λ) x_j and y = λ y_i + (1 - λ) y_j, one λ from Beta(α, α) for the batch.

    Args:
        batch: features `(batch, frames, dims)` or `(batch, dims)` and one label an item.
        classes: how many there are.
        rng: source of λ and of the partners.
        alpha: small values mix little; 1 draws any share alike; 0 leaves the features as they are.

    Returns:
        A batch whose targets are shares, float32 `(batch, classes)`, as torch's cross-entropy takes
        them; each item is as long as the longer of its two.

    Source: Zhang et al. (2018), "mixup: Beyond empirical risk minimization",
    https://arxiv.org/abs/1710.09412
    """
    import torch

    share = float(rng.beta(alpha, alpha)) if alpha > 0 else 1.0
    partner = torch.from_numpy(rng.permutation(len(batch.targets)))
    labels = torch.nn.functional.one_hot(batch.targets, classes).float()

    def mixed(x: Tensor) -> Tensor:
        return share * x + (1 - share) * x[partner]

    lengths = torch.maximum(batch.lengths, batch.lengths[partner]) if share < 1 else batch.lengths
    return batch._replace(features=mixed(batch.features), lengths=lengths, targets=mixed(labels))
