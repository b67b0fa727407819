"""Speech recognisers: corpus, features, model and schedule of a training, as one small record.

A notebook calls `run(RECIPES["commands"])`; `python -m course_utils.train` does the same from a
terminal. With a folder, a run leaves there what it was (recipe.json), its curves (log.csv), its
checkpoint and what it wrote down in the end (transcripts.csv), and goes on where it was stopped.
"""

from __future__ import annotations

import csv
import json
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils import audio, ctc, decoding, language, training
from course_utils.datasets import commands, digits, fsdd, librispeech, speech_commands
from course_utils.datasets.batching import Batch, Examples, loader
from course_utils.datasets.connected_digits import ConnectedDigits
from course_utils.datasets.items import Corpus, Utterance, joined
from course_utils.datasets.shards import Shards
from course_utils.datasets.text import Alphabet
from course_utils.models.convolution import Layer
from course_utils.models.deepspeech2 import DeepSpeech2
from course_utils.recipes.frames import (
    HOP_S,
    RunningFrames,
    Sound,
    frames_of,
    level,
    varied,
)
from course_utils.training import History, Transcripts, distributed
from course_utils.training.tasks import Decode

FORMAT = 1  # of recipe.json
LONGEST_S = 60.0  # beyond it, stream
CHARACTERS = " 'abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Speech:
    """What is recognised.

    Attributes:
        corpus: "digits" (bundled ones, joined), "commands" (bundled), "fsdd" (joined),
            "speech-commands", "librispeech-100" or "librispeech-960" (hours of clean, or of all
            training sets).
        units: "words" or "characters".
        train: utterances that are joined or taken for training; commands has its own, and from
            shards all are taken that are there.
        dev: the same for development, of other voices or takes.
        test: the same for the test.
        held_out: of FSDD, who is heard in the test alone; None for the official takes.
        synthetic: how many strings of bundled digits are added to FSDD's for training.
        shortest: fewest digits of a string for training; others have 2 to 5.
    """

    corpus: str
    units: str = "words"
    train: int = 1500
    dev: int = 150
    test: int = 300
    held_out: str | None = None
    synthetic: int = 0
    shortest: int = 2


@dataclass(frozen=True)
class Network:
    """Arguments of `DeepSpeech2`."""

    convolutions: tuple[Layer, ...] = (Layer(16, (11, 11), (4, 2)),)
    kind: str = "lstm"
    hidden_size: int = 96
    num_layers: int = 2
    bidirectional: bool = True
    lookahead: int = 0
    normalized: bool = True
    dropout: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """Arguments of `training.fit` and its optimizer, AdamW; the rate rises and falls.

    Attributes:
        augment: share of the batches that are augmented, True is all.
    """

    epochs: int = 8
    batch_size: int = 32
    rate: float = 3e-3
    warm_up: float = 0.1
    weight_decay: float = 0.01
    clip_norm: float | None = None
    accumulate: int = 1
    sortagrad: bool = False
    augment: float = False
    mixed_precision: bool = False


@dataclass(frozen=True)
class Recipe:
    """A training that anyone can repeat; the weights' seed is given to `run`."""

    speech: Speech
    sound: Sound = field(default_factory=Sound)
    network: Network = field(default_factory=Network)
    schedule: Schedule = field(default_factory=Schedule)


