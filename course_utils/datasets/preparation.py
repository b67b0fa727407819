"""Recordings of words made alike before a network sees them: offset, silence, level, floor."""

import numpy as np

from course_utils import features


def trim(
    waveform: np.ndarray, sample_rate: int, below_db: float = 30.0, margin_s: float = 0.025
) -> np.ndarray:
    """Without the silence at both ends: what is `below_db` under the loudest 25 ms.

    Args:
        waveform: (samples,), at least 25 ms.
        sample_rate: in Hz.
        below_db: how far under the loudest piece silence begins.
        margin_s: seconds of it that are kept at each end.

    Returns:
        A part of `waveform`; all of it where everything is silent.
    """
    piece = round(0.025 * sample_rate)
    power = np.square(features.frame(waveform, piece, piece // 2), dtype=np.float64).mean(axis=1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-below_db / 10)) * (piece // 2)
    margin = round(margin_s * sample_rate)
    return waveform[max(0, loud[0] - margin) : loud[-1] + piece + margin]


def endpoints(
    waveform: np.ndarray, sample_rate: int, below_db: float = 35.0, margin_s: float = 0.2
) -> tuple[float, float]:
    """From when to when there is speech in a recording of a room.

    A piece of 25 ms is loud where it is less than `below_db` under the loudest one and 9 dB or more
    over the room's noise, which is what the softest tenth of the pieces has. What is loud for less
    than 60 ms (a click of the mouse) is not speech.

    Args:
        waveform: (samples,), at least 25 ms.
        sample_rate: in Hz.
        below_db: how far under the loudest piece silence begins, where there is no noise.
        margin_s: seconds that are kept before and after.

    Returns:
        Start and end in seconds; all of it where nothing stands out.
    """
    piece, hop = round(0.025 * sample_rate), round(0.0125 * sample_rate)
    x = np.asarray(waveform, dtype=np.float64)
    power = np.square(features.frame(x - x.mean(), piece, hop)).mean(axis=1)
    level_db = 10 * np.log10(np.maximum(power, 1e-12))
    least_db = max(level_db.max() - below_db, np.quantile(level_db, 0.1) + 9)
    edges = np.flatnonzero(np.diff(np.pad(level_db >= least_db, 1).astype(int)))
    starts, ends = edges[::2], edges[1::2]
    long = ends - starts >= 4
    whole_s = len(x) / sample_rate
    if not long.any():
        return 0.0, whole_s
    start_s = starts[long][0] * hop / sample_rate
    end_s = ((ends[long][-1] - 1) * hop + piece) / sample_rate
    return max(0.0, start_s - margin_s), min(whole_s, end_s + margin_s)


def pre_emphasis(waveform: np.ndarray, factor: float = 0.97) -> np.ndarray:
    """x[t] - factor · x[t-1]: lifts high frequencies, which are weak in voices, as HTK does."""
    return np.append(waveform[:1], waveform[1:] - factor * waveform[:-1]).astype(np.float32)


def log_mel(waveform: np.ndarray, sample_rate: int, n_mels: int = 40) -> np.ndarray:
    """Log-mel of speech as the notebooks from 05 on use it: 25 ms every 10 ms, from 60 Hz up.

    Args:
        waveform: (samples,), floats.
        sample_rate: in Hz.
        n_mels: bands.

    Returns:
        float32 (frames, n_mels), natural logarithm of power.
    """
    window, hop = round(0.025 * sample_rate), round(0.01 * sample_rate)
    n_fft = 1 << (window - 1).bit_length()
    return features.log_mel(
        waveform, sample_rate, n_fft, hop, n_mels, f_min=60.0, win_length=window
    )


def even_log_mel(
    waveform: np.ndarray, sample_rate: int, n_mels: int = 40, range_db: float = 50.0
) -> np.ndarray:
    """Log-mel of a word in which level, offset and silence no longer tell who recorded it.

    The offset is taken off, the ends are trimmed, high frequencies lifted; nothing is lower than
    `range_db` under the loudest place; the mean of all places is 0, their standard deviation 1.
    (Not each band's mean, as 03 did for sentences: what a band has on average over one word says
    which word it is.)

    Args:
        waveform: (samples,), at least 25 ms.
        sample_rate: in Hz.
        n_mels: bands.
        range_db: what lies further under the loudest place is lifted to there.

    Returns:
        float32 (frames, n_mels).
    """
    x = np.asarray(waveform, dtype=np.float64)
    x = pre_emphasis(trim((x - x.mean()).astype(np.float32), sample_rate))
    c = log_mel(x, sample_rate, n_mels)
    c = np.maximum(c, c.max() - range_db * np.log(10) / 10)
    c = c - c.mean()
    return (c / max(float(c.std()), 1e-5)).astype(np.float32)
