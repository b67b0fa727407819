"""The explorers of notebook 15: a ring of processes, and what a training costs."""

import json

import numpy as np
import pytest
import traitlets
from IPython.core.formatters import DisplayFormatter

from course_utils.recipes.budget import Budget
from course_utils.widgets import BudgetExplorer, RingExplorer


@pytest.mark.parametrize("n", range(2, 9))
def test_the_ring_adds_up_everything_once(n):
    """The table of shares against a simulation with the numbers themselves."""
    gradients = np.random.default_rng(n).integers(1, 1000, (n, n))
    held = gradients.copy()
    ring = RingExplorer(processes=n)
    for step in range(2 * (n - 1)):
        pieces, before = ring.sends(step), held.copy()
        assert sorted(pieces) == list(range(n))  # each piece is on one connection
        for rank, piece in enumerate(pieces):
            right = (rank + 1) % n
            held[right, piece] = before[rank, piece]
            if step < n - 1:
                held[right, piece] += before[right, piece]
        ring.step = step + 1
        whole = ring.shares() == n
        assert (held == gradients.sum(axis=0))[whole].all()
        if step == n - 2:
            assert whole.sum() == n  # half way, each has one piece of the sum
    np.testing.assert_array_equal(held, np.tile(gradients.sum(axis=0), (n, 1)))
    assert (ring.shares() == n).all()


def test_what_is_sent_does_not_grow_with_the_ring():
    four = RingExplorer(processes=4, megabytes=400, gigabits=8)
    assert four.sent_megabytes == pytest.approx(600)
    assert four.seconds == pytest.approx(0.6)
    assert four.seconds_by_one == pytest.approx(2.4)
    assert RingExplorer(processes=8, megabytes=400).sent_megabytes < 2 * 400
    assert "0 of 6 steps done: 0 of 16 pieces" in four.describe()
    four.step = 14  # behind the last
    assert "6 of 6 steps done: 16 of 16 pieces" in four.describe()


def test_the_explorer_of_costs_is_the_budget():
    numbers = {"hours": 960.0, "epochs": 15.0, "throughput": 250.0, "price": 3.0}
    for devices, kept in ((1, 0.9), (8, 0.9), (1000, 1.0)):
        one = BudgetExplorer(devices=devices, kept=kept, **numbers)
        other = Budget(devices=devices, kept=kept, **numbers)
        assert one.days == pytest.approx(other.days, rel=1e-12)
        assert one.cost == pytest.approx(other.cost, rel=1e-12)
    text = BudgetExplorer(hours=100, epochs=24, throughput=100, devices=1, price=2).describe()
    assert "1 days, 24 device-hours. At 2 an hour that is 48." in text


@pytest.mark.parametrize(
    ("explorer", "trait", "value", "message"),
    [
        (RingExplorer, "processes", 9, "a number from 2 to 8 processes"),
        (RingExplorer, "step", 1.5, "must be a whole number"),
        (RingExplorer, "gigabits", 0, "from 0.1 to 400 Gbit/s"),
        (BudgetExplorer, "devices", 0, "from 1 to 1024 devices"),
        (BudgetExplorer, "throughput", float("nan"), "times real time"),
        (BudgetExplorer, "price", -1, "from 0 to 1000 an hour"),
    ],
)
def test_values_out_of_range_are_refused(explorer, trait, value, message):
    with pytest.raises(traitlets.TraitError, match=message):
        explorer(**{trait: value})


@pytest.mark.parametrize("explorer", [RingExplorer(step=2), BudgetExplorer(devices=8)])
def test_a_still_picture_stands_where_no_widget_runs(explorer):
    data, _ = DisplayFormatter().format(explorer)
    assert data["text/plain"] == f"{type(explorer).__name__}: {explorer.describe()}"
    assert len(data["image/png"]) > 5000
    assert json.dumps(explorer.get_state(), default=str)
