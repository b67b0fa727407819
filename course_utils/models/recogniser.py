"""A small speech recogniser: sound in, a probability for each token and frame out, trained by CTC.

Frames behind an item's length change nothing.
"""

from __future__ import annotations

from torch import Tensor, nn

from course_utils.models.convolution import Block, Layer, MaskedBatchNorm
from course_utils.models.recurrent import RecurrentStack


class CTCRecogniser(nn.Module):
    """One convolution over time with a stride, bidirectional recurrent layers, a linear layer.

    The features are normalised band by band at the door, so log-mel frames may come as they are.

    Args:
        dims: numbers in a frame.
        tokens: how many tokens there are, CTC's blank included.
        stride: frames of the features from one frame of the output to the next.
        hidden: filters of the convolution, and numbers in a state of each direction.
        layers: recurrent layers; the outputs of both directions are added.
        size: taps of the convolution.
        kind: "lstm", "gru" or "rnn".
    """

    def __init__(
        self,
        dims: int,
        tokens: int,
        stride: int = 2,
        hidden: int = 96,
        layers: int = 1,
        size: int = 11,
        kind: str = "lstm",
    ) -> None:
        super().__init__()
        self.stride = stride
        self.normalize = MaskedBatchNorm(dims)
        self.block = Block(dims, Layer(hidden, size, stride), two_dimensional=False)
        self.recurrent = RecurrentStack(kind, hidden, hidden, layers, True, "sum")
        self.norm = MaskedBatchNorm(hidden)
        self.linear = nn.Linear(hidden, tokens)

    def forward(
        self, features: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Log-probabilities (batch, frames', tokens), and how many of the frames' count.

        Args:
            features: (batch, frames, dims).
            lengths: (batch,) frames that are not padding; None: all of them, and None comes back.
        """
        logits, lengths = self.scores(features, lengths)
        return logits.log_softmax(dim=-1), lengths

    def scores(
        self, features: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """As `forward`, but the logits, before the log-softmax."""
        x = self.normalize(features.transpose(1, 2), lengths)
        x, lengths = self.block(x, lengths)
        x = self.recurrent(x.transpose(1, 2), lengths)[0]
        x = self.norm(x.transpose(1, 2), lengths).transpose(1, 2)
        return self.linear(x), lengths

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Frames that come out for `lengths` frames of features."""
        return self.block.conv.output_lengths(lengths)
