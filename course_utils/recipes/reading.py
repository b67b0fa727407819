"""What a recogniser read in a sound: its text, when each word came, how sure it is, what else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from course_utils import ctc, decoding, language, metrics
from course_utils.datasets.text import Alphabet
from course_utils.recipes import recognition
from course_utils.recipes.recognition import Recogniser
from course_utils.recipes.spelling import Speller

ALPHA, BETA = 0.5, 1.0  # as `recognition.with_words`
READ = 0.2  # this share of what was looked at for a word lies before its start, as much behind


class Word(NamedTuple):
    """One word that was written.

    Attributes:
        text: the word.
        start_s: when it begins, in seconds.
        end_s: when it ends.
        confidence: 0 to 1; share of the beam's texts, weighed by their probability, that have this
            word at this place. An opinion of the model about itself, as honest as the model knows
            the kind of sound that it hears.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float


class Reading(NamedTuple):
    """What was read in a sound.

    Attributes:
        text: the best text.
        words: its words.
        nbest: the best texts, each with its share of the probability of all that were in the beam.
    """

    text: str
    words: list[Word]
    nbest: list[tuple[str, float]]


Reader = Callable[[np.ndarray, int], Reading]


def reader(
    recogniser: Recogniser | Speller,
    sentences: Iterable[str] | None = None,
    beam_size: int = 16,
    top: int = 5,
) -> Reader:
    """A function that reads (waveform, sample_rate); another rate than the recipe's is resampled.

    It searches with a beam. Where each word lies is told by the best path of the text (CTC), or by
    where the speller looked: from 20 to 80 % of a word's attention.

    Args:
        recogniser: of `recipes.recognition` or `recipes.spelling`.
        sentences: for a CTC model of characters: only their words may be written, and their trigram
            says how likely each is, as in `recognition.with_words`.
        beam_size: texts that are kept.
        top: how many texts a `Reading` holds at most.

    Raises:
        ValueError: sentences for a speller or a model of words, a word in them that the alphabet
            can't spell, or a number out of range. The reader: as `Recogniser.log_probs`.
    """
    for name, value in (("beam_size", beam_size), ("top", top)):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    alphabet = recogniser.alphabet
    lm = None
    if sentences is not None:
        if isinstance(recogniser, Speller):
            raise ValueError("sentences are for a CTC model: a speller knows its texts already")
        parts = [sentence.split() for sentence in sentences]
        words = sorted({word for part in parts for word in part})
        lm = language.Lexicon(words, alphabet, language.kneser_ney(parts, 3))

    def read_ctc(waveform: np.ndarray, sample_rate: int) -> Reading:
        log_probs = recogniser.log_probs(waveform, sample_rate, resample=True)
        weights = {} if lm is None else {"lm": lm, "alpha": ALPHA, "beta": BETA}
        found = decoding.prefix_beam_search(log_probs, beam_size, top=beam_size, **weights)
        if not found:  # no sentence of known words was left in the beam
            found = [decoding.Hypothesis(decoding.greedy(log_probs[None])[0], 0.0)]
        spans = _spans(log_probs, found[0].tokens, recogniser.frame_s)
        return _reading(found, spans, alphabet, len(waveform) / sample_rate, top)

    def read_speller(waveform: np.ndarray, sample_rate: int) -> Reading:
        sound = recogniser.recipe.sound
        x = recognition.heard(waveform, sample_rate, sound, resample=True)
        x = x.to(next(recogniser.model.parameters()).device)
        found = decoding.attention_beam_search(
            recogniser.model, x, beam_size=beam_size, top=beam_size
        )[0]
        text = alphabet.decode(found[0].tokens)
        look = recogniser.look(waveform, sample_rate, text, resample=True)
        spans = [_looked(weights, recogniser.frame_s) for weights in look.attention[:-1]]
        return _reading(found, spans, alphabet, len(waveform) / sample_rate, top)

    return read_speller if isinstance(recogniser, Speller) else read_ctc


def _spans(log_probs: Tensor, tokens: list[int], frame_s: float) -> list[tuple[float, float]]:
    """From when to when each token is written; a row of the output stands in the middle of it."""
    spans = ctc.forced_align(log_probs, tokens)
    return [((span.start - 0.5) * frame_s, (span.end - 0.5) * frame_s) for span in spans]


def _looked(weights: np.ndarray, frame_s: float) -> tuple[float, float]:
    """From when to when a token's attention lies, its outermost shares left out."""
    total = np.concatenate([[0.0], np.cumsum(weights)])
    ends = np.interp([READ * total[-1], (1 - READ) * total[-1]], total, np.arange(len(total)))
    return tuple(float(end * frame_s) for end in ends)


def _reading(
    found: Sequence[decoding.Hypothesis],
    spans: Sequence[tuple[float, float]],
    alphabet: Alphabet,
    duration_s: float,
    top: int,
) -> Reading:
    """Texts of a beam, the best first, and the seconds of the best one's tokens."""
    scores = np.array([one.score for one in found])
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    texts: dict[str, float] = {}
    for one, share in zip(found, shares.tolist(), strict=True):
        text = " ".join(alphabet.decode(one.tokens).split())
        texts[text] = texts.get(text, 0.0) + share
    best = next(iter(texts))
    words = [
        Word(text, *(min(max(0.0, s), duration_s) for s in place), min(1.0, confidence))
        for (text, place), confidence in zip(
            _words(found[0].tokens, spans, alphabet), confidences(best, texts), strict=True
        )
    ]
    nbest = sorted(texts.items(), key=lambda pair: (pair[0] != best, -pair[1]))
    return Reading(best, words, nbest[:top])


def _words(
    tokens: Sequence[int], spans: Sequence[tuple[float, float]], alphabet: Alphabet
) -> list[tuple[str, tuple[float, float]]]:
    """Words and their seconds, from tokens that are words, or letters with spaces between them."""
    symbols = [alphabet.symbols[token - 1] for token in tokens]
    if alphabet.separator:
        return list(zip(symbols, spans, strict=True))
    found, letters = [], []
    for symbol, span in [*zip(symbols, spans, strict=True), (" ", (0.0, 0.0))]:
        if symbol != " ":
            letters.append((symbol, span))
        elif letters:
            text = "".join(letter for letter, _ in letters)
            found.append((text, (letters[0][1][0], letters[-1][1][1])))
            letters = []
    return found


def confidences(text: str, texts: dict[str, float]) -> list[float]:
    """For each word of a text, the summed share of those texts that have it at the same place.

    Args:
        text: one of `texts`, as a rule the best.
        texts: text to its share of the probability; the shares sum to 1.

    Source: Evermann and Woodland (2000), https://doi.org/10.1109/ICASSP.2000.862067, who sum over a
        lattice; here the texts of a beam stand for it.
    """
    words = text.split()
    found = [0.0] * len(words)
    for other, share in texts.items():
        place = 0
        for mine, theirs in metrics.alignment(words, other.split()):
            if mine is not None:
                found[place] += share * (mine == theirs)
                place += 1
    return found
