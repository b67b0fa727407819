"""Pictures of several processes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_a_step_names_each_process_and_what_is_exchanged(processes):
    ax = plotting.one_step(processes)
    texts = [text.get_text() for text in ax.texts]
    assert sum(text.startswith("process") for text in texts) == processes
    assert texts.count("backward") == processes and texts.count("forward") == 2 * processes
    assert texts.count("sum of all\ngradients") == 1
    plt.close(ax.figure)


def test_bars_and_waiting_reach_the_slowest():
    frames = np.array([[10, 30], [40, 20], [5, 5]])
    ax = plotting.frames_of_steps(frames, "title")
    tops = {}
    for bar in ax.patches:
        x = round(bar.get_x(), 6)
        tops[x] = max(tops.get(x, 0), bar.get_y() + bar.get_height())
    assert sorted(tops.values()) == [5, 5, 30, 30, 40, 40]
    assert ax.get_title(loc="left") == "title"
    plt.close(ax.figure)
