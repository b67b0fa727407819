"""The explorer of gates in the browser: its numbers are Python's, and it is moved by keys."""

import json
import time

import pytest
from playwright.sync_api import ElementHandle, Page

from tests.browser import explorers
from tests.browser.driver import until
from tests.test_widgets_gates import explorer

VIEWPORT = (1000, 950)


def probe(element: ElementHandle) -> dict:
    return json.loads(explorers.attribute(element, "probe"))


def where(element: ElementHandle) -> tuple[int, int]:
    found = probe(element)
    return found["frame"], found["unit"]


def test_the_numbers_are_pythons(page: Page) -> None:
    one = explorer()
    element = explorers.render(page, one)
    for clip, frame, unit in (("a", 0, 0), ("a", 33, 4), ("b", 39, 2), ("b", 900, 1)):
        for name, value in (("clip", clip), ("frame", frame), ("unit", unit)):
            count = explorers.frames(element)
            page.evaluate("([name, value]) => model.set(name, value)", [name, value])
            setattr(one, name, value)
            if name != "clip":
                until(lambda count=count: explorers.frames(element) > count, "a new picture")
        found, expected = probe(element), one.step()
        assert (found["frame"], found["unit"]) == (one.place, unit)
        for name in ("i", "f", "g", "o", "c", "h", "before"):
            assert found[name] == pytest.approx(getattr(expected, name), abs=1e-12)
        assert found["sum"] == pytest.approx(expected.c, abs=1e-6)
        text = element.query_selector(".gates-equation").inner_text().replace("−", "-")
        for number in (expected.f, expected.i, expected.g, expected.f * expected.before):
            assert f"{number:.3f}".replace("-0.000", "0.000") in text


def test_keys_move_the_cursor_and_choose_the_unit(page: Page) -> None:
    element = explorers.render(page, explorer(frame=10))
    element.query_selector(".gates-canvas").focus()
    for key, frame, unit in (
        ("ArrowRight", 11, 0),
        ("Shift+ArrowRight", 21, 0),
        ("PageDown", 11, 0),
        ("ArrowUp", 11, 1),
        ("ArrowUp", 11, 2),
        ("ArrowDown", 11, 1),
    ):
        page.keyboard.press(key)
        until(
            lambda f=frame, u=unit: (probe(element)["frame"], probe(element)["unit"]) == (f, u), key
        )
    # At the ends it stays.
    for _ in range(7):
        page.keyboard.press("ArrowUp")
    until(lambda: probe(element)["unit"] == 4, "the last unit")


def test_a_drag_puts_the_cursor_there(page: Page) -> None:
    element = explorers.render(page, explorer())
    box = element.query_selector(".gates-canvas").bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 12, box["y"] + 210, steps=5)
    page.mouse.up()
    until(lambda: probe(element)["frame"] == 59, "the last frame")


def test_the_cursor_follows_the_sound(page: Page) -> None:
    element = explorers.render(page, explorer(frame=5))
    element.query_selector("[data-action=hear]").click()
    until(lambda: explorers.sounding(page) == 1, "a sound")
    until(lambda: probe(element)["frame"] > 15, "the cursor moves")
    until(lambda: explorers.attribute(element, "sound") == "off", "the end of the sound", 6)
    assert explorers.attribute(element, "playing") == "no"
    until(lambda: explorers.sounding(page) == 0, "the audio context closed")
    time.sleep(0.2)
    assert probe(element)["frame"] >= 50
