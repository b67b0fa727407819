"""The attention player in the browser: what it shows is Python's; sound, keys, mouse, controls.

What needs no kernel is tried on a bare page with a stand-in for the widget's model; the speller
answers in a real JupyterLab.
"""

import json
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, ElementHandle, Page

from tests.browser import explorers
from tests.browser.driver import Lab, open_notebook, until
from tests.browser.test_spectra import probe
from tests.browser.test_tagging import wav
from tests.test_widgets_attention_player import LONG, RATE, player, sound


def told(element: ElementHandle) -> dict:
    return json.loads(explorers.attribute(element, "probe"))


def status(element: ElementHandle) -> str:
    return element.query_selector("[role=status]").inner_text()


def test_what_is_shown_is_pythons(page: Page) -> None:
    one = player(speller="loop", token=7)
    element = explorers.render(page, one)
    found = told(element)
    assert found["tokens"] == one.seen.names
    assert (found["token"], found["stale"], found["lit"]) == (7, False, -1)
    assert (found["from"], found["to"]) == pytest.approx(one.stretch_s())
    assert found["loops"] == [[pytest.approx(number) for number in loop] for loop in one.loops()]
    assert one.report() in status(element)
    spans = element.query_selector_all(".player-text span")
    assert [span.inner_text() for span in spans] == one.seen.names
    classes = [span.get_attribute("class") or "" for span in spans]
    assert ["player-loop" in name for name in classes] == [6 <= u <= 10 for u in range(15)]
    assert ["player-wrong" in name for name in classes] == one.wrong()
    best = element.query_selector_all(".player-best div")
    assert best[0].inner_text().split() == ["c", "82", "%"]
    assert len(best) == 5
    assert "−2.98" in element.inner_text()  # ln P of the text
    found = probe(page, element, token=0)
    assert found["token"] == 0
    assert best[0].inner_text().split() != ["a", "82", "%"]
    first = element.query_selector(".player-best .player-own").inner_text()
    assert first.split() == ["a", "82", "%"]


def test_playing_moves_the_light_from_letter_to_letter(page: Page) -> None:
    element = explorers.render(page, player(token=4))
    # Written down in the page: whoever asks from outside misses letters on a busy machine.
    element.evaluate(
        """root => {
          window.seen = [];
          new MutationObserver(() => window.seen.push([
            JSON.parse(root.dataset.probe).lit,
            [...root.querySelectorAll('.player-text span')]
              .findIndex(node => node.classList.contains('player-lit'))]))
            .observe(root, { attributeFilter: ['data-probe'] });
        }"""
    )
    element.query_selector("[data-action=hear-all]").click()
    until(lambda: explorers.attribute(element, "sound") == "on", "the clip is heard")
    until(lambda: explorers.attribute(element, "sound") == "off", "the end of the clip", 8)
    seen = page.evaluate("window.seen")
    assert all(now == shown for now, shown in seen)
    lit = [now for now, _ in seen if now >= 0]
    assert lit == sorted(lit), "a reader who goes forward lights up letter after letter"
    assert len(set(lit)) >= 6
    assert told(element)["at"] is None
    assert explorers.attribute(element, "playing") == "no"
    until(lambda: explorers.sounding(page) == 0, "the audio context closed")


def test_a_letter_that_is_read_twice_lights_up_twice(page: Page) -> None:
    element = explorers.render(page, player(speller="loop"))
    canvas = element.query_selector("canvas")
    box = canvas.bounding_box()
    left, right = 66, box["width"] - 22
    # In the sound, above the rows: the cursor is moved by hand. 0.5 s is inside of c.
    canvas.click(position={"x": left + 0.5 / 1.8 * (right - left), "y": 60})
    until(lambda: told(element)["lit"] == 2, "c is lit")
    assert told(element)["at"] == pytest.approx(0.5, abs=0.01)
    glow = element.evaluate(
        """root => [...root.querySelectorAll('.player-text span')]
          .map(node => Number(node.style.getPropertyValue('--glow')))"""
    )
    assert [u for u, value in enumerate(glow) if value > 0.3] == [2, 7]
    assert page.evaluate("() => model.get('token')") == 2


