"""Taggers: what sounds in a clip, and when, learned from labels of whole clips.

A network gives each frame a probability for each class; a pooling function makes one of a clip's.
Frames behind an item's length take part in nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from course_utils.datasets.batching import Batch
from course_utils.models.convolution import (
    Block,
    Layer,
    MaskedBatchNorm,
    mask_frames,
    masked_max,
    masked_mean,
    output_length,
)
from course_utils.models.recurrent import packed

POOLINGS = ("mean", "max", "attention", "linear")
KINDS = ("cnn", "crnn")
LAYERS = (  # sizes and strides are (over frames, over bands)
    Layer(16, 5, 2),
    Layer(32, 3, (2, 2)),
    Layer(48, 3, (1, 2)),
    Layer(64, 3, (1, 2)),
)
EPS = 1e-6  # probabilities stay so far from 0 and 1 in the loss


class Tags(NamedTuple):
    """What a tagger says of a batch.

    Attributes:
        clips: probabilities that a class sounds anywhere in the clip, (batch, classes).
        frames: probabilities that it sounds in a frame, (batch, frames', classes); 0 in padding.
        lengths: frames' of each item, int64 (batch,); None when all of them count.
    """

    clips: Tensor
    frames: Tensor
    lengths: Tensor | None


class Encoder(nn.Module):
    """Convolutions over log-mel frames, then a layer that makes `hidden` features of each frame.

    Args:
        n_mels: bands of a frame.
        kind: "cnn", whose frames see their neighbourhood, or "crnn", whose frames see the clip
            through a bidirectional GRU (Çakır et al. 2017, https://arxiv.org/abs/1702.06286).
        hidden: features of a frame.
        dropout: of these features.
        layers: of the convolutions.

    Raises:
        ValueError: an unknown `kind`.
    """

    def __init__(
        self,
        n_mels: int,
        kind: str = "cnn",
        hidden: int = 96,
        dropout: float = 0.2,
        layers: Sequence[Layer] = LAYERS,
    ) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        self.kind, self.hidden = kind, hidden
        self.norm = MaskedBatchNorm(n_mels)
        self.blocks = nn.ModuleList()
        channels, bands = 1, n_mels
        for layer in layers:
            block = Block(channels, layer, two_dimensional=True)
            conv = block.conv
            bands = output_length(bands, conv.kernel_size[1], conv.stride[1], conv.padding[1])
            channels = layer.filters
            self.blocks.append(block)
        if kind == "crnn":
            self.mix = nn.GRU(channels * bands, hidden // 2, batch_first=True, bidirectional=True)
        else:
            self.mix = nn.Linear(channels * bands, hidden)
        self.dropout = nn.Dropout(dropout)

    @property
    def stride(self) -> int:
        """Frames that come in from one frame that goes out to the next."""
        return math.prod(block.conv.stride[0] for block in self.blocks)

    def forward(
        self, features: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Log-mel (batch, frames, n_mels) to (batch, frames', hidden), and the lengths of these."""
        x = self.norm(features.transpose(1, 2), lengths).transpose(1, 2)[:, None]
        for block in self.blocks:
            x, lengths = block(x, lengths)
        x = x.transpose(1, 2).flatten(2)  # (batch, frames', filters · bands)
        h = torch.relu(self.mix(x)) if self.kind == "cnn" else self._recur(x, lengths)
        return self.dropout(h), lengths

    def _recur(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None or bool((lengths == x.shape[1]).all()):
            return self.mix(x)[0]
        # Packed, so that the backward direction starts at each item's own last frame.
        return packed(self.mix, x, lengths)[0]


class Tagger(nn.Module):
    """Tags of a clip and of its frames: a score for each frame and class, a sigmoid, a pooling.

    Args:
        n_mels: bands of a frame.
        classes: how many kinds of sound there are.
        kind: "cnn" or "crnn", see `Encoder`.
        pooling: how the probabilities of frames become a clip's, see `pool`.
        arguments: of the `Encoder`, by name.

    Raises:
        ValueError: an unknown `kind` or `pooling`.
    """

    def __init__(
        self,
        n_mels: int,
        classes: int,
        kind: str = "cnn",
        pooling: str = "attention",
        **arguments: Any,
    ) -> None:
        super().__init__()
        _check_pooling(pooling)
        self.pooling = pooling
        self.encoder = Encoder(n_mels, kind, **arguments)
        self.scores = nn.Linear(self.encoder.hidden, classes)
        attends = pooling == "attention"
        self.attention = nn.Linear(self.encoder.hidden, classes) if attends else None

    @property
    def stride(self) -> int:
        """Frames of the features from one frame of the output to the next."""
        return self.encoder.stride

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tags:
        """Probabilities of clips and frames.

        Args:
            features: log-mel, (batch, frames, n_mels).
            lengths: (batch,) frames that are not padding; None: all of them.
        """
        h, lengths = self.encoder(features, lengths)
        y = torch.sigmoid(self.scores(h))
        v = self.attention(h) if self.attention is not None else None
        return Tags(pool(y, self.pooling, lengths, v), _masked(y, lengths), lengths)


class Classifier(nn.Module):
    """One class for each clip: mean and maximum of the frames' features, then one linear layer.

    Args:
        n_mels: bands of a frame.
        classes: how many there are to choose from.
        arguments: of the `Encoder`, by name.
    """

    def __init__(self, n_mels: int, classes: int, **arguments: Any) -> None:
        super().__init__()
        self.encoder = Encoder(n_mels, **arguments)
        self.linear = nn.Linear(2 * self.encoder.hidden, classes)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Scores (logits), (batch, classes), of log-mel features as in `Tagger`."""
        h, lengths = self.encoder(features, lengths)
        h = h.transpose(1, 2)
        return self.linear(torch.cat([masked_mean(h, lengths), masked_max(h, lengths)], dim=1))


def pool(y: Tensor, pooling: str, lengths: Tensor | None = None, v: Tensor | None = None) -> Tensor:
    """One probability a clip and class from those of its frames.

    mean: Σ yₜ / T. max: the largest yₜ. linear (softmax): Σ yₜ² / Σ yₜ, a mean in which each frame
    weighs as much as it says. attention: Σ wₜ yₜ with wₜ = exp vₜ / Σ exp vₜ, learned weights.

    Args:
        y: probabilities, (batch, frames, classes).
        pooling: "mean", "max", "linear" or "attention".
        lengths: (batch,) frames that count; None: all.
        v: scores of the frames for attention, shape of `y`.

    Returns:
        (batch, classes).

    Raises:
        ValueError: an unknown pooling, or attention without `v`.

    Source: Wang, Li and Metze (2019), table 1, https://arxiv.org/abs/1810.09050
    """
    _check_pooling(pooling)
    y = y.transpose(1, 2)  # (batch, classes, frames): convolution.mask_frames wants time third
    if pooling == "mean":
        return masked_mean(y, lengths)
    if pooling == "max":
        return masked_max(y, lengths)
    if pooling == "linear":
        y = mask_frames(y, lengths)
        return (y * y).sum(dim=2) / y.sum(dim=2).clamp_min(EPS)
    if v is None:
        raise ValueError("attention needs the frames' scores v")
    v = v.transpose(1, 2)
    if lengths is not None:
        inside = torch.arange(v.shape[2], device=v.device) < lengths.to(v.device)[:, None]
        v = v.masked_fill(~inside[:, None], -torch.inf)
    return (torch.softmax(v, dim=2) * mask_frames(y, lengths)).sum(dim=2)


def _masked(y: Tensor, lengths: Tensor | None) -> Tensor:
    return mask_frames(y.transpose(1, 2), lengths).transpose(1, 2)


def _check_pooling(pooling: str) -> None:
    if pooling not in POOLINGS:
        raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, got {pooling!r}")


def tagging_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Mean binary cross-entropy of the clips' probabilities, for `training.fit`.

    Args:
        model: gives `Tags`.
        batch: its targets are the tags, 0 to 1, (batch, classes).
    """
    p = model(batch.features, batch.lengths).clips.clamp(EPS, 1 - EPS)
    return nn.functional.binary_cross_entropy(p, batch.targets.to(p.dtype))
