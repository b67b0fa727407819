"""Ten kinds of sound event and six backgrounds, made by arithmetic; only speech is recorded.

Each event draws its parameters from `RANGES`. A range is cut into three thirds of equal ratio: the
train and dev splits draw from two of them, the test split from the third. So a synthetic event of
the test split has no parameter of `RANGES` in common with any training event: a middle third has to
be interpolated, an outer one extrapolated. Telephone keys are held out as pairs (`UNSEEN_KEYS`):
both tones of such a key are known, but not together. Speech is the bundled digits and commands of
the asked split's voices. All else (jitter, levels of partials, backgrounds) is drawn alike in every
split.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.signal import iirpeak, lfilter

from course_utils import audio, signals
from course_utils.datasets import bundled, commands, digits
from course_utils.datasets.connected_digits import ConnectedDigits
from course_utils.datasets.items import Corpus

RATE = 16_000  # Hz; the speech among it is telephone speech, below 4 kHz
LENGTH_S = (0.6, 3.0)  # drawn alike for every class; what is heard of it may be shorter
AUDIBLE_DB = -30.0  # an event ends where it is this far below its loudest 5 ms
FADE_S = 0.001
RMS = 0.05  # of an event alone


class Range(NamedTuple):
    """Where a parameter is drawn from.

    Attributes:
        low: its smallest value.
        high: its largest.
        unseen: which third (0, 1, 2 from below, each spanning the same ratio) is the test split's.
    """

    low: float
    high: float
    unseen: int

    def thirds(self, split: str) -> tuple[tuple[float, float], ...]:
        """The (low, high) of each third from which a split draws."""
        edges = np.geomspace(self.low, self.high, 4)
        chosen = [i for i in range(3) if (i == self.unseen) == (split == "test")]
        return tuple((float(edges[i]), float(edges[i + 1])) for i in chosen)


RANGES: dict[str, dict[str, Range]] = {
    "alarm": {
        "pitch_hz": Range(900, 3200, 2),
        "beeps_per_s": Range(4, 12, 1),
        "sounding": Range(0.35, 0.75, 1),  # share of a beep's period
    },
    "bell": {
        "pitch_hz": Range(350, 1300, 2),
        "strikes_per_s": Range(0.8, 3, 1),
        "decay_s": Range(0.2, 1.0, 2),  # of the prime, down to 1 / e
    },
    "bird": {
        "pitch_hz": Range(1800, 5200, 1),
        "syllables_per_s": Range(5, 18, 0),
        "glide_octaves": Range(0.15, 0.8, 2),
    },
    "clapping": {
        "claps_per_s": Range(3.5, 40, 1),  # beyond 5 several people clap
        "pitch_hz": Range(700, 2400, 1),
        "decay_s": Range(0.006, 0.02, 2),
    },
    "engine": {
        "firings_per_s": Range(30, 120, 2),
        "pitch_hz": Range(150, 700, 1),  # of the body that resounds
        "rev_octaves": Range(0.1, 0.8, 2),
    },
    "footsteps": {
        "steps_per_s": Range(2.1, 4, 1),
        "pitch_hz": Range(250, 2000, 0),  # of the ground
        "decay_s": Range(0.015, 0.06, 2),
    },
    "phone": {
        "keys_per_s": Range(3.5, 9, 1),
        "sounding": Range(0.4, 0.8, 1),  # share of a key's period
    },
    "rain": {
        "drops_per_s": Range(60, 1000, 0),
        "pitch_hz": Range(900, 4500, 1),
        "decay_s": Range(0.0003, 0.002, 2),
    },
    "siren": {
        "pitch_hz": Range(450, 1300, 1),
        "wails_per_s": Range(0.9, 5, 1),
        "span_octaves": Range(0.5, 1.3, 2),
    },
    "speech": {},
}
CLASSES = tuple(RANGES)
KEY_ROWS_HZ = (697, 770, 852, 941)  # ITU-T Q.23: a key is one row and one column tone
KEY_COLUMNS_HZ = (1209, 1336, 1477, 1633)
UNSEEN_KEYS = ((0, 1), (1, 2), (2, 3), (3, 0))  # (row, column) that only the test split dials
BELL_PARTIALS = (0.5, 1.0, 1.2, 1.5, 2.0, 2.67, 3.0, 4.0)  # hum, prime, tierce, quint, nominal ...


def event(label: str, rng: np.random.Generator, split: str = "train") -> np.ndarray:
    """One event alone, from its first to its last audible moment.

    Args:
        label: one of `CLASSES`.
        rng: draws the variant and everything else.
        split: "train", "dev" or "test": whose variants and voices.

    Returns:
        Waveform, float32 `(samples,)` at `RATE`, 0.3 to 3 s. Its RMS is `RMS`, less where its peak
        would exceed 0.95.

    Raises:
        ValueError: there is no such class or split, or `rng` is no generator.
        FileNotFoundError: the folder data/ of the repository, where speech lies, is not there.
    """
    if label not in CLASSES:
        raise ValueError(f"label must be one of {', '.join(CLASSES)}, got {label!r}")
    if split not in bundled.SPLITS:
        raise ValueError(f"split must be one of {', '.join(bundled.SPLITS)}, got {split!r}")
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy Generator, np.random.default_rng(0), got {rng!r}")
    low, high = np.log(LENGTH_S)
    length_s = np.exp(rng.uniform(low, high))
    if label == "speech":
        wave = _speech(length_s, rng, split)
    elif label == "phone":
        wave = _phone(round(length_s * RATE), rng, split, **_variant(label, rng, split))
    else:
        make = SOUNDS[label]
        wave = make(round(length_s * RATE), rng, **_variant(label, rng, split))
    if label in ("engine", "rain", "siren"):  # what goes on for long comes and goes
        wave = signals.fade(wave, RATE, rng.uniform(0.02, 0.25))
    wave = signals.fade(_audible(wave), RATE, FADE_S)
    return wave * np.float32(min(RMS / signals.rms(wave), 0.95 / np.abs(wave).max()))


def _variant(label: str, rng: np.random.Generator, split: str) -> dict[str, float]:
    variant = {}
    for name, span in RANGES[label].items():
        thirds = span.thirds(split)
        low, high = thirds[rng.integers(len(thirds))]
        variant[name] = float(low * (high / low) ** rng.random())
    return variant


def _audible(wave: np.ndarray) -> np.ndarray:
    """The part from the first to the last 5 ms within `AUDIBLE_DB` of the loudest."""
    size = round(0.005 * RATE)
    power = np.add.reduceat(wave.astype(np.float64) ** 2, np.arange(0, len(wave), size))
    loud = np.flatnonzero(power >= power.max() * 10 ** (AUDIBLE_DB / 10))
    edge = round(FADE_S * RATE)  # so that the fade does not swallow a click at an end
    return wave[max(0, loud[0] * size - edge) : (loud[-1] + 1) * size + edge]


def _ring(x: np.ndarray, frequency_hz: float, decay_s: float) -> np.ndarray:
    """Through a resonance that dies away with exp(-t / decay_s)."""
    b, a = iirpeak(min(frequency_hz, 0.45 * RATE), np.pi * frequency_hz * decay_s, fs=RATE)
    return lfilter(b, a, x)


def _wander(n: int, per_s: float, rng: np.random.Generator) -> np.ndarray:
    """A slow random curve, `per_s` normal values a second joined by lines."""
    knots = np.arange(int(n / RATE * per_s) + 2) * RATE / per_s
    return np.interp(np.arange(n), knots, rng.standard_normal(len(knots)))


def _moments(n: int, per_s: float, rng: np.random.Generator, jitter: float = 0.05) -> np.ndarray:
    """Samples at a pace of `per_s` a second, the first one early; a share of jitter in each gap."""
    gaps = (1 + jitter * rng.standard_normal(int(n / RATE * per_s * 1.5) + 2)) / per_s
    times = rng.uniform(0, 0.05) + np.concatenate([[0.0], np.cumsum(np.maximum(gaps, 0.01))])
    samples = (times * RATE).astype(int)
    return samples[samples < n - 0.02 * RATE]


def _phase(frequency_hz: np.ndarray) -> np.ndarray:
    return 2 * np.pi * np.cumsum(frequency_hz) / RATE


def _gate(u: np.ndarray, sounding: float, per_s: float) -> np.ndarray:
    """1 in the first `sounding` of each period (u counts periods), edges of 4 ms."""
    u = u % 1
    return np.clip(np.minimum(u, sounding - u) / (0.004 * per_s), 0, 1)


def _alarm(
    n: int, rng: np.random.Generator, pitch_hz: float, beeps_per_s: float, sounding: float
) -> np.ndarray:
    """Beeps of one pitch, bare or with the odd harmonics of a square wave."""
    t = np.arange(n) / RATE
    edge = rng.uniform(0, 0.6)
    wave = np.sin(2 * np.pi * pitch_hz * t)
    if 3 * pitch_hz < RATE / 2:
        wave += edge * np.sin(6 * np.pi * pitch_hz * t)
    return wave * _gate(t * beeps_per_s, sounding, beeps_per_s)


def _bell(
    n: int, rng: np.random.Generator, pitch_hz: float, strikes_per_s: float, decay_s: float
) -> np.ndarray:
    """Strikes on one bell: partials out of tune with each other, the high ones short."""
    t = np.arange(n) / RATE
    strike = np.zeros(n)
    for ratio in BELL_PARTIALS:
        level = 10 ** (rng.normal(0, 4) / 20) / np.sqrt(ratio)
        decay = decay_s / ratio
        tone = np.sin(2 * np.pi * pitch_hz * ratio * t + rng.uniform(0, 2 * np.pi))
        strike += level * np.exp(-t / decay) * tone
    wave = np.zeros(n)
    for start in _moments(n, strikes_per_s, rng):
        wave[start:] += rng.uniform(0.7, 1) * strike[: n - start]
    return wave


def _bird(
    n: int,
    rng: np.random.Generator,
    pitch_hz: float,
    syllables_per_s: float,
    glide_octaves: float,
) -> np.ndarray:
    """Phrases of short whistles that glide, each a little higher or lower than the one before."""
    u = np.arange(n) / RATE * syllables_per_s
    syllable, within = u.astype(int), u % 1
    sounding = rng.uniform(0.5, 0.9)
    in_phrase = rng.integers(3, 9)
    x = within / sounding
    bend = rng.choice([1, -1]) * (x - 0.5) + rng.normal(0, 0.5) * (4 * x * (1 - x) - 0.5)
    step = np.cumsum(rng.normal(0, 0.04, syllable[-1] + 1))[syllable]
    frequency = pitch_hz * 2 ** (glide_octaves * bend + step)
    envelope = np.sin(np.pi * np.clip(x, 0, 1)) ** 2 * (syllable % (in_phrase + 2) < in_phrase)
    return envelope * np.sin(_phase(np.clip(frequency, 500, 7500)))


def _clapping(
    n: int, rng: np.random.Generator, claps_per_s: float, pitch_hz: float, decay_s: float
) -> np.ndarray:
    """Bursts of noise from cupped hands; everybody keeps a pace of their own."""
    people = int(np.ceil(claps_per_s / 5))
    wave, size = np.zeros(n), round(0.08 * RATE)
    t = np.arange(size) / RATE
    for _ in range(people):
        hands_hz = pitch_hz * 2 ** rng.normal(0, 0.15)
        pace = claps_per_s / people * rng.uniform(0.85, 1.15)
        starts = _moments(n, pace, rng) + (rng.integers(RATE // 5) if people > 1 else 0)
        burst = np.exp(-t / decay_s) * rng.standard_normal(size)
        clap = _ring(burst, hands_hz, 0.001) + rng.uniform(0.01, 0.15) * burst
        level = rng.uniform(0.4, 1)
        for start in starts[starts < n]:
            wave[start : start + size] += level * rng.uniform(0.7, 1) * clap[: n - start]
    return wave


def _engine(
    n: int, rng: np.random.Generator, firings_per_s: float, pitch_hz: float, rev_octaves: float
) -> np.ndarray:
    """Four cylinders that fire one after the other, unevenly, while the engine revs."""
    revs = firings_per_s * 2 ** (rev_octaves * np.clip(_wander(n, 1.5, rng), -1, 1) / 2)
    u = np.cumsum(revs) / RATE
    strength = rng.uniform(0.5, 1, 4)[u.astype(int) % 4]
    firing = strength * np.exp(-6 * (u % 1))
    wave = firing * (1 + 0.4 * rng.standard_normal(n)) - firing.mean()
    return _ring(wave, pitch_hz, 0.002) + 0.4 * _ring(wave, 2.7 * pitch_hz, 0.001)


def _footsteps(
    n: int, rng: np.random.Generator, steps_per_s: float, pitch_hz: float, decay_s: float
) -> np.ndarray:
    """Heel, then toe: a dull thump with the ground's noise, and a softer rub of the sole."""
    size = round(0.25 * RATE)
    t = np.arange(size) / RATE
    body_hz, toe_s = rng.uniform(70, 140), rng.uniform(0.07, 0.12)
    wave = np.zeros(n + size)
    for start in _moments(n, steps_per_s, rng):
        ground = _ring(np.exp(-t / decay_s) * rng.standard_normal(size), pitch_hz, 0.0008)
        thump = np.exp(-t / 0.025) * np.sin(2 * np.pi * body_hz * t)
        rub = _ring(np.exp(-t / decay_s) * rng.standard_normal(size), 1.6 * pitch_hz, 0.0005)
        level = rng.uniform(0.7, 1)
        wave[start : start + size] += level * (ground / np.abs(ground).max() + 0.6 * thump)
        toe = start + round(toe_s * RATE)
        wave[toe : toe + size] += 0.4 * level * rub[: n + size - toe] / np.abs(rub).max()
    return wave[:n]


