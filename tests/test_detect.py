"""Events detected in time from the probabilities of frames."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.metrics import Event, detect


def test_events_are_the_stretches_above_their_threshold():
    p = np.zeros((12, 2))
    p[2:5, 0] = 0.5  # three frames of 0.1 s
    p[6:7, 0] = 0.9  # a gap of one frame, then one more
    p[11, 0] = 0.9  # alone, and too short
    p[0:2, 1] = 0.4
    p[9:12, 1] = 0.6
    assert detect(p, 0.5, ("a", "b"), 0.1, 0.2, 0.2) == [
        Event("a", pytest.approx(0.15), pytest.approx(0.65)),
        Event("b", pytest.approx(0.85), pytest.approx(1.15)),
    ]
    lower = detect(p, [0.5, 0.4], ("a", "b"), 0.1, 0.2, 0.2)
    assert lower[0] == Event("b", 0.0, pytest.approx(0.15))
    assert len(detect(p, 0.5, ("a", "b"), 0.1, 0.0, 0.0)) == 4
    assert detect(p, 0.99, ("a", "b"), 0.1) == []
    with pytest.raises(ValueError, match=r"frames must be \(frames, 3 classes\)"):
        detect(p, 0.5, ("a", "b", "c"), 0.1)


@given(st.integers(0, 999), st.floats(0, 0.4), st.floats(0, 0.4))
def test_detected_events_keep_their_distance_and_length(seed, shortest_s, gap_s):
    p = np.random.default_rng(seed).random((50, 1))
    events = detect(p, 0.6, ("x",), 0.08, shortest_s, gap_s)
    for event in events:
        assert event.end_s - event.start_s >= min(shortest_s, 0.04) - 1e-9
    for before, after in itertools.pairwise(events):
        assert after.start_s - before.end_s >= gap_s - 1e-9
    if shortest_s == 0:
        inside = [any(e.start_s <= 0.08 * t <= e.end_s for e in events) for t in range(50)]
        assert all(inside[t] for t in np.flatnonzero(p[:, 0] >= 0.6))
