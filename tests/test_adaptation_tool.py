import numpy as np

from course_utils.datasets import digits, runs
from course_utils.datasets.connected_digits import ConnectedDigits
from course_utils.recipes import pretrained
from course_utils.recipes.adaptation import Schedule
from tests.test_project import load_tool


def test_each_training_gets_a_row_with_its_paired_interval():
    tool = load_tool("adaptation")
    speaker = digits.load("test").speakers[0]
    strings = list(ConnectedDigits(digits.load("test").filter(speaker=speaker), 8, (2, 3), seed=3))
    plans = [("before", 0, None), ("mixed", 3, Schedule(steps=2, look=1, batch_size=2))]
    before, after = tool.rows_of(speaker, strings[:4], strings[4:], strings[:2], strings[:4], plans)
    assert before["training"] == "before" and "less" not in before and after["strings"] == 3
    assert float(after["less"]) == float(before["wer"]) - float(after["wer"])
    assert float(after["low"]) <= float(after["less"]) <= float(after["high"])
    shipped = pretrained.load("deepspeech2-digits-streaming")
    wrong = tool.errors_of(shipped, strings[4:])
    assert float(before["wer"]) == round(wrong.sum() / before["words"], 4)


def test_the_recorded_run_has_all_speakers_and_the_claims_of_notebook_14():
    rows = runs.load("adaptation")
    names = [name for name, *_ in load_tool("adaptation").trainings()]
    assert len(rows) == 6 * len(names) and len({row["speaker"] for row in rows}) == 6

    def mean(key, training, strings):
        which = (training, strings)
        found = [row[key] for row in rows if (row["training"], row["strings"]) == which]
        assert len(found) == 6
        return np.mean(found)

    assert mean("wer", "mixed", 20) < 0.7 * mean("wer", "before", 0)
    assert mean("old_wer", "mixed", 20) < mean("old_wer", "alone", 20)
