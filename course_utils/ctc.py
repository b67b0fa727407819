"""Connectionist temporal classification: a loss that needs no alignment, and the alignment itself.

A network gives each of T frames a probability for each of C tokens, the blank among them. A path
chooses one token a frame; `collapse` makes a labelling of it. The probability of a labelling is the
sum over all of its paths, and forward-backward sums them in T · (2U + 1) steps. Everything is in
natural logarithms. Letters are those of Graves, Fernández, Gomez and Schmidhuber (2006),
https://www.cs.toronto.edu/~graves/icml_2006.pdf: labelling l, its extension l' by blanks, place s
in l', output y, α and β.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

import torch
from torch import Tensor

TOLERANCE = 1e-4  # by which the probabilities of a frame may miss 1


class Span(NamedTuple):
    """Where a label was said: frames `start` to `end`, exclusive; the mean log-probability."""

    token: int
    start: int
    end: int
    score: float


class Trellis(NamedTuple):
    """Everything that forward-backward computes for one utterance; S = 2U + 1 places.

    Attributes:
        labels: l', the target with a blank before, between and behind, (S,).
        alpha: log α, paths from the start to place s at frame t, frame t included, (T, S).
        beta: log β, paths from there to the end, frame t included as well, (T, S).
        occupancy: probability to be at place s at frame t, given the target, (T, S): each row
            sums to 1. Zeros when the target is impossible.
        log_prob: log p(l|x), of the target.
    """

    labels: Tensor
    alpha: Tensor
    beta: Tensor
    occupancy: Tensor
    log_prob: float


def collapse(path: Sequence[int], blank: int = 0) -> list[int]:
    """The labelling of a path: first merge what repeats, then drop the blanks.

    Args:
        path: a token a frame.
        blank: token that writes nothing.
    """
    return [int(token) for token, _ in groupby(path) if token != blank]


def frames_needed(target: Sequence[int]) -> int:
    """Fewest frames a labelling fits into: one a label, and a blank between two that are equal."""
    return len(target) + sum(a == b for a, b in pairwise(target))


def count_alignments(target: Sequence[int], frames: int) -> int:
    """How many paths of so many frames collapse to the target.

    With U labels, r of them equal to the one before, there are (T + U - r choose 2U). Of the T
    frames, U + r are given to the labels and to the blanks that must part equal ones; the others
    are shared out freely among 2U + 1 places.

    Args:
        target: labels, without blanks.
        frames: T, 0 or more.
    """
    U, r = len(target), frames_needed(target) - len(target)
    return math.comb(frames + U - r, 2 * U)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log p(target | input), with torch.nn.functional.ctc_loss's arguments and values.

    Its gradient is -occupancy, the derivative with respect to the log-probabilities as they are.
    torch's kernel returns exp(log_probs) - occupancy instead, which takes for granted that a
    log-softmax stands before it. Through a log-softmax both give softmax - occupancy, which sums
    to 0 in each frame. Frames behind an item's length get 0, and so do all frames of an item that
    is impossible.

    Args:
        log_probs: (T, N, C), natural logarithms of probabilities: out of a log-softmax.
        targets: integers, (N, U) padded at the end with anything, or all targets one behind the
            other, (sum of target_lengths,).
        input_lengths: frames of each item, N integers from 0 to T.
        target_lengths: labels of each item, N integers; 0 is allowed.
        blank: token that writes nothing.
        reduction: "none" gives (N,); "sum"; "mean" divides each loss by its target length (at
            least 1) first, then takes the mean over the items.
        zero_infinity: a target that does not fit into its frames costs 0 instead of infinity. It
            is still counted in the mean.

    Raises:
        ValueError: shapes or lengths do not fit; a target holds the blank or a token out of range;
            NaN; the probabilities of a frame do not sum to 1 within 1e-4.
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f'reduction must be "none", "mean" or "sum", got {reduction!r}')
    if log_probs.ndim != 3 or 0 in log_probs.shape:
        raise ValueError(
            f"log_probs must be (T, N, C): frames, batch, tokens, none of them 0, got "
            f"{tuple(log_probs.shape)}. One utterance of (T, C) needs log_probs[:, None]"
        )
    T, N, C = log_probs.shape
    inputs = _lengths(input_lengths, "input_lengths", N, T, "the frames of log_probs")
    padded, sizes = _padded(targets, target_lengths, N)
    _check_targets(padded, sizes, C, blank)
    _check_log_probs(log_probs.detach(), inputs)

    labels = padded.new_full((N, 2 * padded.shape[1] + 1), blank)
    labels[:, 1::2] = padded.masked_fill(_behind(sizes, padded.shape[1]), blank)
    losses = _Loss.apply(log_probs, labels, inputs, sizes)
    if zero_infinity:
        losses = torch.where(losses == torch.inf, 0.0, losses)
    if reduction == "mean":
        return (losses / sizes.clamp_min(1)).mean()
    return losses.sum() if reduction == "sum" else losses


def trellis(log_probs: Tensor, target: Sequence[int], blank: int = 0) -> Trellis:
    """Forward-backward for one utterance, to be looked at.

    Args:
        log_probs: (T, C).
        target: labels, without blanks.
        blank: token that writes nothing.

    Raises:
        ValueError: as `ctc_loss`.
    """
    log_probs, target = _one(log_probs, target, blank)
    T, labels = len(log_probs), _extended(target, blank)
    sizes = torch.tensor([T]), torch.tensor([len(target)])
    log_y = _emissions(log_probs[:, None], labels[None], *sizes)
    alpha, beta = _forward_backward(log_y, labels[None], *sizes)
    log_p = _total(alpha, *sizes)
    occupancy = _occupancy(alpha, beta, log_y, log_p)
    return Trellis(labels, alpha[:, 0], beta[:, 0], occupancy[:, 0], log_p.item())


def forced_align(log_probs: Tensor, target: Sequence[int], blank: int = 0) -> list[Span]:
    """The single most probable path of a target (Viterbi): which frames are which label.

    Args:
        log_probs: (T, C), one utterance.
        target: labels, without blanks.
        blank: token that writes nothing; its frames belong to no span.

    Returns:
        One span a label, in order.

    Raises:
        ValueError: the target does not fit into the frames, or has probability 0; and as
            `ctc_loss`.
    """
    log_probs, target = _one(log_probs, target, blank)
    T, U, needed = len(log_probs), len(target), frames_needed(target.tolist())
    if needed > T:
        raise ValueError(
            f"a target of {U} labels, {needed - U} of them equal to the one before, needs at least "
            f"{needed} frames, but there are {T}. A model with a smaller time stride has more "
            f"frames; larger units (words for letters) need fewer"
        )
    labels = _extended(target, blank)
    log_y, skip = log_probs[:, labels], _skip(labels)
    best = _begin(log_y)
    came_from = torch.zeros(T, len(labels), dtype=torch.int64)  # places back: 0, 1 or 2
    for t in range(1, T):
        stay, step, jump = best[2:], best[1:-1], best[:-2] + skip
        best[2:], came_from[t] = torch.stack([stay, step, jump]).max(dim=0)
        best[2:] += log_y[t]
    last = best[2:][-2:]
    if last.max() == -torch.inf:
        raise ValueError(
            f"every path of the target {target.tolist()} has probability 0: a log-probability of "
            f"-inf stands in all of its ways"
        )
    s = len(labels) - len(last) + int(last.argmax())
    places = []
    for t in reversed(range(T)):
        places.append(s)
        s -= int(came_from[t, s])
    spans, t = [], 0
    for s, run in groupby(reversed(places)):
        start, t = t, t + len(list(run))
        if s % 2:
            spans.append(Span(int(labels[s]), start, t, float(log_y[start:t, s].mean())))
    return spans


class _Loss(torch.autograd.Function):
    """-log p(l|x) of each item, with its gradient."""

    @staticmethod
    def forward(ctx, log_probs: Tensor, labels: Tensor, inputs: Tensor, sizes: Tensor) -> Tensor:
        log_y = _emissions(log_probs, labels, inputs, sizes)
        if not ctx.needs_input_grad[0]:
            return -_total(_forward(log_y, labels), inputs, sizes)
        alpha, beta = _forward_backward(log_y, labels, inputs, sizes)
        log_p = _total(alpha, inputs, sizes)
        occupancy = _occupancy(alpha, beta, log_y, log_p)
        # A token that comes several times in l' is occupied as often: Graves' sum over lab(l, k).
        where = labels.expand(len(log_y), -1, -1)
        ctx.save_for_backward(torch.zeros_like(log_probs).scatter_add_(2, where, occupancy))
        return -log_p

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None, None]:
        if torch.is_grad_enabled():  # create_graph=True: it would be wrong, and silently so
            raise RuntimeError("ctc_loss can be differentiated once only, without create_graph")
        (occupancy,) = ctx.saved_tensors
        return -grad[:, None] * occupancy, None, None, None


def _forward(log_y: Tensor, labels: Tensor) -> Tensor:
    """Log α (T, N, S): equations 6 and 7, for all items and places at once.

    Args:
        log_y: (T, N, S), -inf outside of the items.
        labels: l', (N, S).
    """
    skip = _skip(labels)
    before = _begin(log_y)
    alpha = torch.empty_like(log_y)
    alpha[0] = before[:, 2:]
    for t in range(1, len(log_y)):
        stay, step, jump = before[:, 2:], before[:, 1:-1], before[:, :-2] + skip
        torch.logaddexp(torch.logaddexp(stay, step), jump, out=alpha[t])
        alpha[t] += log_y[t]
        before[:, 2:] = alpha[t]
    return alpha


def _forward_backward(
    log_y: Tensor, labels: Tensor, inputs: Tensor, sizes: Tensor
) -> tuple[Tensor, Tensor]:
    """Log α and log β, (T, N, S), in one loop: equations 10 and 11 are 6 and 7, turned round."""
    T, N, S = log_y.shape
    items = torch.arange(N)
    # Turned within its own length, so that padding stays behind; twice turned is as before.
    time = ((inputs - 1 - torch.arange(T)[:, None]) % T)[:, :, None]
    place = (2 * sizes[:, None] - torch.arange(S)) % S

    def turned(x: Tensor) -> Tensor:
        return x[time, items[:, None], place]

    both = _forward(
        torch.cat([log_y, turned(log_y)], dim=1),
        torch.cat([labels, labels.gather(1, place)]),
    )
    return both[:, :N], turned(both[:, N:])


def _begin(log_y: Tensor) -> Tensor:
    """Log α of the first frame, behind two places that are never reached: (..., 2 + S)."""
    before = log_y.new_full((*log_y.shape[1:-1], 2 + log_y.shape[-1]), -torch.inf)
    before[..., 2:4] = log_y[0, ..., :2]
    return before


def _skip(labels: Tensor) -> Tensor:
    """0 where place s is reached from s - 2 too, else -inf: not onto a blank or an equal label."""
    allowed = torch.zeros_like(labels, dtype=torch.bool)
    allowed[..., 3::2] = labels[..., 3::2] != labels[..., 1:-2:2]
    return torch.zeros(labels.shape).masked_fill(~allowed, -torch.inf)


def _emissions(log_probs: Tensor, labels: Tensor, inputs: Tensor, sizes: Tensor) -> Tensor:
    """Log y of each place of l' at each frame, (T, N, S); -inf behind the item's end in either."""
    T, S = len(log_probs), labels.shape[1]
    outside = _behind(inputs, T).T[:, :, None] | _behind(2 * sizes + 1, S)
    return log_probs.gather(2, labels.expand(T, -1, -1)).masked_fill_(outside, -torch.inf)


def _total(alpha: Tensor, inputs: Tensor, sizes: Tensor) -> Tensor:
    """Log p(l|x) of each item: equation 8, the last frame's last label and last blank."""
    last = alpha[inputs - 1, torch.arange(len(inputs))]  # (N, S)
    blank = last.gather(1, 2 * sizes[:, None])[:, 0]
    label = last.gather(1, (2 * sizes[:, None] - 1).clamp_min(0))[:, 0]
    total = torch.where(sizes > 0, torch.logaddexp(blank, label), blank)
    # Without a frame there is one path, the empty one, of the empty labelling.
    nothing = torch.where(sizes > 0, -torch.inf, 0.0).to(total.dtype)
    return torch.where(inputs > 0, total, nothing)


