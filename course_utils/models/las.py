"""Listen, Attend and Spell: an encoder that hears, and a decoder that writes letter by letter.

One numbering serves the speller and CTC: symbols are tokens from 1 on, as `datasets.text.Alphabet`
numbers them, and targets are padded with 0. For CTC 0 is the blank, for the speller it is END: the
two never stand in one distribution. START is an input only, never an output: it is the number
behind the last symbol, and has a row of the embedding, but no logit.

Source: Chan, Jaitly, Le, Vinyals, "Listen, attend and spell", 2016,
https://arxiv.org/abs/1508.01211; "the paper" below.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_utils.datasets.batching import mask as length_mask
from course_utils.models.attention import Attention
from course_utils.models.convolution import Block, Layer, MaskedBatchNorm
from course_utils.models.deepspeech2 import FrontEnd, SequenceLayer
from course_utils.models.recurrent import RecurrentLayer, check_lengths

END = 0  # what the speller writes last, and what targets are padded with


def pair_frames(x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Half as many frames, each twice as wide: frame t holds [x[2t], x[2t + 1]].

    The step from one layer of the pyramid to the next, equation 5 of the paper. A last frame
    without a partner gets zeros beside it: no sound is dropped.

    Args:
        x: (batch, frames, d).
        lengths: frames that are not padding, (batch,).

    Returns:
        (batch, (frames + 1) // 2, 2 d), and the lengths (lengths + 1) // 2.
    """
    batch, frames, d = x.shape
    # The partner of an odd item's last frame is 0, whatever the padding holds.
    x = x.masked_fill(~length_mask(lengths, frames)[..., None], 0)
    x = nn.functional.pad(x, (0, 0, 0, frames % 2))
    return x.reshape(batch, -1, 2 * d), (lengths + 1) // 2


