import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from course_utils import plotting
from course_utils.datasets.items import Word


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def names_of(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_frames_are_halved_upwards_and_the_last_gets_zeros_beside_it():
    ax = plotting.pyramid(5, 2)
    assert names_of(ax) == ["5 of width 1", "3 of width 2", "2 of width 4"]
    white = [box for box in ax.patches if box.get_facecolor() == to_rgba("white")]
    # 5 needs a sixth, 3 a fourth; the two at the top are what is left.
    assert len(ax.patches) == 6 + 4 + 2 and len(white) == 2
    assert [round(box.get_x()) for box in white] == [5, 6]
    assert all(box.get_hatch() for box in white)


def test_an_even_number_of_frames_needs_no_zeros():
    ax = plotting.pyramid(8, 3)
    assert len(ax.patches) == 8 + 4 + 2 + 1
    assert not any(box.get_hatch() for box in ax.patches)


def test_looks_lie_at_their_places_and_their_sums_below():
    weights = np.array([[0.75, 0.25, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]])
    ax = plotting.looks(weights, ["a", "END"], 0.1, [Word("eh", 0.05, 0.15)], "right: a")
    left, right, bottom, top = ax.images[0].get_extent()
    assert (left, right) == pytest.approx((0, 0.4)) and (bottom, top) == (1.5, -0.5)
    assert names_of(ax) == ["a", "END"] and ax.get_title(loc="left") == "right: a"
    assert "eh" in [text.get_text() for text in ax.texts]
    below = ax.figure.axes[1]
    assert [bar.get_height() for bar in below.patches] == [0.75, 0.25, 0.5, 0.5]
    spans = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in below.patches]
    np.testing.assert_allclose(spans, [(0, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4)])


def test_a_long_text_is_named_by_its_words_where_they_begin():
    text = "set a timer for twenty five minutes and call one"
    ax = plotting.looks(np.ones((len(text), 3)), [*text.replace(" ", "␣")], 0.04)
    assert names_of(ax) == text.split()
    assert [text[int(row)] for row in ax.get_yticks()] == [word[0] for word in text.split()]


def test_a_long_text_of_words_is_thinned_out():
    ax = plotting.looks(np.ones((90, 3)), ["five"] * 90, 0.04)
    assert list(ax.get_yticks()) == list(range(0, 90, 3))


def test_kinds_of_errors_stand_side_by_side_in_percent():
    kinds = {
        "greedy": {"replaced": 0.1, "left out": 0.2, "too many": 0.0},
        "beam": {"replaced": 0.05, "left out": 0.0, "too many": 0.5},
    }
    ax = plotting.error_kinds(kinds)
    spans = [(bar.get_x(), bar.get_width()) for bar in ax.patches]
    expected = [(0, 10), (0, 5), (10, 20), (5, 0), (30, 0), (5, 50)]
    np.testing.assert_allclose(spans, expected, atol=1e-9)
    assert [text.get_text().strip() for text in ax.texts] == ["30.0", "55.0"]
    hatches = [container[0].get_hatch() for container in ax.containers]
    assert len(set(hatches)) == 3  # not told by colour alone


def test_no_errors_at_all_can_be_drawn():
    ax = plotting.error_kinds({"greedy": {"replaced": 0.0, "left out": 0.0}})
    assert ax.get_xlim() == (0, 1)
