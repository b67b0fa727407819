"""The recorded run's own parts: what each training differs in, and that it can be made again."""

from course_utils.recipes.recognition import changed
from docs.tools import diagnosis as tool


def test_the_runs_differ_and_the_last_is_the_recipe_without_augmentation():
    recipes = list(tool.RUNS.values())
    assert len(set(recipes)) == len(recipes)
    assert tool.RUNS["D"] == changed(tool.DIGITS, test=1, epochs=tool.EPOCHS, augment=False)


def test_a_tiny_run_from_end_to_end(tmp_path, monkeypatch):
    tiny = changed(tool.RUNS["D"], train=8, dev=2, epochs=2, hidden_size=4, num_layers=1)
    rows = tool.curves("D", tiny)
    assert [(row["run"], row["epoch"]) for row in rows] == [("D", 1), ("D", 2)]
    assert all(row["loss"] > 0 and row["wrote"] >= 0 for row in rows)
    monkeypatch.setattr(tool, "FILE", tmp_path / "diagnosis.csv")
    tool.write(rows)
    lines = tool.FILE.read_text(encoding="utf-8").splitlines()
    assert "# command: python docs/tools/diagnosis.py" in lines
    assert lines[-2].startswith("D,1,")
