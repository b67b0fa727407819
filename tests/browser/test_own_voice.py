"""The recorder in the browser: from a microphone that hears a sentence to its transcript.

What needs no kernel is tried on a bare page with a stand-in for the widget's model; the way from
the microphone to a shipped model and to a file is gone in a real JupyterLab.
"""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, ElementHandle, Page

from course_utils import audio, metrics, widgets
from course_utils.datasets import commands
from tests.browser import explorers
from tests.browser.driver import CHROMIUM_ARGUMENTS, Lab, open_notebook, until
from tests.test_widgets_own_voice import RATE, Reading, Word, voice

SCRIPT = "<img src=x onerror=alert(1)>"
SENTENCE = 0  # of the commands' test set
LEAD_S = 1.0  # of silence before it
MODEL = "deepspeech2-commands"


def reading(*words: str, sure: float = 0.9) -> Reading:
    pairs = list(enumerate(words))
    text = " ".join(words)
    return Reading(text, [Word(w, k / 4, (k + 0.8) / 4, sure) for k, w in pairs], [(text, 0.8)])


def recorder(folder: Path, **others: object) -> widgets.Recorder:
    readers = {"ctc": lambda *_: reading("call", "nine"), "speller": lambda *_: reading("stop")}
    prompts = ["call nine", "stop", "what time is it"]
    return widgets.Recorder(**{"prompts": prompts, "readers": readers, "folder": folder, **others})


def model_reader(waveform: np.ndarray, sample_rate: int) -> Reading:
    """The best path of a model that comes with the course."""
    from course_utils.recipes import pretrained

    text = pretrained.load(MODEL).transcribe(waveform, sample_rate, resample=True)
    return reading(*text.split())


def told(element: ElementHandle) -> dict:
    return json.loads(explorers.attribute(element, "voice"))


def status(element: ElementHandle) -> str:
    return element.query_selector("[role=status]").inner_text()


def wav(waveform: np.ndarray, rate: int = RATE) -> dict:
    file = io.BytesIO()
    soundfile.write(file, waveform, rate, format="WAV")
    return {"name": "mine.wav", "mimeType": "audio/wav", "buffer": file.getvalue()}


@pytest.fixture
def alerts(page: Page) -> list[str]:
    found: list[str] = []
    page.on("dialog", lambda dialog: found.append(dialog.message))
    return found


def test_words_numbers_and_candidates_are_shown(page: Page, tmp_path: Path) -> None:
    one = recorder(tmp_path)
    one.add(voice(), RATE)
    element = explorers.render(page, one)
    assert told(element)["texts"] == {"ctc": "call nine", "speller": "stop"}
    assert told(element)["trim"] == pytest.approx(one.trim)
    ctc, speller = element.query_selector_all(".take-reading")
    shown = " ".join(ctc.inner_text().split())
    assert shown == "ctc 0 of 2 words wrong call 90 % nine 90 % call nine 80 %"
    assert "2 of 2 words wrong" in speller.inner_text()
    assert speller.query_selector("[data-wrong=true]").inner_text().split() == [
        "stop",
        "90",
        "%",
        "≠",
    ]
    until(lambda: "From Python." in status(element), "where it comes from")
    assert element.query_selector(".take-where").inner_text() == "1 of 3, 0 kept"
    assert element.query_selector(".take-prompt").inner_text() == "Read aloud: “call nine”"


def test_texts_are_no_markup(page: Page, tmp_path: Path, alerts: list[str]) -> None:
    readers = {SCRIPT: lambda *_: reading(*SCRIPT.split(), sure=0.2), "no": lambda *_: 1 / 0}
    samples = {SCRIPT: (voice(), RATE, SCRIPT)}
    one = recorder(tmp_path, prompts=[SCRIPT], readers=readers, samples=samples)
    one.use(SCRIPT)
    element = explorers.render(page, one)
    for selector in (".take-prompt", ".take-reading h5", ".take-best", "select"):
        assert SCRIPT in element.query_selector(selector).inner_text(), selector
    assert "ZeroDivisionError" in element.query_selector("[data-state=failed]").inner_text()
    page.evaluate("text => model.set('problem', text)", SCRIPT)
    until(lambda: SCRIPT in status(element), "the message")
    assert element.query_selector("img") is None
    assert not alerts


