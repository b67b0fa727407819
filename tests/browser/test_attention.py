"""The explorer of attention in the browser: its numbers are Python's; mouse, keys, sound."""

import pytest
from playwright.sync_api import Page

from tests.browser import explorers
from tests.browser.driver import until
from tests.browser.test_spectra import probe
from tests.test_widgets_attention import explorer


def test_the_numbers_are_pythons(page: Page) -> None:
    one = explorer()
    element = explorers.render(page, one)
    for traits in ({"token": 2}, {"clip": "two", "token": 5}, {"look": "untrained"}, {"token": 2}):
        found = probe(page, element, **traits)
        for name, value in traits.items():
            setattr(one, name, value)
        start, end = one.stretch_s()
        assert found["token"] == one.row
        assert found["peak"] == pytest.approx(one.peak_s())
        assert (found["from"], found["to"]) == (pytest.approx(start), pytest.approx(end))
        assert found["inside"] == pytest.approx(one.inside(), abs=1e-3)
        assert one.written.tokens[one.row] in element.inner_text()


def test_pointing_and_arrow_keys_choose_a_token(page: Page) -> None:
    element = explorers.render(page, explorer())
    canvas = element.query_selector("canvas")
    box = canvas.bounding_box()
    chosen = "() => model.get('token')"
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 290 + 2.5 * 22)
    until(lambda: page.evaluate(chosen) == 2, "the row that is pointed at")
    page.mouse.move(box["x"] + box["width"] - 16, box["y"] + 100)
    until(lambda: page.evaluate(chosen) == 3, "the token that looked there")
    canvas.focus()
    for key, token in (("ArrowLeft", 2), ("ArrowUp", 1), ("ArrowDown", 2), ("ArrowRight", 3)):
        page.keyboard.press(key)
        until(lambda token=token: page.evaluate(chosen) == token, key)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(chosen) == 3


def test_what_it_looked_at_is_heard_token_by_token(page: Page) -> None:
    one = explorer()
    element = explorers.render(page, one)
    canvas = element.query_selector("canvas")
    canvas.focus()
    lengths = "() => courseStarts.length"
    page.keyboard.press("Enter")
    until(lambda: explorers.attribute(element, "sound") == "on", "a sound")
    until(lambda: page.evaluate(lengths) == 1, "a stretch")
    page.keyboard.press("ArrowRight")
    until(lambda: page.evaluate(lengths) == 2, "the next stretch")
    page.keyboard.press("Enter")
    until(lambda: page.evaluate(lengths) == 3, "the same again")
    element.query_selector("[data-action=hear-stretch]").click()
    until(lambda: explorers.attribute(element, "sound") == "off", "silence")
    until(lambda: explorers.sounding(page) == 0, "the audio context closed")


def test_the_marked_token_goes_with_the_sound(page: Page) -> None:
    element = explorers.render(page, explorer(token=3))
    element.query_selector("[data-action=hear-all]").click()
    seen = set()

    def over() -> bool:
        seen.add(page.evaluate("() => model.get('token')"))
        return explorers.attribute(element, "sound") == "off"

    until(over, "the end of the clip", 8)
    assert {0, 1, 2, 3} <= seen
    assert explorers.attribute(element, "playing") == "no"


def test_it_moves_like_every_explorer(page: Page) -> None:
    # Three arrow keys lead to token 3, and the drag then ends at token 4.
    element = explorers.render(page, explorer(clip="two"))
    page.evaluate("""() => {
      const [before, after] = [document.createElement('div'), document.createElement('div')];
      before.className = after.className = 'jp-Cell';
      after.style.marginTop = before.style.height = '2500px';
      document.body.classList.add('jp-Notebook');
      document.body.append(after);
    }""")
    for move in explorers.GENERIC:
        move(page, element)
