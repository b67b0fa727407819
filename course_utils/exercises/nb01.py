"""Exercises and quiz of notebook 01, Sound waves."""

from typing import Any

import numpy as np

from course_utils.exercises.framework import Case, Notebook, WrongAnswer
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(1, "Sound waves")

_NOTE_A_HZ = 440.0
_HEARING_THRESHOLD_PA = 20e-6


def _decibels(ratio: Any) -> Any:
    with np.errstate(divide="ignore"):
        return 20 * np.log10(ratio)


def _rms(pressure: np.ndarray) -> Any:
    return np.sqrt(np.mean(np.square(pressure)))


_PERIODS = 2 * np.pi * np.arange(1000) / 100


@notebook.function(
    cases=[
        (np.array([0.02, -0.02]),),
        (np.array([20e-6, -20e-6, 20e-6]),),
        (np.array([0.06, -0.02, 0.0]),),
        Case((0.02 * np.sin(_PERIODS),), "10 periods of a sine with a peak of 0.02 Pa"),
        Case((0.02 + 0.5 * np.sin(_PERIODS),), "a loud sine around 0.02 Pa"),
    ],
    mistakes=[
        (
            "10 log10 is for powers. Pressure is an amplitude, and power goes with its square: "
            "20 log10.",
            lambda p: _decibels(_rms(p) / _HEARING_THRESHOLD_PA) / 2,
        ),
        (
            "That is the level of the peak. SPL is about the RMS: square, mean, root.",
            lambda p: _decibels(np.max(np.abs(p)) / _HEARING_THRESHOLD_PA),
        ),
        (
            "That is the level of the mean of |p|. SPL is about the RMS: square, mean, root.",
            lambda p: _decibels(np.mean(np.abs(p)) / _HEARING_THRESHOLD_PA),
        ),
        (
            "That is the level of the mean of p. Above and below cancel; square first.",
            lambda p: _decibels(np.abs(np.mean(p)) / _HEARING_THRESHOLD_PA),
        ),
        (
            "np.log is the natural logarithm; decibels use the one to base 10, np.log10.",
            lambda p: _decibels(_rms(p) / _HEARING_THRESHOLD_PA) * np.log(10),
        ),
        (
            "The reference is missing: 0 dB SPL is 20 µPa, so divide the RMS by 20e-6.",
            lambda p: _decibels(_rms(p)),
        ),
        (
            "The root is missing: that is the level of the mean square.",
            lambda p: _decibels(np.mean(np.square(p)) / _HEARING_THRESHOLD_PA),
        ),
        (
            "That squares the ratio and uses 20 log10 as well: once is enough.",
            lambda p: 2 * _decibels(_rms(p) / _HEARING_THRESHOLD_PA),
        ),
        (
            "That takes the sum of the squares; it grows with the length. Take the mean.",
            lambda p: _decibels(np.sqrt(np.sum(np.square(p))) / _HEARING_THRESHOLD_PA),
        ),
        (
            "np.std takes the mean away first. The RMS does not: square, mean, root.",
            lambda p: _decibels(np.std(p) / _HEARING_THRESHOLD_PA),
        ),
    ],
    hints=[
        "Two steps: one number for how strong the pressure swings (the RMS), then its level "
        "against 20 µPa in decibels.",
        "RMS from the inside out: square every value, take the mean, take the root. Level of an "
        "amplitude: 20 log10(amplitude / reference).",
        "rms = np.sqrt(np.mean(pressure**2)), then return 20 * np.log10(rms / 20e-6)",
    ],
    relative=0,
    absolute=0.01,
)
def spl(pressure: np.ndarray) -> float:
    """How loud is it?"""
    return _decibels(_rms(pressure) / _HEARING_THRESHOLD_PA)


