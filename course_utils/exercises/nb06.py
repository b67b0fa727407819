"""Exercises and quiz of notebook 06, Recurrent networks: RNN, LSTM, GRU."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_utils.exercises.framework import Case, Notebook, WrongAnswer
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(6, "Recurrent networks: RNN, LSTM, GRU")


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _lstm(
    order: str = "ifgo",
    candidate: Callable[[np.ndarray], np.ndarray] = np.tanh,
    shown: Callable[[np.ndarray], np.ndarray] = np.tanh,
    bent: Callable[[np.ndarray], np.ndarray] = _sigmoid,
) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """An LSTM's step; the arguments are where learners go wrong."""

    def step(
        x: np.ndarray, h: np.ndarray, c: np.ndarray, W: np.ndarray, U: np.ndarray, b: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        blocks = dict(zip(order, np.split(W @ x + U @ h + b, 4), strict=True))
        i, f, o = (bent(blocks[gate]) for gate in "ifo")
        new = f * c + i * candidate(blocks["g"])
        return o * shown(new), new

    return step


def _step_case(inputs: int, units: int, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    shapes = [inputs, units, units, (4 * units, inputs), (4 * units, units), 4 * units]
    return Case(
        tuple(rng.normal(size=shape).round(2) for shape in shapes),
        f"{inputs} inputs and {units} units, random weights",
    )


@notebook.function(
    cases=[
        Case(
            (
                np.array([1.0]),
                np.array([0.0]),
                np.array([0.5]),
                np.array([[1.0], [2.0], [3.0], [4.0]]),
                np.zeros((4, 1)),
                np.zeros(4),
            ),
            "x = 1, h = 0, c = 0.5, W = 1, 2, 3, 4, U and b zero",
        ),
        _step_case(1, 1, 0),
        _step_case(3, 2, 1),
        _step_case(5, 4, 2),
    ],
    mistakes=[
        (
            "h and c have changed places: h comes first.",
            lambda *args: _lstm()(*args)[::-1],
        ),
        (
            "The rows stand in the order input gate, forget gate, candidate, output gate; yours "
            "have the forget gate first.",
            _lstm("figo"),
        ),
        (
            "The third block is the candidate, the fourth the output gate.",
            _lstm("ifog"),
        ),
        (
            "The candidate is new content, from -1 to 1: it takes a tanh, not a sigmoid.",
            _lstm(candidate=_sigmoid),
        ),
        (
            "Shown is tanh(c), times the output gate; the tanh is missing.",
            _lstm(shown=lambda c: c),
        ),
        (
            "Gates go from 0 to 1: a sigmoid, not a tanh.",
            _lstm(bent=np.tanh),
        ),
        (
            "The old h is missing: each gate sees W x + U h + b.",
            lambda x, h, c, W, U, b: _lstm()(x, 0 * h, c, W, U, b),
        ),
        (
            "The bias is missing: each gate sees W x + U h + b.",
            lambda x, h, c, W, U, b: _lstm()(x, h, c, W, U, 0 * b),
        ),
        (
            "The new h is made from the new cell; yours is made from the old one.",
            lambda x, h, c, W, U, b: (
                _sigmoid(np.split(W @ x + U @ h + b, 4)[3]) * np.tanh(c),
                _lstm()(x, h, c, W, U, b)[1],
            ),
        ),
        (
            "The new cell is kept plus written, f c + i g; the old cell is missing.",
            lambda x, h, c, W, U, b: _lstm()(x, h, 0 * c, W, U, b),
        ),
    ],
    hints=[
        "Three stages: all four blocks at once by W, U and b; the gates and the candidate from "
        "them; then the new cell, and from the new cell the new h.",
        "np.split(W @ x + U @ h + b, 4) gives four arrays in the order of the rows. Three take a "
        "sigmoid, 1 / (1 + np.exp(-a)), one takes a tanh.",
        "i, f, g, o = np.split(W @ x + U @ h + b, 4); c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)"
        "; return sigmoid(o) * np.tanh(c), c",
    ],
)
def one_step(
    x: np.ndarray, h: np.ndarray, c: np.ndarray, W: np.ndarray, U: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One step."""
    return _lstm()(x, h, c, W, U, b)


_BLOCKS = {"rnn": 1, "gru": 3, "lstm": 4}


def _count(
    kind: str,
    inputs: int,
    hidden: int,
    layers: int,
    bidirectional: bool,
    biases: int = 2,
    wide: bool = True,
    blocks: dict[str, int] = _BLOCKS,
) -> int:
    """Parameters of torch's layer; the last arguments are where learners go wrong."""
    directions = 2 if bidirectional else 1
    total = 0
    for layer in range(layers):
        read = inputs if layer == 0 else hidden * (directions if wide else 1)
        total += directions * blocks[kind] * hidden * (read + hidden + biases)
    return total


@notebook.function(
    cases=[
        ("rnn", 3, 2, 1, False),
        ("lstm", 3, 2, 1, False),
        ("gru", 3, 2, 1, False),
        ("rnn", 3, 2, 2, False),
        ("lstm", 40, 64, 1, True),
        ("lstm", 40, 64, 2, False),
        ("gru", 40, 64, 3, True),
    ],
    mistakes=[
        (
            "torch has two biases in each block, one with W and one with U; you count one.",
            lambda *args: _count(*args, biases=1),
        ),
        ("The biases are missing, two in each block.", lambda *args: _count(*args, biases=0)),
        (
            "From the second layer on, a layer reads the outputs of both directions: twice as many "
            "numbers.",
            lambda *args: _count(*args, wide=False),
        ),
        (
            "A GRU has three blocks, an LSTM four; yours has the number of its gates.",
            lambda *args: _count(*args, blocks={"rnn": 1, "gru": 2, "lstm": 3}),
        ),
        (
            "That is a single block, a plain RNN's; a GRU has three, an LSTM four.",
            lambda *args: _count(*args, blocks={"rnn": 1, "gru": 1, "lstm": 1}),
        ),
        (
            "Only the first layer reads the inputs; the ones above it read hidden numbers.",
            lambda kind, d, h, layers, both: layers * _count(kind, d, h, 1, both),
        ),
        (
            "The second direction is missing: it has weights of its own.",
            lambda kind, d, h, layers, both: _count(kind, d, h, layers, False),
        ),
        (
            "That is the first layer alone.",
            lambda kind, d, h, layers, both: _count(kind, d, h, 1, both),
        ),
    ],
    hints=[
        "Count one layer in one direction first: how many blocks of rows has it, how many rows has "
        "a block, how many numbers stand in a row of W, of U, of the two biases?",
        "blocks * hidden * (read + hidden + 2), with 1, 3 or 4 blocks; twice that for two "
        "directions. read is inputs for the first layer, then hidden, times 2 for two directions.",
        "In a loop over the layers: total += directions * blocks * hidden * (read + hidden + 2); "
        "read = directions * hidden; and after the loop: return total",
    ],
)
def parameters(kind: str, inputs: int, hidden: int, layers: int, bidirectional: bool) -> int:
    """How many parameters?"""
    return _count(kind, inputs, hidden, layers, bidirectional)


def _length(gradients: Sequence[np.ndarray]) -> float:
    return float(np.sqrt(sum(np.sum(np.square(g)) for g in gradients)))


@notebook.function(
    cases=[
        ([np.array([3.0, 4.0])], 1.0),
        ([np.array([0.3, 0.4])], 1.0),
        ([np.array([3.0]), np.array([[4.0]])], 1.0),
        ([np.array([[6.0, -8.0], [0.0, 0.0]]), np.zeros(2)], 2.0),
        ([np.array([0.5, -0.5]), np.array([20.0])], 5.0),
        ([np.zeros(3)], 1.0),
    ],
    mistakes=[
        (
            "Each array is shortened by itself, which turns the direction. One factor for all of "
            "them: the length is that of all numbers together.",
            lambda gs, limit: [g * min(1, limit / max(_length([g]), 1e-12)) for g in gs],
        ),
        (
            "That cuts every number off at the limit. Clipping by norm keeps the direction: one "
            "factor for all numbers.",
            lambda gs, limit: [np.clip(g, -limit, limit) for g in gs],
        ),
        (
            "Gradients shorter than the limit stay as they are; yours are stretched.",
            lambda gs, limit: [g * limit / max(_length(gs), 1e-12) for g in gs],
        ),
        (
            "The length is the root of the sum of squares; the root is missing.",
            lambda gs, limit: [g * min(1, limit / max(_length(gs) ** 2, 1e-12)) for g in gs],
        ),
        (
            "The length is the root of the sum of squares, not the sum of the absolute values.",
            lambda gs, limit: [
                g * min(1, limit / max(sum(np.abs(one).sum() for one in gs), 1e-12)) for g in gs
            ],
        ),
        (
            "They are divided by their length, and so have the length 1; times limit is missing.",
            lambda gs, limit: [g / max(_length(gs), 1) for g in gs],
        ),
        (
            "That is the largest number, not the length: the root of the sum of all squares.",
            lambda gs, limit: [
                g * min(1, limit / max(max(np.abs(one).max() for one in gs), 1e-12)) for g in gs
            ],
        ),
    ],
    hints=[
        "First one number: the length of all gradients together, as if they were one long array. "
        "Then one factor, and every array times that factor.",
        "length = root of the sum over all arrays of np.sum(g ** 2). The factor is limit / length "
        "where the length is larger than the limit, else 1. Mind a length of 0.",
        "length = np.sqrt(sum(np.sum(g**2) for g in gradients)); "
        "factor = limit / length if length > limit else 1.0; "
        "return [factor * g for g in gradients]",
    ],
)
def clipped(gradients: list[np.ndarray], limit: float) -> list[np.ndarray]:
    """Clip."""
    length = _length(gradients)
    factor = limit / length if length > limit else 1.0
    return [factor * g for g in gradients]


def _outputs(batch: int, frames: int, units: int) -> np.ndarray:
    """Numbers that tell where they stand: 100 sequence + frame + unit / 10."""
    place = np.indices((batch, frames, units)).astype(float)
    return 100 * place[0] + place[1] + place[2] / 10


def _outputs_case(lengths: list[int], frames: int, units: int) -> Case:
    return Case(
        (_outputs(len(lengths), frames, units), np.array(lengths)),
        f"outputs of shape ({len(lengths)}, {frames}, {units}), lengths {lengths}",
    )


@notebook.function(
    cases=[
        _outputs_case([2, 3], 3, 1),
        _outputs_case([4, 1, 3], 4, 2),
        _outputs_case([5], 8, 3),
        _outputs_case([1, 1], 6, 2),
    ],
    mistakes=[
        (
            "That is the last frame of the batch, padding or not; take each sequence's own last.",
            lambda outputs, lengths: outputs[:, -1],
        ),
        (
            "A sequence of n frames has them at the places 0 to n - 1: its last is at lengths - 1.",
            lambda outputs, lengths: outputs[
                np.arange(len(outputs)), np.minimum(lengths, outputs.shape[1] - 1)
            ],
        ),
        (
            "That cuts the batch at its longest sequence, but the shorter ones still end in "
            "padding.",
            lambda outputs, lengths: outputs[:, lengths.max() - 1],
        ),
        (
            "A colon takes every sequence at every length: (batch, batch, units). Give the two "
            "indices as a pair: outputs[np.arange(batch), lengths - 1].",
            lambda outputs, lengths: outputs[:, lengths - 1],
        ),
        (
            "That is the mean of the real frames; the last one was asked for.",
            lambda outputs, lengths: np.stack(
                [o[:n].mean(axis=0) for o, n in zip(outputs, lengths, strict=True)]
            ),
        ),
        (
            "That is the first frame of each sequence.",
            lambda outputs, lengths: outputs[:, 0],
        ),
    ],
    hints=[
        "For a single sequence with n real frames: which index along the frames has the last real "
        "one? Then do it for each sequence, with its own n.",
        "Two index arrays side by side walk together: row 0 with the first index, row 1 with the "
        "second. The rows are np.arange(batch).",
        "return outputs[np.arange(len(outputs)), lengths - 1]; or "
        "np.stack([o[n - 1] for o, n in zip(outputs, lengths)])",
    ],
)
def last_states(outputs: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The last real one."""
    return outputs[np.arange(len(outputs)), lengths - 1]


def _read(sequence: np.ndarray, w: float, u: float, b: float) -> float:
    h = 0.0
    for x in sequence:
        h = np.tanh(w * x + u * h + b)
    return h


def _read_both(
    sequences: list[np.ndarray],
    w: float,
    u: float,
    b: float,
    pad_forwards: bool = False,
    pad_backwards: bool = False,
    left: bool = False,
) -> np.ndarray:
    """States after reading both ways; the last arguments say where padding still comes in."""
    frames = max(len(x) for x in sequences)
    rows = []
    for x in sequences:
        rest = np.zeros(frames - len(x))
        filled = np.concatenate([rest, x] if left else [x, rest])
        there = filled if pad_forwards else x
        back = (filled if pad_backwards else x)[::-1]
        rows.append([_read(there, w, u, b), _read(back, w, u, b)])
    return np.array(rows)


_SHORT, _LONG = np.array([0.5, -1.0]), np.array([0.2, 0.4, -0.3, 0.8, 1.0])


@notebook.function(
    cases=[
        Case(([_SHORT], 1.0, 0.9, 0.0), "the short sequence alone, b = 0"),
        Case(([_SHORT, _LONG], 1.0, 0.9, 0.0), "the short and the long one, b = 0"),
        Case(([_SHORT, _LONG], 1.0, 0.9, 0.3), "the short and the long one, b = 0.3"),
        Case(([_LONG, np.array([1.0]), _SHORT], 0.7, -0.8, -0.2), "three sequences, b = -0.2"),
    ],
    mistakes=[
        (
            "Both readings still run through the padding: forwards the state moves on after the "
            "last real number, backwards it starts in the padding.",
            lambda *args: _read_both(*args, pad_forwards=True, pad_backwards=True),
        ),
        (
            "Forwards is mended. Backwards, the reading still begins in the padding: with a bias, "
            "zeros do move the state.",
            lambda *args: _read_both(*args, pad_backwards=True),
        ),
        (
            "Backwards is mended. Forwards, the state still moves on in the padding: take the one "
            "at the sequence's own last number.",
            lambda *args: _read_both(*args, pad_forwards=True),
        ),
        (
            "Padding on the left moves the bug: now the forward reading begins in it, and the "
            "backward one ends in it.",
            lambda *args: _read_both(*args, pad_forwards=True, pad_backwards=True, left=True),
        ),
        (
            "The bias b is missing inside the tanh.",
            lambda sequences, w, u, b: _read_both(sequences, w, u, 0.0),
        ),
        (
            "The two columns have changed places: forwards comes first.",
            lambda *args: _read_both(*args)[:, ::-1],
        ),
    ],
    hints=[
        "Where does a zero in the padding touch a state? Follow the short sequence: forwards after "
        "its end, backwards before its beginning. tanh(0 + u h + b) is not h.",
        "Either let the state stand still where there is padding (t is not less than the length), "
        "in both loops; or read each sequence by itself, which needs no padding at all.",
        "In both loops: new = np.tanh(w * batch[:, t] + u * h + b); "
        "h = np.where(t < lengths, new, h); and after each loop keep h: "
        "return np.stack([h_forwards, h_backwards], axis=1)",
    ],
)
def mended(sequences: list[np.ndarray], w: float, u: float, b: float) -> np.ndarray:
    """The hunt."""
    return _read_both(sequences, w, u, b)


@notebook.open(
    hints=[
        "Write down what you expect first. Then train the usual way with seeds 0, 1 and 2, and the "
        "same with your one change; nothing else may differ.",
        "Growing strings are a good first try, and contest knows them already. For another start "
        "of U, add a line below the one that makes the model.",
        "usual = [score(contest('rnn', seed=s), 40) for s in range(3)]; changed = "
        "[score(contest('rnn', seed=s, growing=True), 40) for s in range(3)]; finding = 'Growing "
        "strings help: ...'",
    ],
)
def rescue(experiment: Any) -> str:
    """Rescue the plain RNN."""
    if not isinstance(experiment, tuple | list) or len(experiment) != 3:
        raise WrongAnswer("Give three things: the list usual, the list changed, and the sentence.")
    usual, changed, finding = experiment
    groups = {"usual": usual, "changed": changed}
    for name, values in groups.items():
        groups[name] = _accuracies(name, values)
    if not isinstance(finding, str) or len(finding.split()) < 5:
        raise WrongAnswer("Say what you found in a sentence of at least five words.")
    a, b = groups["usual"], groups["changed"]
    if np.array_equal(a, b):
        raise WrongAnswer(
            "Both lists hold the same numbers: did the change reach the model? With torch, the "
            "same seed and no change give the same numbers."
        )
    difference = b.mean() - a.mean()
    spread = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    verdict = (
        "more than three times its standard error: hardly luck"
        if abs(difference) > 3 * spread
        else "less than three times its standard error: it may be luck, more seeds would tell"
    )
    return (
        f"Usual {a.mean():.2f} ({len(a)} seeds), changed {b.mean():.2f} ({len(b)} seeds): a "
        f"difference of {difference:+.2f}, {verdict}."
    )


def _accuracies(name: str, values: Any) -> np.ndarray:
    try:
        numbers = np.asarray([float(value) for value in values])
    except (TypeError, ValueError):
        raise WrongAnswer(f"{name} must be a list of numbers, got {values!r:.60}.") from None
    if len(numbers) < 3:
        raise WrongAnswer(
            f"{name} has {len(numbers)} accuracies; with fewer than three seeds nobody can tell a "
            "difference from luck."
        )
    if not ((numbers >= 0) & (numbers <= 1)).all():
        raise WrongAnswer(
            f"{name} holds {numbers[(numbers < 0) | (numbers > 1) | np.isnan(numbers)][0]:g}; "
            "accuracies go from 0 to 1, as score gives them."
        )
    return numbers


notebook.set_quiz(
    Question(
        "What is an LSTM?",
        [
            Option(
                "An activation function, like tanh or ReLU.",
                "It has activations inside, three sigmoids and two tanh, but it has weights and a "
                "memory as well. An activation function has neither.",
            ),
            Option(
                "A recurrent cell: four small layers that read the input and the state before.",
                "Three of the layers are gates, one is the candidate; together they say what is "
                "kept, written and shown.",
                correct=True,
            ),
            Option(
                "A way of training plain RNNs without vanishing gradients.",
                "It is another network, not another training; and with torch's biases its gradient "
                "vanishes too, until the forget gate opens.",
            ),
            Option(
                "An RNN whose weights change from frame to frame.",
                "The weights are the same at each frame. What changes are the gates, which are "
                "computed from input and state.",
            ),
        ],
    ),
    Question(
        "A plain RNN learns nothing from what lies 50 frames back. Its gradient norm is 0.02. Will "
        "clipping at 1.0 help?",
        [
            Option(
                "Yes: clipping keeps gradients in a healthy range.",
                "Only from above. A gradient of 0.02 is shorter than the limit, and stays as it "
                "is.",
            ),
            Option(
                "Yes, if the limit is set to 0.01.",
                "Then the step gets shorter still, and the share of the distant past in it is the "
                "same as before.",
            ),
            Option(
                "No: clipping shortens what is too long, and leaves the shares as they are.",
                "It bounds the step when gradients explode. For what has vanished one needs other "
                "gates, another start, or shorter ways.",
                correct=True,
            ),
        ],
    ),
    Question(
        "Your classifier takes output[:, -1] of a padded batch. Training accuracy is 95 %. What "
        "happens when it is run on single recordings?",
        [
            Option(
                "It meets states that it was not trained on: without padding, the last output is "
                "another one.",
                "It has learned to read the state after some padding. No error is raised; the "
                "answers just get worse.",
                correct=True,
            ),
            Option(
                "Nothing: zeros do not change the state.",
                "With a zero as input the new state is tanh(U h + b), not h. Zeros are input like "
                "any other.",
            ),
            Option(
                "torch raises an error, for the lengths are missing.",
                "A tensor does not know which of its frames are real. That is what makes this bug "
                "so common.",
            ),
            Option(
                "It gets better, for the padding did harm.",
                "It might have, had the network been trained that way. It was trained on padded "
                "states, and now meets others.",
            ),
        ],
    ),
    Question(
        "A spectrogram of 3 s goes through a bidirectional GRU. When can the first frame's output "
        "be known?",
        [
            Option(
                "As soon as the first frame is there.",
                "That holds for the forward half of it only.",
            ),
            Option(
                "After one more frame.",
                "The backward reading starts at the end, not at the neighbour.",
            ),
            Option(
                "When all 3 s are there.",
                "The backward half of the first output has read everything, from the last frame "
                "on. That is why streams use one direction.",
                correct=True,
            ),
        ],
    ),
    Question(
        "You copy an LSTM's weights of 64 units and 40 inputs to another library, and it expects "
        "256 numbers fewer than torch has. Why?",
        [
            Option(
                "It has no forget gate.",
                "A whole block would be missing then: 64 rows of more than a hundred numbers each.",
            ),
            Option(
                "It has one bias where torch has two: 4 x 64 numbers.",
                "Only their sum matters in an LSTM: add the two, and copy the sum.",
                correct=True,
            ),
            Option(
                "It shares weights over time, torch does not.",
                "Both do: without that, the number of weights would depend on the length.",
            ),
        ],
    ),
    Question(
        "Your keyword spotter misses 3 % at 20 false alarms an hour. You lower the threshold. What "
        "changes?",
        [
            Option(
                "Fewer misses, fewer false alarms.",
                "Both at once takes a better network. A threshold moves along one curve.",
            ),
            Option(
                "Fewer misses, more false alarms.",
                "More frames reach the threshold, right ones and wrong ones. Where to stand on the "
                "curve depends on what each error costs, and is chosen on development data.",
                correct=True,
            ),
            Option(
                "More misses, fewer false alarms.",
                "That is what a higher threshold does.",
            ),
            Option(
                "Nothing: the network is the same.",
                "It says the same, but another number of its frames reach the threshold.",
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
