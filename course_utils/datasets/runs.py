"""Recorded runs: tables in docs/runs, made by the tools in docs/tools, too long for a notebook."""

import csv

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
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return Table({key: _number(value) for key, value in row.items()} for row in rows)


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