def _occupancy(alpha: Tensor, beta: Tensor, log_y: Tensor, log_p: Tensor) -> Tensor:
    """α β / (y p), (T, N, S): α and β both hold frame t's y, so one is taken out; equation 14."""
    reached = (alpha > -torch.inf) & (beta > -torch.inf)
    log_occupancy = alpha + beta - log_y - log_p[:, None]
    return torch.where(reached, log_occupancy.exp(), 0.0)


def _extended(target: Tensor, blank: int) -> Tensor:
    """l', a blank before, between and behind the labels, (2U + 1,)."""
    labels = target.new_full((2 * len(target) + 1,), blank)
    labels[1::2] = target
    return labels


def _behind(lengths: Tensor, size: int) -> Tensor:
    """True behind each item's length, (N, size)."""
    return torch.arange(size) >= lengths[:, None]


def _one(log_probs: Tensor, target: Sequence[int], blank: int) -> tuple[Tensor, Tensor]:
    """One utterance's log-probabilities without gradient, and its target as a tensor, checked."""
    log_probs = torch.as_tensor(log_probs).detach()
    if log_probs.ndim != 2 or 0 in log_probs.shape:
        raise ValueError(
            f"log_probs of one utterance must be (T, C): frames, tokens, none of them 0, got "
            f"{tuple(log_probs.shape)}"
        )
    padded, sizes = _padded(torch.as_tensor(target).long(), [len(target)], 1)
    _check_targets(padded, sizes, log_probs.shape[1], blank)
    _check_log_probs(log_probs[:, None], torch.tensor([len(log_probs)]))
    return log_probs, padded[0]


