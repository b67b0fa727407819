"""Convolution from scratch, layers that ignore padding, and the convolutional networks of 05.

Layers keep torch's layout, (batch, channels, frames) or (batch, channels, frames, bands): time is
always the third axis. Masked layers keep one promise: when what comes in is zero behind each item's
length, so is what goes out, and up to there each item gets what it gets alone. `mask_frames` makes
it so at the start. Networks take features with time first, (batch, frames, dims), and lengths.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from course_utils.models.together import total

Size = int | tuple[int, int]  # a pair is (over frames, over bands)


def output_length(
    length: Any, filter_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> Any:
    """Places at which a filter fits, O = (L + 2P - D(F - 1) - 1) // S + 1.

    Args:
        length: L, a number or an integer tensor.
        filter_size: F, taps of the filter.
        stride: S, steps from one place to the next.
        padding: P, zeros at each end.
        dilation: D, steps from one tap to the next.

    Returns:
        O, of the type of `length`; 0 or less where the filter does not fit.

    Source: Dumoulin and Visin (2016), https://arxiv.org/abs/1603.07285, relationship 15.
    """
    return (length + 2 * padding - dilation * (filter_size - 1) - 1) // stride + 1


def receptive_field(layers: Iterable[tuple[int, int, int]]) -> int:
    """Inputs that one output of a stack sees, 1 + Σ D(F - 1) · (product of the strides before).

    Args:
        layers: (filter_size, stride, dilation) of each layer, from the input on.
    """
    field, step = 1, 1
    for filter_size, stride, dilation in layers:
        field += dilation * (filter_size - 1) * step
        step *= stride
    return field


def conv1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> Tensor:
    """y[b, o, t] = bias[o] + Σ_c Σ_k weight[o, c, k] · x[b, c, S·t + D·k - P].

    What deep learning calls convolution: the filter is not turned round. Equals
    torch.nn.functional.conv1d, and autograd finds its gradients.

    Args:
        x: (batch, channels, length).
        weight: (filters, channels, F).
        bias: (filters,), or None.
        stride: S.
        padding: P, zeros at each end.
        dilation: D.

    Returns:
        (batch, filters, O), O from `output_length`.

    Raises:
        ValueError: the channels differ, or the filter is longer than the padded input.
    """
    _check_fit(x, weight, (stride,), (padding,), (dilation,))
    x = nn.functional.pad(x, (padding, padding))
    O = output_length(x.shape[2], weight.shape[2], stride, 0, dilation)  # noqa: E741
    y = 0
    for k in range(weight.shape[2]):  # one tap of the filter at a time, for all places at once
        first = dilation * k
        seen = x[:, :, first : first + stride * (O - 1) + 1 : stride]
        y = y + torch.einsum("oc,bct->bot", weight[:, :, k], seen)
    return y if bias is None else y + bias[:, None]


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
) -> Tensor:
    """The same over two axes, frames and bands, with weights (filters, channels, F, F').

    Equals torch.nn.functional.conv2d. Sizes are one number, or a pair (over frames, over bands).

    Args:
        x: (batch, channels, frames, bands).
        weight: (filters, channels, F, F').
        bias: (filters,), or None.
        stride: S.
        padding: P, zeros at each end.
        dilation: D.

    Returns:
        (batch, filters, O, O').

    Raises:
        ValueError: the channels differ, or the filter is larger than the padded input.
    """
    stride, padding, dilation = _pair(stride), _pair(padding), _pair(dilation)
    _check_fit(x, weight, stride, padding, dilation)
    x = nn.functional.pad(x, (padding[1], padding[1], padding[0], padding[0]))

    def places(axis: int, tap: int) -> slice:
        """Where the tap lies on the axis, for all places of the filter."""
        S, D, F = stride[axis], dilation[axis], weight.shape[axis + 2]
        last = S * (output_length(x.shape[axis + 2], F, S, 0, D) - 1)
        return slice(D * tap, D * tap + last + 1, S)

    y = 0
    for j in range(weight.shape[2]):
        for k in range(weight.shape[3]):
            seen = x[:, :, places(0, j), places(1, k)]
            y = y + torch.einsum("oc,bctf->botf", weight[:, :, j, k], seen)
    return y if bias is None else y + bias[:, None, None]


def mask_frames(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Sets everything behind each item's length to zero.

    Args:
        x: (batch, channels, frames, ...).
        lengths: (batch,) frames that are not padding; None: all of them are not.
    """
    if not _has_padding(x, lengths):
        return x
    # Not a product: padding may hold anything, NaN too.
    return x.masked_fill(~_inside(x, lengths).view(len(x), 1, -1, *(1,) * (x.ndim - 3)), 0)


def masked_mean(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Mean over the frames that are not padding: (batch, channels, frames, ...) to (batch, ...)."""
    if lengths is None:
        return x.mean(dim=2)
    counts = lengths.to(x.device, x.dtype).view(-1, *(1,) * (x.ndim - 2))
    return mask_frames(x, lengths).sum(dim=2) / counts


def masked_max(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Maximum over the frames that are not padding; shapes as in `masked_mean`."""
    if lengths is None:
        return x.amax(dim=2)
    outside = ~_inside(x, lengths).view(len(x), 1, -1, *(1,) * (x.ndim - 3))
    return x.masked_fill(outside, -torch.inf).amax(dim=2)


class _Masked:
    """Forward for a torch convolution with lengths."""

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Frames that come out for `lengths` frames."""
        return output_length(
            lengths, self.kernel_size[0], self.stride[0], self.padding[0], self.dilation[0]
        )

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Output and its lengths.

        Raises:
            ValueError: an item is so short that the filter does not fit.
        """
        if lengths is None:
            return super().forward(x), None
        left = self.output_lengths(lengths)
        if left.min() < 1:
            raise ValueError(
                f"item {int(left.argmin())} of the batch has {int(lengths[left.argmin()])} frames, "
                f"too few for a filter of {self.kernel_size[0]} with padding {self.padding[0]}"
            )
        return mask_frames(super().forward(x), left), left


class MaskedConv1d(_Masked, nn.Conv1d):
    """torch.nn.Conv1d over (batch, channels, frames), with lengths in and out."""


class MaskedConv2d(_Masked, nn.Conv2d):
    """torch.nn.Conv2d over (batch, channels, frames, bands), with lengths in and out."""


class MaskedBatchNorm(nn.Module):
    """Batch normalisation of (batch, channels, frames, ...) whose statistics ignore padding.

    Without padding it is torch.nn.BatchNorm1d or 2d: biased variance to normalise, unbiased in the
    running one. In training a batch is one item's frames after another's, and nothing else.
    Source: Ioffe and Szegedy (2015), https://arxiv.org/abs/1502.03167, algorithm 1.

    Attributes:
        together: the batch is that of all processes that train together, see `models.together`.
    """

    def __init__(self, channels: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps, self.together = momentum, eps, False
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Normalised, and zero behind the lengths."""
        if self.training and self.together:
            return mask_frames(self._normalize_together(x, lengths), lengths)
        if not self.training or not _has_padding(x, lengths):
            return mask_frames(self._normalize(x), lengths)
        # The frames of all items end to end, (frames, channels, ...): a batch without padding.
        frames = x.transpose(1, 2).flatten(0, 1)
        inside = _inside(x, lengths).flatten().nonzero()[:, 0]
        y = self._normalize(frames.index_select(0, inside))
        y = torch.zeros_like(frames).index_copy(0, inside, y)
        return y.unflatten(0, (len(x), -1)).transpose(1, 2)

    def _normalize_together(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        shape = [1, -1] + [1] * (x.ndim - 2)
        axes = [0, *range(2, x.ndim)]
        inside = torch.ones_like(x[:, :1])
        if lengths is not None:
            inside = inside * _inside(x, lengths).view(len(x), 1, -1, *shape[3:])
        with torch.no_grad():
            count = total(inside.sum())
        mean = total((x * inside).sum(dim=axes)) / count
        centred = x - mean.view(shape)
        var = total((centred * inside).square().sum(dim=axes)) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * count / (count - 1).clamp(min=1), self.momentum)
        y = centred / (var + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)

    def _normalize(self, x: Tensor) -> Tensor:
        return nn.functional.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            self.momentum,
            self.eps,
        )


class Layer(NamedTuple):
    """What is chosen of a layer; in two dimensions sizes may be pairs (over frames, over bands)."""

    filters: int
    size: Size
    stride: Size = 1
    dilation: Size = 1


class Block(nn.Module):
    """Masked convolution, batch normalisation, ReLU; padded so that stride 1 keeps the length."""

    def __init__(self, channels: int, layer: Layer, two_dimensional: bool) -> None:
        super().__init__()
        size, dilation = _pair(layer.size), _pair(layer.dilation)
        padding = tuple(d * (f - 1) // 2 for f, d in zip(size, dilation, strict=True))
        arguments = (channels, layer.filters, layer.size, layer.stride)
        if two_dimensional:
            self.conv = MaskedConv2d(*arguments, padding, layer.dilation, bias=False)
        else:
            self.conv = MaskedConv1d(*arguments, padding[0], layer.dilation, bias=False)
        self.norm = MaskedBatchNorm(layer.filters)

    def forward(self, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Feature maps and their lengths; zero is zero after ReLU too."""
        x, lengths = self.conv(x, lengths)
        return torch.relu(self.norm(x, lengths)), lengths


class ConvNet(nn.Module):
    """A stack of blocks, the mean over time, and one linear layer: a whole sound to class scores.

    In one dimension the `dims` of a frame are the channels of the input: 40 mel bands, or the one
    number that a sample of a waveform is. In two dimensions the input has one channel, a picture
    of frames by bands, and what is left of the bands stays apart until the linear layer.

    Args:
        dims: numbers in a frame.
        layers: of the blocks, from the input on; pairs of sizes only in two dimensions.
        classes: how many scores come out.
        two_dimensional: convolutions go over frames and bands, not over frames alone.
        dropout: share of the means that is dropped in training.
    """

    def __init__(
        self,
        dims: int,
        layers: Sequence[Layer],
        classes: int,
        two_dimensional: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.two_dimensional = two_dimensional
        channels, bands = (1, dims) if two_dimensional else (dims, 1)
        self.blocks = nn.ModuleList()
        for layer in layers:
            self.blocks.append(Block(channels, layer, two_dimensional))
            channels = layer.filters
            if two_dimensional:
                conv = self.blocks[-1].conv
                sizes = (conv.kernel_size, conv.stride, conv.padding, conv.dilation)
                bands = output_length(bands, *(size[1] for size in sizes))
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels * bands, classes)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Scores (logits), (batch, classes).

        Args:
            features: (batch, frames, dims); waveforms may be (batch, samples).
            lengths: (batch,) frames that are not padding; None: all of them.
        """
        maps, lengths = self.maps(features, lengths)
        return self.linear(self.dropout(masked_mean(maps[-1], lengths).flatten(1)))

    def maps(self, features: Tensor, lengths: Tensor | None = None) -> tuple[list[Tensor], Any]:
        """Feature maps of each block, (batch, filters, frames[, bands]), and the last lengths."""
        if features.ndim == 2:
            features = features[..., None]
        x = features[:, None] if self.two_dimensional else features.transpose(1, 2)
        x = mask_frames(x, lengths)
        maps = []
        for block in self.blocks:
            x, lengths = block(x, lengths)
            maps.append(x)
        return maps, lengths

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Frames of the last feature map for `lengths` frames of the input."""
        for block in self.blocks:
            lengths = block.conv.output_lengths(lengths)
        return lengths


def _has_padding(x: Tensor, lengths: Tensor | None) -> bool:
    # Buckets of like lengths make many batches without any.
    return lengths is not None and int(lengths.min()) < x.shape[2]


def _inside(x: Tensor, lengths: Tensor) -> Tensor:
    """Where there is no padding, bool (batch, frames)."""
    return torch.arange(x.shape[2], device=x.device) < lengths.to(x.device)[:, None]


def _pair(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)


def _check_fit(
    x: Tensor, weight: Tensor, stride: Sequence, padding: Sequence, dilation: Sequence
) -> None:
    axes = weight.ndim - 2
    if weight.ndim != x.ndim or axes != len(stride) or x.shape[1] != weight.shape[1]:
        raise ValueError(
            f"x must be (batch, channels, ...) and weight (filters, channels, ...) with as many "
            f"channels and axes, got {tuple(x.shape)} and {tuple(weight.shape)}"
        )
    for L, F, S, P, D in zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True):
        if output_length(L, F, S, P, D) < 1:
            raise ValueError(
                f"a filter of {F} taps with dilation {D} spans {D * (F - 1) + 1}, "
                f"more than the input of {L} with {P} zeros at each end"
            )
