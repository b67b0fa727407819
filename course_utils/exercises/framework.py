"""Exercises: how they are declared, judged and asked for.

A module nbNN makes one `Notebook` and declares its exercises on it, in reading order:

    notebook = Notebook(1, "Sound waves")

    @notebook.function(
        cases=[(100.0,), (440.0, 1480.0)],       # arguments, the smallest first
        mistakes=[("You divided f by c.", lambda f, c=343.0: f / c)],
        hints=["…", "…", "…"],
    )
    def wavelength(frequency_hz, speed=343.0):
        "Wavelength of a tone"                     # the title
        return speed / frequency_hz               # the reference: what is expected

    check, hint, quiz = notebook.check, notebook.hint, notebook.quiz

`Notebook.value` declares a question whose answer is a number or a text, `Notebook.open` one that is
judged by what can be measured; `read_finding` reads one that is a report.
"""

import copy
import dis
import importlib
import inspect
import math
import numbers
import pkgutil
import re
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import course_utils.exercises
from course_utils.exercises import guard, store
from course_utils.exercises.compare import difference, show
from course_utils.exercises.quiz import Question, QuizWidget, validate

NOT_ATTEMPTED, CORRECT, WRONG = "not attempted", "correct", "wrong"
_LONGEST_PRINT = 160
_WIDTH = 88
_CHANGES_INPUT = "It changes the array that it is given: work on a copy, x.copy()."


class WrongAnswer(Exception):
    """Raised by the judge of an open exercise; the message says what was measured and expected."""


@dataclass(frozen=True)
class Verdict:
    """What a check found: `state` is NOT_ATTEMPTED, CORRECT or WRONG; `message` is one line."""

    state: str
    message: str


@dataclass(frozen=True)
class Case:
    """Arguments of one call, with a description where they are too long to be shown."""

    args: tuple[Any, ...]
    description: str = ""

    def shown(self) -> str:
        """The arguments as they stand in a message."""
        return self.description or ", ".join(show(value) for value in self.args)


@dataclass(frozen=True)
class Exercise:
    """What every exercise has; the three kinds below say how an answer is judged."""

    name: str
    title: str
    hints: Sequence[str]

    def judge(self, answer: Any) -> Verdict:
        """Judge an answer. Prints nothing, records nothing, lets no exception out.

        Args:
            answer: what the learner gave to the check.

        Returns:
            The verdict.
        """
        if _is_blank(answer):
            return Verdict(NOT_ATTEMPTED, f"{self.name}: not attempted yet.")
        return self._verdict(answer)

    def _verdict(self, answer: Any) -> Verdict:
        raise NotImplementedError

    def _wrong(self, message: str) -> Verdict:
        return Verdict(WRONG, f"{self.name}: not right yet. {message}")

    def _failed(self, outcome: guard.Outcome, seconds: float, what: str) -> str:
        """The message about a call that gave no value."""
        if outcome.timed_out:
            late = f"{what} had not ended after {seconds:g} s"
            if outcome.stopped:
                return f"{late} and was stopped. A loop without an end?"
            return (
                f"{late} and could not be stopped: it still runs. Restart the kernel (menu "
                "Kernel) before you go on."
            )
        error = outcome.error
        place = guard.where(error)
        place = f" Look at {place}" if place else ""
        if isinstance(error, RecursionError):
            return f"{what} calls itself without an end.{place}"
        text = " ".join(str(error).split())
        kind = type(error).__name__ + (f": {text}" if text else "")
        return f"{what} raised {kind}.{place}"


