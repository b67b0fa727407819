"""A trained recogniser learns on, from a few recordings of one person: fine-tuning.

Each step sees recordings and, against forgetting, some of what the recogniser was trained on.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from course_utils import training
from course_utils.datasets.batching import Batch, Examples
from course_utils.datasets.items import Utterance
from course_utils.recipes import recognition, spelling
from course_utils.recipes.frames import frames_of
from course_utils.recipes.recognition import Recogniser
from course_utils.recipes.spelling import Speller
from course_utils.training import History


@dataclass(frozen=True)
class Schedule:
    """How a recogniser is adapted.

    Attributes:
        steps: of the optimizer, AdamW.
        look: the held-back recordings are judged after so many.
        batch_size: utterances of a step.
        mixed: share of these that are original ones, 0 to below 1.
        rate: the highest, as a share of that of the recipe's own training; it rises over a tenth of
            the steps, and falls to 0.
        held_back: share of the recordings that is not learned but tells when to stop.
        patience: stop when so many looks brought nothing better, and go back to the best.
        augment: share of the steps whose sounds are varied, as in the recipe's own training.
    """

    steps: int = 60
    look: int = 6
    batch_size: int = 8
    mixed: float = 0.5
    rate: float = 0.2
    held_back: float = 0.2
    patience: int = 4
    augment: float = 0.5

    def __post_init__(self) -> None:
        for name, value in (("steps", self.steps), ("look", self.look)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        if not isinstance(self.batch_size, int) or self.batch_size < 2:
            raise ValueError(f"batch_size must be a whole number from 2 on: {self.batch_size!r}")
        for name, value in (("mixed", self.mixed), ("held_back", self.held_back)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be a share from 0 to below 1, got {value!r}")


class Adapted(NamedTuple):
    """What came out.

    Attributes:
        recogniser: a new one; that which was adapted is as it was.
        history: its curves, an entry a look: `loss`, and `dev_loss` of what was held back.
        held_back: ids of these recordings.
    """

    recogniser: Recogniser | Speller
    history: History
    held_back: list[str]


def adapt(
    recogniser: Recogniser | Speller,
    recordings: Sequence[Utterance],
    original: Sequence[Utterance] = (),
    schedule: Schedule | None = None,
    *,
    parts: Sequence[str] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Adapted:
    """Teach a copy of a recogniser one person's recordings.

    Args:
        recogniser: of `recipes.recognition` or `recipes.spelling`.
        recordings: waveform, rate and text of each; nothing that it is tested on afterwards.
        original: what it was trained on; a draw of it is mixed in. May be empty with `mixed=0`.
        schedule: how; None: `Schedule()`.
        parts: which of the model's parts learn, by the beginnings of their parameters' names
            ("convolutions", "output"); None: all. The means and variances of batch normalisation
            follow the sound in the others as well.
        seed: of what is held back, drawn and varied.
        progress: show a bar.

    Raises:
        ValueError: there are no recordings, or nothing to mix in; one has another sample rate, is
            silent, or has a text that the recogniser can't write (the message names it); no
            parameter is of these parts.
    """
    schedule = schedule or Schedule()
    if len(recordings) == 0:
        raise ValueError("there are no recordings to learn from: record some first, 10 to 20")
    if schedule.mixed and len(original) == 0:
        raise ValueError(
            f"mixed={schedule.mixed}, but there is nothing to mix in: give original utterances, "
            "or mixed=0"
        )
    rng = np.random.default_rng(seed)
    mine, kept = _divided(recordings, schedule.held_back, rng)
    model = copy.deepcopy(recogniser.model)
    learning = _learning(model, parts)
    needed = round(schedule.steps * schedule.batch_size * schedule.mixed)
    drawn = rng.permutation(len(original))[:needed]
    batches = _Mixed(
        _examples(mine, recogniser, "recording"),
        _examples([original[int(i)] for i in drawn], recogniser, "original"),
        schedule,
        seed,
    )
    kind = spelling if isinstance(recogniser, Speller) else recognition
    loss = kind.loss_of(recognition.changed(recogniser.recipe, augment=schedule.augment))
    judge = kind.loss_of(recognition.changed(recogniser.recipe, augment=0.0))
    held_back = _examples(kept, recogniser, "recording") if kept else None

    def validate(model: nn.Module) -> dict[str, float]:
        batch = held_back.collate([held_back[i] for i in range(len(held_back))])
        return {"loss": float(judge(model, batch))}

    looks = -(-schedule.steps // schedule.look)
    optimizer = torch.optim.AdamW(
        learning, lr=schedule.rate * recogniser.recipe.schedule.rate, weight_decay=0.0
    )
    try:
        history = training.fit(
            model,
            batches,
            loss,
            looks,
            optimizer,
            scheduler=training.warm_up_cosine(optimizer, looks * schedule.look),
            validate=validate if held_back else None,
            patience=schedule.patience if held_back else None,
            clip_norm=5.0,
            seed=seed,
            device="cpu",
            progress=progress,
        )
    finally:
        model.requires_grad_(True)
    adapted = type(recogniser)(model, recogniser.alphabet, recogniser.recipe)
    return Adapted(adapted, history, [utterance.id for utterance in kept])


def _divided(
    recordings: Sequence[Utterance], share: float, rng: np.random.Generator
) -> tuple[list[Utterance], list[Utterance]]:
    """What is learned, and what is held back: at least one each, where a share is wanted."""
    order = rng.permutation(len(recordings)).tolist()
    count = min(max(1, round(share * len(recordings))), len(recordings) - 1) if share else 0
    kept = sorted(order[:count])
    return (
        [recordings[i] for i in range(len(recordings)) if i not in kept],
        [recordings[i] for i in kept],
    )


def _learning(model: nn.Module, parts: Sequence[str] | None) -> list[nn.Parameter]:
    """The parameters that learn; the others are told not to."""
    if parts is None:
        return list(model.parameters())
    if isinstance(parts, str):
        raise ValueError(f"parts must be a list of names, got the text {parts!r}: [{parts!r}]")
    known = sorted({name.split(".")[0] for name, _ in model.named_parameters()})
    for part in parts:
        if not any(name.startswith(part) for name, _ in model.named_parameters()):
            raise ValueError(f"no parameter is of {part!r}; the parts are {', '.join(known)}")
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(tuple(parts)))
    found = [p for p in model.parameters() if p.requires_grad]
    if not found:
        raise ValueError(f"parts is empty: name some of {', '.join(known)}, or None for all")
    return found


def _examples(
    utterances: Sequence[Utterance], recogniser: Recogniser | Speller, what: str
) -> Examples | None:
    """Frames and tokens; None when there are none."""
    frames, tokens, ids = [], [], []
    for utterance in utterances:
        try:
            sound = recogniser.recipe.sound
            frames.append(frames_of(utterance.waveform, utterance.sample_rate, sound))
            labels = recogniser.alphabet.encode(utterance.text)
        except ValueError as error:
            raise ValueError(f"{what} {utterance.id}: {error}") from error
        if not labels:
            raise ValueError(f"{what} {utterance.id}: it has no text, so it teaches nothing")
        tokens.append(labels)
        ids.append(f"{what} {utterance.id}")
    return Examples(frames, tokens, ids=ids) if frames else None


class _Mixed:
    """Batches of recordings and original utterances, `look` of them an epoch.

    Both come round in an order of their own, again and again, so each recording is learned about
    as often as any other.
    """

    def __init__(
        self, mine: Examples, original: Examples | None, schedule: Schedule, seed: int
    ) -> None:
        foreign = round(schedule.mixed * schedule.batch_size) if original else 0
        foreign = min(max(foreign, int(original is not None)), schedule.batch_size - 1)
        self.sources = [(mine, schedule.batch_size - foreign), (original, foreign)]
        self.look, self.seed, self.epoch = schedule.look, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Which batches come next follows from seed and epoch alone."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.look

    def __iter__(self) -> Iterator[Batch]:
        for step in range(self.epoch * self.look, (self.epoch + 1) * self.look):
            items = []
            for number, (examples, count) in enumerate(self.sources):
                for place in range(step * count, (step + 1) * count):
                    round_, index = divmod(place, len(examples))
                    order = np.random.default_rng((self.seed, number, round_))
                    items.append(examples[int(order.permutation(len(examples))[index])])
            yield self.sources[0][0].collate(items)
