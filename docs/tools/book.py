"""Build the course's web site from the notebooks as they are stored: `make book`.

Pages for Sphinx are written into build/book, the site into build/site. Nothing is executed, nothing
is fetched: JavaScript packages come from the user's cache (docs/tools/vendor.py). The site needs no
server: it can be read from a folder. `python docs/tools/book.py --serve` shows it on localhost.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import importlib
import inspect
import json
import os
import pkgutil
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # called as a script: the tools import each other

import course_utils  # noqa: E402
from course_utils.exercises import course  # noqa: E402
from docs.tools import glossary, links, pages, vendor  # noqa: E402

SITE = ROOT / "docs" / "site"
SOURCE = ROOT / "build" / "book"
OUT = ROOT / "build" / "site"
GUIDE = ROOT / "docs" / "teaching.md"
# The heading, and the one that follows the part, of what the site takes from the README.
RUN = ("## Two commands", "## The course")
HEARD = "01_sound_waves", "WaveBuilder"  # the explorer of the start page


@dataclass(frozen=True)
class Address:
    """Where the repository lies, if it has a public address; else where the site says how."""

    url: str | None

    def file(self, path: str) -> str | None:
        """Address of a file of the repository."""
        return f"{self.url}/blob/main/{os.path.normpath(path)}" if self.url else None

    def launch(self, name: str | None) -> dict[str, str]:
        """Addresses of a notebook in Colab and Binder; empty where only the site can tell how."""
        if not self.url:
            return {}
        file = f"notebooks/{name or '00_start_here'}.ipynb"
        slug = self.url.removeprefix("https://github.com/")
        return {
            "colab": f"https://colab.research.google.com/github/{slug}/blob/main/{file}",
            "binder": f"https://mybinder.org/v2/gh/{slug}/main?urlpath=lab/tree/{file}",
        }


def address() -> Address:
    """The address in pyproject.toml, or that of the workflow that publishes the site."""
    server, slug = (os.environ.get(x) for x in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"))
    return Address(links.address() or (f"{server}/{slug}" if server and slug else None))


def write_sources(folder: Path = SOURCE) -> None:
    """Everything that Sphinx reads, into an empty folder."""
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(SITE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    where = address()
    static = folder / "_static"
    vendor.copy(["mathjax"], static / "vendor")
    shutil.copy(ROOT / "docs" / "images" / "course.png", static / "course.png")
    (folder / "notebooks").mkdir()
    (folder / "extra" / "downloads").mkdir(parents=True)
    assets = pages.Assets(static)
    written = [notebook for notebook in course.NOTEBOOKS if course.path(notebook).exists()]
    shown = {}
    for notebook in written:
        path = course.path(notebook)
        stored = json.loads(path.read_text(encoding="utf-8"))
        page = pages.page(stored, notebook.name, assets, where.file)
        text = json.dumps(page, ensure_ascii=False)
        (folder / "notebooks" / path.name).write_text(text, encoding="utf-8")
        shutil.copy(path, folder / "extra" / "downloads" / path.name)
        shown[notebook.name] = page
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    # Notebooks choose from the last to the first: 00 shows what others are about.
    cards = course_map(readme, faces(dict(reversed(shown.items()))))
    (folder / "run.md").write_text(run_page(readme, where), encoding="utf-8")
    fill(folder / "glossary.md", table=glossary.table(glossary.collect()))
    names = [f"notebooks/{notebook.name}" for notebook in written]
    fill(folder / "course.md", names="\n".join(names), map=cards)
    fill(folder / "index.md", map=cards, explorer=explorer(folder))
    if GUIDE.exists():
        text = pages.own_anchors(GUIDE.read_text(encoding="utf-8"))
        text = pages.markdown(text, outside(where))
        (folder / "teaching.md").write_text(text, encoding="utf-8")
    fill(folder / "index.md", teaching="teaching" if GUIDE.exists() else "")
    api_pages(folder / "api")


def outside(where: Address):
    """Links of docs/teaching.md: to the site's notebooks, or to the repository."""

    def find(target: str) -> str | None:
        inside = re.fullmatch(r"notebooks/\.\./(notebooks/\d\d_\w+\.ipynb)(#.*)?", target)
        return target.removeprefix("notebooks/../") if inside else where.file("docs/" + target[10:])

    return find


def fill(path: Path, **parts: str) -> None:
    """Put generated parts in place of the marks `<!-- name -->` of a page."""
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        assert f"<!-- {name} -->" in text, f"{path.name} has no mark for {name}"
        text = text.replace(f"<!-- {name} -->", part)
    path.write_text(text, encoding="utf-8", newline="\n")


def faces(notebooks: dict[str, dict]) -> dict[str, str]:
    """A picture of each notebook for its card: an explorer's, or else any; none twice."""
    chosen: dict[str, str] = {}
    for name, page in notebooks.items():
        text = "".join(
            output["data"].get("text/html", "")
            for cell in page["cells"]
            for output in cell.get("outputs", [])
            if "data" in output
        )
        explorers = re.findall(
            r'class="course-stage" data-kind="(?!QuizWidget).*?<img src="([^"]+)"', text
        )
        found = [x.removeprefix("../") for x in explorers + re.findall(r'<img src="([^"]+)"', text)]
        chosen[name] = next((x for x in found if x not in chosen.values()), "")
    return chosen


