import numpy as np

from course_utils import metrics
from tests.exercises import Answers


def average_precision(labels, scores):
    """Average precision."""
    ...


def ap_in_a_loop(labels, scores):
    true, total = 0, 0.0
    for rank, i in enumerate(sorted(range(len(scores)), key=lambda i: -scores[i]), start=1):
        if labels[i]:
            true += 1
            total += true / rank
    return total / true


def ap_by_steps(labels, scores):
    y = labels[np.argsort(-scores)]
    precision = np.cumsum(y) / np.arange(1, len(y) + 1)
    recall = np.cumsum(y) / y.sum()
    return np.sum(np.diff(recall, prepend=0) * precision)


def ap_solution(labels, scores):
    y = labels[np.argsort(-scores)]
    precision = np.cumsum(y) / np.arange(1, len(y) + 1)
    return precision[y == 1].mean()


def ap_unsorted(labels, scores):
    precision = np.cumsum(labels) / np.arange(1, len(labels) + 1)
    return precision[labels == 1].mean()


def ap_ascending(labels, scores):
    y = labels[np.argsort(scores)]
    precision = np.cumsum(y) / np.arange(1, len(y) + 1)
    return precision[y == 1].mean()


def ap_over_all(labels, scores):
    y = labels[np.argsort(-scores)]
    return (np.cumsum(y) / np.arange(1, len(y) + 1)).mean()


def ap_over_clips(labels, scores):
    y = labels[np.argsort(-scores)]
    precision = np.cumsum(y) / np.arange(1, len(y) + 1)
    return (precision * y).mean()


def linear_pool(y, lengths):
    """One probability a clip."""
    ...


def pool_solution(y, lengths):
    y = y * (np.arange(y.shape[1]) < lengths[:, None])
    return (y * y).sum(axis=1) / y.sum(axis=1)


def pool_in_a_loop(y, lengths):
    return [sum(p * p for p in row[:n]) / sum(row[:n]) for row, n in zip(y, lengths, strict=True)]


def pool_with_padding(y, lengths):
    return (y * y).sum(axis=1) / y.sum(axis=1)


def pool_mean(y, lengths):
    return np.array([row[:n].mean() for row, n in zip(y, lengths, strict=True)])


def pool_squares(y, lengths):
    return np.array([(row[:n] ** 2).mean() for row, n in zip(y, lengths, strict=True)])


def pool_in_place(y, lengths):
    for row, n in zip(y, lengths, strict=True):
        row[n:] = 0
    return y.sum(axis=1)


def events(p, threshold, frame_s):
    """Start and end of each event, in seconds."""
    ...


