"""The proof is proved: broken copies of a whole notebook fail, each for its own reason."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbval.plugin import get_sanitize_patterns

from docs.tools.execute import execute
from tests.notebooks import numbers, structure, tiny

Break = Callable[[NotebookNode], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny course, executed once."""
    return tiny.build(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def copy(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tiny notebook, its solutions beside it, in a repository without address."""
    monkeypatch.setattr(structure, "public_address", lambda: None)
    shutil.copytree(whole.parent, tmp_path / "notebooks")
    return tmp_path / "notebooks" / whole.name


def edit(path: Path, change: Break) -> None:
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def cell(notebook: NotebookNode, text: str) -> NotebookNode:
    """The first cell whose source contains `text`."""
    return next(cell for cell in notebook.cells if text in cell.source)


def replace(old: str, new: str) -> Break:
    """A change of the first cell that contains `old`."""

    def change(notebook: NotebookNode) -> None:
        target = cell(notebook, old)
        target.source = target.source.replace(old, new)

    return change


def insert(text: str, *cells: NotebookNode) -> Break:
    """New cells after the first one that contains `text`."""

    def change(notebook: NotebookNode) -> None:
        place = notebook.cells.index(cell(notebook, text)) + 1
        notebook.cells[place:place] = cells

    return change


def output(source: str, index: int, /, **changes: object) -> Break:
    """Changed fields of one output of the cell that contains `source`."""
    return lambda notebook: cell(notebook, source).outputs[index].update(changes)


def unexecute(notebook: NotebookNode) -> None:
    cell(notebook, "picture()").execution_count = None


def strip(notebook: NotebookNode) -> None:
    for code in notebook.cells:
        if code.cell_type == "code":
            code.outputs, code.execution_count = [], None


def keep(*indices: int) -> Break:
    """Only these outputs of the picture's cell."""

    def change(notebook: NotebookNode) -> None:
        target = cell(notebook, "picture()")
        target.outputs = [target.outputs[index] for index in indices]

    return change


def untitled(notebook: NotebookNode) -> None:
    notebook.cells[0].source = notebook.cells[0].source.replace("# 01 Tiny", "# Tiny")


def without_widget_state(notebook: NotebookNode) -> None:
    del notebook.metadata["widgets"]


def stale_script(notebook: NotebookNode) -> None:
    """A stored quiz whose JavaScript is an older one."""
    old = {"_anywidget_id": "course_utils.exercises.quiz.QuizWidget", "_esm": "old"}
    (bundle,) = notebook.metadata["widgets"].values()
    bundle["state"]["quiz"] = {"model_name": "AnyModel", "state": old}


def tag_more(notebook: NotebookNode) -> None:
    for text in ("level =", "sound()", "Slider(", "answer = None"):
        cell(notebook, text).metadata["tags"] = [structure.IGNORED]


def code_cell(source: str, **changes: object) -> NotebookNode:
    return nbformat.v4.new_code_cell(source, **changes)


BREAKS: dict[str, tuple[Break, str]] = {
    "no number in the title": (untitled, "must begin with '# 01 Title'"),
    "no promise": (replace("You see a notebook that is", "- "), "a sentence of promise"),
    "objective without exercise": (replace(" (exercise 1.2)", ""), "objective names no exercise"),
    "objective with wrong exercise": (replace("(exercise 1.2)", "(exercise 1.9)"), "exercise 1.9"),
    "two objectives": (replace("- triple (exercise 1.2)\n", ""), "2 objectives"),
    "no needs": (replace("**You need**", "You need"), "'**You need**' is missing"),
    "no seconds to run": (replace(", 2 seconds to run", ""), "the seconds to run"),
    "no link back": (replace("(00_before.ipynb)", "(#Summary)"), "no link to 00_before.ipynb"),
    "badge without address": (
        replace("**You need**", "![Binder](https://mybinder.org/v2/gh/a/b) **You need**"),
        "the repository has no address yet",
    ),
    "long summary": (replace("## Quiz", "- more\n" * 7 + "## Quiz"), "the summary has 8 lines"),
    "no summary": (replace("## Summary", "## The end"), "last level-2 headings"),
    "no quiz": (replace("quiz()", "print('quiz')"), "calls quiz()"),
    "few references": (replace("<https://jupyter.org>", "x"), "at least two links"),
    "exercise without text": (replace("Assign to `answer` the half of six.", ""), "what to do"),
    "exercise without hint": (replace("# hint.half()", ""), "no hint.half()"),
    "exercise without check": (replace("check.half(answer)", "answer"), "last line is check"),
    "exercise misnumbered": (replace("Exercise 1.3", "Exercise 1.5"), "expected number 1.3"),
    "exercise answered": (output("check.half", 0, text="Correct."), "not say 'not attempted'"),
    "long cell": (replace("picture()", "picture()\n" * 16), "16 lines of code, at most 15"),
    "no markdown between": (insert("level =", code_cell("level")), "no markdown between"),
    "magic": (replace("sound()", "%time sound()"), "not plain Python"),
    "pip": (replace("sound()", "sound('pip install x')"), "pip in a code cell"),
    "imports not first": (replace("import time", "x = 1\ny = 2\nz = 3"), "must be the imports"),
    "tag without assertion": (replace("assert now > 0", "now"), "the next code cell asserts"),
    "vacuous assertion": (replace("assert now > 0", "assert True"), "the next code cell asserts"),
    "too many tags": (tag_more, "at most a third"),
    "skipped": (
        lambda notebook: cell(notebook, "level =").metadata.update(tags=["nbval-skip"]),
        "tag nbval-skip is not used",
    ),
    "skipped by comment": (replace("sound()", "# NBVAL_SKIP\nsound()"), "NBVAL_SKIP in a code"),
    "unexecuted cell": (unexecute, "not executed from top to bottom"),
    "stripped": (strip, "no code cell has an output"),
    "stored error": (
        output("level =", 0, output_type="error", ename="E", evalue="v", traceback=[]),
        "stored error E: v",
    ),
    "stored warning": (
        output("level =", 0, name="stderr", text="x.py:1: UserWarning: no"),
        "stored warning",
    ),
    "large output": (output("level =", 0, text="x" * 200_001), "at most 200"),
    "large notebook": (
        lambda notebook: notebook.metadata.update(padding="x" * 2_000_000),
        "MB, at most 2",
    ),
    "picture without caption": (keep(0), "a picture without a caption"),
    "picture with an old alternative": (
        output("picture()", 0, metadata={"image/png": {"alt": "what it showed last year"}}),
        "a picture whose alternative text is not its caption",
    ),
    "sound without caption": (
        output("sound()", 0, data={"text/html": "<audio controls></audio>"}),
        "a sound without a caption",
    ),
    "widget without still": (
        lambda notebook: cell(notebook, "Slider(").outputs[0].data.pop("text/html"),
        "a widget without a still",
    ),
    "widget without state": (without_widget_state, "a widget without stored state"),
    "stale script": (stale_script, "the stored script of QuizWidget is not the package's"),
    "image without alternative": (replace("A sound", "![](01_tiny.ipynb) A"), "alternative text"),
    "link to no file": (replace("A sound", "[A](02_none.ipynb)"), "02_none.ipynb, which does not"),
    "link to no heading": (replace("#Summary", "#Nothing"), "#Nothing: no such heading"),
    "wrong number": (replace("49.9<!--out-->", "49.8<!--out-->"), "'49.8<!--out-->'"),
    "number of another section": (
        replace("A sound,", "## Another\n\n49.9<!--out--> dB"),
        "under 'Another'",
    ),
    "mark without number": (replace("49.9<!--out-->", "many<!--out-->"), "no number before"),
    "few Korean terms": (replace(" (위상)", ""), "4 bold terms"),
    "path of a machine": (output("level =", 0, text="49.92 /home/ann/x"), "path of a machine"),
    "private host": (replace("A sound", "http://registry.internal/x"), "host of a machine"),
    "Python's version": (
        lambda notebook: notebook.metadata.language_info.update(version="3.11.2"),
        "Python's version",
    ),
    "unknown browser mode": (
        lambda notebook: notebook.metadata.update(course={"browser": "none"}),
        "course.browser must be",
    ),
    "browser mode without cells": (
        lambda notebook: notebook.metadata.update(course={"browser": "explorers"}),
        "no cell is tagged 'browser'",
    ),
}


def test_whole_notebook_has_no_problem(copy: Path) -> None:
    assert structure.problems(copy) == []
    assert structure.problems(copy.parent / "solutions" / copy.name) == []


@pytest.mark.parametrize("name", BREAKS)
def test_broken_structure_is_reported(copy: Path, name: str) -> None:
    change, reason = BREAKS[name]
    edit(copy, change)
    found = structure.problems(copy)
    assert any(reason in problem for problem in found), found


def test_missing_solutions_are_reported(copy: Path) -> None:
    (copy.parent / "solutions" / copy.name).unlink()
    assert any("does not exist" in problem for problem in structure.problems(copy))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (replace("check.half(answer)", "answer"), "no cell calls check.half"),
        (output("check.half", 0, text="Incorrect: 3 was expected."), "is not 'correct'"),
        (output("check.half", 0, text="Not attempted yet."), "is not 'correct'"),
    ],
)
def test_broken_solutions_are_reported(copy: Path, change: Break, reason: str) -> None:
    edit(copy.parent / "solutions" / copy.name, change)
    assert any(reason in problem for problem in structure.problems(copy))


