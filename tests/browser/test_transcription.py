"""The transcription explorer in the browser: the frames, the words, the controls, the microphone.

What needs no kernel is tried on a bare page with a stand-in for the widget's model; clips, noise,
decoders and sounds from outside go to Python and back in a real JupyterLab.
"""

import json
from pathlib import Path

import nbformat
import numpy as np
import pytest
from playwright.sync_api import Browser, ElementHandle, Page

from course_utils import widgets
from course_utils.datasets.text import Alphabet
from tests.browser import explorers
from tests.browser.driver import Lab, open_notebook, until
from tests.browser.test_tagging import wav
from tests.test_widgets_transcription import CLIPS, RATE, ToneRecogniser, speak

SCRIPT = "<img src=x onerror=alert(1)>"


@pytest.fixture
def page(browser: Browser):
    context = browser.new_context(viewport={"width": 1000, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    yield page
    assert errors == []
    context.close()


def explorer(**traits: object) -> widgets.TranscriptionExplorer:
    decoders = {"greedy": greedy, "only a": lambda log_probs: [2]}
    return widgets.TranscriptionExplorer(ToneRecogniser(), CLIPS, decoders, **traits)


def greedy(log_probs) -> list[int]:
    path = log_probs.argmax(-1).tolist()
    return [token for last, token in zip([0, *path], path, strict=False) if token not in (0, last)]


def told(element: ElementHandle) -> dict:
    return json.loads(explorers.attribute(element, "transcription"))


def words(element: ElementHandle) -> list[list[str]]:
    """Kind, what was said, what is written and the note, of each column."""
    return element.eval_on_selector_all(
        ".scribe-pair",
        """all => all.map(one =>
          [one.dataset.kind ?? '', ...[...one.children].map(cell => cell.textContent)])""",
    )


def test_the_frame_under_the_pointer_is_told(page: Page) -> None:
    one = explorer()
    element = explorers.render(page, one)
    p = np.round(one.probabilities * 65535) / 65535  # as they are sent
    canvas = element.query_selector(".scribe-canvas")

    def expect(frame: int) -> None:
        until(lambda: told(element)["frame"] == frame, f"frame {frame}")
        best = np.argsort(-p[frame], kind="stable")[:5]
        assert [name for name, _ in told(element)["top"]] == [one._names[token] for token in best]
        assert [v for _, v in told(element)["top"]] == pytest.approx(p[frame][best], abs=1e-4)
        shown = element.query_selector(".scribe-top").inner_text().split()
        assert shown[:2] == [one._names[best[0]], f"{p[frame][best[0]]:.3f}"]

    expect(0)
    assert told(element)["rows"] == ["a", "b", "c"]
    canvas.focus()
    for key, frame in (
        ("ArrowRight", 1),
        ("Shift+ArrowRight", 11),
        ("ArrowLeft", 10),
        ("End", len(p) - 1),
        ("ArrowRight", len(p) - 1),
        ("Home", 0),
        ("Shift+ArrowRight", 10),
    ):
        page.keyboard.press(key)
        expect(frame)
    assert page.evaluate("() => model.get('time_s')") == pytest.approx(0.4)
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 13, box["y"] + 60)
    expect(len(p) - 1)  # the pointer alone shows it, and moves no cursor
    assert page.evaluate("() => model.get('time_s')") == pytest.approx(0.4)
    page.mouse.move(box["x"] + 10, box["y"] - 30)
    expect(10)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 200)
    page.mouse.down()
    page.mouse.up()
    frame = round(page.evaluate("() => model.get('time_s')") / 0.04)
    assert 15 < frame < 25
    expect(frame)


