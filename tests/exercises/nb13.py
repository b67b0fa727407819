"""Answers to the exercises of notebook 13."""

import numpy as np
import torch

from course_utils.models.attention import attend
from course_utils.models.las import pair_frames
from tests.exercises import Answers


def pair(x, lengths):
    """Half as many frames, twice as wide, and the lengths of the items."""
    ...


def pair_solution(x, lengths):
    inside = np.arange(x.shape[1]) < lengths[:, None]
    x = np.where(inside[..., None], x, 0)
    x = np.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, 0)))
    return x.reshape(len(x), -1, 2 * x.shape[2]), (lengths + 1) // 2


def pair_by_the_course(x, lengths):
    return pair_frames(torch.from_numpy(x), torch.from_numpy(lengths))


def pair_in_a_loop(x, lengths):
    batch, frames, d = x.shape
    y = np.zeros((batch, (frames + 1) // 2, 2 * d))
    for i in range(batch):
        for t in range(lengths[i]):
            y[i, t // 2, t % 2 * d : t % 2 * d + d] = x[i, t]
    return y, -(-lengths // 2)


def pair_dropping_the_last(x, lengths):
    even = x.shape[1] // 2 * 2
    y, _ = pair_solution(x[:, :even], np.minimum(lengths, even))
    return y, lengths // 2


def pair_with_what_stands_behind(x, lengths):
    x = np.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, 0)))
    return x.reshape(len(x), -1, 2 * x.shape[2]), (lengths + 1) // 2


def pair_of_halves(x, lengths):
    x, _ = pair_solution(x, lengths)
    x = x.reshape(len(x), -1, x.shape[2] // 2)
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, half:]], axis=2), (lengths + 1) // 2


def pair_by_the_mean(x, lengths):
    y, lengths = pair_solution(x, lengths)
    return y.reshape(*y.shape[:2], 2, -1).mean(axis=2), lengths


def look(q, k, f, h, v, length):
    """What is read, and with which weights."""
    ...


def look_solution(q, k, f, h, v, length):
    scores = np.tanh(q + k + f) @ v
    scores[length:] = -np.inf
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    return weights @ h, weights


def look_by_the_course(q, k, f, h, v, length):
    q, k, f, h, v = map(torch.from_numpy, (q, k, f, h, v))
    scores = (torch.tanh(q + k + f) @ v)[None]
    context, weights = attend(scores, h, torch.arange(len(h)) < length)
    return context[0], weights[0]


def look_at_the_real_ones(q, k, f, h, v, length):
    scores = np.array([v @ np.tanh(q + k[j] + f[j]) for j in range(length)])
    real = np.exp(scores - max(scores)) / sum(np.exp(scores - max(scores)))
    return sum(a * state for a, state in zip(real, h, strict=False)), np.append(
        real, np.zeros(len(h) - length)
    )


def look_at_the_padding(q, k, f, h, v, length):
    return look_solution(q, k, f, h, v, len(h))


def look_and_cut(q, k, f, h, v, length):
    _, weights = look_solution(q, k, f, h, v, len(h))
    weights[length:] = 0
    return weights @ h, weights


def look_with_zeros(q, k, f, h, v, length):
    scores = np.tanh(q + k + f) @ v
    scores[length:] = 0
    weights = np.exp(scores - scores.max())
    return weights @ h / weights.sum(), weights / weights.sum()


def look_without_tanh(q, k, f, h, v, length):
    scores = (q + k + f) @ v
    scores[length:] = -np.inf
    weights = np.exp(scores - scores.max())
    return weights @ h / weights.sum(), weights / weights.sum()


def look_that_overflows(q, k, f, h, v, length):
    e = np.exp(np.tanh(q + k + f) @ v)
    e[length:] = 0
    return e @ h / e.sum(), e / e.sum()


def told(target, coins, sampling, predict, start):
    """What the speller is told in each step, and what each step is judged by."""
    ...


