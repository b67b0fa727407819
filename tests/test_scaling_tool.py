"""The tool that records throughput, profiles and plans."""

import torch

from course_utils.datasets import runs
from course_utils.exercises.nb15 import CAUSES
from docs.tools import scaling as tool


def test_a_step_is_a_step():
    step = tool.step_of(tool.noise(2))
    step()
    step()


def test_the_loop_is_an_lstm():
    torch.manual_seed(0)
    one = tool.Stepwise(6, 5)
    x = torch.randn(2, 7, 6)
    found, _ = one(x, torch.tensor([7, 7]))
    whole = torch.nn.LSTM(6, 5, batch_first=True)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    whole.load_state_dict({f"{name}_l0": getattr(one.cell, name) for name in names})
    expected = one.out(whole(x)[0]).log_softmax(dim=-1)
    assert torch.allclose(found, expected, atol=1e-6)


def test_the_recorded_profiles_are_told_apart_by_what_the_text_says():
    table = runs.load("profiles")
    parts = {name: [row for row in table if row["profile"] == name] for name in CAUSES}
    first = {name: rows[0] for name, rows in parts.items()}
    assert first["A"]["operation"].startswith("read") and first["A"]["share"] > 0.4
    assert max(row["calls"] for row in parts["B"]) > 500 and first["B"]["share"] < 0.2
    assert "rnn" in first["C"]["operation"] and first["C"]["calls"] < 20
    for rows in parts.values():
        assert [r["self_ms"] for r in rows] == sorted((r["self_ms"] for r in rows), reverse=True)
