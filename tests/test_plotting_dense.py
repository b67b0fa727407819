import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting
from course_utils.datasets import vowels


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def words_on(ax) -> dict[str, tuple[float, float]]:
    return {text.get_text(): text.get_position() for text in ax.texts}


def test_a_network_has_a_line_for_each_weight_and_a_circle_for_each_number():
    ax = plotting.network([2, 3, 1], ["in", "hidden", "out"])
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert len(lines) == 2 * 3 + 3 * 1
    assert len(ax.lines) - len(lines) == 6
    assert set(words_on(ax)) == {"in", "hidden", "out"}


def test_each_word_stands_in_the_middle_of_its_vowels():
    drawn = vowels.draw(30, words=("heed", "hod"))
    ax = plotting.vowel_chart(drawn, {"half": lambda F: F[:, 0] - 500})
    for label, word in enumerate(drawn.words):
        own = drawn.formants_hz[drawn.labels == label][:, :2]
        assert words_on(ax)[word] == pytest.approx(np.exp(np.log(own).mean(axis=0)))
        np.testing.assert_allclose(np.transpose(ax.lines[label].get_data()), own)
    (line,) = ax.collections
    assert (
        np.abs(np.concatenate([path.vertices for path in line.get_paths()])[:, 0] - 500).max() < 5
    )


def test_regions_are_named_where_they_are_and_mistakes_are_crosses():
    drawn = vowels.draw(9, words=("heed", "hod", "had"))

    def low_or_high(F):
        return (F[:, 0] > 500).astype(int)

    ax = plotting.vowel_regions(low_or_high, drawn)
    assert set(words_on(ax)) == {"heed", "hod"}
    assert words_on(ax)["heed"][0] < 500 < words_on(ax)["hod"][0]
    right, wrong = ax.lines[-2:]
    mistakes = low_or_high(drawn.formants_hz) != drawn.labels
    assert len(wrong.get_xdata()) == mistakes.sum() >= 18
    assert len(right.get_xdata()) == (~mistakes).sum()
    assert right.get_marker() != wrong.get_marker()


def test_the_way_downhill_is_drawn_as_it_went():
    path = np.array([[2.0, 1.0], [1.0, -0.5], [0.1, 0.0]])
    ax = plotting.descent(lambda a, b: a**2 + 9 * b**2, {"plain": path, "other": path / 2})
    np.testing.assert_allclose(np.transpose(ax.lines[0].get_data()), path)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["plain", "other"]
    assert ax.get_xlim()[1] > 2
