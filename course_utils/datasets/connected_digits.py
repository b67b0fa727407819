"""Strings of digits, joined on the fly from single digits of one speaker.

Real voices, artificial joins: nothing runs into its neighbour as it does when a person says a
telephone number. In return it is known to the sample where every digit lies.
"""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np

from course_utils.datasets.drawn import check_count, check_range, place_of
from course_utils.datasets.items import Corpus, Table, Utterance, Word

FADE_S = 0.002  # a recording with an offset would click where it is joined to silence


class ConnectedDigits:
    """A sequence of `Utterance`, made when asked for; item i depends on `seed` and i alone.

    A speaker is drawn, then how many digits, then each digit, one of this speaker's recordings of
    it, and the silence before it; a last silence follows. A map-style dataset for torch as well.
    """

    def __init__(
        self,
        corpus: Corpus,
        count: int,
        digits: tuple[int, int] = (2, 5),
        gap_s: tuple[float, float] = (0.05, 0.25),
        seed: int = 0,
    ) -> None:
        """Look through the corpus; no file is opened yet.

        Args:
            corpus: recordings of single words (the bundled digits, FSDD, or a part of one).
            count: how many utterances there are, at least 1.
            digits: fewest and most digits an utterance, both included.
            gap_s: shortest and longest silence in seconds, before, between and after digits.
            seed: not negative; another seed gives other utterances.

        Raises:
            ValueError: the corpus is empty or holds texts of several words, or an argument is out
                of range.
        """
        self.count, self.seed = check_count(count, seed)
        fewest, most = check_range(digits, "digits", Integral, "(2, 5)")
        if fewest < 1:
            raise ValueError(f"digits must start at 1 or more, got {digits!r}")
        shortest, longest = check_range(gap_s, "gap_s", Real, "(0.05, 0.25)")
        if not 0 <= shortest <= longest < np.inf:
            raise ValueError(f"gap_s must be seconds from 0 on, got {gap_s!r}")
        if len(corpus) == 0:
            raise ValueError(f"corpus {corpus.name} is empty: there is nothing to join")
        self.corpus = corpus
        self.digits, self.gap_s = (fewest, most), (float(shortest), float(longest))
        self._takes: dict[str, dict[str, list[int]]] = {}
        for index, row in enumerate(corpus.table):
            if len(row["text"].split()) != 1:
                raise ValueError(
                    f"only recordings of one word can be joined, but {row['id']} of {corpus.name} "
                    f"says {row['text']!r}"
                )
            words = self._takes.setdefault(row["speaker"], {})
            words.setdefault(row["text"], []).append(index)

    def __len__(self) -> int:
        """How many utterances there are."""
        return self.count

    def __repr__(self) -> str:
        """What is joined, and how."""
        return (
            f"<connected {self.corpus.name}: {self.count:,} utterances of {self.digits[0]} to "
            f"{self.digits[1]} digits, {len(self._takes)} speakers, seed {self.seed}>"
        )

    def __getitem__(self, index: int) -> Utterance:
        """Utterance `index`, its `words` saying where each digit lies.

        Raises:
            IndexError: there is no such utterance.
            ValueError, OSError: a recording cannot be read, or has another rate than the first;
                the message names the file.
        """
        place, speaker, takes, gaps = self._plan(index)
        pieces, words, samples, rate = [], [], 0, 0
        for take, gap in zip(takes, gaps, strict=False):
            digit = self.corpus[take]
            rate = rate or digit.sample_rate
            if digit.sample_rate != rate:
                raise ValueError(
                    f"{self.corpus.path(take)}: {digit.sample_rate} Hz, the digit before: {rate} Hz"
                )
            silence = round(gap * rate)
            start, end = samples + silence, samples + silence + digit.waveform.size
            pieces += [np.zeros(silence, np.float32), _faded(digit.waveform, rate)]
            words.append(Word(digit.text, start / rate, end / rate))
            samples = end
        pieces.append(np.zeros(round(gaps[-1] * rate), np.float32))
        text = " ".join(word.text for word in words)
        name = f"{self.seed}-{place:06d}"
        return Utterance(np.concatenate(pieces), rate, text, speaker, name, tuple(words))

    @property
    def table(self) -> Table:
        """What each utterance will be: id, text, speaker; no sound is read."""
        rows = Table()
        for index in range(self.count):
            _, speaker, takes, _ = self._plan(index)
            text = " ".join(self.corpus.table[take]["text"] for take in takes)
            rows.append({"id": f"{self.seed}-{index:06d}", "text": text, "speaker": speaker})
        return rows

    def _plan(self, index: int) -> tuple[int, str, list[int], np.ndarray]:
        """Place from the start, speaker, rows to join, and the silences around them in seconds."""
        place = place_of(index, self.count, "utterances")
        rng = np.random.default_rng((self.seed, place))
        speaker = sorted(self._takes)[rng.integers(len(self._takes))]
        words = sorted(self._takes[speaker])
        takes = []
        for _ in range(rng.integers(self.digits[0], self.digits[1] + 1)):
            recordings = self._takes[speaker][words[rng.integers(len(words))]]
            takes.append(recordings[rng.integers(len(recordings))])
        return place, speaker, takes, rng.uniform(*self.gap_s, size=len(takes) + 1)


def _faded(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """The waveform with its ends brought to zero within `FADE_S`."""
    length = min(round(FADE_S * sample_rate), waveform.size // 2)
    faded = waveform.copy()
    ramp = np.arange(length, dtype=np.float32) / max(length, 1)
    faded[:length] *= ramp
    faded[waveform.size - length :] *= ramp[::-1]
    return faded
