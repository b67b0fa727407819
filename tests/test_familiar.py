import numpy as np
import pytest

from course_utils import signals
from course_utils.datasets import commands, digits, familiar, fsdd
from course_utils.datasets.connected_digits import ConnectedDigits


def test_their_voices_are_in_no_training_set():
    clips = familiar.clips()
    trained = {row["speaker"] for c in (digits, commands) for row in c.load("train").table}
    assert [clip.speaker in trained for clip in clips.values()] == [False] * len(clips)
    assert {clip.sample_rate for clip in clips.values()} == {8000}
    assert list(clips)[:3] == ["command", "digits", "noisy"]
    assert clips["digits"].text.split() == [word.text for word in clips["digits"].words]


def test_the_noise_is_as_loud_as_said():
    noisy = familiar.clips()["noisy"]
    clean = ConnectedDigits(digits.load("test"), 8, digits=(4, 5), seed=7)[7]
    assert noisy.text == clean.text and noisy.waveform.dtype == np.float32
    assert signals.snr_db(clean.waveform, noisy.waveform) == pytest.approx(5.0, abs=0.01)


def test_the_real_clip_is_there_with_fsdd_only(monkeypatch, tmp_path):
    if fsdd.available():
        assert familiar.clips()["real"].speaker == familiar.REAL_SPEAKER
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(fsdd, "available", lambda: False)
    assert "real" not in familiar.clips()
