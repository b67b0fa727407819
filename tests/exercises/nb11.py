import math
from collections import Counter

import numpy as np

from tests.exercises import Answers


def update(prefix, beam, frame):
    """Probabilities of the paths of a prefix that end in a blank, and in its last letter."""
    ...


def update_solution(prefix, beam, frame):
    b, n = beam.get(prefix, (0, 0))
    if not prefix:
        return (b + n) * frame["-"], 0.0
    pb, pn = beam.get(prefix[:-1], (0, 0))
    before = pb if prefix[:-1].endswith(prefix[-1]) else pb + pn
    return (b + n) * frame["-"], (n + before) * frame[prefix[-1]]


def update_by_pushing(prefix, beam, frame):
    blank, label = Counter(), Counter()
    for text, (b, n) in beam.items():
        for token, p in frame.items():
            if token == "-":
                blank[text] += (b + n) * p
            elif text and text[-1] == token:
                label[text] += n * p
                label[text + token] += b * p
            else:
                label[text + token] += (b + n) * p
    return [blank[prefix], label[prefix]]


def update_that_doubles_from_both(prefix, beam, frame):
    b, n = beam.get(prefix, (0, 0))
    if not prefix:
        return (b + n) * frame["-"], 0.0
    return (b + n) * frame["-"], (n + sum(beam.get(prefix[:-1], (0, 0)))) * frame[prefix[-1]]


def update_that_stays_from_both(prefix, beam, frame):
    blank, label = update_solution(prefix, beam, frame)
    return blank, label + beam.get(prefix, (0, 0))[0] * frame.get(prefix[-1:], 0)


def update_without_staying(prefix, beam, frame):
    blank, label = update_solution(prefix, beam, frame)
    return blank, label - beam.get(prefix, (0, 0))[1] * frame.get(prefix[-1:], 0)


def update_without_merging(prefix, beam, frame):
    b, n = beam.get(prefix, (0, 0))
    return (b + n) * frame["-"], n * frame.get(prefix[-1:], 0)


def update_blank_alone(prefix, beam, frame):
    return beam.get(prefix, (0, 0))[0] * frame["-"], update_solution(prefix, beam, frame)[1]


def probability(pairs, h, w, D):
    """P(w | h), each count lowered by D."""
    ...


def probability_solution(pairs, h, w, D):
    below = sum(v == w for _, v in pairs) / len(pairs)
    total = sum(n for (u, _), n in pairs.items() if u == h)
    kinds = sum(u == h for u, _ in pairs)
    if total == 0:
        return below
    return max(pairs.get((h, w), 0) - D, 0) / total + D * kinds / total * below


def probability_by_lists(pairs, h, w, D):
    followers = {v: n for (u, v), n in pairs.items() if u == h}
    continuation = len({u for u, v in pairs if v == w}) / len(set(pairs))
    if not followers:
        return continuation
    taken = [max(n - D, 0) for n in followers.values()]
    left = sum(followers.values()) - sum(taken)
    share = max(followers[w] - D, 0) if w in followers else 0
    return np.float64((share + left * continuation) / sum(followers.values()))


def probability_by_occurrence(pairs, h, w, D):
    below = sum(n for (_, v), n in pairs.items() if v == w) / sum(pairs.values())
    total = sum(n for (u, _), n in pairs.items() if u == h)
    kinds = sum(u == h for u, _ in pairs)
    if total == 0:
        return below
    return max(pairs.get((h, w), 0) - D, 0) / total + D * kinds / total * below


def probability_without_the_rest(pairs, h, w, D):
    total = sum(n for (u, _), n in pairs.items() if u == h)
    if total == 0:
        return sum(v == w for _, v in pairs) / len(pairs)
    return max(pairs.get((h, w), 0) - D, 0) / total


def probability_that_takes_once(pairs, h, w, D):
    below = sum(v == w for _, v in pairs) / len(pairs)
    total = sum(n for (u, _), n in pairs.items() if u == h)
    if total == 0:
        return below
    return max(pairs.get((h, w), 0) - D, 0) / total + D / total * below


