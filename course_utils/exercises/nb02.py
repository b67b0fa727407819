"""Exercises and quiz of notebook 02, The Fourier transform and the FFT."""

import itertools
from functools import cache
from typing import Any

import numpy as np

from course_utils import signals
from course_utils.exercises.framework import Case, Notebook, WrongAnswer
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(2, "The Fourier transform and the FFT")


@notebook.function(
    cases=[
        (1, 4, 8.0),
        (0, 4, 8.0),
        (2, 4, 8.0),
        (3, 4, 8.0),
        (2, 5, 10.0),
        (3, 5, 10.0),
        (1, 441, 22_050.0),
        (440, 441, 22_050.0),
        (3, 8, 11_025.0),
        (262, 22_050, 22_050.0),
    ],
    mistakes=[
        (
            "That is sample_rate / k. The more turns, the higher the frequency: multiply by k.",
            lambda k, n, fs: fs / k if k else 0.0,
        ),
        (
            "That is k · N / sample_rate; the other way round. N / sample_rate is the duration T, "
            "and k turns in T seconds are k / T Hz.",
            lambda k, n, fs: k * n / fs,
        ),
        (
            "That is the distance from one bin to the next; bin k is k times as far up.",
            lambda k, n, fs: fs / n,
        ),
        (
            "Off by one: bin 0 is 0 Hz, the mean, so bin k is k steps up.",
            lambda k, n, fs: (k + 1) * fs / n,
        ),
        (
            "Off by one: bin 0 is 0 Hz, the mean, so bin k is k steps up.",
            lambda k, n, fs: (k - 1) * fs / n,
        ),
        (
            "Bins above the middle are turns the other way: k turns in N steps look like k - N.",
            lambda k, n, fs: k * fs / n,
        ),
        (
            "The sign is right, the size is not: bin N - 1 is one turn backwards, so -1 step. "
            "Which number of turns is bin k?",
            lambda k, n, fs: (k if k <= n / 2 else -k) * fs / n,
        ),
        (
            "Above the middle the frequency is negative: k - N turns, not N - k.",
            lambda k, n, fs: min(k, n - k) * fs / n,
        ),
        (
            "Bin N/2 of an even N is the Nyquist frequency, which here is to be positive (NumPy's "
            "fftfreq makes it negative).",
            lambda k, n, fs: (k if k < n / 2 else k - n) * fs / n,
        ),
        (
            "The middle of an odd N lies between two bins: N // 2 is the last positive one. "
            "Compare k with n_samples / 2.",
            lambda k, n, fs: (k if k < n // 2 or 2 * k == n else k - n) * fs / n,
        ),
        (
            "The operator // drops the fraction; frequencies of bins are seldom whole: use /.",
            lambda k, n, fs: (k if k <= n / 2 else k - n) * fs // n,
        ),
        (
            "That is in cycles a sample; in Hz it is sample_rate times as many.",
            lambda k, n, fs: (k if k <= n / 2 else k - n) / n,
        ),
    ],
    hints=[
        "The recording lasts n_samples / sample_rate seconds, and bin k makes k turns in it. How "
        "many turns is that in a second?",
        "k · f_s / N up to the middle. Beyond it, k turns in N steps give the same samples as "
        "k - N turns, which is negative.",
        "turns = k if k <= n_samples / 2 else k - n_samples, then "
        "return turns * sample_rate / n_samples",
    ],
)
def bin_to_hz(k: int, n_samples: int, sample_rate: float) -> float:
    """Which frequency is bin k?"""
    turns = k if k <= n_samples / 2 else k - n_samples
    return turns * sample_rate / n_samples


# Complex, so that an answer may be complex or real.
_BY_HAND = [6 + 0j, 2 + 2j, -2 + 0j, 2 - 2j]

notebook.value(
    "dft_by_hand",
    "A DFT by hand",
    _BY_HAND,
    mistakes=[
        (
            "That is divided by N = 4; the DFT of this notebook is not (the inverse is).",
            [1.5, 0.5 + 0.5j, -0.5, 0.5 - 0.5j],
        ),
        (
            "Your arrows turn the wrong way: for k = 1 they are 1, -i, -1, i, clockwise.",
            [6, 2 - 2j, -2, 2 + 2j],
        ),
        (
            "Count the arrows for k = 1 again: 1, -i, -1, i. The last sample gets +i.",
            [6, 2 - 4j, -2, 2 + 4j],
        ),
        (
            "Only X_0 has all arrows the same. For k = 2 every step is half a turn: 1, -1, 1, -1.",
            [6, 2 + 2j, 6, 2 - 2j],
        ),
        (
            "For k = 2 every step is half a turn, so the arrows are 1, -1, 1, -1, not those of "
            "k = 1.",
            [6, 2 + 2j, 2 + 2j, 2 - 2j],
        ),
        (
            "X_3 is the mirror image (the conjugate) of X_1, since the samples are real: turn the "
            "sign of its imaginary part.",
            [6, 2 + 2j, -2, 2 + 2j],
        ),
        (
            "All four are asked for: the last one as well, although it mirrors the second.",
            [6, 2 + 2j, -2],
        ),
        (
            "Those are the products of one row. Each X_k is a sum of four products.",
            [2, -1j, 0, 3j],
        ),
    ],
    hints=[
        "X_0 is the plain sum. For X_1 multiply the four samples by 1, -i, -1, i, and add.",
        "For X_k every step turns the arrow by k quarter turns clockwise. k = 2: 1, -1, 1, -1. "
        "k = 3: 1, i, -1, -i.",
        "X_1 = 2·1 + 1·(-i) + 0·(-1) + 3·i = 2 + 2i. In the same way X_0, X_2, X_3: "
        "my_dft = [2 + 1 + 0 + 3, 2 + 2j, 2 - 1 + 0 - 3, …]",
    ],
)


def _twiddles(count: int) -> np.ndarray:
    return np.exp(-1j * np.pi * np.arange(count) / count)


def _sum_and_difference(even: np.ndarray, turned: np.ndarray) -> np.ndarray:
    return np.concatenate([even + turned, even - turned])


def _random_spectrum(count: int) -> np.ndarray:
    return np.fft.fft(np.random.default_rng(count).standard_normal(count))


@notebook.function(
    cases=[
        (np.array([3 + 0j]), np.array([1 + 0j])),
        (np.array([2 + 0j, 2 + 0j]), np.array([2 + 0j, 0j])),
        (np.array([1 + 0j, 1 + 0j]), np.array([1 + 0j, 1 + 0j])),
        (np.array([6 + 0j, 1j, -1j]), np.array([3 + 0j, 1 - 1j, 1 + 1j])),
        Case(
            (_random_spectrum(64), _random_spectrum(64)[::-1].copy()),
            "two transforms of 64 samples each",
        ),
    ],
    mistakes=[
        (
            "The arrow in front of O is missing: turn O_k by e^(-2πi k/N) first.",
            lambda even, odd: _sum_and_difference(even, odd),
        ),
        (
            "The arrow turns the wrong way: e^(-2πi k/N) has a minus (-2j in Python).",
            lambda even, odd: _sum_and_difference(even, np.conj(_twiddles(len(odd))) * odd),
        ),
        (
            "N is the length of the whole, len(E) + len(O): your arrow turns twice as fast.",
            lambda even, odd: _sum_and_difference(even, _twiddles(len(odd)) ** 2 * odd),
        ),
        (
            "The arrow turns half as fast as it should: e^(-2πi k/N), with a 2, and "
            "N = 2 · len(E).",
            lambda even, odd: _sum_and_difference(even, np.sqrt(_twiddles(len(odd))) * odd),
        ),
        (
            "In the second half the arrow has turned round: it is the difference, E - turned O.",
            lambda even, odd: np.concatenate([even + _twiddles(len(odd)) * odd] * 2),
        ),
        (
            "The wrong way round: the sum is first, the difference is the second half.",
            lambda even, odd: np.concatenate(
                [even - _twiddles(len(odd)) * odd, even + _twiddles(len(odd)) * odd]
            ),
        ),
        (
            "E and O are swapped: the odd samples' transform is turned, then added to E.",
            lambda even, odd: _sum_and_difference(odd, _twiddles(len(even)) * even),
        ),
        (
            "The arrow belongs to O, the odd samples, not to E.",
            lambda even, odd: _sum_and_difference(_twiddles(len(even)) * even, odd),
        ),
        (
            "Sums and differences are right, but alternate. All sums come first: X_k and "
            "X_(k + N/2) lie half the length apart (np.concatenate).",
            lambda even, odd: np.ravel(
                [even + _twiddles(len(odd)) * odd, even - _twiddles(len(odd)) * odd], order="F"
            ),
        ),
        (
            "That is the first half; the second is E - turned O, and np.concatenate joins them.",
            lambda even, odd: even + _twiddles(len(odd)) * odd,
        ),
        (
            "Samples alternate, their transforms don't: each X_k is a sum of E_k and turned O_k.",
            lambda even, odd: np.ravel([even, odd], order="F"),
        ),
        (
            "That puts one after the other; each X_k is a sum of E_k and turned O_k.",
            lambda even, odd: np.concatenate([even, odd]),
        ),
        (
            "The imaginary parts are lost on the way: keep the arrays complex.",
            lambda even, odd: np.real(_sum_and_difference(even, _twiddles(len(odd)) * odd)),
        ),
    ],
    hints=[
        "Each pair E_k, O_k gives two results, X_k and X_(k + N/2): a sum and a difference. Which "
        "of the two is turned before?",
        "turned_k = e^(-2πi k/N) · O_k for k = 0 … N/2 - 1, where N is twice the length of E. The "
        "first half of X is E + turned, the second E - turned.",
        "turned = np.exp(-2j * np.pi * np.arange(len(odd)) / (2 * len(odd))) * odd, then "
        "return np.concatenate([even + turned, even - turned])",
    ],
)
def butterfly(even: np.ndarray, odd: np.ndarray) -> np.ndarray:
    """The butterfly."""
    return _sum_and_difference(even, _twiddles(len(odd)) * odd)


# E3, G♯3 and C♯5. No note is a harmonic of another, and no two lines are closer than 6 Hz. E3's
# second harmonic is stronger than its fundamental, so the three strongest lines are not the notes;
# and it lies below C♯5, so the three lowest are not either.
_NOTES_HZ = [164.81, 207.65, 554.37]
_HARMONICS = [
    [0.06, 0.18, 0.09, 0.05, 0.03],
    [0.14, 0.07, 0.12, 0.04],
    [0.10, 0.05, 0.03],
]


def mystery_chord() -> tuple[np.ndarray, int]:
    """The chord of the exercise "Which notes?".

    Returns:
        The waveform, float32 `(samples,)`, 2 seconds; and its sample rate in Hz.
    """
    chord = sum(
        signals.complex_wave(note, strengths, phases=np.arange(len(strengths)), duration_s=2.0)
        for note, strengths in zip(_NOTES_HZ, _HARMONICS, strict=True)
    )
    return signals.fade(chord, signals.SAMPLE_RATE), signals.SAMPLE_RATE


def _chord_mistakes() -> list[tuple[str, list[float]]]:
    """Wrong answers to the chord, those first that tell the most."""
    low, middle, high = _NOTES_HZ
    return [
        (
            "These are the three strongest lines, and a harmonic can be stronger than its "
            "fundamental. Which lines are multiples of one that is lower?",
            [middle, 2 * low, 3 * middle],
        ),
        (
            "These are the three lowest lines, but one of them is a multiple of another, a "
            "harmonic; and a line further up is a multiple of none.",
            [low, middle, 2 * low],
        ),
        (
            "Each is twice as high as it should be. Bin numbers? In 2 s bin k is k / 2 Hz.",
            [2 * low, 2 * middle, 2 * high],
        ),
        (
            "Each is half as high as it should be. Two seconds: bin k is k / 2 Hz, not k / 4.",
            [low / 2, middle / 2, high / 2],
        ),
        *(
            ("The right three; give them from low to high.", list(order))
            for order in itertools.permutations(_NOTES_HZ)
            if list(order) != _NOTES_HZ
        ),
        *(
            ("Those two are right. There is a third whose line is a multiple of neither.", pair)
            for pair in map(list, itertools.combinations(_NOTES_HZ, 2))
        ),
        *(
            (
                "Not all of these are fundamentals. Look for a weaker line at half, at a third, at "
                "a quarter of each.",
                sorted(n * note for n, note in zip(numbers, _NOTES_HZ, strict=True)),
            )
            for numbers in itertools.product(range(1, 5), repeat=3)
            if numbers not in [(1, 1, 1), (2, 2, 2)]  # the right answer; said above
        ),
    ]


notebook.value(
    "chord",
    "Which notes?",
    _NOTES_HZ,
    mistakes=_chord_mistakes(),
    hints=[
        "List all lines that stand out below 1300 Hz, to 1 Hz. Which of them are multiples (2, 3, "
        "4 times) of a lower one? What is left over when these are crossed out?",
        "The lowest line is a fundamental, although it is weak. Cross out its multiples. The "
        "lowest line left is the second one: cross out its multiples too. What is left?",
        "f, level = level_db(unknown); the bins "
        "k with level[k] > -39 that are higher than both neighbours are the lines, at k / 2 Hz: "
        "near 165, 208, 330, 415, … Hz. The third note is between 500 and 600 Hz.",
    ],
    relative=0,
    absolute=1.0,
)


def _without_bins(x: np.ndarray, bins: list[int]) -> np.ndarray:
    """Complex, as the inverse transform gives it."""
    spectrum = np.fft.fft(x)
    spectrum[bins] = 0
    return np.fft.ifft(spectrum)


def _without_tone_at_bin(x: np.ndarray, k: int) -> np.ndarray:
    return np.real(_without_bins(x, [k, -k]))


def _turns(x: np.ndarray, frequency_hz: float, sample_rate: float) -> int:
    return round(frequency_hz * len(x) / sample_rate)


def _whistle(samples: int, turns: int) -> np.ndarray:
    """Noise in place of a voice, and a whistle that makes whole turns."""
    noise = 0.1 * np.random.default_rng(samples).standard_normal(samples)
    return noise + 0.5 * np.cos(2 * np.pi * turns * np.arange(samples) / samples + 1.0)


@notebook.function(
    cases=[
        (np.array([1.0, 2.0, 3.0, 4.0]), 2.0, 8.0),
        (np.array([5.0, 0.0, 1.0, 4.0, 0.0]), 2.0, 5.0),
        Case((_whistle(125, 47), 47 * 22_050 / 125, 22_050.0), "125 samples, 8290.8, 22050"),
        Case((_whistle(800, 100), 1000.0, 8000.0), "800 samples, 1000, 8000"),
        Case((_whistle(2001, 250), 250 * 8000 / 2001, 8000.0), "2001 samples, 999.5, 8000"),
    ],
    mistakes=[
        (
            "Only one of the two bins is zero, which leaves half of the tone and a complex "
            "result: X[N - k] is the tone's as well.",
            lambda x, f, fs: _without_bins(x, [_turns(x, f, fs)]),
        ),
        (
            "Half of the tone is left: it sits in bin k and in bin N - k, and only one is zero.",
            lambda x, f, fs: np.real(_without_bins(x, [_turns(x, f, fs)])),
        ),
        (
            "The numbers are right; ifft gives complex ones whose imaginary parts are 0 but for "
            "rounding: take .real of them.",
            lambda x, f, fs: _without_bins(x, [_turns(x, f, fs), -_turns(x, f, fs)]),
        ),
        (
            "The partner of bin k is N - k, not N - k - 1 (bin 0 has none).",
            lambda x, f, fs: np.real(
                _without_bins(x, [_turns(x, f, fs), len(x) - _turns(x, f, fs) - 1])
            ),
        ),
        (
            "Without n, irfft takes the length for even, and an odd one loses a sample: "
            "np.fft.irfft(X, n=len(x)).",
            lambda x, f, fs: np.fft.irfft(np.fft.rfft(_without_tone_at_bin(x, _turns(x, f, fs)))),
        ),
        (
            "The bin is not the frequency in Hz; that is so only in a recording of one second. "
            "k = frequency · N / sample_rate, with N = len(x).",
            lambda x, f, fs: _without_tone_at_bin(x, round(f)),
        ),
        (
            "N is the number of samples, len(x), also for rfft, which keeps only half of the bins.",
            lambda x, f, fs: _without_tone_at_bin(x, round(f * (len(x) // 2 + 1) / fs)),
        ),
        (
            "int() cuts down, and frequency · N / sample_rate may come out as 46.999…: round() it.",
            lambda x, f, fs: _without_tone_at_bin(x, int(f * len(x) / fs)),
        ),
        (
            "The neighbouring bins hold nothing of a tone with whole turns, only voice: two bins "
            "are enough.",
            lambda x, f, fs: np.real(
                _without_bins(
                    x, [(s * _turns(x, f, fs) + d) % len(x) for s in (1, -1) for d in (-1, 0, 1)]
                )
            ),
        ),
        (
            "That keeps the tone and removes the rest.",
            lambda x, f, fs: x - _without_tone_at_bin(x, _turns(x, f, fs)),
        ),
        (
            "That is the spectrum; transform it back.",
            lambda x, f, fs: np.fft.fft(_without_tone_at_bin(x, _turns(x, f, fs))),
        ),
    ],
    hints=[
        "How many turns does the whistle make in the whole recording? That is its bin, k. Which "
        "other bin belongs to it?",
        "k = frequency_hz · N / sample_rate with N = len(x), rounded to a whole number. Set X[k] "
        "and X[N - k] to zero; back in time, only the real part counts.",
        "X = np.fft.fft(x); k = round(frequency_hz * len(x) / sample_rate); X[k] = X[-k] = 0; "
        "return np.fft.ifft(X).real",
    ],
    relative=0,
    absolute=1e-6,
)
def remove_tone(x: np.ndarray, frequency_hz: float, sample_rate: float) -> np.ndarray:
    """Remove the whistle."""
    return _without_tone_at_bin(x, _turns(x, frequency_hz, sample_rate))


@cache
def _gliding_voice() -> np.ndarray:
    """A second of a voice that glides up, float64; of odd length, as recordings may be."""
    t = np.arange(signals.SAMPLE_RATE + 1) / signals.SAMPLE_RATE
    turns = 120 * t + 20 * t**2
    voice = sum(np.sin(2 * np.pi * n * turns) / n for n in range(1, 25))
    return 0.2 * voice * np.sin(np.pi * t / t[-1])


@notebook.open(
    hints=[
        "Three steps: transform, change the spectrum, transform back. Begin with the whole "
        "sound and one change: what happens if all bins move up by 200?",
        "X = np.fft.rfft(x) is an array like any other: X[::-1] reverses it, np.roll moves it, "
        "np.abs(X) has all phases zero. Back to sound: np.fft.irfft(X, n=len(x)).",
        "y = np.fft.irfft(np.fft.rfft(x)[::-1], n=len(x)), then return y / np.abs(y).max(); "
        "for a robot do it with np.abs(X) in place of X[::-1], frame by frame.",
    ],
    case=Case((_gliding_voice(), signals.SAMPLE_RATE), "a second of a voice, 22050"),
)
def effect(changed: Any) -> str:
    """Invent an effect."""
    sound = _gliding_voice()
    if changed is None:
        raise WrongAnswer("It gives None: is there a `return`?")
    if not isinstance(changed, np.ndarray) or changed.ndim != 1:
        raise WrongAnswer(
            f"It gives a {type(changed).__name__} of shape {np.shape(changed)}; it must give a "
            "NumPy array of one dimension."
        )
    if np.iscomplexobj(changed):
        raise WrongAnswer(
            "It gives complex numbers, and a sound is real: np.fft.irfft gives real ones, after "
            "np.fft.ifft take .real."
        )
    if changed.dtype.kind != "f":
        raise WrongAnswer(f"It gives {changed.dtype}; a waveform holds floats.")
    if len(changed) != len(sound):
        raise WrongAnswer(
            f"Of {len(sound)} samples it makes {len(changed)}; the length must stay. (irfft needs "
            "n=len(x) when the length is odd; frames need not fit a whole number of times.)"
        )
    if not np.isfinite(changed).all():
        raise WrongAnswer(f"{(~np.isfinite(changed)).sum()} samples are NaN or infinite.")
    changed = changed.astype(np.float64)
    peak, level = np.abs(changed).max(), signals.rms(changed)
    if level < 1e-3:
        raise WrongAnswer(f"The result is silent: its RMS is {level:.1g}, that of the sound 0.1.")
    if peak > 10:
        raise WrongAnswer(
            f"Its peak is {peak:.3g}, where full scale is 1. Is the 1/N of the inverse transform "
            "missing? Divide by the peak."
        )
    alike = np.dot(changed, sound) ** 2 / (np.dot(changed, changed) * np.dot(sound, sound))
    if alike > 0.95:
        raise WrongAnswer(
            f"But for its level, {100 * alike:.1f} % of the result is the sound that went in; at "
            "most 95 % may be. Change more of the spectrum."
        )
    return f"{100 * (1 - alike):.0f} % of the result is not in the sound that went in. Play it."


notebook.set_quiz(
    Question(
        "A sound is multiplied by a sine of 330 Hz and averaged over a second: the result is 0. "
        "Can there be a tone of 330 Hz in the sound?",
        [
            Option(
                "No: the average of the product says how much of 330 Hz there is.",
                "It says how much of it is in step with this sine. A tone a quarter of a turn "
                "ahead or behind agrees with the sine as often as it disagrees.",
            ),
            Option(
                "Only if it is too soft to be measured.",
                "A tone at full scale can give 0 as well. The average is half the amplitude times "
                "the cosine of the angle between the two.",
            ),
            Option(
                "Yes: it may be a quarter of a turn ahead of the sine, or behind it.",
                "Then a cosine gives its largest answer, plus or minus. That is why both are "
                "asked, and why an answer of the DFT is a complex number: two numbers in one.",
                correct=True,
            ),
            Option(
                "Yes, but only if other tones are there too and cancel it.",
                "Over a second, tones of other whole frequencies average to 0 each: they add "
                "nothing and cancel nothing.",
            ),
        ],
    ),
    Question(
        "Two tones, 4 Hz apart, are one hill in the spectrum of a tenth of a second. What makes "
        "two lines of it?",
        [
            Option(
                "A recording of a whole second.",
                "Resolution is one over the duration: a tenth of a second tells apart what "
                "differs by some 10 Hz, a second what differs by some 1 Hz.",
                correct=True,
            ),
            Option(
                "Zeros appended to the tenth of a second, up to a whole second.",
                "The bins come to lie 1 Hz apart, but they are dots on the same hill. Zeros "
                "bring no information.",
            ),
            Option(
                "Ten times the sample rate.",
                "Then there are ten times as many bins, but they reach ten times as high: "
                "sample_rate / N is one over the duration, and that is still a tenth of a second.",
            ),
            Option(
                "A Hann window in front of the transform.",
                "A window lowers the skirts and makes each peak wider: the hill gets broader.",
            ),
        ],
    ),
    Question(
        "A tone is sent through a Hann window before the transform. What does that do to its peak "
        "in the spectrum?",
        [
            Option(
                "It gets narrower, since the leakage is gone.",
                "What goes is the leakage far away. The middle of the peak gets about twice as "
                "wide: the fade shortens what is seen of the tone.",
            ),
            Option(
                "It moves to the nearest bin.",
                "A window changes loudness over time, not frequency. Between two bins the tone "
                "stays between two bins.",
            ),
            Option(
                "Nothing, when the tone makes a whole number of turns.",
                "Such a tone sits in a single bin without a window. With it, the neighbours on "
                "both sides get half as much each: also for this tone, the peak is wider.",
            ),
            Option(
                "It gets wider, and falls off much faster on both sides.",
                "That is the trade: neighbours within about two bins merge, and a soft tone far "
                "from a loud one comes out of its leakage.",
                correct=True,
            ),
        ],
    ),
    Question(
        "You transform a sentence as a whole, keep the magnitudes, take the phases from noise, and "
        "transform back. What do you hear?",
        [
            Option(
                "The sentence: magnitudes carry speech, phases do not.",
                "That holds in frames of 25 ms, where the number of the frame says when. In a "
                "transform of the whole file, only the phases say when.",
            ),
            Option(
                "A rushing noise with the colour of the voice, and no words.",
                "The magnitudes of the whole file say which frequencies there are, at some time or "
                "other. When they come is in the phases, and those were taken from noise.",
                correct=True,
            ),
            Option(
                "The sentence backwards.",
                "For that, all phases change their sign. Phases of noise have no order at all.",
            ),
            Option(
                "The sentence, with noise in the background.",
                "Nothing was added. Each bin is one arrow, with its length from the sentence and "
                "its direction from the noise.",
            ),
        ],
    ),
    Question(
        "How do the results of the FFT and of the DFT of the same samples differ?",
        [
            Option(
                "The FFT's are close, but approximate: that is the price of speed.",
                "No term of the sum is left out: sums that occur many times are computed once. "
                "Its rounding errors are even smaller, as there are fewer operations.",
            ),
            Option(
                "The FFT's are for a length that is a power of two; others are padded with zeros.",
                "Halving is the simplest case. Any divisor works in the same way, and for a large "
                "prime the sum becomes a convolution. The result has N bins for every N.",
            ),
            Option(
                "Not at all, but for rounding.",
                "The FFT is a quick way to compute the DFT, not another transform: N log N steps "
                "in place of N².",
                correct=True,
            ),
            Option(
                "The FFT gives only the bins up to the middle.",
                "That is rfft, which leaves out the mirror image that a real signal has. fft gives "
                "all N bins, as the DFT does.",
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