@notebook.function(
    cases=[(440.0, 440.0), (440.0, 444.0), (444.0, 440.0), (100.0, 100.5)],
    mistakes=[
        (
            "The slow cosine runs at half the difference, but it swells twice in each period: at "
            "its crest and at its trough.",
            lambda f1, f2: abs(f1 - f2) / 2,
        ),
        (
            "A count cannot be negative; and the slow cosine, at half the difference, swells twice "
            "in each period.",
            lambda f1, f2: (f1 - f2) / 2,
        ),
        (
            "A count cannot be negative: it does not matter which of the two is higher.",
            lambda f1, f2: f1 - f2,
        ),
        (
            "A count cannot be negative: it does not matter which of the two is higher.",
            lambda f1, f2: f2 - f1,
        ),
        (
            "That is the pitch of the note you hear, the mean of the two, not how often it swells.",
            lambda f1, f2: (f1 + f2) / 2,
        ),
        (
            "Swells a second need not be a whole number: one in two seconds is 0.5.",
            lambda f1, f2: int(abs(f1 - f2)),
        ),
        (
            "Swells a second need not be a whole number: one in two seconds is 0.5.",
            lambda f1, f2: round(abs(f1 - f2)),
        ),
        (
            "That is the time from one swell to the next. How many fit into a second?",
            lambda f1, f2: 1 / abs(f1 - f2) if f1 != f2 else 0.0,
        ),
    ],
    hints=[
        "Count in the sound of 440 and 444 Hz: how many swells in one second?",
        "The two waves are in step once for every period that one of them gains on the other.",
        "It is the difference of the two frequencies, without its sign: abs(…).",
    ],
)
def beats(f1_hz: float, f2_hz: float) -> float:
    """How fast do they beat?"""
    return abs(f1_hz - f2_hz)