def told_solution(target, coins, sampling, predict, start):
    told = [start]
    for token, coin in zip(target, coins, strict=True):
        told.append(predict(told) if coin < sampling else token)
    return told, [*target, 0]


def told_by_index(target, coins, sampling, predict, start):
    heard = np.full(len(target) + 1, start)
    for u in range(1, len(heard)):
        own = coins[u - 1] < sampling
        heard[u] = predict(heard[:u].tolist()) if own else target[u - 1]
    return heard, np.append(target, 0)


def told_in_parallel(target, coins, sampling, predict, start):
    own = [predict([start, *target[:u]]) for u in range(len(target))]
    mixed = [o if c < sampling else t for o, c, t in zip(own, coins, target, strict=True)]
    return [start, *mixed], [*target, 0]


def told_by_one_coin(target, coins, sampling, predict, start):
    return told_solution(target, [coins[0]] * len(target), sampling, predict, start)


def told_the_other_way_round(target, coins, sampling, predict, start):
    told = [start]
    for token, coin in zip(target, coins, strict=True):
        told.append(token if coin < sampling else predict(told))
    return told, [*target, 0]


def told_the_answer(target, coins, sampling, predict, start):
    right, expected = told_solution(target, coins, sampling, predict, start)
    return right[1:], expected


def told_after_the_last(target, coins, sampling, predict, start):
    return told_solution(target, coins, sampling, lambda told: predict(told[-1:]), start)


def beam_step(beam, ended, log_probs, width, power):
    """The beam and the texts that have ended, after one more token."""
    ...


def beam_step_solution(beam, ended, log_probs, width, power):
    found = []
    for (tokens, log_p), row in zip(beam, log_probs, strict=True):
        found += [([*tokens, c], log_p + x) for c, x in enumerate(row)]
    found = sorted(found, key=lambda one: -one[1])[:width]
    done = [(t[:-1], p / len(t) ** power) for t, p in found if t[-1] == 0]
    return [one for one in found if one[0][-1] != 0], sorted(ended + done, key=lambda one: -one[1])


def beam_step_as_in_the_course(beam, ended, log_probs, width, power):
    """Ranked by the normalised score, as attention_beam_search does: all are as long."""
    length = len(beam[0][0]) + 1
    total = torch.tensor([log_p for _, log_p in beam])[:, None] + torch.from_numpy(log_probs)
    score = total / length**power
    best, place = score.flatten().topk(min(width, score.numel()))
    live, over = [], list(ended)
    for value, number in zip(best.tolist(), place.tolist(), strict=True):
        i, c = divmod(number, log_probs.shape[1])
        if c:
            live.append((beam[i][0] + [c], float(total[i, c])))
        else:
            over.append((beam[i][0], value))
    return live, sorted(over, key=lambda one: one[1], reverse=True)


def beam_step_with(change):
    """A step as a learner writes it; `change` names the mistake."""

    def step(beam, ended, log_probs, width, power):
        found = [
            (log_p + log_probs[i, c], tokens, c)
            for i, (tokens, log_p) in enumerate(beam)
            for c in range(log_probs.shape[1])
        ]
        found = sorted(found, key=lambda one: one[0], reverse=True)
        if change == "extra":
            found = [x for x in found if not x[2]] + [x for x in found if x[2]][:width]
        else:
            found = found[:width]
        live, over = [], [] if change == "forgets" else list(ended)
        for log_p, tokens, c in found:
            size = len(tokens) + (change != "without END")
            if c == 0:
                over.append((tokens, log_p if change == "plain" else log_p / size**power))
            if c or change == "goes on":
                live.append(([*tokens, c], log_p / size**power if change == "twice" else log_p))
        return live, sorted(over, key=lambda one: one[1], reverse=True)

    return step


