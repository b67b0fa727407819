"""Answers to the exercises of notebook 14."""

import numpy as np

from tests.exercises import Answers


def ends(power, below_db, least):
    """First piece of the speech, and the piece behind its last."""
    ...


def ends_with(tens=10.0, click=None, behind=0, which=-1, nothing=None):
    def found(power, below_db, least):
        loud = power >= power.max() * 10 ** (-below_db / tens)
        runs, start = [], None
        for i, one in enumerate([*loud, False]):
            if one and start is None:
                start = i
            if not one and start is not None:
                runs.append((start, i))
                start = None
        runs = [(a, b) for a, b in runs if b - a >= (least if click is None else click)]
        if not runs:
            return (0, len(power)) if nothing is None else nothing
        return runs[0][0], runs[which][1] - behind

    return found


def ends_by_strides(power, below_db, least):
    loud = np.pad(power >= power.max() / 10 ** (below_db / 10), (0, least))
    long = np.array([loud[i : i + least].all() for i in range(len(power))])
    if not long.any():
        return 0, len(power)
    first, last = np.flatnonzero(long)[[0, -1]]
    return first, last + least


def sure(texts):
    """The confidence of each word of the best text."""
    ...


def sure_solution(texts):
    s = np.array([score for _, score in texts])
    p = np.exp(s - s.max())
    p = p / p.sum()
    best = texts[0][0]
    return np.array(
        [
            sum(q for (words, _), q in zip(texts, p, strict=True) if words[i : i + 1] == [word])
            for i, word in enumerate(best)
        ]
    )


def sure_in_a_loop(texts):
    top = max(score for _, score in texts)
    total = sum(np.exp(score - top) for _, score in texts)
    found = []
    for i, word in enumerate(texts[0][0]):
        share = 0.0
        for words, score in texts:
            if len(words) > i and words[i] == word:
                share += np.exp(score - top) / total
        found.append(share)
    return found


def sure_overflowing(texts):
    s = np.exp([score for _, score in texts])
    with np.errstate(invalid="ignore"):
        p = s / s.sum()
    return sure_of(texts, p)


def sure_of(texts, p):
    return np.array(
        [
            sum(q for (words, _), q in zip(texts, p, strict=True) if words[i : i + 1] == [word])
            for i, word in enumerate(texts[0][0])
        ]
    )


def sure_anywhere(texts):
    s = np.array([score for _, score in texts])
    p = np.exp(s - s.max())
    p = p / p.sum()
    return np.array(
        [
            sum(q for (words, _), q in zip(texts, p, strict=True) if word in words)
            for word in texts[0][0]
        ]
    )


def sure_of_the_text(texts):
    s = np.array([score for _, score in texts])
    p = np.exp(s - s.max())
    return np.full(len(texts[0][0]), p[0] / p.sum())


def paired(before, after, words, draws):
    """The ends of the interval of the difference."""
    ...


def paired_solution(before, after, words, draws):
    less = (before - after)[draws].sum(axis=1) / words[draws].sum(axis=1)
    return tuple(np.quantile(less, [0.025, 0.975]))


def paired_in_a_loop(before, after, words, draws):
    less = []
    for draw in draws:
        size = sum(words[i] for i in draw)
        less.append(sum(before[i] for i in draw) / size - sum(after[i] for i in draw) / size)
    return np.quantile(less, 0.025), np.quantile(less, 0.975)


def paired_apart(before, after, words, draws):
    size = words[draws].sum(axis=1)
    a = np.quantile(before[draws].sum(axis=1) / size, [0.025, 0.975])
    b = np.quantile(after[draws].sum(axis=1) / size, [0.025, 0.975])
    return a[0] - b[1], a[1] - b[0]


def paired_by_all_words(before, after, words, draws):
    return tuple(np.quantile((before - after)[draws].sum(axis=1) / words.sum(), [0.025, 0.975]))


def paired_by_the_mean(before, after, words, draws):
    return tuple(np.quantile(((before - after) / words)[draws].mean(axis=1), [0.025, 0.975]))


def best_mix(tried, old_before, allowed):
    """The share of original sentences to take."""
    ...


def best_mix_solution(tried, old_before, allowed):
    fits = [s for s, (_, old) in tried.items() if old <= old_before + allowed + 1e-9]
    return min(fits, key=lambda s: (tried[s][0], -s)) if fits else None


def best_mix_in_a_loop(tried, old_before, allowed):
    best = None
    for share in sorted(tried, reverse=True):
        new, old = tried[share]
        if old - old_before - allowed > 1e-9:
            continue
        if best is None or new < tried[best][0]:
            best = share
    return best


def best_mix_without_limit(tried, old_before, allowed):
    return min(tried, key=lambda s: (tried[s][0], -s))


def best_mix_in_proportion(tried, old_before, allowed):
    return best_mix_solution(tried, 0.0, old_before * (1 + allowed))