def test_both_ends_move_by_keyboard_mouse_and_button(page: Page, tmp_path: Path) -> None:
    one = recorder(tmp_path)
    one.add(voice(), RATE)
    suggested = list(one.trim)
    element = explorers.render(page, one)

    def in_python() -> list[float]:
        last = page.evaluate("() => sent.at(-1)[0]")
        return last["trim"] if last["kind"] == "trim" and last["turn"] == one._turn else suggested

    start, end = element.query_selector_all("input[type=range]")
    assert [start.get_attribute("aria-label"), end.get_attribute("aria-label")] == [
        "Starts at",
        "Ends at",
    ]
    start.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    wanted = [round(suggested[0] + 0.05, 2), suggested[1]]
    assert told(element)["trim"] == pytest.approx(wanted)
    assert in_python() == pytest.approx(suggested), "Python hears of it when it rests"
    until(lambda: in_python() == pytest.approx(wanted), "the new start")
    assert start.get_attribute("aria-valuetext") == f"{wanted[0]:.2f} s"
    page.keyboard.press("End")  # not beyond the other end
    until(lambda: in_python() == pytest.approx([suggested[1] - 0.1, suggested[1]]), "the order")
    element.query_selector("[data-action=all]").click()
    until(lambda: in_python() == pytest.approx([0, 2.0]), "all of it")
    element.query_selector("[data-action=suggest]").click()
    until(lambda: in_python() == pytest.approx(suggested), "as suggested")
    # What Python confirms of earlier ends changes nothing; what it sets itself does.
    page.evaluate("() => model.set('trim', [0, 2])")
    assert told(element)["trim"] == pytest.approx(suggested)
    page.evaluate("trim => { model.set('trim', trim); model.set('trim', [0.5, 1]); }", suggested)
    until(lambda: told(element)["trim"] == [0.5, 1], "Python's own ends")
    element.query_selector("[data-action=suggest]").click()
    until(lambda: in_python() == pytest.approx(suggested), "as suggested")

    canvas = element.query_selector(".take-canvas")
    box = canvas.bounding_box()

    def at(seconds: float) -> float:
        return box["x"] + 10 + seconds / 2.0 * (box["width"] - 20)

    page.mouse.move(at(suggested[1]), box["y"] + 80)
    page.mouse.down()
    page.mouse.move(at(1.2), box["y"] + 80, steps=5)
    page.mouse.up()
    until(lambda: in_python() == pytest.approx([suggested[0], 1.2], abs=0.02), "the dragged end")


def test_a_take_can_be_kept_only_when_it_is_whole(page: Page, tmp_path: Path) -> None:
    samples = {"other": (voice(), RATE, "stop"), "same": (voice(), RATE, "call nine")}
    one = recorder(tmp_path, samples=samples)
    element = explorers.render(page, one)
    assert element.query_selector("[data-action=keep]").is_disabled()
    assert element.query_selector("[data-action=samples]").evaluate("node => node.value") == "same"

    one.use("same")
    element = explorers.render(page, one)
    element.query_selector("[data-action=keep]").click()
    assert page.evaluate("() => sent.at(-1)[0]") == {"kind": "keep", "insist": False}

    one.use("other")
    element = explorers.render(page, one)
    assert element.query_selector("[data-action=keep]").is_disabled()
    until(lambda: "“stop” is said, not the prompt" in status(element), "why")
    assert explorers.attribute(element, "alert") == "true"

    one.add(np.clip(9 * voice(), -1, 1), RATE)
    element = explorers.render(page, one)
    keep = element.query_selector("[data-action=keep]")
    assert keep.inner_text() == "Keep although clipped"
    keep.click()
    assert page.evaluate("() => sent.at(-1)[0]") == {"kind": "keep", "insist": True}
    until(lambda: "This take is clipped" in status(element), "the clipping")

    one.trim = (0.0, 0.4)
    element = explorers.render(page, one)
    assert element.query_selector("[data-action=keep]").is_disabled()
    until(lambda: "This take is silent" in status(element), "the silence")