def test_arrow_keys_and_clicks_play_what_a_token_looked_at(page: Page) -> None:
    element = explorers.render(page, player())
    started = "() => courseStarts.length"
    chosen = "() => model.get('token')"
    for node in (".player-text", "canvas"):
        page.evaluate("() => { courseStarts.length = 0; model.set('token', 0); }")
        element.query_selector(node).focus()
        for count, (key, token) in enumerate(
            [("ArrowRight", 1), ("ArrowDown", 2), ("ArrowLeft", 1), ("End", 9), ("Home", 0)], 1
        ):
            page.keyboard.press(key)
            assert page.evaluate(chosen) == token
            until(lambda count=count: page.evaluate(started) == count, f"a sound after {key}")
        page.keyboard.press("Enter")
        until(lambda: page.evaluate(started) == 6, "the same again")
        until(lambda: explorers.attribute(element, "sound") == "off", "the end of the piece")
    element.query_selector("[data-token='3']").click()
    assert page.evaluate(chosen) == 3
    until(lambda: page.evaluate(started) == 7, "a sound after a click on a letter")
    canvas = element.query_selector("canvas")
    canvas.click(position={"x": 300, "y": 22 + 96 + 26 + 5.5 * 18})
    assert page.evaluate(chosen) == 5
    until(lambda: page.evaluate(started) == 8, "a sound after a click on a row")
    until(lambda: explorers.attribute(element, "sound") == "off", "the end of the piece")
    canvas.focus()
    page.keyboard.press("Space")
    until(lambda: explorers.attribute(element, "sound") == "on", "all of it")
    page.keyboard.press("Space")
    until(lambda: explorers.attribute(element, "sound") == "off", "silence")


def test_a_piece_is_as_long_as_the_look_and_twice_at_half_speed(page: Page) -> None:
    element = explorers.render(page, player(token=2))
    page.evaluate("""() => {
      window.lengths = [];
      const start = AudioBufferSourceNode.prototype.start;
      AudioBufferSourceNode.prototype.start = function (...given) {
        lengths.push(this.buffer.duration / this.playbackRate.value);
        return start.apply(this, given);
      };
    }""")
    button = element.query_selector("[data-action=hear-token]")
    button.click()
    until(lambda: explorers.attribute(element, "sound") == "off", "the end of the piece")
    element.query_selector("[data-trait=slow]").click()
    button.click()
    until(lambda: page.evaluate("() => lengths.length") == 2, "a second sound")
    seconds = told(element)["to"] - told(element)["from"]
    assert page.evaluate("() => lengths") == pytest.approx([seconds, 2 * seconds], abs=1e-3)


def test_controls_set_their_traits_and_the_old_answer_is_not_taken_for_the_new(page: Page) -> None:
    element = explorers.render(page, player())
    norm = element.query_selector("[data-trait=length_normalisation]")
    assert norm.is_disabled(), "the greedy search has nothing to normalise"
    for trait, value in (
        ("beam_size", 8),
        ("length_normalisation", 0.5),
        ("coverage", 0.1),
        ("speller", "skip"),
        ("clip", "short"),
    ):
        element.query_selector(f"[data-trait={trait}]").select_option(str(value))
        assert page.evaluate("name => model.get(name)", trait) == value
        until(lambda: told(element)["stale"], "a picture that waits")
        explorers.still(element)
    until(lambda: "at work" in status(element), "that it waits is said")
    assert "It wrote" not in status(element)
    element.query_selector("[data-trait=told]").click()
    assert page.evaluate("() => model.get('told')") is True
    until(lambda: element.query_selector("[data-trait=beam_size]").is_disabled(), "no search")
    text = element.query_selector("[data-trait=text]")
    text.fill(" fed ")
    text.press("Enter")
    assert page.evaluate("() => model.get('text')") == "fed"


def test_letters_typed_into_the_text_are_letters(page: Page) -> None:
    element = explorers.render(page, player())
    text = element.query_selector("[data-trait=text]")
    text.fill("")
    page.keyboard.type("a b")
    page.keyboard.press("ArrowLeft")
    assert text.input_value() == "a b"
    assert page.evaluate("() => [model.get('token'), courseStarts.length]") == [0, 0]


def test_a_problem_is_shown_as_text(page: Page) -> None:
    one = player(clip="short")
    one.text, one.told = "<img src=x onerror=boom()>", True
    element = explorers.render(page, one)
    until(lambda: "<img src=x" in status(element), "the problem")
    assert element.query_selector("img") is None
    assert told(element)["tokens"] == []
    for key in ("ArrowRight", "Enter", "Space"):
        element.query_selector("canvas").focus()
        page.keyboard.press(key)
    assert page.evaluate("() => courseStarts.length") == 1, "only all of it can be played"


