"""Answers to the exercises of notebook 15."""

from collections import Counter

import numpy as np

from tests.exercises import Answers


def factors(items):
    """What each process's mean loss is multiplied by."""
    ...


def factors_solution(items):
    return [len(items) * n / sum(items) for n in items]


def ring(gradients):
    """What each process holds after each step."""
    ...


def ring_solution(gradients):
    n = len(gradients)
    held = np.stack(np.split(np.asarray(gradients, float), n, axis=1), axis=1)
    states = []
    for step in range(2 * (n - 1)):
        for r in range(n):
            right = (r + 1) % n
            if step < n - 1:
                held[right, (r - step) % n] += held[r, (r - step) % n]
            else:
                piece = (r + 1 - (step - n + 1)) % n
                held[right, piece] = held[r, piece]
        states.append(held.reshape(n, -1).copy())
    return np.array(states)


def ring_with(change):
    """The solution with one thing wrong."""

    def wrong(gradients):
        n = len(gradients)
        held = np.stack(np.split(np.asarray(gradients, float), n, axis=1), axis=1)
        states = []
        for step in range(2 * (n - 1) if change != "half" else n - 1):
            for r in range(n):
                to = (r - 1 if change == "left" else r + 1) % n
                first = step < n - 1
                piece = (r - step if first else r + 1 - (step - n + 1)) % n
                adds = {"always": True, "never": False}.get(change, first)
                held[to, piece] = held[r, piece] + (held[to, piece] if adds else 0)
            states.append(held.reshape(n, -1).copy())
        return np.array(states)

    return wrong


def ring_of_lists(gradients):
    return [state.tolist() for state in ring_solution(gradients)]


def rate(step, base, factor, warm_up):
    """The learning rate of a step."""
    ...


def rate_solution(step, base, factor, warm_up):
    if step >= warm_up:
        return base * factor
    return base + base * (factor - 1) * step / warm_up


def rate_by_interpolation(step, base, factor, warm_up):
    if not warm_up:
        return base * factor
    return float(np.interp(step, [0, warm_up], [base, base * factor]))


def audit(plans, lengths):
    """Missed, more than once, hangs, idle share."""
    ...


def audit_solution(plans, lengths):
    seen = Counter(i for plan in plans for batch in plan for i in batch)
    missed = len(lengths) - len(seen)
    doubled = sum(count > 1 for count in seen.values())
    hangs = len({len(plan) for plan in plans}) > 1
    work = np.array(
        [[len(b) * max(lengths[i] for i in b) for b in step] for step in zip(*plans, strict=False)]
    )
    idle = 1 - work.sum() / (work.max(axis=1).sum() * len(plans))
    return missed, doubled, hangs, float(idle)


def audit_with(change):
    """The solution with one thing wrong."""

    def wrong(plans, lengths):
        missed, doubled, hangs, idle = audit_solution(plans, lengths)
        seen = Counter(i for plan in plans for batch in plan for i in batch)
        if change == "visits":
            doubled = sum(count - 1 for count in seen.values())
        if change == "within":
            doubled = 0
            for plan in plans:
                own = Counter(i for batch in plan for i in batch)
                doubled += sum(count > 1 for count in own.values())
        if change in ("sum", "longest", "steps"):
            work = []
            for step in zip(*plans, strict=False):
                sizes = [[lengths[i] for i in b] for b in step]
                how = {"sum": sum, "longest": max}.get(change, lambda s: max(s) * len(s))
                work.append([how(s) for s in sizes])
            work = np.array(work)
            idle = 1 - work.sum() / (work.max(axis=1).sum() * len(plans))
            if change == "steps":
                idle = float(np.mean(1 - work.mean(axis=1) / work.max(axis=1)))
        if change == "never hangs":
            hangs = False
        return missed, doubled, hangs, float(idle)

    return wrong


PROFILE = {
    "A": "the data come too slowly",
    "B": "too many tiny operations",
    "C": "the layers compute",
}
EPOCH = {
    "planned_hours": 0.5,
    "measured_seconds": 20.0,
    "measured_share": 0.01,
    "ratio": 1.111,
    "because": "The plan knew no padding and took all utterances to be equally long.",
}