def _phone(
    n: int, rng: np.random.Generator, split: str, keys_per_s: float, sounding: float
) -> np.ndarray:
    """A number dialled: one row and one column tone for each key."""
    t = np.arange(n) / RATE
    pairs = [(row, column) for row in range(4) for column in range(4)]
    keys = [pair for pair in pairs if (pair in UNSEEN_KEYS) == (split == "test")]
    dialled = np.array(keys)[rng.integers(len(keys), size=int(t[-1] * keys_per_s) + 1)]
    row, column = dialled[(t * keys_per_s).astype(int)].T
    low, high = np.array(KEY_ROWS_HZ)[row], np.array(KEY_COLUMNS_HZ)[column]
    twist = 10 ** (rng.uniform(-3, 3) / 20)
    wave = np.sin(2 * np.pi * low * t) + twist * np.sin(2 * np.pi * high * t)
    return wave * _gate(t * keys_per_s, sounding, keys_per_s)


def _rain(
    n: int, rng: np.random.Generator, drops_per_s: float, pitch_hz: float, decay_s: float
) -> np.ndarray:
    """Drops at random moments, small and large, over the hiss of those far away."""
    wave = 0.02 * rng.standard_normal(n)
    for ratio in 2 ** rng.uniform(-1, 1, 8):
        drops = np.zeros(n)
        count = rng.poisson(drops_per_s * n / RATE / 8) + 1
        drops[rng.integers(n, size=count)] = rng.lognormal(0, 0.6, count)
        ringing = _ring(drops, ratio * pitch_hz, decay_s / ratio)
        wave += ringing / np.abs(ringing).max()
    return wave


