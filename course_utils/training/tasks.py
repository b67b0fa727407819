"""What is learned and how well: losses and measures of classifiers and recognisers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils import ctc, decoding, metrics
from course_utils.datasets.batching import Batch, mask
from course_utils.datasets.text import Alphabet
from course_utils.metrics import accuracy
from course_utils.models.las import ListenAttendSpell

Decode = Callable[[Tensor, Tensor], list[list[int]]]


def classification_loss(model: nn.Module, batch: Batch, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy of the model's logits, for `fit`.

    Args:
        model: `model(features, lengths)` gives logits `(batch, classes)`.
        batch: with one label an item.
        label_smoothing: share of the target spread over all classes.

    Raises:
        ValueError: a label is out of range; the message names the item.
    """
    logits = model(batch.features, batch.lengths)
    wrong = (batch.targets < 0) | (batch.targets >= logits.shape[-1])
    if wrong.any():
        item = int(wrong.nonzero()[0])
        name = batch.ids[item] if batch.ids else f"item {item} of the batch"
        raise ValueError(
            f"{name}: label {int(batch.targets[item])} is out of range, the model has "
            f"{logits.shape[-1]} classes, 0 to {logits.shape[-1] - 1}"
        )
    return nn.functional.cross_entropy(logits, batch.targets, label_smoothing=label_smoothing)


def recognition_loss(model: nn.Module, batch: Batch, blank: int = 0) -> Tensor:
    """Mean CTC loss of a recogniser (each item's divided by its labels), for `fit`.

    Args:
        model: `model(features, lengths)` gives log-probabilities (batch, frames', tokens) and
            lengths'.
        batch: its targets are sequences of tokens.
        blank: CTC's token that writes nothing.

    Raises:
        ValueError: a target holds the blank or a token out of range, which torch takes silently, or
            needs more frames than the model has left of the item; the message names the item.
    """
    log_probs, lengths = model(batch.features, batch.lengths)
    frames, tokens = log_probs.shape[1:]
    if lengths is None:
        lengths = torch.full((len(log_probs),), frames)
    for item, (target, size) in enumerate(zip(batch.targets, batch.target_lengths, strict=True)):
        labels = target[:size].tolist()
        name = batch.ids[item] if batch.ids else f"item {item} of the batch"
        if wrong := [n for n in labels if not 0 <= n < tokens or n == blank]:
            what = "the blank" if wrong[0] == blank else f"out of range, there are {tokens} tokens"
            raise ValueError(f"{name}: its target holds {wrong[0]}, which is {what}")
        if (needed := ctc.frames_needed(labels)) > lengths[item]:
            raise ValueError(
                f"{name}: its {len(labels)} labels need {needed} frames, the model leaves it "
                f"{int(lengths[item])}: the loss is infinite. Take a smaller time stride or larger "
                "units, or leave the item out"
            )
    log_probs = log_probs.transpose(0, 1)  # torch wants (frames, batch, tokens)
    return nn.functional.ctc_loss(
        log_probs, batch.targets, lengths, batch.target_lengths, blank=blank
    )


def spelling_loss(
    model: nn.Module,
    batch: Batch,
    label_smoothing: float = 0.0,
    sampling: float = 0.0,
    ctc_weight: float = 0.0,
) -> Tensor:
    """Mean cross-entropy of a speller (each item's divided by its tokens and END), for `fit`.

    Padding does not count. With `ctc_weight` λ it is (1 - λ) times this plus λ times the CTC loss
    of the model's other branch, each item's divided by its labels (Kim, Hori and Watanabe 2017,
    https://arxiv.org/abs/1609.06773). An item whose labels need more frames than the listener
    leaves takes no part in the mean of that share.

    Args:
        model: a `ListenAttendSpell`.
        batch: its targets are sequences of tokens from 1 on.
        label_smoothing: share of the target spread over all tokens.
        sampling: how often the model is told a token of its own instead of the right one.
        ctc_weight: λ, 0 to 1.

    Raises:
        ValueError: a target holds 0, or `ctc_weight` is out of range or without a branch.
    """
    targets, sizes = batch.targets, batch.target_lengths
    inside = mask(sizes + 1, targets.shape[1] + 1)  # the tokens and END
    if (wrong := inside[:, 1:] & (targets == 0)).any():
        item = int(wrong.any(dim=1).nonzero()[0])
        name = batch.ids[item] if batch.ids else f"item {item} of the batch"
        raise ValueError(f"{name}: its target holds 0, which is END and CTC's blank")
    output = model(batch.features, batch.lengths, targets, sampling)
    if not 0 <= ctc_weight <= 1 or (ctc_weight and output.ctc_log_probs is None):
        raise ValueError(
            f"ctc_weight must be 0 to 1, and 0 for a model without a CTC branch, got {ctc_weight}"
        )
    expected = nn.functional.pad(targets, (0, 1))
    losses = nn.functional.cross_entropy(
        output.logits.transpose(1, 2),
        expected,
        reduction="none",
        label_smoothing=label_smoothing,
    )
    loss = ((losses * inside).sum(dim=1) / (sizes + 1)).mean()
    if not ctc_weight:
        return loss
    repeats = ((targets[:, 1:] == targets[:, :-1]) & (targets[:, 1:] != 0)).sum(dim=1)
    fits = (sizes > 0) & (sizes + repeats <= output.lengths)
    if not fits.any():
        return (1 - ctc_weight) * loss
    other = nn.functional.ctc_loss(
        output.ctc_log_probs[fits].transpose(0, 1), targets[fits], output.lengths[fits], sizes[fits]
    )
    return (1 - ctc_weight) * loss + ctc_weight * other


