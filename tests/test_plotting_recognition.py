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


def test_models_stand_side_by_side_with_a_box_for_each_part():
    ax = plotting.architectures(
        {
            "paper": [("input", "sound"), ("convolution", "3 of them"), ("recurrent", "7")],
            "ours": [("input", "sound"), ("linear", "29 tokens"), ("", "text")],
        }
    )
    left, right = ax.figure.axes
    assert [text.get_text() for text in left.texts if text.get_text()] == [
        "sound",
        "3 of them",
        "7",
    ]
    assert [box.get_y() for box in left.patches[:3]] == pytest.approx([0.1, 1.1, 2.1])
    boxes = [p for p in right.patches if isinstance(p, plt.Rectangle)]
    assert len(boxes) == 2  # what comes out has none
    assert left.get_ylim() == right.get_ylim() == (0, 3)


def test_layers_share_the_seconds_whatever_their_steps():
    values = np.arange(12.0).reshape(6, 2)
    ax = plotting.layers({"fast": (values, 0.01), "slow": (values[:2], 0.03)})
    first, second = ax.figure.axes
    np.testing.assert_array_equal(first.images[0].get_array(), values.T)
    assert first.images[0].get_extent() == pytest.approx((-0.005, 0.055, -0.5, 1.5))
    assert second.images[0].get_extent()[:2] == pytest.approx((-0.015, 0.045))
    assert first.get_xlim() == second.get_xlim() == (0, pytest.approx(0.06))


def test_each_word_is_marked_when_it_was_written():
    words = [Word("one", 0.1, 0.3), Word("two", 0.5, 0.7)]
    ax = plotting.written_when(np.zeros(800), 1000, words, [0.45, 0.65])
    below = ax.figure.axes[1]
    notes = [text.get_text() for text in below.texts]
    assert [note.strip() for note in notes] == ["one, +150 ms", "two, -50 ms"]
    marks = [line for line in below.lines if line.get_marker() == "D"]
    assert [(mark.get_xdata()[0], mark.get_ydata()[0]) for mark in marks] == [(0.45, 0), (0.65, 1)]
    assert [patch.get_x() for patch in ax.patches] == [0.1, 0.5]
    assert below.get_xlim()[1] > 0.8 and ax.get_xlim() == below.get_xlim()


def test_scaling_has_logarithmic_axes_with_plain_numbers():
    ax = plotting.scaling([120, 1200, 12000], {"regular": [29, 14, 8]}, "hours", "WER (%)")
    assert ax.get_xscale() == ax.get_yscale() == "log"
    ax.figure.canvas.draw()
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert "1,000" in labels and "10,000" in labels
    assert {"8", "16", "32"} <= {label.get_text() for label in ax.get_yticklabels()}
    assert list(ax.lines[0].get_ydata()) == [29, 14, 8]


def test_what_a_row_waits_for_ends_where_its_latency_says():
    ax = plotting.waiting(frame_ms=32, hop_ms=10, taps=11, stride=4, lookahead=5)
    reach = [bar.get_x() + bar.get_width() for bar in ax.patches]
    assert len(reach) == 12 and max(reach) == 32 + 50 + 200
    assert [bar.get_x() for bar in ax.patches[1::2]] == [0, 40, 80, 120, 160, 200]
    assert ax.lines[1].get_xdata()[0] == 282 and ax.texts[1].get_text() == "written: 282 ms"
    alone = plotting.waiting(25, 10, 1, 1, 0)
    assert alone.texts[1].get_text() == "written: 25 ms"