def _lengths(lengths: Tensor | Sequence[int], name: str, N: int, most: int, what: str) -> Tensor:
    """Lengths as int64 (N,), or a ValueError."""
    lengths = torch.as_tensor(lengths)
    if lengths.shape != (N,) or lengths.is_floating_point():
        raise ValueError(
            f"{name} must be {N} whole numbers, one an item, got {lengths.dtype} of shape "
            f"{tuple(lengths.shape)}"
        )
    wrong = (lengths < 0) | (lengths > most)
    if wrong.any():
        item = int(wrong.nonzero()[0])
        raise ValueError(
            f"{name} must be 0 to {most}, {what}, got {int(lengths[item])} for item {item}. Are "
            f"they lengths before a stride, or is the batch where the time should be?"
        )
    return lengths.long()


def _padded(
    targets: Tensor, target_lengths: Tensor | Sequence[int], N: int
) -> tuple[Tensor, Tensor]:
    """Targets as (N, longest), whatever stands behind them, and their lengths."""
    if targets.is_floating_point() or targets.ndim not in (1, 2):
        raise ValueError(
            f"targets must be whole numbers, (N, U) padded or (sum of target_lengths,), got "
            f"{targets.dtype} of shape {tuple(targets.shape)}"
        )
    rows = targets.ndim == 2
    if rows and len(targets) != N:
        raise ValueError(f"log_probs holds {N} items, targets {len(targets)}: (N, U) is expected")
    most, what = targets.shape[-1], "the padded labels" if rows else "all labels"
    sizes = _lengths(target_lengths, "target_lengths", N, most, what)
    longest = int(sizes.max())
    if rows:
        return targets[:, :longest].long(), sizes
    if sizes.sum() != len(targets):
        raise ValueError(
            f"target_lengths sum to {int(sizes.sum())}, but {len(targets)} labels stand one behind "
            f"the other in targets"
        )
    parts = targets.long().split(sizes.tolist())
    return torch.nn.utils.rnn.pad_sequence(parts, batch_first=True), sizes


