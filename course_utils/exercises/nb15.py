"""Exercises and quiz of notebook 15, Scaling up."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from course_utils.exercises.framework import Case, Notebook, WrongAnswer, read_finding
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(15, "Scaling up")


def _factors(items: Sequence[int]) -> list[float]:
    return [len(items) * n / sum(items) for n in items]


@notebook.function(
    cases=[([4, 4],), ([4, 3],), ([8, 8, 8, 4],), ([1, 2, 3],), ([16],), ([5, 0],)],
    mistakes=[
        (
            "That is each process's share of the items. But the gradients are averaged, not added: "
            "their sum is divided by the number of processes, which your factor must undo.",
            lambda items: [n / sum(items) for n in items],
        ),
        (
            "With factors of 1, a process with few items counts as much as one with many: that is "
            "the mean of the means.",
            lambda items: [1.0 for _ in items],
        ),
        (
            "Items alone would add up losses; they must still be divided by the number of all.",
            lambda items: [float(n) for n in items],
        ),
        (
            "That is upside down: whoever has more items counts for more.",
            lambda items: [sum(items) / (len(items) * n) for n in items],
        ),
        (
            "Divide by the items of all processes, not by the most that one of them has.",
            lambda items: [n / max(items) for n in items],
        ),
    ],
    hints=[
        "Write down what is wanted, the mean over all items, as a sum over processes: each one's "
        "own mean occurs in it with a weight. What does averaging do to that weight?",
        "Wanted: the sum of n/N times each mean. What comes: 1/P times the sum of factor times "
        "each mean. So factor / P = n / N.",
        "return [len(items) * n / sum(items) for n in items]",
    ],
)
def factors(items: Sequence[int]) -> list[float]:
    """Whose loss counts how much?"""
    return _factors(items)


def _ring(
    gradients: np.ndarray, adds: str = "first", halves: int = 2, left: bool = False
) -> np.ndarray:
    """The states of a ring after each step, or one of the ways to get it wrong."""
    x = np.array(gradients, dtype=float)
    n = len(x)
    held = np.stack(np.split(x, n, axis=1), axis=1)  # (processes, pieces, size)
    states = []
    for step in range(halves * (n - 1)):
        first = step < n - 1
        before = held.copy()
        for rank in range(n):
            piece = (rank - step if first else rank + 1 - (step - n + 1)) % n
            to = (rank - 1 if left else rank + 1) % n
            held[to, piece] = before[rank, piece]
            if adds == "always" or (adds == "first" and first):
                held[to, piece] += before[to, piece]
        states.append(held.reshape(n, -1).copy())
    return np.array(states)


def _gradients(seed: int, n: int, size: int) -> Case:
    x = np.random.default_rng(seed).integers(-9, 10, (n, n * size)).astype(float)
    return Case((x,), f"{n} processes, {n * size} numbers each")


@notebook.function(
    cases=[
        Case((np.array([[1.0, 2.0], [10.0, 20.0]]),), "[[1, 2], [10, 20]]"),
        Case(
            (np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [100.0, 200.0, 300.0]]),),
            "[[1, 2, 3], [10, 20, 30], [100, 200, 300]]",
        ),
        _gradients(0, 4, 2),
        _gradients(1, 3, 4),
        _gradients(2, 5, 1),
    ],
    mistakes=[
        (
            "In the second half the pieces that arrive are finished: they replace what is there. "
            "Added, they would count shares twice.",
            lambda g: _ring(g, adds="always"),
        ),
        (
            "In the first half what arrives is added to the receiver's own piece.",
            lambda g: _ring(g, adds="never"),
        ),
        (
            "Half way each process has one finished piece only; now these must go round.",
            lambda g: _ring(g, halves=1),
        ),
        ("Process r sends to r + 1, its right neighbour.", lambda g: _ring(g, left=True)),
        (
            "Only the state after the last step: return that after each step, one below the other.",
            lambda g: _ring(g)[-1],
        ),
    ],
    hints=[
        "Keep a table held[process][piece]: np.split cuts a gradient into pieces. A step is a loop "
        "over the processes, each of which sends one piece.",
        "In step s of the first half process r sends piece (r - s) % P and the receiver adds; in "
        "step s of the second half it sends (r + 1 - s) % P and the receiver replaces.",
        "P = len(gradients); held = np.stack(np.split(gradients, P, axis=1), axis=1); for step in "
        "range(2 * (P - 1)): for r in range(P): piece = (r - step) % P if "
        "step < P - 1 else (r + 1 - (step - P + 1)) % P; ... states.append(held.reshape(P, "
        "-1).copy()); return np.array(states)",
    ],
)
def ring(gradients: np.ndarray) -> np.ndarray:
    """A ring that adds up."""
    return _ring(gradients)


def _rate(
    step: int,
    base: float,
    factor: int,
    warm_up: int,
    start: str = "base",
    rule: str = "linear",
    early: int = 0,
) -> float:
    """The rate of a step, or one of the ways to get it wrong."""
    top = base * {"linear": factor, "root": factor**0.5, "none": 1, "down": 1 / factor}[rule]
    low = {"base": base, "zero": 0.0}[start]
    if warm_up == 0 or step + early >= warm_up:
        return top
    return low + (top - low) * (step + early) / warm_up


@notebook.function(
    cases=[
        (0, 0.1, 8, 100),
        (100, 0.1, 8, 100),
        (50, 0.1, 8, 100),
        (5000, 0.1, 8, 100),
        (1, 0.05, 4, 10),
        (9, 0.05, 4, 10),
        (3, 0.2, 1, 10),
        (0, 0.1, 16, 0),
    ],
    mistakes=[
        (
            "A batch k times as large has k times fewer steps an epoch: by the linear rule its "
            "rate is k times as high.",
            lambda *a: _rate(*a, rule="none"),
        ),
        (
            "That is the square root of the factor, another rule; the one asked for is linear.",
            lambda *a: _rate(*a, rule="root"),
        ),
        (
            "The rate goes up with the batch, not down.",
            lambda *a: _rate(*a, rule="down"),
        ),
        (
            "The warm-up of Goyal and others begins at the rate of one process, not at 0.",
            lambda *a: _rate(*a, start="zero"),
        ),
        (
            "Step 0 has the rate of one process, step warm_up the full one: you are early.",
            lambda *a: _rate(*a, early=1),
        ),
        (
            "You left out the warm-up: in the first steps the weights change quickly, and the full "
            "rate is too much.",
            lambda step, base, factor, warm_up: base * factor,
        ),
        (
            "Behind the warm-up the rate stays; it must not go on rising.",
            lambda step, base, factor, warm_up: (
                base + base * (factor - 1) * step / warm_up if warm_up else base * factor
            ),
        ),
    ],
    hints=[
        "Two numbers first: the rate at the end of the warm-up, and that at its beginning. Between "
        "them, a straight line.",
        "top = base * factor. Where step < warm_up: base + (top - base) * step / warm_up.",
        "if step >= warm_up: return base * factor; return base + base * (factor - 1) * step / "
        "warm_up",
    ],
)
def rate(step: int, base: float, factor: int, warm_up: int) -> float:
    """More processes, a higher rate."""
    return _rate(step, base, factor, warm_up)


Plans = Sequence[Sequence[Sequence[int]]]


def _audit(
    plans: Plans,
    lengths: Sequence[int],
    waits: str = "frames",
    twice: str = "items",
    steps: str = "differ",
    over: str = "all",
) -> tuple[int, int, bool, float]:
    """What is wrong with the batches of all processes, or a wrong answer."""
    seen = np.zeros(len(lengths), dtype=int)
    for plan in plans:
        for items in plan:
            for i in items:
                seen[i] += 1
    missed = int((seen == 0).sum())
    doubled = int((seen > 1).sum()) if twice == "items" else int(np.maximum(seen - 1, 0).sum())
    if twice == "within":  # a process for itself
        doubled = sum(
            int((np.bincount(np.concatenate([*plan, []]).astype(int)) > 1).sum()) for plan in plans
        )
    counts = [len(plan) for plan in plans]
    hangs = len(set(counts)) > 1 if steps == "differ" else max(counts) != counts[0]
    cost = []
    for step in range(min(counts)):
        work = []
        for plan in plans:
            sizes = [lengths[i] for i in plan[step]]
            padded = max(sizes) * len(sizes)
            work.append({"frames": padded, "sum": sum(sizes), "longest": max(sizes)}[waits])
        cost.append(work)
    table = np.array(cost, dtype=float)
    slowest = table.max(axis=1, keepdims=True)
    if over == "steps":
        idle = float(np.mean(1 - table.mean(axis=1) / slowest[:, 0]))
    else:
        idle = float(1 - table.sum() / (slowest.sum() * table.shape[1]))
    return missed, doubled, bool(hangs), idle


@notebook.function(
    cases=[
        Case(([[[0], [1]], [[2], [3]]], [5, 5, 5, 5]), "plans [[[0], [1]], [[2], [3]]], 4 × 5"),
        Case(
            ([[[0, 1]], [[2, 3]]], [10, 20, 30, 40]),
            "plans [[[0, 1]], [[2, 3]]], lengths 10 20 30 40",
        ),
        Case(
            ([[[0, 1], [2]], [[1, 3], [0]]], [4, 8, 2, 6, 5]),
            "plans [[[0, 1], [2]], [[1, 3], [0]]], lengths 4 8 2 6 5",
        ),
        Case(
            ([[[0, 1], [2, 3], [4]], [[5, 6], [7, 8]]], [3, 4, 9, 9, 1, 4, 4, 2, 8]),
            "plans of 3 and 2 steps, 9 items",
        ),
        Case(
            ([[[0, 0], [1]], [[2], [0]], [[3], [4]]], [6, 2, 3, 9, 9, 1]),
            "plans of three processes, item 0 three times",
        ),
        Case(
            ([[[0]], [[1], [2]], [[3], [4]]], [2, 4, 4, 8, 8]),
            "plans of 1, 2 and 2 steps",
        ),
    ],
    mistakes=[
        (
            "An item that comes three times is still one item that comes more than once: count "
            "items, not extra visits.",
            lambda p, n: _audit(p, n, twice="visits"),
        ),
        (
            "Two processes may have the same item as well: count over all of them together.",
            lambda p, n: _audit(p, n, twice="within"),
        ),
        (
            "A padded batch takes the time of its longest item, as often as it has items: not the "
            "sum of the lengths.",
            lambda p, n: _audit(p, n, waits="sum"),
        ),
        (
            "The work of a batch is longest times items; you took the longest alone.",
            lambda p, n: _audit(p, n, waits="longest"),
        ),
        (
            "Idle is a share of all the time: sum over the steps first, then divide. A mean of the "
            "steps' shares counts a short step as much as a long one.",
            lambda p, n: _audit(p, n, over="steps"),
        ),
    ],
    hints=[
        "Four questions, one after the other. For the first two, count how often each item comes, "
        "over all processes: np.bincount or collections.Counter.",
        "In each step all wait for the one with the most padded frames. The time of the step is "
        "that maximum, for each process; what a process does itself may be less.",
        "work = np.array([[max(lengths[i] for i in b) * len(b) for b in step] for step in "
        "zip(*plans)]); idle = 1 - work.sum() / (work.max(axis=1).sum() * len(plans))",
    ],
)
def audit(plans: Plans, lengths: Sequence[int]) -> tuple[int, int, bool, float]:
    """Where sharding breaks."""
    return _audit(plans, lengths)


CAUSES = {
    "A": "the data come too slowly",
    "B": "too many tiny operations",
    "C": "the layers compute",
}
_KNOWN = [*CAUSES.values(), "the processes wait for each other"]
_WHY = {
    "A": "Look at what share of the step is spent before the first layer begins.",
    "B": "Compare how often the operations are called with how long one call takes.",
    "C": "Two lines of the recurrent layers take most of it, in few and long calls.",
}


@notebook.open(
    hints=[
        "Ask of each table: which line takes most of the time, how often is it called, and how "
        "long does one call take?",
        "A line that is not an operation of torch at all is outside of the model. Thousands of "
        "calls of some microseconds each are overhead, not work. One of them is as it should be.",
        'profile = {"A": ..., "B": ..., "C": ...}: the first one waits for its loader, the second '
        "one was given a loop in Python where there is a layer.",
    ],
)
def profile(answer: Any) -> str:
    """Read three profiles."""
    if not isinstance(answer, Mapping):
        raise WrongAnswer(
            f'The answer is a {type(answer).__name__}; it must be a dictionary, {{"A": ...}}.'
        )
    if missing := [name for name in CAUSES if name not in answer or answer[name] is ...]:
        raise WrongAnswer(f"It says nothing about {', '.join(missing)}.")
    for name in CAUSES:
        if answer[name] not in _KNOWN:
            raise WrongAnswer(f"{answer[name]!r:.60} is none of the four; copy one from the text.")
    if wrong := [name for name in CAUSES if answer[name] != CAUSES[name]]:
        if answer[wrong[0]] == _KNOWN[3]:
            raise WrongAnswer(
                f"{wrong[0]}: there is one process; a table of several would have a line for the "
                f"exchange. {_WHY[wrong[0]]}"
            )
        raise WrongAnswer(f"{wrong[0]}: {_WHY[wrong[0]]}")
    return (
        "The cures: A, workers that prepare batches ahead; B, one call of a library's layer; C, "
        "fewer numbers, lower precision, or more devices."
    )


_FIGURES = ("planned_hours", "measured_seconds", "measured_share")
_HOURS = 100.6  # of LibriSpeech's part that the exercise plans
_SLOWEST, _FASTEST = 2, 50_000  # times real time, with the small network: a tired laptop, a GPU


@notebook.open(
    hints=[
        "recognition.plan(recipe, 100.6) gives hours_epoch. budget.measured(recipe, hours) trains "
        "on so many hours of sound and gives seconds. What is 1 % of 100.6 hours?",
        "Then multiply: seconds / 3600 divided by the share you measured is an epoch in hours. "
        "Which of the two is larger, and what did the plan not know?",
        'small = recognition.RECIPES["digits"]; found = '
        'budget.measured(small, 1.006); epoch = {..., "measured_seconds": found["seconds"], '
        '"measured_share": 0.01, "ratio": ...}',
    ],
)
def epoch(answer: Any) -> str:
    """An epoch, and a hundredth of it."""
    names = {"what made the difference": r"padd|length|long|batch|warm|busy|cache|memory|thread"}
    read_finding(answer, {"because": names}, others=[*_FIGURES, "ratio"], what="finding")
    for name in (*_FIGURES, "ratio"):
        value = answer[name]
        if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value < 1e9:
            raise WrongAnswer(f"{name!r} must be a positive number, got {value!r:.40}.")
    share, planned = answer["measured_share"], answer["planned_hours"]
    if share > 1:
        raise WrongAnswer(
            f'"measured_share" is {share:g}: more than an epoch. 1 % is 0.01, of 100.6 h.'
        )
    hours = answer["measured_seconds"] / 3600 / share
    if not _SLOWEST < _HOURS / planned < _FASTEST:
        raise WrongAnswer(
            f'"planned_hours" is {planned:g}: for {_HOURS} h of sound that is '
            f"{_HOURS / planned:.3g} times real time. With so small a network a "
            "computer does some ten to some thousands. "
            'Report "hours_epoch" of the plan, which is in hours.'
        )
    expected = hours / planned
    if not 0.98 * expected <= answer["ratio"] <= 1.02 * expected:
        if 0.98 / expected <= answer["ratio"] <= 1.02 / expected:
            raise WrongAnswer("The ratio is measured by planned; yours is the other way round.")
        raise WrongAnswer(
            f"{answer['measured_seconds']:g} s for a share of {share:g} are {hours:.3g} h an "
            f"epoch; by {planned:g} h planned that is {expected:.3g}, not {answer['ratio']:g}."
        )
    if not 0.1 < expected < 10:
        raise WrongAnswer(
            f"Measured {hours:.3g} h, planned {planned:g} h: a factor of {expected:.3g}. Did both "
            "use the same recipe, and are hours hours?"
        )
    return (
        f"Planned {planned:.3g} h, measured {hours:.3g} h: a factor of {expected:.2f}. A plan "
        "that is right within a factor of two has done its work: it said hours, not weeks."
    )


notebook.set_quiz(
    Question(
        "Two processes train with half of each batch each. What travels between them in a step?",
        [
            Option(
                "The weights: process 0 sends its new ones to the others.",
                "Only once, at the start. Afterwards equal weights and equal gradients stay equal.",
            ),
            Option(
                "The batch: process 0 reads it and sends the halves.",
                "Each reads its own share; the sampler tells it which, from seed and rank alone.",
            ),
            Option(
                "The gradients, and the sums of batch normalisation.",
                "With both, each process takes the step that one with the whole batch would take.",
                correct=True,
            ),
            Option(
                "The losses, so that all know the mean.",
                "A loss is one number and moves no weight; its gradient is what is exchanged.",
            ),
        ],
    ),
    Question(
        "The last step has 7 items: process 0 has 4, process 1 has 3. Both take the mean of their "
        "losses, the gradients are averaged. What is wrong?",
        [
            Option(
                "Nothing: a mean of means is the mean.",
                "Only where the counts are equal. Here an item of process 1 counts 4/3 as much.",
            ),
            Option(
                "Items of process 1 count for more than those of process 0.",
                "Each mean has half of the say, and process 1's half is shared by three.",
                correct=True,
            ),
            Option(
                "The gradient is half as long as it should be.",
                "An average of means is no shorter than a mean. Its direction is off.",
            ),
            Option(
                "Process 1 waits for ever for a fourth item.",
                "It has a batch, only a smaller one. It would wait if the *steps* differed.",
            ),
        ],
    ),
    Question(
        "64 times the batch, 64 times the rate, 8 steps in all: the loss grows without bound. With "
        "a warm-up over 2 or 4 of them it does so as well. What does that tell you?",
        [
            Option(
                "The warm-up was too short: given enough steps, any rate is safe.",
                "It was short, since 8 steps leave no room for one. But it helps only where a rate "
                "is too high for the *first* steps; it makes no rate safe.",
            ),
            Option(
                "Here the linear rule has ended, and so few steps leave a warm-up no room.",
                "The rule holds as long as the gradients hardly change over the steps that are put "
                "together. A smaller batch, less than k times the rate, or more epochs are left.",
                correct=True,
            ),
            Option(
                "The processes do not see the same weights.",
                "Then the copies would differ; in section 5 there was one process only.",
            ),
            Option(
                "Large batches need float64.",
                "The step was too long, not the numbers too short.",
            ),
        ],
    ),
    Question(
        "In float16 a gradient of 1e-9 becomes 0. What does loss scaling do about it?",
        [
            Option(
                "It multiplies the loss, so all gradients are larger, and divides them again "
                "before the step.",
                "Sums and products stay in the range of float16; the division is done in float32.",
                correct=True,
            ),
            Option(
                "It raises the learning rate where gradients are small.",
                "A zero times any rate is zero: what is lost in the backward pass stays lost.",
            ),
            Option(
                "It stores small gradients as bfloat16.",
                "bfloat16 would not need it: its range is that of float32. That is the other cure.",
            ),
            Option(
                "It clips the gradient's norm.",
                "Clipping shortens long gradients. Here the short ones get lost.",
            ),
        ],
    ),
    Question(
        "Four small batches are accumulated instead of one large one, and the model has batch "
        "normalisation. Is the gradient the same?",
        [
            Option(
                "Yes: gradients add up, to rounding.",
                "They do for each item, if the items do not know each other. Here they do.",
            ),
            Option(
                "No: each small batch has its own mean and variance.",
                "Like processes that do not synchronise; but here the others' statistics are not "
                "there yet, so nothing can be exchanged.",
                correct=True,
            ),
            Option(
                "No: it is four times as long.",
                "Each is weighed by its share of the items, as `fit` does.",
            ),
            Option(
                "Yes, as long as all items have the same length.",
                "Lengths have nothing to do with it; other items still change the statistics.",
            ),
        ],
    ),
    Question(
        "16 GPUs train 12 times as fast as one. Who pays for the missing 4?",
        [
            Option(
                "Nobody: the training is over sooner.",
                "It is over sooner, and each hour of all 16 is paid for.",
            ),
            Option(
                "You: the same training costs a third more device-hours.",
                "16/12 of them. You buy time with money; whether that is a good trade is yours "
                "to say.",
                correct=True,
            ),
            Option(
                "The model: it learns a quarter less.",
                "It takes the same steps on the same items. It is only late.",
            ),
            Option(
                "The next training: the cache is warm by then.",
                "Exchanging and waiting come back with each step.",
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
