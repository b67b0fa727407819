"""What every notebook of the course has in common, as plain functions that list problems.

Conventions of a notebook `notebooks/NN_name.ipynb`:

Opening, in the markdown before the first code cell:
    - `# NN Title`, then one sentence of promise.
    - `**You will be able to**` and 3 to 5 bullets, each naming its exercise: `(exercise 1.3)`.
    - `**You need**`: what comes before.
    - `**Time**: 40 minutes to read, 30 seconds to run`.
    - Links to the previous and the next notebook, where they exist, and to the solutions; to Colab
      and Binder once the repository has a public address (pyproject.toml), and not before.

Closing, four parts in this order:
    - `## Summary`: at most seven lines or bullets.
    - `## Quiz`: a code cell that calls `quiz()`.
    - `## Exercises`: 4 to 6 of `### Exercise N.M Title`, each with text, a code cell (the stub)
      whose last line is `check.NAME(...)`, and `hint.NAME()`, perhaps behind a `#`.
    - `## Further reading`: at least two links.

Cells:
    - First code cell: the imports, perhaps a seed. Plain Python: no `!`, `%`, pip, sys.path.
    - At most 15 lines of code; markdown between any two code cells.
    - A cell whose output can't repeat is tagged `nbval-ignore-output`, and the next code cell
      asserts what the text claims; at most a third of the code cells. None is skipped.
    - Every picture in an output is followed by its caption, `class="course-caption"`
      (`plotting.captioned`), which is its alternative text, or belongs to a widget; every
      `<audio>` has a `<figcaption>`; every image in markdown has alternative text.
    - A number in markdown that repeats a computed one is marked, `49.9<!--out--> dB`: it stands in
      a text output between the last heading and the mark; in the Summary, anywhere above.
      A number with two digits or more may be rounded.
    - Links to files and to `#Headings` (with hyphens for blanks) lead somewhere.
    - No output over 200 kB, no notebook over 2 MB, nothing of the machine that executed it.
    - 01 to 13: at least five terms with their Korean name, `**beats** (맥놀이)`.

Notebook 00, which teaches the tools, needs one exercise, one objective, and no Korean.

Solutions `notebooks/solutions/NN_name.ipynb`: the rules for cells; a link back to the notebook;
for every exercise a cell that calls its `check.NAME(...)` and whose stored output says "correct".
In the notebook itself the stored output says "not attempted".

A notebook that trains for long says so to the browser tests with the metadata
`"course": {"browser": "explorers"}`: they then run only its first code cell, the quiz, and the
cells tagged `browser`.
"""

from __future__ import annotations

import ast
import html
import importlib
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import nbformat
from nbformat import NotebookNode

from tests.notebooks import numbers

ROOT = Path(__file__).resolve().parents[2]
CLOSING = ["Summary", "Quiz", "Exercises", "Further reading"]
IGNORED = "nbval-ignore-output"
MAX_CELL_LINES = 15
MAX_OUTPUT_BYTES = 200_000
MAX_NOTEBOOK_BYTES = 2_000_000

HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$", re.M)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)
CODE_SPAN = re.compile(r"(`+).+?\1", re.S)
MATH = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.S)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(\s*<?([^)>\s]+)")
IMAGE = re.compile(r"!\[([^\]]*)\]\(\s*<?([^)>\s]+)")
EXERCISE = re.compile(r"Exercise (\d+)\.(\d+)\b(.*)")
KOREAN_TERM = re.compile(r"\*\*[^*\n]+\*\*\s*\([^)\n]*[\uac00-\ud7a3][^)\n]*\)")
MACHINE_PATH = re.compile(
    r"(?<![\w.])(?:/(?:home|Users|root|work|tmp|var/folders|private|opt|mnt|workspace)/[\w.-]+"
    r"|[A-Z]:\\+Users\\+\w+|site-packages/)"
)
PRIVATE_HOST = re.compile(
    r"https?://(?:(?!127\.0\.0\.1\b)\d+\.\d+\.\d+\.\d+|(?!localhost\b)[\w-]+(?=[:/])"
    r"|[\w.-]+\.(?:local|internal|lan|corp|svc|test))(?=[:/]|$)"
)


