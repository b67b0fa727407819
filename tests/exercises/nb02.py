import cmath

import numpy as np

from course_utils import fourier
from course_utils.exercises.nb02 import mystery_chord
from tests.exercises import Answers


def bin_to_hz(k, n_samples, sample_rate):
    """Frequency of bin k in Hz, negative above the middle."""
    ...


def bin_by_list(k, n, fs):
    return list(np.fft.fftfreq(n, 1 / fs))[k]


def combine(even, odd):
    """Transform of N samples from those of its even and odd halves."""
    ...


def twiddles(count, sign=-1):
    return np.exp(sign * 1j * np.pi * np.arange(count) / count)


def combine_halves(even, odd):
    turned = twiddles(len(odd)) * odd
    return np.concatenate([even + turned, even - turned])


def combine_in_a_loop(even, odd):
    n = 2 * len(even)
    first, second = [], []
    for k in range(n // 2):
        turned = cmath.exp(-2j * cmath.pi * k / n) * odd[k]
        first.append(even[k] + turned)
        second.append(even[k] - turned)
    return first + second


def combine_periodically(even, odd):
    k = np.arange(2 * len(even))
    return np.tile(even, 2) + np.exp(-2j * np.pi * k / len(k)) * np.tile(odd, 2)


def combine_the_wrong_way_round(even, odd):
    turned = twiddles(len(odd), sign=1) * odd
    return np.concatenate([even + turned, even - turned])


def combine_with_half_the_length(even, odd):
    turned = np.exp(-2j * np.pi * np.arange(len(odd)) / len(odd)) * odd
    return np.concatenate([even + turned, even - turned])


def combine_at_half_speed(even, odd):
    turned = np.exp(-1j * np.pi * np.arange(len(odd)) / (2 * len(odd))) * odd
    return np.concatenate([even + turned, even - turned])


def combine_without_minus(even, odd):
    turned = twiddles(len(odd)) * odd
    return np.concatenate([even + turned, even + turned])


def combine_with_the_evens_turned(even, odd):
    turned = twiddles(len(even)) * even
    return np.concatenate([turned + odd, turned - odd])


def combine_alternating(even, odd):
    turned = twiddles(len(odd)) * odd
    out = np.empty(2 * len(even), dtype=complex)
    out[::2], out[1::2] = even + turned, even - turned
    return out


def combine_real(even, odd):
    out = np.zeros(2 * len(even))
    out[:] = combine_halves(even, odd).real
    return out


def combine_with_too_many_arrows(even, odd):
    n = 2 * len(even)
    return even + np.exp(-2j * np.pi * np.arange(n) / n) * odd


def lines():
    """Frequencies in Hz of the chord's lines, the strongest first."""
    chord, sample_rate = mystery_chord()
    magnitude = np.abs(np.fft.rfft(chord))
    inner = magnitude[1:-1]
    peaks = (inner > magnitude[:-2]) & (inner > magnitude[2:]) & (inner > magnitude.max() / 30)
    strongest_first = sorted(1 + np.flatnonzero(peaks), key=lambda k: -magnitude[k])
    return [float(k * sample_rate / len(chord)) for k in strongest_first]


def lines_without_harmonics():
    left, notes = sorted(lines()), []
    while left:
        note, *left = left
        notes.append(note)
        left = [f for f in left if abs(f - note * round(f / note)) > 1 + f / note]
    return notes


def remove_tone(x, frequency_hz, sample_rate):
    """The recording x without the tone at frequency_hz."""
    ...


def bin_of(x, frequency_hz, sample_rate):
    return round(frequency_hz * len(x) / sample_rate)


def remove_both_bins(x, frequency_hz, sample_rate):
    X = np.fft.fft(x)
    k = bin_of(x, frequency_hz, sample_rate)
    X[k] = 0
    X[len(x) - k] = 0
    return np.fft.ifft(X).real


def remove_with_rfft(x, frequency_hz, sample_rate):
    X = np.fft.rfft(x)
    X[bin_of(x, frequency_hz, sample_rate)] = 0
    return np.fft.irfft(X, n=len(x))


def remove_by_frequency(x, frequency_hz, sample_rate):
    X = np.fft.fft(x)
    frequencies = np.fft.fftfreq(len(x), 1 / sample_rate)
    X[np.isclose(np.abs(frequencies), frequency_hz)] = 0
    return np.real(np.fft.ifft(X))


def remove_with_ours(x, frequency_hz, sample_rate):
    X = fourier.dft(x)
    k = bin_of(x, frequency_hz, sample_rate)
    X[[k, len(x) - k]] = 0
    return fourier.ifft(X).real


def remove_in_time(x, frequency_hz, sample_rate):
    t = np.arange(len(x)) / sample_rate
    for wave in (np.sin(2 * np.pi * frequency_hz * t), np.cos(2 * np.pi * frequency_hz * t)):
        x = x - 2 * np.mean(x * wave) * wave
    return x


def remove_one_bin(x, frequency_hz, sample_rate):
    X = np.fft.fft(x)
    X[bin_of(x, frequency_hz, sample_rate)] = 0
    return np.fft.ifft(X)


def remove_and_keep_complex(x, frequency_hz, sample_rate):
    X = np.fft.fft(x)
    k = bin_of(x, frequency_hz, sample_rate)
    X[[k, -k]] = 0
    return np.fft.ifft(X)


def remove_mirrored_at_the_end(x, frequency_hz, sample_rate):
    X = np.fft.fft(x)
    k = bin_of(x, frequency_hz, sample_rate)
    X[k] = X[::-1][k] = 0
    return np.fft.ifft(X).real


def remove_and_lose_a_sample(x, frequency_hz, sample_rate):
    X = np.fft.rfft(x)
    X[bin_of(x, frequency_hz, sample_rate)] = 0
    return np.fft.irfft(X)


def remove_bin_in_hz(x, frequency_hz, sample_rate):
    X = np.fft.fft(x)
    X[int(frequency_hz)] = X[-int(frequency_hz)] = 0
    return np.fft.ifft(X).real


def remove_with_half_the_length(x, frequency_hz, sample_rate):
    X = np.fft.rfft(x)
    X[round(frequency_hz * len(X) / sample_rate)] = 0
    return np.fft.irfft(X, n=len(x))


def remove_truncated(x, frequency_hz, sample_rate):
    X = np.fft.rfft(x)
    X[int(frequency_hz * len(x) / sample_rate)] = 0
    return np.fft.irfft(X, n=len(x))


def remove_a_wide_notch(x, frequency_hz, sample_rate):
    X = np.fft.rfft(x)
    k = bin_of(x, frequency_hz, sample_rate)
    X[k - 1 : k + 2] = 0
    return np.fft.irfft(X, n=len(x))


def remove_with_a_float(x, frequency_hz, sample_rate):
    X = np.fft.fft(x)
    X[frequency_hz * len(x) / sample_rate] = 0
    return np.fft.ifft(X).real


def effect(x, sample_rate):
    """The sound x, changed in the frequency domain."""
    ...


def robot(x, sample_rate):
    frame = round(0.03 * sample_rate)
    y = np.array(x)
    for start in range(0, len(x), frame):
        piece = x[start : start + frame]
        y[start : start + frame] = np.fft.irfft(np.abs(np.fft.rfft(piece)), n=len(piece))
    return y


def upside_down(x, sample_rate):
    return np.fft.irfft(np.fft.rfft(x)[::-1], n=len(x))


def every_tenth_bin(x, sample_rate):
    X = np.fft.rfft(x)
    keep = np.zeros(len(X))
    keep[::10] = 1
    return np.fft.irfft(X * keep, n=len(x)).astype(np.float32)


def shift_up(x, sample_rate):
    X = np.fft.rfft(x)
    bins = round(200 * len(x) / sample_rate)
    Y = np.zeros_like(X)
    Y[bins:] = X[:-bins]
    return np.fft.irfft(Y, n=len(x))


def upside_down_in_place(x, sample_rate):
    x[:] = upside_down(x.copy(), sample_rate)
    return x


def inverse_without_its_factor(x, sample_rate):
    return np.fft.irfft(np.fft.rfft(x)[::-1], n=len(x)) * len(x)


def with_nan(x, sample_rate):
    return np.fft.irfft(1 / (np.fft.rfft(x) * np.r_[0, np.ones(len(x) // 2)]), n=len(x))


def effect_without_return(x, sample_rate):
    np.fft.irfft(np.fft.rfft(x)[::-1], n=len(x))


def effect_with_a_typo(x, sample_rate):
    return np.fft.irft(x)


ANSWERS = {
    "bin_to_hz": Answers(
        solution=lambda k, n, fs: (k if k <= n / 2 else k - n) * fs / n,
        stub=bin_to_hz,
        also_right=[
            lambda k, n, fs: k / (n / fs) if 2 * k <= n else -(n - k) / (n / fs),
            lambda k, n, fs: np.float32(((k - 1 - n // 2) % n - n + 1 + n // 2) * fs / n),
        ],
        wrong=[
            (lambda k, n, fs: fs / k, "multiply by k"),
            (lambda k, n, fs: k * n / fs, "the other way round"),
            (lambda k, n, fs: fs / n, "k times as far up"),
            (lambda k, n, fs: (k + 1) * fs / n, "Off by one"),
            (lambda k, n, fs: (k - 1) * fs / n, "Off by one"),
            (lambda k, n, fs: k * fs / n, "For bin_to_hz(3, 4, 8): got 6, expected -2. Bins above"),
            (lambda k, n, fs: k * fs / n if k <= n / 2 else -k * fs / n, "The sign is right"),
            (lambda k, n, fs: k * fs / n if k <= n / 2 else (n - k) * fs / n, "not N - k"),
            (lambda k, n, fs: np.fft.fftfreq(n, 1 / fs)[k], "here is to be positive"),
            (bin_by_list, "here is to be positive"),
            (lambda k, n, fs: (k if k < n // 2 or k == n / 2 else k - n) * fs / n, "an odd N"),
            (lambda k, n, fs: (k if k <= n / 2 else k - n) * fs // n, "seldom whole"),
            (lambda k, n, fs: (k if k <= n / 2 else k - n) / n, "cycles a sample"),
            (lambda k, n, fs: np.fft.rfftfreq(n, 1 / fs)[k], "IndexError: index 3 is out of"),
        ],
    ),
    "dft_by_hand": Answers(
        solution=[6, 2 + 2j, -2, 2 - 2j],
        stub=None,
        also_right=[
            [6 + 0j, 2 + 2j, -2 + 0j, 2 - 2j],
            (6.0, 2.0 + 2.0j, -2.0, 2.0 - 2.0j),
            np.fft.fft([2, 1, 0, 3]),
        ],
        wrong=[
            ([1.5, 0.5 + 0.5j, -0.5, 0.5 - 0.5j], "divided by N"),
            ([6, 2 - 2j, -2, 2 + 2j], "the wrong way"),
            ([6, 2 - 4j, -2, 2 + 4j], "The last sample gets +i"),
            ([6, 2 + 2j, 6, 2 - 2j], "1, -1, 1, -1"),
            ([6, 2 + 2j, 2 + 2j, 2 - 2j], "not those of k = 1"),
            ([6, 2 + 2j, -2, 2 + 2j], "mirror image"),
            ([6, 2 + 2j, -2], "All four are asked for"),
            ([2, -1j, 0, 3j], "a sum of four products"),
            ("6, 2, -2, 2", "The answer is to be a list, not a text"),
            ([3, 2, 0, 2], "It is not [3, 2, 0, 2]."),
        ],
    ),
    "butterfly": Answers(
        solution=combine_halves,
        stub=combine,
        also_right=[combine_in_a_loop, combine_periodically],
        wrong=[
            (lambda even, odd: np.concatenate([even + odd, even - odd]), "turn O_k by"),
            (combine_the_wrong_way_round, "turns the wrong way"),
            (combine_with_half_the_length, "twice as fast"),
            (combine_at_half_speed, "half as fast"),
            (combine_without_minus, "it is the difference"),
            (lambda even, odd: np.roll(combine_halves(even, odd), len(odd)), "the sum is first"),
            (lambda even, odd: combine_halves(odd, even), "E and O are swapped"),
            (combine_alternating, "All sums come first"),
            (lambda even, odd: even + twiddles(len(odd)) * odd, "That is the first half"),
            (lambda even, odd: np.stack([even, odd], axis=1).ravel(), "Samples alternate"),
            (lambda even, odd: np.concatenate([even, odd]), "one after the other"),
            (combine_real, "keep the arrays complex"),
            (combine_with_too_many_arrows, "operands could not be broadcast"),
            (combine_with_the_evens_turned, "The arrow belongs to O"),
            (lambda even, odd: 2 * combine_halves(even, odd), "got [8+0j, 4+0j], expected [4+0j"),
        ],
    ),
    "chord": Answers(
        solution=lines_without_harmonics(),
        stub=None,
        also_right=[(164.81, 207.65, 554.37), np.array([164.5, 207.5, 554.5]), [165, 208, 554]],
        wrong=[
            (sorted(lines()[:3]), "the three strongest lines"),
            (sorted(lines())[:3], "the three lowest lines"),
            ([330, 415, 1109], "bin k is k / 2 Hz"),
            ([82.5, 104, 277], "half as high"),
            ([554.5, 165, 207.5], "from low to high"),
            ([165, 554.5], "There is a third"),
            ([207.5, 329.5, 554.5], "Not all of these are fundamentals"),
            ([165, 554.5, 623], "Not all of these are fundamentals"),
            ([164, 208, 560], "It is not [164, 208, 560]."),
            (165, "The answer is to be a list, not a number"),
        ],
    ),
    "remove_tone": Answers(
        solution=remove_both_bins,
        stub=remove_tone,
        also_right=[remove_with_rfft, remove_by_frequency, remove_in_time, remove_with_ours],
        wrong=[
            (remove_one_bin, "X[N - k] is the tone's as well"),
            (lambda x, f, fs: remove_one_bin(x, f, fs).real, "Half of the tone is left"),
            (remove_and_keep_complex, "take .real"),
            (remove_mirrored_at_the_end, "not N - k - 1"),
            (remove_and_lose_a_sample, "got an array of shape (4,), expected shape (5,). Without"),
            (remove_bin_in_hz, "only in a recording of one second"),
            (remove_with_half_the_length, "rfft, which keeps only half"),
            (remove_truncated, "46.999"),
            (remove_a_wide_notch, "two bins are enough"),
            (lambda x, f, fs: x - remove_both_bins(x, f, fs), "keeps the tone"),
            (lambda x, f, fs: np.fft.fft(remove_both_bins(x, f, fs)), "transform it back"),
            (remove_with_a_float, "IndexError: only integers"),
            (lambda x, f, fs: x, "got [1, 2, 3, 4], expected [2, 3, 2, 3]"),
        ],
    ),
    "effect": Answers(
        solution=upside_down,
        stub=effect,
        also_right=[robot, every_tenth_bin, shift_up, upside_down_in_place],
        wrong=[
            (lambda x, fs: x, "100.0 % of the result is the sound that went in"),
            (lambda x, fs: -0.5 * x, "100.0 % of the result is the sound that went in"),
            (lambda x, fs: 0 * x, "The result is silent"),
            (lambda x, fs: np.fft.ifft(np.fft.fft(x)[::-1]), "take .real"),
            (lambda x, fs: np.fft.irfft(np.fft.rfft(x)[::-1]), "Of 22051 samples it makes 22050"),
            (with_nan, "NaN or infinite"),
            (inverse_without_its_factor, "Is the 1/N of the inverse transform missing?"),
            (lambda x, fs: list(upside_down(x, fs)), "It gives a list of shape (22051,)"),
            (lambda x, fs: (1000 * upside_down(x, fs)).astype(int), "a waveform holds floats"),
            (effect_without_return, "is there a `return`?"),
            (effect_with_a_typo, "has no attribute 'irft'"),
            (upside_down(np.arange(4.0), 4), "check.effect(effect)"),
        ],
    ),
}
