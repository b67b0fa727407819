"""Recorded runs: tables in docs/runs, made by the tools in docs/tools, too long for a notebook."""

from __future__ import annotations

import csv
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.datasets import bundled
from course_utils.datasets.items import Table

FOLDER = bundled.DATA.parent / "docs" / "runs"


def load(name: str) -> Table:
    """A recorded run, one dict a row; what looks like a number is one.

    Args:
        name: of the file, without ".csv". Its first lines, behind "#", say how it was made.

    Raises:
        FileNotFoundError: there is no such run, or the package without its repository.
    """
    path = FOLDER / f"{name}.csv"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.csv"))) or "none"
        raise FileNotFoundError(f"{path}: no such recorded run. Here are: {known}")
    return Table({key: _number(value) for key, value in row.items()} for row in read(path))


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a table as `write` wrote them, all texts; none where there is no file yet."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def write(
    path: Path,
    about: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    fields: Sequence[str] | None = None,
) -> None:
    """Write a recorded run: how it was made, behind "#", then its rows.

    Args:
        path: of the file; its folder is made where it is missing.
        about: lines that say how it was made, the command first. The versions of Python, torch and
            NumPy are put behind the command.
        rows: at least one, unless there are `fields`.
        fields: names of the columns; those of the first row when None. A row may lack some.
    """
    import torch  # a notebook that reads a table does not wait for it

    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    command, *others = about
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        for line in (command, f"versions: {versions}, NumPy {np.__version__}", *others):
            file.write(f"# {line}\n")
        table = csv.DictWriter(file, fields or list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def over_seeds(beginning: str) -> str:
    """From the lowest to the highest value, over all seeds, of figures of the run "seeds".

    Args:
        beginning: of the names of the figures that are wanted.

    Returns:
        A line for each figure.

    Raises:
        FileNotFoundError: as for `load`.
        ValueError: no figure begins like this.
    """
    values: dict[str, list[float]] = {}
    for row in load("seeds"):
        values.setdefault(row["figure"], []).append(row["value"])
    wanted = {name: found for name, found in values.items() if name.startswith(beginning)}
    if not wanted:
        raise ValueError(f"no figure begins with {beginning!r}. Here are: {', '.join(values)}")
    width = max(map(len, wanted))
    return "\n".join(
        f"{name:{width}s}  {len(found)} seeds: {min(found):.3g} to {max(found):.3g}"
        for name, found in wanted.items()
    )


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