def test_ruff_reads_notebooks(copy: Path) -> None:
    edit(copy, replace("print('positive')", 'print("positive")'))
    edit(copy, replace("level = 49.92\nprint(f'{level} dB')", 'level = 49.92\nprint(f"{level}")'))
    assert structure.ruff_problems(copy) == []
    edit(copy, replace("level = 49.92", "import os; level=49.92"))
    found = structure.ruff_problems(copy)
    assert [problem.split(":")[0] for problem in found] == ["ruff check", "ruff format"]


def raise_in_cell(notebook: NotebookNode) -> None:
    replace("print('positive')", "raise ValueError('broken on purpose')")(notebook)


@pytest.mark.slow
def test_nbval_fails_for_the_right_reason(whole: Path, tmp_path: Path) -> None:
    """One strict run over broken copies; the whole one beside them passes."""
    cases = {
        "10_whole.ipynb": (lambda notebook: None, None),
        "11_changed.ipynb": (output("level =", 0, text="49.93 dB\n"), "Cell outputs differ"),
        "12_raises.ipynb": (raise_in_cell, "broken on purpose"),
        "13_picture_gone.ipynb": (keep(1), "image/png"),
        "14_output_gone.ipynb": (
            lambda notebook: cell(notebook, "level =").update(outputs=[]),
            "Unexpected output fields",
        ),
        "15_still_changed.ipynb": (
            lambda notebook: cell(notebook, "Slider(").outputs[0].data.update({"text/html": "4"}),
            "mismatch 'text/html'",
        ),
    }
    for name, (change, _) in cases.items():
        shutil.copy(whole, tmp_path / name)
        edit(tmp_path / name, change)
    shutil.copy(whole.with_name("tiny_helpers.py"), tmp_path)
    text = run_nbval(tmp_path)
    failed = dict.fromkeys(re.findall(r"^FAILED \S*?(\d\d_\w+\.ipynb)", text, re.M))
    assert list(failed) == [name for name, (_, reason) in cases.items() if reason], text
    reports = re.split(r"^_{3,}.*?(\d\d_\w+\.ipynb).*?_{3,}$", text, flags=re.M)
    for name, report in zip(reports[1::2], reports[2::2], strict=True):
        assert cases[name][1] in report, (name, report)