@dataclass
class Part:
    """A heading and what follows it up to the next heading."""

    level: int
    title: str
    items: list[str | NotebookNode] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n\n".join(item for item in self.items if isinstance(item, str))

    @property
    def code(self) -> list[NotebookNode]:
        return [item for item in self.items if not isinstance(item, str)]


@dataclass
class Exercise:
    """An exercise of a notebook: its number, heading and cells."""

    number: str
    title: str
    part: Part
    name: str | None = None  # NAME of check.NAME, from the stub
    stub: NotebookNode | None = None


class Notebook:
    """A notebook file, read once, with the views that the checks need."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.node = nbformat.read(path, as_version=4)
        self.is_solution = path.parent.name == "solutions"
        self.number = int(path.name[:2]) if path.name[:2].isdigit() else None

    @cached_property
    def code(self) -> list[NotebookNode]:
        return [cell for cell in self.node.cells if cell.cell_type == "code"]

    @cached_property
    def markdown(self) -> list[NotebookNode]:
        return [cell for cell in self.node.cells if cell.cell_type == "markdown"]

    @cached_property
    def prose(self) -> str:
        return "\n\n".join(cell.source for cell in self.markdown)

    @cached_property
    def parts(self) -> list[Part]:
        parts = [Part(0, "")]
        for cell in self.node.cells:
            if cell.cell_type == "code":
                parts[-1].items.append(cell)
            elif cell.cell_type == "markdown":
                add_markdown(parts, cell.source)
        return parts

    def section(self, title: str) -> Part | None:
        """The part with this level-2 heading, its sub-headings' parts joined to it."""
        found: Part | None = None
        for part in self.parts:
            if part.level == 2 and part.title == title:
                found = Part(2, title)
            elif found and part.level <= 2:
                break
            if found:
                found.items += part.items
        return found

    @cached_property
    def opening(self) -> str:
        """The markdown before the first code cell."""
        texts = []
        for cell in self.node.cells:
            if cell.cell_type == "code":
                break
            texts.append(cell.source)
        return "\n\n".join(texts)

    @cached_property
    def exercises(self) -> list[Exercise]:
        exercises: list[Exercise] = []
        inside = False
        for part in self.parts:
            if part.level <= 2:
                inside = part.level == 2 and part.title == "Exercises"
            elif inside and part.level == 3 and (match := EXERCISE.match(part.title)):
                number = f"{match[1]}.{match[2]}"
                exercises.append(
                    Exercise(number, match[3].strip(), Part(3, part.title), None, None)
                )
            if inside and exercises:
                exercises[-1].part.items += part.items
        for exercise in exercises:
            for cell in exercise.part.code:
                if name := last_check(cell.source):
                    exercise.name, exercise.stub = name, cell
        return exercises


def add_markdown(parts: list[Part], source: str) -> None:
    """Split a markdown cell at its headings, those inside code fences left alone."""
    hidden = FENCE.sub(lambda match: re.sub(r"^#", " ", match.group(), flags=re.M), source)
    start = 0
    for match in HEADING.finditer(hidden):
        parts[-1].items.append(source[start : match.start()])
        parts.append(Part(len(match[1]), match[2]))
        start = match.end()
    parts[-1].items.append(source[start:])


def problems(path: Path) -> list[str]:
    """Everything that is wrong with the structure of one notebook; empty when it is fine."""
    notebook = Notebook(path)
    return [problem for check in CHECKS for problem in check(notebook)]


def where(notebook: Notebook, cell: NotebookNode) -> str:
    """A cell's place and first line, for a message."""
    index = next(number for number, other in enumerate(notebook.node.cells) if other is cell)
    first = cell.source.strip().splitlines()[0] if cell.source.strip() else "(empty)"
    return f"cell {index} ({first[:50]!r})"


