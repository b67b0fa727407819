"""Text as tokens: a recogniser writes numbers, a reader wants letters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

BLANK = 0  # CTC's "nothing new here"; no symbol has this number
BLANK_SIGN = "-"  # how the blank is written in pictures and paths


class Alphabet:
    """The symbols that a recogniser can write, numbered from 1; 0 is CTC's blank.

    A symbol is one character, or, with a `separator`, a word or another unit of several characters.
    """

    def __init__(self, symbols: Iterable[str], separator: str = "") -> None:
        """Number the symbols in their order.

        Args:
            symbols: a string of characters, or a list of units; no doubles.
            separator: what stands between two units of a text: "" for characters, " " for words.

        Raises:
            ValueError: no symbol, an empty one, one that comes twice, one that holds the separator,
                or one of several characters without a separator.
        """
        self.symbols = tuple(symbols)
        self.separator = separator
        if not self.symbols:
            raise ValueError("an alphabet needs at least one symbol")
        self._numbers = {symbol: number for number, symbol in enumerate(self.symbols, start=1)}
        if len(self._numbers) < len(self.symbols):
            doubles = sorted({s for s in self.symbols if self.symbols.count(s) > 1})
            raise ValueError(f"symbols that come twice: {doubles}")
        for symbol in self.symbols:
            if not symbol or (separator and separator in symbol):
                raise ValueError(f"not a symbol between separators {separator!r}: {symbol!r}")
            if not separator and len(symbol) > 1:
                raise ValueError(
                    f"the symbol {symbol!r} has several characters: give a separator, "
                    f'for instance Alphabet(words, separator=" ")'
                )

    @classmethod
    def of(cls, texts: Iterable[str], separator: str = "") -> Alphabet:
        """The alphabet of all symbols in some texts, sorted.

        Raises:
            ValueError: `texts` is one string, or there is no symbol in them.
        """
        if isinstance(texts, str):
            raise ValueError("texts must be a list of strings, got one string")
        found = {unit for text in texts for unit in _units(text, separator)}
        return cls(sorted(found), separator)

    @property
    def size(self) -> int:
        """How many tokens a CTC model has to tell apart: the symbols and the blank."""
        return len(self.symbols) + 1

    @property
    def names(self) -> list[str]:
        """What each token is called, the blank included: names[token]."""
        return [BLANK_SIGN, *("␣" if symbol == " " else symbol for symbol in self.symbols)]

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, each from 1 to `size` - 1.

        Raises:
            ValueError: the text holds what is not in the alphabet; the message names it.
        """
        units = _units(text, self.separator)
        foreign = sorted({unit for unit in units if unit not in self._numbers})
        if foreign:
            raise ValueError(
                f"not in the alphabet: {foreign} in {text!r}; the alphabet is {self.symbols}. "
                f"Spell it out or leave it out before encoding (digits as words, lower case)"
            )
        return [self._numbers[unit] for unit in units]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of a labelling; a path of frames is to be collapsed first.

        Raises:
            ValueError: a token is the blank or outside of the alphabet.
        """
        for token in tokens:
            if not BLANK < token < self.size:
                what = "the blank: collapse the path first" if token == BLANK else "no token"
                raise ValueError(f"{token} is {what}; tokens are 1 to {self.size - 1}")
        return self.separator.join(self.symbols[token - 1] for token in tokens)

    def __repr__(self) -> str:
        """What it holds."""
        shown = "".join(self.symbols) if not self.separator else " ".join(self.symbols)
        return f"<alphabet of {len(self.symbols)} and the blank: {shown!r}>"


def _units(text: str, separator: str) -> list[str]:
    """The text cut into symbols; several separators in a row are one."""
    return [unit for unit in text.split(separator) if unit] if separator else list(text)
