import math

import numpy as np

from tests.exercises import Answers

RATE = 22_050


def spl(pressure):
    """Level in dB SPL."""
    level = ...
    return level


def spl_peak(pressure):
    return 20 * np.log10(max(abs(pressure)) / 20e-6)


def spl_power(pressure):
    rms = np.sqrt(np.mean(pressure**2))
    return 10 * np.log10(rms / 20e-6)


def spl_typo(pressure):
    return 20 * np.log_10(pressure / 20e-6)


def spl_in_place(pressure):
    pressure **= 2
    return 10 * np.log10(pressure.mean() / 20e-6**2)


def beats(f1_hz, f2_hz):
    return None


def semitones(n):
    raise NotImplementedError


def alias(frequency_hz, sample_rate):
    pass


def alias_by_folding(frequency_hz, sample_rate):
    while frequency_hz > sample_rate / 2:
        frequency_hz = abs(frequency_hz - sample_rate)
    return frequency_hz


def alias_without_end(frequency_hz, sample_rate):
    while frequency_hz > sample_rate / 2:
        frequency_hz = frequency_hz % (2 * sample_rate)
    return frequency_hz


def quantise(x, bits): ...


def quantise_solution(x, bits):
    step = 2 / 2**bits
    level = np.floor(x / step) * step + step / 2
    return np.minimum(level, 1 - step / 2)


def quantise_without_clamp(x, bits):
    step = 2 / 2**bits
    return np.floor(x / step) * step + step / 2


def quantise_mid_tread(x, bits):
    step = 2 / 2**bits
    return step * np.rint(x / step)


def quantise_too_few_steps(x, bits):
    step = 2 / (2**bits - 1)
    return np.minimum(np.floor(x / step) * step + step / 2, 1 - step / 2)


def quantise_truncated(x, bits):
    step = 2 / 2**bits
    return np.minimum((x / step).astype(int) * step + step / 2, 1 - step / 2)


def quantise_with_min(x, bits):
    step = 2 / 2**bits
    return min(np.floor(x / step) * step + step / 2, 1 - step / 2)


def quantise_by_rounding(x, bits):
    # Ties of round go to even, so the edges between steps come out wrong.
    step = 2 / 2**bits
    return np.clip(np.round(x / step - 0.5) * step + step / 2, -1 + step / 2, 1 - step / 2)


def time(duration_s=1.0):
    return np.arange(int(duration_s * RATE)) / RATE


def harmonics(fundamental_hz, strengths, duration_s=1.0):
    t = time(duration_s)
    wave = sum(a * np.sin(2 * np.pi * fundamental_hz * k * t) for k, a in strengths.items())
    return wave / np.abs(wave).max()


def fade(wave, attack_s=0.02):
    t = np.arange(len(wave)) / RATE
    return 0.8 * wave * np.minimum(np.minimum(t / attack_s, (t[-1] - t) / 0.05), 1)


def organ(fundamental_hz=220.0, duration_s=1.0, partials=6):
    return fade(harmonics(fundamental_hz, {k: 1 / k for k in range(1, partials + 1)}, duration_s))


def vibrato():
    t = time(2.0)
    phase = 2 * np.pi * 300 * t + 0.8 * np.sin(2 * np.pi * 5 * t)
    return fade(sum(np.sin(k * phase) / k for k in range(1, 5)) / 2.5)


def plucked_string(delay=100):
    """Karplus and Strong (1983)."""
    string = np.random.default_rng(1).uniform(-1, 1, delay)
    out = np.empty(RATE)
    for i in range(RATE):
        out[i] = string[i % delay]
        string[i % delay] = 0.498 * (string[i % delay] + string[(i + 1) % delay])
    return fade(out / np.abs(out).max(), 0.005)


def breathy():
    return 0.9 * organ() + fade(0.01 * np.random.default_rng(2).standard_normal(RATE))


def from_the_last_hint():
    t = np.arange(22050) / 22050
    wave = sum(np.sin(2 * np.pi * 220 * k * t) / k for k in range(1, 7))
    envelope = np.minimum(t / 0.02, 1) * (1 - t) ** 2
    return (0.3 * wave * envelope, 22050)


