"""Waveforms changed in ways that leave the word the same; chance comes from `rng`.

Every function returns a new float32 array and leaves its input alone.
"""

import numpy as np
import soxr


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
