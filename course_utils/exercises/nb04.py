"""Exercises and quiz of notebook 04, Fully connected networks."""

import itertools
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from course_utils.datasets import vowels
from course_utils.exercises.framework import Case, Notebook, WrongAnswer
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(4, "Fully connected networks")


def _log_sum_exp(z: np.ndarray) -> float:
    return float(z.max() + np.log(np.exp(z - z.max()).sum()))


@notebook.function(
    cases=[
        (np.array([0.0, 0.0]), 0),
        (np.array([2.0, 0.0, -1.0]), 0),
        (np.array([2.0, 0.0, -1.0]), 2),
        (np.array([1.0, 3.0, 2.0, 0.5]), 1),
        (np.array([1000.0, 990.0]), 1),
        (np.array([-1000.0, -1001.0, -1005.0]), 0),
        (np.array([0.0, 800.0]), 0),
    ],
    mistakes=[
        (
            "The exponential of a large score overflows, and that of a very low one is 0. Subtract "
            "the largest score from all of them first: softmax does not change.",
            lambda z, k: float(-np.log(np.exp(z[k]) / np.exp(z).sum())),
        ),
        (
            "The exponential of a large score overflows. Subtract the largest score first.",
            lambda z, k: float(np.log(np.exp(z).sum()) - z[k]),
        ),
        (
            "With the largest score subtracted nothing overflows any more, but the probability of "
            "a class that is far behind is rounded to 0, and its logarithm is infinite. Take the "
            "logarithm by hand: log of exp(z) is z.",
            lambda z, k: float(-np.log(np.exp(z - z.max())[k] / np.exp(z - z.max()).sum())),
        ),
        (
            "A small number inside the logarithm hides the infinity, and gives a wrong loss: log "
            "of exp(z) is z, without any rounding to 0.",
            lambda z, k: float(-np.log(np.exp(z - z.max())[k] / np.exp(z - z.max()).sum() + 1e-12)),
        ),
        (
            "The sign: the logarithm of a probability is negative, the loss is not.",
            lambda z, k: float(z[k]) - _log_sum_exp(z),
        ),
        (
            "That is the probability of the class; the loss is minus its logarithm.",
            lambda z, k: math.exp(float(z[k]) - _log_sum_exp(z)),
        ),
        (
            "That is 1 minus the probability; the loss is minus its logarithm.",
            lambda z, k: 1 - math.exp(float(z[k]) - _log_sum_exp(z)),
        ),
        (
            "np.log2 counts in bits; the loss is in natural logarithms, np.log.",
            lambda z, k: (_log_sum_exp(z) - float(z[k])) / math.log(2),
        ),
        (
            "The largest score was subtracted inside the exponentials only: subtract it from the "
            "score of the class as well.",
            lambda z, k: float(np.log(np.exp(z - z.max()).sum()) - z[k]),
        ),
        (
            "That is the loss of the class with the largest score, whatever the label says.",
            lambda z, k: _log_sum_exp(z) - float(z.max()),
        ),
        (
            "That is the mean over all classes; only the label's class counts.",
            lambda z, k: _log_sum_exp(z) - float(z.mean()),
        ),
    ],
    hints=[
        "The loss is -log p of the label, and p = exp(z_label) / sum of exp(z). Write the "
        "logarithm of that fraction as a difference before you compute anything.",
        "-log p = log(sum of exp(z)) - z_label. Subtract the largest score from all scores first: "
        "the difference does not change, and no exponential is larger than 1.",
        "z = scores - scores.max(); return np.log(np.exp(z).sum()) - z[label]",
    ],
)
def cross_entropy(scores: np.ndarray, label: int) -> float:
    """A loss that does not overflow."""
    return _log_sum_exp(scores) - float(scores[label])


def _arrays(seed: int, n: int, d_in: int, d_out: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d_in)), rng.normal(size=(d_out, d_in)), rng.normal(size=(n, d_out))


