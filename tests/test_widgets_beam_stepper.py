"""The prefix-beam stepper decodes as `decoding` does, refuses what does not fit."""

import base64
import io
import itertools
import json
import math
import re

import numpy as np
import pytest
import traitlets
from IPython.core.formatters import DisplayFormatter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from course_utils import decoding, widgets
from course_utils.widgets.beam_stepper import Bigrams

# The best path is "aa"; of beam widths 1 to 4 only 2 and 4 find the best labelling, "ab".
UNEVEN = [[0.1, 0.6, 0.3], [0.6, 0.4, 0.0], [0.0, 0.7, 0.3], [0.7, 0.0, 0.3]]
EXAMPLES = {"uneven": UNEVEN, "two frames": [[0.6, 0.4], [0.6, 0.4]]}
BIGRAMS = np.log([[0.2, 0.3, 0.5], [0.4, 0.1, 0.5], [0.4, 0.5, 0.1]])


def stepper(**traits: object) -> widgets.BeamStepper:
    return widgets.BeamStepper(EXAMPLES, bigrams=BIGRAMS, **traits)


def labellings(rows: list[list[float]]) -> dict[str, float]:
    """Every labelling with its probability, by way of every path."""
    found: dict[str, float] = {}
    for path in itertools.product(range(len(rows[0])), repeat=len(rows)):
        text = "".join("-ab"[token] for token, _ in itertools.groupby(path) if token)
        found[text] = found.get(text, 0) + math.prod(
            row[token] for row, token in zip(rows, path, strict=True)
        )
    return found


def test_the_example_is_what_it_promises():
    """Brute force over all 81 paths: the lesson's numbers."""
    exact = labellings(UNEVEN)
    assert max(exact, key=exact.get) == "ab"
    assert exact["ab"] == pytest.approx(0.2634)
    assert exact["aa"] == pytest.approx(0.1764)
    answers = []
    for width in (1, 2, 3, 4):
        one = widgets.BeamStepper({"uneven": UNEVEN}, width=width, frame=4)
        best = one.answers()[0]
        answers.append(one.spell(best.tokens))
        assert math.exp(best.score) == pytest.approx(exact[answers[-1]])
    assert answers == ["aa", "ab", "aa", "ab"]


def parts(prefix):
    return prefix.blank, prefix.label, prefix.share, prefix.state


@pytest.mark.parametrize("frame", range(5))
def test_the_beam_is_the_decoders(frame):
    one = stepper(frame=frame, width=4, alpha=0.5, beta=0.7)
    log_probs = one._problem()[0]
    beams = list(decoding.prefix_beams(log_probs, 4, lm=one.lm, alpha=0.5, beta=0.7))
    kept = [(tokens, prefix) for tokens, prefix in beams[frame].items() if prefix.total > -math.inf]
    assert [(tokens, *parts(prefix)) for tokens, prefix in kept] == [
        (tokens, *parts(prefix)) for tokens, prefix in one.beam()
    ]
    for tokens, prefix in one.beam():
        steps = itertools.pairwise((0, *tokens))
        share = sum(0.5 * BIGRAMS[i, j] + 0.7 for i, j in steps)
        assert prefix.share == pytest.approx(share)


def test_without_a_language_model_its_weights_count_nothing():
    plain = widgets.BeamStepper(EXAMPLES, frame=4)
    weighted = widgets.BeamStepper(EXAMPLES, frame=4, alpha=1.5, beta=2)
    assert plain.describe() == weighted.describe()
    assert "language model" not in plain.describe()


def test_the_table_is_a_language_model():
    lm = Bigrams(BIGRAMS)
    total, state = 0.0, lm.start()
    for token in (2, 1, 1):
        known, state = lm.score(state, token)
        total += known
    assert total + lm.end(state) == pytest.approx(math.log(0.5 * 0.5 * 0.1 * 0.4))


