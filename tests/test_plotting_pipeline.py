"""The pictures of the data pipeline show what they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting
from course_utils.datasets import augmentation


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_padding_is_what_is_missing_to_the_longest_of_the_batch():
    ax = plotting.padding({"one": [[0, 1], [2]], "two": [[0], [1, 2]]}, [3, 5, 4])
    left, right = ax.figure.axes
    assert [bar.get_width() for bar in left.patches] == [3, 5, 2, 0, 4, 0]
    assert [bar.get_width() for bar in right.patches] == [3, 0, 5, 4, 0, 1]
    assert all(bar.get_hatch() for bar in left.patches[2:4])
    assert [a.get_title(loc="left") for a in (left, right)] == ["one", "two"]


def test_a_batch_has_a_row_an_item_with_its_mask():
    values = np.random.default_rng(0).normal(size=(2, 7, 4))
    mask = np.arange(7) < np.array([[7], [3]])
    first = plotting.batch(values, mask, ["a", "b"])
    rows = first.figure.axes
    assert [ax.get_title(loc="left") for ax in rows] == ["a", "b"]
    for ax, item, valid in zip(rows, values, mask, strict=True):
        picture, strip = ax.images
        np.testing.assert_array_equal(picture.get_array(), item.T)
        np.testing.assert_array_equal(strip.get_array()[0], valid)


def test_splits_mark_test_files_by_letter_and_hatch():
    ax = plotting.splits({"plan": {"ann": [True, False], "bob": [False, False]}})
    assert [text.get_text() for text in ax.texts] == ["T"]
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [True, False, False, False]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ann", "bob"]


def test_pairs_are_joined_and_means_written():
    ax = plotting.paired({"a": [0.5, 1.0], "b": [0.25, 0.75]}, "accuracy")
    assert [text.get_text() for text in ax.texts] == ["0.75", "0.50"]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.5, 0.25])


def test_the_largest_bar_is_marked_in_words():
    ax = plotting.stations({"read": 1.0, "mix": 2.5}, "ms", "(slow)")
    assert [text.get_text().strip() for text in ax.texts] == ["1.00", "2.50 (slow)"]


def test_sounds_before_and_after_share_their_axes():
    x = np.random.default_rng(0).normal(size=8000) * 0.1
    ax = plotting.before_after({"before": x, "after": x[:4000]}, 8000)
    axes = ax.figure.axes
    assert axes[0].get_xlim() == axes[1].get_xlim() == (0, 1)
    assert axes[2].images[0].get_array().shape == (40, 101)
    assert axes[3].images[0].get_array().shape == (40, 51)


def test_the_line_of_a_decay_falls_by_60_db_in_its_time():
    response = augmentation.room_response(0.5, 8000, np.random.default_rng(0))
    ax = plotting.decay(response, augmentation.decay_curve(response), 8000, 0.5)
    line = ax.figure.axes[1].lines[1]
    t, y = line.get_data()
    assert np.polyfit(t, y, 1)[0] == pytest.approx(-120)
