"""The explorer of attention: what it computes in Python, and what it refuses."""

import base64
import io
import json
import re

import numpy as np
import pytest
import traitlets
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from course_utils import widgets
from course_utils.datasets import melodies
from course_utils.widgets.attention import Heard, Look


def heard(seed: int = 0, notes: int = 4) -> Heard:
    """A melody; one model looks into the notes, one looks everywhere and writes one too many."""
    melody = melodies.Melodies(1, (notes, notes), seed)[0]
    values = melodies.log_mel(melody.waveform)
    times_s = np.arange((len(values) + 1) // 2) * 2 * melodies.FRAME_S
    centres = np.array([(word.start_s + word.end_s) / 2 for word in melody.words])
    sharp = np.exp(-(((times_s - centres[:, None]) / 0.03) ** 2))
    sharp /= sharp.sum(axis=1, keepdims=True)
    flat = np.full((notes + 1, len(times_s)), 1 / len(times_s))
    names = [word.text for word in melody.words]
    looks = {
        "trained": Look(names, sharp, 2 * melodies.FRAME_S),
        "untrained": Look([*names[:2], "?", *names[2:]], flat, 2 * melodies.FRAME_S),
    }
    return Heard(melody.waveform, melody.sample_rate, values, melody.words, looks)


def explorer(**traits: object) -> widgets.AttentionExplorer:
    return widgets.AttentionExplorer({"one": heard(), "two": heard(1, 6)}, **traits)


def test_a_sharp_look_lies_in_its_note_and_a_flat_one_everywhere():
    one = explorer()
    for token, word in enumerate(heard().words):
        one.token = token
        assert one.word == word
        assert word.start_s < one.peak_s() < word.end_s
        assert one.inside() > 0.9
        start, end = one.stretch_s()
        assert start < one.peak_s() < end
        assert 0.05 < end - start < 0.4
    one.look = "untrained"
    start, end = one.stretch_s()
    assert (start, end) == (0, pytest.approx(one.duration_s, abs=0.1))
    assert one.inside() < 0.5


def test_a_token_too_many_has_no_true_place():
    one = explorer(look="untrained", token=2)
    assert one.word is None
    assert one.inside() == 0
    assert "no true place belongs to it" in one.describe()
    one.token = 3
    assert one.word == heard().words[2]


def test_two_looks_close_to_each_other_are_one_stretch():
    weights = np.zeros((2, 30))
    weights[0, [5, 8, 20]] = 0.5, 0.3, 0.2
    weights[1, [5, 12]] = 0.6, 0.4
    melody = heard()
    looks = {"two": Look(["C", "D"], weights, 0.04)}
    one = widgets.AttentionExplorer({"song": melody._replace(looks=looks)})
    assert one.stretch_s() == (pytest.approx(0.15), pytest.approx(0.37))
    one.token = 1
    assert one.stretch_s() == (pytest.approx(0.15), pytest.approx(0.25))


def test_the_end_belongs_to_no_word_even_in_the_place_of_one():
    melody = heard()
    short = Look(["C", "<end>"], melody.looks["untrained"].weights[:2], 0.04)
    one = widgets.AttentionExplorer({"song": melody._replace(looks={"short": short})}, token=1)
    assert one.word is None


def test_the_order_of_the_models_survives_sorted_keys():
    state = explorer().get_state()["_heard"]
    assert json.loads(json.dumps(state, sort_keys=True)) == json.loads(json.dumps(state))
    assert [look[0] for look in state[0][3]] == ["trained", "untrained"]


def test_where_nothing_is_known_nothing_is_claimed():
    one = widgets.AttentionExplorer({"song": heard()._replace(words=())})
    assert one.word is None
    assert one.describe().endswith("what lies where is not known.")


def test_a_token_beyond_the_last_is_the_last():
    one = explorer(clip="two", token=5)
    one.clip = "one"
    assert one.row == 3
    assert "token 4" in one.describe()


def test_bad_input_is_refused_by_name():
    good = heard()
    look = good.looks["trained"]
    bad = {
        "one row for each": look._replace(tokens=["C"]),
        "0 tokens": look._replace(tokens=[], weights=np.zeros((0, 3))),
        "weights must be from 0 to 1": look._replace(weights=np.full((4, 3), np.nan)),
        "from 0 to 1": look._replace(weights=np.full((4, 3), 1.5)),
    }
    for message, wrong in bad.items():
        with pytest.raises(ValueError, match=f"song, trained: .*{message}"):
            widgets.AttentionExplorer({"song": good._replace(looks={"trained": wrong})})
    with pytest.raises(ValueError, match="b: looks of"):
        widgets.AttentionExplorer({"a": good, "b": good._replace(looks={"other": look})})
    with pytest.raises(ValueError, match="the clips must be"):
        widgets.AttentionExplorer({})
    with pytest.raises(traitlets.TraitError, match="look must be one of 'trained', 'untrained'"):
        explorer(look="other")
    with pytest.raises(traitlets.TraitError, match="token must be a whole number"):
        explorer(token=1.5)
    with pytest.raises(traitlets.TraitError, match="clip must be one of"):
        explorer(clip="three")


def test_the_output_carries_widget_picture_and_description():
    one = explorer(token=1)
    data, _ = DisplayFormatter().format(one)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == one.model_id
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert (picture.format, picture.size) == ("PNG", (700, 330))
    assert data["text/plain"] == f"AttentionExplorer: {one.describe()}"
    assert len(one.still_png()) < 100_000


@pytest.mark.parametrize("change", [{"clip": "two"}, {"look": "untrained"}, {"token": 2}])
def test_the_still_picture_and_the_text_follow_the_traits(change):
    before, after = explorer(), explorer(**change)
    assert before.still_png() != after.still_png()
    assert repr(before) != repr(after)


def test_the_browser_side_names_only_traits_that_exist_and_asks_nobody():
    one = explorer()
    named = re.findall(r'model\.get\("(\w+)"\)|trait: "(\w+)"|ui\.set\("(\w+)"', one._esm)
    names = {name for group in named for name in group if name}
    assert names <= set(one.keys)
    assert {"clip", "look", "token"} <= names
    for word in ("http", "//cdn", "fetch(", "import", "XMLHttp", "WebSocket", "url(", "eval("):
        assert word not in one._esm, word


def test_the_state_survives_json():
    one, other = explorer(token=3), explorer()
    other.set_state(json.loads(json.dumps({name: one.get_state()[name] for name in one._limits})))
    assert repr(other) == repr(one)