GOOD = [[0.5, 0.5]]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"examples": {}}, "at least one"),
        ({"examples": GOOD}, "the examples must be"),
        ({"examples": {"x": [0.5, 0.5]}}, "x: expected .* 2 to 40 tokens, got shape"),
        ({"examples": {"x": np.full((61, 2), 0.5)}}, "x: expected .* 1 to 60 frames"),
        ({"examples": {"x": np.full((2, 41), 1 / 41)}}, "x: expected"),
        ({"examples": {"x": np.log([[0.5, 0.5]])}}, r"x: .*\.exp\(\) makes"),
        ({"examples": {"x": [[0.5, np.nan]]}}, "x: probabilities must be"),
        ({"examples": {"x": [[0.5, 0.5], [0.5, 0.4]]}}, "x: .* frame 1 sum to 0.9, not"),
        ({"examples": {"x": GOOD}, "names": ["-"]}, "names must be"),
        ({"examples": {"x": GOOD}, "names": ["-", "-"]}, "names must be"),
        ({"examples": {"x": GOOD}, "bigrams": np.zeros((2, 3))}, r"bigrams must be \(2, 2\)"),
        ({"examples": {"x": GOOD}, "bigrams": np.full((2, 2), 0.5)}, "natural logs"),
        ({"examples": {"x": GOOD}, "bigrams": np.full((2, 2), -np.inf)}, "none infinite"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, problem):
    with pytest.raises(ValueError, match=problem):
        widgets.BeamStepper(**arguments)


@pytest.mark.parametrize(
    ("trait", "value", "problem"),
    [
        ("example", "three", "example must be one of 'uneven', 'two frames'"),
        ("frame", 61, "frame must be .* 0 to 60"),
        ("frame", 1.5, "whole number"),
        ("width", 0, "width must be .* 1 to 8"),
        ("alpha", -0.1, "alpha must be .* 0 to 3"),
        ("beta", 5, "beta must be .* -2 to 4"),
        ("row", -1, "row must be"),
    ],
)
def test_values_out_of_range_are_refused(trait, value, problem):
    with pytest.raises(traitlets.TraitError, match=problem):
        setattr(stepper(), trait, value)


@pytest.mark.parametrize(
    "change",
    [
        {"example": "two frames"},
        {"frame": 3},
        {"width": 1},
        {"alpha": 1},
        {"beta": 1},
        {"row": 1},
    ],
)
def test_the_still_picture_and_the_text_follow_the_traits(change):
    before, after = stepper(frame=2), stepper(**{"frame": 2, **change})
    assert before.still_png() != after.still_png()
    assert repr(before) != repr(after)


@pytest.mark.parametrize("frame", [0, 1, 4])
def test_the_numbers_behind_the_bars_stay_in_their_picture(frame):
    figure = Figure(figsize=(7.0, 3.3), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    stepper(frame=frame, alpha=3.0).draw(figure)
    figure.canvas.draw()
    right = figure.axes[1]
    assert right.texts
    assert all(text.get_window_extent().x1 < right.bbox.x1 for text in right.texts)


def test_the_description_has_the_answer_only_at_the_end():
    one = stepper(frame=3)
    assert "best path" not in one.describe()
    one.frame = 60  # beyond the last one: all
    assert "4 of 4 frames read" in one.describe()
    assert "the best path a - a - collapses to aa" in one.describe()


def test_words_stand_apart():
    one = widgets.BeamStepper({"x": [[0.2, 0.3, 0.5]]}, names=["-", "one", "two"], frame=1)
    assert one.spell([1, 2]) == "one two"
    assert one.spell([]) == "(empty)"


def test_the_output_carries_widget_picture_and_description():
    one = stepper()
    data, _ = DisplayFormatter().format(one)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == one.model_id
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.size == (700, 330)
    assert data["text/plain"] == f"BeamStepper: {one.describe()}"


def test_the_browser_side_names_only_traits_that_exist_and_fetches_nothing():
    one = stepper()
    named = set(re.findall(r'model\.get\("(\w+)"\)|trait: "(\w+)"|ui\.set\("(\w+)"', one._esm))
    names = {name for group in named for name in group if name}
    assert names <= set(one.keys)
    for name in one._limits:
        assert f'"{name}"' in one._esm
    for word in ("http", "//cdn", "fetch(", "import", "XMLHttp", "WebSocket", "url(", "eval("):
        assert word not in one._esm + one._css, word
    assert one._esm.count("export default { render };") == 1


def test_the_state_survives_json_and_stays_small():
    one = stepper(frame=2, width=5, alpha=0.3, row=2)
    state = {name: one.get_state()[name] for name in one._limits}
    other = stepper()
    other.set_state(json.loads(json.dumps(state)))
    assert repr(other) == repr(one)
    large = np.random.default_rng(0).dirichlet(np.ones(40), size=60)
    state = widgets.BeamStepper({"large": large}, names=[str(k) for k in range(40)]).get_state()
    assert len(json.dumps(state["_examples"])) < 35_000
