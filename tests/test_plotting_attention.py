import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting
from course_utils.datasets.items import Word

WORDS = [Word("C", 0.1, 0.3), Word("G", 0.4, 0.9)]


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_what_was_heard_is_named_where_it_lies():
    ax = plotting.melody(np.random.default_rng(0).random((50, 8)), WORDS, 1.0)
    assert [(text.get_text(), text.get_position()[0]) for text in ax.texts] == [
        ("C", pytest.approx(0.2)),
        ("G", pytest.approx(0.65)),
    ]
    assert [list(line.get_xdata()) for line in ax.lines] == [[0.1, 0.3], [0.4, 0.9]]
    assert ax.images[0].get_array().shape == (8, 50)
    assert ax.get_xlim() == (0, 1)


def test_an_edit_table_shows_its_numbers_and_its_way():
    ax = plotting.edit_table([[0, 1], [1, -1]], "C", "D", path=[(0, 0), (1, 1)])
    assert [text.get_text() for text in ax.texts] == ["0", "1", "1"]
    assert len(ax.patches) == 2
    assert [label.get_text() for label in ax.get_xticklabels()] == ["nothing", "D"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["nothing", "C"]


def test_an_alignment_has_places_in_seconds_and_frames_the_truth():
    weights = np.zeros((3, 20))
    weights[0, 5] = 1
    ax = plotting.alignment(weights, ["C", "G", "<end>"], 0.04, WORDS)
    left, right, bottom, top = ax.images[0].get_extent()
    column = (5 * 0.04 - left) / (right - left) * 20
    assert 5 < column < 6
    assert (bottom, top) == (2.5, -0.5)
    frames = [(patch.get_x(), patch.get_y(), patch.get_width()) for patch in ax.patches]
    assert frames == [(0.1, -0.5, pytest.approx(0.2)), (0.4, 0.5, pytest.approx(0.5))]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["C", "G", "<end>"]


def test_errors_by_length_shade_what_was_never_trained():
    rates = {"one": {2: 0.1, 3: 0.2, 5: 0.4}, "two": {2: 0.0, 3: 0.1}}
    ax = plotting.errors_by_length(rates, 3)
    assert [line.get_label() for line in ax.lines] == ["one", "two"]
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [0.0, 0.1, np.nan])
    assert len(ax.patches) == 1
    assert not list(plotting.errors_by_length(rates, 9).patches)
