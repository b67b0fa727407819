"""What the explorers of recorded sounds compute in the browser is what they compute in Python.

The widget's own JavaScript is drawn on a bare page, with a stand-in for the widget's model.
"""

import json
import math
import time

import numpy as np
import pytest
from playwright.sync_api import ElementHandle, Page

from course_utils import signals, widgets
from tests.browser import explorers
from tests.browser.driver import until

RATE = 8000


def recording(seed: int, duration_s: float = 1.0) -> np.ndarray:
    """Tones and noise, of numbers that 16 bits hold: both sides have the same ones."""
    rng = np.random.default_rng(seed)
    x = sum(
        rng.uniform(0.1, 0.3) * signals.tone(f, duration_s, sample_rate=RATE)
        for f in rng.uniform(40, 3500, 4)
    )
    x = x + 0.02 * rng.standard_normal(len(x))
    return np.round(x / np.abs(x).max() * 32767) / 32767


def probe(page: Page, element: ElementHandle, **traits: object) -> dict:
    """Set traits, and read what the explorer then says about itself."""
    count = explorers.frames(element)
    for name, value in traits.items():
        page.evaluate("([name, value]) => model.set(name, value)", [name, value])
    until(lambda: explorers.frames(element) > count, "a new picture")
    time.sleep(0.25)
    return json.loads(explorers.attribute(element, "probe"))


def test_the_centre_of_mass_is_pythons(page: Page) -> None:
    machine = widgets.WindingMachine({"one": (recording(1), RATE), "two": (recording(2), RATE)})
    element = explorers.render(page, machine)
    for traits in (
        {"frequency_hz": 0},
        {"frequency_hz": 333.3, "length_s": 0.0123},
        {"clip": "two", "length_s": 0.4, "start_s": 0.7213},
        {"frequency_hz": 1000, "length_s": 1},
    ):
        found = probe(page, element, **traits)
        for name, value in traits.items():
            setattr(machine, name, value)
        expected = machine.centre(machine.frequency_hz)
        assert found["samples"] == len(machine.piece)
        assert abs(complex(found["re"], found["im"]) - expected) < 1e-7


def test_the_filter_is_pythons(page: Page) -> None:
    bench = widgets.FilterBench(recording(3), RATE)
    element = explorers.render(page, bench)
    gains_db = [3, -10, 12, -60, 0, 6, -3, 12, -20, -40, 0, 0]
    for traits in ({"gains_db": gains_db}, {"notch_hz": 50.4}, {"gains_db": [12] * 12}):
        found = probe(page, element, **traits)
        for name, value in traits.items():
            setattr(bench, name, value)
        filtered = bench.filtered()
        assert found["peak"] == pytest.approx(np.abs(filtered).max(), rel=1e-5)
        assert found["rms"] == pytest.approx(signals.rms(filtered), rel=1e-5)
    assert found["peak"] > 1
    assert found["softer_db"] == pytest.approx(20 * math.log10(found["peak"]))
    assert f"{found['softer_db']:.1f} dB softer" in element.inner_text()


@pytest.mark.parametrize(
    "traits",
    [
        {},
        {"win_length": 200, "window": "hamming", "n_fft": 256, "hop_length": 50},
        {"window": "rectangular", "win_length": 1024},
        {"window": "blackman", "n_mels": 40},
        {"n_mels": 3, "hop_length": 400},
    ],
)
def test_the_levels_are_pythons(page: Page, traits: dict) -> None:
    clips = {"one": (recording(4), RATE), "two": (recording(5, 0.7), RATE)}
    explorer = widgets.SpectrogramExplorer(clips, clip="two", **traits)
    element = explorers.render(page, explorer)
    for time_s, frequency_hz in ((0, 0), (0.1003, 777), (0.35, 1900), (0.69, 3999)):
        explorer.time_s, explorer.frequency_hz = time_s, frequency_hz
        found = probe(page, element, time_s=time_s, frequency_hz=frequency_hz)
        expected = explorer.probe()
        assert found["time"] == pytest.approx(expected.time_s)
        assert found["hz"] == pytest.approx(expected.frequency_hz)
        assert found["db"] == pytest.approx(expected.level_db, abs=0.002)


