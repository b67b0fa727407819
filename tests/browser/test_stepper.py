"""What the convolution stepper computes in the browser is what it computes in Python."""

import json
import time

import numpy as np
import pytest
from playwright.sync_api import ElementHandle, Page

from course_utils import widgets
from tests.browser import explorers
from tests.browser.driver import until

rng = np.random.default_rng(1)
PICTURES = {"one": rng.normal(size=(20, 13)), "two": rng.normal(size=(15, 24))}
OWN = {"learned": rng.normal(size=(3, 3)), "even": rng.normal(size=(2, 2))}


def render(page: Page, **traits: object) -> tuple[widgets.ConvolutionStepper, ElementHandle]:
    stepper = widgets.ConvolutionStepper(PICTURES, OWN, **traits)
    return stepper, explorers.render(page, stepper)


def probe(element: ElementHandle) -> dict:
    return json.loads(explorers.attribute(element, "probe"))


def place(page: Page) -> int:
    return page.evaluate("() => model.get('place')")


@pytest.mark.parametrize(
    "traits",
    [
        {},
        {"filter": "blur", "size": 4, "padding": 2, "place": 57},
        {"filter": "band edge", "size": 5, "stride": 2, "dilation": 2, "padding": 1, "place": 9},
        {"filter": "learned", "picture": "two", "size": 2, "place": 31},
        {"filter": "learned", "size": 4, "padding": 3, "place": 900},
        {"filter": "even", "size": 5, "stride": 3, "place": 11},
        {"filter": "even", "size": 1, "dilation": 3, "place": 70},
    ],
)
def test_values_and_sizes_are_pythons(page: Page, traits: dict) -> None:
    stepper, element = render(page, **traits)
    for position in (stepper.place, 3, 44):
        stepper.place = position
        count = explorers.frames(element)
        page.evaluate("place => model.set('place', place)", position)
        until(lambda count=count: explorers.frames(element) > count, "a new picture")
        found = probe(element)
        assert (found["across"], found["up"]) == stepper.output_shape
        assert (found["frame"], found["band"]) == stepper.position
        assert found["value"] == pytest.approx(stepper.products().sum(), abs=1e-9)


def test_the_formula_stands_beside_the_picture(page: Page) -> None:
    _, element = render(page, size=3, stride=2, padding=1, dilation=2)
    assert "(20 + 2·1 − 2·(3 − 1) − 1) // 2 + 1 = 9" in element.inner_text()
    assert "(13 + 2·1 − 2·(3 − 1) − 1) // 2 + 1 = 6" in element.inner_text()


def test_steps_by_button_by_key_and_by_mouse(page: Page) -> None:
    stepper, element = render(page)
    across, up = stepper.output_shape
    element.query_selector("[data-action=step]").click()
    assert place(page) == 1
    element.query_selector("[data-action=back]").click()
    element.query_selector("[data-action=back]").click()
    assert place(page) == 0
    canvas = element.query_selector(".stepper-input")
    canvas.focus()
    for key, expected in (
        ("ArrowRight", 1),
        ("ArrowUp", across + 1),
        ("ArrowLeft", across),
        ("ArrowLeft", across),
        ("ArrowDown", 0),
        ("ArrowDown", 0),
    ):
        page.keyboard.press(key)
        assert place(page) == expected, key
    # The filter's middle comes under the pointer; in the last corner it stays inside.
    box = canvas.bounding_box()
    height = (box["height"] - 44) / 13
    width = min((box["width"] - 16) / 20, 1.8 * height)
    x, y = box["x"] + 8 + 6.5 * width, box["y"] + 24 + (13 - 4.5) * height
    page.mouse.move(x, y)
    page.mouse.down()
    assert place(page) == 3 * across + 5
    page.mouse.move(box["x"] + 8 + 19.9 * width, box["y"] + 25, steps=3)
    page.mouse.up()
    assert place(page) == across * up - 1


def test_in_a_smaller_map_the_filter_goes_to_the_middle(page: Page) -> None:
    render(page, place=150)
    page.evaluate("() => model.set('stride', 2)")
    assert place(page) == 9 * 6 // 2  # it had 198 places and has 54
    page.evaluate("() => model.set('stride', 1)")
    assert place(page) == 27


def test_it_slides_to_the_end_and_begins_again(page: Page) -> None:
    stepper, element = render(page, stride=4, size=5)
    count = stepper.feature_map().size
    button = element.query_selector("[data-action=play]")
    button.click()
    until(lambda: place(page) == count - 1, "the last place", 10)
    until(lambda: explorers.attribute(element, "playing") == "no", "the end")
    button.click()
    time.sleep(0.1)
    assert place(page) < count - 1
    element.query_selector("[data-action=fill]").click()
    assert place(page) == count - 1


def test_the_map_fills_row_by_row(page: Page) -> None:
    """Behind the place where the filter stands, the map's canvas is still empty."""
    stepper, element = render(page, place=40)
    across, up = stepper.output_shape
    frame, band = stepper.position
    filled = """([canvas, cells]) => {
      const pen = canvas.getContext('2d'), scale = canvas.width / canvas.clientWidth;
      const height = (canvas.clientHeight - 44) / 13;
      const width = Math.min((canvas.clientWidth - 16) / 20, 1.8 * height);
      return cells.map(([x, y]) => pen.getImageData(
        Math.round((8 + (x + 0.5) * width) * scale),
        Math.round((24 + (11 - y - 0.5) * height) * scale), 1, 1).data[3]);
    }"""
    places = [[0, 0], [across - 1, band - 1], [frame, band], [frame + 2, band], [0, band + 1]]
    canvas = element.query_selector(".stepper-output")
    assert up == 11
    assert canvas.evaluate(f"canvas => ({filled})([canvas, {places}])") == [255, 255, 255, 0, 0]