def probability_below_zero(pairs, h, w, D):
    below = sum(v == w for _, v in pairs) / len(pairs)
    total = sum(n for (u, _), n in pairs.items() if u == h)
    if total == 0:
        return below
    kinds = sum(u == h for u, _ in pairs)
    return (pairs.get((h, w), 0) - D) / total + D * kinds / total * below


def probability_that_backs_off(pairs, h, w, D):
    total = sum(n for (u, _), n in pairs.items() if u == h)
    if (h, w) in pairs:
        return (pairs[h, w] - D) / total
    return probability_solution(pairs, h, w, D)


def probability_of_counts(pairs, h, w, D):
    return pairs.get((h, w), 0) / sum(n for (u, _), n in pairs.items() if u == h)


def report(dev, test):
    """The honest test figure."""
    ...


def report_in_a_loop(dev, test):
    best, figure = math.inf, None
    for i in range(dev.shape[0]):
        for j in range(dev.shape[1]):
            if dev[i, j] < best:
                best, figure = dev[i, j], test[i, j]
    return figure


def mended_search(rows, names, width): ...


def search_solution(rows, names, width):
    beam = {"": (1.0, 0.0)}
    for row in rows:
        after = {}

        def add(text, blank, label, after=after):
            old = after.get(text, (0, 0))
            after[text] = (old[0] + blank, old[1] + label)

        for text, (blank, label) in beam.items():
            for name, p in zip(names, row, strict=True):
                if name == "-":
                    add(text, (blank + label) * p, 0)
                elif name == text[-1:]:
                    add(text, 0, label * p)
                    add(text + name, 0, blank * p)
                else:
                    add(text + name, 0, (blank + label) * p)
        best = sorted(after, key=lambda text: sum(after[text]), reverse=True)
        beam = {text: after[text] for text in best[:width]}
    return {text: sum(pair) for text, pair in beam.items() if sum(pair)}


def search_by_update(rows, names, width):
    beam = {"": (1.0, 0.0)}
    for row in rows:
        frame = dict(zip(names, row, strict=True))
        texts = {*beam, *(text + name for text in beam for name in names if name != "-")}
        after = {text: update_solution(text, beam, frame) for text in texts}
        best = sorted((t for t in after if sum(after[t])), key=lambda t: -sum(after[t]))
        beam = {text: after[text] for text in best[:width]}
    return {text: sum(pair) for text, pair in beam.items() if sum(pair)}


def wrong_search(rows, names, width):
    beam = {"": (1.0, 0.0)}
    for row in rows:
        after = {}
        for text, (blank, label) in beam.items():
            for name, p in zip(names, row, strict=True):
                if name == "-":
                    after[text] = ((blank + label) * p, after.get(text, (0, 0))[1])
                elif name == text[-1:]:
                    after[text] = (after.get(text, (0, 0))[0], (blank + label) * p)
                else:
                    after[text + name] = (0.0, (blank + label) * p)
        best = sorted(after, key=lambda text: max(after[text]), reverse=True)
        beam = {text: after[text] for text in best[:width]}
    return {text: sum(pair) for text, pair in beam.items() if sum(pair)}


def merged_but_joined_and_ranked_by_one(rows, names, width):
    beam = {"": (1.0, 0.0)}
    for row in rows:
        after = {}

        def add(text, blank, label, after=after):
            old = after.get(text, (0, 0))
            after[text] = (old[0] + blank, old[1] + label)

        for text, (blank, label) in beam.items():
            for name, p in zip(names, row, strict=True):
                if name == "-":
                    add(text, (blank + label) * p, 0)
                elif name == text[-1:]:
                    add(text, 0, (blank + label) * p)
                else:
                    add(text + name, 0, (blank + label) * p)
        best = sorted(after, key=lambda text: max(after[text]), reverse=True)
        beam = {text: after[text] for text in best[:width]}
    return {text: sum(pair) for text, pair in beam.items() if sum(pair)}


def ranked_by_one(rows, names, width):
    beam = {"": (1.0, 0.0)}
    for row in rows:
        frame = dict(zip(names, row, strict=True))
        texts = list(dict.fromkeys([*beam, *(t + n for t in beam for n in names if n != "-")]))
        after = {text: update_solution(text, beam, frame) for text in texts}
        after = {text: pair for text, pair in after.items() if sum(pair)}
        best = sorted(after, key=lambda text: max(after[text]), reverse=True)
        beam = {text: after[text] for text in best[:width]}
    return {text: sum(pair) for text, pair in beam.items() if sum(pair)}