def _siren(
    n: int, rng: np.random.Generator, pitch_hz: float, wails_per_s: float, span_octaves: float
) -> np.ndarray:
    """A tone that never rests: up and down, in equal or unequal shares of time."""
    u = (np.arange(n) / RATE * wails_per_s + rng.random()) % 1
    rising = rng.uniform(0.3, 0.9)
    height = np.minimum(u / rising, (1 - u) / (1 - rising))
    phase = _phase(pitch_hz * 2 ** (span_octaves * (height - 0.5)))
    levels = (1.0, rng.uniform(0.1, 0.6), rng.uniform(0.05, 0.4))
    return sum(level * np.sin((k + 1) * phase) for k, level in enumerate(levels))


SOUNDS: dict[str, Callable[..., np.ndarray]] = {
    "alarm": _alarm,
    "bell": _bell,
    "bird": _bird,
    "clapping": _clapping,
    "engine": _engine,
    "footsteps": _footsteps,
    "rain": _rain,
    "siren": _siren,
}


def _speech(length_s: float, rng: np.random.Generator, split: str) -> np.ndarray:
    """Two or three digits or a sentence, whichever comes near the asked length; no word is cut."""
    if length_s < 1.25:
        strings = _digit_strings(split, 2 if length_s < 0.9 else 3)
        said = strings[rng.integers(len(strings))]
    else:
        sentences, durations = _sentences(split)
        nearest = np.argsort(np.abs(durations - length_s), kind="stable")[:16]
        said = sentences[int(rng.choice(nearest))]
    return audio.resample(said.waveform, said.sample_rate, RATE)


