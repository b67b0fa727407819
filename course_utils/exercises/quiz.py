"""Quizzes: choose an option, read why it is right or wrong.

Drawn and answered in the browser (quiz.js); the kernel only hears which options were chosen.
Where widgets do not run, the questions are readable as text, with the answers folded away.
"""

import html
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets


@dataclass(frozen=True)
class Option:
    """One of the answers that are offered, with what is to be said to whoever chooses it."""

    text: str
    explanation: str
    correct: bool = False


@dataclass(frozen=True)
class Question:
    """A question with its options, exactly one of them right. Plain text, formulas in Unicode."""

    text: str
    options: Sequence[Option]


def validate(questions: Sequence[Question]) -> tuple[Question, ...]:
    """Check that a quiz can be answered.

    Args:
        questions: in order.

    Returns:
        The same questions.

    Raises:
        ValueError: none at all, fewer than two options, an empty text, an option given twice, or
            not exactly one right option.
    """
    if not questions:
        raise ValueError("a quiz needs at least one question")
    for question in questions:
        texts = [option.text for option in question.options]
        right = sum(option.correct for option in question.options)
        if not all([question.text, *texts, *(o.explanation for o in question.options)]):
            raise ValueError(f"a text is empty in the question {question.text!r}")
        if len(texts) < 2 or len(set(texts)) < len(texts):
            raise ValueError(f"{question.text!r} needs two or more options, all different")
        if right != 1:
            raise ValueError(f"{question.text!r} needs exactly one right option, has {right}")
    return tuple(questions)


class QuizWidget(anywidget.AnyWidget):
    """A quiz in the browser.

    Args:
        questions: what is asked.
        save: called with the number of right answers after each choice; returns a sentence for
            the learner, or "".

    Attributes:
        answers: for each question the index of the chosen option, or None.
        notice: a sentence under the quiz, such as that progress could not be saved.
    """

    _esm = Path(__file__).with_name("quiz.js")
    questions = traitlets.List().tag(sync=True)
    answers = traitlets.List(traitlets.Int(allow_none=True)).tag(sync=True)
    notice = traitlets.Unicode().tag(sync=True)

    def __init__(self, questions: Sequence[Question], save: Callable[[int], str]) -> None:
        """Begin with no question answered."""
        super().__init__(
            questions=[asdict(question) for question in questions],
            answers=[None] * len(questions),
        )
        self._asked = questions
        self._save = save
        self.observe(self._on_answers, "answers")

    def right(self) -> int:
        """How many questions are answered rightly now."""
        return sum(
            answer is not None and question.options[answer].correct
            for question, answer in zip(self._asked, self.answers, strict=True)
        )

    @traitlets.validate("answers")
    def _valid_answers(self, proposal: dict[str, Any]) -> list[int | None]:
        answers = proposal["value"]
        counts = [len(question["options"]) for question in self.questions]
        if len(answers) != len(counts) or not all(
            answer is None or 0 <= answer < count
            for answer, count in zip(answers, counts, strict=True)
        ):
            raise traitlets.TraitError(
                f"answers must be one option's index, or None, for each of {len(counts)} "
                f"questions, got {answers}"
            )
        return answers

    def _on_answers(self, change: dict[str, Any]) -> None:
        self.notice = self._save(self.right())

    def __repr__(self) -> str:
        """The questions and their options as text."""
        lines = []
        for number, question in enumerate(self._asked, 1):
            lines.append(f"{number}. {question.text}")
            lines += [f"   {letter}) {o.text}" for letter, o in _lettered(question)]
        return "\n".join(lines)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return data | {"text/plain": repr(self), "text/html": self._html()}, metadata

    def _html(self) -> str:
        items = []
        for question in self._asked:
            options = "".join(f"<li>{html.escape(o.text)}</li>" for o in question.options)
            answers = "".join(
                f"<p>{letter}) {'Right.' if o.correct else 'Not this one.'} "
                f"{html.escape(o.explanation)}</p>"
                for letter, o in _lettered(question)
            )
            items.append(
                f'<li><p>{html.escape(question.text)}</p><ol type="A">{options}</ol>'
                f"<details><summary>Answer</summary>{answers}</details></li>"
            )
        return f"<ol>{''.join(items)}</ol>"


def _lettered(question: Question) -> list[tuple[str, Option]]:
    return list(zip("ABCDEFGH", question.options, strict=False))
