"""A tiny course, one notebook and its solutions: whole in every respect, for tests to break."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from docs.tools.execute import execute

# What the notebook imports: checks, a quiz, and one of each kind of output.
HELPERS = """
import base64
import os

from IPython.display import HTML, Image, display
from ipywidgets import IntSlider

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class check:
    @staticmethod
    def double(answer):
        print("Not attempted yet." if answer is None else "Correct.")

    triple = half = square = double


def quiz():
    display(HTML("<p>Is this a question?</p>"))


def picture():
    display(Image(PIXEL))
    display(HTML('<p class="course-caption">One red pixel.</p>'))


def sound():
    data = base64.b64encode(os.urandom(30)).decode()
    markup = f'<audio controls src="data:audio/mpeg;base64,{data}"></audio>'
    display(HTML(f"<figure>{markup}<figcaption>Noise.</figcaption></figure>"))


class Slider(IntSlider):
    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle["text/html"] = f"<p>A slider at {self.value}.</p>"
        return bundle
"""

OPENING = """# 01 Tiny

You see a notebook that is as small as a whole one can be.

**You will be able to**

- double (exercise 1.1)
- triple (exercise 1.2)
- halve (exercises 1.3 and 1.4)

**You need** nothing.

**Time**: 1 minute to read, 2 seconds to run

[Before](00_before.ipynb) · [Solutions](solutions/01_tiny.ipynb) · [Summary](#Summary)
"""

SECTION = """## A section

**wave** (파동), **sound** (소리), **pitch** (음높이), **noise** (잡음), **phase** (위상)
"""

NAMES = ("double", "triple", "half", "square")


def build(folder: Path) -> Path:
    """Write the tiny course into `folder`, execute it, and return the notebook's path."""
    path = folder / "notebooks" / "01_tiny.ipynb"
    solutions = path.parent / "solutions" / path.name
    solutions.parent.mkdir(parents=True)
    for place in (path.parent, solutions.parent):
        (place / "tiny_helpers.py").write_text(HELPERS, encoding="utf-8")
    save([new_markdown_cell("# 00 Before")], path.with_name("00_before.ipynb"))
    save(notebook_cells(), path)
    save(solution_cells(), solutions)
    for notebook in (path, solutions):
        execute(notebook, cell_timeout_s=60, notebook_timeout_s=120)
    return path


def save(cells: list[nbformat.NotebookNode], path: Path) -> None:
    nbformat.write(new_notebook(cells=cells), path)


def notebook_cells() -> list[nbformat.NotebookNode]:
    cells = [
        new_markdown_cell(OPENING),
        new_code_cell(
            "import time\n\nfrom tiny_helpers import Slider, check, picture, quiz, sound"
        ),
        new_markdown_cell(SECTION),
        new_code_cell("level = 49.92\nprint(f'{level} dB')"),
        new_markdown_cell("That is 49.9<!--out--> dB. A picture:"),
        new_code_cell("picture()"),
        new_markdown_cell("A sound, other bytes at each run:"),
        new_code_cell("sound()"),
        new_markdown_cell("A widget:"),
        new_code_cell("Slider(value=3)"),
        new_markdown_cell("The time, which no two machines share:"),
        new_code_cell(
            "now = time.perf_counter()\nprint(now)", metadata={"tags": ["nbval-ignore-output"]}
        ),
        new_markdown_cell("It is positive:"),
        new_code_cell("assert now > 0\nprint('positive')"),
        new_markdown_cell("## Summary\n\n- The level is 49.92<!--out--> dB.\n\n## Quiz"),
        new_code_cell("quiz()"),
        new_markdown_cell("## Exercises"),
    ]
    for number, name in enumerate(NAMES, start=1):
        text = f"### Exercise 1.{number} The {name}\n\nAssign to `answer` the {name} of six."
        cells.append(new_markdown_cell(text))
        cells.append(new_code_cell(f"answer = None\n# hint.{name}()\ncheck.{name}(answer)"))
    reading = "## Further reading\n\n<https://jupyter.org>, [nbval](https://github.com/x/nbval)"
    return [*cells, new_markdown_cell(reading)]


def solution_cells() -> list[nbformat.NotebookNode]:
    cells = [
        new_markdown_cell("# 01 Tiny: solutions\n\n[Back](../01_tiny.ipynb)"),
        new_code_cell("from tiny_helpers import check"),
    ]
    for number, name in enumerate(NAMES, start=1):
        cells.append(new_markdown_cell(f"## Exercise 1.{number}"))
        cells.append(new_code_cell(f"answer = {number}\ncheck.{name}(answer)"))
    return cells
