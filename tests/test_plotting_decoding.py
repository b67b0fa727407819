import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_a_text_s_bar_is_made_of_its_paths():
    ax = plotting.path_sums({"": {"--": 0.36}, "a": {"-a": 0.24, "a-": 0.24, "aa": 0.16}})
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [
        (0, pytest.approx(0.36)),
        (0, pytest.approx(0.24)),
        (pytest.approx(0.24), pytest.approx(0.24)),
        (pytest.approx(0.48), pytest.approx(0.16)),
    ]
    assert [text.get_text() for text in ax.texts][-1] == "0.64"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["(nothing)", "a"]


def test_tokens_that_are_ever_likely_are_shown_over_time_in_their_order():
    p = np.array([[0.9, 0.02, 0.08, 0.0], [0.2, 0.0, 0.8, 0.0], [0.3, 0.7, 0.0, 0.0]])
    with np.errstate(divide="ignore"):
        ax = plotting.spelled(np.log(p), ["-", "a", "b", "c"], 0.04)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "a", "-"]
    np.testing.assert_allclose(ax.images[0].get_array(), p[:, [2, 1, 0]].T)
    left, right, bottom, top = ax.images[0].get_extent()
    assert (left, right) == pytest.approx((-0.02, 0.1)) and (bottom, top) == (2.5, -0.5)


def test_the_least_of_all_choices_is_framed():
    ax = plotting.choices([[0.3, 0.2], [0.05, 0.1]], [0, 0.5], [0, 1])
    assert [text.get_text() for text in ax.texts] == ["30.0", "20.0", "5.0", "10.0"]
    frame = ax.patches[0]
    assert frame.get_x() < 0 < frame.get_x() + frame.get_width() < 1
    assert 0 < frame.get_y() < 1 < frame.get_y() + frame.get_height()


def test_rates_lie_on_their_intervals_in_percent():
    ax = plotting.intervals({"greedy": (0.2, 0.1, 0.25), "beam": (0.1, 0.05, 0.2)}, "WER")
    bars = [list(line.get_xdata()) for line in ax.lines[:4]]
    assert bars == [[10, 25], [20], [5, 20], [10]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["greedy", "beam"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1] and ax.get_xlabel() == "WER (%)"