def course_map(readme: str, pictures: dict[str, str]) -> str:
    """The notebooks as cards, part by part; what each offers stands in the README's table."""
    told = {
        int(row[1]): row[2].strip()
        for row in re.finditer(r"^\| (\d\d) \| [^|]+ \| \d+ \| ([^|]+) \|$", readme, re.M)
    }
    parts: dict[str, list[str]] = {}
    for notebook in course.NOTEBOOKS:
        number = f"<b>{notebook.number:02d}</b>"
        text = (
            f"<span class='course-card-title'>{number} {notebook.title}</span>"
            f"<span>{told[notebook.number]}</span><small>{notebook.minutes} minutes</small>"
        )
        if notebook.name in pictures:
            picture = pictures[notebook.name]
            image = f'<img src="{picture}" alt="" loading="lazy">' if picture else ""
            card = f'<a class="course-card" href="notebooks/{notebook.name}.html">{image}{text}</a>'
        else:
            card = f'<div class="course-card course-soon">{text}</div>'
        parts.setdefault(notebook.part, []).append(card)
    return "\n".join(
        f'<div class="course-part"><p class="course-part-name">{part}</p>'
        f'<div class="course-cards">{"".join(cards)}</div></div>'
        for part, cards in parts.items()
    )


def explorer(folder: Path) -> str:
    """The stage of one explorer, as on its notebook's page, for the start page."""
    name, kind = HEARD
    page = json.loads((folder / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    for cell in page["cells"]:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/html", "")
            if f'class="course-stage" data-kind="{kind}"' in text:
                return str(text).replace("../_static/", "_static/")
    raise ValueError(f"{name} has no {kind} for the start page")


def run_page(readme: str, where: Address) -> str:
    """How to run the course, from the README; what folds there are sections here."""
    begin, end = RUN
    part = readme.split(begin, 1)[1].split(end, 1)[0]
    part = re.sub(r"<details><summary><b>(.+?)</b></summary>", r"## \1", part)
    part = part.replace("</details>", "")
    part = pages.markdown(part, lambda target: where.file(target.removeprefix("notebooks/")))
    if where.url:
        part = part.replace("ADDRESS", where.url)
        part = part.replace(f"; `{where.url}` is the address that you would clone from", "")
    else:
        part += (
            "\n## Binder\n\nBinder builds a machine from `environment.yml` of a repository with a "
            "public address: enter that address at [mybinder.org](https://mybinder.org).\n"
        )
    part = part.replace("## Google Colab", "(colab)=\n## Google Colab")
    part = part.replace("## Binder", "(binder)=\n## Binder")
    return f"# Run it\n\n{part.strip()}\n"


def public_modules() -> list[str]:
    """Every module of the package without an underscore; not those that hold answers."""
    found = pkgutil.walk_packages(course_utils.__path__, "course_utils.")
    names = [module.name for module in found]
    # exercises.nbNN hold the references that exercises are checked against.
    hidden = re.compile(r"\._|\.exercises\.nb\d\d$")
    return sorted(name for name in names if not hidden.search(name))


def api_pages(folder: Path) -> None:
    """A page for each module of the package, or for each package with all its modules."""
    folder.mkdir(exist_ok=True)
    rows, names = [], []
    tops: dict[str, list[str]] = {}
    for name in public_modules():
        tops.setdefault(name.split(".")[1], []).append(name)
    for top, modules in tops.items():
        lines = [top, "=" * len(top), ""]
        for name in modules:
            short = name.removeprefix("course_utils.")
            if short != top:
                lines += [short, "-" * len(short), ""]
            lines += [f".. automodule:: {name}", "   :members:", "   :ignore-module-all:", ""]
        (folder / f"{top}.rst").write_text("\n".join(lines), encoding="utf-8")
        said = inspect.getdoc(importlib.import_module(modules[0])) or ""
        rows.append(f"| [{top}]({top}.rst) | {said.splitlines()[0].rstrip('.')} |")
        names.append(top)
    fill(folder / "index.md", rows="\n".join(rows), names="\n".join(names))


def build(out: Path = OUT) -> int:
    """Write the site; returns the number of warnings, each of which is a fault of a page."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    write_sources()
    if out.exists():
        shutil.rmtree(out)
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            str(SOURCE), str(SOURCE), str(out), str(SOURCE / ".doctrees"), "html",
            parallel=2, status=None,
        )  # fmt: skip
        app.build()
    (out / ".nojekyll").touch()  # GitHub Pages would leave _static out
    for left in (".buildinfo", "_static/webpack-macros.html"):  # the latter is a theme's template
        (out / left).unlink(missing_ok=True)
    return int(app._warncount)


def serve(folder: Path) -> None:
    """Show the site on localhost until Ctrl-C."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}/ (Ctrl-C ends it)", flush=True)
        server.serve_forever()


def main() -> int:
    """Build the site, or show it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--serve", action="store_true", help="show the built site on localhost")
    if parser.parse_args().serve:
        serve(OUT)
        return 0
    try:
        warnings = build()
    except vendor.VendorError as error:
        print(error, file=sys.stderr)
        return 1
    if warnings:
        print(f"{warnings} warnings, see above: each is a fault of a page.", file=sys.stderr)
        return 1
    print(f"the site is in {OUT}: open index.html, or call docs/tools/book.py --serve")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
