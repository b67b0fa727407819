"""The recorded runs' own parts: models beside ours keep the course's contract."""

import pytest
import torch

from course_utils.datasets import batching, fsdd
from course_utils.datasets.text import Alphabet
from course_utils.recipes import recognition
from docs.tools import recognisers as tool

PEERS = {name: peer for name, peer in tool.PEERS.items() if peer is not None}


@pytest.mark.parametrize("name", PEERS)
def test_lengths_and_log_probabilities_of_the_peers(name):
    torch.manual_seed(0)
    model = PEERS[name](40, 27).eval()
    with torch.no_grad():
        for frames in (2, 30, 31, 60, 61):  # Wav2Letter needs two
            log_probs, lengths = model(torch.randn(2, frames, 40), torch.tensor([frames, 1]))
            assert log_probs.shape[0] == 2 and log_probs.shape[2] == 27
            assert log_probs.shape[1] == lengths[0] and 1 <= lengths[1] <= lengths[0]
            sums = log_probs.exp().sum(dim=-1)
            torch.testing.assert_close(sums, torch.ones_like(sums), rtol=1e-4, atol=1e-4)


def test_padding_changes_nothing_where_the_tool_says_so():
    torch.manual_seed(0)
    model = tool.PlainLSTM(40, 27).eval()
    x = torch.randn(1, 20, 40)
    padded = torch.cat([x, torch.randn(1, 9, 40)], dim=1)
    both = torch.cat([padded, torch.randn(1, 29, 40)])
    with torch.no_grad():
        alone = model(x, torch.tensor([20]))[0]
        within = model(both, torch.tensor([20, 29]))[0][:1, :20]
    torch.testing.assert_close(alone, within)


def test_a_model_that_is_slow_trains_on_a_part_of_the_data(monkeypatch):
    features = [torch.randn(20, 40) for _ in range(40)]
    part = batching.Examples(features, [[1, 2]] * 40, ids=[f"item {i}" for i in range(40)])
    data = recognition.Data(part, part, part, Alphabet(recognition.CHARACTERS), {})
    now = iter(range(0, 1000, 10))  # ten seconds a step, whatever the machine
    monkeypatch.setattr(tool.time, "process_time", lambda: next(now))
    monkeypatch.setattr(tool, "BUDGET_S", 15.0)
    recipe = recognition.changed(tool.COMMANDS, batch_size=8)
    found, some = tool.budgeted(recipe, tool.PlainLSTM(40, 28), data)
    assert found.schedule.epochs == 1
    assert len(some.train) == 12  # an epoch is 5 steps of 10 s, the budget 15 s of these 50
    assert len(set(some.train.ids)) == 12 and some.test is part
    monkeypatch.setattr(tool, "BUDGET_S", 150.0)
    found, some = tool.budgeted(recipe, tool.PlainLSTM(40, 28), data)
    assert found.schedule.epochs == 3 and some.train is part


def test_every_row_of_the_ablation_is_a_model_and_changes_one_thing():
    recipes = list(tool.ABLATION.values())
    assert recipes[0] == recognition.changed(recognition.RECIPES["commands"], epochs=8)
    assert len(set(recipes)) == len(recipes)
    alphabet = Alphabet(recognition.CHARACTERS)
    with torch.device("meta"):
        for recipe in recipes:
            recognition.build(recipe, alphabet)


def test_of_two_rates_the_better_one_on_the_development_set_counts(monkeypatch):
    def row(name, recipe, seed, data, peer):
        cer = {1e-3: "0.3000", 4e-3: "0.2000"}[recipe.schedule.rate]
        return {"dev_cer": cer, "rate": recipe.schedule.rate}

    monkeypatch.setattr(tool, "row", row)
    assert tool.best_row("a", tool.COMMANDS, 0, None, tool.PlainLSTM)["rate"] == 4e-3


@pytest.mark.real_data
@pytest.mark.skipif(not fsdd.available(), reason="FSDD is not on this machine")
def test_each_speaker_is_left_out_once():
    recipes = tool.left_out()
    assert list(recipes) == fsdd.load().speakers
    assert all(recipe.speech.held_out == name for name, recipe in recipes.items())


def test_tables_are_written_with_how_they_were_made_and_read_again(tmp_path):
    rows = [{"name": "a", "seed": 0, "test_wer": "0.0100"}]
    tool.write(tmp_path / "t.csv", "ablation", rows)
    lines = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# command: python docs/tools/recognisers.py ablation"
    assert next(line for line in lines if not line.startswith("#")) == ",".join(tool.FIELDS)
