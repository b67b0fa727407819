import math

import numpy as np
import torch
from torch.nn import functional

from course_utils.models import convolution
from tests.exercises import Answers


def places(length, filter_size, stride, padding, dilation):
    """How many places the filter has."""
    ...


def places_one_by_one(L, F, S, P, D):
    count, start = 0, 0
    while start + D * (F - 1) < L + 2 * P:
        count, start = count + 1, start + S
    return count


def slide(x, w, stride, padding):
    """The filter's outputs, an array."""
    ...


def slide_solution(x, w, stride, padding):
    x = np.pad(x, padding)
    return np.array([x[t : t + len(w)] @ w for t in range(0, len(x) - len(w) + 1, stride)])


def slide_in_loops(x, w, stride, padding):
    x = [0.0] * padding + list(x) + [0.0] * padding
    outputs = []
    t = 0
    while t + len(w) <= len(x):
        total = 0.0
        for k in range(len(w)):
            total += w[k] * x[t + k]
        outputs.append(total)
        t += stride
    return outputs


def slide_with_torch(x, w, stride, padding):
    x, w = (torch.tensor(v)[None, None] for v in (x, w))
    return functional.conv1d(x, w, None, stride, padding)[0, 0]


def slide_with_numpy(x, w, stride, padding):
    return np.correlate(np.pad(x, padding), w, "valid")[::stride]


def field(layers):
    """Inputs that one output sees."""
    ...


def field_backwards(layers):
    """From the output down: n outputs of a layer need (n - 1) S + D (F - 1) + 1 inputs."""
    needed = 1
    for F, S, D in reversed(layers):
        needed = (needed - 1) * S + D * (F - 1) + 1
    return needed


def field_with(order, layers):
    field, step = 1, 1
    for F, S, D in layers:
        if order == "late":
            step *= S
        field += D * (F - 1) * step
        if order == "add":
            step += S
        elif order == "early":
            step *= S
    return field


def count(channels, frames, bands, filters, size):
    """Parameters of the convolution, and of the fully connected layer."""
    ...


def count_solution(channels, frames, bands, filters, size):
    inputs, outputs = channels * frames * bands, filters * frames * bands
    return filters * channels * size * size + filters, inputs * outputs + outputs


def count_with_torch(channels, frames, bands, filters, size):
    conv = torch.nn.Conv2d(channels, filters, size)
    outputs = filters * frames * bands
    full = outputs * (channels * frames * bands) + outputs
    return sum(p.numel() for p in conv.parameters()), full


def mended(features, lengths, w):
    """Mean over time of ReLU of the filters' outputs, (batch, filters)."""
    ...


def program(features, lengths, w):
    """As it stands in the notebook."""
    x = features.reshape(len(features), w.shape[1], -1)
    maps = torch.relu(functional.conv1d(x, w, padding=1))
    return maps.mean(dim=2)


def mended_solution(features, lengths, w):
    maps = torch.relu(functional.conv1d(features.transpose(1, 2), w, padding=1))
    inside = torch.arange(maps.shape[2]) < lengths[:, None]
    return (maps * inside[:, None]).sum(dim=2) / lengths[:, None]


def mended_one_by_one(features, lengths, w):
    rows = []
    for item, length in zip(features, lengths, strict=True):
        maps = functional.conv1d(item[:length].T[None], w, padding=1).relu()
        rows.append(maps.mean(dim=2)[0])
    return torch.stack(rows)


def mended_with_the_package(features, lengths, w):
    maps = functional.conv1d(features.permute(0, 2, 1), w, padding=1).clamp(min=0)
    return convolution.masked_mean(maps, lengths)


def untransposed(features, lengths, w):
    maps = torch.relu(functional.conv1d(features, w, padding=1))
    return convolution.masked_mean(maps, lengths)


def only_transposed(features, lengths, w):
    return torch.relu(functional.conv1d(features.mT, w, padding=1)).mean(dim=2)


def divided(features, lengths, w):
    maps = torch.relu(functional.conv1d(features.mT, w, padding=1))
    return maps.sum(dim=2) / lengths[:, None]


def masked_but_mean(features, lengths, w):
    maps = torch.relu(functional.conv1d(features.mT, w, padding=1))
    return convolution.mask_frames(maps, lengths).mean(dim=2)


def masked_but_reshaped(features, lengths, w):
    maps = functional.conv1d(features.reshape(len(features), w.shape[1], -1), w, padding=1)
    return convolution.masked_mean(torch.relu(maps), lengths)


def finding(**changes):
    told = {
        "question": "Does augmentation help with unseen voices?",
        "variants": {"with": [0.98, 0.975, 0.983], "without": [0.95, 0.96, 0.945]},
        "conclusion": "Yes, by three points, which is more than the seeds differ among each other.",
    }
    return told | changes


def of_runs(**runs):
    return finding(variants=runs)