@dataclass(frozen=True)
class FunctionExercise(Exercise):
    """The answer is a function; it is called with each case and compared with the reference.

    Attributes:
        reference: a right solution.
        cases: arguments, the smallest first.
        mistakes: (why, function): a wrong function that learners write, and what to tell them.
        relative: numbers agree within this share of the expected one;
        absolute: or within this much.
        seconds: time for all cases together.
    """

    reference: Callable[..., Any]
    cases: Sequence[Case]
    mistakes: Sequence[tuple[str, Callable[..., Any]]]
    relative: float
    absolute: float
    seconds: float

    def _verdict(self, answer: Any) -> Verdict:
        parameters = ", ".join(inspect.signature(self.reference).parameters)
        if not callable(answer):
            return self._wrong(
                f"The check wants the function itself, check.{self.name}({self.name}), "
                f"not {_shown(answer)}, which may be its result."
            )
        if not self._accepts_arguments(answer):
            return self._wrong(f"Your function must take these arguments: ({parameters}).")
        return self._judge_calls(answer)

    def _accepts_arguments(self, answer: Callable[..., Any]) -> bool:
        try:
            signature = inspect.signature(answer)
        except (TypeError, ValueError):  # some compiled functions do not tell
            return True
        try:
            for case in self.cases:
                signature.bind(*case.args)
        except TypeError:
            return False
        return True

    def _judge_calls(self, answer: Callable[..., Any]) -> Verdict:
        end = time.monotonic() + self.seconds
        problem, remark = "", ""
        values: list[Any] = []
        for case in self.cases:
            args = copy.deepcopy(case.args)
            outcome = guard.call(answer, args, max(end - time.monotonic(), 0.01))
            if is_stub(answer, outcome):
                return Verdict(NOT_ATTEMPTED, f"{self.name}: not attempted yet.")
            if outcome.timed_out or outcome.error is not None:
                what = f"{self.name}({case.shown()})"
                problem = problem or self._failed(outcome, self.seconds, what) + _printed(outcome)
                break
            if _changed(args, case.args):
                remark = " " + _CHANGES_INPUT
            values.append(outcome.value)
            expected = self.reference(*copy.deepcopy(case.args))
            differs = _difference(outcome.value, expected, self.relative, self.absolute)
            if differs and not problem:
                problem = f"For {self.name}({case.shown()}): {differs}.{_printed(outcome)}"
        if not problem:
            return Verdict(CORRECT, f"{self.name}: correct.{remark}")
        return self._wrong(f"{problem}{self._why(values)}{remark}")

    def _why(self, values: Sequence[Any]) -> str:
        """The explanation of the mistake that gives the learner's values on every case so far.

        None while all of them are right: then what went wrong was an error in a later case.
        """
        with np.errstate(all="ignore"):
            right = [self.reference(*copy.deepcopy(c.args)) for c in self.cases[: len(values)]]
        if self._agree(values, right):
            return ""
        for why, mistaken in self.mistakes:
            try:
                with np.errstate(all="ignore"):
                    wrong = [
                        mistaken(*copy.deepcopy(case.args)) for case in self.cases[: len(values)]
                    ]
            except Exception:  # this mistake cannot have given all these values
                continue
            if self._agree(values, wrong):
                return " " + why
        return ""

    def _agree(self, values: Sequence[Any], others: Sequence[Any]) -> bool:
        return not any(
            _difference(value, other, self.relative, self.absolute)
            for value, other in zip(values, others, strict=True)
        )


@dataclass(frozen=True)
class ValueExercise(Exercise):
    """The answer is a number, a text, an array or a list of these.

    Attributes:
        expected: the right answer.
        mistakes: (why, wrong answer).
        relative: numbers agree within this share of the expected one;
        absolute: or within this much.
    """

    expected: Any
    mistakes: Sequence[tuple[str, Any]]
    relative: float
    absolute: float

    def _verdict(self, answer: Any) -> Verdict:
        if not self._differs(answer, self.expected):
            return Verdict(CORRECT, f"{self.name}: correct.")
        why = [why for why, wrong in self.mistakes if not self._differs(answer, wrong)]
        if not why and _kind(answer) != _kind(self.expected):
            why = [f"The answer is to be {_kind(self.expected)}, not {_kind(answer)}."]
        # What is expected would give the answer away.
        return self._wrong(" ".join([f"It is not {_shown(answer)}.", *why[:1]]))

    def _differs(self, one: Any, other: Any) -> bool:
        return bool(_difference(one, other, self.relative, self.absolute))


@dataclass(frozen=True)
class OpenExercise(Exercise):
    """The answer is the learner's own; the judge measures it.

    Attributes:
        measure: takes the answer; returns what it measured, as a sentence, or raises WrongAnswer.
        seconds: how long it may take.
    """

    measure: Callable[[Any], str]
    seconds: float

    def _verdict(self, answer: Any) -> Verdict:
        outcome = guard.call(lambda: self.measure(copy.deepcopy(answer)), (), self.seconds)
        if isinstance(outcome.error, WrongAnswer):
            return self._wrong(str(outcome.error))
        if outcome.error is not None or outcome.timed_out:
            return self._wrong(self._failed(outcome, self.seconds, "Measuring your answer"))
        return Verdict(CORRECT, f"{self.name}: correct. {outcome.value}")


