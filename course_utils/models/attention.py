"""Attention from scratch, and a small model that listens to a sequence and writes another one.

Shapes: queries (batch, queries, d), keys and values (batch, keys, d), scores and weights (batch,
queries, keys); with several heads there is one more dimension behind the batch. A mask is True
where a key may be looked at, and broadcasts to the scores.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_utils.datasets.batching import mask as length_mask

END, START = (
    0,
    1,
)  # the first two tokens of every vocabulary; END is also what targets are padded with


def masked_softmax(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax over the last dimension, among the allowed places only.

    Args:
        scores: (..., keys).
        mask: bool, broadcasts to `scores`; True where it is allowed to look. None: everywhere.

    Returns:
        Weights, shape of `scores`: exactly 0 where not allowed, the others sum to 1. A row with no
        allowed place is all zeros: nothing is read, and no gradient flows.
    """
    if mask is None:
        return scores.softmax(dim=-1)
    scores = scores.masked_fill(~mask, -math.inf)
    empty = ~mask.any(dim=-1, keepdim=True)
    # A softmax over nothing would be NaN, and so would its gradient.
    return scores.masked_fill(empty, 0.0).softmax(dim=-1).masked_fill(~mask, 0.0)


def attend(scores: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The soft look-up: softmax of the scores, then the mean of the values with these weights.

    Args:
        scores: (..., queries, keys).
        value: (..., keys, d).
        mask: see `masked_softmax`.

    Returns:
        Contexts (..., queries, d), weights (..., queries, keys).
    """
    weights = masked_softmax(scores, mask)
    return weights @ value, weights


def dot_scores(query: Tensor, key: Tensor) -> Tensor:
    """Scores q · k: (..., queries, d), (..., keys, d) to (..., queries, keys).

    Source: Luong, Pham, Manning, "Effective approaches to attention-based neural machine
    translation", 2015, section 3.1.
    """
    return query @ key.transpose(-2, -1)


def scaled_dot_scores(query: Tensor, key: Tensor) -> Tensor:
    """Scores q · k / sqrt(d): the dot product, kept at the same spread for any d.

    Source: Vaswani and others, "Attention is all you need", 2017, equation 1.
    """
    return dot_scores(query, key) / math.sqrt(query.shape[-1])


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """softmax(q kᵀ / sqrt(d)) v. Shapes and mask as in `attend`; returns contexts and weights."""
    return attend(scaled_dot_scores(query, key), value, mask)


def causal_mask(size: int, device: torch.device | None = None) -> Tensor:
    """Bool (size, size), True where key j is not later than query i."""
    return torch.ones(size, size, dtype=torch.bool, device=device).tril()


def sinusoidal_positions(length: int, dim: int) -> Tensor:
    """One vector for each place: sines and cosines, from fast to slow.

    Args:
        length: how many places.
        dim: of the vectors; even.

    Returns:
        float32 (length, dim): [t, 2i] is sin(t / 10000^(2i / dim)), [t, 2i + 1] the cosine.

    Raises:
        ValueError: `dim` is odd.

    Source: Vaswani and others, 2017, section 3.5.
    """
    if dim % 2:
        raise ValueError(f"dim must be even, for pairs of a sine and a cosine, got {dim}")
    t = torch.arange(length, dtype=torch.float64)[:, None]
    angle = t / 10_000 ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1).float()


class MultiHeadAttention(nn.Module):
    """Several soft look-ups at once, each in its own projection of queries, keys and values.

    Source: Vaswani and others, 2017, section 3.2.2.
    """

    def __init__(self, dim: int, heads: int) -> None:
        """Make the four projections; `heads` must divide `dim`, else ValueError."""
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(f"heads must divide dim, got {heads} heads for dim {dim}")
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(dim, dim) for _ in range(4))

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Look up.

        Args:
            query: (batch, queries, dim).
            key: (batch, keys, dim).
            value: (batch, keys, dim).
            mask: bool, broadcasts to (batch, queries, keys).

        Returns:
            Contexts (batch, queries, dim), weights (batch, heads, queries, keys).
        """
        q = self._split(self.query(query))
        k = self._split(self.key(key))
        v = self._split(self.value(value))
        if mask is not None and mask.dim() == 3:
            mask = mask[:, None]  # the same for every head
        context, weights = scaled_dot_product_attention(q, k, v, mask)
        return self.output(context.transpose(1, 2).flatten(2)), weights

    def _split(self, x: Tensor) -> Tensor:
        """(batch, places, dim) to (batch, heads, places, dim / heads)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class TransformerBlock(nn.Module):
    """Look around, then think: self-attention and a small network, each added to its input.

    Layer normalisation comes first in each branch (pre-norm).

    Sources: Vaswani and others, 2017, section 3; Xiong and others, "On layer normalization in the
    Transformer architecture", 2020, for the place of the normalisation.
    """

    def __init__(self, dim: int, heads: int, hidden: int) -> None:
        """Make a block; `hidden` is the width of the small network."""
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = MultiHeadAttention(dim, heads)
        self.network = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, dim))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x: (batch, places, dim); mask: bool, broadcasts to (batch, places, places)."""
        z = self.norm1(x)
        x = x + self.attention(z, z, z, mask)[0]
        return x + self.network(self.norm2(x))


class Transcript(NamedTuple):
    """What `Seq2Seq` says while it is told the right tokens.

    Attributes:
        logits: (batch, longest + 1, tokens); place u is about target u, the last one about the end.
        attention: (batch, longest + 1, encoded frames), None without attention.
        lengths: encoded frames that are not padding, (batch,).
    """

    logits: Tensor
    attention: Tensor | None
    lengths: Tensor


class Encoder(nn.Module):
    """Frames to states: a convolution that halves their number, then a GRU in both directions."""

    def __init__(self, dims: int, hidden: int, layers: int = 1) -> None:
        """Make an encoder; each direction has `hidden` units."""
        super().__init__()
        self.convolution = nn.Conv1d(dims, 2 * hidden, kernel_size=5, stride=2, padding=2)
        self.forwards = nn.GRU(2 * hidden, hidden, batch_first=True)
        self.backwards = nn.GRU(2 * hidden, hidden, batch_first=True)

    def forward(self, features: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Encode.

        Args:
            features: (batch, frames, dims).
            lengths: frames that are not padding, (batch,); None: all.

        Returns:
            States (batch, frames', 2 hidden), 0 in the padding; lengths' (batch,); the summary
            (batch, 2 hidden): where the forward direction ends and the backward one ends.
        """
        batch, frames, _ = features.shape
        if lengths is None:
            lengths = torch.full((batch,), frames, device=features.device)
        inside = length_mask(lengths, frames)
        x = self.convolution((features * inside[..., None]).transpose(1, 2)).transpose(1, 2).relu()
        lengths = (lengths + 1) // 2
        there, _ = self.forwards(x)
        # The backward direction starts at the last real frame, not in the padding.
        turned, _ = self.backwards(reverse(x, lengths))
        states = torch.cat([there, reverse(turned, lengths)], dim=-1)
        states = states * length_mask(lengths, states.shape[1])[..., None]
        last = (lengths - 1)[:, None, None].expand(-1, 1, there.shape[-1])
        ends = [there.gather(1, last)[:, 0], turned.gather(1, last)[:, 0]]
        return states, lengths, torch.cat(ends, dim=-1)


def reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """Each item of (batch, frames, dims) backwards in time; its padding stays behind."""
    t = torch.arange(x.shape[1], device=x.device)
    source = torch.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)
    return x.gather(1, source[..., None].expand_as(x))


class Attention(nn.Module):
    """What a decoder's state looks up in an encoder's states, with one of four kinds of scores.

    "additive" (Bahdanau 2015), "dot" (Luong 2015, with projections: "general" there), "scaled"
    (Vaswani 2017), "location" (Chorowski and others, "Attention-based models for speech
    recognition", 2015, section 2.2: additive, told where it looked at the step before).
    """

    KINDS = ("additive", "dot", "scaled", "location")

    def __init__(self, query_dim: int, key_dim: int, dim: int, kind: str) -> None:
        """Make the projections into `dim` dimensions; ValueError for an unknown `kind`."""
        super().__init__()
        if kind not in self.KINDS:
            raise ValueError(f"kind must be one of {', '.join(self.KINDS)}, got {kind!r}")
        self.kind = kind
        self.query = nn.Linear(query_dim, dim, bias=False)
        self.key = nn.Linear(key_dim, dim)
        if kind in ("additive", "location"):
            self.v = nn.Parameter(torch.randn(dim) / math.sqrt(dim))
        if kind == "location":
            self.filters = nn.Conv1d(1, 8, kernel_size=15, padding=7, bias=False)
            self.location = nn.Linear(8, dim, bias=False)

    def forward(
        self, state: Tensor, key: Tensor, value: Tensor, mask: Tensor, previous: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One look.

        Args:
            state: of the decoder, (batch, query_dim).
            key: (batch, keys, dim), what `self.key` made of the encoder's states.
            value: (batch, keys, key_dim), those states.
            mask: bool (batch, keys), True where there is sound.
            previous: the weights of the look before, (batch, keys).

        Returns:
            Context (batch, key_dim), weights (batch, keys).
        """
        query = self.query(state)[:, None]
        if self.kind == "dot":
            scores = dot_scores(query, key)
        elif self.kind == "scaled":
            scores = scaled_dot_scores(query, key)
        else:
            if self.kind == "location":
                query = query + self._located(previous)  # U (F * previous): location(filters)
            scores = (torch.tanh(query + key) @ self.v)[:, None]
        context, weights = attend(scores, value, mask[:, None])
        return context[:, 0], weights[:, 0]

    def _located(self, previous: Tensor) -> Tensor:
        """`location(filters(previous))`, (batch, keys, dim), as one product: twice as fast."""
        (size,) = self.filters.kernel_size
        windows = nn.functional.pad(previous, (size // 2, size // 2)).unfold(1, size, 1)
        return windows @ (self.location.weight @ self.filters.weight[:, 0]).T


class Memory(NamedTuple):
    """What the decoder has of the sound: states, their keys, where they are real, the summary."""

    states: Tensor
    keys: Tensor | None
    mask: Tensor
    summary: Tensor


class Step(NamedTuple):
    """Where the decoder stands: its state, what it has just read, and where it looked for it."""

    state: Tensor
    context: Tensor
    weights: Tensor


class Seq2Seq(nn.Module):
    """An encoder that hears, and a decoder that writes one token after the other.

    With attention the decoder looks at all states of the encoder before each token; without, it
    gets their summary, the same each time.

    Source of the decoder: Chan, Jaitly, Le, Vinyals, "Listen, attend and spell", 2016, section 3.2:
    what was read in a step enters the next one.
    """

    def __init__(
        self, dims: int, tokens: int, hidden: int = 64, attention: str | None = "additive"
    ) -> None:
        """Make a model.

        Args:
            dims: of the features.
            tokens: size of the vocabulary, END and START among them.
            hidden: units of each direction of the encoder; the decoder has twice as many.
            attention: a kind of `Attention`, or None.
        """
        super().__init__()
        self.encoder = Encoder(dims, hidden)
        self.embedding = nn.Embedding(tokens, hidden)
        self.first = nn.Linear(2 * hidden, 2 * hidden)
        self.cell = nn.GRUCell(3 * hidden, 2 * hidden)
        self.attention = Attention(2 * hidden, 2 * hidden, hidden, attention) if attention else None
        self.output = nn.Linear(4 * hidden, tokens)

    def forward(self, features: Tensor, lengths: Tensor | None, targets: Tensor) -> Transcript:
        """Say what comes next at each place, told the right tokens before it (teacher forcing).

        Args:
            features: (batch, frames, dims).
            lengths: frames that are not padding, (batch,); None: all.
            targets: (batch, longest), padded with END.
        """
        memory, lengths, step = self._listen(features, lengths)
        inputs = torch.cat([torch.full_like(targets[:, :1], START), targets], dim=1)
        logits, looks = [], []
        for tokens in inputs.T:
            step = self._advance(tokens, step, memory)
            logits.append(self._judge(step))
            looks.append(step.weights)
        attention = torch.stack(looks, dim=1) if self.attention else None
        return Transcript(torch.stack(logits, dim=1), attention, lengths)

    @torch.no_grad()
    def transcribe(
        self, features: Tensor, lengths: Tensor | None, limit: int = 100
    ) -> tuple[list[list[int]], Tensor | None]:
        """Write freely: each token that it writes is the next one that it is told (greedy search).

        Args:
            features: (batch, frames, dims).
            lengths: frames that are not padding, (batch,); None: all.
            limit: most tokens written; END comes before, if all goes well.

        Returns:
            The tokens of each item, without END; the weights (batch, longest + 1, encoded frames),
            one row more than tokens for END, or None without attention.
        """
        memory, _, step = self._listen(features, lengths)
        tokens = torch.full((len(features),), START, device=features.device)
        done = torch.zeros_like(tokens, dtype=torch.bool)
        written, looks = [], []
        while len(written) < limit and not done.all():
            step = self._advance(tokens, step, memory)
            tokens = self._judge(step).argmax(dim=-1).masked_fill(done, END)
            done |= tokens == END
            written.append(tokens)
            looks.append(step.weights)
        rows = torch.stack(written, dim=1).tolist()
        texts = [row[: row.index(END)] if END in row else row for row in rows]
        return texts, torch.stack(looks, dim=1) if self.attention else None

    def _listen(self, features: Tensor, lengths: Tensor | None) -> tuple[Memory, Tensor, Step]:
        """Encode, and put the decoder at its start: nothing read yet, looking at nothing."""
        states, lengths, summary = self.encoder(features, lengths)
        keys = self.attention.key(states) if self.attention else None
        mask = length_mask(lengths, states.shape[1])
        context = torch.zeros_like(summary) if self.attention else summary
        start = Step(self.first(summary).tanh(), context, torch.zeros_like(states[..., 0]))
        return Memory(states, keys, mask, summary), lengths, start

    def _advance(self, tokens: Tensor, step: Step, memory: Memory) -> Step:
        """Take in the token before and what was read before; then look again."""
        told = torch.cat([self.embedding(tokens), step.context], dim=-1)
        state = self.cell(told, step.state)
        if self.attention is None:
            return Step(state, memory.summary, step.weights)
        look = self.attention(state, memory.keys, memory.states, memory.mask, step.weights)
        return Step(state, *look)

    def _judge(self, step: Step) -> Tensor:
        """Logits of the next token."""
        return self.output(torch.cat([step.state, step.context], dim=-1))


def sequence_loss(logits: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
    """Mean cross-entropy over the tokens and the END of each item; padding does not count.

    Args:
        logits: (batch, longest + 1, tokens).
        targets: (batch, longest), padded with END.
        target_lengths: (batch,).
    """
    expected = nn.functional.pad(targets, (0, 1), value=END)
    losses = nn.functional.cross_entropy(logits.transpose(1, 2), expected, reduction="none")
    return losses[length_mask(target_lengths + 1, expected.shape[1])].mean()
