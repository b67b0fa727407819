"""Decoders of models that write token after token until they say END, as LAS does.

The model says when it is done, so nothing but a limit keeps it from writing for ever, and nothing
but its own judgement from leaving something out. What a search found is judged again by telling the
model its tokens: `model(features, lengths, tokens)` gives the attention of each step.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from course_utils.decoding.base import Hypothesis, LanguageModel
from course_utils.models.las import END, ListenAttendSpell

COVERED = 0.5  # a frame counts as read when its attention weights sum to more than this
NOTHING = -math.inf  # the log of the probability 0


@torch.no_grad()
def attention_greedy(
    model: ListenAttendSpell,
    features: Tensor,
    lengths: Tensor | None = None,
    limit: int | None = None,
) -> list[Hypothesis]:
    """The most probable token, step after step: each is what the model is told next.

    Args:
        model: is used in evaluation mode, and left in the mode it was in.
        features: (batch, frames, dims).
        lengths: frames that are not padding, (batch,); None: all.
        limit: most tokens of an item; None: two for each frame of the encoder. Where it is reached,
            END is written, whatever its probability.

    Returns:
        What was written for each item, END left out, and ln P(tokens, END | sound).

    Raises:
        ValueError: `limit` is negative, or the features do not fit the model.
    """
    with _evaluating(model):
        memory, frames = model.listen(features, lengths)
        limits = _limits(frames, limit)
        state = model.start(memory)
        tokens = torch.full_like(frames, model.start_token)
        scores = memory.states.new_zeros(len(frames), dtype=torch.float64)
        done = torch.zeros_like(frames, dtype=torch.bool)
        written = []
        while not done.all():
            logits, state = model.step(tokens, state, memory)
            log_probs = logits.log_softmax(dim=-1)
            tokens = log_probs.argmax(dim=-1)
            tokens[done | (limits == len(written))] = END
            scores += log_probs.gather(1, tokens[:, None])[:, 0].masked_fill(done, 0.0)
            done |= tokens == END
            written.append(tokens)
    rows = torch.stack(written, dim=1).tolist()
    return [
        Hypothesis(row[: row.index(END)], score)
        for row, score in zip(rows, scores.tolist(), strict=True)
    ]


@torch.no_grad()
def attention_beam_search(
    model: ListenAttendSpell,
    features: Tensor,
    lengths: Tensor | None = None,
    beam_size: int = 8,
    *,
    length_normalisation: float = 0.0,
    coverage: float = 0.0,
    end_threshold: float | None = None,
    lm: LanguageModel | None = None,
    alpha: float = 0.0,
    beta: float = 0.0,
    limit: int | None = None,
    top: int = 1,
) -> list[list[Hypothesis]]:
    """The best texts that a beam finds, of all items of a batch at once.

    In each step every text of the beam is continued by every token; the `beam_size` best of all are
    kept, and those of them that end in END are taken out. Texts are ranked by

        ln P(y | x) / |y| ** length_normalisation + alpha ln P_LM(y) + beta n + coverage c

    where |y| counts the tokens and END, n the tokens (or words, see `LanguageModel`), and c the
    frames of the encoder whose attention weights, summed over the steps, exceed `COVERED`. An item
    is done when no text of its beam can overtake the `top` best that have ended, whatever comes:
    so a beam that never is full finds the best text of all. The first term's size depends on
    `length_normalisation`: divided by the length it is a fraction of 1, and the other weights must
    be as small. A coverage of 0.1 a frame is mild without normalisation, and with it buys frames by
    writing anything.

    Args:
        model: is used in evaluation mode, and left in the mode it was in.
        features: (batch, frames, dims).
        lengths: frames that are not padding, (batch,); None: all.
        beam_size: texts kept in each step; 1 is the greedy search.
        length_normalisation: 0 is none, and prefers short texts: each token costs. 1 ranks by the
            mean of a token (Chan and others 2016).
        coverage: weight of c (Chorowski and Jaitly 2016): what is skipped is missed, what is read
            twice brings nothing the second time.
        end_threshold: a factor of 1 or more: END is considered only where
            ln P(END) > factor · ln P(best other token) (Hannun and others 2019, who use 1.5); None:
            everywhere.
        lm: language model over the same tokens (shallow fusion).
        alpha: its weight.
        beta: bonus a token or a word.
        limit: most tokens of a text; None: two for each frame of the encoder. A text that reaches
            it ends there, at the price of END.
        top: how many texts are wanted for each item; there may be fewer.

    Returns:
        For each item its texts, the best first, END left out, `score` as above. None at all where
        the language model forbids everything that is in the beam.

    Raises:
        ValueError: an argument is out of range, or alpha without a language model.

    Sources: https://arxiv.org/abs/1508.01211, https://arxiv.org/abs/1612.02695,
        https://arxiv.org/abs/1904.02619
    """
    _check(beam_size, top, length_normalisation, coverage, end_threshold, lm, alpha)
    with _evaluating(model):
        memory, frames = model.listen(features, lengths)
        limits = _limits(frames, limit)
        fusion = None if lm is None else _Fusion(lm, model.tokens, alpha)
        device = frames.device
        state = model.start(memory)
        size, C = beam_size, model.tokens
        items = torch.arange(len(frames), device=device)  # those that are not done
        memory, state = (part.rows(items.repeat_interleave(size)) for part in (memory, state))
        # One row an item, one column a text of its beam; at first there is one, the empty text.
        log_p = torch.full((len(items), size), NOTHING, dtype=torch.float64, device=device)
        log_p[:, 0] = 0.0
        shares = torch.zeros_like(log_p)  # of the language model and the bonus
        read = state.weights.view(*log_p.shape, -1).clone()  # sums of the weights: 0 so far
        written = torch.full((*log_p.shape, 1), model.start_token, device=device)
        heads = [[None if fusion is None else fusion.start] * size for _ in items]
        ended: list[list[Hypothesis]] = [[] for _ in items]
        while len(items):
            length = written.shape[2]  # of the texts that come out of this step, END counted
            logits, state = model.step(written[..., -1].flatten(), state, memory)
            log_probs = logits.log_softmax(dim=-1).double().view(len(items), size, C)
            read += state.weights.view_as(read)
            total = log_p[..., None] + log_probs
            _forbid(total, log_probs, end_threshold, limits[items] == length - 1)
            share = shares[..., None] + _bonus(written, beta, lm, C)
            if fusion is not None:
                share = share + fusion.log_probs(heads, log_p > NOTHING).to(device)
            score = total / length**length_normalisation + share
            score += coverage * (read > COVERED).sum(dim=-1, keepdim=True).double()

            best, place = score.flatten(1).topk(size)
            origin, token = place // C, place % C
            log_p, shares = total.flatten(1).gather(1, place), share.flatten(1).gather(1, place)
            written = torch.cat([_pick(written, origin), token[..., None]], dim=-1)
            log_p[best == NOTHING] = NOTHING
            shares[best == NOTHING] = 0.0
            over = (token == END) & (best > NOTHING)
            for row, column in over.nonzero().tolist():
                tokens = written[row, column, 1:-1].tolist()
                ended[items[row]].append(Hypothesis(tokens, float(best[row, column])))
            log_p[over] = NOTHING

            # What a text may still get: tokens that are certain, up to the limit, all frames read.
            hope = log_p / (limits[items, None] + 1.0) ** length_normalisation + shares
            hope += max(beta, 0.0) * (limits[items, None] + 2.0 - length)
            hope += coverage * frames[items, None].double()
            hope = hope.masked_fill(log_p == NOTHING, NOTHING).amax(dim=1).tolist()
            open_ = [
                row
                for row, item in enumerate(items.tolist())
                if hope[row] > _least(ended[item], top)
            ]
            rows = torch.tensor(open_, dtype=torch.int64, device=device)
            chosen = (rows[:, None] * size + origin[rows]).flatten()
            state = state.rows(chosen)
            if fusion is not None:
                heads = fusion.advance(heads, origin, token, log_p > NOTHING)
                heads = [heads[row] for row in open_]
            read = _pick(read, origin)
            if len(open_) < len(items):
                memory = memory.rows((rows[:, None] * size + torch.arange(size).to(rows)).flatten())
                items, log_p, shares, read, written = (
                    part[rows] for part in (items, log_p, shares, read, written)
                )
    return [sorted(found, key=lambda one: one.score, reverse=True)[:top] for found in ended]


class _Fusion:
    """A language model asked for all tokens at once, once for each of its states."""

    def __init__(self, lm: LanguageModel, size: int, alpha: float) -> None:
        self.lm, self.size, self.alpha = lm, size, alpha
        self.start = lm.start()
        self.known: dict[Hashable, tuple[Tensor, list[Hashable]]] = {}

    def log_probs(self, heads: list[list[Hashable]], live: Tensor) -> Tensor:
        """Each token's share, alpha ln P, (items, texts, tokens); 0 for dead texts."""
        nothing = torch.zeros(self.size, dtype=torch.float64)
        rows = [
            torch.stack(
                [
                    self._ask(head)[0] if alive else nothing
                    for head, alive in zip(*both, strict=True)
                ]
            )
            for both in zip(heads, live.tolist(), strict=True)
        ]
        return torch.stack(rows)

    def advance(
        self, heads: list[list[Hashable]], origin: Tensor, token: Tensor, live: Tensor
    ) -> list[list[Hashable]]:
        """The states after the tokens that were chosen."""
        return [
            [
                self._ask(before[o])[1][t] if alive else None
                for o, t, alive in zip(*row, strict=True)
            ]
            for before, *row in zip(
                heads, origin.tolist(), token.tolist(), live.tolist(), strict=True
            )
        ]

    def _ask(self, head: Hashable) -> tuple[Tensor, list[Hashable]]:
        if head not in self.known:
            answers = [self.lm.score(head, token) for token in range(1, self.size)]
            known = torch.tensor([self.lm.end(head), *(p for p, _ in answers)], dtype=torch.float64)
            # Forbidden is forbidden, whatever the weight: 0 times infinity is no number.
            share = torch.where(known == NOTHING, NOTHING, self.alpha * known)
            self.known[head] = share, [None, *(after for _, after in answers)]
        return self.known[head]


