"""From a waveform to the features that a recogniser reads: STFT, mel bands, log-mel, MFCC.

Every function works on one signal; batches are padded afterwards, in `datasets.batching`. Time is
the first axis: transposed, the arrays are librosa's and torchaudio's. The functions have no
defaults for `n_fft`, `hop_length` and `n_mels` where the two libraries disagree.
"""

import warnings
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike

from course_utils import fourier

# A band whose largest weight is below this is empty: what is left is rounding, not a triangle.
EMPTY_FILTER = 1e-10


def frame_count(n_samples: int, n_fft: int, hop_length: int, center: bool = True) -> int:
    """Number of frames that `stft` makes: 1 + (n - n_fft) // hop_length of the padded length n.

    Args:
        n_samples: length of the signal before padding.
        n_fft: samples of one frame.
        hop_length: samples from one frame's start to the next.
        center: whether n_fft // 2 samples are padded at each end. For an even n_fft the count is
            then 1 + n_samples // hop_length, whatever n_fft is.

    Raises:
        ValueError: a length is not a positive integer, or the signal is shorter than a frame.
    """
    _check_positive_int(n_samples=n_samples, n_fft=n_fft, hop_length=hop_length)
    padded = n_samples + 2 * (n_fft // 2) if center else n_samples
    if padded < n_fft:
        raise ValueError(
            f"a signal of {n_samples} samples is shorter than one frame of n_fft={n_fft}: "
            "use center=True, a smaller n_fft, or a longer signal"
        )
    return 1 + (padded - n_fft) // hop_length


def frame(x: np.ndarray, frame_length: int, hop_length: int) -> np.ndarray:
    """Overlapping slices of a signal, x[t · hop_length : t · hop_length + frame_length].

    Args:
        x: (samples,), floats.
        frame_length: samples of a slice.
        hop_length: samples from one slice's start to the next.

    Returns:
        (frames, frame_length), a read-only view: no sample is copied. Samples behind the last
        whole frame are in no frame. librosa.util.frame, transposed.

    Raises:
        ValueError: bad signal or length, or a signal shorter than a frame.
    """
    x = _check_signal(x)
    frame_count(len(x), frame_length, hop_length, center=False)
    return np.lib.stride_tricks.sliding_window_view(x, frame_length)[::hop_length]


def stft(
    x: np.ndarray,
    n_fft: int,
    hop_length: int,
    win_length: int | None = None,
    window: str = "hann",
    center: bool = True,
    pad_mode: str = "constant",
) -> np.ndarray:
    """Short-time Fourier transform, X[t, k] = Σ_n w[n] x[t · hop + n] exp(-2πi k n / N).

    librosa.stft, transposed. Where defaults differ: librosa takes n_fft 2048 and hop_length
    win_length // 4; torchaudio.transforms.Spectrogram takes n_fft 400, hop_length
    win_length // 2, pads by reflection and returns power; torch.stft also pads by reflection and
    has a rectangular window.

    Args:
        x: (samples,), floats.
        n_fft: N, samples of one frame; bin k is at k · sample_rate / N Hz.
        hop_length: samples from one frame to the next, at most `win_length`.
        win_length: length of the window, centred in the frame with zeros around it; None: n_fft.
        window: a name of `fourier.window`; its periodic form is used.
        center: pad n_fft // 2 samples at each end, so that frame t is centred on sample
            t · hop_length; otherwise frame t starts there.
        pad_mode: "constant" (zeros) or "reflect" (the signal mirrored at its first and last
            sample); only with `center`.

    Returns:
        complex64 (frames, n_fft // 2 + 1), with `frame_count` frames. Computed in float64 and
        rounded once, as librosa does; torch computes in the signal's own precision.

    Raises:
        ValueError: the signal is empty, not one-dimensional, not float or not finite; or the
            lengths don't fit together or the signal.

    Source: Allen and Rabiner (1977), "A unified approach to short-time Fourier analysis and
    synthesis", https://doi.org/10.1109/PROC.1977.10770
    """
    x = _check_signal(x)
    w = _frame_window(window, win_length, n_fft, hop_length)
    if center:
        x = _pad_ends(x, n_fft // 2, pad_mode)
    return scipy.fft.rfft(frame(x, n_fft, hop_length) * w).astype(np.complex64)


def hz_to_mel(frequency: ArrayLike, scale: str = "slaney") -> np.ndarray:
    """Pitch in mel of a frequency in Hz, on one of the two scales in use.

    "htk": m = 2595 log10(1 + f / 700), O'Shaughnessy (1987), the formula of the HTK Book and of
    torchaudio's default. "slaney": f / (200/3) up to 1000 Hz, above it 27 mel for each factor 6.4;
    Slaney (1998), Auditory Toolbox, librosa's default. The units differ: 1000 Hz is 1000 mel on the
    first, 15 mel on the second. Any shape.

    Raises:
        ValueError: an unknown scale, or a frequency that is negative or not finite.
    """
    f = _check_not_negative("frequency", frequency, "Hz")
    if _check_scale(scale) == "htk":
        return 2595 * np.log10(1 + f / 700)
    linear = f / (200 / 3)
    logarithmic = 15 + 27 * np.log(np.maximum(f, 1000) / 1000) / np.log(6.4)
    return np.where(f < 1000, linear, logarithmic)[()]


def mel_to_hz(mel: ArrayLike, scale: str = "slaney") -> np.ndarray:
    """Frequency in Hz of a pitch in mel: the inverse of `hz_to_mel`, same errors."""
    m = _check_not_negative("mel", mel, "mel")
    if _check_scale(scale) == "htk":
        return 700 * (10 ** (m / 2595) - 1)
    linear = m * (200 / 3)
    logarithmic = 1000 * np.exp(np.log(6.4) * (np.maximum(m, 15) - 15) / 27)
    return np.where(m < 15, linear, logarithmic)[()]


def mel_filter_bank(
    sample_rate: float,
    n_fft: int,
    n_mels: int,
    f_min: float = 0.0,
    f_max: float | None = None,
    scale: str = "slaney",
    norm: str | None = "slaney",
) -> np.ndarray:
    """Triangles, evenly spaced and half overlapping in mel, that sum FFT bins into bands.

    librosa.filters.mel (its `htk` is our scale="htk"). torchaudio.functional.melscale_fbanks is the
    transpose, has the defaults scale "htk" and norm None, is computed in float32, and has its last
    bin at sample_rate // 2, which is a wrong grid for an odd n_fft or an odd sample rate.

    Args:
        sample_rate: in Hz.
        n_fft: N, samples of one frame.
        n_mels: number of bands.
        f_min: lower edge of the lowest band in Hz.
        f_max: upper edge of the highest band in Hz; None: sample_rate / 2.
        scale: "slaney" or "htk", see `hz_to_mel`.
        norm: "slaney" divides each triangle by half its width in Hz, so that its area is 1 Hz;
            None leaves its peak at 1.

    Returns:
        float32 (n_mels, n_fft // 2 + 1), to be used as power @ bank.T. Warns of bands too narrow to
        hold a bin: they stay 0.

    Raises:
        ValueError: a band above half the sample rate or otherwise out of range; unknown names.

    Source: Davis and Mermelstein (1980), https://doi.org/10.1109/TASSP.1980.1163420
    """
    _check_positive_int(n_fft=n_fft, n_mels=n_mels)
    f_max = _check_band(sample_rate, f_min, f_max)
    f = fourier.rfft_frequencies(n_fft, sample_rate)
    edges = mel_to_hz(
        np.linspace(hz_to_mel(f_min, scale), hz_to_mel(f_max, scale), n_mels + 2), scale
    )
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (f - low) / (centre - low)
    falling = (high - f) / (high - centre)
    bank = np.maximum(0, np.minimum(rising, falling))
    _warn_of_empty_filters(bank, edges, sample_rate, n_fft)
    if norm == "slaney":
        bank *= 2 / (high - low)
    elif norm is not None:
        raise ValueError(f'norm must be "slaney" or None, got {norm!r}')
    return bank.astype(np.float32)


def power_to_db(power: ArrayLike, reference: float = 1.0, floor: float = 1e-10) -> np.ndarray:
    """Level of a power in decibels, 10 log10(power / reference).

    librosa.power_to_db and torchaudio's AmplitudeToDB("power") with top_db=None: librosa's default
    top_db=80 lifts everything to 80 dB below the peak, which here is floor=1e-8 * power.max().

    Args:
        power: any shape; squared amplitude.
        reference: power at 0 dB.
        floor: smallest power told apart; smaller ones are lifted to it.

    Raises:
        ValueError: `reference` or `floor` is not positive, or `power` is complex.
    """
    if not (reference > 0 and floor > 0):
        raise ValueError(
            f"reference and floor must be positive powers, got {reference} and {floor}"
        )
    if np.iscomplexobj(power):
        raise ValueError("power must be real, got complex: use np.abs(X) ** 2")
    return 10 * np.log10(np.maximum(power, float(floor)) / float(reference))


def log_mel(
    x: np.ndarray,
    sample_rate: float,
    n_fft: int,
    hop_length: int,
    n_mels: int = 80,
    f_min: float = 0.0,
    f_max: float | None = None,
    scale: str = "slaney",
    norm: str | None = "slaney",
    win_length: int | None = None,
    window: str = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    floor: float = 1e-10,
) -> np.ndarray:
    """Natural logarithm of the power in each mel band, ln max(|X|² @ bank.T, floor).

    Times 10 / ln 10 = 4.34 it is librosa.power_to_db(librosa.feature.melspectrogram(...),
    top_db=None). Where defaults differ: both libraries take 128 bands, torchaudio's MelSpectrogram
    those of the HTK scale without area norm and with reflection at the ends; its MFCC adds 1e-6
    to the power instead of clamping it when log_mels=True.

    Args:
        x: (samples,), floats.
        sample_rate: in Hz.
        n_fft: samples of one frame, see `stft`.
        hop_length: samples from one frame to the next.
        n_mels: number of bands, see `mel_filter_bank`.
        f_min: lower edge of the lowest band in Hz.
        f_max: upper edge of the highest band in Hz; None: sample_rate / 2.
        scale: "slaney" or "htk".
        norm: "slaney" or None.
        win_length: length of the window; None: n_fft.
        window: a name of `fourier.window`.
        center: pad the ends, so that frame t is centred on sample t · hop_length.
        pad_mode: "constant" or "reflect".
        floor: smallest power told apart. For "80 dB below the peak": 1e-8 times the peak power.

    Returns:
        float32 (frames, n_mels).

    Raises:
        ValueError: see `stft` and `mel_filter_bank`; or floor is not a positive float32.
    """
    if not floor >= np.finfo(np.float32).tiny:
        raise ValueError(f"floor must be a power of at least 1.2e-38, got {floor}")
    X = stft(x, n_fft, hop_length, win_length, window, center, pad_mode)
    power = X.real**2 + X.imag**2
    bank = mel_filter_bank(sample_rate, n_fft, n_mels, f_min, f_max, scale, norm)
    return np.log(np.maximum(power @ bank.T, float(floor)))


def dct_matrix(n_out: int, n_in: int) -> np.ndarray:
    """Orthonormal DCT-II: D[k, n] = √(2/N) cos(π/N · (n + ½) · k), the first row divided by √2.

    Rows are orthonormal, so D.T @ (D @ v) is v again when n_out = n_in = N. scipy.fft.dct with
    type=2, norm="ortho".

    Returns:
        float32 (n_out, n_in), to be used as v @ D.T.

    Raises:
        ValueError: n_out is larger than n_in, or one is not a positive integer.
    """
    _check_positive_int(n_out=n_out, n_in=n_in)
    if n_out > n_in:
        raise ValueError(f"{n_in} values have {n_in} DCT coefficients, {n_out} were asked for")
    k, n = np.arange(n_out)[:, None], np.arange(n_in)
    D = np.sqrt(2 / n_in) * np.cos(np.pi / n_in * (n + 0.5) * k)
    D[0] /= np.sqrt(2)
    return D.astype(np.float32)


def mfcc(
    x: np.ndarray,
    sample_rate: float,
    n_mfcc: int,
    n_fft: int,
    hop_length: int,
    n_mels: int = 80,
    **log_mel_arguments: Any,
) -> np.ndarray:
    """Mel-frequency cepstral coefficients: the first DCT coefficients of each log-mel frame.

    Of the natural logarithm, so that they are `log_mel`, turned. librosa and torchaudio take the
    DCT of decibels clamped 80 dB below the peak: with floor=1e-8 times the peak power, ours times
    10 / ln 10 = 4.34 are theirs. librosa keeps 20 coefficients unless told, torchaudio 40.

    Args:
        x: (samples,), floats.
        sample_rate: in Hz.
        n_mfcc: coefficients to keep, at most n_mels; the first one is the frame's level.
        n_fft: see `stft`.
        hop_length: see `stft`.
        n_mels: bands of the log-mel spectrum.
        log_mel_arguments: the other arguments of `log_mel`, by name.

    Returns:
        float32 (frames, n_mfcc).

    Raises:
        ValueError: see `log_mel` and `dct_matrix`.

    Source: Davis and Mermelstein (1980), https://doi.org/10.1109/TASSP.1980.1163420
    """
    D = dct_matrix(n_mfcc, n_mels)
    return log_mel(x, sample_rate, n_fft, hop_length, n_mels, **log_mel_arguments) @ D.T


def deltas(features: np.ndarray, width: int = 5) -> np.ndarray:
    """Slope over time, d_t = Σ_n n (c_{t+n} - c_{t-n}) / (2 Σ_n n²), n = 1 … (width - 1) / 2.

    The first and last frame are repeated at the ends. Equals torchaudio.functional.compute_deltas,
    and librosa.feature.delta(mode="nearest"); librosa's defaults are width 9 and a line fitted at
    the ends (mode="interp"). The second slope is deltas(deltas(c)), as in HTK and torchaudio;
    librosa's order=2 fits a parabola instead.

    Args:
        features: (frames, dimensions).
        width: frames that a slope is taken over, odd, 3 or more.

    Returns:
        float32 (frames, dimensions), change per frame.

    Raises:
        ValueError: an even or too small width, or features that are not (frames, dimensions).

    Source: The HTK Book 3.4, equation 5.16
    """
    c = _check_features(features, ndims=(2,))
    _check_positive_int(width=width)
    if width < 3 or width % 2 == 0:
        raise ValueError(f"width must be odd and 3 or more, got {width}")
    N = width // 2
    c = np.pad(c, ((N, N), (0, 0)), mode="edge")
    ahead = [n * (c[N + n : len(c) - N + n] - c[N - n : len(c) - N - n]) for n in range(1, N + 1)]
    return sum(ahead) / (2 * sum(n**2 for n in range(1, N + 1)))


def normalize(
    features: np.ndarray, lengths: ArrayLike | None = None, variance: bool = True
) -> np.ndarray:
    """Give each dimension of each utterance mean 0 and variance 1 over its own frames.

    Args:
        features: (frames, dimensions), or a padded batch (batch, frames, dimensions).
        lengths: frames that are not padding: a number, or (batch,) numbers; None: all. What the
            padding holds has no influence; it is 0 afterwards.
        variance: False subtracts the mean only.

    Returns:
        float32, shape of `features`. A dimension that does not vary becomes 0.

    Raises:
        ValueError: wrong shapes, or a length that is not between 1 and the number of frames.
    """
    c = _check_features(features, ndims=(2, 3))
    lengths = _check_lengths(lengths, c.shape)
    own = (np.arange(c.shape[-2]) < lengths[..., None])[..., None]
    mean = c.mean(axis=-2, where=own, keepdims=True, dtype=np.float64)
    c = np.where(own, c - mean, 0)
    if variance:
        std = np.sqrt((c**2).mean(axis=-2, where=own, keepdims=True))
        c = c / np.maximum(std, 1e-5)
    return c.astype(np.float32)


def spec_augment(
    features: np.ndarray,
    rng: np.random.Generator,
    freq_mask_param: int,
    time_mask_param: int,
    n_freq_masks: int = 1,
    n_time_masks: int = 1,
    p: float = 1.0,
    lengths: ArrayLike | None = None,
) -> np.ndarray:
    """Mask random bands and random stretches of time: SpecAugment without the time warp.

    A mask is 0 to F bands, or 0 to min(T, p · length) frames, every width as likely as any other.
    Masked values become the utterance's mean, which is 0 after `normalize`. torchaudio's
    SpecAugment draws widths below F and T, never F and T themselves.

    Args:
        features: (frames, bands), or a padded batch (batch, frames, bands).
        rng: source of the masks; each utterance of a batch has its own.
        freq_mask_param: F, widest frequency mask, in bands.
        time_mask_param: T, longest time mask, in frames.
        n_freq_masks: m_F; masks may overlap.
        n_time_masks: m_T; masks may overlap.
        p: longest time mask as a fraction of the utterance's own frames.
        lengths: frames that are not padding: a number, or (batch,) numbers; None: all. Padding is
            neither masked nor counted.

    Returns:
        float32 copy, shape of `features`.

    Raises:
        ValueError: wrong shapes or lengths, F larger than the number of bands, negative counts, or
            p outside 0 to 1.

    Source: Park et al. (2019), section 2, https://arxiv.org/abs/1904.08779
    """
    c = np.array(_check_features(features, ndims=(2, 3)))
    lengths = _check_lengths(lengths, c.shape)
    _check_policy(freq_mask_param, time_mask_param, n_freq_masks, n_time_masks, p, c.shape[-1])
    for utterance, length in zip(c.reshape(-1, *c.shape[-2:]), lengths.ravel(), strict=True):
        own = utterance[:length]
        mean = own.mean()
        for _ in range(n_freq_masks):
            own[:, _mask_span(c.shape[-1], freq_mask_param, rng)] = mean
        for _ in range(n_time_masks):
            own[_mask_span(length, min(time_mask_param, int(p * length)), rng)] = mean
    return c


def _mask_span(size: int, longest: int, rng: np.random.Generator) -> slice:
    """A span of 0 to `longest` places somewhere within `size`."""
    span = rng.integers(0, min(longest, size), endpoint=True)
    start = rng.integers(0, size - span, endpoint=True)
    return slice(start, start + span)


def _frame_window(name: str, win_length: int | None, n_fft: int, hop_length: int) -> np.ndarray:
    """The window, centred among zeros in a frame; checks the three lengths against each other."""
    win_length = n_fft if win_length is None else win_length
    _check_positive_int(n_fft=n_fft, hop_length=hop_length, win_length=win_length)
    if win_length > n_fft:
        raise ValueError(
            f"win_length={win_length} is longer than the frame: use n_fft >= {win_length}"
        )
    if hop_length > win_length:
        raise ValueError(
            f"hop_length={hop_length} skips samples between windows of {win_length}: "
            f"use hop_length <= {win_length}, usually a quarter to a half of it"
        )
    before = (n_fft - win_length) // 2
    w = np.zeros(n_fft)
    w[before : before + win_length] = fourier.window(name, win_length, periodic=True)
    return w


def _pad_ends(x: np.ndarray, n: int, pad_mode: str) -> np.ndarray:
    if pad_mode not in ("constant", "reflect"):
        raise ValueError(f'pad_mode must be "constant" or "reflect", got {pad_mode!r}')
    if pad_mode == "reflect" and len(x) <= n:
        raise ValueError(
            f"reflecting {n} samples needs a signal of {n + 1} or more, got {len(x)}: "
            'use pad_mode="constant" or a smaller n_fft'
        )
    return np.pad(x, n, mode=pad_mode)


def _warn_of_empty_filters(
    bank: np.ndarray, edges: np.ndarray, sample_rate: float, n_fft: int
) -> None:
    empty = np.flatnonzero(bank.max(axis=1) < EMPTY_FILTER)
    if len(empty) == 0:
        return
    enough = int(sample_rate / (edges[2:] - edges[:-2]).min()) + 1
    names = ", ".join(str(i) for i in empty[:10]) + (", …" if len(empty) > 10 else "")
    warnings.warn(
        f"{len(empty)} of {len(bank)} mel filters are narrower than the bins' spacing of "
        f"{sample_rate / n_fft:.1f} Hz, hold no bin and stay 0: filters {names}. "
        f"Use fewer than n_mels={len(bank)}, or n_fft >= {enough} instead of {n_fft}",
        stacklevel=3,
    )


def _check_signal(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(
            f"x must be one signal (samples,) with at least one sample, got shape {x.shape}: "
            "take one channel, or one signal of the batch at a time"
        )
    if not np.issubdtype(x.dtype, np.floating):
        raise ValueError(
            f"x must be floats with full scale 1, got {x.dtype}: "
            "divide 16-bit integers by 32768, take the real part of complex numbers"
        )
    bad = len(x) - np.count_nonzero(np.isfinite(x))
    if bad:
        first = np.flatnonzero(~np.isfinite(x))[0]
        raise ValueError(
            f"x has {bad} NaN or infinite samples of {len(x)}, the first at {first}: "
            "find out where they come from, or set them to 0 with np.nan_to_num"
        )
    return x


def _check_features(features: np.ndarray, ndims: tuple[int, ...]) -> np.ndarray:
    c = np.asarray(features, dtype=np.float32)
    if c.ndim not in ndims or 0 in c.shape:
        batch = " or (batch, frames, dimensions)" if 3 in ndims else ""
        raise ValueError(f"features must be (frames, dimensions){batch}, got shape {c.shape}")
    return c


def _check_lengths(lengths: ArrayLike | None, shape: tuple[int, ...]) -> np.ndarray:
    """Frames of each utterance, int (batch,), or () for a single one."""
    frames = shape[-2]
    n = np.broadcast_to(frames, shape[:-2]) if lengths is None else np.asarray(lengths)
    if n.shape != shape[:-2] or not np.issubdtype(n.dtype, np.integer):
        raise ValueError(
            f"lengths must be integers of shape {shape[:-2]} for features {shape}, "
            f"got {n.dtype} of shape {n.shape}"
        )
    if n.min() < 1 or n.max() > frames:
        raise ValueError(f"lengths must be 1 to {frames} frames, got {n.min()} to {n.max()}")
    return n


def _check_policy(
    freq_mask_param: int,
    time_mask_param: int,
    n_freq_masks: int,
    n_time_masks: int,
    p: float,
    bands: int,
) -> None:
    if not 0 <= freq_mask_param <= bands:
        raise ValueError(f"freq_mask_param must be 0 to {bands} bands, got {freq_mask_param}")
    if min(time_mask_param, n_freq_masks, n_time_masks) < 0:
        raise ValueError(
            "time_mask_param, n_freq_masks and n_time_masks must be 0 or more, got "
            f"{time_mask_param}, {n_freq_masks} and {n_time_masks}"
        )
    if not 0 <= p <= 1:
        raise ValueError(f"p is a fraction of the frames, 0 to 1, got {p}")


def _check_band(sample_rate: float, f_min: float, f_max: float | None) -> float:
    if not (np.isfinite(sample_rate) and sample_rate > 0):
        raise ValueError(f"sample_rate must be a positive number of Hz, got {sample_rate}")
    f_max = sample_rate / 2 if f_max is None else f_max
    if not f_max <= sample_rate / 2:
        raise ValueError(
            f"f_max={f_max} Hz is above half the sample rate, {sample_rate / 2} Hz, where the "
            "spectrum ends: use f_max=None or a smaller one"
        )
    if not 0 <= f_min < f_max:
        raise ValueError(f"f_min must be 0 Hz or more and below f_max={f_max} Hz, got {f_min}")
    return f_max


def _check_scale(scale: str) -> str:
    if scale not in ("slaney", "htk"):
        raise ValueError(f'scale must be "slaney" or "htk", got {scale!r}')
    return scale


def _check_not_negative(name: str, values: ArrayLike, unit: str) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if not np.all(np.isfinite(values) & (values >= 0)):
        raise ValueError(f"{name} must be finite and 0 {unit} or more, got {values}")
    return values


def _check_positive_int(**lengths: int) -> None:
    for name, value in lengths.items():
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}")