ANSWERS = {
    "places": Answers(
        solution=lambda L, F, S, P, D: (L + 2 * P - D * (F - 1) - 1) // S + 1,
        stub=places,
        also_right=[
            places_one_by_one,
            convolution.output_length,
            lambda L, F, S, P, D: len(range(0, L + 2 * P - D * (F - 1), S)),
            lambda L, F, S, P, D: np.floor((L + 2 * P - D * (F - 1) - 1) / S) + 1,
        ],
        wrong=[
            (lambda L, F, S, P, D: (L + 2 * P - D * (F - 1) - 1) // S, "needs no step"),
            (lambda L, F, S, P, D: (L + 2 * P - D * (F - 1)) // S + 1, "counted twice"),
            (lambda L, F, S, P, D: (L + 2 * P - D * (F - 1) - 1) / S + 1, "half fits"),
            (lambda L, F, S, P, D: math.ceil((L + 2 * P - D * (F - 1) - 1) / S) + 1, "round down"),
            (lambda L, F, S, P, D: (L + P - D * (F - 1) - 1) // S + 1, "both ends: 2P"),
            (lambda L, F, S, P, D: (L - D * (F - 1) - 1) // S + 1, "padding is missing"),
            (lambda L, F, S, P, D: (L + 2 * P - F) // S + 1, "F only when D is 1"),
            (lambda L, F, S, P, D: (L + 2 * P - D * F) // S + 1, "F - 1 gaps"),
            (lambda L, F, S, P, D: (L - F) // S + 1, "got 3, expected 5"),
        ],
    ),
    "slide": Answers(
        solution=slide_solution,
        stub=slide,
        also_right=[slide_in_loops, slide_with_numpy, slide_with_torch],
        wrong=[
            (
                lambda x, w, S, P: np.convolve(np.pad(x, P), w, "valid")[::S],
                "the filter turned round",
            ),
            (lambda x, w, S, P: slide_solution(x, w, S, 0), "zeros at the ends are missing"),
            (
                lambda x, w, S, P: slide_solution(np.pad(x, (P, 0)), w, S, 0),
                "Zeros belong at both ends",
            ),
            (lambda x, w, S, P: slide_solution(x, w, 1, P), "use the stride"),
            (
                lambda x, w, S, P: [
                    np.pad(x, P)[t : t + len(w)] @ w for t in range(0, len(x) + 2 * P - len(w), S)
                ],
                "The last place is missing",
            ),
            (lambda x, w, S, P: np.correlate(x, w, "same"), "got an array of shape (3,)"),
            (lambda x, w, S, P: x * w, "could not be broadcast"),
        ],
    ),
    "field": Answers(
        solution=lambda layers: field_with("early", layers),
        stub=field,
        also_right=[field_backwards, convolution.receptive_field],
        wrong=[
            (lambda layers: field_with("late", layers), "multiply by it after adding"),
            (lambda layers: 1 + sum(D * (F - 1) for F, S, D in layers), "Strides are missing"),
            (
                lambda layers: field_backwards([(F, S, 1) for F, S, D in layers]),
                "Dilation is missing",
            ),
            (lambda layers: sum(F * D for F, S, D in layers), "see 5, not 6"),
            (
                lambda layers: math.prod(D * (F - 1) + 1 for F, S, D in layers),
                "Fields do not multiply",
            ),
            (lambda layers: field_backwards(layers) - 1, "start with 1"),
            (lambda layers: field_with("add", layers), "got 7, expected 5"),
        ],
    ),
    "count": Answers(
        solution=count_solution,
        stub=count,
        also_right=[count_with_torch, lambda *args: list(count_solution(*args))],
        wrong=[
            (lambda C, T, B, K, F: (K * (F * F + 1), count_solution(C, T, B, K, F)[1]), "channel"),
            (lambda C, T, B, K, F: (K * C * F * F, count_solution(C, T, B, K, F)[1]), "biases"),
            (lambda *args: count_solution(*args)[::-1], "changed places"),
            (
                lambda C, T, B, K, F: (count_solution(C, T, B, K, F)[0], (C * T * B + 1) * K),
                "outputs are not the filters alone",
            ),
            (
                lambda C, T, B, K, F: (
                    count_solution(C, T, B, K, F)[0] * T * B,
                    count_solution(C, T, B, K, F)[1],
                ),
                "at all places again",
            ),
            (
                lambda C, T, B, K, F: (
                    count_solution(C, T, B, K, F)[0],
                    C * T * B * K * T * B,
                ),
                "layer's biases are missing",
            ),
            (lambda C, T, B, K, F: count_solution(C, T, B, K, F)[0], "got 2 (int)"),
        ],
    ),
    "mended": Answers(
        solution=mended_solution,
        stub=mended,
        also_right=[mended_one_by_one, mended_with_the_package],
        wrong=[
            (program, "All three bugs are still there"),
            (masked_but_reshaped, "keeps the order of the numbers"),
            (only_transposed, "the padding counts in it"),
            (masked_but_mean, "divided by the padded length"),
            (divided, "summed over too many frames"),
            (untransposed, "raised RuntimeError"),
            (lambda f, n, w: mended_solution(f, n, w).T, "shape"),
        ],
    ),
    "finding": Answers(
        solution=finding(),
        stub=None,
        also_right=[
            of_runs(a=[0.9, 0.91, 0.92], b=[0.91, 0.9, 0.93], c=[0.8, 0.7, 0.9, 0.6]),
            of_runs(a=(1.0, 1.0, 1.0), b=np.array([0.98, 0.99, 0.97])),
        ],
        wrong=[
            ("augmentation helps", "dict with the keys"),
            ({"question": "x"}, "dict with the keys"),
            (finding(question="why?"), "text of at least 10"),
            (finding(conclusion="It helps."), "text of at least 40"),
            (of_runs(one=[0.9, 0.91, 0.92]), "at least two variants"),
            (of_runs(one=[0.9, 0.91], two=[0.9, 0.8, 0.7]), "2 accuracies; one seed says little"),
            (of_runs(one=0.9, two=0.8), "1 accuracies"),
            (of_runs(one=[90, 91, 92], two=[80, 81, 82]), "fractions from 0 to 1"),
            (of_runs(one=["a", "b", "c"], two=[0.8, 0.7, 0.9]), "a list of numbers"),
            (of_runs(one=[0.9, 0.9, 0.9], two=[0.8, 0.7, 0.9]), "all runs are the same"),
        ],
    ),
}
