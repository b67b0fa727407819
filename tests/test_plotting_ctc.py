import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_utils import ctc, plotting
from course_utils.datasets.items import Word

WORDS = [Word("one", 0.1, 0.3), Word("two", 0.5, 0.7)]
NAMES = ["-", "one", "two"]


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_paths_are_lettered_boxes():
    ax = plotting.paths([(1, 1, 0), (0, 1, 2)], ["-", "a", "b"], ["0.2", "0.3"])
    assert texts(ax) == ["a", "a", "-", "-", "a", "b", "0.2", "0.3"]
    fills = [patch.get_facecolor() for patch in ax.patches]
    assert fills[0] == fills[1] == fills[4] and fills[2] == fills[3] != fills[0] != fills[5]


def test_a_trellis_has_its_numbers_and_only_the_ways_that_are_allowed():
    y = torch.tensor([[0.2, 0.7, 0.1], [0.3, 0.5, 0.2], [0.4, 0.1, 0.5], [0.5, 0.1, 0.4]])
    for target, jumps in (([1, 2], 3), ([1, 1], 0)):
        found = ctc.trellis(y.log(), target)
        ax = plotting.trellis(found.alpha.exp(), found.labels, ["-", "a", "b"], "α")
        numbers = [text for text in texts(ax) if text[0].isdigit()]
        assert len(numbers) == 20 and len(ax.patches) == 20
        assert numbers.count("0") == int((found.alpha == -torch.inf).sum())
        assert [label.get_text() for label in ax.get_yticklabels()] == [
            ["-", "a", "b"][k] for k in found.labels
        ]
        heights = [abs(a.xy[1] - a.xyann[1]) for a in ax.texts if hasattr(a, "arrow_patch")]
        assert sum(height > 1.4 for height in heights) == jumps
    assert "0.14" in texts(plotting.trellis(ctc.trellis(y.log(), [1, 2]).alpha.exp(), [0] * 5, "-"))


def test_posteriors_are_named_at_their_peaks():
    y = np.tile([1.0, 0, 0], (20, 1))
    y[4:6] = [0.1, 0.9, 0]
    y[12] = [0.2, 0.1, 0.7]
    y[15] = [0.6, 0, 0.4]
    ax = plotting.posteriors(y, NAMES, 0.05, WORDS, "clip")
    assert texts(ax) == ["one", "two", "one", "two", "two"]  # the words above, then the peaks
    places = [text.get_position() for text in ax.texts if text.get_text()][2:]
    np.testing.assert_allclose(places, [(4.5 * 0.05, 0.92), (12 * 0.05, 0.72), (15 * 0.05, 0.42)])
    assert len(ax.lines) == 3 and ax.lines[0].get_linestyle() == "--"
    assert [patch.get_x() for patch in ax.patches] == [0.1, 0.5]
    assert ax.get_xlim() == (0, pytest.approx(0.95))


def test_evolution_has_a_row_a_moment():
    y = np.tile([1.0, 0, 0], (9, 1))
    ax = plotting.evolution({"step 0": y, "step 9": y}, NAMES, 1.0, WORDS, unit="frame")
    axes = ax.figure.axes
    assert [one.get_title(loc="left") for one in axes] == ["step 0", "step 9"]
    assert [len(one.patches) for one in axes] == [2, 2]
    assert [one.get_xlabel() for one in axes] == ["", "frame"]
    assert all(tick == round(tick) for tick in axes[-1].get_xticks())


def test_spans_lie_below_the_waveform():
    rows = {"alignment": WORDS, "stretched": WORDS[:1]}
    ax = plotting.spans(np.sin(np.arange(800)), 1000, rows, WORDS)
    below = ax.figure.axes[1]
    assert texts(ax) == ["one", "two"] and texts(below) == ["one", "two", "one"]
    assert [label.get_text() for label in below.get_yticklabels()] == list(rows)
    bars = [patch for patch in below.patches if abs(patch.get_height() - 0.62) < 1e-9]
    assert [(bar.get_x(), bar.get_width()) for bar in bars] == [
        (0.1, pytest.approx(0.2)),
        (0.5, pytest.approx(0.2)),
        (0.1, pytest.approx(0.2)),
    ]


def test_a_word_fits_into_its_short_bar():
    sound = np.sin(np.arange(2620))
    ax = plotting.spans(sound, 1000, {"alignment": [Word("eight", 1.78, 1.86)]})
    ax.figure.canvas.draw()
    below = ax.figure.axes[1]
    bar, word = below.patches[0].get_window_extent(), below.texts[0].get_window_extent()
    assert bar.x0 <= word.x0 and word.x1 <= bar.x1
    assert below.texts[0].get_fontsize() > 5


def test_a_plateau_is_drawn_beside_its_level():
    losses = {"plain": np.full(40, 2.0), "normal": np.linspace(3, 1, 40)}
    ax = plotting.plateau(losses, 2.5, {"plain": {0: 0.1, 20: 0.9}, "normal": {0: 0.2, 20: 0.5}})
    assert [line.get_label() for line in ax.lines] == [*losses, "best that hears nothing"]
    assert set(ax.lines[2].get_ydata()) == {2.5}
    assert list(ax.figure.axes[1].lines[0].get_ydata()) == [0.1, 0.9]


def test_suspects_stand_over_the_right_program():
    curves = {"A": ([3, 2], [1, 0.5]), "B": ([1, -1], [0.2, 0.2])}
    ax = plotting.suspects(curves, ([3, 1], [1, 0]))
    axes = ax.figure.axes
    assert len(axes) == 4 and [axes[0].get_ylabel(), axes[2].get_ylabel()] == ["A", "B"]
    assert list(axes[2].lines[0].get_ydata()) == [3, 1]
    assert list(axes[2].lines[1].get_ydata()) == [1, -1]