def test_without_an_answer_of_python_it_says_so(page: Page, tmp_path: Path) -> None:
    element = explorers.render(page, recorder(tmp_path, samples={"x": (voice(), RATE)}))
    element.query_selector("[data-action=sample]").click()
    assert page.evaluate("() => sent.at(-1)[0]") == {"kind": "sample", "name": "x"}
    until(lambda: "Python has not answered yet" in status(element), "the message", 8)
    page.evaluate("() => model.set('_heard', {})")
    until(lambda: "Python has not" not in status(element), "it goes when there is an answer")
    element.query_selector("[data-action=next]").click()
    page.evaluate("() => model.set('prompt', '02')")
    page.wait_for_timeout(4700)
    assert "No take of this prompt yet." in status(element), "a prompt without a take is an answer"


def test_a_file_that_is_none_is_told(page: Page, tmp_path: Path) -> None:
    element = explorers.render(page, recorder(tmp_path))
    opener = element.query_selector("input[type=file]")
    opener.set_input_files({"name": "a.wav", "mimeType": "audio/wav", "buffer": b"no sound"})
    until(lambda: "a.wav is no sound that this browser can decode" in status(element), "told")
    opener.set_input_files(wav(voice()[:2000]))
    until(lambda: "mine.wav lasts 0.13 s; it must last 0.3 s at least" in status(element), "told")
    kinds = page.evaluate("() => sent.map(([content]) => content.kind)")
    assert kinds == ["hello"]
    opener.set_input_files(wav(voice()))
    until(lambda: page.evaluate("() => sent.length") == 2, "the sound is sent")
    content, samples = page.evaluate("() => sent[1]")
    assert content == {"kind": "sound", "rate": RATE, "source": "mine.wav"}
    np.testing.assert_allclose(samples, voice(), atol=1 / 30_000)


HTTP = "http://lab.example/"
HTTPS = "https://lab.example/"


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        (HTTP, "", "by plain http from lab.example"),
        (HTTPS, "NotAllowedError", "Allow it at the sign left of the page's address"),
        (HTTPS, "NotFoundError", "There is no microphone"),
        (HTTPS, "NotReadableError", "Does another program use it?"),
        (HTTPS, "AbortError", "No microphone can be used here (AbortError)"),
    ],
)
def test_a_microphone_that_is_refused_is_told_with_what_to_do(
    page: Page, tmp_path: Path, address: str, error: str, message: str
) -> None:
    page.route("**/*", lambda route: route.fulfill(body="<p>", content_type="text/html"))
    element = explorers.render(page, recorder(tmp_path), address)
    assert page.evaluate("() => isSecureContext") == (address == HTTPS)
    if error:
        page.evaluate(
            """name => {
              const refuse = async () => { throw new DOMException('', name); };
              navigator.mediaDevices.getUserMedia = refuse;
            }""",
            error,
        )
    element.query_selector("[data-action=record]").click()
    until(lambda: message in status(element), message)
    assert explorers.attribute(element, "alert") == "true"
    assert "pen a sound file" in status(element) or "press Record again" in status(element)
    assert explorers.attribute(element, "recording") == "off"
    until(lambda: explorers.sounding(page) == 0, "the audio context is closed")


