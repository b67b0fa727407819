"""The boundary playground: a small network learns live to tell vowels apart by two formants."""

from dataclasses import dataclass, fields
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.datasets import vowels
from course_utils.widgets.base import BLUE, INK, RED, Explorer, Quantity, Whole, javascript

# What is to be told apart: the words of class 0 and of class 1.
TASKS = {
    "heed or hod": (("heed",), ("hod",)),
    "head or had": (("head",), ("had",)),
    "opposite corners": (("heed", "hod"), ("had", "who'd")),
    "middle or corner": (("heard", "hud"), ("heed", "had", "hod", "who'd")),
}
ACTIVATIONS = ("linear", "sigmoid", "tanh", "relu")
OPTIMISERS = ("gradient descent", "Adam")
MOST_SPEAKERS, HELD_OUT = 30, 30
SEED = 4  # of the speakers
# The network sees (ln F - CENTRE) / SCALE of F1 and F2: numbers around 0, of size 1.
CENTRE, SCALE = np.log([500.0, 1500.0]), 0.4
LOWEST_HZ, HIGHEST_HZ = (180.0, 650.0), (1500.0, 4000.0)


class Layer(NamedTuple):
    """Weights `(out, in)` and biases `(out,)` of one layer."""

    W: np.ndarray
    b: np.ndarray


class Training(NamedTuple):
    """A network after some steps, and the way there."""

    layers: list[Layer]
    losses: np.ndarray  # float64 (steps + 1, 2): of the training and of the held-out speakers