RECIPES = {
    "digits": Recipe(Speech("digits"), schedule=Schedule(epochs=10, augment=True)),
    "fsdd": Recipe(Speech("fsdd"), schedule=Schedule(epochs=12)),
    "commands": Recipe(
        Speech("commands", "characters"),
        network=Network((Layer(16, (11, 11), (3, 4)),), hidden_size=128),
        schedule=Schedule(epochs=30, batch_size=16, rate=1e-2, augment=0.5),
    ),
    # Forwards only, LSTMs write nothing but blanks for hundreds of steps; GRUs soon get over it.
    "digits-streaming": Recipe(
        Speech("digits"),
        Sound(running=True),
        Network(kind="gru", hidden_size=128, bidirectional=False, lookahead=5),
        Schedule(epochs=8, batch_size=16, rate=5e-3, augment=0.5),
    ),
    "speech-commands": Recipe(
        Speech("speech-commands", train=84_843, dev=1_000, test=11_005),
        Sound(sample_rate=16_000),
        schedule=Schedule(epochs=10, batch_size=64, augment=True),
    ),
}
# The largest network of Amodei et al. (2015), their order, batch of 512, epochs and clipping; 2,175
# numbers a layer make the 100 million parameters that they state. Ours: 80 mel bands instead of 161
# of a linear spectrogram, under filters half as high, which leaves 97 million; and AdamW instead of
# Nesterov's momentum, which wants its rate found anew for each corpus.
RECIPES |= {
    f"librispeech-{hours}": Recipe(
        Speech(f"librispeech-{hours}", "characters", train=utterances, dev=500, test=2_620),
        Sound(sample_rate=16_000, n_mels=80),
        Network(
            (Layer(32, (11, 21), (2, 2)), Layer(32, (11, 11), (1, 2)), Layer(96, (11, 11), (1, 2))),
            kind="rnn",
            hidden_size=2175,
            num_layers=7,
        ),
        Schedule(
            epochs=20, batch_size=16, rate=3e-4, clip_norm=400.0, accumulate=32, sortagrad=True
        ),
    )
    for hours, utterances in ((100, 28_539), (960, 281_241))
}
LIBRISPEECH = {
    "librispeech-100": ("train-clean-100",),
    "librispeech-960": ("train-clean-100", "train-clean-360", "train-other-500"),
}
# Hours and utterances of the training sets that are planned with: LibriSpeech's as published, one
# second for each of the commands.
AT_SCALE = {
    "librispeech-100": (100.6, 28_539),
    "librispeech-960": (960.9, 281_241),
    "speech-commands": (23.6, 84_843),
}


class Data(NamedTuple):
    """Frames and tokens of a corpus; `who` says by its id who says an utterance of dev and test."""

    train: Examples | Shards
    dev: Examples
    test: Examples
    alphabet: Alphabet
    who: dict[str, str]


def corpora(
    speech: Speech, with_train: bool = True
) -> tuple[Sequence[Utterance], Sequence[Utterance], Sequence[Utterance]]:
    """Train, dev and test utterances; without those for training, an empty list stands for them.

    FSDD's official test is takes 0 to 4; takes 45 to 49 are for development. With a speaker held
    out, the test is all that he says, and takes 0 to 4 of the others are for development.

    Raises:
        ValueError: there is no such corpus or speaker.
        FileNotFoundError: it is not on this machine; the message says how to get it.
    """
    counts = (speech.train, speech.dev, speech.test)
    if speech.held_out is not None and speech.corpus != "fsdd":
        raise ValueError(f"a speaker is held out of fsdd only, not of {speech.corpus}")
    if speech.corpus == "commands":
        return tuple(commands.load(split) for split in ("train", "dev", "test"))
    if speech.corpus in LIBRISPEECH or speech.corpus == "speech-commands":
        parts = _large_parts(speech.corpus, with_train)
        return tuple(_some(part, count) for part, count in zip(parts, counts, strict=True))
    if speech.corpus == "digits":
        parts = [digits.load(split) for split in ("train", "dev", "test")]
    elif speech.corpus == "fsdd":
        parts = _fsdd_parts(speech.held_out)
    else:
        known = sorted({recipe.speech.corpus for recipe in RECIPES.values()})
        raise ValueError(f"corpus must be one of {', '.join(known)}, got {speech.corpus!r}")
    fewest = (speech.shortest, 2, 2)
    joined = [
        ConnectedDigits(part, count, (least, 5), seed=seed)
        for seed, (part, count, least) in enumerate(zip(parts, counts, fewest, strict=True), 1)
    ]
    if speech.synthetic:
        more = ConnectedDigits(digits.load(), speech.synthetic, (speech.shortest, 5), seed=4)
        joined[0] = [*joined[0], *more]
    return tuple(joined)


def _large_parts(corpus: str, with_train: bool) -> list[Sequence[Utterance]]:
    if corpus == "speech-commands":
        everyone = speech_commands.load()
        parts = [everyone.filter(split=split) for split in ("train", "validation", "test")]
        return parts if with_train else [[], *parts[1:]]
    train = [librispeech.load(name) for name in LIBRISPEECH[corpus]] if with_train else []
    rest = [librispeech.load(name) for name in ("dev-clean", "test-clean")]
    return [joined(corpus, train) if train else [], *rest]