@dataclass(frozen=True)
class OpenFunctionExercise(OpenExercise):
    """The answer is the learner's own function; the judge measures what it makes of one input.

    Attributes:
        case: the arguments of the call.
    """

    case: Case

    def _verdict(self, answer: Any) -> Verdict:
        if not callable(answer):
            return self._wrong(
                f"The check wants the function itself, check.{self.name}({self.name}), "
                f"not {_shown(answer)}, which may be its result."
            )
        outcome = guard.call(answer, copy.deepcopy(self.case.args), self.seconds)
        if is_stub(answer, outcome):
            return Verdict(NOT_ATTEMPTED, f"{self.name}: not attempted yet.")
        if outcome.error is not None or outcome.timed_out:
            what = f"{self.name}({self.case.shown()})"
            return self._wrong(self._failed(outcome, self.seconds, what) + _printed(outcome))
        return super()._verdict(outcome.value)


def _difference(got: Any, expected: Any, relative: float, absolute: float) -> str:
    """`compare.difference` for anything a learner returns, also what cannot be compared."""
    try:
        return difference(got, expected, relative, absolute)
    except Exception:
        return f"got something of the type {type(got).__name__}, expected {show(expected)}"


def _kind(value: Any) -> str:
    """What sort of thing an answer is, in a learner's words."""
    if isinstance(value, np.ndarray) or hasattr(value, "detach"):
        return "an array" if np.ndim(value) else "a number"
    kinds = {bool: "True or False", numbers.Number: "a number", str: "a text", list: "a list"}
    found = (text for kind, text in kinds.items() if isinstance(value, kind))
    return next(found, f"a {type(value).__name__}")


def _shown(value: Any) -> str:
    """`compare.show` for anything a learner returns."""
    try:
        return show(value)
    except Exception:
        return f"this {type(value).__name__}"


def _changed(args: Sequence[Any], originals: Sequence[Any]) -> bool:
    """Whether an array among the arguments is no longer what it was."""
    return any(
        bool(_difference(one, other, 0, 0))
        for one, other in zip(args, originals, strict=True)
        if isinstance(other, np.ndarray) or hasattr(other, "detach")
    )


def _is_blank(value: Any) -> bool:
    """None, Ellipsis, or a tuple or list that still holds one."""
    return (
        value is None
        or value is ...
        or (isinstance(value, tuple | list) and any(item is ... for item in value))
    )


def is_stub(answer: Callable[..., Any], outcome: guard.Outcome) -> bool:
    """Whether a function is still as it stood in the notebook, after it was called.

    A stub returns nothing and never reads its arguments; a function that reads them and forgets
    `return` has been attempted. A function that stands for one in another process knows it from
    there, and has it as its `is_stub`.

    Args:
        answer: the learner's function.
        outcome: what came of calling it.

    Returns:
        True for a stub.
    """
    if (known := getattr(answer, "is_stub", None)) is not None:
        return bool(known)
    unwritten = isinstance(outcome.error, NotImplementedError) or (
        outcome.error is None and not outcome.timed_out and _is_blank(outcome.value)
    )
    code = getattr(inspect.unwrap(answer), "__code__", None)
    if not unwritten or outcome.value is not None or code is None:
        return unwritten
    # Positional, keyword-only, *args and **kwargs, in this order.
    stars = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    parameters = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + stars])
    for step in dis.get_instructions(code):
        names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        if step.opname.startswith("LOAD") and parameters.intersection(
            name for name in names if isinstance(name, str)
        ):
            return False
    return True


def _printed(outcome: guard.Outcome) -> str:
    """What the learner's code printed on the way, on one line."""
    text = " ".join(outcome.printed.split())
    if len(text) > _LONGEST_PRINT:
        text = text[:_LONGEST_PRINT] + "…"
    return f" (It printed: {text})" if text else ""