def noise():
    return fade(np.clip(np.random.default_rng(3).standard_normal(RATE) / 5, -1, 1))


def with_nan():
    wave = organ()
    wave[100] = np.nan
    return wave


ANSWERS = {
    "spl": Answers(
        solution=lambda p: 20 * np.log10(np.sqrt(np.mean(p**2)) / 20e-6),
        stub=spl,
        also_right=[
            lambda p: 10 * np.log10(np.mean(p**2) / 4e-10),
            lambda p: 20 * math.log10(math.sqrt(sum(x * x for x in p) / len(p)) / 20e-6),
            lambda p: np.float32(20 * np.log10(np.sqrt(np.mean(p**2)) / 20e-6)),
        ],
        wrong=[
            (spl_power, "20 log10"),
            (spl_peak, "level of the peak"),
            (lambda p: 20 * np.log10(np.mean(np.abs(p)) / 20e-6), "mean of |p|"),
            (lambda p: 20 * np.log(np.sqrt(np.mean(p**2)) / 20e-6), "natural logarithm"),
            (lambda p: 20 * np.log10(np.sqrt(np.mean(p**2))), "20 µPa"),
            (lambda p: 20 * np.log10(np.mean(p**2) / 20e-6), "root is missing"),
            (lambda p: 20 * np.log10(np.mean(p**2) / 20e-6**2), "once is enough"),
            (lambda p: 20 * np.log10(np.linalg.norm(p) / 20e-6), "grows with the length"),
            (lambda p: 20 * np.log10(np.std(p) / 20e-6), "np.std takes the mean away"),
            (lambda p: 20 * np.log10(p / 20e-6), "an array of shape (2,), expected the number 60"),
            (spl_typo, "AttributeError: module 'numpy' has no attribute 'log_10'. Look at line"),
        ],
    ),
    "beats": Answers(
        solution=lambda f1_hz, f2_hz: abs(f1_hz - f2_hz),
        stub=beats,
        wrong=[
            (lambda f1, f2: abs(f1 - f2) / 2, "twice in each period"),
            (lambda f1, f2: f1 - f2, "cannot be negative"),
            (lambda f1, f2: f2 - f1, "cannot be negative"),
            (lambda f1, f2: (f1 + f2) / 2, "mean of the two"),
            (lambda f1, f2: int(abs(f1 - f2)), "whole number"),
            (lambda f1, f2: 4, "beats(440, 440): got 4, expected 0"),
        ],
    ),
    "semitones": Answers(
        solution=lambda n: 440 * 2 ** (n / 12),
        stub=semitones,
        also_right=[lambda n: 440 * 1.0594630943593**n],
        wrong=[
            (lambda n: 440 + 440 * n / 12, "right at the octave only"),
            (lambda n: 440 * 2 * n / 12, "silence for n = 0"),
            (lambda n: 440 + 26.1637615 * n, "26.16 Hz every time"),
            (lambda n: 440 * 2.0**n, "octave at each step"),
            (lambda n: 2 ** (n / 12), "ratio to A4"),
            (lambda n: 440 * 2 ** (-n / 12), "positive n is higher"),
            (lambda n: 440 * 2.0 ** (n // 12), "drops the fraction"),
            (lambda n: 440 * 2 ** (n / 8), "twelve semitones"),
            (lambda n: 440 * 1.059**n, "rounded"),
            (lambda n: 440 * 1.0595**n, "rounded for printing"),
            (lambda n: 440 * 2.0**n / 12, "in brackets"),
            (lambda n: 440 * (2 ** (1 / 12)) ** abs(n), "semitones(-1)"),
            (lambda n: (-440) ** (1 / 2), "complex number"),
        ],
    ),
    "alias": Answers(
        solution=lambda f, fs: min(f % fs, fs - f % fs),
        stub=alias,
        also_right=[alias_by_folding, lambda f, fs: abs(f - fs * round(f / fs))],
        wrong=[
            (lambda f, fs: f % fs, "mirrored back down"),
            (lambda f, fs: fs - f, "one below stays"),
            (lambda f, fs: abs(f - fs), "one below stays"),
            (lambda f, fs: f if f <= fs / 2 else fs - f, "right up to the sample rate"),
            (lambda f, fs: f if f <= fs / 2 else abs(f - fs), "one and a half times"),
            (lambda f, fs: min(f, fs / 2), "does not stop there"),
            (lambda f, fs: f % (fs / 2), "does not begin again"),
            (lambda f, fs: f, "alias(5000, 8000): got 5000, expected 3000"),
            (alias_without_end, "alias(5000, 8000) had not ended after 5 s and was stopped"),
        ],
    ),
    "quantise": Answers(
        solution=quantise_solution,
        stub=quantise,
        also_right=[
            lambda x, bits: quantise_solution(x.astype(np.float32), bits),
            lambda x, bits: list(quantise_solution(x, bits)),
        ],
        wrong=[
            (quantise_mid_tread, "mid-tread"),
            (quantise_too_few_steps, "2**bits steps"),
            (quantise_without_clamp, "clamp to the highest"),
            (quantise_truncated, "np.floor goes down"),
            (lambda x, bits: quantise_solution(x, bits + 1), "2 wide"),
            (lambda x, bits: quantise_solution(x, bits) - 1 / 2**bits, "lower edge"),
            (quantise_with_min, "got 0.75 (float), expected the array [0.75]"),
            (quantise_by_rounding, "quantise([0.5], 2): got [0.25], expected [0.75]"),
            (lambda x, bits: quantise_solution(x, bits)[0], "expected the array [0.5]"),
        ],
    ),
    "instrument": Answers(
        solution=(organ(), RATE),
        stub=...,
        also_right=[
            from_the_last_hint(),
            (organ(duration_s=5.0), RATE),
            (organ(55.0), RATE),
            (organ(1500.0, partials=3), RATE),
            (organ().astype(np.float32), RATE),
            (vibrato(), RATE),
            (plucked_string(), RATE),
            (breathy(), RATE),
            (fade(harmonics(150, {3: 1, 4: 1, 5: 1})), RATE),
            (fade(harmonics(262, {1: 1, 3: 1 / 3, 5: 1 / 5, 7: 1 / 7})), RATE),
        ],
        wrong=[
            (organ(), "pair (waveform, sample_rate)"),
            ((organ().tolist(), RATE), "is a list"),
            ((np.stack([organ(), organ()]), RATE), "of shape (2, 22050)"),
            (((organ() * 32767).astype(np.int16), RATE), "holds int16"),
            ((organ(), None), "The sample rate is None"),
            ((organ()[:5000], RATE), "lasts 0.23 s"),
            ((organ(duration_s=6.0), RATE), "lasts 6.00 s"),
            ((with_nan(), RATE), "NaN or infinite, the first at index 100"),
            ((3 * organ(), RATE), "Its peak is 2.40"),
            ((np.zeros(RATE), RATE), "Its RMS is -inf dB"),
            ((0.01 * organ(), RATE), "it must be above -40 dB"),
            ((harmonics(440, {1: 1, 2: 0.5, 3: 0.3}), RATE), "It starts at"),
            ((organ()[:-2000], RATE), "It ends at"),
            ((fade(harmonics(440, {1: 1})), RATE), "partials at 440 Hz"),
            ((fade(harmonics(440, {1: 1, 2: 0.5})), RATE), "partials at 440, 880 Hz"),
            ((fade(harmonics(440, {1: 1, 2: 0.009, 3: 0.009})), RATE), "partials at 440 Hz"),
            (
                (fade(harmonics(200, {1: 1, 2.76: 0.6, 5.4: 0.4})), RATE),
                "200, 552, 1080 Hz; multiples of one fundamental among them: 2",
            ),
            ((noise(), RATE), "partials at no Hz"),
        ],
    ),
}