def test_each_kind_of_error_is_named(page: Page) -> None:
    element = explorers.render(page, explorer(clip="wrong"))
    name, *pairs = words(element)
    assert name[:3] == ["name", "said", "written"]
    assert pairs == [["deleted", "ab", "·", "− deleted"], ["right", "abc", "abc", ""]]
    status = element.query_selector("[role=status]")
    until(lambda: "0 substituted, 1 deleted, 0 inserted" in status.inner_text(), "the status")
    assert "word error rate 50 %" in status.inner_text()
    clips = {"more": (speak("ab ca"), RATE, "ab"), "other": (speak("ab"), RATE, "ba")}
    recogniser = ToneRecogniser()
    recogniser.alphabet = Alphabet(" abc")
    element = explorers.render(page, widgets.TranscriptionExplorer(recogniser, clips, clip="other"))
    assert words(element)[1:] == [["substituted", "ba", "ab", "≠ substituted"]]
    insert = {"insert": lambda log_probs: [2, 3, 1, 4]}
    element = explorers.render(page, widgets.TranscriptionExplorer(recogniser, clips, insert))
    assert words(element)[1:] == [["right", "ab", "ab", ""], ["inserted", "·", "c", "+ inserted"]]
    assert "The best token of each frame alone reads: abca" in element.inner_text()
    element = explorers.render(page, explorer(clip="unknown"))
    assert [one[0] for one in words(element)] == ["name", ""]
    assert "ca" in element.query_selector(".scribe-words").inner_text()


def test_texts_and_messages_are_no_markup(page: Page) -> None:
    clips = {SCRIPT: (speak("a"), RATE, SCRIPT)}
    recogniser = ToneRecogniser(Alphabet(["<b>", "<i>", *"abc"], separator="|"))
    one = widgets.TranscriptionExplorer(recogniser, clips)
    element = explorers.render(page, one)
    assert SCRIPT.split()[0] in element.query_selector(".scribe-words").inner_text()
    page.evaluate("text => model.set('problem', text)", SCRIPT)
    until(lambda: SCRIPT in element.query_selector("[role=status]").inner_text(), "the message")
    assert element.query_selector("img") is None


def test_a_sound_that_is_refused_leaves_a_message_and_no_text(page: Page) -> None:
    clips = {"silent": (np.zeros(4000, np.float32), RATE)}
    element = explorers.render(page, widgets.TranscriptionExplorer(ToneRecogniser(), clips))
    until(
        lambda: "is silent" in element.query_selector("[role=status]").inner_text(), "the message"
    )
    for selector in (".scribe-words", ".scribe-top", ".scribe-moment"):
        assert not element.query_selector(selector).is_visible(), selector
    element.query_selector(".scribe-canvas").focus()
    for key in ("ArrowRight", "Home"):
        page.keyboard.press(key)


def test_without_an_answer_of_python_the_picture_says_so(page: Page) -> None:
    element = explorers.render(page, explorer())
    page.evaluate("() => model.set('clip', 'wrong')")
    until(lambda: told(element)["late"], "it is late")
    status = element.query_selector("[role=status]")
    until(lambda: "Python has not answered yet" in status.inner_text(), "the message", 6)
    assert told(element)["clip"] == "right"
    page.evaluate("() => model.set('clip', 'right')")
    until(lambda: "Python has not" not in status.inner_text(), "the state as it was")


def test_the_cursor_runs_with_the_sound(page: Page) -> None:
    element = explorers.render(page, explorer())
    frames = []
    element.query_selector("[data-action=hear]").click()
    until(lambda: explorers.attribute(element, "sound") == "on", "the sound")
    until(lambda: frames.append(told(element)["frame"]) or frames[-1] > 15, "the cursor runs")
    until(lambda: explorers.attribute(element, "sound") == "off", "the end", 5)
    assert frames == sorted(frames)
    assert explorers.attribute(element, "playing") == "no"
    assert page.evaluate("() => model.get('time_s')") == 0, "the cursor is where it was"
    until(lambda: told(element)["frame"] == 0, "back at the cursor")


def test_a_file_is_cut_and_sent(page: Page) -> None:
    element = explorers.render(page, explorer())
    opener = element.query_selector("input[type=file]")
    long = np.tile(speak("abc", 44_100), 12)
    opener.set_input_files({"name": "a.wav", "mimeType": "audio/wav", "buffer": wav(long, 44_100)})
    until(lambda: page.evaluate("() => sent.length") == 1, "the sound is sent")
    content, samples = page.evaluate("() => sent[0]")
    assert content == {"kind": "sound", "rate": 16_000}
    assert len(samples) == 160_000
    text = f"a.wav: the first 10 of {len(long) / 44_100:.1f} s, being transcribed."
    until(lambda: text in element.inner_text(), text)
    notes = {"name": "notes.txt", "mimeType": "audio/wav", "buffer": b"this is no sound"}
    opener.set_input_files(notes)
    until(lambda: "notes.txt is no sound that this browser" in element.inner_text(), "told")
    assert page.evaluate("() => sent.length") == 1