def test_a_browser_that_can_not_connect_another_rate_records_all_the_same(
    page: Page, tmp_path: Path
) -> None:
    """Firefox: here played by a context of a given rate that refuses the microphone."""
    page.route("**/*", lambda route: route.fulfill(body="<p>", content_type="text/html"))
    element = explorers.render(page, recorder(tmp_path), HTTPS)
    page.evaluate(
        """() => {
          const real = AudioContext.prototype.createMediaStreamSource;
          AudioContext.prototype.createMediaStreamSource = function (stream) {
            if (this.sampleRate === 16000) throw new DOMException('', 'NotSupportedError');
            return real.call(this, stream);
          };
        }"""
    )
    record = element.query_selector("[data-action=record]")
    record.click()
    until(lambda: told(element)["level"] > 0.05, "the fake device beeps", 10)
    page.wait_for_timeout(1500)
    record.click()
    until(lambda: page.evaluate("() => sent.length") == 2, "the sound is sent")
    content, samples = page.evaluate("() => sent[1]")
    assert content == {"kind": "sound", "rate": RATE, "source": "the microphone"}
    assert 1.2 * RATE < len(samples) < 6 * RATE
    assert np.abs(samples).max() > 0.05
    assert explorers.sounding(page) == 0


@pytest.mark.parametrize("width", [320, 600, 1000])
def test_nothing_is_wider_than_the_page(page: Page, tmp_path: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    one = recorder(tmp_path, prompts=["word " * 20] * 2, samples={"a sample " * 5: (voice(), RATE)})
    one.add(voice(), RATE)
    explorers.render(page, one)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.fixture(scope="module")
def sentence() -> commands.Corpus:
    return commands.load("test")[SENTENCE]


@pytest.fixture(scope="module")
def speaking(
    launch: Callable[[list[str]], Browser], sentence, tmp_path_factory
) -> Iterator[Browser]:
    """A browser whose microphone hears a sentence once, each time it is opened."""
    spoken = audio.resample(0.7 * sentence.waveform, sentence.sample_rate, 48_000)
    silence = np.zeros(round(LEAD_S * 48_000), np.float32)
    room = 1e-4 * np.random.default_rng(0).standard_normal(len(spoken) + 2 * len(silence))
    sound = np.concatenate([silence, spoken, silence]) + room
    path = tmp_path_factory.mktemp("microphone") / "sentence.wav"
    audio.save(path, sound.astype(np.float32), 48_000)
    browser = launch(
        [
            *CHROMIUM_ARGUMENTS,
            f"--use-file-for-fake-audio-capture={path}%noloop",
            "--disable-features=AudioServiceSandbox",  # it may not read files
        ]
    )
    yield browser
    browser.close()


CELL = """from IPython.display import display
from course_utils import widgets
from tests.browser.test_own_voice import model_reader
one = widgets.Recorder({prompts!r}, {{"model": model_reader}}, folder={folder!r})
one"""


def write_notebook(lab: Lab, name: str, prompts: list[str], folder: Path) -> None:
    root = Path(__file__).parents[2]
    source = CELL.format(prompts=prompts, folder=str(folder))
    cell = nbformat.v4.new_code_cell(f"import sys\nsys.path.insert(0, {str(root)!r})\n{source}")
    after = [nbformat.v4.new_markdown_cell("a text\n\n" * 60)]
    notebook = nbformat.v4.new_notebook(cells=[cell, *after])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, lab.folder / "notebooks" / name)