def _some(part: Sequence[Utterance], count: int) -> Sequence[Utterance]:
    """So many of them, from all over the corpus."""
    if count >= len(part):
        return part
    rows = [part.table[place * len(part) // count] for place in range(count)]
    return Corpus(part.name, part.folder, rows)


def _fsdd_parts(held_out: str | None) -> list[Corpus]:
    everyone = fsdd.load()
    if held_out is None:
        return [
            everyone.filter(lambda row: 5 <= row["take"] < 45),
            everyone.filter(lambda row: row["take"] >= 45),
            everyone.filter(split="test"),
        ]
    if held_out not in everyone.speakers:
        raise ValueError(f"held_out must be one of {', '.join(everyone.speakers)}: {held_out!r}")
    others, theirs = fsdd.leave_one_speaker_out(everyone, held_out)
    return [others.filter(split="train"), others.filter(split="test"), theirs]


def alphabet_of(speech: Speech) -> Alphabet:
    """What a recipe's tokens are; a ValueError for units that there are not."""
    if speech.units not in ("words", "characters"):
        raise ValueError(f'units must be "words" or "characters", got {speech.units!r}')
    if speech.units == "characters":
        return Alphabet(CHARACTERS)
    if speech.corpus in ("digits", "fsdd"):
        return Alphabet(digits.WORDS, separator=" ")
    if speech.corpus == "speech-commands":
        return Alphabet(speech_commands.WORDS, separator=" ")
    rows = corpora(speech)[0].table
    return Alphabet.of((row["text"] for row in rows), separator=" ")


def prepare(recipe: Recipe, progress: bool = True, shards: str | Path | None = None) -> Data:
    """Read a recipe's corpus: frames and tokens in memory, computed once.

    Args:
        recipe: whose speech and sound.
        progress: show a bar.
        shards: a folder of them: what is trained on is read from there, all of it, as it is needed;
            the corpus gives dev and test only.

    Raises:
        ValueError: an utterance that cannot be used, or a text with characters outside of the
            alphabet; the message names both. And what `corpora`, `frames_of` and `Shards` raise.
    """
    alphabet = alphabet_of(recipe.speech)
    if shards is not None:
        train = Shards(shards, partial(frames_of, sound=recipe.sound), alphabet.encode)
        if train.sample_rate != recipe.sound.sample_rate:
            raise ValueError(
                f"{shards} has sound at {train.sample_rate} Hz, the recipe wants "
                f"{recipe.sound.sample_rate} Hz: these shards are of another corpus"
            )
    parts = corpora(recipe.speech, with_train=shards is None)
    names = ("train", "dev", "test") if shards is None else ("dev", "test")
    who: dict[str, str] = {}
    found = [] if shards is None else [train]
    parts = parts[-len(names) :]
    bar = tqdm(total=sum(map(len, parts)), desc="reading", unit="utterance", disable=not progress)
    with bar:
        for split, part in zip(names, parts, strict=True):
            frames, tokens, ids = [], [], []
            for utterance in part:
                name = f"{split}/{utterance.id}"
                try:
                    c = frames_of(utterance.waveform, utterance.sample_rate, recipe.sound)
                    labels = alphabet.encode(utterance.text)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from error
                frames.append(c)
                tokens.append(labels)
                ids.append(name)
                who[name] = utterance.speaker
                bar.update()
            found.append(Examples(frames, tokens, ids=ids))
    return Data(*found, alphabet, who)


def build(recipe: Recipe, alphabet: Alphabet, seed: int = 0) -> DeepSpeech2:
    """The recipe's model with the weights of a seed."""
    torch.manual_seed(seed)
    settings = {name: getattr(recipe.network, name) for name in Network.__dataclass_fields__}
    return DeepSpeech2(recipe.sound.n_mels, alphabet.size, **settings)


class Levelled:
    """Batches as the network sees them, without augmentation: for validation and tests."""

    def __init__(self, examples: Examples, sound: Sound, batch_size: int = 32) -> None:
        self.batches, self.sound = loader(examples, batch_size), sound

    def __iter__(self) -> Any:
        for batch in self.batches:
            yield batch._replace(features=level(batch.features, batch.lengths, self.sound))


def loss_of(recipe: Recipe) -> Callable[[nn.Module, Batch], Tensor]:
    """The CTC loss of a batch after its augmentation and levelling."""

    def loss(model: DeepSpeech2, batch: Batch) -> Tensor:
        frames, lengths = batch.features, batch.lengths
        if recipe.schedule.augment and torch.rand(()) < recipe.schedule.augment:
            pairs = zip(batch.targets, batch.target_lengths, strict=True)
            needed = torch.tensor([ctc.frames_needed(t[:n].tolist()) for t, n in pairs])
            slowest = float((model.stride * needed / lengths.cpu()).max())
            frames, lengths = varied(frames.cpu(), lengths.cpu(), slowest)
            frames, lengths = frames.to(batch.features), lengths.to(batch.lengths)
        frames = level(frames, lengths, recipe.sound)
        return training.recognition_loss(model, batch._replace(features=frames, lengths=lengths))

    return loss


def heard(waveform: np.ndarray, sample_rate: int, sound: Sound, resample: bool = False) -> Tensor:
    """One waveform as the network sees it, float32 (1, frames, n_mels).

    Args:
        waveform: (samples,), 60 s at most.
        sample_rate: in Hz.
        sound: the recipe's.
        resample: take another rate than the recipe's.

    Raises:
        ValueError: another rate, too short, silent, or too long.
    """
    wanted = sound.sample_rate
    if len(waveform) > LONGEST_S * sample_rate:
        raise ValueError(
            f"{len(waveform) / sample_rate:.0f} s in one piece are too long, the limit is "
            f"{LONGEST_S:.0f} s: cut it at pauses, or let a model that streams listen"
        )
    if resample and sample_rate != wanted:
        waveform, sample_rate = audio.resample(waveform, sample_rate, wanted), wanted
    c = torch.from_numpy(frames_of(waveform, sample_rate, sound))[None]
    return level(c, torch.tensor([c.shape[1]]), sound)


class Recogniser:
    """A trained model with its alphabet and its recipe: a waveform in, text out."""

    def __init__(self, model: DeepSpeech2, alphabet: Alphabet, recipe: Recipe) -> None:
        self.model, self.alphabet, self.recipe = model.eval(), alphabet, recipe

    @property
    def frame_s(self) -> float:
        """Seconds from one row of the output to the next."""
        return HOP_S * self.model.stride

    def log_probs(self, waveform: np.ndarray, sample_rate: int, resample: bool = False) -> Tensor:
        """Log-probabilities (rows, tokens) of a waveform; row t stands at t · `frame_s` seconds.

        Args:
            waveform: (samples,).
            sample_rate: in Hz.
            resample: take another rate than the recipe's.

        Raises:
            ValueError: another rate, too short, silent, or longer than 60 s.
        """
        c = heard(waveform, sample_rate, self.recipe.sound, resample)
        device = next(self.model.parameters()).device
        with torch.no_grad():
            return self.model(c.to(device), torch.tensor([c.shape[1]]))[0][0].cpu()

    def transcribe(self, waveform: np.ndarray, sample_rate: int, resample: bool = False) -> str:
        """The text of the best path; arguments and errors as `log_probs`."""
        log_probs = self.log_probs(waveform, sample_rate, resample)
        return self.alphabet.decode(decoding.greedy(log_probs[None])[0])

    def listen(self) -> Listener:
        """Begin a stream.

        Raises:
            ValueError: the recipe is not for streams.
        """
        return Listener(self)


class Listener:
    """Text as the sound arrives, in memory that does not grow but for the text.

    Attributes:
        tokens: written so far.
        latency_s: row t stands at t · `frame_s` seconds, and comes so much later, when the last
            frame that it looks ahead to is complete.
    """

    def __init__(self, recogniser: Recogniser) -> None:
        sound, model = recogniser.recipe.sound, recogniser.model
        if not sound.running or model.latency is None:
            raise ValueError(
                "this recogniser reads to the end before it writes: listening needs a recipe with "
                "Sound(running=True) and Network(bidirectional=False)"
            )
        self.recogniser, self.frames = recogniser, RunningFrames(sound)
        self.state, self.last_token = None, 0
        self.tokens: list[int] = []
        self.latency_s = self.frames.n_fft / sound.sample_rate + HOP_S * model.latency

    def hear(self, samples: np.ndarray, last: bool = False) -> str:
        """Take the next samples, any number of them; returns the text so far.

        Args:
            samples: (samples,), at the recipe's rate.
            last: nothing follows: what was waiting for its future is written now.
        """
        c = torch.from_numpy(self.frames(samples, last))[None]
        c = level(c, torch.tensor([c.shape[1]]), self.recogniser.recipe.sound)
        with torch.no_grad():
            rows, self.state = self.recogniser.model.stream(c, self.state, last)
        for token in rows[0].argmax(dim=-1).tolist():
            if token != self.last_token and token != 0:
                self.tokens.append(token)
            self.last_token = token
        return self.text

    @property
    def text(self) -> str:
        """What is written so far."""
        return self.recogniser.alphabet.decode(self.tokens)


def real_time_factor(
    recogniser: Recogniser,
    utterances: Sequence[Utterance],
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds of computing for a second of sound: waveform to text, one utterance at a time.

    On a machine with other work, `time.process_time` as `clock` and one thread are fair.
    """
    recogniser.transcribe(*utterances[0][:2])  # the first call of all is slow
    began = clock()
    sound_s = 0.0
    for utterance in utterances:
        recogniser.transcribe(utterance.waveform, utterance.sample_rate)
        sound_s += len(utterance.waveform) / utterance.sample_rate
    return (clock() - began) / sound_s


@dataclass(frozen=True)
class Outcome:
    """What came out of a run.

    Attributes:
        recogniser: the trained model, ready to transcribe.
        history: its curves.
        dev: what it wrote of the development set.
        test: of the test.
        speakers: who says each utterance of the test.
        seconds: of wall time, training and validation, of all sessions.
        hours: of sound in the training set.
    """

    recogniser: Recogniser
    history: History
    dev: Transcripts
    test: Transcripts
    speakers: list[str]
    seconds: float
    hours: float

    @property
    def throughput(self) -> float:
        """Seconds of sound that a second of training went through (times real time)."""
        return 3600 * self.hours * len(self.history.epochs) / self.seconds

    def __repr__(self) -> str:
        return (
            f"<{len(self.history.epochs)} epochs of {self.hours:.1f} h in {self.seconds:.0f} s; "
            f"test: WER {self.test.wer:.2%}, CER {self.test.cer:.2%}>"
        )


def run(
    recipe: Recipe,
    folder: str | Path | None = None,
    *,
    seed: int = 0,
    data: Data | None = None,
    model: nn.Module | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
    shards: str | Path | None = None,
    workers: int = 0,
) -> Outcome:
    """Train a recogniser and test it.

    Args:
        recipe: one of `RECIPES`, or a changed copy of one (`dataclasses.replace`).
        folder: for recipe, curves, checkpoint and transcripts; a run that was stopped goes on.
        seed: of weights, order and augmentation.
        data: from `prepare`, when it is there already.
        model: another one than the recipe's, to be compared with it; then there is no folder.
        device: where to train; see `training.choose_device`.
        progress: show bars.
        shards: a folder that `datasets.shards.write` made, to train from in memory that does not
            grow; see `prepare`.
        workers: processes that prepare batches ahead of the training.

    Raises:
        ValueError: the folder holds a run of another recipe, seed or shards (nothing in it is
            changed), or the corpus cannot be used.
    """
    return carry_out(KIND, recipe, folder, seed, data, model, device, progress, shards, workers)


class Kind(NamedTuple):
    """What makes one kind of recogniser different from another, for `carry_out`.

    Attributes:
        build: recipe, alphabet, seed to model.
        loss_of: recipe to the loss of a model and a batch.
        write: model, batches, alphabet to the transcripts of dev and test in the end.
        recogniser: model, alphabet, recipe to what the outcome holds.
        draft: as `write`, for the development set after each epoch; None: `write` itself.
    """

    build: Callable[..., nn.Module]
    loss_of: Callable[..., Callable[[nn.Module, Batch], Tensor]]
    write: Callable[..., Transcripts]
    recogniser: Callable[..., Any]
    draft: Callable[..., Transcripts] | None = None


KIND = Kind(build, loss_of, training.recognise, Recogniser)


def carry_out(
    kind: Kind,
    recipe: Any,
    folder: str | Path | None,
    seed: int,
    data: Data | None,
    model: nn.Module | None,
    device: torch.device | str | None,
    progress: bool,
    shards: str | Path | None = None,
    workers: int = 0,
) -> Outcome:
    """A run of any kind of recogniser; arguments and errors as `run`.

    Inside `training.distributed.processes()` the processes train together, each with batches of the
    recipe's size; the first one writes.
    """
    folder = Path(folder) if folder is not None else None
    if folder is not None and model is not None:
        raise ValueError("a folder is for the recipe's own model: give either, not both")
    if folder is not None:
        distributed.from_first(lambda: _check_folder(folder, recipe, seed))
    if data is not None and shards is not None:
        raise ValueError("data says what to train on, shards too: give either")
    progress = progress and distributed.rank() == 0
    with torch.device("meta"):
        kind.build(recipe, Alphabet(CHARACTERS))  # what is wrong with the network is said at once
    data = data or prepare(recipe, progress, shards)
    model = model or kind.build(recipe, data.alphabet, seed)
    if folder is not None:
        distributed.from_first(lambda: _write_recipe(folder, recipe, seed, data))
    schedule, sound = recipe.schedule, recipe.sound
    batches = loader(
        data.train,
        schedule.batch_size,
        shuffle=True,
        seed=seed,
        workers=workers,
        rank=distributed.rank(),
        world_size=distributed.world_size(),
        sortagrad=schedule.sortagrad,
    )
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=schedule.rate, weight_decay=schedule.weight_decay
    )
    steps = schedule.epochs * -(-len(batches) // schedule.accumulate)
    dev_batches = Levelled(data.dev, sound)

    def validate(model: nn.Module) -> dict[str, float]:
        found = (kind.draft or kind.write)(model, dev_batches, data.alphabet)
        return {"cer": found.cer, "wer": found.wer}

    history = training.fit(
        model,
        batches,
        kind.loss_of(recipe),
        schedule.epochs,
        optimizer,
        scheduler=training.warm_up_cosine(optimizer, steps, schedule.warm_up),
        validate=validate,
        clip_norm=schedule.clip_norm,
        accumulate=schedule.accumulate,
        mixed_precision=schedule.mixed_precision,
        seed=seed,
        device=device,
        checkpoint=folder / "checkpoint.pt" if folder else None,
        checkpoint_every=200 if folder else None,
        log=folder / "log.csv" if folder else None,
        progress=progress,
    )

    for name, count in getattr(data.train, "lost", {}).items():
        warnings.warn(f"{count} utterances of {name} could not be used", stacklevel=3)

    def write() -> list[Transcripts]:
        parts = (Levelled(part, sound) for part in (data.dev, data.test))
        found = [kind.write(model, part, data.alphabet) for part in parts]
        if folder is not None:
            _write_transcripts(folder / "transcripts.csv", found, data.who)
        return found

    dev, test = distributed.from_first(write)
    return Outcome(
        kind.recogniser(model, data.alphabet, recipe),
        history,
        dev,
        test,
        [data.who[name] for name in test.ids],
        history.seconds,
        HOP_S * float(sum(data.train.lengths)) / 3600,
    )


def load(folder: str | Path) -> Recogniser:
    """The recogniser of a run, from its folder.

    Raises:
        FileNotFoundError: there is no run.
        ValueError: a file is damaged, or the checkpoint is that of another recipe.
    """
    folder = Path(folder)
    saved = read_recipe(folder / "recipe.json")
    recipe = recipe_of(saved["recipe"])
    alphabet = Alphabet(saved["symbols"], saved["separator"])
    return Recogniser(restored(build(recipe, alphabet), folder), alphabet, recipe)


def restored(model: nn.Module, folder: Path) -> nn.Module:
    """The model with the weights of a run's checkpoint.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or the checkpoint of another recipe.
    """
    path = folder / "checkpoint.pt"
    weights = training.load_checkpoint(path)["model"]
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise ValueError(
            f"{path} is not the checkpoint of {folder / 'recipe.json'}: {reason}"
        ) from error
    return model


def recipe_of(parts: dict[str, dict[str, Any]]) -> Recipe:
    """A recipe from what `dataclasses.asdict` made of it, after a way through JSON.

    Raises:
        ValueError: it is that of another kind of recogniser, or of another version.
    """
    try:
        network = dict(parts["network"])
        network["convolutions"] = tuple(layer(values) for values in network["convolutions"])
        return Recipe(
            Speech(**parts["speech"]),
            Sound(**parts["sound"]),
            Network(**network),
            Schedule(**parts["schedule"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no recipe of Deep Speech 2 ({error})") from error


def recognise(
    recogniser: Recogniser, examples: Examples, decode: Decode | None = None
) -> Transcripts:
    """What a recogniser writes of `Data.dev` or `Data.test`; greedily when `decode` is None."""
    batches = Levelled(examples, recogniser.recipe.sound)
    return training.recognise(recogniser.model, batches, recogniser.alphabet, decode)


def with_words(
    data: Data, order: int = 3, beam_size: int = 32, alpha: float = 0.5, beta: float = 1.0
) -> Decode:
    """A decoder for `recognise` that knows the training sentences, of characters.

    Only their words may be written; an n-gram of them says how likely each is after those before.
    An utterance for which no sentence of such words is left in the beam is written greedily.

    Args:
        data: from `prepare`; its training sentences are counted, nothing else is looked at.
        order: of the n-gram.
        beam_size: see `decoding.prefix_beam_search`, as for the next two.
        alpha: weight of the n-gram.
        beta: bonus a word.
    """
    sentences = [data.alphabet.decode(tokens.tolist()).split() for tokens in data.train.targets]
    words = sorted({word for sentence in sentences for word in sentence})
    lexicon = language.Lexicon(words, data.alphabet, language.kneser_ney(sentences, order))

    def decode(log_probs: Tensor, lengths: Tensor) -> list[list[int]]:
        found = []
        for rows, length in zip(log_probs, lengths.tolist(), strict=True):
            best = decoding.prefix_beam_search(
                rows[:length], beam_size, lm=lexicon, alpha=alpha, beta=beta
            )
            found.append(best[0].tokens if best else decoding.greedy(rows[None, :length])[0])
        return found

    return decode


def plan(
    recipe: Recipe,
    hours: float,
    length_s: float = 10.0,
    steps: int = 2,
    kind: Kind | None = None,
    device: torch.device | str | None = None,
    patience_s: float = 20.0,
) -> dict[str, float]:
    """What a training would take on this machine, from a few measured steps on noise.

    Args:
        recipe: its batch size, model and number of epochs count.
        hours: of sound in the corpus.
        length_s: of an utterance, on average.
        steps: how many are measured, after one that is not.
        kind: of recogniser; None: Deep Speech 2.
        device: where to measure; see `training.choose_device`.
        patience_s: where the whole batch takes longer, part of it is measured and counted up.

    Returns:
        parameters; memory_gb of weights, gradients and AdamW's two moments in float32, and of
        kept_gb, what the layers keep of a batch for the gradient; corpus_gb, the features of all
        the corpus, where it is not read from shards; steps_epoch, batches; seconds_step;
        items_measured; hours_epoch; hours_total; throughput, times real time.
    """
    device = torch.device(device) if device is not None else training.choose_device()
    speech, frames = recipe.speech, round(length_s / HOP_S)
    alphabet = alphabet_of(speech)
    kind = kind or KIND
    model, loss = kind.build(recipe, alphabet).train().to(device), kind.loss_of(recipe)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    # English has 14 characters a second (Amodei et al. 2015), two or three words.
    labels = max(1, round((14 if speech.units == "characters" else 2) * length_s))

    def step(items: int, backwards: bool = True) -> float:
        """Seconds of a step on so many items."""
        batch = Batch(
            torch.randn(items, frames, recipe.sound.n_mels),
            torch.full((items,), frames),
            torch.randint(1, alphabet.size, (items, labels)),
            torch.full((items,), labels),
        ).to(device)
        began = time.perf_counter()
        optimizer.zero_grad()
        value = loss(model, batch)
        if backwards:
            value.backward()
            optimizer.step()
        value.item()  # a GPU works ahead: wait for it
        return time.perf_counter() - began

    size = recipe.schedule.batch_size
    with training.kept_memory(model) as one:
        seconds = step(1)
    kept, items = one.total, 1
    if size > 1:
        with training.kept_memory(model) as two:
            step(2, backwards=False)
        kept += (size - 1) * (two.total - one.total)
    if seconds < patience_s:
        items = max(1, min(size, int(patience_s / (seconds * steps))))
        step(items)
        seconds = sum(step(items) for _ in range(steps)) / steps
    seconds *= size / items
    parameters = training.count_parameters(model)
    steps_epoch = 3600 * hours / (size * length_s)
    hours_epoch = steps_epoch * seconds / 3600
    return {
        "parameters": parameters,
        "memory_gb": (16 * parameters + kept) / 1e9,
        "kept_gb": kept / 1e9,
        "corpus_gb": 3600 * hours / HOP_S * recipe.sound.n_mels * 4 / 1e9,
        "steps_epoch": steps_epoch,
        "seconds_step": seconds,
        "items_measured": items,
        "hours_epoch": hours_epoch,
        "hours_total": hours_epoch * recipe.schedule.epochs,
        "throughput": size * length_s / seconds,
    }


def changed(recipe: Recipe, **changes: Any) -> Recipe:
    """A copy with other values, named without their part.

    `changed(recipe, epochs=20, units="words")`

    Raises:
        ValueError: no part of a recipe has such a name.
    """
    for part in asdict(recipe):
        own = {k: v for k, v in changes.items() if k in asdict(getattr(recipe, part))}
        recipe = replace(recipe, **{part: replace(getattr(recipe, part), **own)})
        changes = {k: v for k, v in changes.items() if k not in own}
    if changes:
        known = (name for part in asdict(recipe) for name in asdict(getattr(recipe, part)))
        raise ValueError(f"a recipe has no {', '.join(changes)}; it has {', '.join(known)}")
    return recipe


def layer(values: Sequence[Any]) -> Layer:
    """A layer as JSON gives it back."""
    return Layer(*(tuple(v) if isinstance(v, list) else v for v in values))


def _as_json(recipe: Recipe, seed: int) -> dict[str, Any]:
    """The recipe as JSON gives it back: tuples are lists."""
    return json.loads(json.dumps({"recipe": asdict(recipe), "seed": seed}))


def read_recipe(path: Path) -> dict[str, Any]:
    """What a recipe.json holds, or an error that names it."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        if saved["format"] != FORMAT:
            raise ValueError(f"format {saved['format']}, this version reads {FORMAT}")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: no such file: no run was saved there") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged or no recipe ({error})") from error
    return saved


def _check_folder(folder: Path, recipe: Recipe, seed: int) -> None:
    """A ValueError that names the first difference when the folder holds another run."""
    path = folder / "recipe.json"
    if not path.exists():
        return
    old, new = _flattened(read_recipe(path)), _flattened(_as_json(recipe, seed))
    for name, value in new.items():
        if name not in old or old[name] != value:
            raise ValueError(
                f"{folder} holds a run of another recipe: {name} is {old.get(name)} there, {value} "
                "here. Nothing was changed: name another folder"
            )


def _flattened(saved: dict[str, Any]) -> dict[str, Any]:
    parts = {f"{p}.{k}": v for p, values in saved["recipe"].items() for k, v in values.items()}
    return {**parts, "seed": saved["seed"]}


def _write_recipe(folder: Path, recipe: Recipe, seed: int, data: Data) -> None:
    path, alphabet = folder / "recipe.json", data.alphabet
    shards = getattr(data.train, "fingerprint", None)
    if path.exists() and read_recipe(path).get("shards") != shards:
        raise ValueError(
            f"{folder} holds a run on other data: give the same shards as before, or none if there "
            "were none. Nothing was changed: name another folder to begin anew"
        )
    folder.mkdir(parents=True, exist_ok=True)
    rest = {"symbols": list(alphabet.symbols), "separator": alphabet.separator, "shards": shards}
    text = json.dumps({"format": FORMAT, **_as_json(recipe, seed), **rest}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def _write_transcripts(path: Path, parts: list[Transcripts], who: dict[str, str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["id", "speaker", "reference", "hypothesis"])
        for part in parts:
            for name, *texts in zip(part.ids, part.references, part.hypotheses, strict=True):
                rows.writerow([name, who[name], *texts])