FINDING = {
    "question": "Does a longer history help the beam?",
    "expected": "A little, up to five letters.",
    "found": "Order six made fewer errors than order three.",
    "rates": {"order 3": 0.12, "order 6": 0.08},
    "chosen_on": "dev",
}

ANSWERS = {
    "tipping_point": Answers(
        solution=0.7071,
        stub=...,
        also_right=[math.sqrt(0.5), np.float64(0.5) ** 0.5],
        wrong=[
            (0.5, "where the best path changes"),
            (0.6667, "the path aa also collapses to a"),
            (0.6, "a still has 0.64"),
            ("0.7071", "not a text"),
        ],
    ),
    "update": Answers(
        solution=update_solution,
        stub=update,
        also_right=[update_by_pushing],
        wrong=[
            (update_that_doubles_from_both, "only begin behind a blank"),
            (update_that_stays_from_both, "would be a new one"),
            (update_without_staying, "the path lives on"),
            (update_without_merging, "end in the same prefix, and must be added"),
            (update_blank_alone, "A blank may follow both"),
            (lambda *a: update_solution(*a)[::-1], "changed places"),
            (lambda p, beam, f: (sum(beam[p]) * f["-"], beam[p][1] * f[p[-1]]), "raised"),
        ],
    ),
    "probability": Answers(
        solution=probability_solution,
        stub=probability,
        also_right=[probability_by_lists],
        wrong=[
            (probability_by_occurrence, "after how many different words w was seen"),
            (probability_without_the_rest, "What was taken off is lost"),
            (probability_that_takes_once, "so D · n(h) is left over"),
            (probability_below_zero, "Nothing can be taken"),
            (probability_that_backs_off, "that is backing off"),
            (probability_of_counts, "plain share of the counts"),
        ],
    ),
    "report": Answers(
        solution=lambda dev, test: test.ravel()[dev.argmin()],
        stub=report,
        also_right=[
            report_in_a_loop,
            lambda dev, test: test[np.unravel_index(np.argmin(dev), dev.shape)],
        ],
        wrong=[
            (lambda dev, test: test.min(), "has chosen on it"),
            (lambda dev, test: np.min(dev), "it is too good"),
            (lambda dev, test: test.mean(), "no system's error rate"),
            (lambda dev, test: dev.ravel()[test.argmin()], "read off the development set"),
            (lambda dev, test: test.ravel()[dev.argmax()], "argmin, not argmax"),
            (lambda dev, test: test[dev == dev.min()].min(), "take the first"),
            (lambda dev, test: dev.argmin(), "got"),
        ],
    ),
    "mended_search": Answers(
        solution=search_solution,
        stub=mended_search,
        also_right=[search_by_update],
        wrong=[
            (wrong_search, "All three bugs are left"),
            (merged_but_joined_and_ranked_by_one, "Two bugs are left. One of them: a letter after"),
            (ranked_by_one, "One bug is left: the beam keeps those with the largest"),
            (lambda rows, names, width: {"a": 1.0}, "got the keys"),
        ],
    ),
    "finding": Answers(
        solution=FINDING,
        stub=None,
        also_right=[
            {**FINDING, "chosen_on": "nothing"},
            {**FINDING, "rates": {"a": 0, "b": np.float64(1.2)}},
        ],
        wrong=[
            ("it is better", "it must be a dictionary"),
            ({"question": "Is it so?"}, "It has no expected, found, rates, chosen_on."),
            ({**FINDING, "found": "yes"}, "'found' must be a sentence of five words"),
            ({**FINDING, "rates": {"order 3": 0.02}}, "at least two error rates"),
            ({**FINDING, "rates": {"a": 0.1, "b": float("nan")}}, "The rate of 'b' is nan"),
            ({**FINDING, "rates": {"a": 0.1, "b": "less"}}, "The rate of 'b' is 'less'"),
            ({**FINDING, "chosen_on": "train"}, 'is "dev", "test" or'),
            ({**FINDING, "chosen_on": "test"}, "no test figure any more"),
        ],
    ),
}
