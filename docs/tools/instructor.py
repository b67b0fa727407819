"""Zip what a lecturer needs beside the notebooks: build/instructor.zip.

    python docs/tools/instructor.py

Solutions, the teaching guide, and the slides where they have been made, with a page that says what
is where. The same files give the same archive, byte for byte.
"""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PAGES = ("LICENSE", "docs/teaching.md")
_SHOWING = "docs/slides/README.md"
_README = """# For instructors

Put this where students do not look. (The solutions are public all the same.)

- [docs/teaching.md](docs/teaching.md): syllabi, a plan by the minute for each notebook,
  questions for the class, misconceptions, exam questions with answers, how to mark.
- `notebooks/solutions`: each notebook's exercises, solved and checked. They run wherever the
  course is installed; their links lead to the notebooks once they lie in the folder of this
  name in a copy of the course.
- The version without solutions is the notebooks of the course itself.
{slides}"""
_WITH_SLIDES = """\
- [slides/index.html](slides/index.html): a deck of each notebook, with notes in a window of their
  own (key S), for which no network is needed. [docs/slides/README.md](docs/slides/README.md) tells
  the keys.
"""
_WITHOUT_SLIDES = "- No slides: `make slides`, then `make instructor` again, puts them in.\n"
_EPOCH = (2020, 1, 1, 0, 0, 0)  # a date of its own would make each archive another one


def contents(root: Path) -> list[Path]:
    """The files of the bundle.

    Args:
        root: of the repository.

    Returns:
        Paths, in order.

    Raises:
        FileNotFoundError: there are no solutions, or no guide.
    """
    solutions = sorted((root / "notebooks/solutions").glob("[0-9][0-9]_*.ipynb"))
    pages = [root / page for page in _PAGES]
    missing = [str(page.relative_to(root)) for page in pages if not page.exists()]
    if missing or not solutions:
        raise FileNotFoundError(f"not here: {', '.join(missing) or 'notebooks/solutions'}")
    slides = sorted(path for path in (root / "build/slides").rglob("*") if path.is_file())
    showing = [root / _SHOWING] if slides and (root / _SHOWING).exists() else []
    return pages + solutions + showing + slides


def bundle(root: Path) -> Path:
    """Write the archive.

    Args:
        root: of the repository.

    Returns:
        Where it lies.
    """
    paths = contents(root)
    archive = root / "build/instructor.zip"
    archive.parent.mkdir(exist_ok=True)
    part = archive.with_name(archive.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file:
        named = {path.relative_to(root).as_posix().removeprefix("build/"): path for path in paths}
        has_slides = any(name.startswith("slides/") for name in named)
        readme = _README.format(slides=_WITH_SLIDES if has_slides else _WITHOUT_SLIDES)
        parts = [("README.md", readme.encode()), *((n, p.read_bytes()) for n, p in named.items())]
        for name, data in parts:
            info = zipfile.ZipInfo(f"instructor/{name}", _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            file.writestr(info, data)
    part.replace(archive)
    return archive


def main() -> int:
    """Write the archive and say what is in it; returns the exit status."""
    try:
        archive = bundle(ROOT)
    except OSError as error:
        print(f"No bundle: {error}", file=sys.stderr)
        return 1
    with zipfile.ZipFile(archive) as file:
        names = file.namelist()
    slides = sum(name.startswith("instructor/slides/") for name in names)
    solutions = sum(name.endswith(".ipynb") for name in names)
    made = f"{slides} files of slides" if slides else "no slides: `make slides` makes them"
    size = archive.stat().st_size / 1e6
    print(f"{archive.relative_to(ROOT)}: {size:.1f} MB, {solutions} solutions, guide, {made}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