def beam_step_one_each(beam, ended, log_probs, width, power):
    best = [
        ([*t, int(row.argmax())], p + row.max())
        for (t, p), row in zip(beam, log_probs, strict=True)
    ]
    best = sorted(best, key=lambda one: -one[1])[:width]
    done = [(t[:-1], p / len(t) ** power) for t, p in best if t[-1] == 0]
    return [one for one in best if one[0][-1]], sorted(ended + done, key=lambda one: -one[1])


def diagnose(weights, back, ahead):
    """What goes wrong first, and at which step."""
    ...


def diagnose_solution(weights, back, ahead):
    places = weights.argmax(axis=1)
    furthest = places[0]
    for step, place in enumerate(places):
        if furthest - place > back:
            return "loop", step
        if place - furthest > ahead:
            return "skip", step
        furthest = max(furthest, place)
    return "good", None


def diagnose_by_arrays(weights, back, ahead):
    places = weights.argmax(axis=1)
    steps = places[1:] - np.maximum.accumulate(places)[:-1]
    wrong = np.flatnonzero((steps < -back) | (steps > ahead))
    if not len(wrong):
        return "good", None
    return ("loop" if steps[wrong[0]] < 0 else "skip"), int(wrong[0]) + 1


def diagnose_from_step_to_step(weights, back, ahead):
    places = weights.argmax(axis=1)
    for step in range(1, len(places)):
        if places[step - 1] - places[step] > back:
            return "loop", step
        if places[step] - places[step - 1] > ahead:
            return "skip", step
    return "good", None


def diagnose_by_the_mean(weights, back, ahead):
    places = (weights * np.arange(weights.shape[1])).sum(axis=1)
    return diagnose_solution(np.eye(weights.shape[1])[places.round().astype(int)], back, ahead)


def diagnose_from_zero(weights, back, ahead):
    start = np.zeros((1, weights.shape[1]))
    start[0, 0] = 1
    name, step = diagnose_solution(np.concatenate([start, weights]), back, ahead)
    return name, step if step is None else step - 1


def diagnose_loops_first(weights, back, ahead):
    places = weights.argmax(axis=1)
    drop = np.maximum.accumulate(places) - places
    if (drop > back).any():
        return "loop", int((drop > back).argmax())
    return diagnose_solution(weights, back, ahead)


def frame_of(weights, back, ahead):
    name, step = diagnose_solution(weights, back, ahead)
    return name, step if step is None else int(weights[step].argmax())


CHOICE = {
    "captions": {
        "model": "ds2-streaming",
        "because": "A letter is late by 0.3 s at most, the others wait for the sentence's end.",
        "gives_up": "It makes more mistakes than the model that reads from both ends.",
    },
    "archive": {
        "model": "ds2",
        "because": "An hour of sound takes 20 s on one core, and each word has its time.",
        "gives_up": "It needs a language model for names, and they are what people look for.",
    },
    "dictation": {
        "model": "las",
        "because": "Its WER without a language model is 2 points lower, and nobody minds a pause.",
        "gives_up": "When it gets lost, it leaves out or repeats whole words, silently.",
    },
}


SAME = "An hour takes 20 s, and each word is right."


def changed(product, **change):
    return {**CHOICE, product: {**CHOICE[product], **change}}