def best_mix_for_the_old(tried, old_before, allowed):
    fits = [s for s, (_, old) in tried.items() if old <= old_before + allowed + 1e-9]
    return min(fits, key=lambda s: tried[s][1]) if fits else None


def best_mix_smallest(tried, old_before, allowed):
    fits = [s for s, (_, old) in tried.items() if old <= old_before + allowed + 1e-9]
    return min(fits, key=lambda s: (tried[s][0], s)) if fits else None


def best_mix_at_any_price(tried, old_before, allowed):
    found = best_mix_solution(tried, old_before, allowed)
    return max(tried) if found is None else found


REPORT = {"A": "nothing", "B": "sentences in both sets", "C": "chosen on the test"}

CARD = {
    "what": "A Deep Speech 2 that writes the 128 words of household commands.",
    "learned_from": "35 synthetic voices, then 20 recordings of one voice in one room.",
    "not_for": "Not for other people, other rooms or anything that can do harm.",
    "old_voices": "On the old test voices the WER of letters is 5 percent now.",
    "privacy": "Its weights may hold traces of the voice that they learned.",
    "wer": {"before": 0.49, "after": 0.13, "low": 0.27, "high": 0.45},
}


def card(**changes):
    return {**CARD, **changes}


def wer(**changes):
    return card(wer={**CARD["wer"], **changes})


ANSWERS = {
    "ends": Answers(
        solution=ends_with(),
        stub=ends,
        also_right=[ends_by_strides],
        wrong=[
            (ends_with(tens=20.0), "10 log10 of a ratio of powers"),
            (ends_with(click=0), "is a click"),
            (ends_with(behind=1), "*behind* the last"),
            (ends_with(which=0), "with the *last* run"),
            (ends_with(nothing=(0, 0)), "keep all of it"),
            (lambda p, b, n: ends_with()(p, b, n + 1), "only fewer are a click"),
        ],
    ),
    "sure": Answers(
        solution=sure_solution,
        stub=sure,
        also_right=[sure_in_a_loop],
        wrong=[
            (sure_overflowing, "Subtract the largest"),
            (sure_anywhere, "same *place*"),
            (sure_of_the_text, "the share of the whole text"),
            (lambda t: sure_of(t, np.full(len(t), 1 / len(t))), "weigh each by its share"),
            (lambda t: sure_of(t, np.exp([s for _, s in t])), "divided by the sum"),
        ],
    ),
    "paired": Answers(
        solution=paired_solution,
        stub=paired,
        also_right=[paired_in_a_loop],
        wrong=[
            (paired_apart, "two separate intervals"),
            (paired_by_all_words, "words of its own"),
            (paired_by_the_mean, "not the mean of the recordings"),
            (lambda b, a, w, d: paired_solution(a, b, w, d), "before minus after"),
            (lambda b, a, w, d: paired_solution(b, a, w, d)[0], "got"),
        ],
    ),
    "best_mix": Answers(
        solution=best_mix_solution,
        stub=best_mix,
        also_right=[best_mix_in_a_loop],
        wrong=[
            (best_mix_without_limit, "leave out the shares"),
            (best_mix_in_proportion, "is absolute"),
            (best_mix_for_the_old, "the *new* voice decides"),
            (best_mix_smallest, "the larger one"),
            (best_mix_at_any_price, "the answer is None"),
            (lambda *a: best_mix_solution(*a) or None, "0 is a share"),
        ],
    ),
    "report": Answers(
        solution=REPORT,
        stub=None,
        wrong=[
            ("A", "it must be a dictionary"),
            ({"A": "nothing"}, "It has no B, C."),
            ({**REPORT, "A": "all is well"}, "A: choose one of"),
            ({**REPORT, "A": "too few speakers"}, "one is enough"),
            ({**REPORT, "A": "sentences in both sets"}, "divided, 20 and 20"),
            ({**REPORT, "B": "nothing"}, "are their sentences"),
            ({**REPORT, "C": "nothing"}, "low partly by luck"),
        ],
    ),
    "my_card": Answers(
        solution=CARD,
        stub=None,
        also_right=[
            card(
                not_for="Not for others, and the gain is not sure at all.",
                wer={"before": 0.2, "after": 0.18, "low": -0.03, "high": 0.07},
            )
        ],
        wrong=[
            ("a card", "it must be a dictionary"),
            ({"what": CARD["what"]}, "It has no learned_from"),
            (card(learned_from="Some recordings of my own voice here."), "how many recordings"),
            (card(not_for="Anything."), "'not_for' must be a sentence"),
            (card(old_voices="They are as well understood as before."), "a figure"),
            (card(wer=0.13), "'wer' must be a dictionary"),
            (card(wer={"before": 0.4, "after": 0.2}), "'wer' has no low, high"),
            (wer(before=49.0), "fractions are asked for"),
            (wer(low=0.5), "lies above"),
            (wer(low=0.1, high=0.2), "outside of the interval"),
            (wer(after=0.47, low=-0.1, high=0.1), "may be chance"),
        ],
    ),
}
