import numpy as np
import pytest
import traitlets
from matplotlib.figure import Figure

from course_utils import widgets
from course_utils.datasets.items import Word
from course_utils.widgets.training_player import Moment

NAMES = ["-", "one", "two"]
WORDS = (Word("one", 0.1, 0.3),)


def moment(step: int, blank: float, text: str = "one") -> Moment:
    return Moment(step, 3.0 - step / 100, np.tile([blank, 0.9 - blank, 0.1], (8, 1)), text)


def player(**traits: object) -> widgets.TrainingPlayer:
    return widgets.TrainingPlayer(
        [moment(0, 0.3), moment(8, 0.875, ""), moment(16, 0.5)], NAMES, 0.05, WORDS, **traits
    )


def test_the_browser_gets_the_numbers_rounded_to_255ths():
    one = player()
    values = np.frombuffer(one._values, np.uint8).reshape(3, 8, 3)
    np.testing.assert_array_equal(values[1, 4], [223, 6, 26])
    assert one._moments == [[0, 3.0, "one"], [8, 2.92, ""], [16, 2.84, "one"]]
    assert one._clip["words"] == [["one", 0.1, 0.3]] and one._clip["frames"] == 8
    assert one._limits == {"moment": (0, 2)}


def test_it_tells_its_state():
    assert player(moment=1).describe() == (
        "step 8, loss 2.92: blank 88% on average. It reads as nothing at all."
    )
    assert player(moment=2).describe().endswith('It reads "one".')


def test_the_still_picture_has_a_curve_a_token():
    figure = Figure()
    player(moment=2).draw(figure)
    (ax,) = figure.axes
    assert len(ax.lines) == 3
    np.testing.assert_allclose(ax.lines[1].get_ydata(), 0.4)
    assert "step 16" in ax.get_title(loc="left")
    assert player().still_png().startswith(b"\x89PNG")


def test_the_still_picture_names_each_hill():
    p = np.full((9, 3), 0.05)
    p[[1, 2, 6], 1] = 0.5, 0.7, 0.4  # two hills of "one", the first of two frames
    p[4, 2] = 0.29
    p[:, 0] = 1 - p[:, 1:].sum(axis=1)
    figure = Figure()
    widgets.TrainingPlayer([Moment(0, 1.0, p, "")], NAMES, 0.05).draw(figure)
    written = [(text.get_text(), round(text.get_position()[0], 2)) for text in figure.axes[0].texts]
    assert written == [("one", 0.1), ("one", 0.3)]


def test_it_refuses_what_does_not_fit():
    with pytest.raises(traitlets.TraitError, match="0 to 2, got 3"):
        player(moment=3)
    good = moment(0, 0.3)
    for moments, message in (
        ([], "1 to 300 moments"),
        ([good, good._replace(probabilities=np.ones((7, 3)) / 3)], "all moments must have"),
        ([good._replace(probabilities=np.ones((7, 4)) / 4)], "3 tokens"),
        ([good._replace(probabilities=np.log(good.probabilities))], "left as logarithms"),
        ([good._replace(probabilities=np.zeros((50_000, 3)))], "take fewer moments"),
    ):
        with pytest.raises(ValueError, match=message):
            widgets.TrainingPlayer(moments, NAMES, 0.05)
