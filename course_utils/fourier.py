"""The Fourier transform from scratch, and what it is good for.

The transforms follow numpy.fft: `fft` and `dft` are the sum X[k] = Σ x[n] exp(-2πi kn/N) without a
factor, their inverses carry the 1/N. They accept real or complex input of any length and any
precision, compute in double precision and return complex128. NaN and infinity pass through.

`dft`, `fft`, `fft2`, `convolve` and `circular_convolve` run on this file's own code. The filters
after them call numpy.fft, which gives the same numbers a few times faster.
"""

from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

# For longer primes the sum by definition takes more operations than Bluestein's convolution.
LARGEST_RADIX = 31

# Rows of the DFT matrix that exist at the same time hold about this many numbers (64 MB).
MATRIX_BLOCK = 2**22

# Bins quieter than this part of the loudest hold rounding errors only: their phase means nothing.
SILENT = 1e-12

# a0 - a1 cos(θ) + a2 cos(2θ), θ from 0 to 2π over the window (Harris 1978, table 1).
WINDOW_COEFFICIENTS = {
    "rectangular": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
}


def dft(x: ArrayLike) -> np.ndarray:
    """Discrete Fourier transform by its definition: N numbers, each a sum of N products.

    Args:
        x: `(samples,)`, real or complex.

    Returns:
        Spectrum, complex128 `(samples,)`; bin k is k · sample_rate / N Hz.

    Raises:
        ValueError: `x` is empty or not one-dimensional.
        TypeError: `x` does not hold numbers.
    """
    x = _as_complex(x)
    spectrum = np.empty_like(x)
    rows_at_once = max(1, MATRIX_BLOCK // x.size)
    for start in range(0, x.size, rows_at_once):
        k = np.arange(start, min(start + rows_at_once, x.size))
        spectrum[k] = dft_matrix(x.size, k) @ x
    return spectrum


def idft(spectrum: ArrayLike) -> np.ndarray:
    """Inverse of `dft`, also by its definition; arguments, result and errors alike."""
    spectrum = _as_complex(spectrum)
    return dft(spectrum.conj()).conj() / spectrum.size


def dft_matrix(n: int, rows: np.ndarray | None = None) -> np.ndarray:
    """Matrix of the DFT, entry (k, m) = exp(-2πi km/n).

    Args:
        n: length of the transform, at least 1.
        rows: the values of k wanted, each from 0 to n - 1; all of them if None.

    Returns:
        complex128 `(rows, n)`.
    """
    k = np.arange(n) if rows is None else rows
    return roots_of_unity(n)[np.outer(k, np.arange(n)) % n]


def roots_of_unity(n: int) -> np.ndarray:
    """The n arrows exp(-2πi k/n), k = 0 ... n - 1, around the unit circle, clockwise.

    An arrow for any other k is the one at k modulo n. Reducing k, an exact integer, keeps the
    angle small; the cosine of a large, already rounded angle would lose digits.
    """
    return np.exp(-2j * np.pi * np.arange(n) / n)


def fft(x: ArrayLike) -> np.ndarray:
    """Fast Fourier transform: the numbers of `dft` in about N log N operations, for every N.

    Args:
        x: `(samples,)`, real or complex, any length.

    Returns:
        Spectrum, complex128 `(samples,)`; bin k is k · sample_rate / N Hz.

    Raises:
        ValueError: `x` is empty or not one-dimensional.
        TypeError: `x` does not hold numbers.
    """
    return fft_columns(_as_complex(x)[:, np.newaxis])[:, 0]


def ifft(spectrum: ArrayLike) -> np.ndarray:
    """Inverse of `fft`; arguments, result and errors alike."""
    return ifft_columns(_as_complex(spectrum)[:, np.newaxis])[:, 0]


def fft_columns(x: np.ndarray) -> np.ndarray:
    """Transform every column of a complex `(n, columns)` array by the method that fits n."""
    n = len(x)
    if n == 1:
        return x.copy()
    p = smallest_factor(n)
    if p is None:
        return bluestein(x)
    if p == n:
        return butterfly(x)
    return cooley_tukey(x, p)


def ifft_columns(spectrum: np.ndarray) -> np.ndarray:
    """Inverse of `fft_columns`: conjugating before and after turns the arrows the other way."""
    return fft_columns(spectrum.conj()).conj() / len(spectrum)


def smallest_factor(n: int) -> int | None:
    """The smallest prime factor of n, or None if it is larger than `LARGEST_RADIX`."""
    return next((p for p in range(2, LARGEST_RADIX + 1) if n % p == 0), None)


def cooley_tukey(x: np.ndarray, p: int) -> np.ndarray:
    """One transform of length n = p · m from p transforms of length m (Cooley and Tukey, 1965).

    Part r takes every p-th sample, from sample r on; p = 2 gives the even and the odd samples. All
    parts of all columns lie side by side as the columns of one array, so one call transforms them.

        X[k + m q] = Σ_r exp(-2πi rq/p) · ( exp(-2πi rk/n) · part_r[k] )

    The inner bracket is a twiddle, the outer sum a DFT of length p: a butterfly.

    Args:
        x: complex `(n, columns)`.
        p: a prime factor of n, smaller than n.

    Returns:
        Transformed columns, `(n, columns)`.
    """
    n, columns = x.shape
    m = n // p
    parts = fft_columns(x.reshape(m, p * columns)).reshape(m, p, columns).swapaxes(0, 1)
    r, k = np.arange(1, p), np.arange(m)
    twiddles = np.exp(-2j * np.pi * np.outer(r, k) / n)  # r k < n: nothing to reduce
    parts[1:] = twiddles[:, :, np.newaxis] * parts[1:]  # part 0 would be multiplied by 1
    return butterfly(parts).reshape(n, columns)


def butterfly(x: np.ndarray) -> np.ndarray:
    """DFT along the first axis, for a short one: sum and difference if it has length 2."""
    if len(x) == 2:
        out = np.empty_like(x, order="C")
        out[0] = x[0] + x[1]
        out[1] = x[0] - x[1]
        return out
    return (dft_matrix(len(x)) @ x.reshape(len(x), -1)).reshape(x.shape)


def bluestein(x: np.ndarray) -> np.ndarray:
    """Transform of any length as one convolution (Bluestein, 1970); for large primes.

    With kn = (k² + n² - (k - n)²) / 2 and the chirp c[n] = exp(-πi n²/N),

        X[k] = c[k] Σ_n (x[n] c[n]) · conj(c[k - n])

    The sum is a convolution, so three transforms of a convenient length compute it: the next power
    of two that holds the 2N - 1 values of k - n without their overlapping.

    Args:
        x: complex `(n, columns)`.

    Returns:
        Transformed columns, `(n, columns)`.
    """
    n = len(x)
    chirp = roots_of_unity(2 * n)[np.arange(n) ** 2 % (2 * n)][:, np.newaxis]
    size = power_of_two_from(2 * n - 1)

    signal = np.zeros_like(x, shape=(size, x.shape[1]))
    signal[:n] = x * chirp
    kernel = np.zeros_like(x, shape=(size, 1))
    kernel[:n] = chirp.conj()
    kernel[size - n + 1 :] = chirp[:0:-1].conj()  # negative k - n, counted from the end

    convolved = ifft_columns(fft_columns(signal) * fft_columns(kernel))
    return convolved[:n] * chirp


def power_of_two_from(n: int) -> int:
    """The smallest power of two that is at least n."""
    return 1 << (n - 1).bit_length()


class Operations(NamedTuple):
    """Arithmetic on complex numbers that an algorithm did."""

    multiplications: int
    additions: int

    @property
    def total(self) -> int:
        """Multiplications and additions together."""
        return self.multiplications + self.additions


def count_operations(transform: Callable[[np.ndarray], np.ndarray], n: int) -> Operations:
    """Run a transform on n numbers and count the complex operations that it does.

    The transform's own code runs, unchanged, on an array that counts. So the figure is a
    measurement; it knows no formula. Divisions count as multiplications, differences as additions.
    Not counted: conjugation, moving data, and tables that don't depend on the input (roots of
    unity, chirps), which a program computes once.

    Args:
        transform: `dft`, `idft`, `fft`, `ifft`, or one of your own.
        n: length of the input, at least 1.

    Returns:
        Number of multiplications and additions.

    Raises:
        ValueError: `n` is less than 1.
        TypeError: the transform does something that would escape the count, such as a sine, a
            call of np.dot, or the whole work on a plain copy of the array.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1 sample, got {n}")
    x = np.ones(n, dtype=np.complex128).view(CountingArray)
    x.tally = {"multiplications": 0, "additions": 0}
    if not isinstance(transform(x), CountingArray):
        raise TypeError("the result can't be counted: the transform went on with a plain array")
    return Operations(**x.tally)


class CountingArray(np.ndarray):
    """Array that adds every multiplication and addition done with it to `tally`.

    Slices, copies and results share the tally of the array that they come from.
    """

    tally: dict[str, int] | None

    def __array_finalize__(self, parent: np.ndarray | None) -> None:
        """Hand the tally on to an array made from this one."""
        self.tally = getattr(parent, "tally", None)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: np.ndarray, **options: object
    ) -> Self:
        """Do the operation on plain arrays and count it."""
        if method != "__call__" or options:
            raise TypeError(f"{ufunc.__name__}.{method} with {list(options)} can't be counted")
        plain = [np.asarray(value) for value in inputs]
        result = ufunc(*plain)
        if ufunc in (np.multiply, np.divide):
            self.tally["multiplications"] += result.size
        elif ufunc in (np.add, np.subtract):
            self.tally["additions"] += result.size
        elif ufunc is np.matmul:
            terms = plain[0].shape[-1]
            self.tally["multiplications"] += result.size * terms
            self.tally["additions"] += result.size * (terms - 1)
        elif ufunc is not np.conjugate:
            raise TypeError(f"{ufunc.__name__} can't be counted")
        return self._counting(result)

    def __array_function__(
        self, function: Callable, types: tuple, arguments: tuple, options: dict
    ) -> Self | None:
        """Let functions that only move data pass; others could do arithmetic unseen."""
        if function not in (np.empty_like, np.zeros_like, np.copyto, np.concatenate):
            raise TypeError(f"{function.__name__} can't be counted")
        result = super().__array_function__(function, types, arguments, options)
        return None if result is None else self._counting(result)

    def _counting(self, array: np.ndarray) -> Self:
        """The same numbers as an array that counts into this one's tally."""
        array = array.view(CountingArray)
        array.tally = self.tally
        return array


def fft2(image: ArrayLike) -> np.ndarray:
    """Two-dimensional transform: the columns, then the rows of the result.

    Args:
        image: `(rows, columns)`, real or complex.

    Returns:
        complex128 `(rows, columns)`; entry (0, 0) is the sum of all values.

    Raises:
        ValueError: `image` is empty or not two-dimensional.
        TypeError: `image` does not hold numbers.
    """
    return fft_columns(fft_columns(_as_complex(image, dimensions=2)).T).T


def ifft2(spectrum: ArrayLike) -> np.ndarray:
    """Inverse of `fft2`; arguments, result and errors alike."""
    return ifft_columns(ifft_columns(_as_complex(spectrum, dimensions=2)).T).T


def rfft_frequencies(n: int, sample_rate: float) -> np.ndarray:
    """Frequencies of the bins 0 ... n // 2, all that the spectrum of a real signal needs.

    Args:
        n: length of the signal in samples, at least 1.
        sample_rate: in Hz.

    Returns:
        float64 `(n // 2 + 1,)` in Hz: k · sample_rate / n.

    Raises:
        ValueError: `n` or `sample_rate` is not positive.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1 sample, got {n}")
    _check_sample_rate(sample_rate)
    return np.arange(n // 2 + 1) * sample_rate / n


def magnitude(spectrum: ArrayLike) -> np.ndarray:
    """Lengths of the complex numbers of a spectrum, √(re² + im²); any shape."""
    spectrum = np.asarray(spectrum)
    return np.hypot(spectrum.real, spectrum.imag)


def phase(spectrum: ArrayLike, unwrap: bool = False) -> np.ndarray:
    """Angles of the complex numbers of a spectrum.

    A bin that holds nothing but rounding errors (1e-12 of the largest magnitude, or less) has no
    angle worth drawing: its phase is given as 0.

    Args:
        spectrum: any shape, complex.
        unwrap: add multiples of 2π along the last axis, so that neighbours differ by at most π.

    Returns:
        Angles in radians, shape of `spectrum`, within -π ... π unless unwrapped.
    """
    lengths = magnitude(spectrum)
    loudest = np.fmax.reduce(lengths, axis=None, initial=0.0)
    angles = np.where(lengths <= SILENT * loudest, 0.0, np.angle(spectrum))
    return np.unwrap(angles) if unwrap else angles


def window(name: str, n: int, periodic: bool = True) -> np.ndarray:
    """A window: weights that fade a piece of signal in and out.

    Args:
        name: "rectangular", "hann", "hamming" or "blackman".
        n: length in samples, at least 1.
        periodic: one period of the endless window, for spectra; otherwise symmetric, the last
            weight equal to the first, for designing filters.

    Returns:
        float64 `(n,)`, largest weight 1 (between two samples if the middle lies there).

    Raises:
        ValueError: `name` is none of the four, or `n` is less than 1.
    """
    if name not in WINDOW_COEFFICIENTS:
        raise ValueError(f"window must be one of {', '.join(WINDOW_COEFFICIENTS)}, got {name!r}")
    if n < 1:
        raise ValueError(f"a window needs at least 1 sample, got {n}")
    if n == 1:
        return np.ones(1)
    theta = 2 * np.pi * np.arange(n) / (n if periodic else n - 1)
    coefficients = WINDOW_COEFFICIENTS[name]
    return sum((-1) ** j * a * np.cos(j * theta) for j, a in enumerate(coefficients))


def circular_convolve(x: ArrayLike, h: ArrayLike) -> np.ndarray:
    """Convolution on a circle, y[n] = Σ_m x[m] h[(n - m) mod N]: a product of spectra.

    Args:
        x: `(samples,)`, real or complex.
        h: `(samples,)`, as long as `x`.

    Returns:
        `(samples,)`; real if both are real, single precision if both are.

    Raises:
        ValueError: an input is empty or not one-dimensional, or the lengths differ.
        TypeError: an input does not hold numbers.
    """
    X, H = fft(x), fft(h)
    if X.size != H.size:
        raise ValueError(
            f"a circle has one length: x has {X.size} samples, h has {H.size}; pad the shorter "
            "one with zeros, or use convolve"
        )
    return _in_type_of(ifft(X * H), x, h)


def convolve(x: ArrayLike, h: ArrayLike) -> np.ndarray:
    """Linear convolution, y[n] = Σ_m x[m] h[n - m], on a circle too long to be noticed.

    Args:
        x: `(samples,)`, real or complex, such as a signal.
        h: `(taps,)`, real or complex, such as an impulse response.

    Returns:
        `(samples + taps - 1,)`; real if both are real, single precision if both are.

    Raises:
        ValueError: an input is empty or not one-dimensional.
        TypeError: an input does not hold numbers.
    """
    n = _as_complex(x).size + _as_complex(h).size - 1
    size = power_of_two_from(n)
    return circular_convolve(_pad(x, size), _pad(h, size))[:n]


def lowpass_impulse_response(cutoff_hz: float, n_taps: int, sample_rate: float) -> np.ndarray:
    """Impulse response of a low-pass: a sinc, cut to `n_taps` by a Hamming window.

    Args:
        cutoff_hz: where the gain has fallen to a half; between 0 and half the sample rate.
        n_taps: length of the response in samples, at least 1. More taps, steeper edge: it is
            about 3.3 · sample_rate / n_taps Hz wide. The delay is (n_taps - 1) / 2 samples.
        sample_rate: in Hz.

    Returns:
        float64 `(n_taps,)`, symmetric; its sum, the gain at 0 Hz, is 1.

    Raises:
        ValueError: `sample_rate` is not positive, `cutoff_hz` not inside its range, or `n_taps`
            less than 1.
    """
    _check_sample_rate(sample_rate)
    if not 0 < cutoff_hz < sample_rate / 2:
        raise ValueError(
            f"cutoff_hz must lie between 0 and half the sample rate, {sample_rate / 2:g} Hz, "
            f"got {cutoff_hz}"
        )
    weights = window("hamming", n_taps, periodic=False)
    t = np.arange(n_taps) - (n_taps - 1) / 2
    h = weights * np.sinc(2 * cutoff_hz / sample_rate * t)
    return h / h.sum()


def apply_gains(
    x: ArrayLike, sample_rate: float, gains_at_frequencies: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Filter a whole sound at once: multiply its spectrum by a gain for each frequency.

    Real gains move no phase, so the result has no delay. The product is a convolution on a
    circle: a sharp edge in the gains rings, and near the ends it rings into the other end.

    Args:
        x: `(samples,)`, real.
        sample_rate: in Hz.
        gains_at_frequencies: takes frequencies in Hz, `(bins,)`, returns the real factor for
            each; 1 leaves a frequency as it is, 0 removes it.

    Returns:
        `(samples,)`; single precision if `x` is.

    Raises:
        ValueError: `x` is empty, complex or not one-dimensional, `sample_rate` is not positive, or
            the gains are not one finite real number for each frequency.
        TypeError: `x` does not hold numbers.
    """
    signal = _as_real(x)
    frequencies = rfft_frequencies(signal.size, sample_rate)
    gains = np.asarray(gains_at_frequencies(frequencies))
    if gains.shape != frequencies.shape:
        raise ValueError(
            f"gains_at_frequencies must return one gain for each of the {frequencies.size} "
            f"frequencies, got shape {gains.shape}"
        )
    if np.iscomplexobj(gains):
        raise ValueError("gains must be real numbers, got complex ones")
    if not np.isfinite(gains).all():
        worst = np.flatnonzero(~np.isfinite(gains))[0]
        raise ValueError(f"gains must be finite, got {gains[worst]} at {frequencies[worst]:g} Hz")
    return _in_type_of(np.fft.irfft(np.fft.rfft(signal) * gains, signal.size), x)


def notch_gains(
    frequencies_hz: ArrayLike,
    fundamental_hz: float,
    n_harmonics: int = 10,
    width_hz: float = 4.0,
) -> np.ndarray:
    """Gains that remove a hum: a notch at the mains frequency and at each of its harmonics.

    The gain is 1 - exp(-ln 2 · (2 d / width)⁴) at the distance d from the nearest harmonic. Its
    flat bottom forgives a hum that is slightly off; its smooth edges hardly ring.

    Args:
        frequencies_hz: any shape.
        fundamental_hz: of the hum; 50 Hz in Europe, most of Asia and Africa, 60 Hz in Korea and
            North America.
        n_harmonics: number of notches, the fundamental included.
        width_hz: of a notch, between the points where the gain is a half.

    Returns:
        Gains from 0 to 1, shape of `frequencies_hz`; for `apply_gains`.

    Raises:
        ValueError: a frequency, the number of notches or the width is not positive, or the
            notches are so wide that they touch.
    """
    if n_harmonics < 1:
        raise ValueError(f"n_harmonics must be at least 1, got {n_harmonics}")
    if not 0 < width_hz < fundamental_hz:
        raise ValueError(
            "width_hz must be positive and less than the distance between two notches, "
            f"fundamental_hz; got width_hz={width_hz}, fundamental_hz={fundamental_hz}"
        )
    frequencies_hz = np.asarray(frequencies_hz, dtype=np.float64)
    nearest = np.clip(np.round(frequencies_hz / fundamental_hz), 1, n_harmonics)
    distance = np.abs(frequencies_hz - nearest * fundamental_hz)
    return 1 - np.exp(-np.log(2) * (2 * distance / width_hz) ** 4)


def swap_phases(
    phase_from: ArrayLike, magnitude_from: ArrayLike, frame_length: int | None = None
) -> np.ndarray:
    """Put the phases of one sound, or image, on the magnitudes of another.

    Over the whole length the phases win: they say when things happen. In frames so short that
    little happens within one, the magnitudes win. (Oppenheim and Lim, 1981, "The importance of
    phase in signals", doi:10.1109/PROC.1981.12022.)

    Args:
        phase_from: `(samples,)` or, for an image, `(rows, columns)`; real.
        magnitude_from: of the same shape, real.
        frame_length: None for one transform of everything; else the samples in a frame, at least
            2, for sounds only. Each frame overlaps half of the next one.

    Returns:
        Real, of the inputs' shape; single precision if both are.

    Raises:
        ValueError: an input is empty, complex or of another number of dimensions, the shapes
            differ, or `frame_length` is less than 2 or given for an image.
        TypeError: an input does not hold numbers.
    """
    dimensions = np.ndim(phase_from)
    if dimensions not in (1, 2):
        raise ValueError(
            "expected sounds (samples,) or images (rows, columns), got an array of "
            f"{dimensions} dimensions"
        )
    a, b = _as_real(phase_from, dimensions), _as_real(magnitude_from, dimensions)
    if a.shape != b.shape:
        raise ValueError(f"both must have one shape, got {a.shape} and {b.shape}; trim the longer")
    if frame_length is None:
        y = np.fft.ifftn(_with_phases_of(np.fft.fftn(a), np.fft.fftn(b))).real
    elif dimensions == 1:
        y = _swap_phases_in_frames(a, b, frame_length)
    else:
        raise ValueError("frame_length is for sounds; leave it out for an image")
    return _in_type_of(y, phase_from, magnitude_from)


def _swap_phases_in_frames(a: np.ndarray, b: np.ndarray, frame_length: int) -> np.ndarray:
    """`swap_phases` of two real sounds of one length, frame by frame."""
    if frame_length < 2:
        raise ValueError(f"frame_length must be at least 2 samples, got {frame_length}")
    fade = np.sqrt(window("hann", frame_length))  # twice: into the spectrum and out of it
    a, b = np.pad(a, frame_length), np.pad(b, frame_length)
    y, weight = np.zeros(a.size), np.zeros(a.size)
    for start in range(0, a.size - frame_length + 1, frame_length // 2):
        frame = slice(start, start + frame_length)
        spectrum = _with_phases_of(np.fft.rfft(fade * a[frame]), np.fft.rfft(fade * b[frame]))
        y[frame] += fade * np.fft.irfft(spectrum, frame_length)
        weight[frame] += fade**2
    inside = slice(frame_length, -frame_length)
    return y[inside] / weight[inside]


def _with_phases_of(phases: np.ndarray, magnitudes: np.ndarray) -> np.ndarray:
    """Spectrum with the angles of one and the absolute values of another."""
    return np.abs(magnitudes) * np.exp(1j * np.angle(phases))


def _as_complex(x: ArrayLike, dimensions: int = 1) -> np.ndarray:
    """Check a transform's input; complex128."""
    return _checked(x, dimensions).astype(np.complex128, copy=False)


def _as_real(x: ArrayLike, dimensions: int = 1) -> np.ndarray:
    """Check a filter's input; float64."""
    array = _checked(x, dimensions)
    if np.iscomplexobj(array):
        raise ValueError("expected a real signal, got complex numbers")
    return array.astype(np.float64, copy=False)


def _checked(x: ArrayLike, dimensions: int) -> np.ndarray:
    """Array of at least one number, of the given number of dimensions."""
    array = x if isinstance(x, CountingArray) else np.asarray(x)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"expected an array of numbers, got one of {array.dtype}")
    if array.ndim != dimensions:
        wanted = "an image (rows, columns)" if dimensions == 2 else "one signal (samples,)"
        advice = "; take one channel, x[:, 0]" if array.ndim > dimensions == 1 else ""
        raise ValueError(f"expected {wanted}, got an array of shape {array.shape}{advice}")
    if array.size == 0:
        raise ValueError(f"expected at least one sample, got an empty array, shape {array.shape}")
    return array


def _in_type_of(y: np.ndarray, *inputs: ArrayLike) -> np.ndarray:
    """Give a result the floating type of its inputs: real and single precision if they all are."""
    dtype = np.result_type(np.float32, *(np.asarray(value).dtype for value in inputs))
    return (y if np.issubdtype(dtype, np.complexfloating) else y.real).astype(dtype, copy=False)


def _pad(x: ArrayLike, size: int) -> np.ndarray:
    """Zeros after the end, up to `size` samples."""
    x = np.asarray(x)
    return np.pad(x, (0, size - x.size))


def _check_sample_rate(sample_rate: float) -> None:
    if not sample_rate > 0:
        raise ValueError(f"sample_rate must be a positive number of Hz, got {sample_rate}")