ANSWERS = {
    "factors": Answers(
        solution=factors_solution,
        stub=factors,
        also_right=[lambda items: np.array(items) * len(items) / np.sum(items)],
        wrong=[
            (lambda items: [n / sum(items) for n in items], "which your factor must undo"),
            (lambda items: [1.0] * len(items), "the mean of the means"),
            (lambda items: list(map(float, items)), "still be divided"),
            (lambda items: [sum(items) / len(items) / n for n in items], "upside down"),
            (lambda items: [n / max(items) for n in items], "not by the most"),
        ],
    ),
    "ring": Answers(
        solution=ring_solution,
        stub=ring,
        also_right=[ring_with("")],
        wrong=[
            (ring_with("always"), "they replace what is there"),
            (ring_with("never"), "added to the receiver's own"),
            (ring_with("half"), "now these must go round"),
            (ring_with("left"), "its right neighbour"),
            (lambda g: ring_solution(g)[-1], "one below the other"),
        ],
    ),
    "rate": Answers(
        solution=rate_solution,
        stub=rate,
        also_right=[rate_by_interpolation],
        wrong=[
            (lambda s, b, f, w: b, "k times as high"),
            (
                lambda s, b, f, w: b * (f**0.5 if s >= w else 1 + (f**0.5 - 1) * s / w),
                "square root",
            ),
            (lambda s, b, f, w: b * f * min(1, s / w if w else 1), "not at 0"),
            (lambda s, b, f, w: b * f, "left out the warm-up"),
            (lambda s, b, f, w: rate_solution(s + 1, b, f, w), "you are early"),
            (
                lambda s, b, f, w: b + b * (f - 1) * s / w if w else b * f,
                "must not go on rising",
            ),
        ],
    ),
    "audit": Answers(
        solution=audit_solution,
        stub=audit,
        also_right=[audit_with("")],
        wrong=[
            (audit_with("visits"), "not extra visits"),
            (audit_with("within"), "over all of them together"),
            (audit_with("sum"), "not the sum of the lengths"),
            (audit_with("longest"), "longest times items"),
            (audit_with("steps"), "counts a short step as much"),
            (audit_with("never hangs"), "got"),
        ],
    ),
    "profile": Answers(
        solution=PROFILE,
        stub=None,
        wrong=[
            ("A", "it must be a dictionary"),
            ({"A": PROFILE["A"]}, "says nothing about B, C"),
            ({**PROFILE, "B": "slow"}, "none of the four"),
            ({**PROFILE, "A": PROFILE["C"]}, "before the first layer begins"),
            ({**PROFILE, "B": PROFILE["C"]}, "how often the operations are called"),
            ({**PROFILE, "C": "the processes wait for each other"}, "there is one process"),
        ],
    ),
    "epoch": Answers(
        solution=EPOCH,
        stub=None,
        also_right=[{**EPOCH, "measured_share": 1e-3, "measured_seconds": 2.0}],
        wrong=[
            ([0.5, 20], "it must be a dictionary"),
            ({**EPOCH, "because": "It was so."}, "a sentence of five words"),
            ({**EPOCH, "because": "My machine is a good one, really."}, "what made the difference"),
            ({**EPOCH, "planned_hours": "half"}, "'planned_hours' must be a positive number"),
            ({**EPOCH, "measured_share": 1}, "0.00556 h an epoch"),
            ({**EPOCH, "measured_share": 100}, "more than an epoch"),
            ({**EPOCH, "ratio": 0.9}, "the other way round"),
            ({**EPOCH, "ratio": 5.0}, "by 0.5 h planned"),
            (
                {**EPOCH, "planned_hours": 0.001, "measured_seconds": 0.04},
                "for 100.6 h of sound that is 1.01e+05 times real time",
            ),
            (
                {**EPOCH, "planned_hours": 100, "measured_seconds": 4000},
                "is 100: for 100.6 h of sound",
            ),
            (
                {**EPOCH, "measured_seconds": 2e4, "ratio": 1111.1},
                "Did both use the same recipe",
            ),
        ],
    ),
}
