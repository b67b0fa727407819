"""The tool that runs the cells of notebooks 06 and 07 with other seeds, and what it recorded."""

import pytest

from course_utils.datasets import runs
from tests.test_project import load_tool


@pytest.fixture(scope="module")
def tool():
    return load_tool("seeds")


@pytest.mark.parametrize("number", [6, 7])
def test_only_the_seeds_of_the_trainings_change(tool, number):
    before, after = tool.cells(number, 0)
    others, changed = tool.cells(number, 3)
    assert before == others and len(after) == len(changed)
    pairs = [(a, b) for a, b in zip(after, changed, strict=True) if a != b]
    assert len(pairs) == len(tool.RUNS[number][2]) == 3
    for a, b in pairs:
        assert b.count("3") == a.count("3") + 1 and b.count("0") == a.count("0") - 1


def test_a_seed_that_is_not_where_it_was_is_reported(tool, monkeypatch):
    name, end, places, wanted = tool.RUNS[6]
    monkeypatch.setitem(tool.RUNS, 6, (name, end, [*places, "no such text"], wanted))
    with pytest.raises(ValueError, match="'no such text' occurs 0 times"):
        tool.cells(6, 1)
    monkeypatch.setitem(tool.RUNS, 6, (name, "## No such part", places, wanted))
    with pytest.raises(ValueError, match="no cell begins with"):
        tool.cells(6, 1)


def test_cells_are_run_in_order_without_their_asserts_and_in_silence(tool, capsys):
    space = tool.run(["x = 1", "print(x)\nassert x == 2, 'holds for another seed'\nx += 1"], {})
    assert space["x"] == 2
    assert capsys.readouterr().out == ""
    with pytest.raises(NameError):
        tool.run(["y += 1"], {})


def test_each_figure_gets_a_row_and_the_cells_before_are_run_once(tool, tmp_path, monkeypatch):
    notebook = tmp_path / "toy.ipynb"
    notebook.write_text(
        '{"cells": [{"cell_type": "code", "source": ["made = [1]"]},'
        '{"cell_type": "code", "source": ["seed(0)\\n", "found = made[0] + drawn"]},'
        '{"cell_type": "code", "source": ["print(runs.over_seeds(\'found\'))"]},'
        '{"cell_type": "markdown", "source": ["## End"]},'
        '{"cell_type": "code", "source": ["1/0"]}]}'
    )
    monkeypatch.setattr(tool, "NOTEBOOKS", tmp_path)
    monkeypatch.setitem(
        tool.RUNS, 6, ("toy.ipynb", "## End", ["seed(0)\nfound"], {"f": "found / 4"})
    )
    before = tool.prepared(6)
    assert before["made"] == [1] and "found" not in before
    before["seed"] = lambda seed: before.update(drawn=seed)
    before["drawn"] = 2
    assert tool.figures(6, 2, before) == [
        {"notebook": 6, "seed": 2, "figure": "f", "value": "0.75"}
    ]


def test_ranges_are_over_the_seeds_of_a_figure(tmp_path, monkeypatch):
    rows = "6,0,right,0.5\n6,0,right again,3\n6,1,right,0.25\n6,1,right again,4\n7,0,other,1\n"
    (tmp_path / "seeds.csv").write_text(f"# how\nnotebook,seed,figure,value\n{rows}")
    monkeypatch.setattr(runs, "FOLDER", tmp_path)
    assert runs.over_seeds("right").splitlines() == [
        "right        2 seeds: 0.25 to 0.5",
        "right again  2 seeds: 3 to 4",
    ]
    with pytest.raises(ValueError, match="Here are: right, right again, other"):
        runs.over_seeds("left")


def test_the_recorded_run_is_complete_and_bears_out_what_the_notebooks_claim(tool):
    rows = runs.load("seeds")
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["figure"], []).append(row["value"])
    assert set(found) == {figure for *_, wanted in tool.RUNS.values() for figure in wanted}
    assert {len(values) for values in found.values()} == {len(tool.SEEDS)}
    assert {row["seed"] for row in rows} == set(tool.SEEDS)
    gru, plain = found["first of 40, GRU: right"], found["first of 40, wide plain RNN: right"]
    assert min(gru) >= 0.9 and all(a - b >= 0.2 for a, b in zip(gru, plain, strict=True))
    memory, eyes = (
        found[f"9 to 12 notes, {kind}: errors"] for kind in ("from memory", "attention")
    )
    assert all(b <= 0.5 * a for a, b in zip(memory, eyes, strict=True))