@notebook.function(
    cases=[(0,), (1,), (-1,), (0.5,), (12,), (-12,), (24,)],
    mistakes=[
        (
            "That adds the same number of Hz for each semitone, and is right at the octave only. "
            "Equal steps of pitch are equal ratios: multiply.",
            lambda n: _NOTE_A_HZ * (1 + n / 12),
        ),
        (
            "That is linear in n, and gives silence for n = 0. Twelve equal ratios make 2.",
            lambda n: _NOTE_A_HZ * 2 * n / 12,
        ),
        (
            "That adds the first semitone's 26.16 Hz every time. Equal steps of pitch are equal "
            "ratios: multiply.",
            lambda n: _NOTE_A_HZ * (1 + n * (2 ** (1 / 12) - 1)),
        ),
        (
            "That goes up an octave at each step. An octave is 12 semitones: n / 12 octaves.",
            lambda n: _NOTE_A_HZ * 2.0**n,
        ),
        (
            "That is the ratio to A4; the frequency is 440 Hz times it.",
            lambda n: 2 ** (n / 12),
        ),
        (
            "The wrong way: a positive n is higher.",
            lambda n: _NOTE_A_HZ * 2 ** (-n / 12),
        ),
        (
            "The operator // drops the fraction, so that only octaves are left: use /.",
            lambda n: _NOTE_A_HZ * 2.0 ** (n // 12),
        ),
        (
            "An octave has eight notes of a scale, but twelve semitones.",
            lambda n: _NOTE_A_HZ * 2 ** (n / 8),
        ),
        (
            "An octave has seven steps of a scale, but twelve semitones.",
            lambda n: _NOTE_A_HZ * 2 ** (n / 7),
        ),
        (
            "1.06 is rounded, and the error grows with every step: use 2 ** (1 / 12).",
            lambda n: _NOTE_A_HZ * 1.06**n,
        ),
        (
            "1.059 is rounded, and the error grows with every step: use 2 ** (1 / 12).",
            lambda n: _NOTE_A_HZ * 1.059**n,
        ),
        (
            "1.0595 is 2 ** (1 / 12), rounded for printing. Let Python keep all the digits.",
            lambda n: _NOTE_A_HZ * 1.0595**n,
        ),
        (
            "Python reads 2**n / 12 as (2**n) / 12: put the exponent in brackets.",
            lambda n: _NOTE_A_HZ * 2.0**n / 12,
        ),
    ],
    hints=[
        "Twelve semitones double the frequency, and all twelve are the same ratio. Which number, "
        "multiplied twelve times by itself, gives 2?",
        "One semitone is the ratio 2 ** (1 / 12). For n of them multiply n times; for negative n "
        "divide.",
        "f = 440 · 2^(n / 12): return 440 * 2 ** (n / 12)",
    ],
)
def semitones(n: float) -> float:
    """A piano in one line."""
    return _NOTE_A_HZ * 2 ** (n / 12)


@notebook.function(
    cases=[
        (0.0, 8000.0),
        (1000.0, 8000.0),
        (4000.0, 8000.0),
        (5000.0, 8000.0),
        (8000.0, 8000.0),
        (9000.0, 8000.0),
        (13000.0, 8000.0),
        (15000.0, 8000.0),
        (20000.0, 8000.0),
        (30000.0, 22050.0),
    ],
    mistakes=[
        (
            "f % sample_rate is the first half of it: what lands above sample_rate / 2 is "
            "mirrored back down.",
            lambda f, fs: f % fs,
        ),
        (
            "Mirroring at sample_rate / 2 is for frequencies above it only; one below stays.",
            lambda f, fs: fs - f,
        ),
        (
            "Mirroring at sample_rate / 2 is for frequencies above it only; one below stays.",
            lambda f, fs: abs(fs - f),
        ),
        (
            "That is right up to the sample rate. Above it all repeats: every sample_rate Hz.",
            lambda f, fs: f if f <= fs / 2 else fs - f,
        ),
        (
            "That is right up to the sample rate. Above it all repeats: every sample_rate Hz.",
            lambda f, fs: min(f, fs - f),
        ),
        (
            "That is right up to one and a half times the sample rate. Above it all repeats: "
            "every sample_rate Hz.",
            lambda f, fs: min(f, abs(f - fs)),
        ),
        (
            "A tone above sample_rate / 2 does not stop there: it is mirrored, and goes on down.",
            lambda f, fs: min(f, fs / 2),
        ),
        (
            "The frequency is mirrored at sample_rate / 2; it does not begin again at 0 there.",
            lambda f, fs: f % (fs / 2),
        ),
    ],
    hints=[
        "Let the frequency rise from 0 and follow what is heard: up to sample_rate / 2, then? And "
        "beyond the sample rate?",
        "Two steps. It repeats every sample_rate Hz: take the remainder. What is then above "
        "sample_rate / 2 is as far below the sample rate as it is heard above 0.",
        "r = frequency_hz % sample_rate, then return min(r, sample_rate - r)",
    ],
)
def alias(frequency_hz: float, sample_rate: float) -> float:
    """Where does it land?"""
    remainder = frequency_hz % sample_rate
    return min(remainder, sample_rate - remainder)


def _step(bits: int) -> float:
    return 2 / 2**bits


@notebook.function(
    cases=[
        (np.array([0.3]), 1),
        (np.array([0.3]), 2),
        (np.array([-0.3]), 2),
        (np.array([0.0]), 2),
        (np.array([0.5]), 2),
        (np.array([1.0]), 2),
        (np.array([-1.0]), 2),
        Case((np.linspace(-1, 1, 17), 3), "np.linspace(-1, 1, 17), 3"),
        Case((np.sin(_PERIODS), 8), "10 periods of a full-scale sine, 8"),
    ],
    mistakes=[
        (
            "That rounds to the nearest multiple of the step, 0 among them: a mid-tread "
            "quantiser. In a mid-rise one the levels lie in the middle of the steps.",
            lambda x, bits: np.round(x / _step(bits)) * _step(bits),
        ),
        (
            "That rounds to the nearest multiple of the step, 0 among them: a mid-tread "
            "quantiser. In a mid-rise one the levels lie in the middle of the steps.",
            lambda x, bits: np.clip(np.round(x / _step(bits)) * _step(bits), -1, 1 - _step(bits)),
        ),
        (
            "2**bits levels cut the range from -1 to 1 into 2**bits steps, not 2**bits - 1.",
            lambda x, bits: np.minimum(
                np.floor(x * (2**bits - 1) / 2) * 2 / (2**bits - 1) + 1 / (2**bits - 1),
                1 - 1 / (2**bits - 1),
            ),
        ),
        (
            "At x = 1 that is one level too many: clamp to the highest, 1 - step / 2.",
            lambda x, bits: (np.floor(x / _step(bits)) + 0.5) * _step(bits),
        ),
        (
            "At x = 1 the highest level is 1 - step / 2, not 1.",
            lambda x, bits: np.clip((np.floor(x / _step(bits)) + 0.5) * _step(bits), -1, 1),
        ),
        (
            "int and np.trunc cut toward zero, which makes one step wrong around it: np.floor "
            "goes down, also for negative x.",
            lambda x, bits: np.minimum(
                (np.trunc(x / _step(bits)) + 0.5) * _step(bits), 1 - _step(bits) / 2
            ),
        ),
        (
            "The range from -1 to 1 is 2 wide: the step is 2 / 2**bits, not 1 / 2**bits.",
            lambda x, bits: np.minimum((np.floor(x * 2**bits) + 0.5) / 2**bits, 1 - 0.5 / 2**bits),
        ),
        (
            "That is the lower edge of the step; the level lies in its middle: add step / 2.",
            lambda x, bits: np.floor(x / _step(bits)) * _step(bits),
        ),
        (
            "That is the lower edge of the step; the level lies in its middle: add step / 2.",
            lambda x, bits: np.minimum(np.floor(x / _step(bits)) * _step(bits), 1 - _step(bits)),
        ),
    ],
    hints=[
        "With 2 bits the range from -1 to 1 has four steps of 0.5. Draw them: which step is 0.3 "
        "in, and where is the middle of that step?",
        "step = 2 / 2**bits; np.floor(x / step) numbers the step that x is in; its middle is half "
        "a step above its lower edge. At x = 1 there is no step left.",
        "level = np.floor(x / step) * step + step / 2, then return np.minimum(level, 1 - step / 2)",
    ],
    relative=0,
    absolute=1e-6,
)
def quantise(x: np.ndarray, bits: int) -> np.ndarray:
    """Your own quantiser."""
    step = _step(bits)
    return np.minimum(np.floor(x / step) * step + step / 2, 1 - step / 2)


@notebook.open(
    hints=[
        "Begin with a sum of sines at f, 2f, 3f, …, each weaker than the one before. Which "
        "strengths sound like a flute, which like a clarinet (only odd ones)?",
        "Multiply by an envelope: it rises from 0 in some 20 ms, falls slowly, and ends at 0. "
        "Then divide by the peak, so that nothing is above 1.",
        "t = np.arange(22050) / 22050; wave = sum(np.sin(2 * np.pi * 220 * k * t) / k for k in "
        "range(1, 7)); envelope = np.minimum(t / 0.02, 1) * (1 - t) ** 2; the sound is "
        "(0.3 * wave * envelope, 22050)",
    ],
)
def instrument(sound: Any) -> str:
    """An instrument of your own."""
    if not (isinstance(sound, tuple | list) and len(sound) == 2):
        raise WrongAnswer("Give the pair (waveform, sample_rate), such as (my_sound, 22050).")
    waveform, sample_rate = sound
    if not isinstance(sample_rate, int | np.integer) or not 8000 <= sample_rate <= 96_000:
        raise WrongAnswer(
            f"The sample rate is {sample_rate!r}; it must be a whole number from 8000 to 96000, "
            "such as 22050."
        )
    if not isinstance(waveform, np.ndarray) or waveform.ndim != 1:
        shape = f" of shape {np.shape(waveform)}" if isinstance(waveform, np.ndarray) else ""
        raise WrongAnswer(
            f"The waveform is a {type(waveform).__name__}{shape}; it must be a NumPy array of one "
            "dimension."
        )
    if waveform.dtype.kind != "f":
        raise WrongAnswer(
            f"The waveform holds {waveform.dtype}; it must hold real floats from -1 to 1."
        )
    duration_s = len(waveform) / sample_rate
    if not 0.5 <= duration_s <= 5:
        raise WrongAnswer(f"It lasts {duration_s:.2f} s; it must last 0.5 to 5 s.")
    _measure_level(waveform)
    partials = _partials(waveform, int(sample_rate))
    fundamental, harmonics = _fundamental(partials)
    if harmonics < 3:
        found = ", ".join(f"{frequency:.0f}" for frequency in partials[:6])
        raise WrongAnswer(
            f"Within 40 dB of the strongest partial there are partials at {found or 'no'} Hz; "
            f"multiples of one fundamental among them: {harmonics}. At least 3 are needed: add "
            "sines at 2, 3, … times the frequency."
        )
    return (
        f"It lasts {duration_s:.2f} s, its fundamental is {fundamental:.0f} Hz, and {harmonics} "
        "harmonics are within 40 dB of the strongest. Play it."
    )


def _measure_level(waveform: np.ndarray) -> None:
    """Raise WrongAnswer for NaN, clipping, silence and clicks."""
    bad = np.flatnonzero(~np.isfinite(waveform))
    if bad.size:
        raise WrongAnswer(f"{bad.size} samples are NaN or infinite, the first at index {bad[0]}.")
    peak = float(np.max(np.abs(waveform)))
    if peak > 1:
        raise WrongAnswer(f"Its peak is {peak:.2f}; above 1 it clips: divide by the peak.")
    level = float(_decibels(_rms(waveform)))
    if level <= -40:
        raise WrongAnswer(f"Its RMS is {level:.0f} dB; it must be above -40 dB to be heard well.")
    # Two samples, because a sine that starts at 0 without an envelope clicks as well.
    for name, edge in (("starts", waveform[:2]), ("ends", waveform[-2:])):
        edge_db = float(_decibels(np.max(np.abs(edge)) / peak))
        if edge_db > -40:
            raise WrongAnswer(
                f"It {name} at {edge_db:.0f} dB of its peak, which is heard as a click; it must "
                "be below -40 dB: multiply by an envelope that rises from 0 and ends at 0."
            )


def _partials(waveform: np.ndarray, sample_rate: int) -> list[float]:
    """Frequencies of the partials within 40 dB of the strongest, ascending, in Hz.

    Measured where the sound is loudest, over 0.4 s. A partial stands 20 dB above the median of the
    bins around it, which the maxima of noise do not.
    """
    length = int(0.4 * sample_rate)
    energy = np.concatenate([[0.0], np.cumsum(np.square(waveform, dtype=np.float64))])
    start = int(np.argmax(energy[length:] - energy[:-length]))
    # Zero padding to four times the length: peaks are found between the bins.
    windowed = waveform[start : start + length] * np.hanning(length)
    level = _decibels(np.abs(np.fft.rfft(windowed, 4 * length)) + 1e-12)
    bin_hz = sample_rate / (4 * length)
    lobe, around = int(10 / bin_hz), int(200 / bin_hz)
    found = []
    for peak in np.flatnonzero(level > level.max() - 40):
        frequency = peak * bin_hz
        nearby = level[max(peak - lobe, 0) : peak + lobe + 1]
        floor = np.median(level[max(peak - around, 0) : peak + around + 1])
        if frequency >= 25 and level[peak] == nearby.max() and level[peak] > floor + 20:
            found.append(float(frequency))
    return found


def _fundamental(partials: list[float]) -> tuple[float, int]:
    """The fundamental with the most harmonics among the partials: (Hz, how many harmonics).

    It need not be a partial itself (the missing fundamental); of equally good ones the highest.
    """
    best = (0.0, 0)
    for candidate in sorted({p / k for p in partials for k in (1, 2, 3, 4)}, reverse=True):
        ratios = [p / candidate for p in partials]
        harmonics = {round(r) for r in ratios if 1 <= round(r) <= 40 and abs(r - round(r)) < 0.04}
        if candidate >= 25 and len(harmonics) > best[1]:
            best = (candidate, len(harmonics))
    return best


notebook.set_quiz(
    Question(
        "A loudspeaker 3 m away plays a steady tone. What does the air between it and your ear do?",
        [
            Option(
                "It flows from the loudspeaker to the ear.",
                "That would be a wind. What travels the 3 m is the pattern of dense and thin, "
                "handed on from air to air; the air itself stays where it is, on average.",
            ),
            Option(
                "It moves up and down, as the curve does.",
                "The curve is a graph: its height is pressure, not a place. In air a sound wave "
                "is longitudinal; nothing moves across its direction.",
            ),
            Option(
                "It swings to and fro along the line from the loudspeaker to the ear.",
                "That is a longitudinal wave. It is drawn as a transverse curve because a graph of "
                "pressure is easy to read: crest for dense, trough for thin.",
                correct=True,
            ),
            Option(
                "It stands still; only its pressure changes.",
                "Pressure cannot rise at one place unless air moves in from beside it. The swing "
                "is small, though: at the level of talking, no more than the size of a virus.",
            ),
        ],
    ),
    Question(
        "You turn up the volume of a 440 Hz tone. What changes in the air?",
        [
            Option(
                "The pressure swings further, as often as before.",
                "Louder is a larger amplitude. The frequency, which you hear as pitch, stays.",
                correct=True,
            ),
            Option(
                "The pressure swings more often.",
                "Then you would hear a higher note: how often is the frequency, how far is the "
                "amplitude.",
            ),
            Option(
                "The wave travels faster.",
                "The speed of sound depends on the air, above all on its temperature; at these "
                "levels not on how loud the sound is.",
            ),
            Option(
                "The wavelength grows.",
                "The wavelength is c / f. Neither the speed nor the frequency has changed.",
            ),
        ],
    ),
    Question(
        "The RMS pressure of a sound doubles. What does its level do?",
        [
            Option(
                "It doubles, say from 60 to 120 dB.",
                "Decibels count ratios. 60 dB more would be a thousand times the pressure.",
            ),
            Option(
                "It rises by about 3 dB.",
                "3 dB is twice the power, 10 log₁₀ 2. Twice the pressure is four times the power.",
            ),
            Option(
                "It rises by about 6 dB.",
                "20 log₁₀ 2 = 6.02 dB, wherever it started.",
                correct=True,
            ),
            Option(
                "It rises by 10 dB.",
                "10 dB is 3.16 times the pressure, ten times the power. It is often said to sound "
                "about twice as loud, but that is hearing, not pressure.",
            ),
        ],
    ),
    Question(
        "A voice is recorded at a sample rate of 8 kHz, with an ideal low-pass filter in front of "
        "the sampling. What is lost for good?",
        [
            Option(
                "The curve between the samples: what comes back is stair steps.",
                "One curve only goes through the samples and has nothing above 4 kHz; sinc "
                "reconstruction gives exactly that one. The stair steps are a way of drawing.",
            ),
            Option(
                "What lies above 4 kHz; everything below it can be had back.",
                "Half the sample rate is the limit, and below it the samples hold everything. "
                "What is gone is most of the hiss that tells s from f, as on a telephone.",
                correct=True,
            ),
            Option(
                "What lies above 8 kHz.",
                "A sine needs more than two samples a period, so the limit is half the sample "
                "rate: 4 kHz.",
            ),
            Option(
                "The quietest sounds, at all frequencies.",
                "How quiet a sound may be is a matter of the bits per sample (and of dither), not "
                "of how often samples are taken.",
            ),
        ],
    ),
    Question(
        "Three sines of 400, 600 and 800 Hz sound together, equally strong. Which pitch do most "
        "listeners hear?",
        [
            Option(
                "That of 400 Hz, the lowest.",
                "The lowest partial is not always the pitch. 600 Hz would be no whole multiple of "
                "400 Hz, so the three do not fit a note of 400 Hz.",
            ),
            Option(
                "That of 600 Hz, the mean.",
                "The ear does not average frequencies: it looks for the note whose harmonics they "
                "could be.",
            ),
            Option(
                "That of 800 Hz, the highest.",
                "The higher partials colour the sound, its timbre; the pitch comes from all three "
                "together.",
            ),
            Option(
                "That of 200 Hz, although there is nothing at 200 Hz.",
                "They are harmonics 2, 3 and 4 of 200 Hz; their sum repeats 200 times a second: "
                "the missing fundamental. A telephone leaves out the fundamental of most men's "
                "voices, and you hear their pitch all the same.",
                correct=True,
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
