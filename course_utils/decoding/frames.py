"""Decoders of models that say something at every frame, as CTC models do."""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable, Iterator

import torch
from torch import Tensor

from course_utils.decoding.base import Hypothesis, LanguageModel

NOTHING = -math.inf  # the log of the probability 0


def greedy(log_probs: Tensor, lengths: Tensor | None = None, blank: int = 0) -> list[list[int]]:
    """The best path of each item, collapsed: best token a frame, repeats merged, blanks dropped.

    The best path need not belong to the best labelling.

    Args:
        log_probs: (batch, frames, tokens).
        lengths: (batch,), how many frames of each item are real; all when None.
        blank: number of the blank.

    Returns:
        The tokens of each item.

    Raises:
        ValueError: the shape is another, a length is beyond the frames, or a real frame holds NaN.

    Source: Graves et al. (2006), section 3.2, https://doi.org/10.1145/1143844.1143891
    """
    if log_probs.ndim != 3:
        raise ValueError(
            f"log_probs must be (batch, frames, tokens), got {tuple(log_probs.shape)}; "
            "one utterance is log_probs[None]"
        )
    batch, frames, size = log_probs.shape
    if not 0 <= blank < size:
        raise ValueError(f"blank must be one of the {size} tokens, got {blank}")
    lengths = [frames] * batch if lengths is None else torch.as_tensor(lengths).tolist()
    if len(lengths) != batch or not all(0 <= length <= frames for length in lengths):
        raise ValueError(f"lengths must be {batch} numbers from 0 to {frames}, got {lengths}")
    found = []
    for item, length in zip(log_probs, lengths, strict=True):
        if item[:length].isnan().any():
            raise ValueError(f"log_probs of item {len(found)} hold NaN")
        path = item[:length].argmax(dim=-1).unique_consecutive()
        found.append(path[path != blank].tolist())
    return found


class Prefix:
    """What a beam keeps of one beginning of a labelling, after some frames.

    Attributes:
        blank: log of the probability of all its paths so far that end in a blank.
        label: the same of those that end in its last token.
        share: what the language model has added so far, α ln P + β · length.
        state: of the language model.
        total: log of the probability of all its paths so far.
        score: total + share, by which it is ranked.
    """

    __slots__ = ("blank", "label", "score", "share", "state", "total")

    def __init__(
        self, blank: float, label: float, share: float = 0.0, state: Hashable = None
    ) -> None:
        self.blank, self.label, self.share, self.state = blank, label, share, state
        self.total = log_add(blank, label)
        self.score = self.total + share


Beam = dict[tuple[int, ...], Prefix]


def log_add(a: float, b: float) -> float:
    """ln(exp a + exp b), for any a and b below infinity."""
    if a < b:
        a, b = b, a
    return a if b == NOTHING else a + math.log1p(math.exp(b - a))


def prefix_beams(
    log_probs: Tensor,
    beam_size: int = 16,
    blank: int = 0,
    lm: LanguageModel | None = None,
    alpha: float = 0.0,
    beta: float = 0.0,
) -> Iterator[Beam]:
    """The beam before the first frame and after each frame, best prefix first.

    Args and errors are those of `prefix_beam_search`, which goes to the end.
    """
    _check(log_probs, beam_size, blank, lm, alpha)
    separator, bonus = None if lm is None else lm.separator, max(beta, 0.0)
    beam: Beam = {(): Prefix(0.0, NOTHING, 0.0, None if lm is None else lm.start())}
    yield beam
    for frame in log_probs.double().tolist():
        # A prefix that is in the beam lives on: by a blank, by its last token going on, and by
        # that token being written now, when the prefix without it is in the beam as well.
        after: Beam = {}
        for tokens, prefix in beam.items():
            label = NOTHING
            if tokens:
                last = tokens[-1]
                label = prefix.label + frame[last]
                if (parent := beam.get(tokens[:-1])) is not None:
                    written = parent.blank if tokens[-2:-1] == (last,) else parent.total
                    label = log_add(label, written + frame[last])
            blank_now = prefix.total + frame[blank]
            if blank_now > NOTHING or label > NOTHING:
                after[tokens] = Prefix(blank_now, label, prefix.share, prefix.state)
        # A prefix that is new comes from one other only, so its score is final at once: to be kept
        # it must beat the worst of the best so far, `best[0]`. No language model adds more than
        # the bonus, so most need not even be put before it.
        best = [prefix.score for prefix in after.values()]
        heapq.heapify(best)
        ranked = sorted(((p, c) for c, p in enumerate(frame) if c != blank), reverse=True)
        for tokens, prefix in beam.items():
            last = tokens[-1] if tokens else None
            for p, token in ranked:
                full = len(best) >= beam_size
                if p == NOTHING or (full and prefix.score + p + bonus < best[0]):
                    break
                # The same token anew needs a blank before it: else both would be one.
                label = (prefix.blank if token == last else prefix.total) + p
                share, state = prefix.share, prefix.state
                if lm is not None:
                    known, state = lm.score(state, token)
                    share = share + alpha * known if known > NOTHING else NOTHING
                if separator is None or token == separator:
                    share += beta
                score = label + share
                if score == NOTHING or (full and score <= best[0]):
                    continue
                new = (*tokens, token)
                if new in beam:
                    continue
                (heapq.heapreplace if full else heapq.heappush)(best, score)
                after[new] = Prefix(NOTHING, label, share, state)
        kept = sorted(after.items(), key=lambda item: item[1].score, reverse=True)
        beam = dict(kept[:beam_size])
        yield beam


