"""The pictures of tagging show what they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting
from course_utils.metrics import Event, average_precision

RATE = 8000
NAMES = ("bell", "bird", "rain")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def sound() -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)


def test_a_scene_has_a_lane_for_each_kind_that_matters():
    frames = np.full((20, 3), 0.05)
    frames[5:9, 2] = 0.8
    events = [Event("bird", 0.5, 1.0)]
    found = [Event("bird", 0.6, 1.1), Event("rain", 0.5, 0.9)]
    above = plotting.scene(sound(), RATE, events, frames, NAMES, 0.1, found)
    _, lanes = above.figure.axes[:2]
    assert [label.get_text() for label in lanes.get_yticklabels()] == ["bird", "rain"]
    bars = [path for c in lanes.collections for path in c.get_paths() if len(path.vertices) == 5]
    spans = sorted((p.vertices[:, 0].min(), p.vertices[:, 0].max()) for p in bars)
    np.testing.assert_allclose(spans, [(0.5, 0.9), (0.5, 1.0), (0.6, 1.1)])
    assert lanes.get_xlim() == (0, 2)


def test_the_bars_of_two_lanes_keep_apart():
    frames = np.full((20, 3), 0.9)
    events = [Event("bell", 0.5, 1.0)]
    above = plotting.scene(sound(), RATE, events, frames, NAMES, 0.1, [Event("bird", 0.5, 1.0)])
    lanes = above.figure.axes[1]
    bars = [path for c in lanes.collections for path in c.get_paths() if len(path.vertices) == 5]
    (_, truth), (found, _) = sorted((p.vertices[:, 1].min(), p.vertices[:, 1].max()) for p in bars)
    assert truth < found - 0.02  # "bell" is the lane below "bird"


def test_without_probabilities_a_bar_stands_at_its_name():
    above = plotting.scene(sound(), RATE, [Event("bell", 0.5, 1.0), Event("bird", 0.5, 1.0)])
    lanes = above.figure.axes[1]
    middles = [c.get_paths()[0].vertices[:4, 1].mean() for c in lanes.collections]
    np.testing.assert_allclose(middles, lanes.get_yticks(), atol=0.02)


def test_a_scene_without_anything_can_be_drawn():
    assert plotting.scene(sound(), RATE, []) is not None


def test_values_by_class_stand_on_their_lines():
    ax = plotting.by_class(NAMES, {"one": [0.1, 0.5, 0.9], "two": [0.2, 0.3, 0.4]}, "AP", [0.2] * 3)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(NAMES)
    points = {line.get_label(): line for line in ax.lines}
    np.testing.assert_allclose(points["one"].get_xdata(), [0.1, 0.5, 0.9])
    np.testing.assert_allclose(points["one"].get_ydata(), [2, 1, 0])
    assert set(points) == {"chance", "one", "two"}


def test_the_area_under_the_precision_steps_is_the_average_precision():
    rng = np.random.default_rng(1)
    y, s = rng.integers(0, 2, 40), rng.random(40)
    ax = plotting.precision_recall(y, {"model": s})
    x, precision = ax.lines[0].get_data()
    # Steps before each point: the precision at a recall holds over the step that led to it.
    assert np.sum(np.diff(x) * precision[1:]) == pytest.approx(average_precision(y, s))


def test_reliability_is_how_often_it_was_true():
    p = np.array([0.05, 0.05, 0.95, 0.95, 0.95, 0.95])
    y = np.array([0, 1, 1, 1, 1, 0])
    ax = plotting.reliability(y, {"model": p})
    line = next(line for line in ax.lines if line.get_label() == "model")
    np.testing.assert_allclose(line.get_xdata(), [0.05, 0.95])
    np.testing.assert_allclose(line.get_ydata(), [0.5, 0.75])
