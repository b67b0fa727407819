"""Tagging sound scenes: their features, a training of one minute, its scores.

docs/tools/tagging.py runs it for every row of the ablation table of notebook 09.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from course_utils import audio, features, metrics, training
from course_utils.datasets.batching import Batch, Examples, loader
from course_utils.datasets.soundscapes import Scene
from course_utils.metrics import Event, detect
from course_utils.models.tagger import Tagger, tagging_loss

RATE = 16_000  # Hz
N_FFT, HOP, N_MELS = 512, 400, 40
FLOOR = 60 * np.log(10) / 10  # 60 dB, as natural logarithm of power
# That are tried for events. Mean pooling wants the highest; up to 0.9999 changes its F1 by 0.01.
THRESHOLDS = 1 / (1 + np.exp(-np.linspace(-4, 4, 21)))


def frames_of(waveform: np.ndarray, sample_rate: float) -> np.ndarray:
    """Log-mel frames, 25 ms apart, without the clip's level.

    What is 60 dB below the loudest place is raised to there: else the empty upper half of a
    telephone recording would be the loudest thing about it.

    Args:
        waveform: (samples,), of any rate.
        sample_rate: in Hz.

    Returns:
        float32 (frames, 40), with mean 0.
    """
    x = audio.resample(waveform, round(sample_rate), RATE)
    S = features.log_mel(x, RATE, N_FFT, HOP, N_MELS, floor=1e-20)
    S = np.maximum(S, S.max() - FLOOR)
    return (S - S.mean()).astype(np.float32)


def examples(scenes: Iterable[Scene]) -> Examples:
    """Frames and tags of scenes, for `batching.loader`."""
    frames, tags, ids = [], [], []
    for scene in scenes:
        frames.append(frames_of(scene.waveform, scene.sample_rate))
        tags.append(scene.tags.astype(np.int64))
        ids.append(scene.id)
    return Examples(frames, tags, ids=ids)


def fit(
    model: Tagger,
    data: Examples,
    loss: Callable[[nn.Module, Batch], Tensor] = tagging_loss,
    epochs: int = 12,
    seed: int = 0,
    progress: bool = True,
) -> training.History:
    """Train with AdamW; the rate rises to 4e-3 and falls to 0 again.

    Args:
        model: is trained in place.
        data: from `examples`.
        loss: of a model and a batch; see `mixed`, `masked` and `shifted`.
        epochs: how often the data is gone through.
        seed: of the order; the weights were drawn before.
        progress: show a bar.

    Returns:
        The curves.
    """
    batches = loader(data, 32, shuffle=True, seed=seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 4e-3, total_steps=epochs * len(batches) + 1, pct_start=0.15
    )
    return training.fit(
        model, batches, loss, epochs, optimizer, scheduler=scheduler, seed=seed, progress=progress
    )


def probabilities(model: Tagger, data: Examples) -> tuple[np.ndarray, list[np.ndarray]]:
    """What a tagger says of each item: of the clip (items, classes), and of its frames."""
    was_training, device = model.training, next(model.parameters()).device
    model.eval()
    clips, frames = [], []
    with torch.no_grad():
        for batch in loader(data, 50):
            said = model(*batch.to(device)[:2])
            clips.append(said.clips.cpu().numpy())
            pairs = zip(said.frames.cpu().numpy(), said.lengths.tolist(), strict=True)
            frames += [p[:n] for p, n in pairs]
    model.train(was_training)
    return np.concatenate(clips), frames


def mixed(loss: Callable[[nn.Module, Batch], Tensor], alpha: float = 0.4) -> Callable:
    """The same loss on mixtures of two items of the batch, features and tags alike (mixup).

    Source: Zhang et al. (2018), https://arxiv.org/abs/1710.09412
    """

    def mixed_loss(model: nn.Module, batch: Batch) -> Tensor:
        n = len(batch.features)
        share = torch.distributions.Beta(alpha, alpha).sample((n,)).to(batch.features.device)
        other = torch.randperm(n, device=batch.features.device)

        def mix(x: Tensor) -> Tensor:
            part = share.view(-1, *(1,) * (x.ndim - 1))
            return part * x + (1 - part) * x[other]

        lengths = torch.maximum(batch.lengths, batch.lengths[other])
        targets = mix(batch.targets.float())
        return loss(
            model, batch._replace(features=mix(batch.features), targets=targets, lengths=lengths)
        )

    return mixed_loss


def masked(
    loss: Callable[[nn.Module, Batch], Tensor], bands: int = 8, frames: int = 20
) -> Callable:
    """The same loss with a stretch of bands and one of frames hidden in each item (SpecAugment)."""

    def masked_loss(model: nn.Module, batch: Batch) -> Tensor:
        rng = np.random.default_rng(int(torch.randint(2**31, ())))
        hidden = features.spec_augment(
            batch.features.cpu().numpy(), rng, bands, frames, lengths=batch.lengths.cpu().numpy()
        )
        return loss(model, batch._replace(features=torch.from_numpy(hidden).to(batch.features)))

    return masked_loss


def shifted(loss: Callable[[nn.Module, Batch], Tensor], bands: int = 6) -> Callable:
    """The same loss on each item moved up or down by at most so many bands: other pitches.

    The edge is repeated where nothing moves in. A bell stays a bell when it is higher.

    Six of 40 bands are a ratio of about 1.5 above 1 kHz: a third of most pitch ranges in
    `event_sounds`. That pitch was the trouble was seen on the test variants; that six bands help,
    the only width tried, was confirmed with other thirds unseen: mAP there rose from 0.70 to 0.86.
    """

    def shifted_loss(model: nn.Module, batch: Batch) -> Tensor:
        x = batch.features
        by = torch.randint(-bands, bands + 1, (len(x), 1, 1), device=x.device)
        place = (torch.arange(x.shape[2], device=x.device) - by).clamp(0, x.shape[2] - 1)
        return loss(model, batch._replace(features=x.gather(2, place.expand_as(x))))

    return shifted_loss


def event_thresholds(
    scenes: Sequence[Sequence[Event]],
    frames: Sequence[np.ndarray],
    names: Sequence[str],
    frame_s: float,
) -> np.ndarray:
    """For each class the threshold of its frames with the best event F1: search on dev scenes.

    Args:
        scenes: true events of each scene.
        frames: probabilities of each scene, (frames, classes).
        names: of the classes.
        frame_s: time from frame to frame in seconds.

    Returns:
        float64 (classes,).
    """
    best = []
    for column, name in enumerate(names):
        wanted = [[event for event in events if event.label == name] for events in scenes]
        scores = [
            metrics.event_f1(wanted, [detect(p[:, [column]], t, [name], frame_s) for p in frames])
            for t in THRESHOLDS
        ]
        best.append(THRESHOLDS[int(np.argmax(scores))])
    return np.array(best)
