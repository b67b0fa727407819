import math

import numpy as np

from course_utils import features, signals
from course_utils.exercises.nb03 import evidence
from tests.exercises import Answers

RATE = 22_050


def frame_count(n_samples, n_fft, hop_length):
    """Number of whole frames."""
    ...


def frames_one_by_one(n_samples, n_fft, hop_length):
    count = 0
    while count * hop_length + n_fft <= n_samples:
        count += 1
    return count


def frames_with_if(n_samples, n_fft, hop_length):
    if n_samples < n_fft:
        return 0
    return (n_samples - n_fft) // hop_length + 1


def frames_rounded_up(n_samples, n_fft, hop_length):
    return max(0, math.ceil((n_samples - n_fft) / hop_length) + 1)


def frames_only_above(n_samples, n_fft, hop_length):
    return (n_samples - n_fft) // hop_length + 1 if n_samples > n_fft else 0


def choose(sample_rate, resolution_hz, step_s):
    """Window and hop, in samples."""
    ...


def choose_solution(sample_rate, resolution_hz, step_s):
    window = math.ceil(sample_rate / resolution_hz)
    return window, min(int(step_s * sample_rate), window // 2)


def choose_in_a_loop(sample_rate, resolution_hz, step_s):
    window = 1
    while sample_rate / window > resolution_hz:
        window += 1
    hop = window // 2
    while hop / sample_rate > step_s:
        hop -= 1
    return [window, hop]


def window_with(round_, sample_rate, resolution_hz, step_s):
    window = round_(sample_rate / resolution_hz)
    return window, min(math.floor(step_s * sample_rate), window // 2)


def hop_with(round_, sample_rate, resolution_hz, step_s):
    window = math.ceil(sample_rate / resolution_hz)
    return window, min(round_(step_s * sample_rate), window // 2)


def with_limit(longest, sample_rate, resolution_hz, step_s):
    window = math.ceil(sample_rate / resolution_hz)
    return window, min(math.floor(step_s * sample_rate), longest(window))


def choose_with_numpy(sample_rate, resolution_hz, step_s):
    window = np.ceil(sample_rate / resolution_hz)
    return np.array([window, np.floor(min(step_s * sample_rate, window / 2))])


def choose_fractions(sample_rate, resolution_hz, step_s):
    window = sample_rate / resolution_hz
    return window, min(step_s * sample_rate, window / 2)


def power_of_two(length):
    window = 1
    while window < length:
        window *= 2
    return window


def mel_and_back(frequency_hz, mel):
    """The mel of frequency_hz, and the Hz of mel."""
    ...


def to_mel(f):
    return 2595 * np.log10(1 + f / 700)


def triangle(frequencies_hz, low_hz, centre_hz, high_hz):
    """Weights of one triangular filter with height 1."""
    ...


def triangle_solution(f, low, centre, high):
    rising = (f - low) / (centre - low)
    falling = (high - f) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling))


def triangle_in_a_loop(frequencies_hz, low_hz, centre_hz, high_hz):
    weights = []
    for f in frequencies_hz:
        if low_hz < f <= centre_hz:
            weights.append((f - low_hz) / (centre_hz - low_hz))
        elif centre_hz < f < high_hz:
            weights.append((high_hz - f) / (high_hz - centre_hz))
        else:
            weights.append(0)
    return weights


def triangle_without_clip(f, low, centre, high):
    return np.minimum((f - low) / (centre - low), (high - f) / (high - centre))


def triangle_with_a_hole(f, low, centre, high):
    weights = np.zeros(len(f))
    left, right = (f > low) & (f < centre), (f > centre) & (f < high)
    weights[left] = (f[left] - low) / (centre - low)
    weights[right] = (high - f[right]) / (high - centre)
    return weights


def triangle_mirrored(f, low, centre, high):
    return triangle_solution(low + high - f, low, centre, high)


def triangle_with_if(f, low, centre, high):
    if f < centre:
        return (f - low) / (centre - low)
    return (high - f) / (high - centre)


def culprit(a, b):
    """The setting in which two mel spectrograms differ, from what is to be seen in them."""
    differs = ~np.isclose(a, b, rtol=1e-3).all(axis=1)
    if not differs[2:-2].any():
        return "padding"
    if (a / b).std(axis=0).max() < 1e-3:
        return "norm"
    return "scale" if np.mean(a.argmax(axis=1) != b.argmax(axis=1)) > 0.5 else "power"


def tones(rows, seconds=0.3):
    """A picture of dots, the top row highest."""
    length = round(seconds * RATE)
    sound = np.zeros(length * len(rows[0]))
    for r, row in enumerate(rows):
        for c, dot in enumerate(row):
            if dot == "1":
                tone = signals.tone(400 * (len(rows) - r), seconds, 0.1)
                sound[c * length : (c + 1) * length] += signals.fade(tone, RATE)
    return sound


def from_the_last_hint():
    sound = np.zeros(5 * 6615)
    for r, row in enumerate(["10001", "11011", "10101", "10001"]):
        for c, dot in enumerate(row):
            if dot == "1":
                sound[c * 6615 : (c + 1) * 6615] += signals.fade(
                    signals.tone(2000 - 400 * r, 0.3, 0.1), 22_050
                )
    return sound


def zigzag():
    legs = [signals.chirp(*ends, 0.4, amplitude=0.8) for ends in [(500, 4000), (4000, 500)]]
    return signals.fade(np.concatenate(legs * 2), RATE)


def with_nan():
    sound = zigzag()
    sound[7] = np.nan
    return sound


def click():
    sound = np.zeros(RATE)
    sound[RATE // 2] = 1.0
    return sound


# The names that fit each case; what the message says of the first one that does not.
SUSPICIONS = {
    ("scale", "power", "scale"): "Case 1 is something else. With two mel scales",
    ("norm", "power", "scale"): "Case 1 is something else. With two norms",
    ("power", "padding", "scale"): "Case 1 is something else. From power to magnitude",
    ("padding", "scale", "power"): "Case 2 is something else. With two mel scales",
    ("padding", "norm", "scale"): "Case 2 is something else. With two norms",
    ("padding", "power", "padding"): "Case 3 is something else. Padding is at the ends",
    ("scale", "norm", "padding"): "Case 1 is something else. With two mel scales",
}

ANSWERS = {
    "frame_count": Answers(
        solution=frames_with_if,
        stub=frame_count,
        also_right=[
            frames_one_by_one,
            lambda n, n_fft, hop: len(range(0, n - n_fft + 1, hop)),
            lambda n, n_fft, hop: max(0, np.floor((n - n_fft) / hop) + 1),
        ],
        wrong=[
            (lambda n, n_fft, hop: max(0, (n - n_fft) // hop), "add 1"),
            (lambda n, n_fft, hop: (n - n_fft) // hop, "add 1"),
            (lambda n, n_fft, hop: (n - n_fft) // hop + 1, "frame_count(1, 4, 1): got -2"),
            (lambda n, n_fft, hop: int((n - n_fft) / hop) + 1, "// goes down"),
            (lambda n, n_fft, hop: max(1, (n - n_fft) // hop + 1), "the count is 0, not 1"),
            (frames_only_above, "compare with <"),
            (frames_rounded_up, "For frame_count(7, 4, 2): got 3, expected 2. A frame that"),
            (lambda n, n_fft, hop: math.ceil((n - n_fft) / hop) + 1, "round down"),
            (lambda n, n_fft, hop: max(0, (n - n_fft) / hop + 1), "no third of a frame"),
            (lambda n, n_fft, hop: 1 + n // hop, "count with center=True"),
            (lambda n, n_fft, hop: n // hop, "hops in the signal"),
            (lambda n, n_fft, hop: n // n_fft, "do not overlap"),
            (features.frame_count, "got 5, expected 1"),
        ],
    ),
    "choose": Answers(
        solution=choose_solution,
        stub=choose,
        also_right=[choose_in_a_loop, choose_with_numpy],
        wrong=[
            (lambda *args: choose_solution(*args)[::-1], "changed places"),
            (lambda *args: window_with(int, *args), "Rounded down, the window is too short"),
            (lambda *args: window_with(round, *args), "Rounded to the nearest, the window"),
            (lambda *args: window_with(lambda x: int(x) + 1, *args), "one sample too many"),
            (lambda *args: window_with(power_of_two, *args), "power of two"),
            (choose_fractions, "whole number of samples"),
            (lambda *args: hop_with(math.ceil, *args), "A hop rounded up"),
            (lambda *args: hop_with(round, *args), "A hop rounded to the nearest"),
            (lambda *args: hop_with(float, *args), "A hop has a whole number"),
            (
                lambda fs, df, dt: (math.ceil(fs / df), min(dt * fs, math.ceil(fs / df) / 2)),
                "A hop has a whole number",
            ),
            (lambda fs, df, dt: (math.ceil(fs / df), int(dt * fs)), "Half of the window is miss"),
            (
                lambda *args: with_limit(lambda window: math.ceil(window / 2), *args),
                "an odd window",
            ),
            (lambda *args: with_limit(lambda window: window / 2, *args), "an odd window"),
            (lambda *args: with_limit(lambda window: window, *args), "not the whole"),
            (lambda fs, df, dt: (math.ceil(fs / df), math.ceil(fs / df) // 2), "at most; shorter"),
            (lambda fs, df, dt: (math.ceil(fs / df), dt), "The hop is in seconds"),
            (lambda fs, df, dt: math.ceil(fs / df), "got 10 (int), expected (10, 3)"),
        ],
    ),
    "mel_and_back": Answers(
        solution=lambda f, m: (to_mel(f), 700 * (10 ** (m / 2595) - 1)),
        stub=mel_and_back,
        also_right=[
            lambda f, m: [1127 * np.log(1 + f / 700), 700 * (np.exp(m / 1127) - 1)],
            lambda f, m: (features.hz_to_mel(f, "htk"), features.mel_to_hz(m, "htk")),
        ],
        wrong=[
            (lambda f, m: (700 * (10 ** (m / 2595) - 1), to_mel(f)), "changed places"),
            (
                lambda f, m: (2595 * np.log(1 + f / 700), 700 * (10 ** (m / 2595) - 1)),
                "natural logarithm",
            ),
            (
                lambda f, m: (2595 * np.log(1 + f / 700), 700 * (np.exp(m / 2595) - 1)),
                "and not np.exp",
            ),
            (
                lambda f, m: (1127 * np.log10(1 + f / 700), 700 * (10 ** (m / 2595) - 1)),
                "2595 goes with log10",
            ),
            (
                lambda f, m: (2595 * np.log10(f / 700), 700 * 10 ** (m / 2595)),
                "got 0, expected 781",
            ),
            (
                lambda f, m: (2595 * np.log10(f / 700), 700 * (10 ** (m / 2595) - 1)),
                "with it, 0 Hz is 0 mel",
            ),
            (
                lambda f, m: (2595 * np.log10((1 + f) / 700), 700 * (10 ** (m / 2595) - 1)),
                "Mind the brackets",
            ),
            (lambda f, m: (to_mel(f), 700 * (np.exp(m / 2595) - 1)), "10 undoes log10"),
            (lambda f, m: (to_mel(f), 700 * 10 ** (m / 2595)), "the 1 has to be taken off"),
            (lambda f, m: (to_mel(f), 700 * 10 ** (m / 2595) - 1), "first take 1 off"),
            (lambda f, m: (to_mel(f), 700 * 10 ** (m / 2595 - 1)), "not in the exponent"),
            (lambda f, m: (to_mel(f), 10 ** (m / 2595) - 1), "the 700 is missing"),
            (lambda f, m: (to_mel(f), f), "of the argument mel"),
            (lambda f, m: (features.hz_to_mel(f), features.mel_to_hz(m)), "Slaney"),
            (lambda f, m: to_mel(f), "(float64), expected (781.17"),
        ],
    ),
    "triangle": Answers(
        solution=triangle_solution,
        stub=triangle,
        also_right=[
            triangle_in_a_loop,
            lambda f, low, centre, high: np.interp(f, [low, centre, high], [0, 1, 0]),
            lambda *args: triangle_solution(*args).astype(np.float32),
        ],
        wrong=[
            (triangle_without_clip, "go on below 0"),
            (
                lambda f, low, centre, high: np.where(
                    f < centre, (f - low) / (centre - low), (high - f) / (high - centre)
                ),
                "go on below 0",
            ),
            (
                lambda f, low, centre, high: np.maximum(
                    0, np.maximum((f - low) / (centre - low), (high - f) / (high - centre))
                ),
                "minimum, not maximum",
            ),
            (
                lambda f, low, centre, high: np.clip((f - low) / (centre - low), 0, 1),
                "It rises and does not fall",
            ),
            (
                lambda f, *edges: np.where(f > edges[1], 0, triangle_solution(f, *edges)),
                "The half above centre_hz is missing",
            ),
            (triangle_with_a_hole, "The tip is missing"),
            (triangle_mirrored, "Mirrored"),
            (
                lambda f, low, centre, high: np.maximum(0, 1 - abs(f - centre) / (centre - low)),
                "different slopes",
            ),
            (
                lambda f, low, centre, high: (
                    np.maximum(0, np.minimum(f - low, high - f)) / (high - low)
                ),
                "by the whole width",
            ),
            (
                lambda f, *edges: triangle_solution(f, *edges) * 2 / (edges[2] - edges[0]),
                "Slaney's norm",
            ),
            (
                lambda f, *edges: (
                    triangle_solution(f, *edges) / max(triangle_solution(f, *edges).sum(), 1e-9)
                ),
                "divided by their sum",
            ),
            (lambda f, low, centre, high: np.where((f < low) | (f > high), 0, 1), "1 everywhere"),
            (triangle_with_if, "truth value of an array"),
            (lambda *args: 0.9 * triangle_solution(*args), "got [0, 0, 0.9, 0.45, 0, 0], expected"),
        ],
    ),
    "detective": Answers(
        solution=[culprit(a, b) for a, b in evidence()],
        stub=None,
        also_right=[["padding", "power", "scale"], ("padding", "power", "scale")],
        wrong=[
            *((list(names), help_) for names, help_ in SUSPICIONS.items()),
            (["padding", "power"], "It is not ['padding', 'power']."),
            ("padding", "The answer is to be a list, not a text"),
            (["padding", "magnitude", "scale"], "It is not ['padding', 'magnitude', 'scale']."),
        ],
    ),
    "drawing": Answers(
        solution=tones(["10001", "11011", "10101", "10001"]),
        stub=None,
        also_right=[
            from_the_last_hint(),
            tones(["100", "100", "100", "111"], seconds=0.5),
            tones(["010", "101", "111", "101"], seconds=0.4).astype(np.float32),
            zigzag(),
        ],
        wrong=[
            ((zigzag(), RATE), "The sound is a tuple"),
            (zigzag().tolist(), "The sound is a list"),
            (np.stack([zigzag(), zigzag()]), "of shape (2, 35280)"),
            ((zigzag() * 32767).astype(np.int16), "The sound holds int16"),
            (zigzag()[:20_000], "it lasts 0.91 s"),
            (np.tile(zigzag(), 4), "it lasts 6.40 s"),
            (with_nan(), "NaN or infinite, the first at index 7"),
            (2 * zigzag(), "Its peak is 1.60"),
            (np.zeros(RATE), "as good as silent"),
            (signals.noise(2.0, rng=1), "Only 2 % of its spectrogram is 30 dB"),
            (signals.tone(440, 2.0, 0.5), "bands (200 Hz each): 2"),
            (click(), "pieces of time (0.1 s each): 2"),
        ],
    ),
}
