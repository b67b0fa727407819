from itertools import pairwise

import numpy as np
import torch

from tests.exercises import Answers


def cross_entropy(scores, label):
    """The loss of one item."""
    ...


def by_the_book(scores, label):
    return -np.log(np.exp(scores) / np.exp(scores).sum())[label]


def shifted_by_the_book(scores, label):
    e = np.exp(scores - scores.max())
    return -np.log(e[label] / e.sum())


def with_a_small_number(scores, label):
    e = np.exp(scores - scores.max())
    return -np.log(e[label] / e.sum() + 1e-12)


def cross_entropy_solution(scores, label):
    z = scores - scores.max()
    return np.log(np.exp(z).sum()) - z[label]


def cross_entropy_in_torch(scores, label):
    return torch.nn.functional.cross_entropy(torch.tensor(scores), torch.tensor(label))


def layer_backward(X, W, G):
    """Gradients of the loss with respect to X, W and b."""
    ...


def layer_backward_in_loops(X, W, G):
    dX, dW, db = np.zeros(X.shape), np.zeros(W.shape), np.zeros(len(W))
    for n in range(len(X)):
        for j in range(len(W)):
            db[j] += G[n, j]
            for i in range(X.shape[1]):
                dW[j, i] += G[n, j] * X[n, i]
                dX[n, i] += G[n, j] * W[j, i]
    return dX, dW, db


def layer_backward_by_autograd(X, W, G):
    x, w = (torch.tensor(a, requires_grad=True) for a in (X, W))
    b = torch.zeros(len(W), dtype=torch.float64, requires_grad=True)
    (x @ w.T + b).backward(torch.tensor(G))
    return x.grad, w.grad, b.grad


def momentum_step(w, gradient, v, rate, mu, decay):
    """New weights and new velocity."""
    ...


def momentum_solution(w, gradient, v, rate, mu, decay):
    v = mu * v + gradient + decay * w
    return w - rate * v, v


def momentum_as_torch(w, gradient, v, rate, mu, decay):
    theta = torch.tensor(w)
    optimizer = torch.optim.SGD([theta], lr=rate, momentum=mu, weight_decay=decay)
    theta.grad = torch.zeros_like(theta)
    optimizer.state[theta]["momentum_buffer"] = torch.tensor(v)
    theta.grad = torch.tensor(gradient)
    optimizer.step()
    return theta, optimizer.state[theta]["momentum_buffer"]


def momentum_in_place(w, gradient, v, rate, mu, decay):
    v *= mu
    v += gradient + decay * w
    w -= rate * v
    return w, v


def decay_beside(w, gradient, v, rate, mu, decay):
    v = mu * v + gradient
    return w - rate * (v + decay * w), v


def without_decay(w, gradient, v, rate, mu, decay):
    v = mu * v + gradient
    return w - rate * v, v


def dampened(w, gradient, v, rate, mu, decay):
    v = mu * v + (1 - mu) * (gradient + decay * w)
    return w - rate * v, v


def rate_in_the_velocity(w, gradient, v, rate, mu, decay):
    v = mu * v + rate * (gradient + decay * w)
    return w - rate * v, v


def uphill(w, gradient, v, rate, mu, decay):
    v = mu * v + gradient + decay * w
    return w + rate * v, v


def old_velocity(w, gradient, v, rate, mu, decay):
    return w - rate * v, mu * v + gradient + decay * w


def count_parameters(sizes):
    """Number of weights and biases."""
    ...


def count_in_a_loop(sizes):
    total = 0
    for i in range(1, len(sizes)):
        total += sizes[i - 1] * sizes[i]
        total += sizes[i]
    return total


def recognise(X, labels, X_new, steps, rate):
    """Probabilities (new vowels, words) after `steps` steps of gradient descent from zero."""
    ...