def parse(source: str) -> ast.Module | None:
    """The syntax tree of a code cell, or None when it is not plain Python."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def method_calls(tree: ast.AST, owner: str) -> list[str]:
    """Names NAME of all calls `owner.NAME(...)`."""
    return [
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == owner
    ]


def last_check(source: str) -> str | None:
    """NAME when the last statement of a cell is `check.NAME(...)`."""
    tree = parse(source)
    if tree is None or not tree.body or not isinstance(tree.body[-1], ast.Expr):
        return None
    statement = tree.body[-1].value
    names = method_calls(statement, "check") if isinstance(statement, ast.Call) else []
    return names[-1] if names else None


def html_text(markup: str) -> str:
    """What a reader sees of HTML."""
    return html.unescape(re.sub(r"<[^>]*>", " ", markup))


def text_outputs(cell: NotebookNode) -> str:
    """Everything readable in a code cell's outputs: streams, plain text, HTML without its tags."""
    texts = []
    for output in cell.outputs:
        texts.append(output.get("text", ""))
        data = output.get("data", {})
        texts.append(data.get("text/plain", ""))
        texts.append(html_text(data.get("text/html", "")))
        texts.append(data.get("text/markdown", ""))
    return "\n".join(texts)


def visible(markdown: str, math: bool = False) -> str:
    """Markdown without code, and without formulas unless `math`."""
    text = CODE_SPAN.sub(" ", FENCE.sub(" ", markdown))
    return text if math else MATH.sub(" ", text)


def opening_block(notebook: Notebook) -> list[str]:
    """Title, promise, objectives, needs, time."""
    title = notebook.node.cells[0].source.strip() if notebook.node.cells else ""
    number = f"{notebook.number:02d}" if notebook.number is not None else "NN"
    found = []
    if not re.match(rf"# {number} \S", title):
        found.append(f"opening: the first cell must begin with '# {number} Title'")
    if notebook.is_solution:
        return found
    opening = notebook.opening
    lines = [line for line in opening.splitlines()[1:] if line.strip()]
    if not lines or not re.match(r"[\w\"“*_]", lines[0]) or lines[0].startswith("**You"):
        found.append("opening: a sentence of promise must follow the title")
    for phrase in ("You will be able to", "You need", "Time"):
        if not re.search(rf"\*\*{phrase}\b[^*\n]*\*\*", opening):
            found.append(f"opening: '**{phrase}**' is missing")
    time = re.search(r"\*\*Time\b.*", opening)
    if time and not re.search(r"\d+\s*min\w*.*\d+\s*(?:s|sec|min)\w*\b.*\brun", time.group()):
        found.append("opening: '**Time**' must say the minutes to read and the seconds to run")
    return found + objectives(notebook)


def objectives(notebook: Notebook) -> list[str]:
    """3 to 5 bullets under "You will be able to", each naming an exercise that exists."""
    after = re.split(r"\*\*You will be able to\b[^\n]*\n", notebook.opening, maxsplit=1)
    bullets = re.findall(r"^[-*] (.+(?:\n[ \t]+\S.*)*)", after[-1].split("\n**")[0], re.M)
    least = 1 if notebook.number == 0 else 3
    if len(after) < 2:
        return []  # reported as missing
    found = []
    if not least <= len(bullets) <= 5:
        found.append(f"opening: {len(bullets)} objectives, expected {least} to 5 bullets")
    known = {exercise.number for exercise in notebook.exercises}
    for bullet in bullets:
        named = re.search(r"exercises?\s+([\d.,\sand]+)", bullet)
        numbers = re.findall(r"\d+\.\d+", named[1]) if named else []
        if not numbers and notebook.number > 0:
            found.append(f"opening: objective names no exercise, '(exercise N.M)': {bullet[:60]!r}")
        found += [
            f"opening: objective names exercise {number}, which does not exist"
            for number in numbers
            if number not in known
        ]
    return found


def opening_links(notebook: Notebook) -> list[str]:
    """Links to the neighbours and the solutions; badges only with a public address."""
    folder = notebook.path.parent
    targets = [target.split("#")[0] for target in LINK.findall(notebook.opening)]
    if notebook.is_solution:
        back = f"../{notebook.path.name}"
        return [] if back in targets else [f"opening: no link back to {back}"]
    wanted = []
    siblings = sorted(path.name for path in folder.glob("[0-9][0-9]_*.ipynb"))
    if notebook.path.name in siblings:
        place = siblings.index(notebook.path.name)
        wanted += siblings[max(place - 1, 0) : place] + siblings[place + 1 : place + 2]
    if notebook.exercises:
        wanted.append(f"solutions/{notebook.path.name}")
    found = [f"opening: no link to {name}" for name in wanted if name not in targets]
    address = public_address()
    for service in ("colab.research.google.com/github/", "mybinder.org/v2/"):
        linked = f"https://{service}" in notebook.opening
        if linked and not address:
            found.append(f"opening: dead link to {service}: the repository has no address yet")
        if address and not linked:
            found.append(f"opening: no link to {service}")
    return found


