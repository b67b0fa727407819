import numpy as np
import torch
from torch import nn

from course_utils.exercises.nb06 import _read_both
from course_utils.models import recurrent
from tests.exercises import Answers


def one_step(x, h, c, W, U, b):
    """The next h and c, each (n,)."""
    ...


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def step_solution(x, h, c, W, U, b):
    i, f, g, o = np.split(W @ x + U @ h + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def step_row_by_row(x, h, c, W, U, b):
    n = len(h)
    hs, cs = [], []
    for k in range(n):
        a = [W[q * n + k] @ x + U[q * n + k] @ h + b[q * n + k] for q in range(4)]
        cell = c[k] / (1 + np.exp(-a[1])) + np.tanh(a[2]) / (1 + np.exp(-a[0]))
        cs.append(cell)
        hs.append(np.tanh(cell) / (1 + np.exp(-a[3])))
    return [hs, cs]


def step_by_torch(x, h, c, W, U, b):
    tensors = [torch.tensor(a)[None] for a in (x, h, c)]
    weights = recurrent.Weights(*map(torch.tensor, (W, U, b, np.zeros_like(b))))
    gates = recurrent.lstm_step(tensors[0], (tensors[1], tensors[2]), weights)
    return gates.hidden[0], gates.cell[0]


def step_without_state(x, h, c, W, U, b):
    return step_solution(x, np.zeros_like(h), c, W, U, b)


def step_from_the_old_cell(x, h, c, W, U, b):
    i, f, g, o = np.split(W @ x + U @ h + b, 4)
    return sigmoid(o) * np.tanh(c), sigmoid(f) * c + sigmoid(i) * np.tanh(g)


def step_forget_first(x, h, c, W, U, b):
    f, i, g, o = np.split(W @ x + U @ h + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def step_all_sigmoid(x, h, c, W, U, b):
    i, f, g, o = np.split(sigmoid(W @ x + U @ h + b), 4)
    c = f * c + i * g
    return o * np.tanh(c), c


def step_without_tanh(x, h, c, W, U, b):
    i, f, g, o = np.split(W @ x + U @ h + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * c, c


def parameters(kind, inputs, hidden, layers, bidirectional):
    """Number of learned numbers, both biases included."""
    ...


def parameters_solution(kind, inputs, hidden, layers, bidirectional):
    blocks = {"rnn": 1, "gru": 3, "lstm": 4}[kind]
    directions = 2 if bidirectional else 1
    total, read = 0, inputs
    for _ in range(layers):
        total += directions * blocks * hidden * (read + hidden + 2)
        read = directions * hidden
    return total


def parameters_by_torch(kind, inputs, hidden, layers, bidirectional):
    make = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[kind]
    layer = make(inputs, hidden, num_layers=layers, bidirectional=bidirectional)
    return sum(p.numel() for p in layer.parameters())


def one_bias(kind, inputs, hidden, layers, bidirectional):
    blocks = {"rnn": 1, "gru": 3, "lstm": 4}[kind]
    directions = 1 + bidirectional
    total, read = 0, inputs
    for _ in range(layers):
        total += directions * blocks * hidden * (read + hidden + 1)
        read = directions * hidden
    return total


def narrow(kind, inputs, hidden, layers, bidirectional):
    first = parameters_solution(kind, inputs, hidden, 1, bidirectional)
    rest = parameters_solution(kind, hidden, hidden, 1, bidirectional)
    return first + (layers - 1) * rest


def clipped(gradients, limit):
    """The gradients, shortened together where they are longer than limit."""
    ...


def clipped_solution(gradients, limit):
    length = np.sqrt(sum(np.sum(g**2) for g in gradients))
    factor = limit / length if length > limit else 1.0
    return [factor * g for g in gradients]


def clipped_by_torch(gradients, limit):
    parameters = [nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in gradients]
    for p, g in zip(parameters, gradients, strict=True):
        p.grad = torch.tensor(g)
    nn.utils.clip_grad_norm_(parameters, limit)
    return [p.grad.numpy() for p in parameters]


def clipped_as_one_array(gradients, limit):
    everything = np.concatenate([g.ravel() for g in gradients])
    length = np.linalg.norm(everything)
    return [g / max(1.0, length / limit) for g in gradients]


def clipped_one_by_one(gradients, limit):
    return [g * min(1, limit / (np.linalg.norm(g) + 1e-12)) for g in gradients]


def last_states(outputs, lengths):
    """The output of each sequence at its last real frame."""
    ...


def mended(sequences, w, u, b):
    """States after reading forwards and backwards."""
    ...


def mended_solution(sequences, w, u, b):
    lengths = np.array([len(x) for x in sequences])
    batch = np.zeros((len(sequences), lengths.max()))
    for row, x in zip(batch, sequences, strict=True):
        row[: len(x)] = x
    states = []
    for frames in (range(lengths.max()), reversed(range(lengths.max()))):
        h = np.zeros(len(sequences))
        for t in frames:
            h = np.where(t < lengths, np.tanh(w * batch[:, t] + u * h + b), h)
        states.append(h)
    return np.stack(states, axis=1)


def mended_one_by_one(sequences, w, u, b):
    rows = []
    for x in sequences:
        there = back = 0.0
        for one, other in zip(x, x[::-1], strict=True):
            there, back = np.tanh(w * one + u * there + b), np.tanh(w * other + u * back + b)
        rows.append((there, back))
    return rows


def as_it_was(sequences, w, u, b):
    frames = max(len(x) for x in sequences)
    batch = np.zeros((len(sequences), frames))
    for row, x in zip(batch, sequences, strict=True):
        row[: len(x)] = x
    there = back = np.zeros(len(sequences))
    for t in range(frames):
        there = np.tanh(w * batch[:, t] + u * there + b)
    for t in reversed(range(frames)):
        back = np.tanh(w * batch[:, t] + u * back + b)
    return np.stack([there, back], axis=1)


def state_zeroed_in_the_padding(sequences, w, u, b):
    """A reading that multiplies the state by the mask: backwards right, forwards zero."""
    good = mended_solution(sequences, w, u, b)
    longest = max(len(x) for x in sequences)
    good[:, 0] *= [len(x) == longest for x in sequences]
    return good


def last_picked_only(sequences, w, u, b):
    both = as_it_was(sequences, w, u, b)
    both[:, 0] = mended_solution(sequences, w, u, b)[:, 0]
    return both


SENTENCE = "Growing strings help the plain RNN a lot."

ANSWERS = {
    "one_step": Answers(
        solution=step_solution,
        stub=one_step,
        also_right=[step_row_by_row, step_by_torch],
        wrong=[
            (lambda *args: step_solution(*args)[::-1], "changed places"),
            (step_forget_first, "yours have the forget gate first"),
            (step_all_sigmoid, "takes a tanh, not a sigmoid"),
            (step_without_tanh, "the tanh is missing"),
            (step_without_state, "The old h is missing"),
            (step_from_the_old_cell, "made from the old one"),
            (lambda x, h, c, W, U, b: step_solution(x, h, c, W, U, 0 * b), "The bias is missing"),
            (lambda *args: step_solution(*args)[0], "expected"),
            (lambda x, h, c, W, U, b: step_solution(x, h, 0 * c, W, U, b), "the old cell is miss"),
        ],
    ),
    "parameters": Answers(
        solution=parameters_solution,
        stub=parameters,
        also_right=[parameters_by_torch],
        wrong=[
            (one_bias, "you count one"),
            (narrow, "twice as many"),
            (lambda k, d, h, n, both: parameters_solution(k, d, h, n, False), "second direction"),
            (lambda k, d, h, n, both: n * parameters_solution(k, d, h, 1, both), "Only the first"),
            (lambda k, d, h, n, both: parameters_solution("rnn", d, h, n, both), "a single block"),
            (lambda k, d, h, n, both: parameters_solution(k, d, h, 1, both), "first layer alone"),
        ],
    ),
    "clipped": Answers(
        solution=clipped_solution,
        stub=clipped,
        also_right=[clipped_by_torch, clipped_as_one_array],
        wrong=[
            (clipped_one_by_one, "Each array is shortened by itself"),
            (lambda gs, limit: [np.clip(g, -limit, limit) for g in gs], "cuts every number off"),
            (
                lambda gs, limit: [
                    g * limit / max(np.sqrt(sum(np.sum(a**2) for a in gs)), 1e-9) for g in gs
                ],
                "yours are stretched",
            ),
            (
                lambda gs, limit: [
                    g * min(1, limit / max(sum(np.sum(a**2) for a in gs), 1e-9)) for g in gs
                ],
                "the root is missing",
            ),
            (lambda gs, limit: gs, "got [3, 4], expected [0.6, 0.8]"),
        ],
    ),
    "last_states": Answers(
        solution=lambda outputs, lengths: outputs[np.arange(len(outputs)), lengths - 1],
        stub=last_states,
        also_right=[
            lambda outputs, lengths: [o[n - 1] for o, n in zip(outputs, lengths, strict=True)],
            lambda outputs, lengths: (
                torch.tensor(outputs)
                .gather(1, torch.tensor(lengths - 1)[:, None, None].expand(-1, 1, outputs.shape[2]))
                .squeeze(1)
            ),
        ],
        wrong=[
            (lambda outputs, lengths: outputs[:, -1], "padding or not"),
            (lambda outputs, lengths: outputs[np.arange(len(outputs)), lengths], "IndexError"),
            (lambda outputs, lengths: outputs[:, lengths.max() - 1], "padding"),
            (lambda outputs, lengths: outputs[:, lengths - 1], "as a pair"),
            (
                lambda outputs, lengths: np.stack(
                    [o[:n].mean(axis=0) for o, n in zip(outputs, lengths, strict=True)]
                ),
                "the mean of the real frames",
            ),
        ],
    ),
    "mended": Answers(
        solution=mended_solution,
        stub=mended,
        also_right=[mended_one_by_one],
        wrong=[
            (as_it_was, "Both readings still run"),
            (last_picked_only, "Forwards is mended. Backwards"),
            (lambda *args: mended_solution(*args)[:, ::-1], "changed places"),
            (lambda s, w, u, b: mended_solution(s, w, u, 0.0), "The bias b is missing"),
            (lambda *args: _read_both(*args, pad_forwards=True), "Backwards is mended"),
            (state_zeroed_in_the_padding, "got 0, expected"),
        ],
    ),
    "rescue": Answers(
        solution=([0.09, 0.11, 0.1], [0.35, 0.62, 0.4], SENTENCE),
        stub=None,
        also_right=[
            [[0.1, 0.1, 0.1, 0.2], np.array([0.9, 0.8, 0.9]), SENTENCE],
            ([0.5, 0.6, 0.4], [0.55, 0.5, 0.52], "No difference that three seeds could show."),
        ],
        wrong=[
            (([0.1, 0.1], [0.5, 0.6, 0.4], SENTENCE), "usual has 2 accuracies"),
            (([0.1, 0.1, 0.1], [50, 60, 40], SENTENCE), "changed holds 50"),
            (([0.1, 0.1, 0.2], [0.1, 0.1, 0.2], SENTENCE), "the same numbers"),
            (([0.1, 0.1, 0.1], [0.5, 0.6, 0.4], "it helps"), "at least five words"),
            ((0.1, 0.5, SENTENCE), "usual must be a list of numbers"),
            ([0.1, 0.2], "Give three things"),
        ],
    ),
}
