"""The framework of exercises, on small exercises of its own."""

import copy
import linecache
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from course_utils.exercises import guard, store
from course_utils.exercises.compare import difference, show
from course_utils.exercises.framework import (
    CORRECT,
    NOT_ATTEMPTED,
    WRONG,
    Case,
    Notebook,
    Verdict,
    WrongAnswer,
    catalogue,
    is_stub,
    read_finding,
)


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))


@pytest.fixture
def notebook():
    notebook = Notebook(7, "Trial")

    @notebook.function(
        cases=[(1.0,), (2.0,), (-3.0,)],
        hints=["first", "second", "third"],
        mistakes=[("You doubled it.", lambda x: 2 * x)],
        seconds=1.0,
    )
    def square(x):
        """Square of a number."""
        return x * x

    @notebook.function(
        cases=[(np.array([1.0, 2.0]),), Case((np.arange(100.0),), "np.arange(100)")], hints=["one"]
    )
    def negative(x):
        """Negative of an array."""
        return -x

    notebook.value("count", "A count", 42, ["one"], mistakes=[("One too many.", 43)])

    @notebook.open(hints=["one"])
    def song(answer):
        """A song."""
        if len(answer) < 3:
            raise WrongAnswer(f"It has {len(answer)} notes.")
        return "It was sung."

    return notebook


