"""The convolution stepper computes torch's convolution, and says and draws what it does."""

import base64
import io
import json
import re

import numpy as np
import pytest
import torch
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from course_utils import widgets
from course_utils.models.convolution import conv2d, output_length

rng = np.random.default_rng(0)
PICTURES = {"one": rng.normal(size=(20, 13)), "two": rng.normal(size=(15, 24))}
OWN = {"learned": rng.normal(size=(3, 3))}


def stepper(**traits: object) -> widgets.ConvolutionStepper:
    return widgets.ConvolutionStepper(PICTURES, OWN, **traits)


@given(
    picture=st.sampled_from(sorted(PICTURES)),
    filter=st.sampled_from([*widgets.ConvolutionStepper.BUILT_IN, *OWN]),
    size=st.integers(1, 5),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
    place=st.integers(0, 900),
)
@settings(max_examples=60, deadline=None)
def test_the_map_is_a_convolution(**traits):
    one = stepper(**traits)
    S, P, D = traits["stride"], traits["padding"], traits["dilation"]
    x = torch.tensor(np.round(PICTURES[traits["picture"]], 2))[None, None]
    expected = conv2d(x, torch.tensor(one.weights)[None, None], None, S, P, D)[0, 0].numpy()
    values = one.feature_map()
    np.testing.assert_allclose(values, expected, atol=1e-12)
    lengths = PICTURES[traits["picture"]].shape
    shape = tuple(output_length(length, traits["size"], S, P, D) for length in lengths)
    assert values.shape == one.output_shape == shape
    assert one.products().sum() == pytest.approx(values[one.position])
    frame, band = one.position
    assert band * shape[0] + frame == min(traits["place"], values.size - 1)


def test_the_edges_answer_to_edges_and_the_blur_keeps_what_is_flat():
    rising = np.repeat(np.arange(16.0)[:, None], 16, axis=1)
    one = widgets.ConvolutionStepper({"rising": rising, "flat": np.ones((16, 16))})
    assert np.all(one.feature_map() == pytest.approx(2))  # later minus earlier, two frames apart
    one.filter = "band edge"
    np.testing.assert_allclose(one.feature_map(), 0, atol=1e-12)
    for size in range(1, 6):
        one.picture, one.size, one.filter = "flat", size, "blur"
        np.testing.assert_allclose(one.feature_map(), 1)
        one.filter = "onset edge"
        np.testing.assert_allclose(one.feature_map(), 0, atol=1e-12)


def test_a_filter_of_ones_own_is_cut_or_padded():
    one = stepper(filter="learned")
    own = np.round(OWN["learned"], 3)
    np.testing.assert_array_equal(one.weights, own)
    one.size = 1
    np.testing.assert_array_equal(one.weights, own[1:2, 1:2])
    one.size = 5
    np.testing.assert_array_equal(one.weights, np.pad(own, 1))


@pytest.mark.parametrize(
    ("pictures", "filters", "problem"),
    [
        ({}, None, "at least one"),
        (np.zeros((20, 20)), None, "the pictures must be"),
        ({"a": np.zeros((20, 12))}, None, "a: expected .* 13 to 48"),
        ({"a": np.zeros((49, 20))}, None, "a: expected"),
        ({"a": np.zeros(20)}, None, "a: expected"),
        ({"a": np.full((20, 20), np.nan)}, None, "a: it holds NaN"),
        (PICTURES, {"w": np.zeros((2, 3))}, "w: a filter of one's own is square"),
        (PICTURES, {"blur": np.zeros((3, 3))}, "has a new name"),
        (PICTURES, {"w": np.zeros((6, 6))}, "w: expected .* 1 to 5"),
    ],
)
def test_what_does_not_fit_is_refused(pictures, filters, problem):
    with pytest.raises(ValueError, match=problem):
        widgets.ConvolutionStepper(pictures, filters)


@pytest.mark.parametrize(
    ("trait", "value", "problem"),
    [
        ("picture", "three", "picture must be one of 'one', 'two'"),
        ("filter", "edge", "filter must be one of 'onset edge'.*'learned'"),
        ("size", 6, "size must be .* 1 to 5"),
        ("stride", 0, "stride must be"),
        ("padding", 1.5, "whole number"),
        ("dilation", 4, "dilation must be"),
        ("place", -1, "place must be"),
    ],
)
def test_values_out_of_range_are_refused(trait, value, problem):
    with pytest.raises(traitlets.TraitError, match=problem):
        setattr(stepper(), trait, value)


@pytest.mark.parametrize(
    "change",
    [
        {"picture": "two"},
        {"filter": "blur"},
        {"filter": "learned"},
        {"size": 2},
        {"stride": 2},
        {"padding": 1},
        {"dilation": 2},
        {"place": 30},
    ],
)
def test_the_still_picture_and_the_text_follow_the_traits(change):
    before, after = stepper(), stepper(**change)
    assert before.still_png() != after.still_png()
    assert repr(before) != repr(after)


def test_the_output_carries_widget_picture_and_description():
    one = stepper()
    data, _ = DisplayFormatter().format(one)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == one.model_id
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.size == (700, 330)
    assert data["text/plain"] == f"ConvolutionStepper: {one.describe()}"


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
    one = stepper(place=7, size=4)
    state = {name: one.get_state()[name] for name in one._limits}
    other = stepper()
    other.set_state(json.loads(json.dumps(state)))
    assert repr(other) == repr(one)
    large = widgets.ConvolutionStepper({"large": rng.normal(size=(48, 48))})
    assert len(json.dumps(large.get_state()["_pictures"])) < 30_000