def read_finding(
    answer: Any,
    sentences: Mapping[str, Mapping[str, str | float]],
    *,
    rates: str = "",
    others: Sequence[str] = (),
    what: str = "finding",
) -> dict[str, float]:
    """Read an open answer: a dictionary of sentences that name what they must, and of figures.

    Args:
        answer: what the learner gave.
        sentences: keys of sentences of five words or more, and what each has to name: {"found":
            {"the latency": r"latency|delay", "its size": 0.285}}. What is named stands in the
            message; a regular expression finds it, in which case does not matter, or it is a number
            that must be quoted, as it is or in percent, rounded as the learner likes.
        rates: key of a dictionary of two figures or more by name, from 0 on; "" for none.
        others: further keys that there must be.
        what: what the answer is called.

    Returns:
        The figures.

    Raises:
        WrongAnswer: something is missing; the message says what.
    """
    if not isinstance(answer, Mapping):
        raise WrongAnswer(f"The {what} is a {type(answer).__name__}; it must be a dictionary.")
    wanted = [*sentences, *([rates] if rates else []), *others]
    if missing := [name for name in wanted if name not in answer]:
        raise WrongAnswer(f"It has no {', '.join(missing)}.")
    for key, names in sentences.items():
        text = answer[key]
        if not isinstance(text, str) or len(text.split()) < 5:
            raise WrongAnswer(f"{key!r} must be a sentence of five words or more.")
        if absent := [name for name, form in names.items() if not _names(text, form)]:
            raise WrongAnswer(f"{key!r} does not name {' and '.join(absent)}.")
    if not rates:
        return {}
    figures = answer[rates]
    if not isinstance(figures, Mapping) or len(figures) < 2:
        raise WrongAnswer(
            f'"{rates}" must hold at least two error rates by name: {{"a": 0.1, ...}}.'
        )
    for name, rate in figures.items():
        number = isinstance(rate, numbers.Real) and not isinstance(rate, bool)
        if not number or not 0 <= rate < math.inf:
            raise WrongAnswer(f"The rate of {name!r} is {rate!r}; it must be a number from 0 on.")
    return dict(figures)


def _names(text: str, form: str | float) -> bool:
    """Whether a text holds what a regular expression finds, or a number at its own precision."""
    if isinstance(form, str):
        return bool(re.search(form, text, re.I))
    for digits in re.findall(r"\d+(?:\.\d+)?", text):
        half = 0.5001 * 10.0 ** -len(digits.partition(".")[2])
        if any(abs(float(digits) - number) <= half for number in (form, 100 * form)):
            return True
    return False


class Names:
    """The exercises' names behind `check.` or `hint.`: completed by Tab, with a clear error."""

    def __init__(self, kind: str) -> None:
        """Begin with no exercises; `kind` is the name in front of the dot."""
        self._kind = kind

    def __repr__(self) -> str:
        """One exercise a line."""
        return "\n".join(f"{self._kind}.{name}" for name in self)

    def __iter__(self) -> Iterator[str]:
        """The exercises' names, in reading order."""
        return (name for name in vars(self) if not name.startswith("_"))

    def __dir__(self) -> list[str]:
        """What Tab offers."""
        return list(self)

    def __getattr__(self, name: str) -> Any:
        """Only called for a name that there is not."""
        if name.startswith("_"):  # copy and pickle ask for these before there are any exercises
            raise AttributeError(name)
        raise AttributeError(
            f"there is no exercise {name!r} here; {self._kind} has: {', '.join(self)}"
        )


