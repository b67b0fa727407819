"""Deep Speech 2: convolutions, a stack of recurrent layers, one linear layer, trained with CTC.

Amodei et al. (2015), https://arxiv.org/abs/1512.02595. As in the paper: convolutions over time and
frequency whose activation is clipped, min(max(x, 0), 20); batch normalisation of the input's share
of a recurrent layer, W x, over all frames of all items of a batch ("sequence-wise"), and not of the
recurrent share, U h; one W for both directions, whose outputs are added; a lookahead convolution
where a layer may read forwards only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_utils.models.convolution import (
    Layer,
    MaskedBatchNorm,
    MaskedConv2d,
    mask_frames,
    output_length,
    receptive_field,
)
from course_utils.models.recurrent import BLOCKS, check_kind, check_lengths
from course_utils.models.together import total

CLIP = 20.0  # of the activation


def clipped_relu(x: Tensor) -> Tensor:
    """min(max(x, 0), 20), the paper's activation; its layers stay finite whatever comes in."""
    return functional.hardtanh(x, 0.0, CLIP)


class FrontEnd(nn.Module):
    """One convolution over frames and bands: masked, normalised, clipped.

    Over time it is padded so that output t stands at frame stride · t, also for the last frames;
    over the bands likewise, but for a filter as high as the spectrum: that is the paper's
    convolution over time alone ("1D"), and leaves one band.

    Args:
        channels: of the maps that come in.
        layer: filters, size and stride, over (frames, bands).
        bands: of the maps that come in.
        normalized: False leaves the batch normalisation out.

    Raises:
        ValueError: the filter spans an even number of frames.

    Attributes:
        bands: that are left, for the next layer.
    """

    def __init__(self, channels: int, layer: Layer, bands: int, normalized: bool) -> None:
        super().__init__()
        taps, height = layer.size if isinstance(layer.size, tuple) else (layer.size, layer.size)
        if taps % 2 == 0:
            raise ValueError(f"a filter must span an odd number of frames, got {taps}")
        padding = ((taps - 1) // 2, 0 if height >= bands else (height - 1) // 2)
        self.conv = MaskedConv2d(
            channels, layer.filters, (taps, height), layer.stride, padding, bias=not normalized
        )
        self.norm = MaskedBatchNorm(layer.filters) if normalized else None
        self.bands = output_length(bands, height, self.conv.stride[1], padding[1])

    def forward(self, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Maps (batch, channels, frames, bands) and lengths to the next ones."""
        x, lengths = self.conv(x, lengths)
        return self._activate(x, lengths), lengths

    def _activate(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return clipped_relu(x if self.norm is None else self.norm(x, lengths))

    def stream(self, x: Tensor, before: Tensor | None, last: bool) -> tuple[Tensor, Tensor]:
        """The outputs that a chunk completes, possibly none, and the frames to keep for later.

        Args:
            x: (batch, channels, frames, bands), the next frames; there may be none.
            before: what the call before kept; None at the start.
            last: nothing follows: the padding behind the end is put on.
        """
        taps, stride, padding = (
            getattr(self.conv, name)[0] for name in ("kernel_size", "stride", "padding")
        )
        if before is None:
            before = x.new_zeros(*x.shape[:2], padding, x.shape[3])
        x = torch.cat([before, x], dim=2)
        if last:
            x = functional.pad(x, (0, 0, 0, padding))
        ready = max(0, output_length(x.shape[2], taps, stride))
        if ready == 0:
            return x.new_zeros(len(x), self.conv.out_channels, 0, self.bands), x
        seen = x[:, :, : stride * (ready - 1) + taps]
        y = functional.conv2d(
            seen, self.conv.weight, self.conv.bias, self.conv.stride, (0, self.conv.padding[1])
        )
        return self._activate(y), x[:, :, stride * ready :]


class SequenceLayer(nn.Module):
    """A recurrent layer whose input's share is batch-normalised: f(B(W x_t) + U h_(t-1)).

    B takes the mean and the variance of each number of W x over every real frame of every item, in
    training of this batch, else the running ones. What is computed is W' x + b', with
    W' = γ W / σ and b' = β - γ µ / σ: exactly B(W x), in the fast kernels of torch. For that,
    µ = W · mean(x), and σ² is the diagonal of W · cov(x) · Wᵀ.

    With `together`, the batch is that of all processes that train together (`models.together`).

    Both directions share W and B, as in the paper, each has its own U; their outputs are added.
    Read backwards, each item is turned around within its length (see `RecurrentLayer`). "rnn" has
    the clipped activation in place of torch's tanh.

    Args:
        kind: "lstm", "gru" or "rnn".
        input_size: numbers in a frame.
        hidden_size: numbers in a state, and in a frame of the output.
        bidirectional: also read backwards.
        normalized: False leaves B out.
        momentum: share of a batch in the new running statistics.
        eps: is added to the variance.

    Raises:
        ValueError: an unknown `kind`.
    """

    def __init__(
        self,
        kind: str,
        input_size: int,
        hidden_size: int,
        bidirectional: bool = True,
        normalized: bool = True,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        check_kind(kind)
        self.kind, self.hidden_size, self.normalized = kind, hidden_size, normalized
        self.momentum, self.eps, self.together = momentum, eps, False
        rows, directions = BLOCKS[kind] * hidden_size, 2 if bidirectional else 1
        bound = hidden_size**-0.5
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size).uniform_(-bound, bound))  # W
        self.weight_hh = nn.ParameterList(  # U of each direction
            torch.empty(rows, hidden_size).uniform_(-bound, bound) for _ in range(directions)
        )
        self.bias_hh = nn.ParameterList(torch.zeros(rows) for _ in range(directions))
        self.bias = nn.Parameter(torch.zeros(rows))  # β
        if normalized:
            self.scale = nn.Parameter(torch.ones(rows))  # γ
            self.register_buffer("running_mean", torch.zeros(rows))
            self.register_buffer("running_var", torch.ones(rows))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Outputs (batch, frames, hidden) of x (batch, frames, inputs); 0 behind each length.

        Statistics need full precision: under autocast, this layer leaves it.
        """
        batch, frames, _ = x.shape
        if lengths is None:
            lengths = torch.full((batch,), frames)
        lengths = lengths.to(x.device)[:, None]
        time = torch.arange(frames, device=x.device)
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.weight_ih.dtype)
            W, b = self.input_weights(x, lengths[:, 0])
            output = self._read(x, W, b, 0)[0]
            if len(self.weight_hh) == 2:
                turned = torch.where(time < lengths, lengths - 1 - time, time)
                rows = torch.arange(batch, device=x.device)[:, None]
                output = output + self._read(x[rows, turned], W, b, 1)[0][rows, turned]
        return output * (time < lengths)[..., None]

    def stream(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The outputs of a chunk, and the state to give with the next one; None at the start."""
        if x.shape[1] == 0:
            return x.new_zeros(len(x), 0, self.hidden_size), state
        return self._read(x, *self.input_weights(x, None), 0, state)

    def input_weights(self, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """W' and b', (rows, inputs) and (rows,), for which W' x + b' is the normalised W x."""
        W = self.weight_ih
        if not self.normalized:
            return W, self.bias
        mean, var = self.running_mean, self.running_var
        if self.training:
            inside = x.flatten(0, 1)
            if lengths is not None and int(lengths.min()) < x.shape[1]:
                time = torch.arange(x.shape[1], device=x.device)
                inside = x[time < lengths.to(x.device)[:, None]]
            count = len(inside)
            centre = inside.mean(dim=0)
            if self.together:
                count = float(total(torch.tensor(float(count), device=x.device)))
                centre = total(inside.sum(dim=0)) / count
            covariance = (inside - centre).T @ (inside - centre)
            covariance = (total(covariance) if self.together else covariance) / count
            mean = W @ centre
            var = ((W @ covariance) * W).sum(dim=1).clamp(min=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * (count / max(count - 1, 1)), self.momentum)
        factor = self.scale / (var + self.eps).sqrt()
        return W * factor[:, None], self.bias - factor * mean

    def _read(
        self, x: Tensor, W: Tensor, b: Tensor, direction: int, state: Any = None
    ) -> tuple[Tensor, Any]:
        """Outputs of one direction from the first frame on, and the state after the last."""
        U, c = self.weight_hh[direction], self.bias_hh[direction]
        h = x.new_zeros(1, len(x), self.hidden_size) if state is None else state
        if self.kind == "rnn":
            return _clipped_rnn(functional.linear(x, W, b + c), U, h[0])
        weights, options = (W, U, b, c), (True, 1, 0.0, self.training, False, True)
        if self.kind == "gru":
            return torch.gru(x, h, weights, *options)
        pair = (h, h) if state is None else state
        output, *pair = torch.lstm(x, pair, weights, *options)
        return output, tuple(pair)


def _clipped_rnn(x: Tensor, U: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """h_t = clip(x_t + U h_(t-1)) for x (batch, frames, hidden), and the last one with an axis."""
    outputs = []
    for x_t in x.unbind(dim=1):
        h = clipped_relu(torch.addmm(x_t, h, U.T))
        outputs.append(h)
    return torch.stack(outputs, dim=1), h[None]


class Lookahead(nn.Module):
    """The paper's lookahead ("row") convolution: r[t, i] = Σ_j W[i, j] h[t + j, i], j = 0 ... τ.

    Each of the hidden numbers has its own τ + 1 weights; behind the end, h is 0. Wang et al.
    (2016), "Lookahead convolution layer for unidirectional recurrent neural networks".

    Args:
        size: numbers in a frame.
        frames: τ, how many frames it sees ahead.
    """

    def __init__(self, size: int, frames: int) -> None:
        super().__init__()
        self.frames = frames  # τ
        weight = 0.1 * torch.randn(size, 1, frames + 1)
        weight[..., 0] += 1.0  # it begins as nearly no convolution at all
        self.weight = nn.Parameter(weight)

    def forward(self, h: Tensor) -> Tensor:
        """(batch, frames, size) to the same; the padding of h must be 0."""
        return self._look(functional.pad(h, (0, 0, 0, self.frames)))

    def _look(self, h: Tensor) -> Tensor:
        r = functional.conv1d(h.transpose(1, 2), self.weight, groups=len(self.weight))
        return r.transpose(1, 2)

    def stream(self, h: Tensor, before: Tensor | None, last: bool) -> tuple[Tensor, Tensor]:
        """The outputs whose future is known by now, and the frames to keep."""
        h = h if before is None else torch.cat([before, h], dim=1)
        if last:
            h = functional.pad(h, (0, 0, 0, self.frames))
        ready = max(0, h.shape[1] - self.frames)
        return (self._look(h) if ready else h[:, :0]), h[:, ready:]


@dataclass
class StreamState:
    """What a model keeps between two chunks; made by `DeepSpeech2.stream`."""

    convolutions: list[Tensor | None]
    recurrent: list[Any]
    lookahead: Tensor | None = None
    ended: bool = field(default=False)


class DeepSpeech2(nn.Module):
    """Features in, log-probabilities of tokens out, one row for each `stride` frames.

    Attributes:
        stride: input frames from one output to the next.
        latency: how many frames behind input frame stride · t output t depends on, besides all
            those before it; None for a bidirectional model, which reads to the end first.
    """

    def __init__(
        self,
        dims: int,
        tokens: int,
        convolutions: Sequence[Layer] = (Layer(32, (11, 21), (4, 2)),),
        kind: str = "lstm",
        hidden_size: int = 128,
        num_layers: int = 2,
        bidirectional: bool = True,
        lookahead: int = 0,
        linear_layers: int = 0,
        normalized: bool = True,
        dropout: float = 0.0,
    ) -> None:
        """Draw the weights.

        Args:
            dims: numbers in a frame: bands of a mel or a linear spectrogram.
            tokens: what CTC tells apart, the blank included.
            convolutions: filters, size and stride of each, (over frames, over bands); the size over
                frames is odd.
            kind: of the recurrent layers: "lstm", "gru", or "rnn" with the clipped activation.
            hidden_size: numbers in a state of one direction.
            num_layers: of recurrent layers.
            bidirectional: False reads forwards only, for streams.
            lookahead: τ, frames (after the stride) that a lookahead convolution sees ahead; 0 for
                none. For a model that reads forwards.
            linear_layers: fully connected layers of `hidden_size` between the recurrent layers and
                the output, each with the clipped activation.
            normalized: False leaves all batch normalisation out.
            dropout: share of the inputs of each recurrent layer but the first, and of the output,
                that is dropped in training.

        Raises:
            ValueError: an argument that does not fit; the message says which.
        """
        super().__init__()
        for name, value, least in (
            ("dims", dims, 1),
            ("tokens", tokens, 2),
            ("hidden_size", hidden_size, 1),
            ("num_layers", num_layers, 1),
            ("lookahead", lookahead, 0),
            ("linear_layers", linear_layers, 0),
        ):
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value}")
        if bidirectional and lookahead:
            raise ValueError(
                "a bidirectional layer has seen the whole future already: lookahead is for "
                "bidirectional=False"
            )
        self.dims, self.bidirectional = dims, bidirectional
        self.convolutions = nn.ModuleList()
        channels, bands = 1, dims
        for layer in convolutions:
            self.convolutions.append(FrontEnd(channels, layer, bands, normalized))
            channels, bands = layer.filters, self.convolutions[-1].bands
        if bands < 1:
            raise ValueError(f"the convolutions leave no band of {dims}: use smaller filters")
        size = channels * bands
        self.recurrent = nn.ModuleList()
        for _ in range(num_layers):
            layer = SequenceLayer(kind, size, hidden_size, bidirectional, normalized)
            self.recurrent.append(layer)
            size = hidden_size
        self.lookahead = Lookahead(size, lookahead) if lookahead else None
        self.linear = nn.ModuleList(nn.Linear(size, size) for _ in range(linear_layers))
        self.output = nn.Linear(size, tokens)
        self.dropout = nn.Dropout(dropout)

        filters = [(c.conv.kernel_size[0], c.conv.stride[0], 1) for c in self.convolutions]
        self.stride = 1
        for _, stride, _ in filters:
            self.stride *= stride
        self.receptive_field = receptive_field(filters)
        self.latency = None
        if not bidirectional:
            self.latency = (self.receptive_field - 1) // 2 + lookahead * self.stride

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Rows that come out for `lengths` frames: the length by each stride, rounded up.

        Frame 0 always has its row: no input is too short, however large the receptive field is.
        """
        for convolution in self.convolutions:
            lengths = convolution.conv.output_lengths(lengths)
        return lengths

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the tokens.

        Args:
            features: (batch, frames, dims).
            lengths: (batch,), how many frames of each item are real; all when None. What stands
                behind them has no influence.

        Returns:
            Log-probabilities (batch, frames', tokens), and how many rows of each item are real,
            (batch,); the rows behind mean nothing.

        Raises:
            ValueError: shapes or lengths do not fit.
        """
        self._check(features)
        if lengths is None:
            lengths = torch.full((len(features),), features.shape[1], device=features.device)
        lengths = check_lengths(lengths, features)
        x = mask_frames(features[:, None], lengths)
        for convolution in self.convolutions:
            x, lengths = convolution(x, lengths)
        x = _flat(x)
        for number, layer in enumerate(self.recurrent):
            x = layer(x if number == 0 else self.dropout(x), lengths)
        if self.lookahead is not None:
            x = self.lookahead(x)
        return self._tokens(x), lengths

    def stream(
        self, features: Tensor, state: StreamState | None = None, last: bool = False
    ) -> tuple[Tensor, StreamState]:
        """Read on: the rows that a chunk completes, which together are those of the whole.

        A model that reads forwards only, in evaluation mode. Row t comes with the chunk that holds
        frame stride · t + `latency`, or with the last chunk.

        Args:
            features: (batch, frames, dims), the next frames; in the last chunk there may be none.
            state: what the call before returned; None at the start.
            last: nothing follows.

        Returns:
            Log-probabilities (batch, rows, tokens), possibly of no row, and the state for the next
            call. The memory that a state takes does not grow.

        Raises:
            ValueError: the model is bidirectional or in training, shapes do not fit, or the state
                is that of a stream that has ended.
        """
        if self.bidirectional:
            raise ValueError(
                "a bidirectional model reads an utterance from both ends and cannot stream: use "
                "bidirectional=False, with a lookahead"
            )
        if self.training:
            raise ValueError("streaming needs the running statistics: call model.eval() first")
        self._check(features, least=0)
        if state is None:
            state = StreamState([None] * len(self.convolutions), [None] * len(self.recurrent))
        if state.ended:
            raise ValueError("this stream has ended: begin the next one with state=None")
        x = features[:, None]
        convolutions, recurrent, ahead = [], [], None
        for convolution, before in zip(self.convolutions, state.convolutions, strict=True):
            x, kept = convolution.stream(x, before, last)
            convolutions.append(kept)
        x = _flat(x)
        for layer, before in zip(self.recurrent, state.recurrent, strict=True):
            x, kept = layer.stream(x, before)
            recurrent.append(kept)
        if self.lookahead is not None:
            x, ahead = self.lookahead.stream(x, state.lookahead, last)
        return self._tokens(x), StreamState(convolutions, recurrent, ahead, last)

    def _tokens(self, x: Tensor) -> Tensor:
        for linear in self.linear:
            x = clipped_relu(linear(x))
        return self.output(self.dropout(x)).log_softmax(dim=-1)

    def _check(self, features: Tensor, least: int = 1) -> None:
        if features.ndim != 3 or features.shape[2] != self.dims or features.shape[1] < least:
            raise ValueError(
                f"features must be (batch, frames, {self.dims}), got {tuple(features.shape)}"
            )


def _flat(x: Tensor) -> Tensor:
    """Maps (batch, channels, frames, bands) as frames (batch, frames, channels · bands)."""
    return x.transpose(1, 2).flatten(2)
