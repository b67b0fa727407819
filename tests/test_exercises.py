"""Every exercise of every notebook: its solution, its stub, its wrong answers, its hints."""

import pytest

from course_utils.exercises import course, framework
from tests.exercises import answers

NOTEBOOKS = framework.catalogue()
NAMES = {notebook.number: notebook.title for notebook in course.NOTEBOOKS}
EXERCISES = [
    pytest.param(number, name, id=f"{number:02d}-{name}")
    for number, notebook in NOTEBOOKS.items()
    for name in notebook.exercises
]


# In a notebook warnings of the learner's code are kept away; pytest has its own way to see them.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))


@pytest.mark.parametrize("number", NOTEBOOKS, ids="{:02d}".format)
def test_answers_are_given_for_exactly_the_exercises(number):
    assert list(answers(number)) == list(NOTEBOOKS[number].exercises)


@pytest.mark.parametrize("number", NOTEBOOKS, ids="{:02d}".format)
def test_the_title_is_that_of_the_course(number):
    assert NOTEBOOKS[number].title == NAMES[number]


@pytest.mark.parametrize(("number", "name"), EXERCISES)
def test_solutions_are_correct_and_nothing_is_told_of_their_input(number, name):
    exercise, given = NOTEBOOKS[number].exercises[name], answers(number)[name]
    for answer in [given.solution, *given.also_right]:
        verdict = exercise.judge(answer)
        assert verdict.state == framework.CORRECT, verdict.message
        assert verdict.message.startswith(f"{name}: correct.")
        assert "It changes" not in verdict.message


@pytest.mark.parametrize(("number", "name"), EXERCISES)
def test_the_stub_is_not_attempted(number, name):
    exercise, given = NOTEBOOKS[number].exercises[name], answers(number)[name]
    for answer in (given.stub, None, ...):
        assert exercise.judge(answer).state == framework.NOT_ATTEMPTED


@pytest.mark.parametrize(("number", "name"), EXERCISES)
def test_wrong_answers_get_a_message_that_helps(number, name):
    exercise, given = NOTEBOOKS[number].exercises[name], answers(number)[name]
    assert len(given.wrong) >= 3
    for answer, help_ in given.wrong:
        verdict = exercise.judge(answer)
        assert verdict.state == framework.WRONG
        assert help_ in verdict.message
        assert "\n" not in verdict.message
        assert len(verdict.message) < 400


@pytest.mark.parametrize(("number", "name"), EXERCISES)
def test_each_listed_mistake_is_wrong_and_is_recognised(number, name):
    exercise = NOTEBOOKS[number].exercises[name]
    for why, mistake in getattr(exercise, "mistakes", ()):
        verdict = exercise.judge(mistake)
        assert verdict.state == framework.WRONG
        assert verdict.message.endswith(why), verdict.message


@pytest.mark.parametrize(("number", "name"), EXERCISES)
def test_three_hints_only_the_last_holds_code(number, name, capsys):
    notebook = NOTEBOOKS[number]
    hints = notebook.exercises[name].hints
    assert len(hints) == len(set(hints)) == 3
    assert not any("return" in hint for hint in hints[:-1])
    getattr(notebook.hint, name)()
    assert capsys.readouterr().out.split() == f"Hint 1 of 3: {hints[0]}".split()


@pytest.mark.parametrize("number", NOTEBOOKS, ids="{:02d}".format)
def test_each_quiz_has_questions_whose_right_options_stand_in_different_places(number):
    questions = NOTEBOOKS[number].questions
    assert len(questions) >= (2 if number == 0 else 4)
    places = {[option.correct for option in question.options].index(True) for question in questions}
    assert len(places) > 1


@pytest.mark.parametrize("number", NOTEBOOKS, ids="{:02d}".format)
def test_a_notebook_asks_for_its_checks_by_one_line(number):
    module = framework.importlib.import_module(f"course_utils.exercises.nb{number:02d}")
    assert module.check is module.notebook.check
    assert module.hint is module.notebook.hint
    assert module.quiz == module.notebook.quiz
    assert dir(module.check) == sorted(module.notebook.exercises)
