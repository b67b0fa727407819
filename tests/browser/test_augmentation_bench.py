"""The augmentation bench computes in the browser what the package computes in Python."""

import time

import numpy as np
import pytest
from playwright.sync_api import Page

from course_utils import signals, widgets
from tests.browser import explorers
from tests.browser.driver import until
from tests.browser.test_spectra import probe, recording

RATE = 8000


def bench(**traits: object) -> widgets.AugmentationBench:
    clips = {"one": (recording(1), RATE), "two": (recording(2, 0.6), RATE)}
    return widgets.AugmentationBench(clips, **traits)


@pytest.mark.parametrize(
    "traits",
    [
        {},
        {"clip": "two", "shift_s": -0.123},
        {"gain_db": 12, "shift_s": 0.05},
        {"snr_db": 3, "seed": 7},
        {"rt60_s": 0.6, "seed": 999},
        {"rt60_s": 1.5, "clip": "two"},
        {"speed": 0.8},
        {"speed": 1.37},
        {"freq_masks": 3, "freq_width": 12, "time_masks": 2, "time_width": 60, "seed": 5},
        {"speed": 1.2, "rt60_s": 0.3, "snr_db": 10, "gain_db": -5, "shift_s": 0.1, "freq_masks": 1},
    ],
)
def test_the_changed_sound_and_its_masks_are_pythons(page: Page, traits: dict) -> None:
    explorer = bench()
    element = explorers.render(page, explorer)
    found = probe(page, element, **{"seed": 1, **traits})
    for name, value in traits.items():
        setattr(explorer, name, value)
    x, mel = explorer.augmented(), explorer.masked()
    assert found["samples"] == len(x)
    assert found["frames"] == len(mel)
    # Another filter than soxr's resamples in the browser; everything else is the same sum.
    speed = "speed" in traits
    assert found["rms"] == pytest.approx(signals.rms(x), rel=0.02 if speed else 1e-5)
    assert found["peak"] == pytest.approx(np.abs(x).max(), rel=0.05 if speed else 1e-5)
    assert found["mel"] == pytest.approx(mel.mean(), abs=0.5 if speed else 1e-3)
    if not speed:
        plain = explorer.log_mel(x)
        hidden = int((mel != plain).sum())
        assert abs(found["cells"] - hidden) <= (plain == plain.mean()).sum()
        assert (found["cells"] > 0) == ("freq_masks" in traits)


def test_a_drag_of_the_picture_shifts_the_sound(page: Page) -> None:
    element = explorers.render(page, bench())
    canvas = element.query_selector(".augment-after")
    box = canvas.bounding_box()
    x, y = box["x"] + 0.4 * box["width"], box["y"] + 0.6 * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 0.2 * box["width"], y, steps=5)
    page.mouse.up()
    assert 0.15 < page.evaluate("() => model.get('shift_s')") < 0.3


def test_another_draw_and_all_off(page: Page) -> None:
    element = explorers.render(page, bench(snr_db=0, time_masks=2))
    before = probe(page, element, gain_db=-3)
    element.query_selector("[data-action=again]").click()
    until(lambda: page.evaluate("() => model.get('seed')") == 2, "another seed")
    after = probe(page, element, gain_db=-3.5)
    assert after["peak"] != before["peak"]
    element.query_selector("[data-action=off]").click()
    found = probe(page, element, seed=3)
    assert found["rms"] == pytest.approx(signals.rms(recording(1)), rel=1e-5)
    assert found["cells"] == 0
    until(lambda: "after is before" in element.inner_text(), "the status in words")


def test_a_change_is_heard_at_once_and_nothing_clips(page: Page) -> None:
    clips = {"one": (recording(9, 3.0), RATE)}
    element = explorers.render(page, widgets.AugmentationBench(clips))
    element.query_selector("[data-action=hear-after]").click()
    starts = "() => courseStarts"
    until(lambda: len(page.evaluate(starts)) == 1, "a sound")
    time.sleep(0.3)
    for gain_db in (-12, 12):
        probe(page, element, gain_db=gain_db)
    (first, soft, loud) = page.evaluate(starts)
    assert 0 <= first[0] < 0.1 < soft[0] < loud[0] < 3
    assert soft[1] == pytest.approx(10 ** (-12 / 20), abs=1e-3)
    assert loud[1] == pytest.approx(1, abs=1e-6)
    until(lambda: "played that much softer" in element.inner_text(), "the status in words")


def test_everything_at_once_takes_less_than_100_ms(page: Page) -> None:
    clips = {"one": (recording(9, 3.0), RATE)}
    element = explorers.render(page, widgets.AugmentationBench(clips))
    everything = {"speed": 0.8, "rt60_s": 1.2, "snr_db": 5, "freq_masks": 2, "time_masks": 2}
    times = []
    for k in range(5):
        probe(page, element, **everything, gain_db=k)
        times.append(float(explorers.attribute(element, "augment-ms")))
    assert min(times) < 100