def run_nbval(folder: Path, *options: str) -> str:
    """The text of a strict run over the notebooks of a folder."""
    plugins = ["-p", "tests.nbval_plugin", "-p", "no:cacheprovider"]
    nbval = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with=tests/nbval_sanitize.cfg"]
    report = [f"--rootdir={folder}", "--color=no", "-ra", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *nbval, *report, *options, str(folder)],
        cwd=structure.ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.slow
def test_each_file_has_its_own_progress_and_no_network(tmp_path: Path) -> None:
    """Two notebooks in one worker, the second pass: environment as promised."""
    source = "import os\nfrom pathlib import Path"
    look = (
        "path = Path(os.environ['COURSE_PROGRESS'])\nprint(path.exists())\n"
        "path.write_text('{}')\nprint(os.listdir(os.environ['COURSE_DATA']), 'fsdd')\n"
        "print(os.environ['HTTPS_PROXY'])"
    )
    for name in ("20_first.ipynb", "21_second.ipynb"):
        stored = "False\n[] fsdd\nhttp://127.0.0.1:9\n"
        result = nbformat.v4.new_output("stream", text=stored)
        cells = [code_cell(source, execution_count=1)]
        cells.append(code_cell(look, execution_count=2, outputs=[result]))
        tiny.save(cells, tmp_path / name)
    tiny.save([code_cell("print('no corpus')")], tmp_path / "22_other.ipynb")
    text = run_nbval(tmp_path, "--without-data")
    assert "4 passed" in text and "22_other" not in text, text


