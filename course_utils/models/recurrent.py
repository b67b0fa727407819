"""Recurrent networks: plain RNN, LSTM and GRU from scratch, and the layers that the course trains.

A step is a function of the input x of one frame and of the state that the frames before have left.
A layer is a loop over the frames. Parameters have torch's names and layout, so that weights can be
copied from one to the other: of an LSTM, `weight_ih` (4 hidden, inputs) holds the rows of input
gate, forget gate, candidate and output gate; of a GRU, `weight_ih` (3 hidden, inputs) those of
reset gate, update gate and candidate; `weight_hh` and the two biases likewise.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

BLOCKS = {"rnn": 1, "gru": 3, "lstm": 4}  # matrices that stand one on the other in `weight_ih`
TORCH = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Weights(NamedTuple):
    """The parameters of one layer in one direction, in torch's order."""

    weight_ih: Tensor  # (blocks * hidden, inputs): W, from the input
    weight_hh: Tensor  # (blocks * hidden, hidden): U, from the state
    bias_ih: Tensor  # (blocks * hidden,)
    bias_hh: Tensor  # (blocks * hidden,)


class Gates(NamedTuple):
    """What an LSTM computes on its way, each (..., hidden).

    Input gate i, forget gate f, candidate g, output gate o; the new cell c and hidden state h.
    """

    input: Tensor
    forget: Tensor
    candidate: Tensor
    output: Tensor
    cell: Tensor
    hidden: Tensor


def rnn_step(x: Tensor, h: Tensor, weights: Weights) -> Tensor:
    """The next hidden state of a plain RNN, tanh(W x + U h + b).

    Args:
        x: (batch, inputs).
        h: (batch, hidden), the state before.
        weights: with 1 block of rows.

    Returns:
        (batch, hidden).
    """
    W, U, b_W, b_U = weights
    return torch.tanh(x @ W.T + b_W + h @ U.T + b_U)