def softmax(z, axis=1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def learn(X, labels, X_new, steps, rate, axis=1, keeps=False):
    """The loop of the hunt, with the bugs that are asked for; X and X_new as they are given."""
    W, b = np.zeros((labels.max() + 1, X.shape[1])), np.zeros(labels.max() + 1)
    dW, db = 0, 0
    for _ in range(steps):
        delta = softmax(X @ W.T + b, axis)
        delta[np.arange(len(X)), labels] -= 1
        dW = delta.T @ X / len(X) + (dW if keeps else 0)
        db = delta.mean(axis=0) + (db if keeps else 0)
        W = W - rate * dW
        b = b - rate * db
    return softmax(X_new @ W.T + b, axis)


def hunted(axis=1, keeps=False, peeks=False):
    def answer(X, labels, X_new, steps, rate):
        own = X_new if peeks else X
        new = (X_new - own.mean(axis=0)) / own.std(axis=0)
        old = (X - X.mean(axis=0)) / X.std(axis=0)
        return learn(old, labels, new, steps, rate, axis, keeps)

    return answer


def mended_in_torch(X, labels, X_new, steps, rate):
    centre, scale = X.mean(0), X.std(0)
    x, new, y = (torch.tensor(a) for a in ((X - centre) / scale, (X_new - centre) / scale, labels))
    layer = torch.nn.Linear(x.shape[1], int(labels.max()) + 1).double()
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(layer.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(layer(x), y).backward()
        optimizer.step()
    return torch.softmax(layer(new), dim=1).detach()


def standardised_together(X, labels, X_new, steps, rate):
    both = np.vstack([X, X_new])
    centre, scale = both.mean(axis=0), both.std(axis=0)
    return learn((X - centre) / scale, labels, (X_new - centre) / scale, steps, rate)


def new_ones_raw(X, labels, X_new, steps, rate):
    return learn((X - X.mean(axis=0)) / X.std(axis=0), labels, X_new, steps, rate)


QUESTION = "Does F3 help a network that has F1 and F2?"
GOOD = {
    "question": QUESTION,
    "accuracies": {"F1, F2": [0.68, 0.66, 0.70], "F1, F2, F3": [0.74, 0.76, 0.73]},
    "finding": "It helps by six points.",
}


def changed(**parts):
    return {**GOOD, **parts}


ANSWERS = {
    "cross_entropy": Answers(
        solution=cross_entropy_solution,
        stub=cross_entropy,
        also_right=[
            cross_entropy_in_torch,
            lambda z, k: np.logaddexp.reduce(z) - z[k],
            lambda z, k: -torch.log_softmax(torch.tensor(z), 0)[k],
        ],
        wrong=[
            (by_the_book, "Subtract the largest score"),
            (lambda z, k: np.log(np.exp(z).sum()) - z[k], "overflows. Subtract the largest"),
            (shifted_by_the_book, "its logarithm is infinite"),
            (with_a_small_number, "hides the infinity"),
            (lambda z, k: -cross_entropy_solution(z, k), "The sign"),
            (lambda z, k: np.exp(-cross_entropy_solution(z, k)), "minus its logarithm"),
            (lambda z, k: 1 - np.exp(-cross_entropy_solution(z, k)), "1 minus the probability"),
            (lambda z, k: cross_entropy_solution(z, k) / np.log(2), "in bits"),
            (lambda z, k: np.log(np.exp(z - z.max()).sum()) - z[k], "inside the exponentials"),
            (lambda z, k: cross_entropy_solution(z, z.argmax()), "whatever the label says"),
            (lambda z, k: z[k], "got 0, expected 0.693147"),
        ],
    ),
    "layer_backward": Answers(
        solution=lambda X, W, G: (G @ W, G.T @ X, G.sum(axis=0)),
        stub=layer_backward,
        also_right=[
            layer_backward_in_loops,
            layer_backward_by_autograd,
            lambda X, W, G: [
                np.einsum("nj,ji->ni", G, W),
                np.einsum("nj,ni->ji", G, X),
                np.ones(len(G)) @ G,
            ],
        ],
        wrong=[
            (lambda X, W, G: (G.T @ X, G.sum(axis=0), G @ W), "The order is dX, dW, db"),
            (lambda X, W, G: (G @ W, X.T @ G, G.sum(axis=0)), "dW is transposed"),
            (lambda X, W, G: (G @ W, G.T @ X, G.mean(axis=0)), "not the mean"),
            (
                lambda X, W, G: (G @ W, G.T @ X / len(X), G.mean(axis=0)),
                "Nothing is divided by the number of items",
            ),
            (lambda X, W, G: (G @ W, G.T @ X, G), "one number for each neuron"),
            (lambda X, W, G: (G @ W, G.T @ X, G.sum()), "not over everything"),
            (lambda X, W, G: (G @ W, G.T @ X, np.zeros(len(W))), "has a gradient too"),
            (lambda X, W, G: (G @ W.T, G.T @ X, G.sum(axis=0)), "In dX, W is not transposed"),
        ],
    ),
    "momentum_step": Answers(
        solution=momentum_solution,
        stub=momentum_step,
        also_right=[momentum_as_torch, lambda *a: list(momentum_solution(*a))],
        wrong=[
            (without_decay, "The weight decay is missing"),
            (decay_beside, "belongs to the gradient"),
            (dampened, "not multiplied by 1 - mu"),
            (rate_in_the_velocity, "The rate counts twice"),
            (uphill, "downhill is against the gradient"),
            (old_velocity, "you took the old one"),
            (lambda *a: momentum_solution(*a)[::-1], "The order is w, v"),
            (lambda *a: momentum_solution(*a)[0], "got 1 items"),
        ],
    ),
    "count_parameters": Answers(
        solution=lambda sizes: sum((a + 1) * b for a, b in pairwise(sizes)),
        stub=count_parameters,
        also_right=[
            count_in_a_loop,
            lambda sizes: sum(a * b for a, b in pairwise(sizes)) + sum(sizes[1:]),
        ],
        wrong=[
            (
                lambda sizes: sum(a * b for a, b in pairwise(sizes)),
                "The biases are missing",
            ),
            (
                lambda sizes: sum(a * b + 1 for a, b in pairwise(sizes)),
                "a bias of its own",
            ),
            (
                lambda sizes: sum(a * b + a for a, b in pairwise(sizes)),
                "not to the numbers that come in",
            ),
            (
                lambda sizes: sum(a * b for a, b in pairwise(sizes)) + sum(sizes),
                "they have no bias",
            ),
            (lambda sizes: sum(sizes[1:]), "Those are the neurons"),
            (lambda sizes: int(np.prod(sizes)), "Only neighbouring layers"),
        ],
    ),
    "recognise": Answers(
        solution=hunted(),
        stub=recognise,
        also_right=[mended_in_torch],
        wrong=[
            (hunted(axis=0), "One bug is left. The probabilities of a vowel"),
            (hunted(keeps=True), "One bug is left. Print the loss"),
            (hunted(peeks=True), "One bug is left. What it says about one vowel"),
            (hunted(axis=0, peeks=True), "Two bugs are left"),
            (hunted(axis=0, peeks=True, keeps=True), "It is as it was"),
            (standardised_together, "come from old and new vowels together"),
            (new_ones_raw, "The new vowels are not standardised"),
            (
                lambda *a: hunted()(*a).argmax(axis=1),
                "expected shape (6, 2)",
            ),
        ],
    ),
    "finding": Answers(
        solution=GOOD,
        stub=None,
        also_right=[
            changed(accuracies={"a": np.array([0.1, 0.2, 0.3]), "b": (0.15, 0.25, 0.3)}),
            changed(accuracies={"a": [0.5, 0.6, 0.7], "b": [0.9, 0.8, 0.95], "c": [0, 0.1, 0.2]}),
        ],
        wrong=[
            ([0.6, 0.7], "must be a dict with the keys"),
            ({"question": QUESTION, "accuracies": {}}, "must be a dict with the keys"),
            (changed(question="why"), '"question" must be a sentence'),
            (changed(accuracies={"only": [0.6, 0.7, 0.8]}), "two settings or more"),
            (changed(accuracies={"a": [0.6, 0.7], "b": [0.6, 0.7, 0.8]}), "three seeds or more"),
            (changed(accuracies={"a": [66, 67, 70], "b": [60, 61, 62]}), "each 0 to 1"),
            (
                changed(accuracies={"a": [0.6, 0.6, 0.6], "b": [0.6, 0.7, 0.8]}),
                "really different ones",
            ),
        ],
    ),
}
