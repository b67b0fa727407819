"""The film of a training: its numbers are Python's, it is moved by keys, it ends at its end."""

import json

import pytest
from playwright.sync_api import ElementHandle, Page

from tests.browser import explorers
from tests.browser.driver import until
from tests.test_widgets_training_player import player

VIEWPORT = (900, 700)


def probe(element: ElementHandle) -> dict:
    return json.loads(explorers.attribute(element, "probe"))


def test_the_numbers_are_pythons(page: Page) -> None:
    element = explorers.render(page, player(moment=1))
    assert (probe(element)["moment"], probe(element)["step"]) == (1, 8)
    assert probe(element)["blank"] == pytest.approx(0.875, abs=0.003)
    until(lambda: "reads as nothing" in element.inner_text(), "the sentence")


def test_keys_move_it_and_the_film_ends_at_its_end(page: Page) -> None:
    element = explorers.render(page, player())
    element.query_selector("[data-trait=moment]").focus()
    page.keyboard.press("ArrowRight")
    until(lambda: probe(element)["moment"] == 1, "the next moment")
    element.query_selector("[data-action=play]").click()
    until(lambda: probe(element)["moment"] == 2, "the last moment")
    until(lambda: explorers.attribute(element, "playing") == "no", "the end")
    element.query_selector("[data-action=play]").click()
    until(lambda: probe(element)["moment"] < 2, "it begins again")
