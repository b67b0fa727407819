"""The recorded run of shards: its corpus, and what its figures have to say."""

import csv

import numpy as np
import pytest

from course_utils.datasets import shards
from docs.tools import shards as tool


def recorded():
    with tool.OUTPUT.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def test_a_corpus_of_tones_is_the_same_each_time(tmp_path):
    tones = tool.Tones(5)
    assert len(tones) == len(tones.table) == 5
    np.testing.assert_array_equal(tones[3].waveform, tool.Tones(9)[3].waveform)
    data = tool.opened(shards.write(tones, tmp_path / "tones"))
    assert all(data[i][0].shape[1] == tool.SOUND.n_mels for i in range(5)) and not data.lost
    assert 0 < tool.peak_mb() < 1e5


def test_the_recorded_memory_is_flat_from_shards_and_grows_without():
    rows = {(row["how"], int(row["utterances"])): row for row in recorded()}
    peak = {key: float(row["peak_mb"]) for key, row in rows.items()}
    small, large = sorted({count for _, count in rows if count})
    assert large == 100 * small
    assert peak["shards", large] - peak["shards", small] < 20
    features_mb = float(rows["memory", large]["features_mb"])
    assert peak["memory", large] - peak["memory", small] == pytest.approx(features_mb, rel=0.3)
    assert peak["nothing", 0] <= peak["shards", small]
