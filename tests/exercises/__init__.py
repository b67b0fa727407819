"""Answers to the exercises: one module nbNN per notebook, each with a dict ANSWERS.

tests/test_exercises.py puts every one of them before its check.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answers:
    """What a learner may give to one check.

    Attributes:
        solution: a right answer, written as a learner would write it.
        stub: what stands in the notebook before the learner begins.
        wrong: (wrong answer, part of the message that must help), at least three.
        also_right: other right answers.
    """

    solution: Any
    stub: Any
    wrong: Sequence[tuple[Any, str]]
    also_right: Sequence[Any] = ()


def answers(number: int) -> dict[str, Answers]:
    """The answers to the exercises of one notebook, by exercise."""
    return importlib.import_module(f"tests.exercises.nb{number:02d}").ANSWERS