def _forbid(
    total: Tensor, log_probs: Tensor, end_threshold: float | None, at_limit: Tensor
) -> None:
    """Takes out, in place, END where it comes too early, and everything else at the limit."""
    if end_threshold is not None:
        best = log_probs[..., END + 1 :].amax(dim=-1)
        early = log_probs[..., END] <= end_threshold * best
        total[..., END].masked_fill_(early & ~at_limit[:, None], NOTHING)
    total[..., END + 1 :].masked_fill_(at_limit[:, None, None], NOTHING)


def _bonus(written: Tensor, beta: float, lm: LanguageModel | None, size: int) -> Tensor:
    """The bonus beta where a token counts, or ends a word that counts: (items, texts, tokens)."""
    bonus = torch.zeros(*written.shape[:2], size, dtype=torch.float64, device=written.device)
    separator = None if lm is None else lm.separator
    if separator is None:
        bonus[..., END + 1 :] = beta
    else:
        bonus[..., separator] = beta
        # The last word ends without a separator.
        inside = (written[..., -1] != separator) & (written.shape[2] > 1)
        bonus[..., END] = beta * inside.double()
    return bonus


def _pick(x: Tensor, origin: Tensor) -> Tensor:
    """x[i, origin[i, j]] of (items, texts, ...)."""
    return x[torch.arange(len(x), device=x.device)[:, None], origin]


def _least(found: list[Hypothesis], top: int) -> float:
    """What has to be beaten to be among the `top` best."""
    scores = sorted((one.score for one in found), reverse=True)
    return scores[top - 1] if len(scores) >= top else NOTHING


def _limits(frames: Tensor, limit: int | None) -> Tensor:
    if limit is None:
        return 2 * frames
    if not isinstance(limit, int) or limit < 0:
        raise ValueError(f"limit must be a whole number of tokens, not negative, got {limit!r}")
    return torch.full_like(frames, limit)


@contextmanager
def _evaluating(model: torch.nn.Module) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def _check(
    beam_size: int,
    top: int,
    length_normalisation: float,
    coverage: float,
    end_threshold: float | None,
    lm: LanguageModel | None,
    alpha: float,
) -> None:
    for name, value in (("beam_size", beam_size), ("top", top)):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    weights = {"length_normalisation": length_normalisation, "coverage": coverage, "alpha": alpha}
    for name, value in weights.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} must be a number from 0 on, got {value!r}")
    if end_threshold is not None and not end_threshold >= 1:
        raise ValueError(f"end_threshold must be a factor of at least 1, got {end_threshold!r}")
    if alpha and lm is None:
        raise ValueError("alpha is the weight of a language model: give lm as well")
