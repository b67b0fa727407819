"""Makes submissions by dice, solved, wrong, broken, endless and greedy, with what each deserves.

    python -m tests.submissions --count 200 --jobs 2

makes them in a temporary folder, marks them, compares, and prints the time.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from course_utils.exercises.framework import FunctionExercise, OpenFunctionExercise, catalogue
from course_utils.exercises.marking import __main__ as command
from course_utils.exercises.marking import submission, table
from tests.notebooks.structure import ROOT, Notebook

DONE, TRIED, MISSING = "done", "tried", "missing"
# Their solutions train, and are left out here.
TRAINED = {"4.6", "5.6", "6.6", "7.6", "8.6", "9.6", "11.6"}

# Cells that stand in place of an answer. NAME is the exercise's.
HOSTILE = {
    "endless": "while True: pass",
    "endless and stubborn": "while True:\n    try:\n        while True: pass\n"
    "    except BaseException: pass",
    "endless function": "def NAME(*args):\n    while True: pass\ncheck.NAME(NAME)",
    "much memory": "kept = []\nwhile True: kept.append(bytearray(10**8))",
    "memory in a function": "def NAME(*args):\n    kept = []\n"
    "    while True: kept.append(bytearray(10**8))\ncheck.NAME(NAME)",
    "large result": "import numpy as np\nNAME = lambda *args: np.zeros(2 * 10**7)\n"
    "check.NAME(NAME)",
    "a large file": "with open('large', 'wb') as file:\n"
    "    while True: file.write(bytes(10**7)); file.flush()",
    "much on disk": "for i in range(10**6):\n    open(f'part{i}', 'wb').write(bytes(10**7))",
    "children": "import os\nfor _ in range(6): os.fork()\nwhile True: pass",
    "one child": "import os\nos.fork()\ncheck.NAME(lambda *args: 'forked')",
    "much output": "for _ in range(10**5): print('spl: correct. ' * 100)\ncheck.NAME(12345.678)",
    "gone": "import os\nos._exit(3)",
    "exit": "exit()\ncheck.NAME(lambda *args: exit())",
    "error": "NAME = 1 / 0\ncheck.NAME(NAME)",
    "no Python": "def NAME(:\n    return\ncheck.NAME(NAME)",
    "no return": "def NAME(*args):\n    str(args)\ncheck.NAME(NAME)",
    "signature": "def NAME(a, b, c, d, e, f, g, h): return 0\ncheck.NAME(NAME)",
    "says that it is right": "class Right:\n    def __eq__(self, other): return True\n"
    "    def __sub__(self, other): return 0\n    def __float__(self): return 0.0\n"
    "check.NAME(lambda *args: Right())",
    "patches the check": "from course_utils.exercises import framework as f, compare\n"
    "f.Exercise.judge = lambda *a: f.Verdict(f.CORRECT, 'correct')\n"
    "compare.difference = lambda *a, **k: ''\ncheck.NAME(12345.678)\nprint('NAME: correct.')",
    "forges answers": "import gc\nfrom multiprocessing.connection import Connection\n"
    "from course_utils.exercises.marking import wire\n"
    "for pipe in [o for o in gc.get_objects() if isinstance(o, Connection)]:\n"
    "    for _ in range(3): pipe.send_bytes(wire.pack({'kind': 'value', 'value': 1}))\n"
    "check.NAME(12345.678)",
    "pickle": "class Bomb:\n    def __reduce__(self): return exit, ()\n"
    "check.NAME(lambda *args: Bomb())",
}
# What deserves to be marked all the same.
ODD_BUT_RIGHT = {
    "leaves a child behind": "import subprocess\nsubprocess.Popen(['sleep', '4321'],"
    " start_new_session=True)",
    "prints a lot": "for i in range(10**5): print(i)",
    "writes progress": "import os, pathlib\npathlib.Path(os.environ['COURSE_PROGRESS'])"
    ".write_text('{}')",
}


@dataclass
class Made:
    """A submission: its name, what it is, and what each exercise deserves (None: anything)."""

    name: str
    kind: str
    expected: dict[int, str | None] = field(default_factory=dict)


def solutions(number: int) -> dict[int, list[str]]:
    """The cells of each exercise in the notebook of solutions; its first cell is under 0."""
    path = next((ROOT / "notebooks/solutions").glob(f"{number:02d}_*.ipynb"))
    found: dict[int, list[str]] = {}
    for cell in submission.read(path).cells:
        found.setdefault(cell.exercise, []).append(cell.source)
    return found


def wrong(exercise) -> str:
    """A cell with a wrong answer."""
    name = exercise.name
    if isinstance(exercise, FunctionExercise | OpenFunctionExercise):
        return f"def {name}(*args):\n    return 12345.678\n\n\ncheck.{name}({name})"
    return f"{name} = 12345.678\ncheck.{name}({name})"


def make(folder: Path, index: int, dice: random.Random, numbers: list[int]) -> Made:
    """Write one submission, as the dice fall."""
    kind = dice.choices(["plain", "hostile", "odd", "broken"], [60, 20, 5, 15])[0]
    name = f"learner{index:03d}"
    if kind == "broken":
        return broken(folder, name, dice)
    number = dice.choice(numbers)
    path = next((ROOT / "notebooks").glob(f"{number:02d}_*.ipynb"))
    notebook = Notebook(path)
    made = Made(f"{name}/my answers.ipynb", kind)
    exercises, solved = catalogue()[number].exercises, solutions(number)
    hostile = dice.sample(range(1, len(exercises) + 1), dice.choice([1, 1, 2]))
    names = list(exercises)
    for place, part in enumerate(notebook.exercises, 1):
        exercise = exercises[names[place - 1]]
        state = dice.choices([DONE, TRIED, MISSING], [6, 2, 2])[0]
        if state == DONE and f"{number}.{place}" in TRAINED:
            state = MISSING
        if kind == "hostile" and place in hostile:
            made.kind = dice.choice(list(HOSTILE))
            put(part, HOSTILE[made.kind].replace("NAME", exercise.name))
            state = TRIED
        elif state == DONE:
            put(part, "\n\n".join(solved[place]))
        elif state == TRIED:
            put(part, wrong(exercise))
        made.expected[place] = state
    # What the solutions import; some learners write such a cell of their own.
    notebook.node.cells.insert(1, nbformat.v4.new_code_cell("\n".join(solved[0])))
    if kind == "odd":
        made.kind = dice.choice(list(ODD_BUT_RIGHT))
        notebook.node.cells.insert(2, nbformat.v4.new_code_cell(ODD_BUT_RIGHT[made.kind]))
    for cell in notebook.code:
        cell.outputs = []
    (folder / name).mkdir()
    nbformat.write(notebook.node, folder / made.name)
    return made


def put(part, source: str) -> None:
    part.stub.source = source


def broken(folder: Path, name: str, dice: random.Random) -> Made:
    """Write a file that is no submission."""
    r_kernel = {"cells": [], "nbformat": 4, "nbformat_minor": 5}
    r_kernel["metadata"] = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}
    files = {
        "empty.ipynb": b"",
        "half.ipynb": b'{"cells": [{"cell_type": "code", "sou',
        "bytes.ipynb": bytes(range(256)) * 50,
        "list.ipynb": b"[]",
        "cells.ipynb": b'{"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        "deep.ipynb": b"[" * 100_000,
        "kernel.ipynb": json.dumps(r_kernel).encode(),
        "essay.docx": b"PK\x03\x04",
        "other.ipynb": json.dumps(r_kernel | {"metadata": {}}).encode(),
    }
    kind = dice.choice([*files, "link.ipynb", "nothing"])
    if kind == "nothing":
        (folder / name).mkdir()
        return Made(name, kind)
    path = folder / f"{name}_{kind}"
    if kind == "link.ipynb" and hasattr(os, "symlink"):
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(files.get(kind, b""))
    return Made(path.name, kind)


def make_all(folder: Path, count: int, seed: int, numbers: list[int]) -> list[Made]:
    """Make submissions in an empty folder."""
    dice = random.Random(seed)
    return [make(folder, index, dice, numbers) for index in range(count)]


def differences(made: list[Made], out: Path) -> list[str]:
    """Where the table says something else than each submission deserves."""
    results = table.read(out)
    found = []
    for one in made:
        if one.name not in results:
            found.append(f"{one.name} ({one.kind}): no row")
            continue
        _, result = results[one.name]
        if bool(one.expected) == bool(result.problem):
            found.append(f"{one.name} ({one.kind}): problem {result.problem!r}")
        for mark in result.marks:
            wanted = one.expected.get(mark.exercise)
            if wanted and mark.state != wanted:
                found.append(
                    f"{one.name} ({one.kind}): {result.notebook}.{mark.exercise} is {mark.state}, "
                    f"not {wanted}: {mark.reason}"
                )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", default="1")
    parser.add_argument("--cell-seconds", default="10")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "submissions", Path(place) / "marks.csv"
        folder.mkdir()
        numbers = [number for number in catalogue() if number]
        made = make_all(folder, options.count, options.seed, numbers)
        begin = time.perf_counter()
        arguments = [str(folder), "--out", str(out), "--jobs", options.jobs]
        command.main([*arguments, "--cell-seconds", options.cell_seconds])
        seconds = time.perf_counter() - begin
        wrong_ones = differences(made, out)
    print(Counter(one.kind for one in made))
    print(f"{options.count} submissions in {seconds:.0f} s, {seconds / options.count:.1f} s each")
    print("\n".join(wrong_ones) or "All as deserved.")
    return bool(wrong_ones)


if __name__ == "__main__":
    sys.exit(main())