@dataclass
class Notebook:
    """The exercises and the quiz of one notebook.

    Attributes:
        number: of the notebook, as in its file name.
        title: of the notebook.
        exercises: by name, in reading order.
        questions: of the quiz.
        check: `check.NAME(answer)` judges, prints one paragraph and records.
        hint: `hint.NAME()` prints the next hint.
    """

    number: int
    title: str
    exercises: dict[str, Exercise] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    check: Names = field(default_factory=lambda: Names("check"))
    hint: Names = field(default_factory=lambda: Names("hint"))

    def key(self, name: str) -> str:
        """Under which key the progress of an exercise, or of the "quiz", is kept."""
        return f"nb{self.number:02d}.{name}"

    def function(
        self,
        cases: Sequence[tuple[Any, ...] | Case],
        hints: Sequence[str],
        mistakes: Sequence[tuple[str, Callable[..., Any]]] = (),
        relative: float = 1e-5,
        absolute: float = 1e-8,
        seconds: float = 5.0,
    ) -> Callable[[Callable[..., Any]], FunctionExercise]:
        """Declare an exercise whose answer is a function; decorates the reference solution.

        Args:
            cases: arguments of each call, the smallest first.
            hints: one to three, each more concrete than the one before.
            mistakes: (why, wrong function), for wrong functions that learners write.
            relative: numbers agree within this share of the expected one;
            absolute: or within this much.
            seconds: time for all cases together.

        Returns:
            The decorator. The reference's name and the first line of its docstring are those
            of the exercise.
        """

        def declare(reference: Callable[..., Any]) -> FunctionExercise:
            listed = [case if isinstance(case, Case) else Case(case) for case in cases]
            exercise = FunctionExercise(
                *_name_and_title(reference),
                hints,
                reference,
                listed,
                mistakes,
                relative,
                absolute,
                seconds,
            )
            self._add(exercise)
            return exercise

        return declare

    def value(
        self,
        name: str,
        title: str,
        expected: Any,
        hints: Sequence[str],
        mistakes: Sequence[tuple[str, Any]] = (),
        relative: float = 1e-5,
        absolute: float = 1e-8,
    ) -> ValueExercise:
        """Declare an exercise whose answer is a number, a text, an array or a list.

        Args:
            name: of the exercise.
            title: of the exercise.
            expected: the right answer.
            hints: one to three, each more concrete than the one before.
            mistakes: (why, wrong answer), for wrong answers that learners give.
            relative: numbers agree within this share of the expected one;
            absolute: or within this much.

        Returns:
            The exercise.
        """
        exercise = ValueExercise(name, title, hints, expected, mistakes, relative, absolute)
        self._add(exercise)
        return exercise

    def open(
        self, hints: Sequence[str], seconds: float = 5.0, case: Case | None = None
    ) -> Callable[[Callable[[Any], str]], OpenExercise]:
        """Declare an open exercise; decorates the function that measures an answer.

        Args:
            hints: one to three, each more concrete than the one before.
            seconds: how long measuring may take.
            case: with what to call an answer that is a function; its result is then measured.

        Returns:
            The decorator. The function's name and the first line of its docstring are those of
            the exercise; it returns a sentence, or raises WrongAnswer.
        """

        def declare(measure: Callable[[Any], str]) -> OpenExercise:
            declared = (*_name_and_title(measure), hints, measure, seconds)
            exercise = OpenFunctionExercise(*declared, case) if case else OpenExercise(*declared)
            self._add(exercise)
            return exercise

        return declare

    def set_quiz(self, *questions: Question) -> None:
        """Declare the quiz.

        Args:
            questions: in order.

        Raises:
            ValueError: a question has not exactly one right option, or an empty text.
        """
        self.questions = validate(questions)

    def quiz(self) -> QuizWidget:
        """The quiz, to be shown as the last line of a cell; right answers are recorded."""

        def save(right: int) -> str:
            state = "done" if right == len(self.questions) else "tried"
            return store.record(self.key("quiz"), state, right, len(self.questions))

        return QuizWidget(self.questions, save)

    def _add(self, exercise: Exercise) -> None:
        if exercise.name in self.exercises or exercise.name == "quiz":
            raise ValueError(f"notebook {self.number} has two exercises called {exercise.name!r}")
        if not 1 <= len(exercise.hints) <= 3:
            raise ValueError(f"{exercise.name} needs one to three hints, got {len(exercise.hints)}")
        self.exercises[exercise.name] = exercise
        setattr(self.check, exercise.name, self._make_check(exercise))
        setattr(self.hint, exercise.name, _make_hint(exercise))

    def _make_check(self, exercise: Exercise) -> Callable[..., None]:
        def check(answer: Any = None) -> None:
            verdict = exercise.judge(answer)
            notice = ""
            if verdict.state != NOT_ATTEMPTED:
                state = "done" if verdict.state == CORRECT else "tried"
                notice = store.record(self.key(exercise.name), state)
            _print(" ".join(filter(None, [verdict.message, notice])))

        check.__name__ = exercise.name
        check.__doc__ = f"Check your answer: {exercise.title}."
        return check


def _make_hint(exercise: Exercise) -> Callable[[], None]:
    given = 0

    def hint() -> None:
        nonlocal given
        if given == len(exercise.hints):
            given = 0
            _print(f"No more hints for {exercise.name}; the next call starts again at the first.")
            return
        given += 1
        _print(f"Hint {given} of {len(exercise.hints)}: {exercise.hints[given - 1]}")

    hint.__name__ = exercise.name
    hint.__doc__ = f"The next hint: {exercise.title}."
    return hint


def _print(message: str) -> None:
    """Print a paragraph; unwrapped, JupyterLab would break its lines in the middle of words."""
    print(textwrap.fill(message, _WIDTH, break_long_words=False, break_on_hyphens=False))


def _name_and_title(function: Callable[..., Any]) -> tuple[str, str]:
    title = (inspect.getdoc(function) or function.__name__).splitlines()[0]
    return function.__name__, title.rstrip(".")


def catalogue() -> dict[int, Notebook]:
    """Every notebook that has a module nbNN in this package.

    Returns:
        By number, in order: `catalogue()[1].exercises["spl"].hints`.
    """
    names = sorted(
        module.name
        for module in pkgutil.iter_modules(course_utils.exercises.__path__)
        if re.fullmatch(r"nb\d\d", module.name)
    )
    modules = [importlib.import_module(f"course_utils.exercises.{name}") for name in names]
    return {module.notebook.number: module.notebook for module in modules}
