"""Writes the repository's public address into README.md, CITATION.cff and the notebooks.

The address stands in pyproject.toml, [project.urls] Repository, and nowhere else. `make links`
puts the badges after the marker `<!-- badges -->`; without an address it takes them away again.
"""

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARKER = "<!-- badges -->"


def address(root: Path = ROOT) -> str | None:
    """The public address, such as https://github.com/OWNER/NAME, or None when it is not set."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository", "").rstrip("/") or None


def badges(url: str | None, file: str | None) -> str:
    """Markdown of the badges for a notebook, or of the README's when `file` is None."""
    if not url:
        return ""
    slug = url.removeprefix("https://github.com/")
    if file is None:
        test = f"{url}/actions/workflows/test.yml"
        return f"[![Tests]({test}/badge.svg)]({test}) " + badges(
            url, "notebooks/00_start_here.ipynb"
        )
    colab = f"https://colab.research.google.com/github/{slug}/blob/main/{file}"
    binder = f"https://mybinder.org/v2/gh/{slug}/main?urlpath=lab/tree/{file}"
    return f"[Open in Colab]({colab}) · [Open in Binder]({binder})"


def mark(text: str, line: str) -> str:
    """`text` with `line` after each marker, in place of what stood there."""
    return re.sub(rf"{MARKER}[^\n]*", lambda _: f"{MARKER} {line}".rstrip(), text)


def write_links(root: Path = ROOT) -> list[Path]:
    """Brings every file up to date; returns those that changed."""
    url = address(root)
    changed = []
    readme, citation = root / "README.md", root / "CITATION.cff"
    new = {readme: mark(readme.read_text(encoding="utf-8"), badges(url, None))}
    lines = [
        x for x in citation.read_text("utf-8").splitlines() if not x.startswith("repository-code:")
    ]
    new[citation] = "\n".join([*lines, f'repository-code: "{url}"'] if url else lines) + "\n"
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        opening = notebook["cells"][0]
        source = mark("".join(opening["source"]), badges(url, f"notebooks/{path.name}"))
        opening["source"] = source.splitlines(keepends=True)
        new[path] = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    for path, text in new.items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(path)
    return changed


if __name__ == "__main__":
    for path in write_links():
        print("changed", path.relative_to(ROOT))
    print("address:", address() or "not set in pyproject.toml, so no badges are shown")