def public_address() -> str | None:
    """The repository's public address, from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address: str | None = project.get("urls", {}).get("Repository")
    return address


def closing_parts(notebook: Notebook) -> list[str]:
    """Summary, quiz, exercises, further reading, in this order, at the end."""
    if notebook.is_solution:
        return []
    found = []
    titles = [part.title for part in notebook.parts if part.level == 2]
    if titles[-4:] != CLOSING:
        wanted = ", ".join(f"'## {title}'" for title in CLOSING)
        found.append(f"closing: the last level-2 headings must be {wanted}, got {titles[-4:]}")
    summary = notebook.section("Summary")
    if summary and not 1 <= (count := count_lines(summary.text)) <= 7:
        found.append(f"closing: the summary has {count} lines, expected 1 to 7")
    quiz = notebook.section("Quiz")
    if quiz and not any(re.search(r"^quiz\(\)", cell.source, re.M) for cell in quiz.code):
        found.append("closing: no code cell under '## Quiz' calls quiz()")
    reading = notebook.section("Further reading")
    if reading and len(re.findall(r"https?://", reading.text)) < 2:
        found.append("closing: '## Further reading' needs at least two links")
    return found


def count_lines(markdown: str) -> int:
    """Bullets, or lines that continue no bullet."""
    return sum(bool(re.match(r"\S", line)) for line in markdown.splitlines())


def exercise_parts(notebook: Notebook) -> list[str]:
    """Each exercise: number, text, stub that ends in its check, hint, stored "not attempted"."""
    if notebook.is_solution:
        return []
    found = []
    least = 1 if notebook.number == 0 else 4
    if not least <= len(notebook.exercises) <= 6:
        found.append(f"exercises: {len(notebook.exercises)}, expected {least} to 6")
    for place, exercise in enumerate(notebook.exercises, start=1):
        label = f"exercise {exercise.number}"
        if exercise.number != f"{notebook.number}.{place}":
            found.append(f"{label}: expected number {notebook.number}.{place}")
        if not exercise.title:
            found.append(f"{label}: the heading has no title")
        if len(exercise.part.text.split()) < 5:
            found.append(f"{label}: no text says what to do")
        if exercise.stub is None:
            found.append(f"{label}: no code cell's last line is check.NAME(...)")
            continue
        source = "\n".join(cell.source for cell in exercise.part.code)
        if not re.search(rf"\bhint\.{exercise.name}\(", source):
            found.append(f"{label}: no hint.{exercise.name}()")
        if "not attempted" not in text_outputs(exercise.stub).lower():
            found.append(f"{label}: the stub's stored output does not say 'not attempted'")
    names = Counter(exercise.name for exercise in notebook.exercises if exercise.name)
    found += [f"check.{name} serves {n} exercises" for name, n in names.items() if n > 1]
    return found


def solved(notebook: Notebook) -> list[str]:
    """The solutions exist, and every exercise's check says "correct" there."""
    if notebook.is_solution or not notebook.exercises:
        return []
    path = notebook.path.parent / "solutions" / notebook.path.name
    if not path.exists():
        return [f"solutions: solutions/{path.name} does not exist"]
    outputs: dict[str, list[str]] = {}
    for cell in Notebook(path).code:
        if tree := parse(cell.source):
            for name in method_calls(tree, "check"):
                outputs.setdefault(name, []).append(text_outputs(cell))
    found = []
    for exercise in notebook.exercises:
        if exercise.name is None:
            continue
        label = f"solutions: exercise {exercise.number}"
        if exercise.name not in outputs:
            found.append(f"{label}: no cell calls check.{exercise.name}")
        elif not any(says_correct(text) for text in outputs[exercise.name]):
            found.append(f"{label}: the stored output of check.{exercise.name} is not 'correct'")
    return found


