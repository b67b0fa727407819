"""Exercises and quiz of notebook 03, Spectrograms and mel features."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils import features, signals
from course_utils.exercises.framework import Case, Notebook, WrongAnswer
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(3, "Spectrograms and mel features")


@notebook.function(
    cases=[
        (4, 4, 1),
        (5, 4, 1),
        (7, 4, 2),
        (8, 4, 2),
        (8, 4, 4),
        (10, 2, 4),
        (3, 4, 2),
        (1, 4, 1),
        (0, 4, 2),
        (1000, 400, 160),
        (22_050, 1024, 256),
    ],
    mistakes=[
        (
            "The first frame starts at sample 0, before any hop: add 1.",
            lambda n, n_fft, hop: max(0, (n - n_fft) // hop),
        ),
        (
            "The first frame starts at sample 0, before any hop: add 1.",
            lambda n, n_fft, hop: (n - n_fft) // hop,
        ),
        (
            "A signal shorter than a frame holds none: the count is 0, not negative.",
            lambda n, n_fft, hop: 1 + (n - n_fft) // hop,
        ),
        (
            "A signal shorter than a frame holds none. (int() of a negative fraction goes up, "
            "to 0; // goes down.)",
            lambda n, n_fft, hop: 1 + int((n - n_fft) / hop),
        ),
        (
            "A signal shorter than a frame holds none: the count is 0, not 1.",
            lambda n, n_fft, hop: max(1, 1 + (n - n_fft) // hop),
        ),
        (
            "A signal exactly as long as a frame holds one: compare with <, not <=.",
            lambda n, n_fft, hop: 1 + (n - n_fft) // hop if n > n_fft else 0,
        ),
        (
            "A frame that does not fit as a whole does not count: round down, //, not up.",
            lambda n, n_fft, hop: max(0, 1 - (n_fft - n) // hop),
        ),
        (
            "A frame that does not fit as a whole does not count: round down, //, not up.",
            lambda n, n_fft, hop: 1 - (n_fft - n) // hop,
        ),
        (
            "There is no third of a frame: // counts the whole hops.",
            lambda n, n_fft, hop: max(0, 1 + (n - n_fft) / hop),
        ),
        (
            "There is no third of a frame: // counts the whole hops.",
            lambda n, n_fft, hop: 1 + (n - n_fft) / hop,
        ),
        (
            "That is the count with center=True. Without padding, the last frame starts n_fft "
            "samples before the end.",
            lambda n, n_fft, hop: 1 + n // hop,
        ),
        (
            "That counts the hops in the signal. The last frame must start n_fft samples before "
            "the end.",
            lambda n, n_fft, hop: n // hop,
        ),
        (
            "That is for frames that do not overlap. They start hop_length apart.",
            lambda n, n_fft, hop: n // n_fft,
        ),
    ],
    hints=[
        "Draw 8 samples and frames of 4 that start 2 apart: at 0, at 2, at 4. At which sample can "
        "the last one start, at the latest?",
        "The last start is at n_samples - n_fft or before. So that many samples hold whole hops, "
        "and there is one start more than hops. Shorter than a frame: none.",
        "if n_samples < n_fft: return 0; otherwise return 1 + (n_samples - n_fft) // hop_length",
    ],
)
def frame_count(n_samples: int, n_fft: int, hop_length: int) -> int:
    """How many frames?"""
    return max(0, 1 + (n_samples - n_fft) // hop_length)


def _pair(sample_rate: int, resolution_hz: float, step_s: float) -> tuple[int, int]:
    return math.ceil(sample_rate / resolution_hz), math.floor(sample_rate * step_s)


def _window_with(
    window: int, sample_rate: int, resolution_hz: float, step_s: float
) -> tuple[int, int]:
    """The given window with the hop that goes with it."""
    return window, min(_pair(sample_rate, resolution_hz, step_s)[1], window // 2)


@notebook.function(
    cases=[
        (100, 10.0, 0.03),
        (100, 30.0, 0.015),
        (100, 10.0, 0.024),
        (100, 9.0, 0.5),
        (16_000, 40.0, 0.01),
        (22_050, 43.0, 0.0105),
        (8000, 35.0, 0.1),
    ],
    mistakes=[
        (
            "Window and hop have changed places: the window comes first.",
            lambda fs, df, dt: _window_with(_pair(fs, df, dt)[0], fs, df, dt)[::-1],
        ),
        (
            "Rounded down, the window is too short for the resolution: f_s / N comes out coarser "
            "than asked. Round up, math.ceil.",
            lambda fs, df, dt: _window_with(int(fs / df), fs, df, dt),
        ),
        (
            "Rounded to the nearest, the window may be too short for the resolution: round up, "
            "math.ceil.",
            lambda fs, df, dt: _window_with(round(fs / df), fs, df, dt),
        ),
        (
            "Where sample_rate / resolution_hz is whole, it is long enough: int(…) + 1 is one "
            "sample too many, math.ceil is not.",
            lambda fs, df, dt: _window_with(int(fs / df) + 1, fs, df, dt),
        ),
        (
            "That is the next power of two. FFTs of all lengths are quick; the shortest window "
            "was asked for.",
            lambda fs, df, dt: _window_with(2 ** math.ceil(math.log2(fs / df)), fs, df, dt),
        ),
        (
            "A window has a whole number of samples: round up, math.ceil.",
            lambda fs, df, dt: (fs / df, min(_pair(fs, df, dt)[1], fs / df / 2)),
        ),
        (
            "A window has a whole number of samples, and so has a hop: window up, hop down.",
            lambda fs, df, dt: (fs / df, min(fs * dt, fs / df / 2)),
        ),
        (
            "Half of the window is missing: a hop is never longer than that.",
            _pair,
        ),
        (
            "A hop rounded up is later than step_s: round down.",
            lambda fs, df, dt: (
                _pair(fs, df, dt)[0],
                min(math.ceil(fs * dt), _pair(fs, df, dt)[0] // 2),
            ),
        ),
        (
            "A hop rounded to the nearest may be later than step_s: round down.",
            lambda fs, df, dt: (
                _pair(fs, df, dt)[0],
                min(round(fs * dt), _pair(fs, df, dt)[0] // 2),
            ),
        ),
        (
            "A hop has a whole number of samples: round down.",
            lambda fs, df, dt: (_pair(fs, df, dt)[0], min(fs * dt, _pair(fs, df, dt)[0] // 2)),
        ),
        (
            "A hop has a whole number of samples: round down.",
            lambda fs, df, dt: (_pair(fs, df, dt)[0], min(fs * dt, _pair(fs, df, dt)[0] / 2)),
        ),
        (
            "Half of an odd window is not whole: the hop may not be longer, so round down, // 2.",
            lambda fs, df, dt: (
                _pair(fs, df, dt)[0],
                min(_pair(fs, df, dt)[1], (_pair(fs, df, dt)[0] + 1) // 2),
            ),
        ),
        (
            "Half of an odd window is not whole: the hop may not be longer, so round down, // 2.",
            lambda fs, df, dt: (
                _pair(fs, df, dt)[0],
                min(_pair(fs, df, dt)[1], _pair(fs, df, dt)[0] / 2),
            ),
        ),
        (
            "Of the two limits of the hop the smaller one holds: min, not max.",
            lambda fs, df, dt: (
                _pair(fs, df, dt)[0],
                max(_pair(fs, df, dt)[1], _pair(fs, df, dt)[0] // 2),
            ),
        ),
        (
            "The hop is half of the window at most; shorter, when step_s asks for it.",
            lambda fs, df, dt: (_pair(fs, df, dt)[0], _pair(fs, df, dt)[0] // 2),
        ),
        (
            "The limit is half of the window, not the whole.",
            lambda fs, df, dt: (_pair(fs, df, dt)[0], min(_pair(fs, df, dt))),
        ),
        (
            "The hop is in seconds; in samples it is sample_rate times as many.",
            lambda fs, df, dt: (_pair(fs, df, dt)[0], dt),
        ),
    ],
    hints=[
        "Two questions. Which N makes f_s / N just as fine as asked? How many samples are step_s "
        "seconds, and what else limits the hop?",
        "N = f_s / resolution, rounded up (a longer window is finer). Hop = step times f_s, "
        "rounded down (a shorter hop is sooner), and at most N // 2.",
        "window = math.ceil(sample_rate / resolution_hz), then "
        "return window, min(int(step_s * sample_rate), window // 2)",
    ],
)
def choose(sample_rate: int, resolution_hz: float, step_s: float) -> tuple[int, int]:
    """Choose a window."""
    window, hop = _pair(sample_rate, resolution_hz, step_s)
    return window, min(hop, window // 2)


def _to_mel(f: float) -> float:
    return 2595 * math.log10(1 + f / 700)


def _to_hz(m: float) -> float:
    return 700 * (10 ** (m / 2595) - 1)


@notebook.function(
    cases=[(700.0, 2595.0), (0.0, 0.0), (1000.0, 1000.0), (100.0, 2840.0), (8000.0, 150.0)],
    mistakes=[
        (
            "The two have changed places: first the mel of frequency_hz, then the Hz of mel.",
            lambda f, m: (_to_hz(m), _to_mel(f)),
        ),
        (
            "np.log is the natural logarithm; with 2595 goes the one to base 10, np.log10.",
            lambda f, m: (2595 * math.log(1 + f / 700), _to_hz(m)),
        ),
        (
            "np.log is the natural logarithm; with 2595 goes the one to base 10, np.log10 (and "
            "back, 10 ** and not np.exp).",
            lambda f, m: (2595 * math.log(1 + f / 700), 700 * math.expm1(m / 2595)),
        ),
        (
            "2595 goes with log10; 1127 is for the natural logarithm, np.log.",
            lambda f, m: (1127 * math.log10(1 + f / 700), _to_hz(m)),
        ),
        (
            "2595 goes with log10; 1127 is for the natural logarithm, np.log.",
            lambda f, m: (1127 * math.log10(1 + f / 700), 700 * (10 ** (m / 1127) - 1)),
        ),
        (
            "The 1 in 1 + f / 700 is missing; with it, 0 Hz is 0 mel.",
            lambda f, m: (2595 * math.log10(f / 700) if f else -math.inf, _to_hz(m)),
        ),
        (
            "Mind the brackets: the logarithm is of 1 + f / 700, not of (1 + f) / 700.",
            lambda f, m: (2595 * math.log10((1 + f) / 700), _to_hz(m)),
        ),
        (
            "The mel is right. Back, 10 undoes log10, not e: 10 ** (mel / 2595).",
            lambda f, m: (_to_mel(f), 700 * math.expm1(m / 2595)),
        ),
        (
            "The mel is right. Back, the 1 has to be taken off again, before the 700.",
            lambda f, m: (_to_mel(f), 700 * 10 ** (m / 2595)),
        ),
        (
            "The mel is right. Back, mind the brackets: first take 1 off, then multiply by 700.",
            lambda f, m: (_to_mel(f), 700 * 10 ** (m / 2595) - 1),
        ),
        (
            "The mel is right. Back, mind the brackets: the 1 is not in the exponent.",
            lambda f, m: (_to_mel(f), 700 * 10 ** (m / 2595 - 1)),
        ),
        (
            "The mel is right. Back, the 700 is missing at the end.",
            lambda f, m: (_to_mel(f), 10 ** (m / 2595) - 1),
        ),
        (
            "The mel is right. The second number is the frequency of the argument mel, not of "
            "the mel that you have just computed.",
            lambda f, m: (_to_mel(f), f),
        ),
        (
            "That is Slaney's scale; the HTK scale is asked for.",
            lambda f, m: (features.hz_to_mel(f), features.mel_to_hz(m)),
        ),
    ],
    hints=[
        "The first number is the formula as it stands. For the second undo its steps, the last "
        "one first: what was multiplied is divided, and what undoes log10?",
        "m / 2595 = log10(1 + f / 700), so 10^(m / 2595) = 1 + f / 700. Two steps are left to f.",
        "return 2595 * np.log10(1 + frequency_hz / 700), 700 * (10 ** (mel / 2595) - 1)",
    ],
    relative=1e-4,  # so that 1127 ln(1 + f / 700), as the HTK Book writes it, is right as well
)
def mel_and_back(frequency_hz: float, mel: float) -> tuple[float, float]:
    """There and back."""
    return _to_mel(frequency_hz), _to_hz(mel)


def _slopes(f: np.ndarray, low: float, centre: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """The two straight lines, rising and falling, not yet cut off anywhere."""
    return (f - low) / (centre - low), (high - f) / (high - centre)


@notebook.function(
    cases=[
        (np.array([0.0, 100.0, 200.0, 300.0, 400.0, 500.0]), 100.0, 200.0, 400.0),
        (np.array([0.0, 50.0, 100.0, 150.0, 200.0, 250.0]), 0.0, 125.0, 175.0),
        (np.array([0.0, 31.25, 62.5]), 100.0, 200.0, 300.0),
        Case(
            (np.linspace(0, 8000, 257), 310.0, 500.0, 1100.0), "257 bins to 8 kHz, 310, 500, 1100"
        ),
    ],
    mistakes=[
        (
            "Outside of low_hz … high_hz the lines go on below 0; there the weight is 0: "
            "np.maximum(0, …).",
            lambda f, *edges: np.minimum(*_slopes(f, *edges)),
        ),
        (
            "At each frequency the lower of the two lines counts: minimum, not maximum.",
            lambda f, *edges: np.maximum(0, np.maximum(*_slopes(f, *edges))),
        ),
        (
            "It rises and does not fall: above centre_hz it is (high_hz - f) / (high_hz - "
            "centre_hz).",
            lambda f, *edges: np.clip(_slopes(f, *edges)[0], 0, 1),
        ),
        (
            "The half above centre_hz is missing: (high_hz - f) / (high_hz - centre_hz).",
            lambda f, *edges: np.where(f <= edges[1], np.maximum(0, _slopes(f, *edges)[0]), 0),
        ),
        (
            "The tip is missing: at centre_hz itself the weight is 1.",
            lambda f, *edges: np.where(
                f == edges[1], 0, np.maximum(0, np.minimum(*_slopes(f, *edges)))
            ),
        ),
        (
            "Mirrored: it rises over centre_hz - low_hz, and falls over high_hz - centre_hz.",
            lambda f, low, centre, high: np.maximum(
                0, np.minimum(*_slopes(f, low, low + high - centre, high))
            ),
        ),
        (
            "Its two sides have different slopes: it rises over centre_hz - low_hz and falls over "
            "high_hz - centre_hz. The tip need not be in the middle.",
            lambda f, low, centre, high: np.maximum(0, 1 - np.abs(f - centre) / (centre - low)),
        ),
        (
            "Its two sides have different slopes: it rises over centre_hz - low_hz and falls over "
            "high_hz - centre_hz. The tip need not be in the middle.",
            lambda f, low, centre, high: np.maximum(0, 1 - np.abs(f - centre) / (high - centre)),
        ),
        (
            "Its two sides have different slopes: it rises over centre_hz - low_hz and falls over "
            "high_hz - centre_hz. The tip need not be in the middle.",
            lambda f, low, centre, high: np.maximum(0, 1 - 2 * np.abs(f - centre) / (high - low)),
        ),
        (
            "Both lines are divided by the whole width; each is to be divided by its own side's, "
            "so that the tip is 1.",
            lambda f, low, centre, high: (
                np.maximum(0, np.minimum(f - low, high - f)) / (high - low)
            ),
        ),
        (
            "The lines are not divided by the width of their side: at the tip the weight is 1.",
            lambda f, low, centre, high: np.where(
                f <= centre, np.maximum(0, f - low), np.maximum(0, high - f)
            ),
        ),
        (
            "That has the area 1 (Slaney's norm); the height 1 is asked for.",
            lambda f, low, centre, high: (
                np.maximum(0, np.minimum(*_slopes(f, low, centre, high))) * 2 / (high - low)
            ),
        ),
        (
            "The weights are divided by their sum; the height 1 is asked for.",
            lambda f, *edges: _divided_by_sum(np.maximum(0, np.minimum(*_slopes(f, *edges)))),
        ),
        (
            "That is 1 everywhere between the edges; a triangle rises to the tip and falls.",
            lambda f, low, centre, high: ((f >= low) & (f <= high)).astype(float),
        ),
    ],
    hints=[
        "Two straight lines: one goes from 0 at low_hz to 1 at centre_hz, one from 1 at centre_hz "
        "to 0 at high_hz. Where they are below 0 the weight is 0.",
        "rising = (f - low) / (centre - low), falling = (high - f) / (high - centre). At each bin "
        "take the smaller of the two, and never less than 0.",
        "return np.maximum(0, np.minimum(rising, falling)); or in one step: "
        "return np.interp(frequencies_hz, [low_hz, centre_hz, high_hz], [0, 1, 0])",
    ],
    relative=0,
    absolute=1e-6,
)
def triangle(
    frequencies_hz: np.ndarray, low_hz: float, centre_hz: float, high_hz: float
) -> np.ndarray:
    """One triangle."""
    return np.interp(frequencies_hz, [low_hz, centre_hz, high_hz], [0, 1, 0])


def _divided_by_sum(weights: np.ndarray) -> np.ndarray:
    return weights / np.maximum(weights.sum(), 1e-12)


_SUSPECTS = {
    "scale": "With two mel scales, the same tone lies in another band. Compare the brightest band "
    "of each frame, a.argmax(axis=1), with b's.",
    "norm": "With two norms, each band is multiplied by a number of its own, the same in every "
    "frame. Look at a / b: is a column all one number?",
    "padding": "Padding is at the ends: only frames that reach beyond the first or the last sample "
    "can differ. Which frames differ here?",
    "power": "From power to magnitude, all bands stay where they are, but loud and soft come "
    "closer together. Compare the brightest bands, and how a / b changes with a.",
}
_CULPRITS = ["padding", "power", "scale"]


def evidence() -> list[tuple[np.ndarray, np.ndarray]]:
    """The cases of the exercise "The detective".

    Returns:
        Three pairs of mel spectrograms of one sound, float32 (frames, mels). The two of a pair
        differ in one setting.
    """
    # The glide is always the loudest, so that a brightest band which moves tells of the scale.
    sound = signals.chirp(300, 6000, amplitude=0.3)
    sound += signals.complex_wave(220, [0.05, 0.04, 0.03, 0.02]) + signals.noise(level=0.01, rng=3)
    first = _mel_spectrogram(sound)
    return [
        (first, _mel_spectrogram(sound, pad_mode="reflect")),
        (first, _mel_spectrogram(sound, exponent=1)),
        (first, _mel_spectrogram(sound, scale="htk")),
    ]


def _mel_spectrogram(
    sound: np.ndarray, pad_mode: str = "constant", exponent: int = 2, scale: str = "slaney"
) -> np.ndarray:
    n_fft = 1024
    X = features.stft(sound, n_fft, hop_length=256, pad_mode=pad_mode)
    bank = features.mel_filter_bank(signals.SAMPLE_RATE, n_fft, n_mels=40, scale=scale)
    return np.abs(X) ** exponent @ bank.T


def _accusation(named: Sequence[str]) -> str:
    """What is to be said to a list with a wrong name in it, about the first one."""
    number, name = next(
        (i, name)
        for i, (name, culprit) in enumerate(zip(named, _CULPRITS, strict=True), start=1)
        if name != culprit
    )
    return f"Case {number} is something else. {_SUSPECTS[name]}"


notebook.value(
    "detective",
    "The detective",
    _CULPRITS,
    mistakes=[
        (_accusation(named), list(named))
        for named in itertools.product(_SUSPECTS, repeat=3)
        if list(named) != _CULPRITS
    ],
    hints=[
        "For each case: which frames differ at all? Is a / b the same number in all frames of a "
        "band? Does the brightest band of a frame stay the same?",
        "Only frames at the ends: padding. One factor for each band, the same in all frames: norm. "
        "The brightest bands move: scale. They stay, but a / b changes with the loudness: power.",
        "For each pair: print(np.flatnonzero(~np.isclose(a, b, rtol=1e-3).all(axis=1))); "
        "print((a / b).std(axis=0).max()); print(np.abs(a.argmax(1) - b.argmax(1)).mean())",
    ],
)


@notebook.open(
    hints=[
        "Begin with a matrix of 0 and 1 that draws your letter in, say, 7 rows and 5 columns. "
        "Each 1 is a short tone: the row says which frequency, the column says when.",
        "Rows 300 Hz apart, columns 0.3 s apart: for each 1 add signals.fade(signals.tone(f, 0.3, "
        "0.1), sample_rate) at its place in an array of zeros. The top row is the highest tone.",
        "sound = np.zeros(5 * 6615); for r, row in enumerate(['10001', '11011', '10101', "
        "'10001']): for c, dot in enumerate(row): if dot == '1': sound[c * 6615 : (c + 1) * 6615] "
        "+= signals.fade(signals.tone(2000 - 400 * r, 0.3, 0.1), sample_rate)",
    ],
)
def drawing(sound: Any) -> str:
    """Draw with sound."""
    if not isinstance(sound, np.ndarray) or sound.ndim != 1:
        shape = f" of shape {np.shape(sound)}" if isinstance(sound, np.ndarray) else ""
        raise WrongAnswer(
            f"The sound is a {type(sound).__name__}{shape}; it must be a NumPy array of one "
            "dimension, without its sample rate."
        )
    if sound.dtype.kind != "f":
        raise WrongAnswer(f"The sound holds {sound.dtype}; it must hold real floats from -1 to 1.")
    duration_s = len(sound) / signals.SAMPLE_RATE
    if not 1 <= duration_s <= 5:
        raise WrongAnswer(
            f"At 22050 samples a second it lasts {duration_s:.2f} s; it must last 1 to 5 s."
        )
    bad = np.flatnonzero(~np.isfinite(sound))
    if bad.size:
        raise WrongAnswer(f"{bad.size} samples are NaN or infinite, the first at index {bad[0]}.")
    peak = np.abs(sound).max()
    if peak > 1:
        raise WrongAnswer(f"Its peak is {peak:.2f}; above 1 it clips: divide by the peak.")
    if peak < 0.01:
        raise WrongAnswer(f"Its peak is {peak:.2g}, which is as good as silent; make it 0.5.")
    return _measure_picture(sound)


def _measure_picture(sound: np.ndarray) -> str:
    """Raise WrongAnswer where the spectrogram is no picture: all bright, a tone, a click."""
    n_fft, hop = 1024, 256
    power = np.abs(features.stft(sound, n_fft, hop)) ** 2
    level = features.power_to_db(power, reference=power.max())
    dark = np.mean(level < -30)
    if dark <= 0.5:
        raise WrongAnswer(
            f"Only {100 * dark:.0f} % of its spectrogram is 30 dB or more below the brightest "
            "place; more than half must be, or there is no paper to draw on. Fewer and fainter "
            "lines, and fade each tone."
        )
    frames, bins = np.nonzero(level > -20)
    moments = len(set((frames * hop / signals.SAMPLE_RATE // 0.1).tolist()))
    places_hz = bins * signals.SAMPLE_RATE / n_fft
    bands = len(set((places_hz // 200).tolist()))
    if moments < 3 or bands < 3:
        raise WrongAnswer(
            "What is within 20 dB of the brightest place lies in so many pieces of time (0.1 s "
            f"each): {moments}, and in so many bands (200 Hz each): {bands}. A picture needs at "
            "least 3 of both."
        )
    return (
        f"{100 * dark:.0f} % of the picture is dark; its lines go through {moments} pieces of "
        f"0.1 s and {bands} bands of 200 Hz. Look at it, and play it."
    )


notebook.set_quiz(
    Question(
        "In a low voice the vocal folds strike every 8 ms. In the spectrogram you want to see each "
        "stroke as a line of its own. What do you need?",
        [
            Option(
                "A long window, of 50 ms or so.",
                "It holds six strokes at once and melts them into one; what it shows instead are "
                "the harmonics, 125 Hz apart, as parallel lines.",
            ),
            Option(
                "A short hop, of 1 ms or so, whatever the window.",
                "A hop says how often one looks, the window how much one sees at a time. With a "
                "window of 50 ms each of the many columns still shows six strokes at once.",
            ),
            Option(
                "A short window, of 5 ms or so, and a hop that is shorter still.",
                "Then there are frames with a stroke and frames without one. The price: bins "
                "blurred over some 400 Hz, so no harmonics are to be seen.",
                correct=True,
            ),
            Option(
                "A larger n_fft for the same window.",
                "That appends zeros: more bins, closer together, on the same blurred curve. "
                "Neither time nor frequency gets sharper.",
            ),
        ],
    ),
    Question(
        "What does a mel filter bank do to a power spectrum?",
        [
            Option(
                "It adds up the bins in bands that are narrow at the bottom and wide at the top.",
                "As the ear does, it keeps small differences among low frequencies and gives them "
                "up among high ones: from 257 bins to 80 numbers or fewer.",
                correct=True,
            ),
            Option(
                "It moves every frequency to another place, so that the sound changes its pitch.",
                "Nothing is moved in the sound. The bands are only numbered evenly in mel, where "
                "the frequencies that they stand for are not even.",
            ),
            Option(
                "It makes high frequencies louder or softer, as the ear hears them.",
                "That would be a weighting, such as dB(A). A filter bank is about width: how much "
                "of the spectrum goes into one number.",
            ),
            Option(
                "It makes the resolution at low frequencies finer than the FFT's.",
                "It can only add up what the FFT has. With too many bands the lowest triangles "
                "fall between two bins, and stay empty.",
            ),
        ],
    ),
    Question(
        "Why does one take the logarithm of the mel powers?",
        [
            Option(
                "Because powers may be negative, and the logarithm makes them positive.",
                "The other way round: powers are never negative, and the logarithm of a power "
                "below 1 is.",
            ),
            Option(
                "Because it makes the features smaller, which saves memory.",
                "There are as many numbers as before, of the same type.",
            ),
            Option(
                "Because it brings back what the phases knew.",
                "What was lost with the phases cannot come from a function of the magnitudes.",
            ),
            Option(
                "Because soft sounds then count as well, and a change of level only adds a number.",
                "As power, the loudest few places are all that there is. As a logarithm ratios "
                "are differences: level and microphone are constants to subtract.",
                correct=True,
            ),
        ],
    ),
    Question(
        "A model was trained on librosa's mel bands with its defaults. Your program computes its "
        "mel bands with torchaudio's defaults. What now?",
        [
            Option(
                "Nothing: mel is mel, and the shapes can be made to agree.",
                "The shapes agree and the numbers do not: another scale, another norm, other "
                "padding. There is no error message, only worse results.",
            ),
            Option(
                "Set your program's scale, norm, frames and padding to those of the training.",
                "Neither is wrong. What counts is that the model meets the features that "
                "it has learned from.",
                correct=True,
            ),
            Option(
                "Multiply by a constant that makes the means agree.",
                "The edges of the bands lie elsewhere on the other scale, so other bins are added "
                "up. No constant undoes that.",
            ),
            Option(
                "Train the model again with the HTK scale: it is the right one.",
                "Both are fits to listening tests, and both are in use. Training again would do, "
                "but setting a few arguments is quicker.",
            ),
        ],
    ),
    Question(
        "Of 80 log-mel bands, 13 MFCC are kept. What is thrown away?",
        [
            Option(
                "The high frequencies.",
                "A coefficient counts swings over all the bands, so each of the 13 sees the lowest "
                "and the highest frequency alike.",
            ),
            Option(
                "The fine structure over the bands: the harmonics, and the melody with them.",
                "The 13 slowest swings draw a smooth outline, where the formants are. That is why "
                "the sound made from them whispers.",
                correct=True,
            ),
            Option(
                "The level.",
                "The first coefficient is the level: the sum of the log-mel bands, but for a "
                "factor. Some systems leave it out on purpose.",
            ),
            Option(
                "When things happen.",
                "Every frame keeps its own 13, so time is as fine as before.",
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