def classify(
    model: nn.Module, batches: Iterable[Batch]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a classifier says of each item, in the order of the batches.

    Args:
        model: `model(features, lengths)` gives logits `(batch, classes)`; used in evaluation mode
            on the device where it is, and left in the mode it was in.
        batches: of labelled items.

    Returns:
        Predictions and targets, int64 (items,), and probabilities, float32 (items, classes).
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    logits, targets = [], []
    with torch.no_grad():
        for batch in batches:
            logits.append(model(batch.features.to(device), batch.lengths.to(device)).cpu())
            targets.append(batch.targets)
    model.train(was_training)
    probabilities = torch.cat(logits).softmax(dim=-1).numpy()
    return probabilities.argmax(axis=-1), torch.cat(targets).numpy(), probabilities


def validation(batches: Iterable[Batch]) -> Callable[[nn.Module], dict[str, float]]:
    """A `validate` for `fit`: mean cross-entropy and accuracy of a classifier on these batches."""

    def validate(model: nn.Module) -> dict[str, float]:
        predictions, targets, probabilities = classify(model, batches)
        right = probabilities[np.arange(len(targets)), targets]
        loss = -np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean()
        return {"loss": float(loss), "accuracy": accuracy(targets, predictions)}

    return validate


@dataclass(frozen=True)
class Transcripts:
    """What a recogniser wrote, beside what was said, in the order of the batches.

    Attributes:
        ids: names of the utterances.
        references: what was said.
        hypotheses: what was recognised.
    """

    ids: list[str]
    references: list[str]
    hypotheses: list[str]

    @property
    def wer(self) -> float:
        """Word error rate of the corpus: all wrong words by all words."""
        return metrics.wer(self.references, self.hypotheses)

    @property
    def cer(self) -> float:
        """Character error rate of the corpus, spaces counted."""
        return metrics.cer(self.references, self.hypotheses)

    def wer_interval(self, speakers: Iterable[str], seed: int = 0) -> tuple[float, float]:
        """An interval of 95 % for the WER of other speakers: a bootstrap over the speakers.

        Args:
            speakers: who says each utterance. With few of them the interval is too narrow.
            seed: of the bootstrap.

        Raises:
            ValueError: there are fewer than two speakers; see `metrics.bootstrap_interval`.
        """
        words = [len(text.split()) for text in self.references]
        return metrics.bootstrap_interval(self.word_errors(), words, list(speakers), seed)

    def word_errors(self) -> list[int]:
        """Wrong words of each utterance."""
        pairs = zip(self.references, self.hypotheses, strict=True)
        return [metrics.edit_distance(r.split(), h.split()) for r, h in pairs]

    def __repr__(self) -> str:
        """Counts and rates."""
        return f"<{len(self.ids)} transcripts: WER {self.wer:.2%}, CER {self.cer:.2%}>"


def recognise(
    model: nn.Module, batches: Iterable[Batch], alphabet: Alphabet, decode: Decode | None = None
) -> Transcripts:
    """Let a recogniser write down what it hears.

    Args:
        model: `model(features, lengths)` gives log-probabilities and lengths; used in evaluation
            mode on the device where it is, and left in the mode it was in.
        batches: their targets are what was said.
        alphabet: of the tokens.
        decode: takes log-probabilities (batch, frames, tokens) and lengths on the CPU, returns the
            tokens of each item; `decoding.greedy` when None.
    """
    decode = decode or decoding.greedy

    def write(features: Tensor, lengths: Tensor) -> list[list[int]]:
        log_probs, lengths = model(features, lengths)
        return decode(log_probs.cpu(), lengths.cpu())

    return _transcripts(model, batches, alphabet, write)


def spell(
    model: ListenAttendSpell, batches: Iterable[Batch], alphabet: Alphabet, **search: Any
) -> Transcripts:
    """Let a speller write down what it hears.

    Args:
        model: used in evaluation mode on the device where it is, and left in the mode it was in.
        batches: their targets are what was said.
        alphabet: of the tokens.
        search: arguments of `decoding.attention_beam_search`; none: `decoding.attention_greedy`.
    """

    def write(features: Tensor, lengths: Tensor) -> list[list[int]]:
        if not search:
            return [found.tokens for found in decoding.attention_greedy(model, features, lengths)]
        found = decoding.attention_beam_search(model, features, lengths, **search)
        return [texts[0].tokens if texts else [] for texts in found]

    return _transcripts(model, batches, alphabet, write)


def _transcripts(
    model: nn.Module,
    batches: Iterable[Batch],
    alphabet: Alphabet,
    write: Callable[[Tensor, Tensor], list[list[int]]],
) -> Transcripts:
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    ids: list[str] = []
    references: list[str] = []
    hypotheses: list[str] = []
    with torch.no_grad():
        for batch in batches:
            found = write(batch.features.to(device), batch.lengths.to(device))
            hypotheses += [alphabet.decode(tokens) for tokens in found]
            for target, size in zip(batch.targets, batch.target_lengths, strict=True):
                references.append(alphabet.decode(target[:size].tolist()))
            ids += batch.ids
    model.train(was_training)
    return Transcripts(ids, references, hypotheses)


def recognition_validation(
    batches: Iterable[Batch], alphabet: Alphabet, decode: Decode | None = None
) -> Callable[[nn.Module], dict[str, float]]:
    """A `validate` for `fit`: character and word error rate of a recogniser on these batches."""

    def validate(model: nn.Module) -> dict[str, float]:
        found = recognise(model, batches, alphabet, decode)
        return {"cer": found.cer, "wer": found.wer}

    return validate
