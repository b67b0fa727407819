"""The film of a training: its numbers are Python's, it is moved by keys, it ends at its end."""

import base64
import json

import pytest
from playwright.sync_api import Browser, ElementHandle, Page

from course_utils import widgets
from tests.browser import explorers
from tests.browser.driver import TRACK_SOUND, until
from tests.browser.test_gates import RENDER
from tests.test_widgets_training_player import player


@pytest.fixture
def page(browser: Browser):
    context = browser.new_context(viewport={"width": 900, "height": 700}, reduced_motion="reduce")
    context.add_init_script(TRACK_SOUND)
    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    assert page.errors == []
    context.close()


def render(page: Page, one: widgets.TrainingPlayer) -> ElementHandle:
    state = one.get_state()
    parts = {"_values": base64.b64encode(state.pop("_values")).decode("ascii")}
    source, style = state.pop("_esm"), state.pop("_css")
    plain = {name: value for name, value in state.items() if not name.startswith("_anywidget")}
    page.goto("about:blank")
    page.set_content(f"<style>{style}</style><p class=jp-Cell>a text</p>")
    page.evaluate(RENDER, [source, json.loads(json.dumps(plain, default=str)), parts])
    element = page.query_selector(".course-explorer")
    explorers.show(page, element)
    return element


def probe(element: ElementHandle) -> dict:
    return json.loads(explorers.attribute(element, "probe"))


def test_the_numbers_are_pythons(page: Page) -> None:
    element = render(page, player(moment=1))
    assert (probe(element)["moment"], probe(element)["step"]) == (1, 8)
    assert probe(element)["blank"] == pytest.approx(0.875, abs=0.003)
    until(lambda: "reads as nothing" in element.inner_text(), "the sentence")


def test_keys_move_it_and_the_film_ends_at_its_end(page: Page) -> None:
    element = render(page, player())
    element.query_selector("[data-trait=moment]").focus()
    page.keyboard.press("ArrowRight")
    until(lambda: probe(element)["moment"] == 1, "the next moment")
    element.query_selector("[data-action=play]").click()
    until(lambda: probe(element)["moment"] == 2, "the last moment")
    until(lambda: explorers.attribute(element, "playing") == "no", "the end")
    element.query_selector("[data-action=play]").click()
    until(lambda: probe(element)["moment"] < 2, "it begins again")
