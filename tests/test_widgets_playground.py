"""The boundary playground in Python: its arithmetic is torch's, a learner finds things."""

import io

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

from course_utils import widgets
from course_utils.widgets import playground

FINDINGS = {
    "a line is enough": ({"task": "heed or hod", "layers": 0, "speakers": 30}, 0.95, 1.0),
    "a line is not enough": ({"task": "opposite corners", "layers": 0, "speakers": 30}, 0.3, 0.75),
    "linear layers stay a line": (
        {"task": "opposite corners", "activation": "linear", "layers": 3, "speakers": 30},
        0.3,
        0.75,
    ),
    "tanh bends it": (
        {"task": "opposite corners", "layers": 1, "width": 8, "speakers": 30},
        0.88,
        1.0,
    ),
}
OVERFIT = {"task": "head or had", "layers": 3, "width": 32, "activation": "relu", "speakers": 3}


def explorer(**traits: object) -> widgets.BoundaryPlayground:
    return widgets.BoundaryPlayground(**traits)


def torch_network(layers: list[playground.Layer], activation: str) -> torch.nn.Sequential:
    functions = {"linear": None, "sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU"}
    stack = []
    for W, b in layers:
        linear = torch.nn.Linear(*W.shape[::-1]).double()
        linear.load_state_dict({"weight": torch.tensor(W), "bias": torch.tensor(b)})
        stack.append(linear)
        if functions[activation]:
            stack.append(getattr(torch.nn, functions[activation])())
    return torch.nn.Sequential(*(stack[:-1] if functions[activation] else stack))


@pytest.mark.parametrize("optimiser", playground.OPTIMISERS)
@pytest.mark.parametrize("activation", playground.ACTIVATIONS)
@pytest.mark.parametrize(("layers", "width"), [(0, 3), (1, 5), (3, 4)])
def test_it_learns_as_torch_does(activation, optimiser, layers, width):
    one = explorer(
        task="middle or corner",
        layers=layers,
        width=width,
        activation=activation,
        optimiser=optimiser,
        rate=0.05,
        steps=30,
    )
    first = playground.first_weights(one.seed, list(one.run.sizes), activation)
    network = torch_network(first, activation)
    kind = torch.optim.Adam if optimiser == "Adam" else torch.optim.SGD
    steps = kind(network.parameters(), lr=one.rate)
    formants, labels, numbers = playground.draw_speakers(one.task)
    X = torch.tensor((np.log(formants) - playground.CENTRE) / playground.SCALE)
    y, used = torch.tensor(labels), torch.tensor(numbers < one.speakers)
    for step in range(31):
        scores = network(X).squeeze(1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(scores[used], y[used])
        held = torch.nn.functional.binary_cross_entropy_with_logits(
            scores[numbers >= playground.MOST_SPEAKERS], y[numbers >= playground.MOST_SPEAKERS]
        )
        found = one.run.training().losses[step]
        np.testing.assert_allclose(found, [loss.item(), held.item()], rtol=1e-9)
        steps.zero_grad()
        loss.backward()
        steps.step()
    assert one.run.training().losses[-1, 0] < one.run.training().losses[0, 0]


@pytest.mark.parametrize("name", FINDINGS)
def test_what_a_learner_can_find(name):
    traits, low, high = FINDINGS[name]
    for seed in range(3):
        _, held = playground.Run(steps=400, seed=seed, **traits).accuracies()
        assert low <= held <= high


def test_too_large_a_rate_does_not_learn():
    plain = {"layers": 2, "width": 16, "activation": "relu", "optimiser": "gradient descent"}
    slow = explorer(task="head or had", rate=0.1, speakers=30, steps=100, **plain)
    fast = explorer(task="head or had", rate=10, speakers=30, steps=100, **plain)
    assert slow.run.training().losses[-1, 0] < 0.6 < fast.run.training().losses[-1, 0]
    linear = explorer(layers=3, width=16, activation="linear", optimiser="gradient descent")
    linear.set_trait("task", "opposite corners")
    linear.rate, linear.steps = 3, 100
    assert not np.isfinite(linear.run.training().losses[-1]).any()
    assert "Loss nan" in linear.describe()
    assert len(linear.still_png()) > 3000


def test_few_speakers_are_learned_by_heart_and_many_are_not():
    few = playground.Run(steps=400, **OVERFIT).training().losses[-1]
    many = (
        playground.Run(steps=400, **{**OVERFIT, "speakers": 30, "width": 4}).training().losses[-1]
    )
    assert few[0] < 0.01
    assert few[1] > 1
    assert many[1] < 0.8


def test_no_speaker_is_on_both_sides():
    for task, (first, second) in playground.TASKS.items():
        formants, labels, numbers = playground.draw_speakers(task)
        assert set(labels) == {0.0, 1.0}
        assert set(numbers) == set(range(60))
        words = len(first + second)
        assert len(formants) == words * (2 * 30 + 30)
        assert (formants >= playground.LOWEST_HZ).mean() > 0.99
        assert (formants <= playground.HIGHEST_HZ).mean() > 0.99


def test_the_first_weights_have_the_promised_spread():
    W = playground.first_weights(3, [2, 32, 32, 1], "relu")[1].W
    assert W.std() == pytest.approx((2 / 32) ** 0.5, rel=0.1)
    assert abs(W.mean()) < 0.03
    assert playground.first_weights(3, [2, 32, 1], "tanh")[1].W.std() == pytest.approx(
        (1 / 32) ** 0.5, rel=0.3
    )


def test_it_says_and_draws_its_state():
    one = explorer(steps=50)
    assert 'BoundaryPlayground: "heed or hod", 1 hidden layer of 4 neurons (tanh), 17' in repr(one)
    assert "50 steps of Adam at rate 0.03" in one.describe()
    two = explorer(steps=50, layers=0)
    assert "no hidden layer, 3 parameters" in two.describe()
    with Image.open(io.BytesIO(one.still_png())) as picture:
        assert picture.size == (700, 330)
    assert one.still_png() != two.still_png()
    assert 0 <= one.run.probability(300, 2500) < 0.5 < one.run.probability(800, 1200) <= 1
    assert one.run.probability([300, 800], [2500, 1200]).shape == (2,)


@pytest.mark.parametrize(
    ("trait", "value", "problem"),
    [
        ("layers", 4, "layers must be a number from 0 to 3 layers, got 4"),
        ("width", 2.5, "width must be a whole number, got 2.5"),
        ("rate", 0, "rate must be a number from 0.001 to 30"),
        ("activation", "gelu", "activation"),
        ("speakers", 2, "speakers must be a number from 3 to 30 speakers"),
    ],
)
def test_a_value_out_of_range_is_an_error(trait, value, problem):
    with pytest.raises(traitlets.TraitError, match=problem):
        explorer(**{trait: value})


def test_the_browser_has_the_same_tasks_and_fits_in_a_notebook():
    one = explorer()
    assert list(one._points) == list(playground.TASKS)
    first, second, *rows = one._points["opposite corners"]
    assert (first, second) == ("heed or hod", "had or who'd")
    formants, labels, numbers = playground.draw_speakers("opposite corners")
    table = np.reshape(rows, (-1, 4))
    np.testing.assert_array_equal(table[:, :2], formants)
    np.testing.assert_array_equal(table[:, 2], labels)
    np.testing.assert_array_equal(table[:, 3], numbers)
    for name in (*playground.ACTIVATIONS, *playground.OPTIMISERS):
        assert name in one._esm
