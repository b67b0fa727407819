"""The pictures of convolution show what they are given."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import features, plotting, signals
from course_utils.datasets.items import Utterance, Word
from course_utils.models.convolution import receptive_field

RATE = 8000


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_feature_maps_stand_upright_and_signed_ones_have_their_zero_in_the_middle():
    signed, positive = np.array([[1.0, -4.0], [2.0, 0.0], [0.0, 0.0]]), np.ones((5, 7))
    ax = plotting.feature_maps(
        {"a": signed, "b": positive, "c": positive, "d": signed, "e": signed}
    )
    axes = [one for one in ax.figure.axes if one.images]
    assert len(axes) == 5
    assert "a\n3 × 2" in axes[0].get_title()
    np.testing.assert_array_equal(axes[0].images[0].get_array(), signed.T)
    assert axes[0].images[0].get_clim() == (-4, 4)
    assert axes[1].images[0].get_clim() == (0, 1)


@pytest.mark.parametrize(
    "layers", [[(3, 1, 1)] * 3, [(3, 2, 1), (2, 1, 3)], [(5, 1, 2), (3, 3, 1)]]
)
def test_the_drawn_field_is_the_formulas(layers):
    ax = plotting.receptive_field(layers)
    text = next(t.get_text() for t in ax.texts if "seen" in t.get_text())
    assert int(text.split()[0]) == receptive_field(layers)
    assert len(ax.get_yticks()) == len(layers) + 1
    with pytest.raises(ValueError, match="fewer than one output"):
        plotting.receptive_field([(30, 1, 2)])


def test_responses_are_sorted_by_their_peaks():
    taps = np.hanning(81) * np.stack(
        [signals.tone(f, 81 / RATE, sample_rate=RATE) for f in (2500, 300, 1200)]
    )
    frequencies, responses = plotting.responses_of(taps, RATE)
    np.testing.assert_allclose(frequencies[responses.argmax(axis=1)], [2500, 300, 1200], atol=60)
    ax = plotting.frequency_responses(taps, RATE)
    dots = ax.lines[0].get_ydata()
    np.testing.assert_allclose(dots, [300, 1200, 2500], atol=60)
    mels = features.hz_to_mel(ax.lines[1].get_ydata())
    np.testing.assert_allclose(np.diff(mels), np.diff(mels)[0])


def test_the_most_relevant_tenth_is_marked():
    weight = np.zeros((20, 10))
    weight[5:10, 2:6] = 1.0
    ax = plotting.relevance({"six": (np.ones((20, 10)), weight)})
    shown = ax.images[1].get_array()
    np.testing.assert_array_equal(~shown.mask, weight.T > 0)


def test_what_was_heard_stands_where_it_was_and_mistakes_are_marked():
    words = (Word("six", 0.1, 0.4), Word("two", 0.5, 0.8))
    utterance = Utterance(
        signals.tone(500, 1.0, sample_rate=RATE), RATE, "six two", "x", "1", words
    )
    ax = plotting.heard(utterance, [(0.1, 0.4, "six"), (0.5, 0.8, "three")], "a string")
    texts = {text.get_text(): text.get_position()[0] for text in ax.texts}
    assert texts == {
        "six": pytest.approx(0.25),
        "two": pytest.approx(0.65),
        "three ✗": pytest.approx(0.65),
    }
    scores = np.eye(10)[[6, 6, 2]]
    ax = plotting.heard(utterance, [], scores=([0.2, 0.4, 0.6], scores, list("0123456789")))
    low = ax.figure.axes[1]
    np.testing.assert_array_equal(low.images[0].get_array(), scores.T)
    assert low.images[0].get_extent() == pytest.approx([0.1, 0.7, -0.5, 9.5])