def says_correct(text: str) -> bool:
    """Whether a check's text says that the answer is right ("incorrect" is not)."""
    return bool(re.search(r"(?<!not )\bcorrect\b", text.lower()))


def plain_code(notebook: Notebook) -> list[str]:
    """Plain Python, at most 15 lines a cell, imports first, markdown between code cells."""
    found = []
    for cell in notebook.code:
        place = where(notebook, cell)
        lines = len(cell.source.strip("\n").splitlines())
        if lines > MAX_CELL_LINES:
            found.append(f"{place}: {lines} lines of code, at most {MAX_CELL_LINES}")
        if parse(cell.source) is None:
            found.append(f"{place}: not plain Python (no ! or % commands)")
        forbidden = re.search(r"\bsys\.path\b|\bpip\b|\bget_ipython\b|\bNBVAL_\w+", cell.source)
        if forbidden:
            found.append(f"{place}: {forbidden.group()} in a code cell")
    kinds = [cell.cell_type for cell in notebook.node.cells]
    for index, pair in enumerate(pairwise(kinds)):
        if pair == ("code", "code"):
            after = where(notebook, notebook.node.cells[index + 1])
            found.append(f"{after}: no markdown between this code cell and the one before")
    return found + imports_first(notebook)


def imports_first(notebook: Notebook) -> list[str]:
    """The first code cell holds imports and little else."""
    tree = parse(notebook.code[0].source) if notebook.code else None
    if tree is None:
        return [] if notebook.code else ["no code cell"]
    others = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    if len(others) > 2 or len(others) == len(tree.body):
        place = where(notebook, notebook.code[0])
        return [f"{place}: the first code cell must be the imports, and perhaps a seed"]
    return []


def tagged_cells(notebook: Notebook) -> list[str]:
    """Cells whose output is not compared are few, and asserted by the next code cell."""
    found = []
    tagged = 0
    for index, cell in enumerate(notebook.code):
        tags = cell.metadata.get("tags", [])
        place = where(notebook, cell)
        for tag in {"nbval-skip", "raises-exception", "nbval-raises-exception"} & set(tags):
            found.append(f"{place}: tag {tag} is not used in this course")
        if IGNORED not in tags:
            continue
        tagged += 1
        following = notebook.code[index + 1] if index + 1 < len(notebook.code) else None
        if following is None or not asserts(following.source):
            found.append(f"{place}: tagged {IGNORED}, but the next code cell asserts nothing")
    if tagged * 3 > len(notebook.code):
        found.append(f"{tagged} of {len(notebook.code)} code cells are tagged, at most a third")
    return found


def asserts(source: str) -> bool:
    """Whether code asserts something that is not true by itself."""
    tree = parse(source)
    if tree is None:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name.startswith("assert_"):
                return True
    return False


def executed(notebook: Notebook) -> list[str]:
    """Executed from top to bottom, no errors, no warnings, no output left out."""
    found = []
    counts = [cell.execution_count for cell in notebook.code]
    if counts != list(range(1, len(counts) + 1)):
        found.append(f"not executed from top to bottom: execution counts {counts}")
    for cell in notebook.code:
        place = where(notebook, cell)
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"{place}: stored error {output.ename}: {output.evalue}")
            stream = output.get("text", "") if output.get("name") == "stderr" else ""
            if re.search(r"Warning\b|Traceback", stream):
                found.append(f"{place}: stored warning {stream.strip()[:80]!r}")
    if notebook.code and not any(cell.outputs for cell in notebook.code):
        found.append("no code cell has an output: stripped")
    return found


def sizes(notebook: Notebook) -> list[str]:
    """No output over 200 kB, no notebook over 2 MB."""
    found = []
    for cell in notebook.code:
        for output in cell.outputs:
            size = len(json.dumps(output, ensure_ascii=False).encode())
            if size > MAX_OUTPUT_BYTES:
                kinds = ", ".join(output.get("data", {"stream": 0}))
                found.append(
                    f"{where(notebook, cell)}: an output of {size / 1000:.0f} kB ({kinds}), "
                    f"at most {MAX_OUTPUT_BYTES / 1000:.0f}"
                )
    size = notebook.path.stat().st_size
    if size > MAX_NOTEBOOK_BYTES:
        limit = MAX_NOTEBOOK_BYTES / 1e6
        found.append(f"the notebook has {size / 1e6:.2f} MB, at most {limit:.0f}")
    return found


