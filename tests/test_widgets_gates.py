"""The explorer of an LSTM's gates: what it computes in Python, and what it sends."""

import base64
import io
import json
import re

import numpy as np
import pytest
import torch
import traitlets
from IPython.core.formatters import DisplayFormatter
from PIL import Image
from torch import nn

from course_utils import widgets
from course_utils.datasets.items import Word
from course_utils.models import recurrent
from course_utils.widgets.gates import ROWS, Reading

RATE, HOP_S, UNITS = 8000, 0.02, 5


def reading(frames: int = 60, seed: int = 0, **changed: object) -> Reading:
    torch.manual_seed(seed)
    features = torch.randn(frames, 12)
    gates = recurrent.trace(nn.LSTM(12, UNITS, batch_first=True), features)
    answer = torch.sigmoid(gates.cell[:, 0])
    return Reading(features, gates, answer, HOP_S, (Word("one", 0.2, 0.6),))._replace(**changed)


def sound(seconds: float = 1.2, seed: int = 0) -> tuple[np.ndarray, int]:
    noise = 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return noise.astype(np.float32), RATE


def explorer(**traits: object) -> widgets.GateExplorer:
    readings = {"a": reading(), "b": reading(40, seed=1, words=())}
    return widgets.GateExplorer({"a": sound(), "b": sound(0.8, 1)}, readings, **traits)


def test_the_step_is_the_equation_of_the_lstm():
    for frame in (0, 1, 33, 59):
        s = explorer(frame=frame, unit=3).step()
        assert s.f * s.before + s.i * s.g == pytest.approx(s.c, abs=1e-6)
        assert s.o * np.tanh(s.c) == pytest.approx(s.h, abs=1e-6)
        gates = reading().gates
        assert s.i == pytest.approx(gates.input[frame, 3].item(), abs=1e-7)
        assert s.before == pytest.approx(gates.cell[frame - 1, 3].item() if frame else 0, abs=1e-7)


def test_the_browser_gets_pythons_numbers():
    one = explorer()
    numbers = np.frombuffer(one._values, "<f4")
    for name, (frames, bands, units, hop_s, words) in zip("ab", one._readings, strict=True):
        kept = one._kept[name]
        part, numbers = np.split(numbers, [6 * frames * units + frames])
        values = part[: 6 * frames * units].reshape(6, frames, units)
        np.testing.assert_array_equal(values, kept.values)
        np.testing.assert_array_equal(part[6 * frames * units :], kept.answer)
        assert (bands, units, hop_s) == (12, UNITS, HOP_S)
        assert words == [list(word) for word in kept.words]
    assert len(numbers) == 0
    assert len(one._pictures) == 100 * 12
    assert one._esm.count("export default { render };") == 1
    assert [row[0] for row in ROWS] == re.findall(r'letter: "(\w)"', one._esm)


def test_the_cursor_stays_within_the_sound():
    one = explorer(frame=900)
    assert one.place == 59
    one.clip = "b"
    assert one.place == 39
    assert "0.78 s" in one.describe()
    with pytest.raises(traitlets.TraitError, match="unit must be 0 to 4, got 5"):
        one.unit = 5
    with pytest.raises(traitlets.TraitError, match="frame must be"):
        one.frame = -1


def test_the_description_names_the_word_and_the_numbers():
    one = explorer(frame=15, unit=2)
    s = one.step()
    assert 'in the word "one"' in repr(one)
    assert f"{s.f:.3f} x {s.before:.3f} + {s.i:.3f} x {s.g:.3f}" in repr(one)
    one.frame = 2
    assert "in the word" not in repr(one)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"features": np.zeros((59, 12))}, "a: all gates must have the shape"),
        ({"answer": np.zeros(61)}, "a: all gates must have the shape"),
        ({"answer": np.full(60, np.nan)}, "a: gates, features or answer hold NaN"),
        ({"gates": reading(50).gates}, "a: all gates must have the shape"),
    ],
)
def test_readings_that_do_not_fit_are_refused(changed, problem):
    with pytest.raises(ValueError, match=problem):
        widgets.GateExplorer({"a": sound()}, {"a": reading(**changed)})


def test_other_mistakes_are_named():
    with pytest.raises(ValueError, match="differ"):
        widgets.GateExplorer({"a": sound()}, {"b": reading()})
    long = reading()
    gates = recurrent.Gates(*(torch.zeros(1001, UNITS) for _ in range(6)))
    with pytest.raises(ValueError, match="at most 1000 and 64"):
        widgets.GateExplorer({"a": sound()}, {"a": long._replace(gates=gates)})
    other = recurrent.Gates(*(torch.zeros(60, 3) for _ in range(6)))
    with pytest.raises(ValueError, match="the same number of units"):
        widgets.GateExplorer(
            {"a": sound(), "b": sound()}, {"a": reading(), "b": reading(gates=other)}
        )


def test_the_output_carries_widget_picture_and_description():
    one = explorer(frame=20, unit=1)
    data, _ = DisplayFormatter().format(one)
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.size == (700, 330)
    assert data["text/plain"] == f"GateExplorer: {one.describe()}"
    assert one.still_png() != explorer(frame=40, unit=1).still_png()
    assert one.still_png() != explorer(frame=20, unit=2).still_png()


def test_the_browser_side_names_only_traits_that_exist_and_asks_nobody():
    one = explorer()
    named = set(re.findall(r'model\.get\("(\w+)"\)|trait: "(\w+)"|ui\.set\("(\w+)"', one._esm))
    assert {name for group in named for name in group if name} <= set(one.keys)
    for word in ("http", "fetch(", "import", "WebSocket", "url(", "eval("):
        assert word not in one._esm, word
    other = explorer()
    other.set_state(json.loads(json.dumps({name: one.get_state()[name] for name in one._limits})))
    assert repr(other) == repr(one)