@pytest.mark.parametrize("width", [320, 600, 1000])
def test_nothing_is_wider_than_the_page(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    clips = {"a name of some length, 1": (speak("abc"), RATE, "ab " * 12)}
    explorers.render(page, widgets.TranscriptionExplorer(ToneRecogniser(), clips, snr_db=15))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


CELL = """from IPython.display import display
from course_utils import widgets
from tests.browser.test_transcription import explorer
one = explorer(clip="wrong")
one"""


def test_all_controls_move_it_in_jupyterlab(browser: Browser, lab: Lab, tmp_path: Path) -> None:
    """To Python and back; the microphone is the browser's fake one, which beeps."""
    root = Path(__file__).parents[2]
    cell = nbformat.v4.new_code_cell(f"import sys\nsys.path.insert(0, {str(root)!r})\n{CELL}")
    after = [nbformat.v4.new_markdown_cell("a text\n\n" * 60)]
    notebook = nbformat.v4.new_notebook(cells=[cell, *after])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, lab.folder / "notebooks" / "transcription_probe.ipynb")
    opened = open_notebook(browser, lab, "transcription_probe.ipynb")
    try:
        opened.run_all(60)
        until(lambda: len(opened.explorers()) == 1, "the explorer", 15)
        element = opened.explorers()[0]
        explorers.show(opened.page, element)

        def answer(what: str, **wanted: object) -> None:
            until(
                lambda: not (now := told(element)).get("late") and wanted.items() <= now.items(),
                what,
                15,
            )

        answer("the first text", clip="wrong", text="abc")
        element.query_selector("[data-trait=clip]").select_option("right")
        answer("another clip", clip="right", text="abcab")
        element.query_selector("[data-trait=decoder]").select_option("only a")
        answer("another decoder", decoder="only a", text="a")
        element.query_selector("[data-trait=decoder]").select_option("greedy")
        answer("the first decoder", text="abcab")
        slider = element.query_selector("[data-trait=snr_db]")
        slider.focus()
        opened.page.keyboard.press("Home")
        answer("noise", snr_db=-10)
        assert told(element)["text"] != "abcab"
        opened.page.keyboard.press("End")
        answer("no noise", snr_db=40, text="abcab")

        for move in explorers.GENERIC:
            move(opened.page, element)
        explorers.show(opened.page, element)
        slider.focus()
        opened.page.keyboard.press("End")

        opener = element.query_selector("input[type=file]")
        file = {"name": "b.wav", "mimeType": "audio/wav", "buffer": wav(speak("cb"), RATE)}
        opener.set_input_files(file)
        answer("the file is transcribed", clip="your sound", text="cb")
        note = "Resampled from 16,000 to 8,000 Hz"
        until(lambda: note in element.inner_text(), "the rate is told")
        silent = {"name": "no.wav", "mimeType": "audio/wav", "buffer": wav(0 * speak("a"), RATE)}
        opener.set_input_files(silent)
        until(lambda: "the waveform is silent" in element.inner_text(), "silence is told", 15)
        answer("the last sound stays", clip="your sound", text="cb")

        record = element.query_selector("[data-action=record]")
        record.click()
        until(lambda: explorers.attribute(element, "recording") == "on", "recording", 15)
        opened.page.wait_for_timeout(2500)
        record.click()
        assert explorers.attribute(element, "recording") == "off"
        seconds = len(speak("cb")) / RATE

        def longer() -> bool:
            return told(element)["clip"] == "your sound" and "Frame 1 of" in element.inner_text()

        until(longer, "the recording is there", 15)
        until(
            lambda: f"of {round(seconds / 0.04) + 1}," not in element.inner_text(),
            "the recording is transcribed",
            15,
        )
        assert not opened.errors
    finally:
        opened.page.context.close()
