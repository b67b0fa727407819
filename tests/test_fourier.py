"""fourier against numpy.fft and scipy, and against the properties that define a transform."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.signal
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course_utils import fourier
from course_utils.fourier import Operations, count_operations

LARGE_PRIME = 100_003
TRANSFORMS = [fourier.dft, fourier.idft, fourier.fft, fourier.ifft]
FAST_AND_SLOW = [(fourier.dft, fourier.idft), (fourier.fft, fourier.ifft)]
names = pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda f: f.__name__)
pairs = pytest.mark.parametrize(("forward", "backward"), FAST_AND_SLOW, ids=["dft", "fft"])


def relative_error(got, expected):
    return np.abs(got - expected).max() / np.abs(expected).max()


def random_signal(n, seed=0, real=False):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n)
    return x if real else x + 1j * rng.standard_normal(n)


signals = st.builds(
    random_signal, st.integers(1, 600), seed=st.integers(0, 2**32 - 1), real=st.booleans()
)


def numpys(transform):
    return {"d": np.fft.fft, "i": np.fft.ifft, "f": np.fft.fft}[transform.__name__[0]]


@names
def test_agrees_with_numpy_for_every_length(transform):
    longest = 1024 if transform in (fourier.fft, fourier.ifft) else 256
    for n in range(1, longest + 1):
        x = random_signal(n, seed=n)
        assert relative_error(transform(x), numpys(transform)(x)) < 1e-14, n


@pytest.mark.parametrize("n", [2**16, 59_049, 66_150, 65_537, 37 * 41 * 43, LARGE_PRIME])
@pytest.mark.parametrize("transform", [fourier.fft, fourier.ifft], ids=["fft", "ifft"])
def test_fast_transforms_agree_with_numpy_for_long_inputs(transform, n):
    x = random_signal(n)
    assert relative_error(transform(x), numpys(transform)(x)) < 1e-14


def test_dft_in_several_blocks_of_rows_agrees_with_numpy():
    n = 5003
    assert n**2 > 2 * fourier.MATRIX_BLOCK
    x = random_signal(n)
    assert relative_error(fourier.dft(x), np.fft.fft(x)) < 1e-13


@names
@pytest.mark.parametrize("n", [1, 2, 3, 8, 12, 31, 37, 64])
def test_agrees_with_correctly_rounded_sums(transform, n):
    x = random_signal(n, seed=n)
    sign, scale = (1, 1 / n) if transform.__name__.startswith("i") else (-1, 1)
    expected = []
    for k in range(n):
        angles = [sign * 2 * math.pi * (k * m % n) / n for m in range(n)]
        cos, sin = [math.cos(a) for a in angles], [math.sin(a) for a in angles]
        re = [f for z, c, s in zip(x, cos, sin, strict=True) for f in (z.real * c, -z.imag * s)]
        im = [f for z, c, s in zip(x, cos, sin, strict=True) for f in (z.real * s, z.imag * c)]
        expected.append(scale * complex(math.fsum(re), math.fsum(im)))
    assert relative_error(transform(x), np.array(expected)) < 3e-15


@given(signals)
@example(random_signal(1, real=True))
@settings(max_examples=60, deadline=None)
def test_all_four_agree_with_numpy_on_random_signals(x):
    for transform in TRANSFORMS:
        assert relative_error(transform(x), numpys(transform)(x)) < 1e-14


@names
@pytest.mark.parametrize("dtype", ["float32", "float16", "int16", "uint8", "bool", "complex64"])
def test_every_number_type_goes_in_and_complex128_comes_out(transform, dtype):
    x = np.array([3, 0, 1, 1, 0, 5, 7], dtype=dtype)
    got = transform(x)
    assert got.dtype == np.complex128
    assert type(got) is np.ndarray
    assert relative_error(got, numpys(transform)(x.astype(np.complex128))) < 1e-15


@names
def test_takes_lists_strided_and_read_only_arrays_and_leaves_them_alone(transform):
    x = random_signal(24)
    before = x.copy()
    x.flags.writeable = False
    assert np.array_equal(transform(list(x)), transform(x))
    assert relative_error(transform(x[::-2]), numpys(transform)(x[::-2])) < 1e-14
    single = np.array([2.0 + 1j])
    transform(single)[:] = 0
    assert single[0] == 2 + 1j
    assert np.array_equal(x, before)


@names
def test_wrong_input_is_refused_as_numpy_does(transform):
    for bad, numpys_error in [([], ValueError), (["a"], TypeError), ([None], TypeError)]:
        with pytest.raises(numpys_error):
            numpys(transform)(bad)
        with pytest.raises(numpys_error, match=r"expected"):
            transform(bad)
    with pytest.raises(ValueError, match=r"shape \(4, 2\); take one channel"):
        transform(np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"one signal"):
        transform(3.0)


@names
def test_nan_spreads_as_in_numpy(transform):
    x = random_signal(12)
    x[5] = np.nan
    assert np.isnan(numpys(transform)(x)).all()
    assert np.isnan(transform(x)).all()


@given(signals)
@settings(max_examples=40, deadline=None)
def test_inverse_undoes_and_parseval_holds(x):
    for forward, backward in FAST_AND_SLOW:
        spectrum = forward(x)
        assert relative_error(backward(spectrum), x) < 1e-14
        assert np.sum(np.abs(spectrum) ** 2) / x.size == pytest.approx(
            np.sum(np.abs(x) ** 2), rel=1e-13
        )


@given(signals, st.integers(-1000, 1000))
@settings(max_examples=40, deadline=None)
def test_delay_turns_the_phases_only(x, delay):
    k = np.arange(x.size)
    turn = np.exp(-2j * np.pi * (k * delay % x.size) / x.size)
    for forward, _ in FAST_AND_SLOW:
        assert relative_error(forward(np.roll(x, delay)), forward(x) * turn) < 1e-13


@given(st.integers(1, 300), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_linear(n, seed):
    x, y = random_signal(n, seed), random_signal(n, seed + 1)
    for forward, _ in FAST_AND_SLOW:
        together = forward(2 * x - 3j * y)
        assert relative_error(together, 2 * forward(x) - 3j * forward(y)) < 1e-13


@pairs
@pytest.mark.parametrize("n", [1, 2, 7, 30, 37, 64, 134])
def test_spectrum_of_a_real_signal_is_symmetric(forward, backward, n):
    spectrum = forward(random_signal(n, real=True))
    mirrored = spectrum[-np.arange(n) % n].conj()
    assert relative_error(spectrum, mirrored) < 1e-14
    assert np.abs(backward(spectrum).imag).max() < 1e-14


@pairs
@pytest.mark.parametrize("n", [8, 15, 41])
def test_one_arrow_falls_into_one_bin(forward, backward, n):
    for k in range(n):
        arrow = np.exp(2j * np.pi * k * np.arange(n) / n)
        expected = np.zeros(n)
        expected[k] = n
        assert np.allclose(forward(arrow), expected, atol=1e-12)
        assert np.allclose(backward(expected), arrow, atol=1e-13)


@dataclass
class Scalar:
    """A number that notes each operation done on it, one at a time: the slow, sure way to count."""

    value: complex
    done: dict

    def _note(self, kind, value):
        self.done[kind] += 1
        return Scalar(value, self.done)

    def __mul__(self, other):
        return self._note("multiplications", self.value * getattr(other, "value", other))

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self._note("multiplications", self.value / other)

    def __add__(self, other):
        return self._note("additions", self.value + other.value)

    def __sub__(self, other):
        return self._note("additions", self.value - other.value)

    def conjugate(self):
        return Scalar(self.value.conjugate(), self.done)


def run_on_scalars(columns_transform, x):
    done = {"multiplications": 0, "additions": 0}
    column = np.array([[Scalar(complex(value), done)] for value in x], dtype=object)
    result = columns_transform(column)
    return np.array([scalar.value for scalar in result[:, 0]]), Operations(**done)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 8, 12, 16, 30, 31, 35, 64, 100, 120])
@pytest.mark.parametrize(
    ("transform", "columns_transform"),
    [(fourier.fft, fourier.fft_columns), (fourier.ifft, fourier.ifft_columns)],
    ids=["fft", "ifft"],
)
def test_count_equals_one_by_one_execution(transform, columns_transform, n):
    x = random_signal(n)
    result, done = run_on_scalars(columns_transform, x)
    assert relative_error(result, transform(x)) < 1e-14
    assert count_operations(transform, n) == done


@pytest.mark.parametrize(("n", "size"), [(37, 128), (127, 256), (1009, 2048)])
def test_count_of_bluestein_is_that_of_its_parts(n, size):
    # Two transforms of the convolution's size and its inverse; the product of spectra; the chirp
    # before and after.
    part, inverse = (count_operations(f, size) for f in (fourier.fft, fourier.ifft))
    assert count_operations(fourier.fft, n) == (
        2 * part.multiplications + inverse.multiplications + size + 2 * n,
        2 * part.additions + inverse.additions,
    )


@pytest.mark.parametrize("n", [1, 2, 5, 64, 100])
def test_count_of_dft_is_a_product_and_a_sum_for_each_pair(n):
    assert count_operations(fourier.dft, n) == (n * n, n * (n - 1))
    assert count_operations(fourier.idft, n) == (n * n + n, n * (n - 1))


@pytest.mark.parametrize("exponent", [1, 2, 5, 10, 16])
def test_count_of_fft_for_powers_of_two_is_the_textbooks(exponent):
    n = 2**exponent
    counted = count_operations(fourier.fft, n)
    assert counted == (n // 2 * (exponent - 1), n * exponent)
    assert counted.total == counted.multiplications + counted.additions


def test_counts_a_transform_that_a_reader_wrote():
    def radix_2(x):
        if x.size == 1:
            return x
        even, odd = radix_2(x[::2]), radix_2(x[1::2])
        turned = np.exp(-2j * np.pi * np.arange(odd.size) / x.size) * odd
        return np.concatenate([even + turned, even - turned])

    assert count_operations(radix_2, 64) == (32 * 6, 64 * 6)


def test_counts_grow_as_n_log_n_for_primes_too():
    primes = [101, 499, 1009, 4001, 10_007, 40_009, LARGE_PRIME]
    ratios = [count_operations(fourier.fft, n).total / (n * np.log2(n)) for n in primes]
    # A prime just above a power of two pads to almost four times its length, others to two.
    assert 8 < min(ratios) < max(ratios) < 21


def test_arithmetic_that_is_not_counted_is_an_error():
    escapes = [
        np.exp,
        np.sum,
        np.fft.fft,
        lambda x: np.dot(np.eye(4), x),
        lambda x: x.__imul__(2),
        lambda x: np.asarray(x) * 2,
    ]
    for uncounted in escapes:
        with pytest.raises(TypeError, match="can't be counted"):
            count_operations(uncounted, 4)
    with pytest.raises(ValueError, match="at least 1"):
        count_operations(fourier.fft, 0)


@given(st.integers(1, 40), st.integers(1, 40), st.booleans())
@settings(max_examples=30, deadline=None)
def test_fft2_agrees_with_numpy(rows, columns, real):
    image = random_signal(rows * columns, seed=rows, real=real).reshape(rows, columns)
    spectrum = fourier.fft2(image)
    assert spectrum.dtype == np.complex128
    assert relative_error(spectrum, np.fft.fft2(image)) < 1e-14
    assert relative_error(fourier.ifft2(image), np.fft.ifft2(image)) < 1e-14
    assert relative_error(fourier.ifft2(spectrum), image) < 1e-14


def test_fft2_refuses_what_is_no_image():
    for transform in (fourier.fft2, fourier.ifft2):
        with pytest.raises(ValueError, match=r"image \(rows, columns\), got .* \(8,\)"):
            transform(np.zeros(8))
        with pytest.raises(ValueError, match=r"empty"):
            transform(np.zeros((0, 3)))


@given(st.integers(1, 5000), st.floats(1, 192_000))
def test_rfft_frequencies_agree_with_numpy(n, sample_rate):
    got = fourier.rfft_frequencies(n, sample_rate)
    assert got == pytest.approx(np.fft.rfftfreq(n, 1 / sample_rate), rel=1e-14)


def test_rfft_frequencies_refuse_nonsense():
    with pytest.raises(ValueError, match="n must be at least 1 sample, got 0"):
        fourier.rfft_frequencies(0, 8000)
    for sample_rate in (0, -8000, float("nan")):
        with pytest.raises(ValueError, match="positive number of Hz"):
            fourier.rfft_frequencies(8, sample_rate)


def test_magnitude_and_phase_put_a_spectrum_together_again():
    spectrum = np.fft.fft(random_signal(100))
    assert fourier.magnitude([3 + 4j, -2]) == pytest.approx([5, 2])
    assert fourier.phase([1j, -1, 1, -1j, 1 + 1j]) == pytest.approx(
        np.pi * np.array([0.5, 1, 0, -0.5, 0.25])
    )
    again = fourier.magnitude(spectrum) * np.exp(1j * fourier.phase(spectrum))
    assert relative_error(again, spectrum) < 1e-15


def test_unwrapped_phase_of_a_delay_is_a_straight_line():
    delayed = np.zeros(64)
    delayed[5] = 1
    spectrum = fourier.fft(delayed)
    line = -2 * np.pi * 5 * np.arange(64) / 64
    assert fourier.phase(spectrum, unwrap=True) == pytest.approx(line)
    assert np.abs(fourier.phase(spectrum)).max() <= np.pi


def test_phase_of_rounding_errors_is_zero_and_of_nan_is_nan():
    tone = np.cos(2 * np.pi * 3 * np.arange(64) / 64 + 1)
    phases = fourier.phase(fourier.fft(tone))
    assert phases[[3, 61]] == pytest.approx([1, -1])
    assert not np.delete(phases, [3, 61]).any()
    assert not fourier.phase(np.zeros(4)).any()
    with_nan = fourier.phase(np.array([np.nan, 1j, 1]))
    assert np.isnan(with_nan[0])
    assert with_nan[1:] == pytest.approx([np.pi / 2, 0])


@pytest.mark.parametrize(
    ("name", "scipys"),
    [("rectangular", "boxcar"), ("hann",) * 2, ("hamming",) * 2, ("blackman",) * 2],
)
@pytest.mark.parametrize("periodic", [True, False])
def test_windows_are_scipys(name, scipys, periodic):
    for n in [1, 2, 3, 4, 7, 256, 551]:
        expected = scipy.signal.get_window(scipys, n, fftbins=periodic)
        assert fourier.window(name, n, periodic) == pytest.approx(expected, abs=1e-15)


def test_window_refuses_unknown_names_and_lengths():
    with pytest.raises(ValueError, match=r"hann, hamming, blackman, got 'kaiser'"):
        fourier.window("kaiser", 8)
    with pytest.raises(ValueError, match="at least 1 sample, got 0"):
        fourier.window("hann", 0)


@given(signals, st.integers(1, 300), st.booleans())
@settings(max_examples=40, deadline=None)
def test_convolutions_agree_with_their_definitions(x, taps, real):
    h = random_signal(taps, seed=taps, real=real)
    full = np.convolve(x, h)
    assert np.abs(fourier.convolve(x, h) - full).max() < 1e-12
    n = max(x.size, taps)
    x, h = np.pad(x, (0, n - x.size)), np.pad(h, (0, n - taps))
    wrapped = np.pad(full, (0, 2 * n - full.size)).reshape(2, n).sum(axis=0)
    assert np.abs(fourier.circular_convolve(x, h) - wrapped).max() < 1e-12


@pytest.mark.parametrize("convolution", [fourier.convolve, fourier.circular_convolve])
def test_convolution_keeps_the_type_of_its_inputs(convolution):
    single, double = np.ones(8, np.float32), np.ones(8)
    assert convolution(single, single).dtype == np.float32
    assert convolution(single, double).dtype == np.float64
    assert convolution([1] * 8, [2] * 8).dtype == np.float64
    for bad in ([], np.ones((2, 2)), 1.0):
        with pytest.raises(ValueError, match="expected"):
            convolution(bad, single)
        with pytest.raises(ValueError, match="expected"):
            convolution(single, bad)
    with pytest.raises(TypeError, match="numbers"):
        convolution(single, ["a"] * 8)


def test_complex_convolutions_stay_complex():
    x = random_signal(9).astype(np.complex64)
    assert fourier.convolve(x, np.float32([1, 2])).dtype == np.complex64


def test_convolution_refuses_lengths_that_make_no_sense():
    with pytest.raises(ValueError, match="x has 4 samples, h has 3"):
        fourier.circular_convolve(np.ones(4), np.ones(3))


@pytest.mark.parametrize("n_taps", [1, 2, 31, 64, 201])
@pytest.mark.parametrize("cutoff_hz", [100.0, 1000.0, 3900.0])
def test_lowpass_is_scipys_firwin(n_taps, cutoff_hz):
    expected = scipy.signal.firwin(n_taps, cutoff_hz, fs=8000)
    got = fourier.lowpass_impulse_response(cutoff_hz, n_taps, 8000)
    assert got == pytest.approx(expected, abs=1e-15)


def test_lowpass_has_half_the_gain_at_its_cutoff_and_the_promised_edge():
    h = fourier.lowpass_impulse_response(1000, 165, 8000)
    gain = np.abs(np.exp(-2j * np.pi * np.outer([0, 920, 1000, 1080], np.arange(165)) / 8000) @ h)
    assert gain == pytest.approx([1, 1, 0.5, 0], abs=0.005)


def test_lowpass_refuses_nonsense():
    for cutoff_hz in (0, 4000, -1, float("nan")):
        with pytest.raises(ValueError, match=r"between 0 and half the sample rate, 4000 Hz"):
            fourier.lowpass_impulse_response(cutoff_hz, 31, 8000)
    with pytest.raises(ValueError, match="at least 1 sample"):
        fourier.lowpass_impulse_response(100, 0, 8000)
    with pytest.raises(ValueError, match="positive number of Hz"):
        fourier.lowpass_impulse_response(100, 31, -8000)


def test_gains_act_on_their_frequencies_and_move_no_phase():
    t = np.arange(8000) / 8000
    low, high = np.sin(2 * np.pi * 300 * t + 1), np.cos(2 * np.pi * 2000 * t)
    filtered = fourier.apply_gains(low + high, 8000, lambda f: np.where(f < 1000, 0.5, -2.0))
    assert filtered == pytest.approx(0.5 * low - 2 * high, abs=1e-10)


@given(st.integers(1, 500))
def test_gains_are_a_circular_convolution(n):
    x = random_signal(n, real=True)
    f = fourier.rfft_frequencies(n, 1000)
    response = np.fft.irfft(np.exp(-f / 100), n)
    expected = fourier.circular_convolve(x, response)
    got = fourier.apply_gains(x, 1000, lambda f: np.exp(-f / 100))
    assert got == pytest.approx(expected, abs=1e-13)
    single = fourier.apply_gains(x.astype(np.float32), 1000, np.ones_like)
    assert single.dtype == np.float32
    assert single == pytest.approx(x.astype(np.float32), abs=1e-6)


def test_gains_that_are_no_gains_are_refused():
    x = random_signal(100, real=True)
    for gains, message in [
        (lambda f: 1.0, r"each of the 51 frequencies, got shape \(\)"),
        (lambda f: np.ones(50), r"got shape \(50,\)"),
        (lambda f: 1j * f, "real numbers"),
        (lambda f: np.where(f < 40, 1, np.nan), "got nan at 40 Hz"),
    ]:
        with pytest.raises(ValueError, match=message):
            fourier.apply_gains(x, 1000, gains)
    with pytest.raises(ValueError, match="real signal"):
        fourier.apply_gains(1j * x, 1000, np.ones_like)
    with pytest.raises(ValueError, match="positive number of Hz"):
        fourier.apply_gains(x, 0, np.ones_like)


def test_notches_are_where_and_as_wide_as_they_should_be():
    f = np.array([0, 30, 49, 50, 51, 75, 99, 100, 101, 150, 200, 3000])
    gains = fourier.notch_gains(f, fundamental_hz=50, n_harmonics=3, width_hz=2)
    expected = [1, 1, 0.5, 0, 0.5, 1, 0.5, 0, 0.5, 0, 1, 1]
    assert gains == pytest.approx(expected, abs=1e-12)


def test_notches_remove_a_hum_that_is_slightly_off_and_keep_the_rest():
    sample_rate = 8000
    t = np.arange(3 * sample_rate) / sample_rate
    hum = sum(np.sin(2 * np.pi * 60.1 * k * t + k) / k for k in range(1, 6))
    sound = np.sin(2 * np.pi * 440 * t)

    def gains(f):
        return fourier.notch_gains(f, 60)

    middle = slice(sample_rate, 2 * sample_rate)
    left = fourier.apply_gains(hum, sample_rate, gains)[middle]
    assert 20 * np.log10(np.std(left) / np.std(hum)) < -50
    assert fourier.apply_gains(sound, sample_rate, gains) == pytest.approx(sound, abs=1e-9)


def test_notches_refuse_nonsense():
    for wrong in ({"width_hz": 0}, {"width_hz": 60}, {"fundamental_hz": -50}):
        with pytest.raises(ValueError, match="width_hz must be positive"):
            fourier.notch_gains(np.arange(9), **{"fundamental_hz": 50, **wrong})
    with pytest.raises(ValueError, match="n_harmonics"):
        fourier.notch_gains(np.arange(9), 50, n_harmonics=0)


def noise_burst(start, seed, n=8000):
    burst = np.zeros(n)
    burst[start : start + 1000] = random_signal(1000, seed, real=True)
    return burst


@pytest.mark.parametrize("n", [1, 2, 99, 100])
def test_swapping_over_the_whole_sound_takes_each_part_from_its_source(n):
    a, b = random_signal(n, 0, real=True), random_signal(n, 1, real=True)
    spectrum = np.fft.fft(fourier.swap_phases(a, b))
    A, B = np.fft.fft(a), np.fft.fft(b)
    assert relative_error(spectrum, np.abs(B) * A / np.abs(A)) < 1e-13


def test_swapping_works_on_images():
    a = random_signal(12 * 15, 0, real=True).reshape(12, 15)
    b = random_signal(12 * 15, 1, real=True).reshape(12, 15)
    spectrum = np.fft.fft2(fourier.swap_phases(a, b))
    A, B = np.fft.fft2(a), np.fft.fft2(b)
    assert relative_error(spectrum, np.abs(B) * A / np.abs(A)) < 1e-12


@given(st.integers(1, 900), st.integers(2, 300))
@settings(max_examples=40, deadline=None)
def test_a_sound_with_its_own_phases_is_itself(n, frame_length):
    x = random_signal(n, real=True)
    assert fourier.swap_phases(x, x, frame_length) == pytest.approx(x, abs=1e-12)
    assert fourier.swap_phases(x, x) == pytest.approx(x, abs=1e-12)


def test_the_phase_wins_over_the_whole_sound_and_the_magnitude_in_short_frames():
    early, late = noise_burst(1000, 0), noise_burst(6000, 1)

    def share_of_energy_early(y):
        return np.sum(y[:4000] ** 2) / np.sum(y**2)

    assert share_of_energy_early(fourier.swap_phases(early, late)) > 0.7
    assert share_of_energy_early(fourier.swap_phases(early, late, 200)) < 1e-6


def test_swapping_keeps_single_precision_and_refuses_what_does_not_fit():
    a, b = np.ones(8, np.float32), np.arange(8, dtype=np.float32)
    assert fourier.swap_phases(a, b).dtype == np.float32
    assert fourier.swap_phases(a, b, 4).dtype == np.float32
    for arguments, message in [
        ((a, b[:7]), r"got \(8,\) and \(7,\)"),
        ((a, np.ones((2, 4))), r"one signal \(samples,\), got .* \(2, 4\)"),
        ((a, b, 1), "at least 2 samples, got 1"),
        ((np.ones((4, 4)), np.ones((4, 4)), 2), "for sounds"),
        ((np.ones((2, 2, 3)), np.ones((2, 2, 3))), "3 dimensions"),
        ((a, 1j * b), "real signal"),
        ((a[:0], b[:0]), "empty"),
    ]:
        with pytest.raises(ValueError, match=message):
            fourier.swap_phases(*arguments)
