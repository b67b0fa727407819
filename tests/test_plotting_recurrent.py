import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting
from course_utils.datasets.items import Word


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_a_stream_shows_alarms_threshold_and_the_keyword():
    rng = np.random.default_rng(0)
    words = [Word("six", 0.1, 0.4), Word("seven", 0.5, 0.9)]
    above = plotting.stream(
        rng.normal(size=(60, 40)), rng.uniform(size=60), 0.02, 0.4, [0.86], words, "seven"
    )
    assert [text.get_text() for text in above.texts] == ["six", "seven"]
    assert [text.get_weight() for text in above.texts] == ["normal", "bold"]
    below = above.figure.axes[1]
    probability, threshold, alarm, marker = below.lines
    np.testing.assert_allclose(probability.get_xdata(), np.arange(60) * 0.02)
    assert set(threshold.get_ydata()) == {0.4}
    assert set(alarm.get_xdata()) == {0.86}
    assert list(marker.get_xdata()) == [0.86]
    (shaded,) = below.patches
    assert shaded.get_x() == 0.5
    assert shaded.get_width() == pytest.approx(0.4)


def test_operating_curves_show_none_and_a_thousand():
    ax = plotting.operating_curves({"a": ([0, 5, 1000], [20, 10, 0]), "b": ([3], [50])})
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0, 5, 1000])
    assert ax.get_xscale() == "symlog"
    assert ax.get_xlim()[0] < 0 < 1000 < ax.get_xlim()[1]
    low, high = ax.get_ylim()
    assert low < 0
    assert high > 100


@pytest.mark.parametrize("steps", [1, 3])
def test_the_unrolled_network_has_a_column_for_each_step(steps):
    texts = [text.get_text() for text in plotting.unrolled(steps).texts]
    assert texts.count("U") == steps + 1
    assert texts.count("W") == steps + 1
    assert {f"$h_{{{t}}}$" for t in range(1, steps + 1)} <= set(texts)


def test_the_cell_has_four_small_layers():
    texts = "\n".join(text.get_text() for text in plotting.lstm_cell().texts)
    assert texts.count("σ") == 3
    assert texts.count("×") == 3
    assert all(f"${name}$" in texts for name in "figo")