@cache
def draw_speakers(task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The speakers of a task: training ones say each word twice, held-out ones once.

    Args:
        task: one of `TASKS`.

    Returns:
        F1 and F2 in whole Hz, float64 `(points, 2)`; class 0 or 1, float64 `(points,)`; the number
        of the speaker, `(points,)`, held out from `MOST_SPEAKERS` on.
    """
    first, second = TASKS[task]
    parts = [
        vowels.draw(MOST_SPEAKERS, 2, first + second, SEED),
        vowels.draw(HELD_OUT, 1, first + second, SEED, first=MOST_SPEAKERS),
    ]
    formants = np.concatenate([part.formants_hz[:, :2] for part in parts])
    labels = np.concatenate([part.labels for part in parts]) >= len(first)
    return np.round(formants), labels.astype(float), np.concatenate([p.speakers for p in parts])


def first_weights(seed: int, sizes: list[int], activation: str) -> list[Layer]:
    """Random weights, the same in Python and in the browser; biases are 0.

    The numbers are normal (Box and Muller), of variance 2 / in for ReLU and 1 / in for the others,
    from the congruential generator x = 1664525 x + 1013904223 mod 2^32.
    """
    state = seed * 2654435761 % 2**32

    def uniform() -> float:
        nonlocal state
        state = (1664525 * state + 1013904223) % 2**32
        return (state + 1) / 2**32

    layers = []
    for d_in, d_out in pairwise(sizes):
        scale = np.sqrt((2 if activation == "relu" else 1) / d_in)
        draws = [
            np.sqrt(-2 * np.log(uniform())) * np.cos(2 * np.pi * uniform())
            for _ in range(d_in * d_out)
        ]
        layers.append(Layer(scale * np.reshape(draws, (d_out, d_in)), np.zeros(d_out)))
    return layers


def activate(z: np.ndarray, activation: str) -> np.ndarray:
    """The activation of a layer's sums."""
    if activation == "sigmoid":
        return 1 / (1 + np.exp(-z))
    return {"linear": lambda: z, "tanh": lambda: np.tanh(z), "relu": lambda: np.maximum(z, 0)}[
        activation
    ]()


def slope(h: np.ndarray, activation: str) -> np.ndarray:
    """The derivative of an activation where its value is h."""
    return {
        "linear": np.ones_like,
        "sigmoid": lambda h: h * (1 - h),
        "tanh": lambda h: 1 - h**2,
        "relu": lambda h: (h > 0).astype(float),
    }[activation](h)


def forward(layers: list[Layer], X: np.ndarray, activation: str) -> list[np.ndarray]:
    """What every layer gives for inputs `(points, 2)`; the last one is one score a point."""
    H = [X]
    for index, (W, b) in enumerate(layers):
        z = H[-1] @ W.T + b
        H.append(z if index == len(layers) - 1 else activate(z, activation))
    return H


def loss(scores: np.ndarray, labels: np.ndarray) -> float:
    """Cross-entropy of the sigmoid of scores, mean over points, without overflow."""
    z = scores.ravel()
    return float(np.mean(np.maximum(z, 0) - z * labels + np.log1p(np.exp(-np.abs(z)))))


def gradients(
    layers: list[Layer], X: np.ndarray, labels: np.ndarray, activation: str
) -> list[Layer]:
    """Of the loss, for every weight and bias: backpropagation."""
    H = forward(layers, X, activation)
    delta = (1 / (1 + np.exp(-H[-1])) - labels[:, None]) / len(X)
    found = []
    for (W, _), h in zip(layers[::-1], H[-2::-1], strict=True):
        found.append(Layer(delta.T @ h, delta.sum(axis=0)))
        delta = delta @ W * slope(h, activation)
    return found[::-1]


@dataclass(frozen=True)
class Run:
    """A network of the playground and how long it has learned, without the widget around it.

    Attributes: as the traits of `BoundaryPlayground`.
    """

    task: str = "heed or hod"
    layers: int = 1
    width: int = 4
    activation: str = "tanh"
    optimiser: str = "Adam"
    rate: float = 0.03
    speakers: int = 12
    steps: int = 0
    seed: int = 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers in, neurons of each hidden layer, one score out."""
        return (2, *[self.width] * self.layers, 1)

    @property
    def parameters(self) -> int:
        """How many weights and biases it has."""
        return sum((a + 1) * b for a, b in pairwise(self.sizes))

    def training(self) -> Training:
        """All training points at each step; the browser does the same, number by number."""
        return _train(self)

    def probability(self, f1_hz: ArrayLike, f2_hz: ArrayLike) -> np.ndarray:
        """Probability that the network gives to the second class.

        Args:
            f1_hz: first formant in Hz, any shape.
            f2_hz: second formant in Hz, a shape that goes with it.

        Returns:
            float64, 0 to 1, the common shape.
        """
        F = np.stack(np.broadcast_arrays(f1_hz, f2_hz), axis=-1).astype(float)
        X = (np.log(F.reshape(-1, 2)) - CENTRE) / SCALE
        with np.errstate(all="ignore"):
            scores = forward(self.training().layers, X, self.activation)[-1]
            return (1 / (1 + np.exp(-scores))).reshape(F.shape[:-1])[()]

    def accuracies(self) -> tuple[float, float]:
        """Share of right answers, 0 to 1, of the training and of the held-out speakers."""
        formants, labels, numbers = draw_speakers(self.task)
        right = (self.probability(*formants.T) > 0.5) == (labels == 1)
        used, held = numbers < self.speakers, numbers >= MOST_SPEAKERS
        return float(right[used].mean()), float(right[held].mean())


@lru_cache(maxsize=8)
def _train(run: Run) -> Training:
    formants, labels, numbers = draw_speakers(run.task)
    X = (np.log(formants) - CENTRE) / SCALE
    used, held = numbers < run.speakers, numbers >= MOST_SPEAKERS
    layers = first_weights(run.seed, list(run.sizes), run.activation)
    m = [np.zeros_like(a) for layer in layers for a in layer]
    v = [np.zeros_like(a) for layer in layers for a in layer]
    losses = []
    with np.errstate(all="ignore"):  # too large a rate overflows, and is shown to
        for step in range(run.steps + 1):
            scores = forward(layers, X, run.activation)[-1]
            losses.append([loss(scores[part], labels[part]) for part in (used, held)])
            if step == run.steps:
                break
            by_layer = gradients(layers, X[used], labels[used], run.activation)
            flat = [g for layer in by_layer for g in layer]
            if run.optimiser == "Adam":
                m = [0.9 * a + 0.1 * g for a, g in zip(m, flat, strict=True)]
                v = [0.999 * a + 0.001 * g * g for a, g in zip(v, flat, strict=True)]
                c, d = 1 - 0.9 ** (step + 1), 1 - 0.999 ** (step + 1)
                flat = [a / c / (np.sqrt(b / d) + 1e-8) for a, b in zip(m, v, strict=True)]
            layers = [
                Layer(W - run.rate * dW, b - run.rate * db)
                for (W, b), dW, db in zip(layers, flat[::2], flat[1::2], strict=True)
            ]
    return Training(layers, np.array(losses))


class BoundaryPlayground(Explorer):
    """A network with two inputs, F1 and F2 of a vowel, learns in the browser while you watch.

    Everything on the screen follows from the traits: change one, and the network begins anew from
    the same random weights and learns for as many steps as before. It trains on the first
    `speakers` speakers; the loss of 30 others, whom it never learns from, is drawn beside its own.

    Traits:
        task: "heed or hod", "head or had", "opposite corners" or "middle or corner".
        layers: hidden layers, 0 to 3.
        width: neurons of each hidden layer, 1 to 32.
        activation: of the hidden layers: "linear", "sigmoid", "tanh" or "relu".
        optimiser: "gradient descent" or "Adam".
        rate: learning rate, 0.001 to 30.
        speakers: how many it learns from, 3 to 30.
        steps: how many steps it has learned, 0 to 20000.
        seed: of the first weights, 0 to 99.
        f1_hz, f2_hz: the vowel that is pointed at.
        neurons: whether the line of each neuron in the first layer is drawn.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("network.js", "playground.js")

    task = traitlets.Enum(list(TASKS), "heed or hod").tag(sync=True)
    layers = Whole(1, 0, 3, "layers")
    width = Whole(4, 1, 32, "neurons")
    activation = traitlets.Enum(ACTIVATIONS, "tanh").tag(sync=True)
    optimiser = traitlets.Enum(OPTIMISERS, "Adam").tag(sync=True)
    rate = Quantity(0.03, 0.001, 30)
    speakers = Whole(12, 3, MOST_SPEAKERS, "speakers")
    steps = Whole(0, 0, 20_000, "steps")
    seed = Whole(1, 0, 99)
    f1_hz = Quantity(500, LOWEST_HZ[0], HIGHEST_HZ[0], "Hz")
    f2_hz = Quantity(1500, LOWEST_HZ[1], HIGHEST_HZ[1], "Hz")
    neurons = traitlets.Bool(False).tag(sync=True)
    # F1, F2, class, speaker of each point, one row after the other; words; what the numbers mean.
    _points = traitlets.Dict().tag(sync=True)
    _fixed = traitlets.Dict().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        """Set traits by name."""
        points = {}
        for task in TASKS:
            formants, labels, numbers = draw_speakers(task)
            rows = np.column_stack([formants, labels, numbers]).astype(int)
            points[task] = [" or ".join(words) for words in TASKS[task]] + rows.ravel().tolist()
        fixed = {"centre": CENTRE.tolist(), "scale": SCALE, "most": MOST_SPEAKERS}
        super().__init__(_points=points, _fixed=fixed, **traits)

    @property
    def run(self) -> Run:
        """The network as the traits say; it learns in Python when it is asked something."""
        return Run(**{field.name: getattr(self, field.name) for field in fields(Run)})

    def describe(self) -> str:
        """The state in two sentences, with its numbers."""
        hidden = f"{self.layers} hidden layers of {self.width} neurons ({self.activation})"
        hidden = hidden.replace("1 hidden layers", "1 hidden layer").replace(
            "1 neurons", "1 neuron"
        )
        network = hidden if self.layers else "no hidden layer"
        used, held = self.run.training().losses[-1]
        mine, theirs = (100 * share for share in self.run.accuracies())
        return (
            f'"{self.task}", {network}, {self.run.parameters} parameters, learned from '
            f"{self.speakers} speakers in {self.steps} steps of {self.optimiser} at rate "
            f"{self.rate:g}. "
            f"Loss {used:.2f}, {mine:.0f} % right; on held-out speakers {held:.2f}, "
            f"{theirs:.0f} % right."
        )

    def draw(self, figure: Figure) -> None:
        """The plane of F1 and F2 with the boundary, and the losses over the steps."""
        plane, curves = figure.subplots(1, 2, width_ratios=[1.25, 1])
        F1, F2 = (
            np.geomspace(low, high, 60) for low, high in zip(LOWEST_HZ, HIGHEST_HZ, strict=True)
        )
        p = np.nan_to_num(self.run.probability(F1, F2[:, None]), nan=0.5)
        plane.contourf(F1, F2, p, [0, 0.5, 1], colors=[BLUE, RED], alpha=0.15)
        plane.contour(F1, F2, p, [0.1, 0.9], colors=INK, linewidths=0.8, linestyles="--")
        plane.contour(F1, F2, p, [0.5], colors=INK, linewidths=2)
        formants, labels, numbers = draw_speakers(self.task)
        for label, (words, color, marker) in enumerate(
            zip(TASKS[self.task], (BLUE, RED), "os", strict=True)
        ):
            used = (labels == label) & (numbers < self.speakers)
            held = (labels == label) & (numbers >= MOST_SPEAKERS)
            plane.plot(*formants[used].T, marker, color=color, ms=4, label=" or ".join(words))
            plane.plot(*formants[held].T, marker, mfc="none", color=color, ms=3, mew=0.6)
        plane.set(xscale="log", yscale="log", xlabel="F1 in Hz", ylabel="F2 in Hz")
        plane.set(xlim=(LOWEST_HZ[0], HIGHEST_HZ[0]), ylim=(LOWEST_HZ[1], HIGHEST_HZ[1]))
        for axis, ticks in ((plane.xaxis, (200, 500, 1000)), (plane.yaxis, (1000, 2000, 3000))):
            axis.set_ticks(ticks, [str(tick) for tick in ticks])
            axis.set_ticks([], minor=True)
        plane.legend(fontsize=7, loc="upper right")
        plane.set_title("filled: learned from; hollow: held out", fontsize=9)
        losses = self.run.training().losses
        curves.plot(losses[:, 0], color=BLUE, label="training speakers")
        curves.plot(losses[:, 1], "--", color=RED, label="held-out speakers")
        finite = losses[np.isfinite(losses)]
        curves.set(xlabel="step", ylim=(0, max(1.0, min(5.0, finite.max(initial=1)))))
        curves.set_title("loss", fontsize=9)
        curves.legend(fontsize=7)
