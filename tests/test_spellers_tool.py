"""The recorded runs' own parts: what is counted, what is compared, and how it is written."""

import csv

import pytest
import torch

from course_utils import decoding
from course_utils.datasets import fsdd
from course_utils.datasets.batching import Examples
from course_utils.recipes import recognition, spelling
from course_utils.recipes.recognition import Alphabet, changed
from docs.tools import spellers as tool


@pytest.mark.parametrize("table", [tool.VARIANTS, tool.FAILURES])
def test_every_row_is_a_model_and_none_comes_twice(table):
    recipes = list(table.values())
    assert recipes[0] == tool.DIGITS
    assert len(set(recipes)) == len(recipes)
    with torch.device("meta"):
        for recipe in recipes:
            spelling.build(recipe, Alphabet(recognition.CHARACTERS))


@pytest.mark.real_data
@pytest.mark.skipif(not fsdd.available(), reason="FSDD is not on this machine")
def test_each_speaker_is_left_out_once():
    recipes = tool.left_out()
    assert list(recipes) == fsdd.load().speakers
    assert all(recipe.speech.held_out == name for name, recipe in recipes.items())


def test_kinds_of_errors_are_counted_and_a_loop_is_one_that_hits_the_limit(monkeypatch):
    alphabet = Alphabet(["one", "two"], separator=" ")
    recipe = changed(spelling.RECIPES["digits"], hidden=4, speller=4)
    speller = spelling.Speller(spelling.build(recipe, alphabet), alphabet, recipe)
    frames = torch.randn(3, 32, recipe.sound.n_mels)
    examples = Examples(list(frames), [[1, 2], [1, 2, 2, 1], [1]])
    limit = 2 * int(speller.model.output_lengths(torch.tensor(32)))
    found = [[1, 1], [1, 2, 1], [1] * limit]
    hypotheses = [decoding.Hypothesis(tokens, 0.0) for tokens in found]
    monkeypatch.setattr(decoding, "attention_greedy", lambda *_: hypotheses)
    counts = tool.failures(speller, examples, {"beam_size": 1})
    assert counts["substitutions"] == pytest.approx(1 / 7)
    assert counts["deletions"] == pytest.approx(1 / 7)
    assert counts["insertions"] == pytest.approx((limit - 1) / 7)
    assert counts["wer"] == pytest.approx((limit + 1) / 7)
    assert counts["at_limit"] == pytest.approx(1 / 3)


def test_long_utterances_are_longer_than_any_in_training():
    recipe = changed(spelling.RECIPES["digits"], train=20, dev=2, test=2)
    data = recognition.prepare(recipe, progress=False)
    long = tool.longer(recipe, data, 5)
    assert min(map(len, long.targets)) >= 10 > 5 >= max(map(len, data.train.targets))
    assert min(long.lengths) > max(data.train.lengths)


def test_tables_are_written_with_how_they_were_made_and_read_again(tmp_path):
    for table, fields in (("figures", tool.TRAINED), ("failures", tool.FAILED)):
        rows = [{"name": "a", "seed": 0}]
        tool.write(tmp_path / "t.csv", table, rows)
        lines = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
        assert lines[0] == f"# command: python docs/tools/spellers.py {table}"
        read = list(csv.DictReader(line for line in lines if not line.startswith("#")))
        assert tuple(read[0]) == fields and read[0]["name"] == "a"


def test_tiny_tables_from_end_to_end(tmp_path, monkeypatch):
    small = ["train=8", "dev=2", "test=2", "epochs=1", "hidden=4", "speller=4"]
    for table, only, rows in (("variants", "dot", 1), ("failures", "early", 2)):
        path = tmp_path / f"{table}.csv"
        arguments = [table, "--only", only, "--output", str(path), "--set", *small]
        monkeypatch.setattr("sys.argv", ["spellers.py", *arguments])
        for _ in range(2):  # the second finds all of it done
            tool.main()
        lines = path.read_text(encoding="utf-8").splitlines()
        read = list(csv.DictReader(line for line in lines if not line.startswith("#")))
        assert len(read) == rows and all(row["name"] for row in read)