def lstm_step(x: Tensor, state: tuple[Tensor, Tensor], weights: Weights) -> Gates:
    """One step of an LSTM: c' = f c + i g, h' = o tanh(c').

    Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000.

    Args:
        x: (batch, inputs).
        state: hidden state h and cell c, each (batch, hidden).
        weights: with 4 blocks of rows.

    Returns:
        The gates, the new cell and the new hidden state.
    """
    W, U, b_W, b_U = weights
    h, c = state
    i, f, g, o = (x @ W.T + b_W + h @ U.T + b_U).chunk(4, dim=-1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * c + i * g
    return Gates(i, f, g, o, c, o * c.tanh())


def gru_step(x: Tensor, h: Tensor, weights: Weights, reset_after: bool = True) -> Tensor:
    """One step of a GRU: h' = (1 - z) n + z h, with the candidate n.

    Args:
        x: (batch, inputs).
        h: (batch, hidden), the state before.
        weights: with 3 blocks of rows.
        reset_after: True applies the reset gate after the matrix product, n = tanh(W x + r (U h)),
            as torch does; False before it, n = tanh(W x + U (r h)), as Cho et al. 2014 do.

    Returns:
        (batch, hidden).
    """
    W, U, b_W, b_U = weights
    x_r, x_z, x_n = (x @ W.T + b_W).chunk(3, dim=-1)
    U_rz, U_n = U.split([2 * h.shape[-1], h.shape[-1]])
    b_rz, b_n = b_U.split([2 * h.shape[-1], h.shape[-1]])
    h_r, h_z = (h @ U_rz.T + b_rz).chunk(2, dim=-1)
    r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
    h_n = r * (h @ U_n.T + b_n) if reset_after else (r * h) @ U_n.T + b_n
    n = (x_n + h_n).tanh()
    return (1 - z) * n + z * h


class Recurrent(nn.Module):
    """A plain RNN, LSTM or GRU of any depth, one loop over the frames for each layer and direction.

    It takes and returns what torch's layers with `batch_first=True` take and return, and has
    parameters of the same names: `Recurrent("lstm", 40, 64).load_state_dict(lstm.state_dict())`.
    """

    def __init__(
        self,
        kind: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bidirectional: bool = False,
    ) -> None:
        """Draw the parameters between -1 and 1, divided by the root of `hidden_size`, as torch.

        Args:
            kind: "rnn", "lstm" or "gru".
            input_size: numbers in a frame.
            hidden_size: numbers in a state.
            num_layers: each layer reads the outputs of the one before.
            bidirectional: a second set of weights reads backwards; outputs are put side by side.

        Raises:
            ValueError: an unknown `kind`.
        """
        super().__init__()
        check_kind(kind)
        self.kind, self.hidden_size, self.num_layers = kind, hidden_size, num_layers
        self.directions = ("", "_reverse") if bidirectional else ("",)
        for layer in range(num_layers):
            inputs = input_size if layer == 0 else len(self.directions) * hidden_size
            rows = BLOCKS[kind] * hidden_size
            for direction in self.directions:
                for name, shape in (
                    ("weight_ih", (rows, inputs)),
                    ("weight_hh", (rows, hidden_size)),
                    ("bias_ih", (rows,)),
                    ("bias_hh", (rows,)),
                ):
                    values = torch.empty(shape).uniform_(-1, 1) / hidden_size**0.5
                    self.register_parameter(f"{name}_l{layer}{direction}", nn.Parameter(values))

    def forward(
        self,
        features: Tensor,
        state: Tensor | tuple[Tensor, Tensor] | None = None,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        """Read a batch of sequences.

        Args:
            features: (batch, frames, inputs).
            state: where to begin: h0, for an LSTM (h0, c0), each (layers * directions, batch,
                hidden); zeros when None.
            lengths: (batch,), how many frames of each are real; all when None. In the padding
                the state stands still, and the outputs are 0.

        Returns:
            Outputs (batch, frames, directions * hidden), and the state after the last real frame
            (backwards: after frame 0), shaped as `state`.
        """
        batch, frames, _ = features.shape
        if state is None:
            zeros = features.new_zeros(
                self.num_layers * len(self.directions), batch, self.hidden_size
            )
            state = (zeros, zeros) if self.kind == "lstm" else zeros
        parts = state if self.kind == "lstm" else (state,)
        real = torch.ones(batch, frames, dtype=torch.bool)
        if lengths is not None:
            real = torch.arange(frames) < check_lengths(lengths, features)[:, None]
        real = real[..., None].to(features.device)

        last = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in self.directions:
                before = tuple(part[len(last)] for part in parts)
                output, after = self._read(features, before, real, f"_l{layer}{direction}")
                outputs.append(output)
                last.append(after)
            features = torch.cat(outputs, dim=-1)
        state = tuple(torch.stack(part) for part in zip(*last, strict=True))
        return features, state if self.kind == "lstm" else state[0]

    def _read(
        self, features: Tensor, state: tuple[Tensor, ...], real: Tensor, name: str
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """One layer in one direction: outputs (batch, frames, hidden), and the last state."""
        weights = Weights(*(getattr(self, field + name) for field in Weights._fields))
        frames = range(features.shape[1])
        outputs = {}
        for t in reversed(frames) if name.endswith("_reverse") else frames:
            new = self._step(features[:, t], state, weights)
            state = tuple(torch.where(real[:, t], n, s) for n, s in zip(new, state, strict=True))
            outputs[t] = state[0] * real[:, t]
        return torch.stack([outputs[t] for t in frames], dim=1), state

    def _step(self, x: Tensor, state: tuple[Tensor, ...], weights: Weights) -> tuple[Tensor, ...]:
        if self.kind == "lstm":
            gates = lstm_step(x, state, weights)
            return gates.hidden, gates.cell
        step = rnn_step if self.kind == "rnn" else gru_step
        return (step(x, state[0], weights),)


def trace(lstm: nn.LSTM, features: Tensor) -> Gates:
    """Everything that the first layer of an LSTM computes while it reads one sequence.

    Args:
        lstm: torch's, or a `Recurrent` of the kind "lstm"; its first layer's forward direction.
        features: (frames, inputs).

    Returns:
        Gates, each (frames, hidden), without gradients.
    """
    weights = Weights(*(getattr(lstm, f"{field}_l0").detach() for field in Weights._fields))
    h = c = features.new_zeros(1, lstm.hidden_size)
    steps = []
    for x in features:
        steps.append(lstm_step(x[None], (h, c), weights))
        h, c = steps[-1].hidden, steps[-1].cell
    return Gates(*(torch.cat(part) for part in zip(*steps, strict=True)))


class RecurrentLayer(nn.Module):
    """One of torch's layers, with lengths: a sequence's results do not depend on its padding.

    Read forwards, padding comes after everything that counts, so only the last state has to be
    picked with care. Read backwards, padding would come first: so each sequence is turned around
    within its own length, read forwards, and turned back. That gives what packing gives, in less
    time on a CPU. Its outputs in the padding are 0.
    """

    def __init__(
        self,
        kind: str,
        input_size: int,
        hidden_size: int,
        bidirectional: bool = False,
        merge: str = "concat",
    ) -> None:
        """Make one of torch's layers for each direction.

        Args:
            kind: "rnn", "lstm" or "gru".
            input_size: numbers in a frame.
            hidden_size: numbers in a state of one direction.
            bidirectional: also read backwards.
            merge: "concat" puts the outputs of both directions side by side, "sum" adds them.

        Raises:
            ValueError: an unknown `kind` or `merge`.
        """
        super().__init__()
        check_kind(kind)
        if merge not in ("concat", "sum"):
            raise ValueError(f'merge must be "concat" or "sum", got {merge!r}')
        self.merge = merge
        self.forwards = TORCH[kind](input_size, hidden_size, batch_first=True)
        self.backwards = None
        if bidirectional:
            self.backwards = TORCH[kind](input_size, hidden_size, batch_first=True)
        side_by_side = 2 if bidirectional and merge == "concat" else 1
        self.output_size = side_by_side * hidden_size

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read a batch.

        Args:
            features: (batch, frames, inputs).
            lengths: (batch,), how many frames of each are real; all when None.

        Returns:
            Outputs (batch, frames, output_size), and the hidden states at the end of the reading,
            (batch, output_size): forwards after the last real frame, backwards after frame 0.

        Raises:
            ValueError: `lengths` do not fit the features.
        """
        batch, frames, _ = features.shape
        if lengths is None:
            lengths = torch.full((batch,), frames)
        lengths = check_lengths(lengths, features).to(features.device)
        rows = torch.arange(batch, device=features.device)
        time = torch.arange(frames, device=features.device)
        real = (time < lengths[:, None])[..., None]

        output = self.forwards(features)[0]
        last = output[rows, lengths - 1]
        if self.backwards is not None:
            # Place t of the turned sequence is place length - 1 - t of the sequence, and back.
            turned = torch.where(real[..., 0], lengths[:, None] - 1 - time, time)
            reading = self.backwards(features[rows[:, None], turned])[0]
            pair = (output, reading[rows[:, None], turned])
            pair_last = (last, reading[rows, lengths - 1])
            if self.merge == "sum":
                output, last = sum(pair), sum(pair_last)
            else:
                output, last = torch.cat(pair, dim=-1), torch.cat(pair_last, dim=-1)
        return output * real, last


class RecurrentStack(nn.Module):
    """Layers one on the other, each reading the outputs of the one before."""

    def __init__(
        self,
        kind: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bidirectional: bool = False,
        merge: str = "concat",
    ) -> None:
        """As `RecurrentLayer`, `num_layers` times."""
        super().__init__()
        self.layers = nn.ModuleList()
        for _ in range(num_layers):
            layer = RecurrentLayer(kind, input_size, hidden_size, bidirectional, merge)
            self.layers.append(layer)
            input_size = layer.output_size
        self.output_size = input_size

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As `RecurrentLayer`; the last states are those of the last layer."""
        for layer in self.layers:
            features, last = layer(features, lengths)
        return features, last


class RecurrentClassifier(nn.Module):
    """Reads a whole sequence, then says one class: a linear layer on the last real state."""

    def __init__(
        self,
        kind: str,
        input_size: int,
        hidden_size: int,
        classes: int,
        num_layers: int = 1,
        bidirectional: bool = False,
    ) -> None:
        """A `RecurrentStack` and a linear layer."""
        super().__init__()
        self.recurrent = RecurrentStack(kind, input_size, hidden_size, num_layers, bidirectional)
        self.linear = nn.Linear(self.recurrent.output_size, classes)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (batch, classes) of features (batch, frames, inputs)."""
        return self.linear(self.recurrent(features, lengths)[1])


class RecurrentTagger(nn.Module):
    """Says something at each frame, from what it has read so far: forwards only, for streams."""

    def __init__(self, kind: str, input_size: int, hidden_size: int, outputs: int = 1) -> None:
        """One of torch's layers and a linear layer on each of its outputs."""
        super().__init__()
        check_kind(kind)
        self.recurrent = TORCH[kind](input_size, hidden_size, batch_first=True)
        self.linear = nn.Linear(hidden_size, outputs)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (batch, frames, outputs); none knows the frames after it, padding least of all."""
        return self.stream(features)[0]

    def stream(
        self, features: Tensor, state: Tensor | tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        """Read on: the logits of a chunk of frames, and the state to give with the next chunk.

        Args:
            features: (batch, frames, inputs), the next frames.
            state: what the call before returned; None at the start.
        """
        output, state = self.recurrent(features, state)
        return self.linear(output), state


def packed(layer: nn.RNNBase, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """One of torch's layers by way of a packed sequence: outputs, and the state at the end.

    Args:
        layer: made with `batch_first=True`.
        features: (batch, frames, inputs).
        lengths: (batch,), in any order.
    """
    lengths = check_lengths(lengths, features)
    sequence = pack_padded_sequence(features, lengths.cpu(), batch_first=True, enforce_sorted=False)
    output, state = layer(sequence)
    output, _ = pad_packed_sequence(output, batch_first=True, total_length=features.shape[1])
    return output, state


def check_kind(kind: str) -> None:
    """ValueError unless `kind` is one of the three."""
    if kind not in BLOCKS:
        raise ValueError(f"kind must be one of {', '.join(BLOCKS)}, got {kind!r}")


def check_lengths(lengths: Tensor, features: Tensor) -> Tensor:
    """The lengths, or a ValueError that says which of them does not fit (batch, frames, ...)."""
    lengths = torch.as_tensor(lengths)
    batch, frames = features.shape[:2]
    if lengths.shape != (batch,) or lengths.is_floating_point():
        raise ValueError(
            f"lengths must be {batch} whole numbers, one a sequence, got {lengths.dtype} of shape "
            f"{tuple(lengths.shape)}"
        )
    if wrong := [n for n in lengths.tolist() if not 1 <= n <= frames]:
        raise ValueError(f"lengths must be 1 to {frames}, the frames of the batch, got {wrong[0]}")
    return lengths