def test_the_picture_is_pythons(page: Page) -> None:
    """The colours of the drawn frames are those of the levels, dark for soft."""
    explorer = widgets.SpectrogramExplorer({"one": (recording(6), RATE)}, n_fft=256, win_length=256)
    element = explorers.render(page, explorer)
    canvas = element.query_selector("canvas")
    bright = """canvas => {
      const {width, height} = canvas, scale = width / canvas.clientWidth;
      const pen = canvas.getContext('2d');
      const [left, top, right, bottom] = [48, 100, canvas.clientWidth - 62, 392];
      const all = pen.getImageData(0, 0, width, height).data, rows = [];
      for (let row = 0; row < 129; row += 1) {
        const y = Math.floor((bottom - (row + 0.5) / 129 * (bottom - top)) * scale);
        const x = Math.floor((left + 0.25 * (right - left)) * scale);
        const at = 4 * (y * width + x);
        rows.push(all[at] + all[at + 1] + all[at + 2]);
      }
      return rows;
    }"""
    drawn = np.array(canvas.evaluate(bright), dtype=float)
    frame = round(0.25 * RATE / explorer.hop_length)
    levels = explorer.levels()[frame]
    keep = np.arange(129) != round(explorer.frequency_hz * 256 / RATE)  # the cross-hair's line
    shown = np.maximum(levels, explorer.levels().max() - explorer.range_db)
    assert np.corrcoef(drawn[keep], shown[keep])[0, 1] > 0.97


def test_a_drag_moves_one_handle_and_the_keys_another(page: Page) -> None:
    element = explorers.render(page, widgets.FilterBench(recording(7), RATE))
    gains = "() => model.get('gains_db')"
    canvas = element.query_selector(".bench-gains")
    box = canvas.bounding_box()
    handle = element.query_selector("[data-handle='1000']").bounding_box()
    x, y = handle["x"] + 8, handle["y"] + 8
    page.mouse.move(x + 2, y)
    page.mouse.down()
    page.mouse.move(x + 2, box["y"] + 0.8 * box["height"], steps=5)
    page.mouse.up()
    moved = page.evaluate(gains)
    assert moved[5] < -30
    assert [gain for i, gain in enumerate(moved) if i != 5] == [0] * 11
    element.query_selector("[data-handle='300']").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate(gains)[3] == -1
    # Behind half the sample rate there is nothing to filter.
    assert len(element.query_selector_all("input.bench-handle")) == 10


def test_the_filtered_sound_takes_over_from_the_recording(page: Page) -> None:
    element = explorers.render(page, widgets.FilterBench(recording(8, 2.0), RATE))
    for name in ("original", "filtered"):
        element.query_selector(f"[data-action=hear-{name}]").click()
        until(lambda name=name: explorers.attribute(element, "source") == name, name)
        assert explorers.sounding(page) == 1
    until(lambda: explorers.attribute(element, "sound") == "off", "the end of the clip", 6)
    assert explorers.attribute(element, "playing") == "no"
    until(lambda: explorers.sounding(page) == 0, "the audio context closed")


def test_a_handle_that_moves_is_heard_at_once_and_nothing_clips(page: Page) -> None:
    bench = widgets.FilterBench(recording(9, 4.0), RATE)
    element = explorers.render(page, bench)
    element.query_selector("[data-action=hear-filtered]").click()
    starts = "() => courseStarts"
    until(lambda: len(page.evaluate(starts)) == 1, "a sound")
    time.sleep(0.3)
    for gain_db in (-12, 12):
        probe(page, element, gains_db=[gain_db] * 12)
    (first, soft, loud) = page.evaluate(starts)
    # A busy machine may need some of the first tenth of a second to open the audio device.
    assert 0 <= first[0] < 0.1 < soft[0] < loud[0] < 4
    assert first[1] == pytest.approx(1, abs=1e-3)
    assert soft[1] == pytest.approx(10 ** (-12 / 20), abs=1e-3)
    assert loud[1] == pytest.approx(1, abs=1e-6)
    # The recording itself is not started again by what concerns the other one only.
    element.query_selector("[data-action=hear-original]").click()
    count = len(page.evaluate(starts))
    probe(page, element, gains_db=[0] * 12)
    assert len(page.evaluate(starts)) == count == 4


def test_a_late_echo_does_not_undo_a_newer_value(page: Page) -> None:
    """Python repeats what it heard last; by then the reader may have moved on."""
    explorers.render(
        page, widgets.WindingMachine({"tones": (recording(1), RATE)}, frequency_hz=100)
    )
    press_then_echo = """() => {
      const press = {key: 'PageUp', bubbles: true, cancelable: true};
      document.querySelector('[data-trait=frequency_hz]').dispatchEvent(
        new KeyboardEvent('keydown', press));
      model.set('frequency_hz', 100);
      return model.get('frequency_hz');
    }"""
    assert page.evaluate(press_then_echo) == 110
    time.sleep(0.3)  # now Python has heard of it, and what it says counts
    page.evaluate("() => model.set('frequency_hz', 100)")
    assert page.evaluate("() => model.get('frequency_hz')") == 100
