"""Fully connected networks, and the tools that deep networks of any kind use.

Written once in plain tensor arithmetic; each layer has the parameters of its namesake in torch.nn,
gives the same numbers and the same gradients, and takes padded batches as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from course_utils.datasets.batching import mask


class Linear(nn.Module):
    """A layer of neurons: z = W x + b, a row of W for each neuron.

    Weights are drawn with variance 2 / d_in (He et al., 2015, https://arxiv.org/abs/1502.01852), so
    that a ReLU after the layer leaves the mean square of its input as it is; biases begin at 0.
    """

    def __init__(self, d_in: int, d_out: int) -> None:
        """Draw the weights: `d_in` numbers in, `d_out` numbers out."""
        super().__init__()
        self.weight = nn.Parameter(torch.randn(d_out, d_in) * (2 / d_in) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(d_out))

    def forward(self, x: Tensor) -> Tensor:
        """`(..., d_in)` to `(..., d_out)`."""
        return x @ self.weight.T + self.bias


class Dropout(nn.Module):
    """While training, sets each number to 0 with probability `p`, and divides the others by 1 - p.

    So the mean stays, and in evaluation nothing is to be done. Source: Srivastava et al., 2014,
    https://jmlr.org/papers/v15/srivastava14a.html
    """

    def __init__(self, p: float) -> None:
        """Keep the probability; ValueError when it is not 0 or more and less than 1."""
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"p must be at least 0 and less than 1, got {p!r}")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        if not self.training or self.p == 0:
            return x
        return x * (torch.rand_like(x) >= self.p) / (1 - self.p)


class BatchNorm(nn.Module):
    """Each number is normalised over the batch, then scaled and shifted as learned.

    While training, mean and variance are those of the batch, padding left out, and averages of them
    are kept; in evaluation those averages are used, so that an item does not depend on its
    neighbours. Source: Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167
    """

    def __init__(self, dims: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        """Begin with scale 1 and shift 0.

        Args:
            dims: size of the last axis.
            eps: is added to the variance.
            momentum: share of a batch in the new averages.
        """
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(dims))
        self.bias = nn.Parameter(torch.zeros(dims))
        self.register_buffer("running_mean", torch.zeros(dims))
        self.register_buffer("running_var", torch.ones(dims))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """`(batch, dims)` or `(batch, frames, dims)` to the same shape.

        Args:
            x: what is normalised.
            lengths: frames of each item, integers `(batch,)`; None where all count.

        Raises:
            ValueError: training on a single row, which has no variance.
        """
        mean, var = self.running_mean, self.running_var
        if self.training:
            real = x[mask(lengths, x.shape[1])] if lengths is not None else x.flatten(0, -2)
            n = len(real)
            if n < 2:
                raise ValueError("batch normalisation needs 2 rows or more to train on, got 1")
            mean = real.mean(dim=0)
            var = ((real - mean) ** 2).mean(dim=0)
            with torch.no_grad():  # the kept variance is the unbiased one
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * n / (n - 1), self.momentum)
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


class LayerNorm(nn.Module):
    """Each item is normalised over its own numbers, then scaled and shifted as learned.

    Nothing depends on the batch, so training and evaluation are alike. Source: Ba, Kiros and
    Hinton, 2016, https://arxiv.org/abs/1607.06450
    """

    def __init__(self, dims: int, eps: float = 1e-5) -> None:
        """Begin with scale 1 and shift 0; `eps` is added to the variance."""
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dims))
        self.bias = nn.Parameter(torch.zeros(dims))

    def forward(self, x: Tensor) -> Tensor:
        """`(..., dims)` to the same shape."""
        mean = x.mean(dim=-1, keepdim=True)
        var = ((x - mean) ** 2).mean(dim=-1, keepdim=True)
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


class MLP(nn.Module):
    """A fully connected network (multilayer perceptron): layers with a non-linearity between them.

    Items with time are averaged over their frames first, padding left out.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Callable[[Tensor], Tensor] = torch.relu,
        dropout: float = 0.0,
    ) -> None:
        """Draw the weights.

        Args:
            sizes: numbers in, neurons of each hidden layer, classes; at least the two ends.
            activation: follows every layer but the last.
            dropout: probability with which a hidden neuron is silenced while training.

        Raises:
            ValueError: there are fewer than two sizes.
        """
        super().__init__()
        if len(sizes) < 2:
            raise ValueError(f"sizes must name input and output at least, got {list(sizes)}")
        self.layers = nn.ModuleList(map(Linear, sizes[:-1], sizes[1:]))
        self.activation = activation
        self.dropout = Dropout(dropout)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Scores of the classes; softmax makes them probabilities.

        Args:
            features: `(batch, dims)`, or `(batch, frames, dims)`.
            lengths: frames of each item, integers `(batch,)`; None where all count.

        Returns:
            `(batch, classes)`.
        """
        x = features if features.ndim == 2 else mean_over_time(features, lengths)
        for layer in self.layers[:-1]:
            x = self.dropout(self.activation(layer(x)))
        return self.layers[-1](x)


def mean_over_time(features: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Mean of each item's frames, padding left out.

    Args:
        features: `(batch, frames, dims)`.
        lengths: frames of each item, integers `(batch,)`, at least 1; None where all count.

    Returns:
        `(batch, dims)`.

    Raises:
        ValueError: an item has no frames, or a length exceeds the padded size.
    """
    if lengths is None:
        return features.mean(dim=1)
    if (lengths < 1).any():
        raise ValueError(f"item {int(lengths.argmin())} has no frames to average")
    real = mask(lengths, features.shape[1])[:, :, None]
    return torch.where(real, features, 0).sum(dim=1) / lengths[:, None]
