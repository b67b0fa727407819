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


def test_speech_is_shaded_between_its_ends_over_a_level_in_decibels():
    x = np.concatenate([np.zeros(4000), 0.5 * np.sin(np.arange(4000)), np.zeros(2000)])
    above = plotting.speech(x, 8000, (0.5, 1.0))
    below = above.figure.axes[1]
    for ax in (above, below):
        assert [line.get_xdata()[0] for line in ax.lines[1:]] == [0.5, 1.0]
        assert ax.patches[0].get_x() == 0.5 and ax.patches[0].get_width() == 0.5
    times, level = below.lines[0].get_data()
    inside = (times > 0.55) & (times < 0.95)
    np.testing.assert_allclose(level[inside], 10 * np.log10(0.125), atol=0.3)
    assert level[times < 0.45].max() == -120


def test_each_word_of_each_reader_is_a_box_with_its_confidence():
    words = {
        "letters": [("stop", 0.1, 0.4, 0.95), ("it", 0.5, 0.6, 0.2)],
        "speller": [("stop", 0.2, 0.3, 1.0)],
    }
    above = plotting.readings(np.zeros(8000), 8000, words, "stop it")
    below = above.figure.axes[1]
    assert above.get_title(loc="left") == "said: stop it"
    assert [label.get_text() for label in below.get_yticklabels()] == list(words)
    assert [(box.get_x(), pytest.approx(box.get_width())) for box in below.patches] == [
        (0.1, 0.3),
        (0.5, pytest.approx(0.1)),
        (0.2, pytest.approx(0.1)),
    ]
    shown = [text.get_text() for text in below.texts]
    assert shown == ["stop", "0.95", "it", "0.20", "stop", "1.00"]
    alphas = [box.get_alpha() for box in below.patches]
    assert alphas[2] > alphas[0] > alphas[1]


def test_words_and_numbers_that_lie_close_together_do_not_overlap():
    words = [("in", 0.87, 1.03, 0.66), ("the", 1.0, 1.22, 0.83), ("garage", 1.14, 1.25, 0.38)]
    words += [("to", 1.38, 1.47, 0.66)]
    above = plotting.readings(np.zeros(21_600), 8000, {"letters": words, "speller": words})
    above.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in above.figure.axes[1].texts]
    assert len(boxes) == 16
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])
    levels = {text.get_position()[1] for text in above.figure.axes[1].texts[:8:2]}
    assert len(levels) == 2  # the last word is back at its box
    assert above.figure.axes[1].texts[6].get_position()[1] == max(levels)