def prefix_beam_search(
    log_probs: Tensor,
    beam_size: int = 16,
    blank: int = 0,
    lm: LanguageModel | None = None,
    alpha: float = 0.0,
    beta: float = 0.0,
    top: int = 1,
) -> list[Hypothesis]:
    """The best labellings of one utterance: all paths of a labelling count, not the best alone.

    Ranked by ln p(labelling | sound) + α ln P(labelling) + β · length, where P is the language
    model's and the length is in tokens, or in words where the model is one of words. After each
    frame the `beam_size` best prefixes are kept. A prefix that was dropped and comes back has lost
    paths; so at the end the acoustic part of each labelling is computed anew, over all its paths.
    The scores are exact, then; which labellings are among them is the search's guess, and no guess
    where the beam never was full.

    Args:
        log_probs: (frames, tokens), natural logs.
        beam_size: prefixes that are kept.
        blank: number of the blank.
        lm: language model over the same tokens.
        alpha: its weight, not negative.
        beta: bonus a token or a word; without it, a language model prefers short texts.
        top: how many labellings are wanted; there may be fewer.

    Returns:
        Labellings, the best first. None at all where a lexicon allows none that is in the beam.

    Raises:
        ValueError: another shape, NaN, rows that are no probabilities, an argument out of range, or
            alpha without a language model.

    Source: the search is that of Hannun et al. (2014), https://arxiv.org/abs/1408.2873,
        algorithm 1, the bonus as in Amodei et al. (2016), https://arxiv.org/abs/1512.02595.
    """
    if not isinstance(top, int) or top < 1:
        raise ValueError(f"top must be a whole number of at least 1, got {top!r}")
    *_, beam = prefix_beams(log_probs, beam_size, blank, lm, alpha, beta)
    separator = None if lm is None else lm.separator
    shares = {}
    for tokens, prefix in beam.items():
        share = prefix.share
        if lm is not None:
            known = lm.end(prefix.state)
            if known == NOTHING:
                continue
            share += alpha * known
        if separator is not None and tokens and tokens[-1] != separator:
            share += beta  # the last word ends without a separator
        shares[tokens] = share
    sums = _log_likelihoods(log_probs, list(shares), blank)
    found = [
        Hypothesis(list(tokens), total + share)
        for (tokens, share), total in zip(shares.items(), sums, strict=True)
    ]
    return sorted(found, key=lambda one: one.score, reverse=True)[:top]


def _log_likelihoods(
    log_probs: Tensor, labellings: list[tuple[int, ...]], blank: int
) -> list[float]:
    """Log of the probability of each, over all its paths."""
    if not labellings:
        return []
    lengths = torch.tensor([len(tokens) for tokens in labellings])
    targets = torch.full((len(labellings), max(1, int(lengths.max()))), int(blank == 0))
    for row, tokens in zip(targets, labellings, strict=True):
        row[: len(tokens)] = torch.tensor(tokens)
    frames, size = log_probs.shape
    losses = torch.nn.functional.ctc_loss(
        log_probs.detach().double()[:, None].expand(frames, len(labellings), size),
        targets,
        torch.full((len(labellings),), frames),
        lengths,
        blank,
        reduction="none",
    )
    return (-losses).tolist()


def _check(
    log_probs: Tensor, beam_size: int, blank: int, lm: LanguageModel | None, alpha: float
) -> None:
    if log_probs.ndim != 2 or 0 in log_probs.shape:
        raise ValueError(
            f"log_probs must be (frames, tokens) of one utterance, got {tuple(log_probs.shape)}"
        )
    if not isinstance(beam_size, int) or beam_size < 1:
        raise ValueError(f"beam_size must be a whole number of at least 1, got {beam_size!r}")
    if not 0 <= blank < log_probs.shape[1]:
        raise ValueError(f"blank must be one of the {log_probs.shape[1]} tokens, got {blank}")
    if not 0 <= alpha < math.inf:
        raise ValueError(f"alpha must be a number from 0 on, got {alpha!r}")
    if alpha and lm is None:
        raise ValueError("alpha is the weight of a language model: give lm as well")
    sums = log_probs.double().exp().sum(dim=1)
    wrong = ~((sums - 1).abs() < 1e-3)
    if wrong.any():
        frame = int(wrong.nonzero()[0])
        raise ValueError(
            f"the probabilities of frame {frame} sum to {float(sums[frame]):.4g}, not 1: "
            "log_probs must be natural logs, as log_softmax gives them (not logits, not softmax)"
        )
