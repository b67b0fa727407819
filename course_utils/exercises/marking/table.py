"""The tables that marking writes: one row a submission, and one row an exercise with its reason."""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from course_utils import files
from course_utils.exercises.marking.judge import DONE, MISSING, TRIED, UNJUDGED, Mark, Result

_MARKS = ("submission", "notebook", "done", "of")
_END = ("problem", "remark", "sha256")
_REASONS = ("submission", "exercise", "name", "title", "state", "reason")
# A spreadsheet would take a cell that begins like this for a formula, and run it.
_FORMULA = ("=", "+", "-", "@")

Results = Mapping[str, tuple[str, Result]]


def reasons_path(path: Path) -> Path:
    """Where the table of reasons lies: marks.csv has marks-reasons.csv beside it.

    Args:
        path: of the table of marks.

    Returns:
        The other path.
    """
    return path.with_name(f"{path.stem}-reasons{path.suffix}")


def write(path: Path, results: Results) -> None:
    """Write both tables, in the order of the submissions' names.

    Args:
        path: of the table of marks; the reasons' lies beside it.
        results: by submission, (digest of its content, result).
    """
    most = max((len(result.marks) for _, result in results.values()), default=0)
    marks = [[*_MARKS, *map(str, range(1, most + 1)), *_END]]
    reasons = [list(_REASONS)]
    for name, (digest, result) in sorted(results.items()):
        states = [mark.state for mark in result.marks]
        number = "" if result.notebook is None else f"{result.notebook:02d}"
        padded = [*states, *[""] * (most - len(states))]
        counts = [str(states.count(DONE)), str(len(states))]
        marks.append([name, number, *counts, *padded, result.problem, result.remark, digest])
        reasons += [
            [name, f"{result.notebook}.{m.exercise}", m.name, m.title, m.state, m.reason]
            for m in result.marks
        ]
    _replace(reasons_path(path), reasons)
    _replace(path, marks)


def read(path: Path) -> dict[str, tuple[str, Result]]:
    """Read what `write` wrote.

    Args:
        path: of the table of marks.

    Returns:
        By submission, (digest, result); empty where there are no tables yet.

    Raises:
        ValueError: a table is not one of `write`'s.
    """
    if not path.exists() or not reasons_path(path).exists():
        return {}
    marks: dict[str, list[Mark]] = {}
    try:
        for row in _rows(reasons_path(path), _REASONS):
            place = int(row["exercise"].partition(".")[2])
            mark = Mark(place, row["name"], row["title"], row["state"], row["reason"])
            marks.setdefault(row["submission"], []).append(mark)
        results = {}
        for row in _rows(path, (*_MARKS, *_END)):
            number = int(row["notebook"]) if row["notebook"] else None
            own = tuple(marks.get(row["submission"], ()))
            result = Result(number, own, row["problem"], row["remark"])
            results[row["submission"]] = (row["sha256"], result)
    except (KeyError, ValueError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path} is no table of marks, or was changed ({error}). Name another file with --out."
        ) from None
    return results


def summary(results: Results) -> str:
    """What came out, for the lecturer: problems, then how many solved each exercise.

    Args:
        results: by submission, (digest, result).

    Returns:
        Lines of text.
    """
    lines = [f"{len(results)} submissions."]
    problems = [(n, r.problem) for n, (_, r) in sorted(results.items()) if r.problem]
    if problems:
        lines += ["", f"Not marked: {len(problems)}"]
        lines += [f"  {name}: {problem}" for name, problem in problems]
    states: dict[tuple[int, int], Counter[str]] = {}
    titles = {}
    for _, result in results.values():
        for mark in result.marks:
            place = (result.notebook or 0, mark.exercise)
            titles[place] = mark.title
            states.setdefault(place, Counter())[mark.state] += 1
    if states:
        width = max(map(len, titles.values()))
        columns = (DONE, TRIED, MISSING, UNJUDGED)
        lines += ["", f"{'':6}{'':{width}}" + "".join(f"{column:>12}" for column in columns)]
    for place, counted in sorted(states.items()):
        name = f"{place[0]}.{place[1]}"
        numbers = "".join(f"{counted[column]:12}" for column in columns)
        lines.append(f"{name:6}{titles[place]:{width}}{numbers}")
    remarks = [(n, r.remark) for n, (_, r) in sorted(results.items()) if r.remark]
    if remarks:
        lines += ["", *(f"  {name}: {remark}" for name, remark in remarks)]
    return "\n".join(lines)


def _rows(path: Path, wanted: tuple[str, ...]) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if missing := set(wanted) - set(reader.fieldnames or ()):
            raise ValueError(f"no column {min(missing)}")
        return [{key: _bare(value) for key, value in row.items()} for row in reader]


def _replace(path: Path, rows: list[list[str]]) -> None:
    """A table, as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # With a byte order mark: Excel reads UTF-8 by no other sign.
    with files.whole(path) as part, part.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([[_harmless(cell) for cell in row] for row in rows])


def _harmless(cell: str) -> str:
    text = "".join(c if c.isprintable() else " " for c in cell.encode("utf-8", "replace").decode())
    return f"'{text}" if text.startswith(_FORMULA) else text


def _bare(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell
