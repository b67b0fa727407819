"""Answers to the exercises of notebook 12."""

import math

import numpy as np
import torch

from course_utils import ctc
from course_utils.models.convolution import MaskedBatchNorm, output_length
from course_utils.models.deepspeech2 import Lookahead
from tests.exercises import Answers


def front_end(frames, layers, labels):
    """How many rows are left, and the fewest frames with which the labels fit."""
    ...


def front_end_solution(frames, layers, labels):
    for _, stride in layers:
        frames = math.ceil(frames / stride)
    rows = len(labels) + sum(a == b for a, b in zip(labels[1:], labels[:-1], strict=True))
    return frames, (rows - 1) * math.prod(stride for _, stride in layers) + 1


def front_end_by_the_course(frames, layers, labels):
    def rows(length):
        for size, stride in layers:
            length = output_length(length, size, stride, (size - 1) // 2)
        return length

    needed = ctc.frames_needed(labels)
    return rows(frames), next(n for n in range(1, 10_000) if rows(n) >= needed)


def front_end_rounding_down(frames, layers, labels):
    _, fewest = front_end_solution(frames, layers, labels)
    for _, stride in layers:
        frames //= stride
    return frames, fewest


def front_end_without_padding(frames, layers, labels):
    _, fewest = front_end_solution(frames, layers, labels)
    for size, stride in layers:
        frames = (frames - size) // stride + 1
    return frames, fewest


def front_end_without_repeats(frames, layers, labels):
    rows, _ = front_end_solution(frames, layers, labels)
    return rows, (len(labels) - 1) * math.prod(stride for _, stride in layers) + 1


def front_end_in_whole_strides(frames, layers, labels):
    rows, fewest = front_end_solution(frames, layers, labels)
    return rows, fewest - 1 + math.prod(stride for _, stride in layers)


def front_end_of_added_strides(frames, layers, labels):
    rows, fewest = front_end_solution(frames, layers, labels)
    needed = (fewest - 1) // math.prod(stride for _, stride in layers)
    return rows, needed * sum(stride for _, stride in layers) + 1


def lookahead(h, W):
    """Each frame's weighted sum with those that follow."""
    ...


def lookahead_in_loops(h, W):
    frames, size = h.shape
    r = np.zeros_like(h)
    for t in range(frames):
        for i in range(size):
            for j in range(W.shape[1]):
                if t + j < frames:
                    r[t, i] += W[i, j] * h[t + j, i]
    return r


def lookahead_by_the_course(h, W):
    layer = Lookahead(len(W), W.shape[1] - 1).double()
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(W)[:, None])
        return layer(torch.from_numpy(h)[None])[0]


def looks_back(h, W):
    r = np.zeros_like(h)
    for j in range(W.shape[1]):
        r[j:] += W[:, j] * h[: max(len(h) - j, 0)]
    return r


def goes_round(h, W):
    return sum(W[:, j] * np.roll(h, -j, axis=0) for j in range(W.shape[1]))


def repeats_the_last(h, W):
    longer = np.pad(h, ((0, W.shape[1]), (0, 0)), mode="edge")
    return sum(W[:, j] * longer[j : j + len(h)] for j in range(W.shape[1]))


def normalised(x, lengths):
    """Each column with the mean 0 and the variance 1 over all real frames."""
    ...


def normalised_solution(x, lengths):
    inside = np.arange(x.shape[1]) < lengths[:, None]
    real = x[inside]
    y = np.zeros_like(x)
    y[inside] = (real - real.mean(axis=0)) / np.sqrt(real.var(axis=0) + 1e-5)
    return y


def normalised_by_the_course(x, lengths):
    norm = MaskedBatchNorm(x.shape[2]).double()
    return norm(torch.from_numpy(x).transpose(1, 2), torch.from_numpy(lengths)).transpose(1, 2)


def normalised_by_a_product(x, lengths):
    mask = (np.arange(x.shape[1]) < lengths[:, None])[..., None].astype(float)
    mean = (x * mask).sum(axis=(0, 1)) / lengths.sum()
    variance = ((x - mean) ** 2 * mask).sum(axis=(0, 1)) / lengths.sum()
    return (x - mean) / np.sqrt(variance + 1e-5) * mask


def over_the_padding_too(x, lengths):
    mask = (np.arange(x.shape[1]) < lengths[:, None])[..., None]
    return (x - x.mean(axis=(0, 1))) / np.sqrt(x.var(axis=(0, 1)) + 1e-5) * mask


def over_zeroed_padding(x, lengths):
    x = x * (np.arange(x.shape[1]) < lengths[:, None])[..., None]
    return over_the_padding_too(x, lengths)


def each_item_alone(x, lengths):
    y = np.zeros_like(x)
    for n, row, out in zip(lengths, x, y, strict=True):
        out[:n] = (row[:n] - row[:n].mean(axis=0)) / np.sqrt(row[:n].var(axis=0) + 1e-5)
    return y


def each_step_alone(x, lengths):
    y = np.zeros_like(x)
    for t in range(x.shape[1]):
        real = x[lengths > t, t]
        y[lengths > t, t] = (real - real.mean(axis=0)) / np.sqrt(real.var(axis=0) + 1e-5)
    return y


def one_less(x, lengths):
    real = np.concatenate([row[:n] for row, n in zip(x, lengths, strict=True)])
    inside = (np.arange(x.shape[1]) < lengths[:, None])[..., None]
    return (x - real.mean(axis=0)) / np.sqrt(real.var(axis=0, ddof=1) + 1e-5) * inside


def padding_left(x, lengths):
    real = np.concatenate([row[:n] for row, n in zip(x, lengths, strict=True)])
    return (x - real.mean(axis=0)) / np.sqrt(real.var(axis=0) + 1e-5)


def hear(kept, chunk, window, hop):
    """The frames that a chunk completes, and the samples that are still needed."""
    ...


def hear_in_a_loop(kept, chunk, window, hop):
    x, frames = np.concatenate([kept, chunk]), []
    while len(x) >= window:
        frames.append(x[:window])
        x = x[hop:]
    return np.array(frames).reshape(-1, window), x


def hear_by_views(kept, chunk, window, hop):
    x = np.append(kept, chunk)
    if len(x) < window:
        return np.zeros((0, window)), x
    frames = np.lib.stride_tricks.sliding_window_view(x, window)[::hop]
    return frames, x[len(frames) * hop :]


def hear_the_chunk_alone(kept, chunk, window, hop):
    return hear_in_a_loop(chunk[:0], chunk, window, hop)


def hear_and_keep_all(kept, chunk, window, hop):
    return hear_in_a_loop(kept, chunk, window, hop)[0], np.concatenate([kept, chunk])


def hear_and_keep_the_overlap(kept, chunk, window, hop):
    x = np.concatenate([kept, chunk])
    frames, _ = hear_in_a_loop(kept, chunk, window, hop)
    return frames, x[max(0, len(x) - (window - hop)) :]


def hear_and_keep_what_is_behind(kept, chunk, window, hop):
    x = np.concatenate([kept, chunk])
    frames, _ = hear_in_a_loop(kept, chunk, window, hop)
    return frames, x[hop * (len(frames) - 1) + window :] if len(frames) else x


DIAGNOSIS = {
    "A": "no batch normalisation",
    "B": "learning rate a hundred times too high",
    "C": "32 utterances instead of 1,500",
}
FINER = "242 ms, with a row each 20 ms; the stride of 3 would have been cheaper."
DREAM = {"layers": [(11, 3)], "lookahead": 5, "hidden_size": 128}
DESIGN = {
    "layers": [(11, 3)],
    "lookahead": 5,
    "hidden_size": 120,
    "latency_ms": 232,
    "gave_up": DREAM,
    "because": "At 232 ms the full lookahead fits, with eight hidden numbers less.",
}

ANSWERS = {
    "front_end": Answers(
        solution=front_end_solution,
        stub=front_end,
        also_right=[front_end_by_the_course],
        wrong=[
            (front_end_rounding_down, "round up"),
            (front_end_without_padding, "takes nothing away"),
            (front_end_without_repeats, "Between two equal labels"),
            (front_end_in_whole_strides, "The last row needs one frame only"),
            (front_end_of_added_strides, "Strides multiply"),
            (lambda frames, layers, labels: front_end_solution(frames, layers, labels)[0], "got"),
        ],
    ),
    "lookahead": Answers(
        solution=lookahead_in_loops,
        stub=lookahead,
        also_right=[lookahead_by_the_course],
        wrong=[
            (looks_back, "You look back"),
            (goes_round, "you go on with the beginning"),
            (repeats_the_last, "you repeat its last frame"),
            (lambda h, W: lookahead_in_loops(h, W[:, ::-1]), "the wrong way round"),
            (lambda h, W: lookahead_in_loops(h, np.tile(W[0], (len(W), 1))), "its own weights"),
            (lambda h, W: lookahead_in_loops(h, W) - W[:, 0] * h, "Frame t itself"),
            (lambda h, W: lookahead_in_loops(h, W[:, :-1]), "The sum has τ + 1 terms"),
        ],
    ),
    "normalised": Answers(
        solution=normalised_solution,
        stub=normalised,
        also_right=[normalised_by_the_course, normalised_by_a_product],
        wrong=[
            (over_the_padding_too, "The padding takes part"),
            (over_zeroed_padding, "then count its zeros"),
            (each_item_alone, "a mean of its own. Here all frames of all items"),
            (each_step_alone, "Each time step got a mean of its own"),
            (one_less, "not by one less"),
            (padding_left, "must be 0 again"),
            (lambda x, lengths: x[np.arange(x.shape[1]) < lengths[:, None]], "expected shape"),
        ],
    ),
    "hear": Answers(
        solution=hear_in_a_loop,
        stub=hear,
        also_right=[hear_by_views],
        wrong=[
            (hear_the_chunk_alone, "What was kept is not used"),
            (hear_and_keep_all, "You keep everything"),
            (hear_and_keep_the_overlap, "only where the last frame ends with the chunk"),
            (hear_and_keep_what_is_behind, "Frames overlap"),
            (lambda kept, chunk, window, hop: np.concatenate([kept, chunk]), "expected 2"),
        ],
    ),
    "diagnosis": Answers(
        solution=DIAGNOSIS,
        stub=None,
        also_right=[dict(reversed(DIAGNOSIS.items()))],
        wrong=[
            ("A is too high", "it must be a dictionary"),
            ({"A": DIAGNOSIS["A"]}, "It says nothing about B, C."),
            ({**DIAGNOSIS, "B": "overfitting"}, "'overfitting' is none of the five"),
            ({**DIAGNOSIS, "A": DIAGNOSIS["B"], "B": DIAGNOSIS["A"]}, "the loss leaps"),
            ({**DIAGNOSIS, "A": "nothing is wrong"}, "A writes nothing"),
            ({**DIAGNOSIS, "B": DIAGNOSIS["A"]}, "double and halve"),
            ({**DIAGNOSIS, "C": "the development set was trained on as well"}, "fall together"),
            ({**DIAGNOSIS, "C": "nothing is wrong"}, "the two losses of C"),
            ({**DIAGNOSIS, "C": DIAGNOSIS["A"]}, "C does learn"),
        ],
    ),
    "captions": Answers(
        solution=DESIGN,
        stub=None,
        also_right=[
            {
                "layers": [(11, 3), (5, 1)],
                "lookahead": 3,
                "hidden_size": 136,
                "latency_ms": 232,
                "gave_up": {"layers": [(11, 3), (5, 1)], "lookahead": 5, "hidden_size": 136},
                "because": "232 ms: more hidden numbers, and two rows of lookahead less for them.",
            },
            {
                "layers": ((7, 1), (5, 3)),
                "lookahead": 5,
                "hidden_size": 96,
                "latency_ms": 232.0,
                "gave_up": {**DREAM, "layers": [(21, 1), (5, 3)], "hidden_size": 96},
                "because": "Rows come 232 ms late; it gives up the larger filters for that.",
            },
            {**DESIGN, "layers": [(11, 2)], "lookahead": 8, "latency_ms": 242, "because": FINER},
        ],
        wrong=[
            ("[(11, 3)]", "it must be a dictionary"),
            ({"layers": [(11, 3)]}, "It has no lookahead, hidden_size, latency_ms, gave_up, becau"),
            ({**DESIGN, "layers": [11, 3]}, "a list of pairs"),
            ({**DESIGN, "layers": [(10, 3)]}, "an odd number of frames"),
            ({**DESIGN, "hidden_size": 128}, "369,997 weights; at most 350,000"),
            ({**DESIGN, "hidden_size": 10**7}, "weights; at most 350,000"),
            (
                {**DESIGN, "layers": [(11, 2), (5, 2)], "lookahead": 3},
                "A row stands for 40 ms",
            ),
            ({**DESIGN, "latency_ms": 200}, "The frame itself must be complete"),
            ({**DESIGN, "latency_ms": 32 + 10 * (5 + 5)}, "The lookahead counts rows"),
            ({**DESIGN, "latency_ms": 32 + 10 * 15}, "The filters look ahead as well"),
            ({**DESIGN, "latency_ms": 32 + 10 * 25}, "Half of each filter"),
            ({**DESIGN, "layers": [(5, 3), (5, 1)], "latency_ms": 222}, "A step of a later layer"),
            ({**DESIGN, "lookahead": 6, "latency_ms": 262}, "262 ms late, more than 250"),
            (
                {**DESIGN, "lookahead": 4, "latency_ms": 202},
                "170 ms of what follows, less than 200",
            ),
            ({**DESIGN, "gave_up": "nothing"}, "must be a dictionary, a design with"),
            ({**DESIGN, "gave_up": {"layers": [(11, 3)]}}, "must be a dictionary, a design with"),
            ({**DESIGN, "gave_up": {**DREAM, "layers": [(4, 3)]}}, "gave_up: There is no such"),
            ({**DESIGN, "gave_up": {**DREAM, "hidden_size": 96}}, "breaks none of the four"),
            ({**DESIGN, "gave_up": {**DREAM, "lookahead": 9}}, "breaks 2 of the four"),
            ({**DESIGN, "because": "It is the best of all I tried."}, "not name the latency"),
            ({**DESIGN, "because": "I gave up nothing, 232 ms, I like it."}, "which part of the"),
        ],
    ),
}