def _check_targets(padded: Tensor, sizes: Tensor, C: int, blank: int) -> None:
    if not 0 <= blank < C:
        raise ValueError(f"blank must be one of the {C} tokens, 0 to {C - 1}, got {blank}")
    wrong = (padded < 0) | (padded >= C) | (padded == blank)
    wrong &= ~_behind(sizes, padded.shape[1])
    if wrong.any():
        item, place = wrong.nonzero()[0].tolist()
        token = int(padded[item, place])
        if token == blank:
            reason = (
                f"is the blank, {blank}: blanks stand in paths, never in targets. Were the labels "
                f"numbered from 0, or is the target longer than its length says?"
            )
        else:
            reason = f"is {token}, but the {C} tokens are 0 to {C - 1}"
        raise ValueError(f"label {place} of item {item} {reason}")


def _check_log_probs(log_probs: Tensor, inputs: Tensor) -> None:
    """ValueError unless each frame within the lengths holds logarithms of probabilities."""
    if log_probs.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"log_probs must be float32 or float64, got {log_probs.dtype}")
    inside = ~_behind(inputs, len(log_probs)).T
    total = log_probs.exp().sum(dim=2)
    wrong = inside & ~((total - 1).abs() <= TOLERANCE)
    if not wrong.any():
        return
    t, item = wrong.nonzero()[0].tolist()
    frame = log_probs[t, item]
    where = f"frame {t} of item {item}"
    if frame.isnan().any():
        raise ValueError(f"{where} holds NaN")
    if frame.min() >= 0 and abs(frame.sum() - 1) <= TOLERANCE:
        reason = "these are probabilities: use log_softmax where softmax is"
    else:
        reason = "are these raw logits? Put log_softmax(dim=-1) before the loss"
    raise ValueError(
        f"{where}: exp(log_probs) sums to {total[t, item]:.4g}, where probabilities sum to 1; "
        f"{reason}"
    )
