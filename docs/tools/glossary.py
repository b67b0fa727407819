"""The terms of the course, collected from its notebooks: English, Korean, symbol, unit, first use.

A notebook writes a term in bold where it is first used, with its Korean name in brackets:
`**beats** (맥놀이)`, with an abbreviation `**out-of-vocabulary** (미등록어, OOV)`, or inside the
brackets: `(**dropout**, 드롭아웃)`. Symbols and units come from docs/site/symbols.csv; a test finds
each symbol in a formula of the notebook that introduces the term.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SYMBOLS = ROOT / "docs" / "site" / "symbols.csv"
HANGUL = re.compile(r"[가-힣]")
# Written with a capital anywhere; other terms have one only where they begin a sentence.
PROPER = ("Nyquist", "Parseval", "Transformer")
NAMES = r"[^();:]*[가-힣][^();:]*?"
TERM = re.compile(
    rf"\*\*(?P<bold>[^*]+)\*\*\s*\((?P<after>{NAMES})\s*[();:]"  # **beats** (맥놀이)
    rf"|\((?:an? |the )?\*\*(?P<inner>[^*]+)\*\*,\s*(?P<within>{NAMES})\s*[();:]"
)


@dataclass(frozen=True)
class Term:
    """One term, as its first use has it."""

    english: str
    korean: str
    short: str  # abbreviation or full name that stands in the same brackets, or ""
    notebook: str  # file name without suffix
    start: int  # of the bold text, in its cell
    cell: int

    @property
    def anchor(self) -> str:
        """Name of the place in the notebook's page."""
        return "term-" + re.sub(r"[^a-z0-9]+", "-", self.english.lower()).strip("-")


def terms_in(text: str) -> Iterator[tuple[str, str, str, int, int]]:
    """Terms of a markdown cell: English, Korean, what else the brackets hold, start and end."""
    for found in TERM.finditer(text):
        english = " ".join((found["bold"] or found["inner"]).split())
        if english[1:2].islower() and not english.startswith(PROPER):
            english = english[0].lower() + english[1:]
        pieces = [" ".join(x.split()) for x in re.split(",", found["after"] or found["within"])]
        korean = [piece for piece in pieces if HANGUL.search(piece)]
        rest = [x.removeprefix("also ") for x in pieces if not HANGUL.search(x) and x[:1] != "["]
        # In "**6 dB a bit** (SNR is the signal-to-noise ratio, ...)" the brackets hold the term.
        if rest and (told := re.fullmatch(r"(\w+) is the (.+)", rest[0])):
            rest, english = [told[1]], told[2]
        start = found.start("bold") if found["bold"] else found.start("inner")
        yield english, ", ".join(korean), ", ".join(filter(None, rest)), start - 2, found.end()


def collect(folder: Path = ROOT / "notebooks") -> list[Term]:
    """Every term once, where it is first used, in the order of the course."""
    found: dict[str, Term] = {}
    for path in sorted(folder.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for number, cell in enumerate(cells):
            if cell["cell_type"] != "markdown":
                continue
            for english, korean, short, start, _ in terms_in("".join(cell["source"])):
                term = Term(english, korean, short, path.stem, start, number)
                found.setdefault(english.lower(), term)
    return list(found.values())


@cache
def collect_cached() -> tuple[Term, ...]:
    """What `collect` finds in the repository, read once."""
    return tuple(collect())


def symbols(path: Path = SYMBOLS) -> dict[str, tuple[str, str]]:
    """Symbol (TeX, or "") and unit (or "") of terms, by the term in small letters."""
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["term"].lower(): (row["symbol"], row["unit"]) for row in csv.DictReader(stream)}


def table(terms: list[Term], folder: str = "notebooks") -> str:
    """The glossary as a markdown table, in the order of the alphabet."""
    known = symbols()
    lines = ["| English | 한국어 | Symbol | Unit | First use |", "|---|---|---|---|---|"]
    for term in sorted(terms, key=lambda term: term.english.lower()):
        symbol, unit = known.get(term.english.lower(), ("", ""))
        english = term.english + (f" ({term.short})" if term.short else "")
        # HTML, since Sphinx does not know of places inside a paragraph.
        where = f'<a href="{folder}/{term.notebook}.html#{term.anchor}">{term.notebook[:2]}</a>'
        formula = symbol.replace("|", r"\vert ")  # a bar would end the cell
        symbol = f"${formula}$" if symbol else ""
        lines.append(f"| {english} | {term.korean} | {symbol} | {unit} | {where} |")
    return "\n".join(lines)