@pytest.mark.parametrize("width", [320, 600, 1280])
@pytest.mark.parametrize("speller", ["loop", "forever"])
def test_nothing_is_wider_than_the_page(page: Page, width: int, speller: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    element = explorers.render(page, player(speller=speller, token=5))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert len(told(element)["tokens"]) in (15, 300)
    page.evaluate("() => document.querySelector('[data-action=hear-all]').click()")
    count = explorers.frames(element)
    until(lambda: explorers.frames(element) > count + 5, "a moving picture")
    assert float(explorers.attribute(element, "frame-ms")) < 16


def test_it_moves_like_every_explorer(page: Page) -> None:
    element = explorers.render(page, player(speller="loop"))
    page.evaluate("""() => {
      const [before, after] = [document.createElement('div'), document.createElement('div')];
      before.className = after.className = 'jp-Cell';
      after.style.marginTop = before.style.height = '2500px';
      document.body.classList.add('jp-Notebook');
      document.body.append(after);
    }""")
    for move in explorers.GENERIC:
        move(page, element)


CELL = """from tests.test_widgets_attention_player import player
one = player()
one"""


def test_the_speller_answers_in_jupyterlab(browser: Browser, lab: Lab) -> None:
    """Every control to Python and back; a file and the browser's fake microphone, which beeps."""
    root = Path(__file__).parents[2]
    cell = nbformat.v4.new_code_cell(f"import sys\nsys.path.insert(0, {str(root)!r})\n{CELL}")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, lab.folder / "notebooks" / "player_probe.ipynb")
    opened = open_notebook(browser, lab, "player_probe.ipynb")
    try:
        opened.run_all(60)
        until(lambda: len(opened.explorers()) == 1, "the explorer", 15)
        element = opened.explorers()[0]
        explorers.show(opened.page, element)

        def choose(trait: str, value: object) -> None:
            element.query_selector(f"[data-trait={trait}]").select_option(str(value))

        def written(text: str, what: str) -> None:
            names = [*text.replace(" ", "␣"), "END"]

            def is_shown() -> bool:
                found = told(element)
                return found["tokens"] == names and not found["stale"]

            until(is_shown, what, 15)

        written(LONG, "the first clip")
        choose("speller", "loop")
        written("abcd ebcd efgh", "a loop")
        until(lambda: "Loop: tokens 7 to 11" in status(element), "the loop is said", 15)
        choose("speller", "skip")
        written("aefgh", "a skip")
        until(lambda: "Skip: there is speech" in status(element), "the skip is said", 15)
        choose("beam_size", 4)
        written(LONG, "a beam")
        for trait, value, key in (
            ("length_normalisation", 1, [4, 1, 0]),
            ("coverage", 0.1, [4, 1, 0.1]),
        ):
            choose(trait, value)
            until(lambda key=key: told(element)["key"][4:] == key, f"an answer to {trait}", 15)

        choose("clip", "short")
        written("bad", "the other clip")
        text = element.query_selector("[data-trait=text]")
        until(lambda: text.input_value() == "bed", "its right text", 15)
        element.query_selector("[data-trait=told]").click()
        written("bed", "the right text")
        until(lambda: "a instead of e" in status(element), "its own choice", 15)
        text.fill("b<b>x</b>")
        text.press("Enter")
        until(lambda: "not in the alphabet: ['/'" in status(element), "a wrong text is told", 15)
        assert element.query_selector(".player-text b") is None
        text.fill("fade")
        text.press("Enter")
        written("fade", "another text")

        file = {"name": "a.wav", "mimeType": "audio/wav", "buffer": wav(sound("head"), RATE)}
        upload = element.query_selector("input[type=file]")
        upload.set_input_files(file)
        written("head", "the file")
        assert element.query_selector("[data-trait=clip]").input_value() == "your sound"
        silent = {"name": "b.wav", "mimeType": "audio/wav", "buffer": wav(0 * sound("head"), RATE)}
        for _ in range(2):
            upload.set_input_files(silent)
            until(lambda: "is silent" in status(element), "silence is told", 15)
            element.query_selector("[data-action=hear-token]").click()
            until(lambda: "It wrote" in status(element), "the last sound is still there", 15)
        upload.set_input_files({"name": "c.wav", "mimeType": "audio/wav", "buffer": b"no sound"})
        until(lambda: "c.wav is no sound" in status(element), "a wrong file is told", 15)

        record = element.query_selector("[data-action=record]")
        record.click()
        until(lambda: explorers.attribute(element, "recording") == "on", "recording", 15)
        opened.page.wait_for_timeout(1500)
        record.click()
        until(
            lambda: told(element)["tokens"] != [*"head", "END"] and "It wrote" in status(element),
            "the recording is read",
            15,
        )
        assert told(element)["key"][0] == "your sound"
        assert not opened.errors
    finally:
        opened.page.context.close()