ANSWERS = {
    "pair": Answers(
        solution=pair_solution,
        stub=pair,
        also_right=[pair_by_the_course, pair_in_a_loop],
        wrong=[
            (pair_dropping_the_last, "must not be dropped"),
            (lambda x, n: (pair_solution(x, n)[0], n // 2), "its length is rounded up"),
            (lambda x, n: (pair_solution(x, n)[0], n), "the lengths change with them"),
            (pair_with_what_stands_behind, "What stands in the padding came in"),
            (pair_of_halves, "Pairs are neighbours"),
            (pair_by_the_mean, "you take their mean"),
            (lambda x, n: pair_solution(x, n)[0], "expected 2"),
        ],
    ),
    "look": Answers(
        solution=look_solution,
        stub=look,
        also_right=[look_by_the_course, look_at_the_real_ones],
        wrong=[
            (look_at_the_padding, "You looked at the padding too"),
            (look_and_cut, "no longer sum to 1"),
            (look_with_zeros, "exp(0) is 1"),
            (look_without_tanh, "The tanh is missing"),
            (look_that_overflows, "overflows"),
            (lambda q, k, f, h, v, n: look_solution(q, k, 0 * f, h, v, n), "f is missing"),
            (
                lambda q, k, f, h, v, n: (
                    look_solution(q, k, f, h, v, n)[1] @ k,
                    look_solution(q, k, f, h, v, n)[1],
                ),
                "the keys k are for finding only",
            ),
        ],
    ),
    "told": Answers(
        solution=told_solution,
        stub=told,
        also_right=[told_by_index],
        wrong=[
            (told_in_parallel, "you asked after the right tokens"),
            (told_by_one_coin, "you threw one for the whole sentence"),
            (told_the_answer, "the very token that it is to write"),
            (told_after_the_last, "not the last token alone"),
            (told_the_other_way_round, "The coin is the other way round"),
            (
                lambda t, *a: (told_solution(t, *a)[0], [*told_solution(t, *a)[0][1:], 0]),
                "judged by",
            ),
            (lambda t, *a: (told_solution(t, *a)[0], t), "one more step to be judged"),
        ],
    ),
    "beam_step": Answers(
        solution=beam_step_solution,
        stub=beam_step,
        also_right=[beam_step_as_in_the_course, beam_step_with("")],
        wrong=[
            (beam_step_with("goes on"), "must not be continued"),
            (beam_step_with("extra"), "compete for the same places"),
            (beam_step_with("plain"), "divided by its length to the power"),
            (beam_step_with("twice"), "divided again in the next step"),
            (beam_step_with("forgets"), "Those that had ended before are lost"),
            (beam_step_one_each, "may come from the same text"),
        ],
    ),
    "diagnose": Answers(
        solution=diagnose_solution,
        stub=diagnose,
        also_right=[diagnose_by_arrays],
        wrong=[
            (diagnose_from_step_to_step, "Compare with the furthest place so far"),
            (diagnose_by_the_mean, "got"),
            (diagnose_from_zero, "The first step may begin anywhere"),
            (diagnose_loops_first, "whichever comes first"),
            (frame_of, "not the frame"),
            (lambda w, b, a: diagnose_solution(w, b - 1, a - 1), "exactly so many are allowed"),
            (lambda w, b, a: diagnose_solution(w, b, a)[0], "got 'good' (str)"),
        ],
    ),
    "choice": Answers(
        solution=CHOICE,
        stub=None,
        also_right=[
            changed(
                "archive", model="las", because="It has the fewest errors, WER 2 %, at all speed."
            ),
            changed("dictation", model="ds2"),
        ],
        wrong=[
            ("las", "it must be a dictionary"),
            ({"captions": CHOICE["captions"]}, "It has no archive, dictation."),
            ({**CHOICE, "archive": "ds2"}, "archive: The entry is a str"),
            (changed("archive", because="It is fast."), "archive: 'because' must be a sentence"),
            (changed("dictation", because="It has the fewest errors of all."), "name a figure"),
            (changed("captions", because="Its model has 1 million weights, few."), "reader waits"),
            (changed("captions", model="las"), "captions: 'las' attends to the whole utterance"),
            (
                changed("captions", model="ds2"),
                "captions: 'ds2' reads the utterance from both ends",
            ),
            (changed("dictation", model="whisper"), "one of ds2, ds2-streaming, las"),
            (changed("dictation", gives_up="nothing"), "dictation: 'gives_up' must be"),
            (
                {
                    **changed("dictation", because=SAME),
                    "archive": {**CHOICE["archive"], "because": SAME},
                },
                "the same reason",
            ),
        ],
    ),
}
