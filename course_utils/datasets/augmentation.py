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


def warp(features: np.ndarray, time: float, frequency: float) -> np.ndarray:
    """Log-mel features stretched along time and along the bands, by straight lines in between.

    Another tempo, and about another length of the throat and mouth, whose resonances all lie
    higher or lower by one factor.

    Args:
        features: (frames, bands).
        time: frames become `time` times as many.
        frequency: what lay in band b comes to lie in band `frequency` · b; the edge is repeated.

    Returns:
        float32 (frames', bands).
    """
    frames, bands = features.shape
    count = max(2, round(frames * time))
    rows = _between(np.linspace(0, frames - 1, count), features)
    columns = np.minimum(np.arange(bands) / frequency, bands - 1)
    return _between(columns, rows.T).T.astype(np.float32)


def _between(places: np.ndarray, rows: np.ndarray) -> np.ndarray:
    below = np.minimum(places.astype(int), len(rows) - 2)
    share = (places - below)[:, None]
    return rows[below] * (1 - share) + rows[below + 1] * share


def colour(features: np.ndarray, spread_db: float, rng: np.random.Generator) -> np.ndarray:
    """Another microphone and room: a smooth random curve of gains over the bands.

    Args:
        features: log-mel, natural logarithm of power, (frames, bands).
        spread_db: standard deviation of the gain at each of five places along the bands.
        rng: source of the curve.
    """
    bands = features.shape[1]
    gains = rng.normal(0, spread_db * np.log(10) / 10, size=5)
    curve = np.interp(np.linspace(0, 4, bands), np.arange(5), gains)
    return (features + curve).astype(np.float32)