def alternatives(notebook: Notebook) -> list[str]:
    """Pictures, sounds and widgets say in words what they show."""
    found = []
    for cell in notebook.code:
        for output, behind in pairwise([*cell.outputs, {}]):
            bundle, following = output.get("data", {}), behind.get("data", {})
            markup = bundle.get("text/html", "")
            place = where(notebook, cell)
            widget = any("widget-view" in kind for kind in bundle)
            picture = any(kind.startswith("image/") for kind in bundle)
            caption = markup + following.get("text/html", "")
            if picture and not widget and "course-caption" not in caption:
                found.append(f"{place}: a picture without a caption (plotting.captioned)")
            alternative = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            if picture and not widget and alternative not in html.unescape(caption):
                found.append(f"{place}: a picture whose alternative text is not its caption")
            if "<audio" in markup and "<figcaption" not in markup:
                found.append(f"{place}: a sound without a caption (audio.play)")
            found += [f"{place}: {problem}" for problem in html_images(markup)]
            if widget and not (picture or markup or "%|" in bundle.get("text/plain", "")):
                found.append(f"{place}: a widget without a still for pages without widgets")
    for cell in notebook.markdown:
        text = visible(cell.source)
        for alt, target in IMAGE.findall(text):
            if not alt.strip():
                found.append(
                    f"{where(notebook, cell)}: image without alternative text: {target[:60]}"
                )
        found += [f"{where(notebook, cell)}: {problem}" for problem in html_images(text)]
    return found


def html_images(markup: str) -> list[str]:
    """Images in HTML without alternative text."""
    return [
        f"<img> without alternative text: {tag[:60]}"
        for tag in re.findall(r"<img\b[^>]*>", markup)
        if not re.search(r"""\balt\s*=\s*(["'])\s*\S""", tag)
    ]


def links(notebook: Notebook) -> list[str]:
    """Relative links and anchors, in markdown and in HTML outputs, lead somewhere."""
    found = []
    for cell in notebook.node.cells:
        if cell.cell_type == "code":
            text = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
            targets = []
        else:
            text = visible(cell.source)
            targets = LINK.findall(text) + [target for _, target in IMAGE.findall(text)]
        targets += re.findall(r"""\b(?:href|src)\s*=\s*["']([^"']+)""", text)
        for target in targets:
            if problem := broken(notebook, html.unescape(target)):
                found.append(f"{where(notebook, cell)}: {problem}")
    return found


def broken(notebook: Notebook, target: str) -> str | None:
    """What is wrong with a link's target; None when it leads somewhere, or out of the course."""
    if re.match(r"[a-z][a-z0-9+.-]*:", target, re.I):
        return None  # http, mailto, data, attachment
    file_name, _, anchor = target.partition("#")
    path = notebook.path.parent / unquote(file_name) if file_name else notebook.path
    if not path.exists():
        return f"link to {target}, which does not exist"
    if path.suffix not in (".ipynb", ".md") or not anchor:
        return None
    other = notebook if path.resolve() == notebook.path.resolve() else None
    prose = (other or Notebook(path)).prose if path.suffix == ".ipynb" else path.read_text("utf-8")
    if unquote(anchor) not in set(anchors(prose, lower=path.suffix == ".md")):
        return f"link to {target}: no such heading"
    return None


def anchors(prose: str, lower: bool) -> Iterator[str]:
    """Ids of headings: JupyterLab puts hyphens for blanks, GitHub also lower case in .md files."""
    yield from re.findall(r"""\b(?:id|name)\s*=\s*["']([^"']+)""", prose)
    for _, title in HEADING.findall(FENCE.sub(" ", prose)):
        plain = re.sub(r"[*_`]", "", title)
        if lower:
            yield re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        else:
            yield plain.replace(" ", "-")


