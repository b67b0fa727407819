"""The trellis explorer's Python side: what it accepts, what it says, and its numbers."""

import base64
import io
import itertools
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from course_utils import ctc, widgets

Y = [
    [0.6, 0.3, 0.1],
    [0.3, 0.6, 0.1],
    [0.5, 0.3, 0.2],
    [0.2, 0.2, 0.6],
    [0.5, 0.1, 0.4],
    [0.8, 0.1, 0.1],
]


def explorer(**traits: object) -> widgets.TrellisExplorer:
    return widgets.TrellisExplorer(**{"probabilities": Y, "target": [1, 2], **traits})


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, list[int]]:
    """Distributions, some with zeros, and a target that may not fit."""
    frames, tokens = draw(st.integers(1, 7)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    y = rng.dirichlet(np.full(tokens, 0.7), frames)
    if draw(st.booleans()):
        y[0, 1] = 0
        y[0] /= y[0].sum()
    return y, draw(st.lists(st.integers(1, tokens - 1), max_size=4))


@given(case=cases())
@settings(max_examples=60, deadline=None)
def test_numbers_are_torchs_and_the_best_path_is_the_best_of_all(case):
    y, target = case
    one = widgets.TrellisExplorer(y, target)
    expected = torch.nn.functional.ctc_loss(
        torch.tensor(y).log()[:, None], torch.tensor([target]), [len(y)], [len(target)]
    ) * max(1, len(target))
    assert -one.trellis.log_prob == pytest.approx(float(expected), abs=1e-9)
    paths = [
        path
        for path in itertools.product(range(y.shape[1]), repeat=len(y))
        if ctc.collapse(path) == target
    ]
    chances = [math.prod(y[t, k] for t, k in enumerate(path)) for path in paths]
    places, best = one.best_path()
    assert best == pytest.approx(max(chances, default=0), abs=1e-12)
    if best:
        labels = one.trellis.labels.tolist()
        assert ctc.collapse([labels[s] for s in places]) == target
        assert all(0 <= late - early <= 2 for early, late in itertools.pairwise(places))
        one.shown = "occupancy"
        np.testing.assert_allclose(one.values().sum(axis=1), 1)
    assert f" {len(paths)} alignment" in one.describe()


def test_an_impossible_target_says_why():
    assert "loss infinite, 0 alignments; it needs 7 frames" in explorer(target=[1] * 4).describe()
    zero = [[1, 0, 0]] * 4
    assert "every path meets a probability of 0" in explorer(probabilities=zero).describe()
    assert (
        "loss 0.000, 1 alignment, the best one - with 1."
        in explorer(probabilities=zero[:1], target=[]).describe()
    )
    for one in (explorer(target=[1] * 4), explorer(probabilities=zero), explorer(target=[])):
        assert len(one.still_png()) > 1000
        assert "nan" not in one.describe()


def test_rows_that_nearly_sum_to_1_are_divided_by_their_sum():
    one = explorer(probabilities=np.array([[0.3333, 0.3333, 0.3333]] * 4, dtype=np.float32))
    np.testing.assert_allclose(one.probabilities, 1 / 3)
    one.probabilities = torch.tensor([[0.1, 0.2, 0.7]])
    np.testing.assert_allclose(one.probabilities, [[0.1, 0.2, 0.7]])
    one.probabilities = Y
    assert one.probabilities == Y


@pytest.mark.parametrize(
    ("trait", "value", "problem"),
    [
        ("probabilities", [], r"must be \(T, C\), 1 to 12 frames of 2 to 6 tokens, got \[\]"),
        ("probabilities", "abc", "got 'abc'"),
        ("probabilities", [[1, 0], [1]], r"must be \(T, C\)"),
        ("probabilities", [0.5, 0.5], r"got shape \(2,\)"),
        ("probabilities", np.full((13, 2), 0.5), r"got shape \(13, 2\)"),
        ("probabilities", np.full((2, 7), 1 / 7), r"got shape \(2, 7\)"),
        ("probabilities", [[0.5, 0.2, 0.3], [0.5, 0.4, 0.2]], "frame 1 holds .* the sum 1.1"),
        ("probabilities", [[1.5, -0.5, 0]], "frame 0 .* Logits need a softmax"),
        ("probabilities", np.log(Y), "log-probabilities exp"),
        ("probabilities", [[math.nan, 0.5, 0.5]], "frame 0"),
        ("target", [0, 1], r"from 1 to 2 \(0 is the blank, .*\), got \[0, 1\]"),
        ("target", [3], "target must be"),
        ("target", [1.5], "target must be"),
        ("target", [True], "target must be"),
        ("target", [1] * 7, "at most 6 labels"),
        ("target", "ab", "got ab"),
        ("target", 1, "got 1"),
        ("targets", [[1], [3]], "targets must be"),
        ("shown", "gamma", "shown"),
        ("frame", 12, "frame must be .* 0 to 11"),
        ("place", -1, "place must be .* 0 to 12"),
    ],
)
def test_what_does_not_fit_is_refused(trait, value, problem):
    with pytest.raises(traitlets.TraitError, match=problem):
        explorer(**{trait: value})
    if trait != "targets":
        with pytest.raises(traitlets.TraitError, match=problem):
            setattr(explorer(), trait, value)


def test_the_tokens_stay_as_many_as_they_were():
    with pytest.raises(traitlets.TraitError, match=r"must be of 3 tokens, .*, got 2"):
        explorer().probabilities = [[0.5, 0.5]]


@pytest.mark.parametrize("names", [["-", "a"], ["-", "a", "a"], ["-", "a", ""], ["-", "a b", "c"]])
def test_names_that_do_not_fit_are_refused(names):
    with pytest.raises(ValueError, match="names must be 3 different ones"):
        explorer(names=names)


@pytest.mark.parametrize(
    "change",
    [
        {"probabilities": Y[:5]},
        {"target": [1, 1]},
        {"target": np.array([2])},
        {"shown": "beta"},
        {"shown": "occupancy"},
        {"frame": 3},
        {"place": 2},
        {"names": ["-", "o", "n"]},
    ],
)
def test_the_still_picture_and_the_text_follow_the_traits(change):
    before, after = explorer(), explorer(**change)
    assert before.still_png() != after.still_png()
    assert repr(before) != repr(after)


def test_a_cell_that_is_gone_counts_as_the_last_one():
    one = explorer(frame=11, place=12)
    assert one.cell == (5, 4)
    assert "frame 5, place 4 (-)" in one.describe()


def test_the_output_carries_widget_picture_and_description():
    one = explorer()
    data, _ = DisplayFormatter().format(one)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == one.model_id
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.size == (700, 330)
    assert data["text/plain"] == f"TrellisExplorer: {one.describe()}"


def test_the_browser_side_names_only_traits_that_exist_and_fetches_nothing():
    one = explorer()
    named = set(re.findall(r'model\.get\("(\w+)"\)|trait: "(\w+)"|ui\.set\("(\w+)"', one._esm))
    names = {name for group in named for name in group if name}
    assert names <= set(one.keys)
    for name in (*one._limits, "probabilities", "target", "shown"):
        assert f'"{name}"' in one._esm
    for word in ("http", "//cdn", "fetch(", "import", "XMLHttp", "WebSocket", "url(", "eval("):
        assert word not in one._esm + one._css, word
    assert one._esm.count("export default { render };") == 1
    folder = Path(widgets.__file__).parent
    for name in ("lattice.js", "trellis.js"):
        assert (folder / name).stat().st_size < 15_000, name


def test_the_state_survives_json():
    one = explorer(target=[2, 2, 1], shown="beta", frame=2, place=3)
    names = ("probabilities", "target", "shown", "frame", "place")
    state = {name: one.get_state()[name] for name in names}
    other = explorer()
    other.set_state(json.loads(json.dumps(state)))
    assert repr(other) == repr(one)