def test_from_the_microphone_to_the_transcript_and_to_a_file(
    speaking: Browser, lab: Lab, sentence, tmp_path: Path
) -> None:
    write_notebook(lab, "own_voice_probe.ipynb", [sentence.text, "stop"], tmp_path)
    opened = open_notebook(speaking, lab, "own_voice_probe.ipynb")
    try:
        opened.run_all(90)
        until(lambda: len(opened.explorers()) == 1, "the recorder", 15)
        element = opened.explorers()[0]
        explorers.show(opened.page, element)
        until(
            lambda: str(tmp_path) in element.query_selector(".take-privacy").inner_text(),
            "where",
            15,
        )

        record = element.query_selector("[data-action=record]")
        record.click()
        until(lambda: explorers.attribute(element, "recording") == "on", "recording", 15)
        until(lambda: "Speak now" in status(element), "the microphone is open", 15)
        until(lambda: told(element)["level"] > 0.05, "the sentence is heard", 15)
        opened.page.wait_for_timeout(1000 * (len(sentence.waveform) / sentence.sample_rate + 0.6))
        record.click()

        def text() -> str:
            return told(element)["texts"].get("model", "")

        def read(wanted: str, what: str) -> None:
            until(lambda: text() == wanted, f"{what}, got {text()!r}", 30)

        until(lambda: text() not in ("", "waiting"), "the transcript", 60)
        assert metrics.wer(sentence.text, text()) == 0
        written = text()
        trim = told(element)["trim"]
        assert told(element)["source"] == "the microphone"
        assert trim[0] > 0.3, "the silence before it is cut off"
        length = len(sentence.waveform) / sentence.sample_rate
        assert 0.7 * length < trim[1] - trim[0] < length + 0.5

        ends = element.query_selector_all("input[type=range]")
        ends[1].focus()
        for _ in range(4):
            opened.page.keyboard.press("PageDown")
        until(lambda: text() not in ("waiting", written), "another transcript", 30)
        assert len(text()) < len(written)
        element.query_selector("[data-action=suggest]").click()
        read(written, "the whole sentence again")

        for move in explorers.GENERIC:
            move(opened.page, element)
        explorers.show(opened.page, element)
        element.query_selector("[data-action=suggest]").click()
        read(written, "after all moves")

        until(lambda: not element.query_selector("[data-action=keep]").is_disabled(), "keep", 10)
        element.query_selector("[data-action=keep]").focus()
        opened.page.keyboard.press("Enter")
        until(lambda: told(element)["prompt"] == "02", "the next prompt", 15)
        assert record.evaluate("node => node === document.activeElement"), "on with the next one"
        assert told(element)["kept"] == ["01"]
        kept, rate = audio.load(tmp_path / "test-01-1.wav")
        assert (rate, len(kept)) == (RATE, pytest.approx((trim[1] - trim[0]) * RATE, abs=200))
        assert recording_text(tmp_path) == {"01": sentence.text}

        opener = element.query_selector("input[type=file]")
        opener.set_input_files(wav(sentence.waveform, sentence.sample_rate))
        read(written, "the file's transcript")
        assert told(element)["source"] == "mine.wav"
        opener.set_input_files(wav(0 * voice()))
        until(lambda: "This take is silent" in status(element), "silence is told", 15)
        read(written, "the take before stays")
        opener.set_input_files({"name": "a.wav", "mimeType": "audio/wav", "buffer": b"no sound"})
        until(lambda: "a.wav is no sound" in status(element), "the wrong file is told", 15)

        element.query_selector("[data-action=back]").click()
        until(lambda: told(element)["prompt"] == "01", "back", 15)
        for there in ("02", "01"):
            way = "next" if there == "02" else "back"
            element.query_selector(f"[data-action={way}]").click()
            until(lambda there=there: told(element)["prompt"] == there, way, 15)
        read(written, "the take that was kept")
        assert element.query_selector("[data-action=keep]").inner_text() == "✓ Kept"
        assert not opened.errors and not opened.strangers
    finally:
        opened.page.context.close()


def recording_text(folder: Path) -> dict[str, str]:
    from course_utils.datasets import recordings

    return {row["name"]: row["text"] for row in recordings.load(folder).table}


def test_a_microphone_that_the_browser_refuses_is_told_in_jupyterlab(
    launch: Callable[[list[str]], Browser], lab: Lab, tmp_path: Path
) -> None:
    """Without its fake consent, a Chromium without a window refuses."""
    write_notebook(lab, "own_voice_refused.ipynb", ["stop"], tmp_path)
    browser = launch([one for one in CHROMIUM_ARGUMENTS if "fake-ui" not in one])
    opened = open_notebook(browser, lab, "own_voice_refused.ipynb")
    try:
        opened.run_all(90)
        until(lambda: len(opened.explorers()) == 1, "the recorder", 15)
        element = opened.explorers()[0]
        explorers.show(opened.page, element)
        element.query_selector("[data-action=record]").click()
        until(lambda: "does not let this page use the microphone" in status(element), "told", 15)
        assert explorers.attribute(element, "recording") == "off"
        assert not list(tmp_path.iterdir())
    finally:
        opened.page.context.close()
        browser.close()