@pytest.mark.slow
def test_executing_twice_gives_the_same_file(copy: Path) -> None:
    """Save for the tagged cell's clock and the sound's random bytes, which the test removes."""

    def remove_chance(notebook: NotebookNode) -> None:
        replace("sound()", "print('sound')")(notebook)
        replace("print(now)", "print('now')")(notebook)

    edit(copy, remove_chance)
    texts = []
    for _ in range(2):
        execute(copy, cell_timeout_s=60, notebook_timeout_s=120)
        texts.append(copy.read_text(encoding="utf-8"))
        edit(copy, strip)
        edit(copy, lambda notebook: notebook.cells[3].update(id="changed-by-an-editor"))
    assert texts[0] == texts[1]
    stored = json.loads(texts[0])["metadata"]
    assert stored["kernelspec"]["name"] == "python3" and "version" not in stored["language_info"]


@pytest.mark.slow
def test_failed_execution_leaves_the_file(copy: Path) -> None:
    edit(copy, raise_in_cell)
    before = copy.read_bytes()
    with pytest.raises(Exception, match="broken on purpose"):
        execute(copy, cell_timeout_s=60, notebook_timeout_s=120)
    assert copy.read_bytes() == before
    edit(copy, replace("raise ValueError('broken on purpose')", "time.sleep(60)"))
    before = copy.read_bytes()
    with pytest.raises(TimeoutError, match="01_tiny"):
        execute(copy, cell_timeout_s=60, notebook_timeout_s=4)
    assert copy.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "number", "agree"),
    [
        ("49.9", 49.9, True),
        ("49.9", 49.92, True),
        ("49.9", 49.96, False),
        ("50", 49.92, True),
        ("4", 3.7, False),
        ("4", 4.0, True),
        ("−3.0", -3.01, True),
        ("3.0", -3.01, False),
        ("1,024", 1024.0, True),
        ("1.1e-16", 1.11e-16, True),
        ("1.1 \\times 10^{-16}", 1.11e-16, True),
        ("1.1 × 10⁻¹⁶", 1.2e-16, False),
        ("0.00", 0.004, False),
    ],
)
def test_numbers_agree(text: str, number: float, agree: bool) -> None:
    assert numbers.last_number(f"It is **${text}$** dB") == text
    assert numbers.agrees(text, number) is agree


@pytest.mark.parametrize(
    ("stored", "fresh", "same"),
    [
        ("<Axes at 0x7f3a2b1c4d50>", "<Axes at 0x1023456ab>", True),
        ("mask 0xff", "mask 0xfe", False),
        ("src='data:audio/flac;base64,Zkxh+/=='", "src='data:audio/flac;base64,AAAA'", True),
        (
            " 50%|█████     | 5/10 [00:01<00:01, 4.8it/s]",
            " 50%|##5  | 5/10 [00:09<?, 1.2s/it]",
            True,
        ),
        (
            " 50%|█████     | 5/10 [00:01<00:01, 4.8it/s]",
            " 60%|######| 6/10 [0:09<?, 1.2s/it]",
            False,
        ),
        ("| 12 | 3/4 |", "| 13 | 3/4 |", False),
        ("wrote /tmp/abc/x.wav.", "wrote /tmp/def/x.wav.", True),
        ("iVBORw0KGgoAAA+/=\n", "iVBORw0KGgoBBB", True),
        ("took 3.2 s", "took 3.3 s", False),
    ],
)
def test_sanitising_is_narrow(stored: str, fresh: str, same: bool) -> None:
    config = (structure.ROOT / "tests" / "nbval_sanitize.cfg").read_text(encoding="utf-8")
    for pattern, replacement in get_sanitize_patterns(config):
        stored, fresh = (re.sub(pattern, replacement, text) for text in (stored, fresh))
    assert (stored == fresh) is same


def test_numbers_of_an_output() -> None:
    assert numbers.printed("x1 = 3.5 dB, [1, -2] 1.0e-3 2 × 10⁻⁵") == [3.5, 1, -2, 1e-3, 2e-5]
