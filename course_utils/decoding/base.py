"""What all decoders have in common: the form of an answer, and how a language model is asked."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple, Protocol


class Hypothesis(NamedTuple):
    """One possible answer.

    Attributes:
        tokens: the labelling, without blanks, start and end.
        score: natural log of its probability, plus the language model's share; higher is better.
    """

    tokens: list[int]
    score: float


class LanguageModel(Protocol):
    """What a decoder asks of a language model, token by token of the decoder's own tokens.

    `language.TokenModel` and `language.Lexicon` are two. A score of -inf forbids the token,
    whatever the model's weight.

    Attributes:
        separator: the token that ends a word, for a model of words; None where each token counts
            by itself. The decoder's bonus `beta` is given once a word or once a token.
    """

    separator: int | None

    def start(self) -> Hashable:
        """The state before the first token."""

    def score(self, state: Hashable, token: int) -> tuple[float, Hashable]:
        """Natural log of the token's probability after what the state remembers, and what then."""

    def end(self, state: Hashable) -> float:
        """Natural log of the probability that the text ends here."""