def marked_numbers(notebook: Notebook) -> list[str]:
    """Numbers marked <!--out--> stand in an output above them."""
    found = []
    printed_above: list[float] = []
    for part in notebook.parts:
        printed: list[float] = []
        for item in part.items:
            if isinstance(item, NotebookNode):
                printed += numbers.printed(text_outputs(item))
                printed_above += numbers.printed(text_outputs(item))
                continue
            for before in numbers.marked(FENCE.sub(" ", item)):
                candidates = printed_above if part.title == "Summary" else printed
                text = numbers.last_number(before)
                if text is None:
                    found.append(f"'{before[-30:]}<!--out-->': no number before the mark")
                elif not any(numbers.agrees(text, number) for number in candidates):
                    title = part.title or "opening"
                    found.append(f"'{text}<!--out-->' under '{title}' is in no output above it")
    return found


def korean_terms(notebook: Notebook) -> list[str]:
    """01 to 13 give at least five terms with their Korean name."""
    if notebook.is_solution or notebook.number is None or not 1 <= notebook.number <= 13:
        return []
    count = len(set(KOREAN_TERM.findall(notebook.prose)))
    return [] if count >= 5 else [f"{count} bold terms with a Korean name, expected 5 or more"]


def nothing_of_the_machine(notebook: Notebook) -> list[str]:
    """No paths or hosts of the machine that executed it, no traces in the metadata."""
    found = []
    for cell in notebook.node.cells:
        text = cell.source
        if cell.cell_type == "code":
            text += "\n" + text_outputs(cell)
        for pattern, kind in ((MACHINE_PATH, "path"), (PRIVATE_HOST, "host")):
            if match := pattern.search(text):
                found.append(f"{where(notebook, cell)}: {kind} of a machine: {match.group()}")
    metadata = notebook.node.metadata
    if metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("metadata: the kernel must be python3 (make execute)")
    if "version" in metadata.get("language_info", {}):
        found.append("metadata: Python's version is stored (make execute)")
    ids = [cell.get("id") for cell in notebook.node.cells]
    if None in ids or len(set(ids)) < len(ids):
        found.append("metadata: cell ids are missing or not unique (make execute)")
    return found


def widget_states(notebook: Notebook) -> list[str]:
    """Every widget in an output has its state stored, with today's JavaScript, for other pages."""
    kind = "application/vnd.jupyter.widget-state+json"
    stored = notebook.node.metadata.get("widgets", {}).get(kind, {}).get("state", {})
    view = "application/vnd.jupyter.widget-view+json"
    found = [
        f"{where(notebook, cell)}: a widget without stored state (make execute)"
        for cell in notebook.code
        for output in cell.outputs
        if view in output.get("data", {}) and output.data[view].get("model_id") not in stored
    ]
    for model in stored.values():
        module, _, name = model["state"].get("_anywidget_id", "").rpartition(".")
        if module.startswith("course_utils.") and model["state"]["_esm"] != script(module, name):
            found.append(f"the stored script of {name} is not the package's (make execute)")
    return found


def script(module: str, name: str) -> str:
    """The JavaScript of an explorer or a quiz as the package has it now."""
    return str(getattr(importlib.import_module(module), name)._esm)


def browser_mode(notebook: Notebook) -> list[str]:
    """What the notebook tells the browser tests can be followed."""
    mode = notebook.node.metadata.get("course", {}).get("browser")
    if mode not in (None, "explorers"):
        return [f"metadata: course.browser must be 'explorers' or absent, got {mode!r}"]
    tagged = any("browser" in cell.metadata.get("tags", []) for cell in notebook.code)
    if mode and not tagged:
        return ["metadata: course.browser is 'explorers', but no cell is tagged 'browser'"]
    return []


CHECKS: Sequence[Callable[[Notebook], list[str]]] = (
    opening_block,
    opening_links,
    closing_parts,
    exercise_parts,
    solved,
    plain_code,
    tagged_cells,
    executed,
    sizes,
    alternatives,
    links,
    marked_numbers,
    korean_terms,
    nothing_of_the_machine,
    widget_states,
    browser_mode,
)


def ruff_problems(path: Path) -> list[str]:
    """What ruff (lint and format) says about a notebook, with the project's settings."""
    found = []
    config = ["--config", str(ROOT / "pyproject.toml")]
    for command in (["check", "--no-fix", "--output-format=concise"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *config, str(path)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            found.append(f"ruff {command[0]}: {(done.stdout + done.stderr).strip()}")
    return found
