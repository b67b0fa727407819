"""The explorers of notebook 15 in the browser: their numbers are Python's, moved by keys."""

import json

import pytest
from playwright.sync_api import ElementHandle, Page

from course_utils.widgets import BudgetExplorer, RingExplorer
from tests.browser import explorers
from tests.browser.driver import until


def probe(element: ElementHandle) -> dict:
    return json.loads(explorers.attribute(element, "probe"))


def put(page: Page, element: ElementHandle, one: object, **values: float) -> None:
    for name, value in values.items():
        page.evaluate("([name, value]) => model.set(name, value)", [name, value])
        setattr(one, name, value)
    explorers.still(element)


def test_the_ring_is_pythons(page: Page) -> None:
    one = RingExplorer()
    element = explorers.render(page, one)
    for processes, step in ((4, 0), (4, 3), (4, 6), (2, 1), (8, 9), (7, 5)):
        put(page, element, one, step=step, processes=processes, megabytes=120.0, gigabits=25.0)
        found = probe(element)
        assert (found["step"], found["steps"]) == (one.done, one.steps)
        assert found["table"] == one.shares().tolist()
        assert found["sent"] == pytest.approx(one.sent_megabytes)
        assert found["ringS"] == pytest.approx(one.seconds)
        assert found["oneS"] == pytest.approx(one.seconds_by_one)


def test_the_ring_goes_on_by_keys_and_buttons(page: Page) -> None:
    element = explorers.render(page, RingExplorer(processes=3))
    grid = element.query_selector("canvas[tabindex='0']")
    grid.focus()
    for key, step in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("ArrowLeft", 0)):
        page.keyboard.press(key)
        until(lambda step=step: probe(element)["step"] == step, key)
    page.keyboard.press("ArrowLeft")  # at the end it stays
    element.query_selector("[data-action=play]").click()
    until(lambda: probe(element)["step"] == 4, "the last step, by itself", 15)
    until(lambda: explorers.attribute(element, "playing") == "no", "the end of the play")


def test_fewer_processes_have_fewer_steps(page: Page) -> None:
    element = explorers.render(page, RingExplorer(processes=8, step=14))
    page.evaluate("() => model.set('processes', 3)")
    until(lambda: probe(element)["steps"] == 4, "the steps of three")
    assert page.evaluate("() => model.get('step')") == 4
    assert element.query_selector("[data-trait=step]").get_attribute("max") == "4"


def test_the_costs_are_pythons(page: Page) -> None:
    one = BudgetExplorer()
    element = explorers.render(page, one)
    for devices, kept, hours, price in ((1, 1.0, 100.0, 2.0), (16, 0.9, 11940.0, 0.0)):
        put(page, element, one, devices=devices, kept=kept, hours=hours, price=price)
        found = probe(element)
        assert found["days"] == pytest.approx(one.days)
        assert found["cost"] == pytest.approx(one.cost)


def test_devices_and_price_by_keyboard(page: Page) -> None:
    element = explorers.render(page, BudgetExplorer())
    element.query_selector(".budget-canvas").focus()
    for devices in (2, 4, 8):
        page.keyboard.press("ArrowRight")
        until(lambda n=devices: probe(element)["devices"] == n, f"{devices} devices")
    before = probe(element)["cost"]
    price = element.query_selector("input[type=number]")
    price.fill("4")
    until(lambda: probe(element)["cost"] == pytest.approx(2 * before), "twice the price")
    price.fill("5000")  # more than the limit
    until(lambda: page.evaluate("() => model.get('price')") == 1000, "the limit")


@pytest.mark.parametrize("explorer", [RingExplorer(), BudgetExplorer(devices=4)])
def test_it_moves_as_explorers_do(page: Page, explorer: object) -> None:
    element = explorers.render(page, explorer)
    for move in explorers.GENERIC:
        if isinstance(explorer, RingExplorer) and move in (
            explorers.move_by_mouse,
            explorers.play_and_pause,
        ):
            continue  # nothing is dragged but sliders; the bare page has no other cells
        move(page, element)