@lru_cache
def _digit_strings(split: str, words: int) -> ConnectedDigits:
    return ConnectedDigits(digits.load(split), 1_000_000, (words, words), gap_s=(0.03, 0.12))


@lru_cache
def _sentences(split: str) -> tuple[Corpus, np.ndarray]:
    """A split's commands that are not too long, and their durations."""
    corpus = commands.load(split).filter(lambda row: row["duration_s"] <= LENGTH_S[1])
    return corpus, np.array([row["duration_s"] for row in corpus.table])


def background(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Sound without an event, RMS 1.

    Args:
        kind: one of `BACKGROUNDS`.
        n: samples.
        rng: draws it.

    Returns:
        float64 `(n,)` at `RATE`.

    Raises:
        ValueError: there is no such background.
    """
    if kind not in BACKGROUNDS:
        raise ValueError(f"kind must be one of {', '.join(BACKGROUNDS)}, got {kind!r}")
    wave = BACKGROUNDS[kind](n, rng)
    return wave / np.sqrt(np.mean(wave**2))


def _coloured(n: int, rng: np.random.Generator, exponent: float) -> np.ndarray:
    """Noise whose power falls with frequency^exponent above 60 Hz."""
    spectrum = rng.standard_normal((2, n // 2 + 1))
    frequency = np.maximum(np.arange(n // 2 + 1) * RATE / n, 60)
    shaped = (spectrum[0] + 1j * spectrum[1]) * frequency ** (-exponent / 2)
    shaped[0] = 0
    wave = np.fft.irfft(shaped, n)
    return wave / np.sqrt(np.mean(wave**2))


def _hum(n: int, rng: np.random.Generator) -> np.ndarray:
    """Mains hum, 50 or 60 Hz with harmonics, and some hiss."""
    t = np.arange(n) / RATE
    mains = rng.choice([50.0, 60.0])
    levels = rng.uniform(0.2, 1, 6) / np.arange(1, 7) ** 0.5
    tones = sum(a * np.sin(2 * np.pi * mains * (k + 1) * t) for k, a in enumerate(levels))
    return tones + rng.uniform(0.3, 1) * _coloured(n, rng, 0.7)


def _wind(n: int, rng: np.random.Generator) -> np.ndarray:
    """Gusts: dull noise that swells and fades, and a brighter one that follows the gusts."""
    gusts = 2 ** _wander(n, rng.uniform(0.7, 2), rng)
    return gusts * _coloured(n, rng, 1.8) + 0.4 * gusts**2 * _coloured(n, rng, 1)


def _babble(n: int, rng: np.random.Generator) -> np.ndarray:
    """As many people at once, no word to be made out: bands of noise at the pace of syllables."""
    wave = np.zeros(n)
    for frequency_hz in (250, 500, 1000, 1800, 3000):
        band = _ring(rng.standard_normal(n), frequency_hz, 0.6 / frequency_hz)
        wave += band * 2 ** _wander(n, 6, rng) / np.sqrt(frequency_hz)
    return wave / wave.std() + 0.1 * _coloured(n, rng, 1)


def _room(n: int, rng: np.random.Generator) -> np.ndarray:
    """A quiet room: ventilation with its resonance, and hiss."""
    ventilation = _ring(_coloured(n, rng, 1), rng.uniform(120, 400), 0.004)
    return ventilation / ventilation.std() + rng.uniform(0.2, 0.8) * _coloured(n, rng, 0)


BACKGROUNDS: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "babble": _babble,
    "brown": lambda n, rng: _coloured(n, rng, rng.uniform(1.6, 2.2)),
    "hum": _hum,
    "pink": lambda n, rng: _coloured(n, rng, rng.uniform(0.8, 1.2)),
    "room": _room,
    "wind": _wind,
}