def events_solution(p, threshold, frame_s):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], p >= threshold, [0]])))
    return [(a * frame_s, b * frame_s) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def events_in_a_loop(p, threshold, frame_s):
    found, start = [], None
    for t, value in enumerate([*p, -1]):
        if value >= threshold and start is None:
            start = t
        if value < threshold and start is not None:
            found.append([start * frame_s, t * frame_s])
            start = None
    return found


def events_without_end(p, threshold, frame_s):
    found, start = [], None
    for t, value in enumerate(p):
        if value >= threshold and start is None:
            start = t
        if value < threshold and start is not None:
            found.append((start * frame_s, t * frame_s))
            start = None
    return found


def events_one_short(p, threshold, frame_s):
    return [(a, b - frame_s) for a, b in events_solution(p, threshold, frame_s)]


def events_above(p, threshold, frame_s):
    return events_solution(p, threshold + 1e-9, frame_s)


def events_in_frames(p, threshold, frame_s):
    return events_solution(p, threshold, 1)


def threshold(cost_miss, cost_false_alarm):
    """The threshold that costs least."""
    ...


def report(dev, test):
    """F1 on the test clips."""
    ...


def clips_of(scores, lengths, softmax=False, padded=False):
    if softmax:
        p = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    else:
        p = 1 / (1 + np.exp(-scores))
    ends = [p.shape[1]] * len(p) if padded else lengths
    return np.array([row[:n].mean(axis=0) for row, n in zip(p, ends, strict=True)])


def report_with(**faults):
    def answer(dev, test):
        tune_on = test if faults.get("on_test") else dev
        switches = {name: faults[name] for name in ("softmax", "padded") if name in faults}
        p, q = clips_of(*tune_on[:2], **switches), clips_of(*test[:2], **switches)
        columns = range(p.shape[1])
        limits = [metrics.best_threshold(tune_on[2][:, c], p[:, c])[0] for c in columns]
        return metrics.f1(test[2], q >= np.array(limits))

    return answer


def report_by_hand(dev, test):
    """Each threshold is tried."""
    p, q = clips_of(*dev[:2]), clips_of(*test[:2])
    said = np.zeros_like(test[2])
    for c in range(p.shape[1]):
        tried = np.sort(p[:, c])[::-1]
        best = max(tried, key=lambda t, c=c: metrics.f1(dev[2][:, c], p[:, c] >= t))
        said[:, c] = q[:, c] >= best
    right = np.sum(said * test[2])
    return 2 * right / (said.sum() + test[2].sum())


def report_at_half(dev, test):
    return metrics.f1(test[2], clips_of(*test[:2]) >= 0.5)


FINDING = {
    "question": "Does mAP fall with the SNR of the events?",
    "expected": "Half of it is left at 0 dB.",
    "measured": {"-10 dB": 0.41, "0 dB": 0.8, "10 dB": np.float64(0.93)},
    "finding": "It falls slowly down to 0 dB and fast below; clapping is the first to go.",
}

ANSWERS = {
    "average_precision": Answers(
        solution=ap_solution,
        stub=average_precision,
        also_right=[ap_in_a_loop, ap_by_steps],
        wrong=[
            (ap_ascending, "from the highest score on"),
            (ap_unsorted, "first put them in order"),
            (ap_over_all, "at the ranks of the true clips only"),
            (ap_over_clips, "divided by the number of clips"),
            (metrics.roc_auc, "area under the ROC"),
            (lambda labels, scores: labels.mean(), "average precision of chance"),
        ],
    ),
    "linear_pool": Answers(
        solution=pool_solution,
        stub=linear_pool,
        also_right=[pool_in_a_loop],
        wrong=[
            (pool_with_padding, "Frames behind the length count too"),
            (pool_mean, "That is mean pooling"),
            (pool_squares, "the mean of the squares"),
            (pool_in_place, "It changes the array that it is given"),
        ],
    ),
    "events": Answers(
        solution=events_solution,
        stub=events,
        also_right=[events_in_a_loop],
        wrong=[
            (events_without_end, "still sounds at the end is lost"),
            (events_one_short, "the end is one frame later"),
            (events_above, ">=, not >"),
            (events_in_frames, "Those are frames"),
        ],
    ),
    "threshold": Answers(
        solution=lambda cost_miss, cost_false_alarm: (
            cost_false_alarm / (cost_false_alarm + cost_miss)
        ),
        stub=threshold,
        also_right=[lambda miss, alarm: 1 / (1 + miss / alarm)],
        wrong=[
            (lambda miss, alarm: miss / (miss + alarm), "The other way round"),
            (lambda miss, alarm: 0.5, "equal costs only"),
            (lambda miss, alarm: alarm / miss, "Solve (1 - p)"),
        ],
    ),
    "report": Answers(
        solution=report_with(),
        stub=report,
        also_right=[report_by_hand],
        wrong=[
            (report_with(softmax=True, padded=True, on_test=True), "All three faults are left"),
            (report_with(softmax=True), "softmax makes the classes of a frame compete"),
            (report_with(padded=True), "frames behind a clip's length"),
            (report_with(on_test=True), "the thresholds are chosen on the clips"),
            (report_with(softmax=True, padded=True), "Two faults are left"),
            (report_at_half, "a threshold of 0.5"),
        ],
    ),
    "experiment": Answers(
        solution=FINDING,
        stub=None,
        also_right=[{**FINDING, "measured": {1: 0.4, 2: 0.3, 3: 0.2, 4: 0.35}}],
        wrong=[
            (0.9, "it must be a dict"),
            ({"question": "Does it?"}, "lacks expected, finding, measured"),
            ({**FINDING, "finding": "It falls."}, "what came out"),
            ({**FINDING, "measured": {"0 dB": 0.8, "10 dB": 0.9}}, "2 settings"),
            ({**FINDING, "measured": {"a": 0.8, "b": 0.8, "c": 0.8}}, "All 3 values"),
            ({**FINDING, "measured": {"a": 0.8, "b": float("nan"), "c": 0.8}}, "not a number"),
        ],
    ),
}
