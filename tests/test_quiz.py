import pytest
import traitlets

from course_utils.exercises import store
from course_utils.exercises.framework import Notebook
from course_utils.exercises.quiz import Option, Question, QuizWidget, validate

QUESTIONS = (
    Question(
        "Is 1 < 2?", [Option("Yes & always", "Order.", correct=True), Option("<b>No</b>", "Look.")]
    ),
    Question("Which?", [Option("a", "A."), Option("b", "B."), Option("c", "C.", correct=True)]),
)


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))


@pytest.fixture
def notebook():
    notebook = Notebook(7, "Trial")
    notebook.set_quiz(*QUESTIONS)
    return notebook


def test_answers_from_the_browser_are_scored_and_recorded(notebook):
    quiz = notebook.quiz()
    assert quiz.answers == [None, None]
    assert store.load()[0] == {}
    quiz.answers = [1, None]
    assert store.load()[0]["nb07.quiz"] == {"state": "tried", "right": 0, "of": 2}
    quiz.answers = [0, None]
    assert quiz.right() == 1
    assert store.load()[0]["nb07.quiz"] == {"state": "tried", "right": 1, "of": 2}
    quiz.set_state({"answers": [0, 2]})  # as the browser sets it
    assert store.load()[0]["nb07.quiz"] == {"state": "done", "right": 2, "of": 2}
    assert notebook.quiz().answers == [None, None]
    assert quiz.notice == ""


def test_progress_that_cannot_be_saved_is_told_under_the_quiz(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path))
    quiz = notebook.quiz()
    quiz.answers = [0, 2]
    assert quiz.notice.startswith("Progress was not saved")


@pytest.mark.parametrize("answers", [[0], [0, 3], [-1, 0], [0, 1, 2], ["a", 0]])
def test_answers_that_cannot_be_are_refused(notebook, answers):
    quiz = notebook.quiz()
    with pytest.raises(traitlets.TraitError):
        quiz.answers = answers
    assert quiz.answers == [None, None]


def test_without_widgets_questions_and_options_are_readable(notebook):
    data, _ = notebook.quiz()._repr_mimebundle_()
    assert data["text/plain"] == (
        "1. Is 1 < 2?\n   A) Yes & always\n   B) <b>No</b>\n2. Which?\n   A) a\n   B) b\n   C) c"
    )
    assert "application/vnd.jupyter.widget-view+json" in data
    page = data["text/html"]
    assert "<li><p>Is 1 &lt; 2?</p>" in page
    assert "<li>Yes &amp; always</li><li>&lt;b&gt;No&lt;/b&gt;</li>" in page
    assert "<p>B) Not this one. Look.</p>" in page.split("<details>")[1]
    assert "<b>" not in page


def test_the_browser_gets_every_explanation(notebook):
    state = notebook.quiz().get_state()
    assert state["questions"][1]["options"][2] == {
        "text": "c",
        "explanation": "C.",
        "correct": True,
    }
    assert "innerHTML" not in state["_esm"]


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        (Question("q", [Option("a", "A."), Option("b", "B.")]), "exactly one right option, has 0"),
        (Question("q", [Option("a", "A.", True), Option("b", "B.", True)]), "has 2"),
        (Question("q", [Option("a", "A.", True)]), "two or more options"),
        (Question("q", [Option("a", "A.", True), Option("a", "B.")]), "all different"),
        (Question("q", [Option("a", "", True), Option("b", "B.")]), "a text is empty"),
        (Question("", [Option("a", "A.", True), Option("b", "B.")]), "a text is empty"),
    ],
)
def test_a_quiz_that_cannot_be_answered_is_refused(question, problem):
    with pytest.raises(ValueError, match=problem):
        validate([question])


def test_a_quiz_without_questions_is_refused():
    with pytest.raises(ValueError, match="at least one question"):
        validate([])


def test_two_quizzes_do_not_share_their_answers(notebook):
    first, second = notebook.quiz(), notebook.quiz()
    first.answers = [1, 1]
    assert second.answers == [None, None]
    assert isinstance(first, QuizWidget)
