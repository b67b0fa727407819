"""What every corpus gives: utterances, and a corpus as a sequence of them with a table."""

from __future__ import annotations

import html
import operator
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_utils import audio


class Word(NamedTuple):
    """One word of an utterance and where it lies."""

    text: str
    start_s: float
    end_s: float


class Utterance(NamedTuple):
    """One recording with what is known about it.

    Attributes:
        waveform: float32 `(samples,)`, full scale [-1, 1].
        sample_rate: in Hz.
        text: what is said (or heard): lowercase words, digits as words.
        speaker: who says it; splits must not share speakers.
        id: unique within its corpus.
        words: each word with its start and end in seconds, where the corpus knows them.
    """

    waveform: np.ndarray
    sample_rate: int
    text: str
    speaker: str
    id: str
    words: tuple[Word, ...] = ()


class Table(list[dict[str, Any]]):
    """Rows of a corpus: a list of dicts that a notebook shows as a table."""

    SHOWN = 10

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        columns = list(self[0]) if self else []
        return columns, [[str(row.get(c, "")) for c in columns] for row in self[: self.SHOWN]]

    def _footer(self) -> str:
        shown = min(self.SHOWN, len(self))
        return f"{len(self):,} rows" + (f", the first {shown} shown" if shown < len(self) else "")

    def __repr__(self) -> str:
        """The first rows as aligned text."""
        columns, rows = self._cells()
        widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in [columns, *rows]
        ]
        return "\n".join([*lines, self._footer()])

    def _repr_html_(self) -> str:
        columns, rows = self._cells()
        head = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<p>{self._footer()}</p>"
        )


class Corpus:
    """A sequence of utterances whose sound is read from its file only when it is asked for.

    `corpus[3]` is an `Utterance`, `corpus[10:20]` a smaller corpus, `corpus.table` the rows. It is
    a map-style dataset as well: torch's DataLoader takes it as it is.
    """

    REQUIRED = ("id", "file", "text", "speaker")

    def __init__(self, name: str, folder: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        """Keep the rows; no file is opened yet.

        Args:
            name: shown by `repr`, for instance "digits".
            folder: where the rows' files lie.
            rows: one mapping per utterance with at least `id`, `file` (relative to `folder`, parts
                joined by "/"), `text` and `speaker`; the same keys in each row.

        Raises:
            ValueError: a row lacks one of these keys, or two rows share an id.
        """
        self.name = name
        self.folder = Path(folder)
        self.table = Table(dict(row) for row in rows)
        for number, row in enumerate(self.table):
            if missing := [key for key in self.REQUIRED if key not in row]:
                raise ValueError(
                    f"row {number} of corpus {name} has no {', '.join(missing)}: {row}"
                )
        if len({row["id"] for row in self.table}) < len(self.table):
            raise ValueError(f"two rows of corpus {name} have the same id")

    def __len__(self) -> int:
        """How many utterances there are."""
        return len(self.table)

    def __getitem__(self, index: int | slice) -> Any:
        """The utterance at `index`, or a smaller corpus for a slice.

        Raises:
            IndexError: there is no such row.
            ValueError, OSError: the sound cannot be read; the message names the file.
        """
        if isinstance(index, slice):
            return Corpus(self.name, self.folder, self.table[index])
        row = self.table[operator.index(index)]
        waveform, sample_rate = audio.load(self.path(index))
        return Utterance(waveform, sample_rate, row["text"], row["speaker"], row["id"])

    def __repr__(self) -> str:
        """Name, utterances, speakers."""
        return f"<{self.name}: {len(self):,} utterances, {len(self.speakers)} speakers>"

    def path(self, index: int) -> Path:
        """The file of the utterance at `index`."""
        return self.folder / self.table[operator.index(index)]["file"]

    @property
    def speakers(self) -> list[str]:
        """Everyone who speaks in this corpus, sorted."""
        return sorted({row["speaker"] for row in self.table})

    def filter(
        self, predicate: Callable[[dict[str, Any]], bool] | None = None, /, **columns: Any
    ) -> Corpus:
        """The rows that satisfy all conditions, as a smaller corpus.

        `corpus.filter(split="test")`, `corpus.filter(lambda row: float(row["duration_s"]) < 1)`.

        Args:
            predicate: called with each row; keeps it when true.
            **columns: column=value keeps the rows that hold this value.

        Raises:
            ValueError: a column does not exist, or no row has the value (a typing error, usually).
        """
        rows = self.table
        for column, value in columns.items():
            if rows and column not in rows[0]:
                raise ValueError(
                    f"corpus {self.name} has no column {column!r}, it has: {', '.join(rows[0])}"
                )
            known = {row[column] for row in self.table}
            if value not in known:
                examples = ", ".join(map(repr, sorted(known, key=str)[:10]))
                raise ValueError(f"no row of {self.name} has {column}={value!r}; it has {examples}")
            rows = [row for row in rows if row[column] == value]
        if predicate is not None:
            rows = [row for row in rows if predicate(row)]
        return Corpus(self.name, self.folder, rows)


def joined(name: str, corpora: Iterable[Corpus]) -> Corpus:
    """Several corpora as one; their ids must differ."""
    rows = [
        {**row, "file": str(part.path(place).absolute())}
        for part in corpora
        for place, row in enumerate(part.table)
    ]
    return Corpus(name, Path(), rows)
