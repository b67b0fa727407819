import numpy as np
import pytest

from course_utils.datasets import digits, runs
from course_utils.datasets.connected_digits import ConnectedDigits
from course_utils.metrics import wer
from tests.test_project import load_tool


def test_each_recogniser_is_judged_for_each_speaker():
    strings = list(ConnectedDigits(digits.load("test"), 4, (2, 3), seed=3))
    rows = load_tool("real_voices").rows_of(strings)
    speakers = sorted({u.speaker for u in strings})
    assert [row["speaker"] for row in rows] == 3 * speakers
    assert len({row["name"] for row in rows}) == 3
    assert sum(row["strings"] for row in rows) == 12
    read = load_tool("real_voices").readers()["strings of digits"]
    mine = [u for u in strings if u.speaker == speakers[0]]
    rate = float(rows[2 * len(speakers)]["wer"])
    assert rate == pytest.approx(wer([u.text for u in mine], [read(u) for u in mine]), abs=1e-4)


def test_the_recorded_run_has_all_speakers_and_the_claims_of_notebook_12():
    rows = runs.load("real_voices")
    assert len(rows) == 18 and len({row["speaker"] for row in rows}) == 6
    means = {
        name: np.mean([row["wer"] for row in rows if row["name"] == name])
        for name in ("commands", "commands, ten words", "strings of digits")
    }
    assert means["commands"] > means["commands, ten words"] > 0.3
    assert means["strings of digits"] > 0.1