def learner(source, name="f", filename="<ipython-input-3-abc>"):
    """A function as a notebook's cell makes it: its source is known to linecache only."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace = {"np": np, "time": time}
    exec(compile(source, filename, "exec"), namespace)
    return namespace[name]


def judged(notebook, name, answer):
    return notebook.exercises[name].judge(answer)


def test_wrong_shows_the_smallest_failing_input(notebook):
    verdict = judged(notebook, "square", lambda x: abs(x))
    assert verdict.message == "square: not right yet. For square(2): got 2, expected 4."


def test_a_mistake_is_named_only_when_all_values_are_those_of_the_mistake(notebook):
    assert judged(notebook, "square", lambda x: x + x).message.endswith("You doubled it.")
    verdict = judged(notebook, "square", lambda x: 2 * x if x > 0 else 9.0)
    assert verdict.message == "square: not right yet. For square(1): got 2, expected 1."


@pytest.mark.parametrize(
    "source",
    [
        "def f(x): ...",
        "def f(x):\n    pass",
        "def f(x):\n    '''Doc.'''\n    return None",
        "def f(x):\n    result = ...\n    return result",
        "def f(x):\n    result = None\n    return result",
        "def f(x):\n    x = ...\n    return x",
        "def f(x):\n    raise NotImplementedError('your turn')",
        "f = None",
        "f = ...",
        "f = lambda x: ...",
    ],
)
def test_stubs_are_not_attempted(notebook, source):
    verdict = judged(notebook, "square", learner(source))
    assert verdict.state == NOT_ATTEMPTED
    assert verdict.message == "square: not attempted yet."


def test_a_forgotten_return_has_been_attempted(notebook):
    verdict = judged(notebook, "square", learner("def f(x):\n    y = x * x\n    print(y)"))
    assert verdict.state == WRONG
    assert verdict.message == (
        "square: not right yet. For square(1): got None (is there a `return`?), expected the "
        "number 1. (It printed: 1.0)"
    )


def test_an_exception_is_shown_at_the_learners_line(notebook):
    source = "def helper(x):\n    return np.linalg.inv(x)\n\ndef f(x):\n    return helper(x)\n"
    verdict = judged(notebook, "square", learner(source))
    assert verdict.state == WRONG
    assert "For" not in verdict.message
    assert "square(1) raised LinAlgError: " in verdict.message
    assert verdict.message.endswith("Look at line 2: return np.linalg.inv(x)")


def test_an_unknown_name_in_a_function_that_reads_no_argument(notebook):
    verdict = judged(notebook, "square", learner("def f(x):\n    return y * y"))
    assert "NameError: name 'y' is not defined. Look at line 2: return y * y" in verdict.message


def test_the_cell_is_named_as_ipython_names_it(notebook, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    shell.run_cell("def f(x):\n    return 1 / 0", store_history=True)
    message = judged(notebook, "square", shell.user_ns["f"]).message
    assert message.endswith("Look at line 2 of cell [1]: return 1 / 0")


def test_a_file_of_the_learners_is_named(notebook, tmp_path):
    file = tmp_path / "mine.py"
    function = learner("def f(x):\n    return 1 / 0", filename=str(file))
    message = judged(notebook, "square", function).message
    assert message.endswith("Look at line 2 of mine.py: return 1 / 0")


def test_an_error_that_is_not_at_any_line_of_the_learners(notebook):
    assert judged(notebook, "square", len).message == (
        "square: not right yet. square(1) raised TypeError: object of type 'float' has no len()."
    )


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n        try: time.sleep(0.001)\n        except Exception: pass",
        "while True:\n        try: x += 1\n        except: pass",
        "while True: print('x' * 1000)",
    ],
)
def test_an_endless_loop_is_stopped(notebook, body):
    start, before = time.monotonic(), running()
    verdict = judged(notebook, "square", learner(f"def f(x):\n    {body}"))
    assert "square(1) had not ended after 1 s and was stopped" in verdict.message
    assert len(verdict.message) < 400
    assert time.monotonic() - start < 10
    assert running() == before


def running():
    return [thread for thread in threading.enumerate() if thread.name == "learner's code"]


def test_what_cannot_be_stopped_is_left_behind_with_a_message(notebook):
    verdict = judged(notebook, "square", lambda x: time.sleep(4))
    assert "could not be stopped: it still runs. Restart the kernel" in verdict.message


def test_the_time_is_for_all_cases_together(notebook):
    def slow(x):
        time.sleep(0.6)
        return x * x

    assert "square(2) had not ended after 1 s" in judged(notebook, "square", slow).message


def test_an_interrupt_stops_the_learners_code_and_gets_through(monkeypatch):
    def interrupted(thread, seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(guard, "_wait", interrupted)
    before = running()
    with pytest.raises(KeyboardInterrupt):
        guard.call(learner("def f():\n    while True: pass"), (), 5)
    assert running() == before


def test_recursion_without_an_end(notebook):
    verdict = judged(notebook, "square", learner("def f(x):\n    return f(x - 1)"))
    assert "square(1) calls itself without an end. Look at line 2" in verdict.message


@pytest.mark.parametrize("call", ["exit()", "raise SystemExit", "import sys; sys.exit(3)"])
def test_leaving_python_is_only_an_error(notebook, call):
    assert "raised SystemExit" in judged(notebook, "square", learner(f"def f(x): {call}")).message


def test_prints_are_kept_short_and_away_from_the_notebook(notebook, capsys):
    source = "def f(x):\n    for i in range(100000): print(i)\n    return 0"
    verdict = judged(notebook, "square", learner(source))
    assert "(It printed: 0 1 2 3" in verdict.message
    assert len(verdict.message) < 300
    judged(notebook, "square", learner("def f(x):\n    print(x)\n    return x * x"))
    assert capsys.readouterr().out == ""


def test_the_check_gives_copies_and_says_when_they_are_changed(notebook):
    def in_place(x):
        x *= -1
        return x

    for _ in range(2):
        verdict = judged(notebook, "negative", in_place)
        assert verdict.state == CORRECT
        assert verdict.message.endswith("work on a copy, x.copy().")

    def wrong_in_place(x):
        x[0] = 7
        return x

    verdict = judged(notebook, "negative", wrong_in_place)
    assert "got [7, 2], expected [-1, -2]. It changes the array" in verdict.message


@pytest.mark.parametrize(
    ("answer", "help_"),
    [
        (lambda x: str(x * x), "got '1.0' (str), expected the number 1"),
        (lambda x: complex(x * x), "got the complex number 1+0j, expected the real number 1"),
        (lambda x: x * float("nan"), "got NaN (not a number), expected 1"),
        (lambda x: [x * x], "got [1] (list), expected the number 1"),
        (lambda x: np.ones(3), "got an array of shape (3,), expected the number 1"),
        (lambda x: True, "got True (bool), expected the number 1"),
        (lambda x: lambda: x, "got a function (was it called?), expected the number 1"),
        (lambda x: x * x * 1.00002, "got 1.00002, expected 1"),
        (lambda x: 10**400, "got"),
        (lambda x: sys, "(module), expected the number 1"),
        (lambda: 1, "must take these arguments: (x)"),
        (9.0, "The check wants the function itself, check.square(square), not 9"),
        ("square", "not 'square'"),
    ],
)
def test_answers_of_the_wrong_kind(notebook, answer, help_):
    verdict = judged(notebook, "square", answer)
    assert verdict.state == WRONG
    assert help_ in verdict.message


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: np.float32(x * x),
        lambda x: np.array(x * x),
        lambda x: torch.tensor(x * x),
        lambda x: int(x * x),
    ],
)
def test_numbers_of_every_library_are_numbers(notebook, answer):
    assert judged(notebook, "square", answer).state == CORRECT


@pytest.mark.parametrize(
    ("answer", "help_"),
    [
        (lambda x: -x[:-1], "got an array of shape (1,), expected shape (2,)"),
        (lambda x: -x[:, None], "got an array of shape (2, 1), expected shape (2,)"),
        (lambda x: -x.astype(complex), "got complex numbers, expected real ones"),
        (lambda x: [[1], [2, 3]], "rows of different length"),
        (lambda x: np.array(["a", "b"]), "holds no numbers"),
        (lambda x: 1, "got 1 (int), expected the array [-1, -2]"),
        (lambda x: np.where(x == 7, 0, -x), "at index [7], the first of 1 wrong values, got 0"),
        (lambda x: np.where(x > 7, np.nan, -x), "the first of 92 wrong values, got NaN"),
    ],
)
def test_arrays_that_are_wrong(notebook, answer, help_):
    verdict = judged(notebook, "negative", answer)
    assert verdict.state == WRONG
    assert help_ in verdict.message


def test_numbers_inside_a_list_or_a_tuple_are_shortened(notebook):
    verdict = judged(notebook, "count", [np.float64(2 / 3), (1 - 2j, "a")])
    assert "It is not [0.666667, (1-2j, 'a')]." in verdict.message


def test_an_error_after_right_values_is_not_taken_for_a_mistake(notebook):
    exercise = notebook.exercises["square"]
    only_wrong_later = ("Negative ones too.", lambda x: x * abs(x))
    exercise = replace(exercise, mistakes=[only_wrong_later])
    assert "Negative ones too." in exercise.judge(only_wrong_later[1]).message

    def fails_later(x):
        return x * x if x > 0 else 1 / 0

    verdict = exercise.judge(fails_later)
    assert "ZeroDivisionError" in verdict.message
    assert "Negative ones too." not in verdict.message


def test_an_open_exercise_whose_answer_is_a_function(notebook):
    @notebook.open(hints=["one"], case=Case((np.arange(3.0),), "three samples"))
    def change(result):
        """A change."""
        if result is None:
            raise WrongAnswer("It gives None.")
        return f"{len(result)} samples."

    def stub(x): ...

    def forgets_return(x):
        x[0] = 1

    assert change.judge(stub).state == NOT_ATTEMPTED
    assert change.judge(lambda x: x[1:]) == Verdict(CORRECT, "change: correct. 2 samples.")
    assert change.judge(forgets_return) == Verdict(WRONG, "change: not right yet. It gives None.")
    assert change.case.args[0][0] == 0
    assert "change(three samples) raised IndexError" in change.judge(lambda x: x[7]).message
    assert "check.change(change), not 5" in change.judge(5).message


def test_an_object_that_cannot_even_be_compared(notebook):
    class Broken:
        def __eq__(self, other):
            raise RuntimeError

        __repr__ = __eq__

    assert "of the type Broken" in judged(notebook, "square", lambda x: Broken()).message
    assert "this Broken" in judged(notebook, "square", Broken()).message
    assert "this Broken" in judged(notebook, "count", Broken()).message


def test_value_exercises_do_not_give_the_answer_away(notebook):
    assert judged(notebook, "count", 42.0).state == CORRECT
    assert judged(notebook, "count", 43).message.endswith("It is not 43. One too many.")
    message = judged(notebook, "count", "42").message
    assert message.endswith("It is not '42'. The answer is to be a number, not a text.")
    for wrong in (41, np.ones(2), [42], float("nan")):
        message = judged(notebook, "count", wrong).message
        assert judged(notebook, "count", wrong).state == WRONG
        assert "expected" not in message


def test_open_exercises(notebook):
    assert judged(notebook, "song", "abc").message == "song: correct. It was sung."
    assert judged(notebook, "song", "ab").message.endswith("It has 2 notes.")
    assert "raised TypeError" in judged(notebook, "song", 5).message
    assert judged(notebook, "song", (..., 3)).state == NOT_ATTEMPTED


def test_check_prints_one_paragraph_and_records(notebook, capsys):
    notebook.check.square()
    notebook.check.square(lambda x: None)
    assert store.load() == ({}, "")
    notebook.check.square(lambda x: x + 1)
    assert store.load()[0] == {"nb07.square": {"state": "tried"}}
    notebook.check.square(lambda x: x**2)
    notebook.check.square(lambda x: x)
    assert store.load()[0] == {"nb07.square": {"state": "done"}}
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(".")[0] for line in lines] == [
        "square: not attempted yet",
        "square: not attempted yet",
        "square: not right yet",
        "square: correct",
        "square: not right yet",
    ]


def test_a_progress_file_that_cannot_be_written_does_not_stop_a_check(
    notebook, capsys, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "file" / "progress.json"))
    notebook.check.square(lambda x: x * x)
    out = capsys.readouterr().out
    assert out.startswith("square: correct. Progress was not saved:")
    assert max(map(len, out.splitlines())) <= 88 or str(tmp_path) in out
    assert out.endswith("elsewhere.\n")
    assert "\n\n" not in out


def test_hints_come_one_after_the_other_and_begin_again(notebook, capsys):
    for _ in range(5):
        notebook.hint.square()
    assert capsys.readouterr().out.splitlines() == [
        "Hint 1 of 3: first",
        "Hint 2 of 3: second",
        "Hint 3 of 3: third",
        "No more hints for square; the next call starts again at the first.",
        "Hint 1 of 3: first",
    ]


@pytest.mark.parametrize("kind", ["check", "hint"])
def test_names_complete_and_a_typo_is_told_what_there_is(notebook, kind):
    names = getattr(notebook, kind)
    assert dir(names) == ["count", "negative", "song", "square"]
    assert repr(names).splitlines()[0] == f"{kind}.square"
    assert "Square of a number" in names.square.__doc__
    with pytest.raises(
        AttributeError, match=f"no exercise 'squre' here; {kind} has: square, negative, count, song"
    ):
        names.squre()


def test_declaring_the_same_name_twice_or_no_hints_is_refused(notebook):
    with pytest.raises(ValueError, match="two exercises called 'count'"):
        notebook.value("count", "Again", 1, ["one"])
    with pytest.raises(ValueError, match="one to three hints, got 0"):
        notebook.value("other", "Other", 1, [])
    with pytest.raises(ValueError, match="'quiz'"):
        notebook.value("quiz", "Quiz", 1, ["one"])


def test_the_catalogue_finds_every_module():
    notebooks = catalogue()
    assert list(notebooks) == sorted(notebooks)
    assert {0, 1} <= set(notebooks)
    assert notebooks[1].title == "Sound waves"
    assert len(notebooks[1].exercises["spl"].hints) == 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (-0.0, "0"),
        (2 / 3, "0.666667"),
        (np.float32(0.5), "0.5"),
        (1 + 2j, "1+2j"),
        (np.array(3.0), "3"),
        (np.array([1, 2.5]), "[1, 2.5]"),
        (np.zeros((2, 3)), "an array of shape (2, 3)"),
        (torch.zeros(100), "an array of shape (100,)"),
        ("a", "'a'"),
        (True, "True"),
        ("a" * 100, "'" + "a" * 58 + "…"),
    ],
)
def test_show(value, text):
    assert show(value) == text


@pytest.mark.parametrize(
    ("got", "expected", "text"),
    [
        ([1, 2], [1, 2], ""),
        ((1, 2.0), [1, 2], ""),
        ([1], [1, 2], "got 1 items ([1]), expected 2 ([1, 2])"),
        ([1, 3], [1, 2], "at index 1 got 3, expected 2"),
        ({"a": 1}, {"a": 1.0}, ""),
        ({"a": 1}, {"a": 2}, "under the key 'a' got 1, expected 2"),
        ({"b": 1}, {"a": 1}, "got the keys ['b'], expected ['a']"),
        ("one", "two", "got 'one', expected 'two'"),
        (["a", ["b"]], ["a", ["c"]], "at index 1 at index 0 got 'b', expected 'c'"),
        (1.0000001, 1.0, ""),
        (1.00002, 1.0, "got 1.00002, expected 1"),
        (float("inf"), float("inf"), ""),
        (float("nan"), float("nan"), ""),
        (np.bool_(True), True, ""),
        (1, True, "got 1 (int), expected True"),
        (torch.tensor([1.0, 2.0]), np.array([1.0, 2.0]), ""),
        (np.array([1.0, 2.0]), torch.tensor([1.0, 2.0]), ""),
        (np.array([[1.0, 3.0]]), np.array([[1.0, 2.0]]), "at index [0, 1], the first of 1"),
    ],
)
def test_difference(got, expected, text):
    found = difference(got, expected)
    assert found == text or (text and found.startswith(text))


def test_difference_shows_more_digits_where_six_look_alike():
    assert difference(1.0000001, 1.0, relative=1e-9) == "got 1.0000001, expected 1"


def test_an_error_of_torch_is_not_taken_for_a_stub(notebook):
    def square(x):
        return torch.softmax(torch.tensor([1, 2]), 0) * x

    verdict = judged(notebook, "square", square)
    assert verdict.state == WRONG
    assert "softmax" in verdict.message


@pytest.mark.parametrize(
    "source",
    [
        "def f(*args):\n    args[0] ** 2\n",
        "def f(*, x=1, **more):\n    x ** 2\n",
        "import functools\ndef keep(g):\n    @functools.wraps(g)\n    def inner(*a):\n"
        "        return g(*a)\n    return inner\n@keep\ndef f(x):\n    x ** 2\n",
    ],
)
def test_a_forgotten_return_is_an_attempt_however_arguments_come(notebook, source):
    answer = learner(source)
    outcome = guard.call(answer, () if "x=1" in source else (2.0,), 1.0)
    assert outcome.value is None and outcome.error is None
    assert not is_stub(answer, outcome)


def test_an_answer_that_cannot_be_copied_is_no_crash(notebook):
    verdict = judged(notebook, "song", (note for note in "abc"))
    assert verdict.state == WRONG
    assert "generator" in verdict.message


def test_names_can_be_copied(notebook):
    assert list(copy.copy(notebook.check)) == list(notebook.check)


def test_numpy_numbers_and_texts_count_as_what_they_are():
    assert difference(np.str_("a"), "a") == ""
    assert "12345678" in difference(np.int64(12345678), 12345679, relative=0)


FOUND = {"question": "Is a longer history better?", "found": "It fell from 12.3 % to 8 %, slower."}
FORMS = {
    "question": {},
    "found": {"what it costs": r"slow|memory", "the best rate": 0.0804},
}


def read(answer, **options):
    try:
        return read_finding(answer, FORMS, **options)
    except WrongAnswer as error:
        return str(error)


def test_a_finding_that_names_what_it_must():
    assert read(FOUND) == {}
    assert read({**FOUND, "found": "SLOWER by half, but 0.08 is the best of all."}) == {}
    rates = {"a": 0.123, "b": np.float64(0.0804)}
    assert read({**FOUND, "rates": rates, "seeds": 1}, rates="rates", others=["seeds"]) == rates


@pytest.mark.parametrize(
    ("change", "help_"),
    [
        ({"found": 3}, "'found' must be a sentence of five words or more."),
        ({"found": "8 % and slow"}, "'found' must be a sentence of five words or more."),
        ({"found": "It fell to 8 %, at no cost."}, "'found' does not name what it costs."),
        ({"found": "It fell to 8.1 %, slowly, by much."}, "'found' does not name the best rate."),
        ({"found": "It fell to 0.3, that is all."}, "not name what it costs and the best rate."),
        ({"rates": {"a": 0.1}}, '"rates" must hold at least two error rates by name'),
        ({"rates": {"a": 0.1, "b": True}}, "The rate of 'b' is True; it must be a number"),
        ({"rates": {"a": 0.1, "b": float("inf")}}, "The rate of 'b' is inf"),
    ],
)
def test_a_finding_that_lacks_something(change, help_):
    rates = {"a": 0.1, "b": 0.2}
    assert help_ in read({**FOUND, "rates": rates, **change}, rates="rates")


def test_a_finding_that_is_none():
    assert read("It fell.", what="choice") == "The choice is a str; it must be a dictionary."
    assert read({"found": "x"}, rates="rates") == "It has no question, rates."
