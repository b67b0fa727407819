"""Every notebook in a real JupyterLab: it runs, moves, sounds and answers.

The tests of one notebook share its page, in the order of this file; the last two look at what the
page said in the meantime, and clear it.
"""

import pytest
from playwright.sync_api import Error

from docs.tools.execute import ROOT
from tests.browser import explorers
from tests.browser.conftest import picture
from tests.browser.driver import OpenNotebook, open_notebook, until

NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
RUN_TIMEOUT_S = 420

DURATION = """audio => new Promise((yes, no) => {
  const done = () => audio.error ? no(new Error(audio.error.message)) : yes(audio.duration);
  if (audio.readyState > 0) return done();
  audio.addEventListener('loadedmetadata', done);
  audio.addEventListener('error', done);
  setTimeout(() => no(new Error('no metadata after 10 s')), 10000);
  audio.load();
})"""


@pytest.fixture(scope="module", params=NOTEBOOKS)
def opened(browser, lab, request):
    """A notebook, opened and run once for the tests of this file."""
    opened = open_notebook(browser, lab, request.param)
    try:
        opened.run_all(RUN_TIMEOUT_S)
    except Error:
        picture(opened.page, request.param)
        raise
    yield opened
    opened.page.context.close()


@pytest.mark.timeout(RUN_TIMEOUT_S + 180)
def test_runs_without_errors(opened: OpenNotebook) -> None:
    code = [cell for cell in opened.cells() if cell["kind"] == "code"]
    errors = [
        f"{output['ename']}: {output['evalue']}"
        for cell in code
        for output in cell["outputs"]
        if output["output_type"] == "error"
    ]
    assert not errors
    assert [cell["count"] for cell in code] == list(range(1, len(code) + 1))
    assert opened.page.locator(".jp-OutputArea").get_by_text("Error displaying widget").count() == 0


def test_every_explorer_is_drawn(opened: OpenNotebook) -> None:
    """As many explorers on the page as outputs with a live widget and its still picture."""
    expected = sum(
        {"application/vnd.jupyter.widget-view+json", "image/png"} <= output.get("data", {}).keys()
        for cell in opened.cells()
        for output in cell["outputs"]
    )
    until(lambda: len(opened.explorers()) == expected, f"{expected} explorers", timeout_s=20)


def test_explorers_move(opened: OpenNotebook) -> None:
    for explorer in opened.explorers():
        explorers.show(opened.page, explorer)
        name = explorers.attribute(explorer, "explorer")
        first = [explorers.FIRST[name]] if name in explorers.FIRST else []
        for move in first + explorers.GENERIC + explorers.SPECIAL.get(name, []):
            try:
                move(opened.page, explorer)
            except AssertionError as error:
                raise AssertionError(f"{name}, {move.__name__}: {error}") from error


def test_sounds_decode(opened: OpenNotebook) -> None:
    """Every player that a cell's output holds is on the page and can be played."""
    expected = sum(
        "".join(output.get("data", {}).get("text/html", "")).count("<audio")
        for cell in opened.cells()
        for output in cell["outputs"]
    )
    players = opened.page.query_selector_all(".jp-OutputArea audio")
    assert len(players) == expected
    for player in players:
        duration = player.evaluate(DURATION)
        assert 0 < duration < 60, f"a sound of {duration} s"


def test_quiz_by_keyboard(opened: OpenNotebook) -> None:
    """Tab, arrows and Space alone: choose, read the explanation, choose another."""
    page = opened.page
    for quiz in page.query_selector_all(".course-quiz"):
        quiz.scroll_into_view_if_needed()
        questions = quiz.query_selector_all("fieldset")
        assert questions, "a quiz without questions"
        questions[0].query_selector("input").focus()
        for question in questions:
            if question is not questions[0]:
                page.keyboard.press("Tab")
            inside = "node => node.contains(document.activeElement)"
            assert question.evaluate(inside), "Tab does not lead to the next question"
            said = question.query_selector("[role=status]")
            page.keyboard.press("Space")
            until(lambda said=said: len(said.inner_text()) > 20, "the explanation")
            first = said.inner_text()
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Space")
            until(lambda said=said, first=first: said.inner_text() != first, "another one")
        assert f"of {len(questions)} right" in quiz.inner_text()


def test_page_has_no_errors_and_asks_nobody(opened: OpenNotebook) -> None:
    assert not opened.errors
    assert not opened.strangers


def test_cleared_cells_are_silent(opened: OpenNotebook) -> None:
    """Explorers end their sound and animation when their outputs are cleared."""
    page = opened.page
    before = len(opened.errors)
    found = opened.explorers()
    for explorer in found:
        explorer.scroll_into_view_if_needed()
        for kind in (explorers.PLAYS, explorers.SOUNDS):
            if button := explorer.query_selector(kind):
                button.focus()
                page.keyboard.press("Space")
    opened.clear_outputs()
    until(lambda: explorers.sounding(page) == 0, "all sound ended")
    for explorer in found:
        explorers.rests(explorer, "a cleared explorer goes on drawing")
    assert opened.errors[before:] == []
