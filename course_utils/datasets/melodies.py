"""Melodies made from formulas: a sequence of notes to hear, their names to be written down.

As with connected digits it is known to the sample where every note lies; unlike them, a melody
costs a millisecond, so there are as many as one wants.
"""

from __future__ import annotations

from numbers import Integral

import numpy as np

from course_utils import features, signals
from course_utils.datasets.drawn import check_count, check_range, place_of
from course_utils.datasets.items import Utterance, Word

SAMPLE_RATE = 8000  # Hz
# The white keys from C5 to C6, as ABC notation names them: c is the octave of C.
NOTES = ("C", "D", "E", "F", "G", "A", "B", "c")
FREQUENCIES_HZ = dict(
    zip(NOTES, signals.note_frequency([3, 5, 7, 8, 10, 12, 14, 15]).tolist(), strict=True)
)
# Amplitudes of the harmonics of each instrument.
INSTRUMENTS = {
    "flute": (1.0, 0.25, 0.08),
    "clarinet": (1.0, 0.05, 0.5),
    "string": (1.0, 0.5, 0.33, 0.25),
    "music box": (1.0, 0.0, 0.0, 0.35),
}
FRAME_S = 0.02  # seconds from one frame of the features to the next
N_MELS = 40
_FLOOR = 1e-3  # power of a band that counts as silence


class Melodies:
    """A sequence of `Utterance`, made when asked for; item i depends on `seed` and i alone.

    Drawn for each melody: the instrument (as `speaker`), the tempo, the number of notes; for each
    note, one of the eight, its length, its loudness and the small gap before it. Notes may repeat.
    """

    def __init__(self, count: int, notes: tuple[int, int] = (2, 12), seed: int = 0) -> None:
        """Choose how many melodies there are and how long they may be; none is made yet.

        Args:
            count: how many melodies, at least 1.
            notes: fewest and most notes a melody, both included.
            seed: not negative; another seed gives other melodies.

        Raises:
            ValueError: an argument is out of range.
        """
        self.count, self.seed = check_count(count, seed)
        self.notes = check_range(notes, "notes", Integral, "(2, 12)")
        if self.notes[0] < 1:
            raise ValueError(f"notes must start at 1 or more, got {notes!r}")

    def __len__(self) -> int:
        """How many melodies there are."""
        return self.count

    def __repr__(self) -> str:
        """How many, how long, which."""
        fewest, most = self.notes
        return f"<{self.count:,} melodies of {fewest} to {most} notes, seed {self.seed}>"

    def __getitem__(self, index: int) -> Utterance:
        """Melody `index`: `text` the names of its notes, `words` where each of them lies.

        Raises:
            IndexError: there is no such melody.
        """
        place = place_of(index, self.count, "melodies")
        rng = np.random.default_rng((self.seed, place))
        instrument = str(rng.choice(list(INSTRUMENTS)))
        names = rng.choice(NOTES, size=rng.integers(self.notes[0], self.notes[1] + 1)).tolist()
        beat_s = rng.uniform(0.09, 0.16)
        lengths_s = beat_s * rng.choice([1, 1.5, 2], size=len(names))
        gaps_s = rng.uniform(0.03, 0.08, size=len(names) + 1)
        loudness = rng.uniform(0.4, 1.0, size=len(names))
        return _played(
            f"{self.seed}-{place:06d}", instrument, names, lengths_s, gaps_s, loudness, rng
        )


def _played(
    name: str,
    instrument: str,
    names: list[str],
    lengths_s: np.ndarray,
    gaps_s: np.ndarray,
    loudness: np.ndarray,
    rng: np.random.Generator,
) -> Utterance:
    """The notes one after the other, over a little noise."""
    starts_s = np.cumsum(gaps_s[:-1]) + np.concatenate([[0], np.cumsum(lengths_s)[:-1]])
    total_s = gaps_s.sum() + lengths_s.sum()
    x = signals.noise(total_s, level=0.001, sample_rate=SAMPLE_RATE, rng=rng)
    words = []
    for note, start_s, length_s, level in zip(names, starts_s, lengths_s, loudness, strict=True):
        wave = note_wave(note, length_s, instrument, 0.4 * level)
        first = round(start_s * SAMPLE_RATE)
        wave = wave[: len(x) - first]
        x[first : first + len(wave)] += wave
        words.append(Word(note, first / SAMPLE_RATE, (first + len(wave)) / SAMPLE_RATE))
    return Utterance(x, SAMPLE_RATE, " ".join(names), instrument, name, tuple(words))


def note_wave(note: str, duration_s: float, instrument: str, amplitude: float = 0.4) -> np.ndarray:
    """One note: a steep attack, a sound that dies away, the harmonics of an instrument.

    Args:
        note: one of `NOTES`.
        duration_s: in seconds, at least 0.05.
        instrument: one of `INSTRUMENTS`.
        amplitude: peak of the envelope; 1 is full scale.

    Returns:
        Waveform, float32 `(samples,)`.

    Raises:
        ValueError: there is no such note or instrument, or the note is too short.
    """
    for name, value, known in (
        ("note", note, NOTES),
        ("instrument", instrument, INSTRUMENTS),
    ):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    harmonics = np.array(INSTRUMENTS[instrument])
    wave = signals.complex_wave(
        FREQUENCIES_HZ[note], harmonics / harmonics.sum(), None, duration_s, SAMPLE_RATE
    )
    decay = np.exp(-4.0 * np.arange(len(wave)) / SAMPLE_RATE)
    return signals.fade(amplitude * decay * wave, SAMPLE_RATE, 0.01)


def log_mel(waveform: np.ndarray) -> np.ndarray:
    """What the networks see of a melody: 40 mel bands every 20 ms, 0 where it is silent.

    Args:
        waveform: `(samples,)` at `SAMPLE_RATE`.

    Returns:
        float32 `(frames, 40)`, a quarter of the logarithm of power over a floor; not negative.
        Frame t is centred on second t · `FRAME_S`.
    """
    hop = round(FRAME_S * SAMPLE_RATE)
    log_power = features.log_mel(waveform, SAMPLE_RATE, 512, hop, N_MELS, floor=_FLOOR)
    return (log_power - np.log(np.float32(_FLOOR))) / 4
