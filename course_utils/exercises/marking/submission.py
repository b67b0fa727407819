"""Reads a submission, without running anything of it: which notebook it is, and its cells."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat

from course_utils.exercises import course

_LARGEST_BYTES = 50_000_000
_MODULE = re.compile(r"course_utils\.exercises\.nb(\d\d)\b")
_TITLE = re.compile(r"#\s+(\d\d)\s")
_NAME = re.compile(r"(?<!\d)(\d\d)_")  # not of "student2005_answers"
_EXERCISE = re.compile(r"^#{1,6}\s*Exercise\s+\d+\.(\d+)\b", re.M)
_CLOSING = re.compile(r"^##\s+Further reading\b", re.M)
_CHECK = re.compile(r"\bcheck\.(\w+)\s*\(")
# What only a submission has that looks at the checks from inside.
_PRYING = re.compile(r"\.reference\b|notebook\.exercises\b|exercises\.framework\b|solutions/")


class UnusableError(Exception):
    """A file that can't be marked; the message says why, in a lecturer's words."""


@dataclass(frozen=True)
class Cell:
    """A code cell: its source, and the number of the exercise that it stands in, 0 for none."""

    source: str
    exercise: int


@dataclass(frozen=True)
class Submission:
    """A notebook as it was handed in.

    Attributes:
        number: which notebook of the course it is.
        cells: its code cells in order.
    """

    number: int
    cells: tuple[Cell, ...]

    def own(self) -> tuple[Cell, ...]:
        """The cells to run: the exercises', and those that the course's notebook does not have.

        The first cell of the course's notebook, its imports, stands in front.
        """
        course_cells = original(self.number).cells
        given = {cell.source for cell in course_cells if not cell.exercise}
        first = Cell(course_cells[0].source, 0)
        return (first, *(c for c in self.cells if c.exercise or c.source not in given))

    def remarks(self) -> str:
        """What a lecturer may want to look at: code that reads the checks themselves."""
        found = {m for cell in self.own()[1:] for m in _PRYING.findall(cell.source)}
        return f"Look at it: it uses {', '.join(sorted(found))}." if found else ""


def digest(path: Path) -> str:
    """Twelve hexadecimal digits that tell one content of a file from another.

    Args:
        path: of a file.

    Returns:
        The beginning of its SHA-256.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def read(path: Path) -> Submission:
    """Read one file.

    Args:
        path: of the file that was handed in.

    Returns:
        The submission.

    Raises:
        UnusableError: it is no notebook of the course.
    """
    if path.is_dir():
        raise UnusableError("no notebook in this folder")
    if path.suffix != ".ipynb":
        raise UnusableError(f"not a notebook: {path.suffix or 'no'} file")
    if path.is_symlink() or not path.is_file():
        raise UnusableError("not read: it is a link or no plain file")
    if (size := path.stat().st_size) > _LARGEST_BYTES:
        raise UnusableError(f"not read: {size / 1e6:.0f} MB, more than 50; clear its outputs")
    try:
        node = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        kernel = node.metadata.get("kernelspec", {})
        language = kernel.get("language") or node.metadata.get("language_info", {}).get("name")
        cells = [(str(c.cell_type), str(c.source)) for c in node.cells]
    except Exception as error:  # nbformat lets through whatever its parts raise
        raise UnusableError(f"can't be read as a notebook ({type(error).__name__})") from None
    if language and str(language).lower() != "python":
        raise UnusableError(f"its kernel is for {str(language)[:20]}, not for Python")
    return Submission(_number(path, cells), tuple(_code(cells)))


@cache
def original(number: int) -> Submission:
    """The course's own notebook.

    Args:
        number: of the notebook.

    Returns:
        The notebook as it is in the repository.
    """
    (notebook,) = (one for one in course.NOTEBOOKS if one.number == number)
    node = nbformat.read(course.path(notebook), as_version=4)
    return Submission(number, tuple(_code([(c.cell_type, c.source) for c in node.cells])))


def stub(number: int, exercise: int) -> str:
    """The statement of the course's notebook that asks for the check, such as check.spl(spl).

    Args:
        number: of the notebook.
        exercise: its number in the notebook, from 1.

    Returns:
        Python code; "" where there is none.
    """
    sources = [cell.source for cell in original(number).cells if cell.exercise == exercise]
    found = [source for source in sources if _CHECK.search(source)]
    lines = found[-1].splitlines() if found else []
    starts = [i for i, line in enumerate(lines) if line.startswith("check.")]
    return "\n".join(lines[starts[-1] :]) if starts else ""


def _number(path: Path, cells: list[tuple[str, str]]) -> int:
    """Which notebook: by what it imports, else by its title, else by its file's name."""
    known = {notebook.number for notebook in course.NOTEBOOKS if course.path(notebook).exists()}
    code = "\n".join(source for kind, source in cells if kind == "code")
    text = "\n".join(source for kind, source in cells if kind == "markdown")
    for found in (_MODULE.search(code), _TITLE.match(text), _NAME.search(path.name)):
        if found and int(found[1]) in known:
            return int(found[1])
    raise UnusableError("no notebook of the course: no import of its checks, no title, no number")


def _code(cells: list[tuple[str, str]]) -> list[Cell]:
    """The code cells, each with the exercise under whose heading it stands."""
    found, exercise = [], 0
    for kind, source in cells:
        if kind == "code":
            found.append(Cell(source, exercise))
        elif kind == "markdown" and (heading := _EXERCISE.findall(source)):
            exercise = int(heading[-1])
        elif kind == "markdown" and _CLOSING.search(source):
            exercise = 0
    return found


def named(source: str) -> list[str]:
    """The exercises whose checks a cell asks for.

    Args:
        source: of the cell.

    Returns:
        Their names, in order.
    """
    return _CHECK.findall(source)
