"""The yardstick measures what it says, and stops where two ways disagree."""

import csv
from pathlib import Path

import numpy as np
import pytest

from docs.tools import bench


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    monkeypatch.setattr(bench, "LEAST", 1)
    monkeypatch.setattr(bench, "LEAST_S", 0.0)


@pytest.mark.parametrize("task", bench.TASKS, ids=lambda task: task.__name__)
def test_the_smallest_size_of_each_task_agrees_with_every_peer(task):
    pairs = list(task())
    smallest = [pair for pair in pairs if pair.size == min(p.size for p in pairs)]
    for pair in smallest:
        row = bench.measured(pair)
        assert float(row["ours_ms"]) > 0
        assert bool(pair.peer) == ("ratio" in row)


def test_another_result_stops_the_run():
    pair = bench.Pair("FFT", 4, "samples", lambda: np.ones(4), "numpy", lambda: 1.01 * np.ones(4))
    with pytest.raises(ValueError, match="FFT, 4 samples: numpy gives another result"):
        bench.measured(pair)


def test_medians_ratio_and_growth(monkeypatch):
    clock = iter(np.cumsum([0.0, 0.004, 0.0, 0.002] * 3).tolist())
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(bench, "LEAST", 3)
    row = bench.measured(bench.Pair("t", 10, "items", lambda: 1, "other", lambda: 1))
    assert (row["ours_ms"], row["peer_ms"], row["ratio"], row["repeats"]) == ("4", "2", "2.00", 3)
    start = {"task": "start", "size": 1, "unit": "start", "ours_ms": "14000"}  # has no peer
    rows = bench.with_growth([row, {**row, "size": 100, "ours_ms": "400"}, start])
    assert rows[1]["growth"] == "2.00" and "growth" not in rows[0]


def test_a_decoder_that_is_not_installed_is_left_out(monkeypatch, capsys):
    def missing(log_probs):
        raise ImportError("no such thing")

    monkeypatch.setattr(bench, "_rust", missing)
    monkeypatch.setattr(bench, "_flashlight", missing)
    assert list(bench.searches()) == []
    assert "left out: fast-ctc-decode (no such thing)" in capsys.readouterr().out


def test_the_table_says_how_it_was_made(tmp_path):
    path = tmp_path / "bench.csv"
    bench.write(path, [{"task": "FFT", "size": 4, "ours_ms": "1"}], " --browser")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# command: python docs/tools/bench.py --browser"
    assert "one thread" in lines[2]
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert rows[0]["task"] == "FFT" and rows[0]["peer"] == ""


def test_the_readme_shows_the_recorded_table():
    readme = Path(bench.__file__).parents[2] / "README.md"
    table = bench.table(bench.read(bench.RUNS / "bench.csv"))
    assert table in readme.read_text(encoding="utf-8"), f"README's table should be:\n{table}"
    assert "| WER, 1,000 sentences | 13.6 ms | jiwer, 7.89 ms | 1.72 | 0.99 |" in table
