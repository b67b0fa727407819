"""Every notebook keeps the conventions that structure.py describes."""

from pathlib import Path

import pytest

from course_utils.exercises.framework import catalogue
from docs.tools.execute import notebook_paths
from tests.notebooks import structure

NOTEBOOKS = notebook_paths()
IDS = [path.relative_to(structure.ROOT / "notebooks").as_posix() for path in NOTEBOOKS]
MAIN = {int(path.name[:2]): path for path in NOTEBOOKS if path.parent.name == "notebooks"}


def listing(problems: list[str]) -> str:
    return "\n".join(["", *problems])


def test_there_are_notebooks() -> None:
    assert {0, 1} <= MAIN.keys()
    names = {path.name for path in MAIN.values()}
    strays = [p for p in NOTEBOOKS if p.parent.name == "solutions" and p.name not in names]
    assert not strays, "solutions without a notebook"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=IDS)
def test_structure(path: Path) -> None:
    found = structure.problems(path)
    assert not found, listing(found)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=IDS)
def test_ruff(path: Path) -> None:
    found = structure.ruff_problems(path)
    assert not found, listing(found)


@pytest.mark.parametrize("number", sorted(MAIN.keys() | catalogue().keys()), ids="{:02d}".format)
def test_exercises_of_notebook_and_package_agree(number: int) -> None:
    """Each exercise of course_utils.exercises.nbNN stands in notebook NN, in the same order."""
    assert number in MAIN, f"exercises nb{number:02d}, but no notebook {number:02d}"
    exercises = structure.Notebook(MAIN[number]).exercises
    assert number in catalogue() or not exercises, f"no module nb{number:02d}"
    declared = catalogue()[number]
    assert [exercise.name for exercise in exercises] == list(declared.exercises)
    for exercise in exercises:
        # The table of progress in 00 shows the declared title: a learner looks for the same words.
        title = declared.exercises[exercise.name].title
        assert exercise.title.strip(" .:").lower() == title.strip(" .").lower()


@pytest.mark.parametrize("number", sorted(catalogue()), ids="{:02d}".format)
def test_quiz_length(number: int) -> None:
    least = 1 if number == 0 else 4
    assert least <= len(catalogue()[number].questions) <= 6