class Listener(nn.Module):
    """Convolutions (optional), a bidirectional LSTM, and a pyramid of more of them.

    The features are normalised band by band at the door, so log-mel frames may come as they are.
    Each layer of the pyramid reads pairs of the frames of the layer below, so that `pyramid` layers
    leave 2 ** pyramid times fewer frames to look through.
    """

    def __init__(
        self,
        dims: int,
        hidden: int,
        pyramid: int,
        front: Sequence[Layer],
        normalized: bool = False,
        dropout: float = 0.0,
    ) -> None:
        """Make a listener; arguments as those of `ListenAttendSpell`.

        Raises:
            ValueError: a convolution over bands follows one that mixes them.
        """
        super().__init__()
        self.normalize = MaskedBatchNorm(dims)
        self.front = nn.ModuleList()
        channels = 1  # of a picture of frames by bands; 0 when there are only dims
        for layer in front:
            if not isinstance(layer.size, tuple):
                self.front.append(Block(dims, layer, two_dimensional=False))
                channels, dims = 0, layer.filters
            elif channels:
                self.front.append(FrontEnd(channels, layer, dims, normalized=True))
                channels, dims = layer.filters, self.front[-1].bands
            else:
                raise ValueError(
                    "a convolution over bands can't follow one that mixes them: in `front`, those "
                    "whose size is a pair come first"
                )
        dims *= channels or 1
        self.layers = nn.ModuleList()
        for level in range(pyramid + 1):
            inputs = dims if level == 0 else 2 * dims
            if normalized:
                self.layers.append(SequenceLayer("lstm", inputs, hidden))
                dims = hidden
            else:
                self.layers.append(RecurrentLayer("lstm", inputs, hidden, True))
                dims = self.layers[-1].output_size
        self.dropout = nn.Dropout(dropout)
        self.output_size = dims

    def forward(self, features: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """States (batch, frames', output_size), 0 in the padding, and how many each item has."""
        if lengths is None:
            lengths = torch.full((len(features),), features.shape[1])
        lengths = check_lengths(lengths, features).to(features.device)
        x = self.normalize(features.transpose(1, 2), lengths)
        for block in self.front:
            if x.ndim == 3 and isinstance(block, FrontEnd):
                x = x.transpose(1, 2)[:, None]
            x, lengths = block(x, lengths)
        x = x.transpose(1, 2).flatten(2)
        for level, layer in enumerate(self.layers):
            if level:
                x, lengths = pair_frames(x, lengths)
            x = layer(x, lengths)
            x = self.dropout(x if isinstance(x, Tensor) else x[0])
        return x, lengths

    @property
    def stride(self) -> int:
        """Frames of features for each frame that is left."""
        return math.prod(block.conv.stride[0] for block in self.front) * 2 ** (len(self.layers) - 1)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Frames' for so many frames."""
        for block in self.front:
            lengths = block.conv.output_lengths(lengths)
        for _ in self.layers[1:]:
            lengths = (lengths + 1) // 2
        return lengths


class Memory(NamedTuple):
    """What the speller has of the sound, computed once: states, their keys, where they are real."""

    states: Tensor  # (batch, frames', d)
    keys: Tensor  # (batch, frames', d')
    mask: Tensor  # bool (batch, frames')

    def rows(self, index: Tensor) -> Memory:
        """Some items, in any order, also several times."""
        return Memory(*(x.index_select(0, index) for x in self))


class State(NamedTuple):
    """Where the speller stands: its cells, what it has just read, and where it looked for it."""

    hidden: tuple[Tensor, ...]  # of each layer, (batch, units)
    cell: tuple[Tensor, ...]
    context: Tensor  # (batch, d)
    weights: Tensor  # (batch, frames')

    def rows(self, index: Tensor) -> State:
        """Some items, in any order, also several times."""
        hidden, cell = (tuple(x.index_select(0, index) for x in part) for part in self[:2])
        return State(hidden, cell, *(x.index_select(0, index) for x in self[2:]))


class Spelling(NamedTuple):
    """What `ListenAttendSpell` says while it is told what stands before.

    Attributes:
        logits: (batch, longest + 1, tokens); place u is about target u, the place behind an item's
            last target about END.
        attention: where it looked for each, (batch, longest + 1, frames').
        ctc_log_probs: of the other branch, (batch, frames', tokens); None without it.
        lengths: frames' that are not padding, (batch,).
    """

    logits: Tensor
    attention: Tensor
    ctc_log_probs: Tensor | None
    lengths: Tensor


class ListenAttendSpell(nn.Module):
    """Listener, attention and speller; optionally CTC on the listener's states as well.

    The speller is a stack of LSTM cells. In each step it takes in the token before and what was
    read for it, looks at the sound, and judges what comes next from its state and what it has read:
    s = LSTM(s, [y, c]), c = attention(s, h), logits = W [s, c] + b (equations 6 to 8 of the paper,
    with one matrix where the paper has a small network).
    """

    def __init__(
        self,
        dims: int,
        tokens: int,
        hidden: int = 64,
        *,
        front: Sequence[Layer] = (Layer(64, 5, 2),),
        pyramid: int = 1,
        speller: int = 128,
        speller_layers: int = 1,
        attention: str = "location",
        ctc: bool = False,
        normalized: bool = False,
        dropout: float = 0.0,
    ) -> None:
        """Make a model.

        Args:
            dims: of a frame of features.
            tokens: size of the alphabet, the token 0 included.
            hidden: units of each direction of the listener's layers.
            front: convolutions before the listener's LSTMs, with batch normalisation and ReLU;
                their strides over time are where the first frames are saved. Where `size` is a
                pair they go over frames and bands, as those of Deep Speech 2. () for none.
            pyramid: layers that halve the number of frames.
            speller: units of each of the speller's layers.
            speller_layers: how many of them.
            attention: a kind of `models.attention.Attention`.
            ctc: with a CTC branch.
            normalized: True: the listener's layers are those of Deep Speech 2, their input's share
                batch-normalised, the outputs of both directions added. False: as in the paper,
                nothing is normalised, the outputs stand side by side.
            dropout: share of numbers that are left out, while it learns, of what each of the
                listener's layers gives, of the speller's input, and of what it judges from.

        Raises:
            ValueError: a number is out of range, an unknown `attention`, or a `front` whose
                convolutions do not fit each other.
        """
        super().__init__()
        if pyramid < 0 or speller_layers < 1 or tokens < 2:
            raise ValueError(
                f"pyramid must be 0 or more, speller_layers 1 or more, tokens 2 or more, got "
                f"{pyramid}, {speller_layers}, {tokens}"
            )
        self.tokens = tokens
        self.listener = Listener(dims, hidden, pyramid, front, normalized, dropout)
        heard = self.listener.output_size
        self.embedding = nn.Embedding(tokens + 1, hidden)
        sizes = [hidden + heard] + [speller] * (speller_layers - 1)
        self.cells = nn.ModuleList(nn.LSTMCell(size, speller) for size in sizes)
        self.attention = Attention(speller, heard, hidden, attention)
        self.output = nn.Linear(speller + heard, tokens)
        self.ctc = nn.Linear(heard, tokens) if ctc else None
        self.dropout = nn.Dropout(dropout)

    @property
    def start_token(self) -> int:
        """START: what the speller is told before the first token."""
        return self.tokens

    def forward(
        self,
        features: Tensor,
        lengths: Tensor | None,
        targets: Tensor,
        sampling: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Spelling:
        """Judge what comes next at each place, told the right tokens before it (teacher forcing).

        Args:
            features: (batch, frames, dims).
            lengths: frames that are not padding, (batch,); None: all.
            targets: tokens from 1 on, (batch, longest), padded with 0.
            sampling: how often, for each item and step by itself, the model is told a token that it
                drew from its own prediction instead of the right one, 0 to 1 (scheduled sampling,
                Bengio and others 2015; the paper uses 0.1). END is never drawn.
            generator: for these draws; torch's own when None.

        Returns:
            Logits, attention, CTC's log-probabilities, lengths.

        Raises:
            ValueError: `sampling` or a target is out of range.
        """
        if not 0 <= sampling <= 1:
            raise ValueError(f"sampling is a probability, 0 to 1, got {sampling}")
        if targets.numel() and not 0 <= targets.min() <= targets.max() < self.tokens:
            raise ValueError(
                f"targets must be 0 to {self.tokens - 1}, got {int(targets.min())} to "
                f"{int(targets.max())}"
            )
        memory, lengths = self.listen(features, lengths)
        state = self.start(memory)
        told = nn.functional.pad(targets, (1, 0), value=self.start_token)
        embedded = self.dropout(self.embedding(told))
        read, looks = [], []
        for u in range(told.shape[1]):
            y = embedded[:, u]
            if sampling and u:
                y = self._sample(y, state, sampling, generator)
            state = self._advance(y, state, memory)
            read.append(_judged(state))
            looks.append(state.weights)
        logits = self.output(self.dropout(torch.stack(read, dim=1)))  # all places in one product
        ctc = None if self.ctc is None else self.ctc(memory.states).log_softmax(dim=-1)
        return Spelling(logits, torch.stack(looks, dim=1), ctc, lengths)

    def listen(self, features: Tensor, lengths: Tensor | None) -> tuple[Memory, Tensor]:
        """What does not change from step to step, and the frames' of each item, (batch,)."""
        states, lengths = self.listener(features, lengths)
        mask = length_mask(lengths, states.shape[1])
        return Memory(states, self.attention.key(states), mask), lengths

    def start(self, memory: Memory) -> State:
        """The speller before its first step: nothing written, nothing read, looking at nothing."""
        batch, frames, d = memory.states.shape
        zeros = tuple(memory.states.new_zeros(batch, cell.hidden_size) for cell in self.cells)
        context, weights = memory.states.new_zeros(batch, d), memory.states.new_zeros(batch, frames)
        return State(zeros, zeros, context, weights)

    def step(self, tokens: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """One step of a search: told the token before, logits (batch, tokens) and the new state."""
        state = self._advance(self.embedding(tokens), state, memory)
        return self.output(_judged(state)), state

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Frames that the speller looks through for so many frames of features."""
        return self.listener.output_lengths(lengths)

    def _advance(self, y: Tensor, state: State, memory: Memory) -> State:
        """Take in the token before, (batch, hidden), and what was read for it; then look again."""
        x = torch.cat([y, state.context], dim=-1)
        hidden, cell = [], []
        for layer, *before in zip(self.cells, state.hidden, state.cell, strict=True):
            x, c = layer(x, tuple(before))
            hidden.append(x)
            cell.append(c)
        look = self.attention(x, memory.keys, memory.states, memory.mask, state.weights)
        return State(tuple(hidden), tuple(cell), *look)

    def _sample(
        self, right: Tensor, state: State, sampling: float, generator: torch.Generator | None
    ) -> Tensor:
        """The embedding of the right token, or of one drawn from the last prediction."""
        with torch.no_grad():
            logits = self.output(_judged(state))
            logits[:, END] = -torch.inf  # nobody goes on after the end
            drawn = torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)[:, 0]
            coins = torch.rand(len(drawn), generator=generator, device=drawn.device) < sampling
        return torch.where(coins[:, None], self.embedding(drawn), right)


def _judged(state: State) -> Tensor:
    """What the next token is judged from, (batch, speller + d)."""
    return torch.cat([state.hidden[-1], state.context], dim=-1)
