"""Recorded runs say how they were made, and are read as numbers."""

import numpy as np
import pytest

from course_utils.datasets import runs


def test_recorded_runs_are_read_with_numbers(tmp_path, monkeypatch):
    (tmp_path / "toy.csv").write_text("# how\nname,share,count\none,0.5,3\n", encoding="utf-8")
    monkeypatch.setattr(runs, "FOLDER", tmp_path)
    assert runs.load("toy") == [{"name": "one", "share": 0.5, "count": 3}]
    with pytest.raises(FileNotFoundError, match="Here are: toy"):
        runs.load("other")


def test_what_is_written_says_how_it_was_made_and_is_read_again(tmp_path, monkeypatch):
    path = tmp_path / "runs" / "toy.csv"
    assert runs.read(path) == []
    rows = [{"name": "one", "wer": "0.0100"}, {"name": "two"}]
    runs.write(path, ["command: make toy", "machine: none"], rows)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# command: make toy" and lines[2] == "# machine: none"
    assert lines[1].startswith("# versions: Python 3.") and "torch" in lines[1]
    again = runs.read(path)
    assert again == [{"name": "one", "wer": "0.0100"}, {"name": "two", "wer": ""}]
    runs.write(path, ["command: make toy"], [*again, {"name": "three"}], ("name", "wer"))
    monkeypatch.setattr(runs, "FOLDER", path.parent)
    assert [row["wer"] for row in runs.load("toy")] == [0.01, "", ""]


def test_the_run_of_fsdd_is_complete_and_says_how_it_was_made():
    rows = runs.load("fsdd_digits")
    speakers = {row["speaker"] for row in rows}
    assert len(speakers) == 6
    by_setting: dict[str, list] = {}
    for row in rows:
        assert 0 < row["accuracy"] <= 1
        by_setting.setdefault(row["setting"], []).append(row)
    assert next(iter(by_setting)) == "plain"
    last = list(by_setting)[-1]
    assert last.startswith("all")
    for found in by_setting.values():
        for seed in {row["seed"] for row in found}:
            assert {row["speaker"] for row in found if row["seed"] == seed} == speakers
    for seed in {row["seed"] for row in by_setting[last]}:
        shares = [row["accuracy"] for row in by_setting[last] if row["seed"] == seed]
        assert np.mean(shares) >= 0.94
    head = (runs.FOLDER / "fsdd_digits.csv").read_text(encoding="utf-8").splitlines()[:4]
    assert all(line.startswith("#") for line in head)
    assert any("python docs/tools/fsdd_digits.py" in line for line in head)
