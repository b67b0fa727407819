"""The tagging explorer in the browser: the threshold, files and the microphone.

What needs no kernel is tried on a bare page with a stand-in for the widget's model; a sound
goes to Python and back in a real JupyterLab.
"""

import io
import json
from pathlib import Path

import nbformat
import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, ElementHandle, Page

from course_utils import widgets
from tests.browser import explorers
from tests.browser.driver import Lab, open_notebook, until
from tests.test_widgets_tagging import NAMES, RATE, listen, tone


def explorer() -> widgets.TaggingExplorer:
    both = np.concatenate([tone(200), tone(2000, 0.5), tone(200, 0.3), tone(2000, 0.7)])
    clips = {"both": (both, RATE), "low": (tone(200), RATE)}
    return widgets.TaggingExplorer(clips, listen, NAMES)


def told(element: ElementHandle) -> dict:
    return json.loads(explorers.attribute(element, "tagging"))


def wav(waveform: np.ndarray, rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, waveform, rate, format="WAV")
    return file.getvalue()


def test_tags_and_events_are_pythons(page: Page) -> None:
    one = explorer()
    element = explorers.render(page, one)
    for clip, threshold in (("both", 0.5), ("both", 0.37), ("both", 0.99), ("low", 0.02)):
        count = explorers.frames(element)
        for name, value in {"clip": clip, "threshold": threshold}.items():
            page.evaluate("([name, value]) => model.set(name, value)", [name, value])
            setattr(one, name, value)
        until(lambda count=count: explorers.frames(element) > count, "a new picture")
        until(lambda: told(element)["tags"] == one.tags(), f"the tags {one.tags()}")
        found = sorted(tuple(event) for event in told(element)["events"])
        assert found == [pytest.approx(tuple(event)) for event in sorted(one.events())]


def test_the_threshold_is_dragged_and_typed(page: Page) -> None:
    element = explorers.render(page, explorer())
    canvas = element.query_selector(".tagging-canvas")
    box = canvas.bounding_box()
    right = box["x"] + box["width"]
    page.mouse.move(right - 60, box["y"] + 190)
    page.mouse.down()
    page.mouse.move(right - 120, box["y"] + 190, steps=5)
    page.mouse.up()
    low = page.evaluate("() => model.get('threshold')")
    assert low < 0.2
    assert page.evaluate("() => model.get('time_s')") == 0
    until(lambda: told(element)["tags"] == ["low", "high"], "both tags on")
    canvas.focus()
    page.keyboard.press("ArrowUp")
    assert page.evaluate("() => model.get('threshold')") == pytest.approx(low + 0.01)
    page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate("() => model.get('time_s')") == pytest.approx(1)


def test_a_file_is_decoded_and_sent(page: Page) -> None:
    element = explorers.render(page, explorer())
    stereo = np.stack([tone(440, 1.2, 44_100), 0 * tone(440, 1.2, 44_100)], axis=1)
    file = {"name": "tone.wav", "mimeType": "audio/wav", "buffer": wav(stereo, 44_100)}
    element.query_selector("input[type=file]").set_input_files(file)
    until(lambda: page.evaluate("() => sent.length") == 1, "the sound is sent")
    content, samples = page.evaluate("() => sent[0]")
    assert content == {"kind": "sound", "rate": 16_000}
    assert len(samples) == pytest.approx(1.2 * 16_000, abs=2)
    expected = tone(440, 1.2, 16_000) / 2
    assert np.abs(np.array(samples[100:-100]) - expected[100 : len(samples) - 100]).max() < 0.01


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", b"this is no sound", "notes.txt is no sound that this browser can decode"),
        ("short.wav", wav(tone(440, 0.1), RATE), "must last 0.3 s at least"),
        ("empty.wav", b"", "no sound"),
    ],
)
def test_a_wrong_file_gets_a_clear_message(page: Page, name, content, message) -> None:
    element = explorers.render(page, explorer())
    file = {"name": name, "mimeType": "audio/wav", "buffer": content}
    element.query_selector("input[type=file]").set_input_files(file)
    until(lambda: message in element.inner_text(), message)
    assert page.evaluate("() => sent.length") == 0


CELL = """import numpy as np
from IPython.display import display
from course_utils import widgets
from tests.test_widgets_tagging import NAMES, RATE, listen, tone
one = widgets.TaggingExplorer({"low": (tone(200), RATE)}, listen, NAMES)
one"""


def test_a_file_and_a_recording_are_tagged_by_the_kernel(
    browser: Browser, lab: Lab, monkeypatch, tmp_path: Path
) -> None:
    """To Python and back; the microphone is the browser's fake one, which beeps."""
    root = Path(__file__).parents[2]
    cell = nbformat.v4.new_code_cell(f"import sys\nsys.path.insert(0, {str(root)!r})\n{CELL}")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, lab.folder / "notebooks" / "tagging_probe.ipynb")
    opened = open_notebook(browser, lab, "tagging_probe.ipynb")
    try:
        opened.run_all(60)
        until(lambda: len(opened.explorers()) == 1, "the explorer", 15)
        element = opened.explorers()[0]
        explorers.show(opened.page, element)
        file = {"name": "high.wav", "mimeType": "audio/wav", "buffer": wav(tone(3000), RATE)}
        element.query_selector("input[type=file]").set_input_files(file)
        until(lambda: told(element)["clip"] == "your sound", "the file is tagged", 15)
        assert told(element)["tags"] == ["high"]

        silent = {"name": "silent.wav", "mimeType": "audio/wav", "buffer": wav(0 * tone(1), RATE)}
        element.query_selector("input[type=file]").set_input_files(silent)
        until(lambda: "silent" in element.inner_text(), "silence is told", 15)

        record = element.query_selector("[data-action=record]")
        record.click()
        until(lambda: explorers.attribute(element, "recording") == "on", "recording", 15)
        opened.page.wait_for_timeout(2500)
        before = element.query_selector("[role=status]").inner_text()
        record.click()
        assert explorers.attribute(element, "recording") == "off"
        until(
            lambda: (
                "Heard in time" in (now := element.query_selector("[role=status]").inner_text())
                and now != before
            ),
            "the recording is tagged",
            15,
        )
        assert told(element)["clip"] == "your sound"
        assert not opened.errors
    finally:
        opened.page.context.close()