@notebook.function(
    cases=[
        (np.array([[2.0]]), np.array([[3.0]]), np.array([[1.0]])),
        (np.array([[1.0, 2.0]]), np.array([[1.0, 3.0], [0.0, -1.0]]), np.array([[1.0, -1.0]])),
        (
            np.array([[1.0, 2.0]]),
            np.array([[1.0, 0.0], [0.0, -1.0], [2.0, 2.0]]),
            np.array([[1.0, 0.0, -1.0]]),
        ),
        Case(_arrays(0, 4, 3, 2), "4 items, 3 numbers in, 2 neurons"),
        Case(_arrays(1, 5, 2, 6), "5 items, 2 numbers in, 6 neurons"),
        Case(_arrays(2, 3, 3, 3), "3 items, 3 numbers in, 3 neurons"),
    ],
    mistakes=[
        (
            "The order is dX, dW, db.",
            lambda X, W, G: (G.T @ X, G.sum(axis=0), G @ W),
        ),
        (
            "The order is dX, dW, db.",
            lambda X, W, G: (G.T @ X, G @ W, G.sum(axis=0)),
        ),
        (
            "dW is transposed: it must have the shape of W, (neurons, numbers in).",
            lambda X, W, G: (G @ W, X.T @ G, G.sum(axis=0)),
        ),
        (
            "In dX, W is not transposed: Z = X Wᵀ + b went forwards with Wᵀ, G goes back with W.",
            lambda X, W, G: (G @ W.T, G.T @ X, G.sum(axis=0)),
        ),
        (
            "The bias is added to every item, so its gradient is the sum over the items, not the "
            "mean. (A mean, if there is one, is in the loss, and so already in G.)",
            lambda X, W, G: (G @ W, G.T @ X, G.mean(axis=0)),
        ),
        (
            "Nothing is divided by the number of items here: a mean, if there is one, is in the "
            "loss, and so already in G.",
            lambda X, W, G: (G @ W, G.T @ X / len(X), G.mean(axis=0)),
        ),
        (
            "Nothing is divided by the number of items here: a mean, if there is one, is in the "
            "loss, and so already in G.",
            lambda X, W, G: (G @ W, G.T @ X / len(X), G.sum(axis=0)),
        ),
        (
            "db has one number for each neuron: sum over the items, axis=0.",
            lambda X, W, G: (G @ W, G.T @ X, G),
        ),
        (
            "db has one number for each neuron: sum over the items, axis=0, not over everything.",
            lambda X, W, G: (G @ W, G.T @ X, G.sum()),
        ),
        (
            "db has one number for each neuron: sum over the items, axis=0, not over the neurons.",
            lambda X, W, G: (G @ W, G.T @ X, G.sum(axis=1)),
        ),
        (
            "The bias has a gradient too: z = w·x + b grows by 1 when b does.",
            lambda X, W, G: (G @ W, G.T @ X, np.zeros(G.shape[1])),
        ),
        (
            "The bias is added once an item, with weight 1: its gradient is the sum of G, "
            "whatever X is.",
            lambda X, W, G: (G @ W, G.T @ X, np.ones(G.shape[1])),
        ),
        (
            "dX has the shape of X: each of its numbers went into every neuron, so the blame "
            "comes back through W.",
            lambda X, W, G: (W, G.T @ X, G.sum(axis=0)),
        ),
    ],
    hints=[
        "Shapes do half of the work: dX is like X (items, in), dW like W (out, in), db like b "
        "(out,). G is (items, out). Which products of G with X and with W have these shapes?",
        "Z[n, j] = sum over i of W[j, i] X[n, i] + b[j]. So W[j, i] matters to G[:, j] through "
        "X[:, i]: sum their products over the items. b[j] matters with factor 1.",
        "return G @ W, G.T @ X, G.sum(axis=0)",
    ],
)
def layer_backward(
    X: np.ndarray, W: np.ndarray, G: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Back through one layer."""
    return G @ W, G.T @ X, G.sum(axis=0)


def _step(
    w: np.ndarray, g: np.ndarray, v: np.ndarray, rate: float, mu: float, decay: float
) -> tuple[np.ndarray, np.ndarray]:
    v = mu * v + g + decay * w
    return w - rate * v, v


@notebook.function(
    cases=[
        (np.array([1.0]), np.array([0.5]), np.array([0.0]), 0.1, 0.9, 0.0),
        (np.array([1.0]), np.array([0.5]), np.array([2.0]), 0.1, 0.9, 0.0),
        (np.array([1.0]), np.array([0.0]), np.array([0.0]), 0.1, 0.9, 0.5),
        (np.array([2.0, -1.0]), np.array([0.3, -0.2]), np.array([1.0, 0.5]), 0.05, 0.8, 0.1),
        Case(
            (
                np.arange(6.0).reshape(2, 3) - 2,
                np.ones((2, 3)) / 3,
                -np.ones((2, 3)),
                0.01,
                0.9,
                0.01,
            ),
            "2 × 3 weights",
        ),
    ],
    mistakes=[
        (
            "The order is w, v: the new weights first.",
            lambda w, g, v, rate, mu, decay: _step(w, g, v, rate, mu, decay)[::-1],
        ),
        (
            "The sign: downhill is against the gradient, w - rate · v.",
            lambda w, g, v, rate, mu, decay: (
                w + rate * _step(w, g, v, rate, mu, decay)[1],
                _step(w, g, v, rate, mu, decay)[1],
            ),
        ),
        (
            "The weight decay is missing: it adds decay · w to the gradient.",
            lambda w, g, v, rate, mu, decay: _step(w, g, v, rate, mu, 0.0),
        ),
        (
            "The sign of the decay: it pulls weights towards 0, so it is added to the gradient.",
            lambda w, g, v, rate, mu, decay: _step(w, g, v, rate, mu, -decay),
        ),
        (
            "Decay is proportional to the weight: decay · w, not decay alone.",
            lambda w, g, v, rate, mu, decay: _step(w, g + decay, v, rate, mu, 0.0),
        ),
        (
            "Here the decay belongs to the gradient, and so into the velocity; you subtracted it "
            "from the weights beside it. (Kept apart from the gradient, it is what AdamW does.)",
            lambda w, g, v, rate, mu, decay: (w - rate * (mu * v + g + decay * w), mu * v + g),
        ),
        (
            "The step is taken with the new velocity, not with the gradient alone.",
            lambda w, g, v, rate, mu, decay: (
                w - rate * (g + decay * w),
                _step(w, g, v, rate, mu, decay)[1],
            ),
        ),
        (
            "The step is taken with the new velocity; you took the old one.",
            lambda w, g, v, rate, mu, decay: (w - rate * v, _step(w, g, v, rate, mu, decay)[1]),
        ),
        (
            "The old velocity is forgotten: v = mu · v + gradient.",
            lambda w, g, v, rate, mu, decay: _step(w, g, np.zeros_like(v), rate, mu, decay),
        ),
        (
            "The old velocity counts mu times: friction is missing.",
            lambda w, g, v, rate, mu, decay: _step(w, g, v, rate, 1.0, decay),
        ),
        (
            "The gradient is not multiplied by 1 - mu here: v = mu · v + gradient.",
            lambda w, g, v, rate, mu, decay: _step(
                w, (1 - mu) * (g + decay * w) - decay * w, v, rate, mu, decay
            ),
        ),
        (
            "The rate counts twice: it multiplies the velocity once, in the step of the weights.",
            lambda w, g, v, rate, mu, decay: (
                w - rate * (mu * v + rate * (g + decay * w)),
                mu * v + rate * (g + decay * w),
            ),
        ),
    ],
    hints=[
        "Three lines: the gradient with the decay in it, the velocity from it, the step with the "
        "velocity.",
        "The loss ½ · decay · w² has the slope decay · w: add it to the gradient. Then "
        "v = mu · v + gradient, and w = w - rate · v.",
        "v = mu * v + gradient + decay * w; return w - rate * v, v",
    ],
)
def momentum_step(
    w: np.ndarray, gradient: np.ndarray, v: np.ndarray, rate: float, mu: float, decay: float
) -> tuple[np.ndarray, np.ndarray]:
    """One step with momentum and weight decay."""
    return _step(w, gradient, v, rate, mu, decay)


@notebook.function(
    cases=[
        ([1, 1],),
        ([2, 3],),
        ([2, 3, 1],),
        ([40, 128, 10],),
        ([40, 128, 128, 10],),
        ([784, 300, 100, 10],),
    ],
    mistakes=[
        (
            "The biases are missing: one for each neuron.",
            lambda sizes: sum(a * b for a, b in itertools.pairwise(sizes)),
        ),
        (
            "Each neuron has a bias of its own, not each layer one.",
            lambda sizes: sum(a * b + 1 for a, b in itertools.pairwise(sizes)),
        ),
        (
            "The biases belong to the neurons a layer has, not to the numbers that come in.",
            lambda sizes: sum(a * b + a for a, b in itertools.pairwise(sizes)),
        ),
        (
            "The numbers that come in are no neurons: they have no bias.",
            lambda sizes: sum(a * b for a, b in itertools.pairwise(sizes)) + sum(sizes),
        ),
        (
            "Those are the neurons; count the weights between two layers as well.",
            lambda sizes: sum(sizes[1:]),
        ),
        (
            "Those are the numbers and neurons; count the weights between two layers.",
            sum,
        ),
        (
            "Only neighbouring layers are connected: pairs, not the product of all sizes.",
            math.prod,
        ),
    ],
    hints=[
        "Draw [2, 3, 1]: how many lines go into one neuron of the middle layer? And its bias?",
        "A layer with a numbers in and b neurons has a · b weights and b biases: (a + 1) · b.",
        "return sum((a + 1) * b for a, b in zip(sizes[:-1], sizes[1:]))",
    ],
)
def count_parameters(sizes: Sequence[int]) -> int:
    """How many numbers does it learn?"""
    return sum((a + 1) * b for a, b in itertools.pairwise(sizes))


def _recognise(
    X: np.ndarray,
    labels: np.ndarray,
    X_new: np.ndarray,
    steps: int,
    rate: float,
    peeks: bool = False,
    across: bool = False,
    keeps: bool = False,
    pooled: bool = False,
) -> np.ndarray:
    """One layer with softmax, trained; with some of the bugs of the hunt."""
    seen = np.vstack([X, X_new]) if pooled else X
    centre, scale = seen.mean(axis=0), seen.std(axis=0)
    X = (X - centre) / scale
    X_new = (X_new - X_new.mean(axis=0)) / X_new.std(axis=0) if peeks else (X_new - centre) / scale

    def softmax(z: np.ndarray) -> np.ndarray:
        e = np.exp(z - z.max(axis=0 if across else 1, keepdims=True))
        return e / e.sum(axis=0 if across else 1, keepdims=True)

    W, b = np.zeros((labels.max() + 1, X.shape[1])), np.zeros(labels.max() + 1)
    dW, db = np.zeros_like(W), np.zeros_like(b)
    for _ in range(steps):
        if not keeps:
            dW, db = np.zeros_like(W), np.zeros_like(b)
        delta = softmax(X @ W.T + b)
        delta[np.arange(len(X)), labels] -= 1
        dW += delta.T @ X / len(X)
        db += delta.mean(axis=0)
        W -= rate * dW
        b -= rate * db
    return softmax(X_new @ W.T + b)


def _hunt_case(seed: int, new: int, words: tuple[str, ...], steps: int, rate: float) -> Case:
    drawn = vowels.draw(9, 1, words, seed)
    others = vowels.draw(9, 1, words, seed, first=9).formants_hz[:new, :2]
    args = (np.log(drawn.formants_hz[:, :2]), drawn.labels, np.log(others), steps, rate)
    says = f"{len(drawn.labels)} vowels of {len(words)} words, {new} new ones, {steps} steps"
    return Case(args, says)


_SYMPTOMS = {
    "across": "The probabilities of a vowel do not add up to 1: print(p.sum(axis=1)). Along which "
    "axis must softmax add, if a row is a vowel?",
    "peeks": "What it says about one vowel changes with the others in X_new: give it one vowel "
    "alone. From which data may mean and spread come?",
    "keeps": "Print the loss at each step: it swings instead of falling. What is in dW when the "
    "second step begins?",
}


@notebook.function(
    cases=[
        _hunt_case(1, 6, ("heed", "hod"), 0, 0.5),
        _hunt_case(2, 1, ("heed", "hod"), 20, 0.5),
        _hunt_case(3, 8, ("heed", "had", "hod"), 1, 0.5),
        _hunt_case(4, 12, ("heed", "had", "hod", "who'd"), 50, 0.5),
    ],
    mistakes=[
        (
            (
                "One bug is left. "
                if len(bugs) == 1
                else "Two bugs are left. "
                if len(bugs) == 2
                else "It is as it was. "
            )
            + _SYMPTOMS[bugs[0]],
            lambda X, labels, X_new, steps, rate, bugs=bugs: _recognise(
                X, labels, X_new, steps, rate, **dict.fromkeys(bugs, True)
            ),
        )
        for count in (1, 2, 3)
        for bugs in itertools.combinations(_SYMPTOMS, count)
    ]
    + [
        (
            "The new vowels are not standardised: use the mean and the spread of X for both.",
            lambda X, labels, X_new, steps, rate: _recognise(
                X, labels, X_new * X.std(axis=0) + X.mean(axis=0), steps, rate
            ),
        ),
        (
            "Mean and spread come from old and new vowels together: the new ones still leak in. "
            "Use those of X alone.",
            lambda X, labels, X_new, steps, rate: _recognise(
                X, labels, X_new, steps, rate, pooled=True
            ),
        ),
    ],
    hints=[
        "Call the parts alone. softmax of the rows [0, 0] and [5, 5] should be 0.5 everywhere. "
        "Print the loss, -np.log(p[np.arange(len(X)), labels]).mean(), at each step. Give X_new "
        "one vowel only.",
        "axis=0 adds over the vowels of the batch. X_new must be standardised with the mean "
        "and spread of X. And += keeps the gradients of all steps before.",
        "axis=1 twice in softmax; X_new = (X_new - centre) / scale with centre and scale of the "
        "old X, taken before X is changed; dW = …, db = … with = instead of +=.",
    ],
)
def recognise(
    X: np.ndarray, labels: np.ndarray, X_new: np.ndarray, steps: int, rate: float
) -> np.ndarray:
    """Bug hunt: a training that goes wrong."""
    return _recognise(X, labels, X_new, steps, rate)


@notebook.open(
    hints=[
        "Change one thing, and nothing else: the width, the number of speakers, the features (F3, "
        "F0), the activation. Ask a question whose answer you do not know.",
        "Run each setting with five seeds or more, and note the accuracy on speakers that were not "
        "learned from. One run says little: the seeds alone differ by some per cent.",
        'finding = {"question": "Does F3 help?", "accuracies": {"F1, F2": [0.68, …], "F1, F2, F3": '
        '[0.74, …]}, "finding": "F3 helps: …"}',
    ],
)
def finding(answer: Any) -> str:
    """Your own experiment."""
    if not isinstance(answer, Mapping) or set(answer) != {"question", "accuracies", "finding"}:
        keys = list(answer) if isinstance(answer, Mapping) else type(answer).__name__
        raise WrongAnswer(
            f'It must be a dict with the keys "question", "accuracies", "finding"; got {keys}.'
        )
    for key in ("question", "finding"):
        text = answer[key]
        if not isinstance(text, str) or len(text.split()) < 3:
            raise WrongAnswer(f'"{key}" must be a sentence of three words or more, got {text!r}.')
    return _compared(answer["accuracies"])


def _compared(accuracies: Any) -> str:
    """Means and spreads of the settings, in words; raises WrongAnswer where they say nothing."""
    if not isinstance(accuracies, Mapping) or len(accuracies) < 2:
        raise WrongAnswer('"accuracies" must be a dict with two settings or more to compare.')
    summary = {}
    for name, values in accuracies.items():
        values = list(values) if isinstance(values, Sequence | np.ndarray) else [values]
        if len(values) < 3 or not all(isinstance(v, Real) and 0 <= v <= 1 for v in values):
            raise WrongAnswer(
                f"{name!r} needs the accuracies of three seeds or more, each 0 to 1; got "
                f"{len(values)} of them: {str(values)[:60]}."
            )
        if len(set(map(float, values))) == 1:
            raise WrongAnswer(
                f"{name!r} gave {values[0]} each time. Were the seeds really different ones? (Draw "
                "other speakers, other weights.)"
            )
        summary[name] = (float(np.mean(values)), float(np.std(values, ddof=1)), len(values))
    parts = [f"{name}: {m:.3f} ± {s:.3f} ({n} seeds)" for name, (m, s, n) in summary.items()]
    (_, best), (_, worst) = (
        max(summary.items(), key=lambda item: item[1][0]),
        min(summary.items(), key=lambda item: item[1][0]),
    )
    apart, error = (
        best[0] - worst[0],
        math.hypot(best[1] / best[2] ** 0.5, worst[1] / worst[2] ** 0.5),
    )
    verdict = "more" if apart > 2 * error else "no more"
    return (
        f"{'; '.join(parts)}. Best and worst are {apart:.3f} apart, {verdict} than twice the "
        f"uncertainty of their difference, {error:.3f}. Does your sentence say so?"
    )


notebook.set_quiz(
    Question(
        "A neuron gets the input x = (0, 0). What does its bias do?",
        [
            Option(
                "Nothing: it is multiplied by an input of 0.",
                "The bias is added, not multiplied: z = w·x + b. It is the one number that works "
                "when all inputs are 0.",
            ),
            Option(
                "It alone decides what the neuron gives.",
                "w·x is 0, so z = b. On the plane, the bias shifts the neuron's line; the "
                "weights turn it.",
                correct=True,
            ),
            Option(
                "It turns the line that the neuron draws.",
                "The direction is the weights' alone. Another bias is a parallel line.",
            ),
        ],
    ),
    Question(
        "Why does a network have a non-linear function between its layers?",
        [
            Option(
                "Because speech is non-linear.",
                "Heed and hod are speech, and a line tells them apart. The reason is in the "
                "network, not in the data.",
            ),
            Option(
                "Because without it, all layers together can do no more than one.",
                "W₂(W₁x + b₁) + b₂ is (W₂W₁)x + (W₂b₁ + b₂): one layer. You saw it to twelve "
                "digits.",
                correct=True,
            ),
            Option(
                "So that the outputs lie between 0 and 1.",
                "Sigmoid does that, ReLU does not, and both serve. Probabilities are made at the "
                "very end, by softmax.",
            ),
            Option(
                "So that there are gradients at all.",
                "Linear layers have gradients too, and learn; only never more than a line.",
            ),
        ],
    ),
    Question(
        "All the scores of a softmax grow by 1000. What happens to the probabilities?",
        [
            Option(
                "They all become larger.",
                "They add up to 1 before and after: they can't all grow.",
            ),
            Option(
                "The largest becomes nearly 1.",
                "That is what multiplying the scores does. Adding the same to all cancels in the "
                "fraction.",
            ),
            Option(
                "Nothing, if they are computed with care; NaN, if not.",
                "exp(1000) overflows, inf / inf is NaN. Subtract the largest score first: by the "
                "same argument that changes nothing.",
                correct=True,
            ),
        ],
    ),
    Question(
        "What does backpropagation compute?",
        [
            Option(
                "The gradient: how the loss changes with each weight.",
                "And all of them in about the time of two forward passes. What to do with the "
                "gradient is the optimiser's business.",
                correct=True,
            ),
            Option(
                "The new weights.",
                "That is the optimiser's step. Backpropagation only says which way is downhill, "
                "at the place where the weights are now.",
            ),
            Option(
                "The error of each neuron's output, from its right value.",
                "Nobody knows right values for hidden neurons. There is one loss, at the end, and "
                "the chain rule says what share each neuron has in it.",
            ),
            Option(
                "An approximation of the gradient, as finite differences do.",
                "It is exact up to rounding: 1e-9 in your check. Finite differences are the "
                "approximation, and cost a forward pass for each weight.",
            ),
        ],
    ),
    Question(
        "Ten people say each word eight times. You put a fifth of the recordings aside, at random, "
        "and the network gets 75 % of them right. How will it do with your friends?",
        [
            Option(
                "75 %: it was tested on recordings that it had not seen.",
                "It had not seen the recordings, but it had heard the people. Their way with each "
                "word was in the training set.",
            ),
            Option(
                "Better: your friends are ordinary people.",
                "So are the ten. It knows nothing about your friends, and the test did not ask.",
            ),
            Option(
                "Worse, and the test does not say how much: it should have set people aside.",
                "What will be new in use must be new in the test. For speech that is the speaker.",
                correct=True,
            ),
        ],
    ),
    Question(
        "The loss on the training speakers falls and falls; that on others fell, and now rises. "
        "What will not help?",
        [
            Option(
                "More speakers.",
                "That helps: fewer accidents to learn by heart, and more of what all share.",
            ),
            Option(
                "To stop earlier.",
                "It helps: the weights of the lowest point are kept.",
            ),
            Option(
                "A wider network.",
                "It can learn even more by heart. That is what overfitting is made of.",
                correct=True,
            ),
            Option(
                "Dropout or weight decay.",
                "They make it hard to rely on a few large weights, and usually help a little.",
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
