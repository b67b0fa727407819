"""Spellers: corpus, features, Listen-Attend-Spell model, schedule and search, as one small record.

A notebook calls `run(RECIPES["commands"])`; `python -m course_utils.train las` does the same from a
terminal. Corpora, features, folders and outcomes are those of `recognition`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from course_utils import decoding, metrics, training
from course_utils.datasets.batching import Batch, Examples, mask
from course_utils.datasets.text import Alphabet
from course_utils.models.convolution import Layer
from course_utils.models.las import END, ListenAttendSpell
from course_utils.recipes import recognition
from course_utils.recipes.frames import HOP_S, Sound, level, varied
from course_utils.recipes.recognition import Data, Outcome, Speech
from course_utils.training import Transcripts

END_SIGN = "END"


@dataclass(frozen=True)
class Network:
    """Arguments of `ListenAttendSpell`; a CTC branch is there where the schedule trains it."""

    hidden: int = 64
    front: tuple[Layer, ...] = (Layer(16, (11, 11), (2, 4)),)
    pyramid: int = 2
    speller: int = 96
    speller_layers: int = 1
    attention: str = "location"
    normalized: bool = True
    dropout: float = 0.0


@dataclass(frozen=True)
class Schedule(recognition.Schedule):
    """What `recognition.Schedule` says, and arguments of `training.spelling_loss`.

    Attributes:
        label_smoothing: share of each target that is spread over all tokens.
        sampling: how often the speller is told a token of its own (scheduled sampling).
        ctc_weight: share of the CTC branch in the loss; 0: there is no branch.
        time_masks: gaps of up to 0.1 s a second, set to the mean in each utterance.
    """

    batch_size: int = 16
    clip_norm: float | None = 5.0
    label_smoothing: float = 0.0
    sampling: float = 0.0
    ctc_weight: float = 0.0
    time_masks: int = 0


@dataclass(frozen=True)
class Search:
    """Arguments of `decoding.attention_beam_search`; a beam of 1 is the greedy search."""

    beam_size: int = 1
    length_normalisation: float = 0.0
    coverage: float = 0.0
    end_threshold: float | None = None


@dataclass(frozen=True)
class Recipe:
    """A training that anyone can repeat; the weights' seed is given to `run`."""

    speech: Speech
    sound: Sound = field(default_factory=Sound)
    network: Network = field(default_factory=Network)
    schedule: Schedule = field(default_factory=Schedule)
    search: Search = field(default_factory=Search)


# One and two digits first: the speller finds out where to look before it has to keep its place.
RECIPES = {
    "digits": Recipe(
        Speech("digits", train=2000, shortest=1),
        schedule=Schedule(epochs=6, augment=True, sortagrad=True),
    ),
    "fsdd": Recipe(
        Speech("fsdd", train=3000, shortest=1),
        network=Network(dropout=0.1),
        schedule=Schedule(epochs=12, augment=True, sortagrad=True),
    ),
    "commands": Recipe(
        Speech("commands", "words"),
        network=Network(
            hidden=128,
            front=(Layer(16, (11, 11), (3, 4)),),
            pyramid=1,
            speller=128,
            dropout=0.2,
        ),
        schedule=Schedule(epochs=20, rate=5e-3, augment=0.5, sortagrad=True),
    ),
    "speech-commands": Recipe(
        recognition.RECIPES["speech-commands"].speech,
        Sound(sample_rate=16_000),
        Network(dropout=0.1),
        Schedule(epochs=10, batch_size=64, augment=True),
    ),
}
# The network of Chan et al. (2015), section 4: one bidirectional LSTM and a pyramid of three, 256
# units a direction, on 40 mel bands; a speller of two layers of 512; 32 utterances a batch, one
# token in ten its own. AdamW instead of asynchronous SGD in 32 replicas; they trained on 2,000
# hours of voice search.
RECIPES |= {
    name: Recipe(
        recognition.RECIPES[name].speech,
        Sound(sample_rate=16_000),
        Network(
            hidden=256,
            front=(),
            pyramid=3,
            speller=512,
            speller_layers=2,
            attention="dot",
            normalized=False,
        ),
        Schedule(epochs=20, batch_size=32, rate=1e-3, sampling=0.1, sortagrad=True),
        Search(beam_size=32, length_normalisation=1.0),
    )
    for name in ("librispeech-100", "librispeech-960")
}


def build(recipe: Recipe, alphabet: Alphabet, seed: int = 0) -> ListenAttendSpell:
    """The recipe's model with the weights of a seed."""
    torch.manual_seed(seed)
    settings = {name: getattr(recipe.network, name) for name in Network.__dataclass_fields__}
    with_ctc = recipe.schedule.ctc_weight > 0
    return ListenAttendSpell(recipe.sound.n_mels, alphabet.size, **settings, ctc=with_ctc)


def loss_of(recipe: Recipe) -> Callable[[nn.Module, Batch], Tensor]:
    """The loss of a batch after its augmentation and levelling."""
    schedule = recipe.schedule

    def loss(model: ListenAttendSpell, batch: Batch) -> Tensor:
        frames, lengths = batch.features, batch.lengths
        if schedule.augment >= 1 or torch.rand(()) < schedule.augment:
            frames, lengths = varied(frames.cpu(), lengths.cpu())
            frames, lengths = frames.to(batch.features), lengths.to(batch.lengths)
        frames = level(frames, lengths, recipe.sound)
        for _ in range(schedule.time_masks):
            frames = with_gap(frames, lengths)
        return training.spelling_loss(
            model,
            batch._replace(features=frames, lengths=lengths),
            schedule.label_smoothing,
            schedule.sampling,
            schedule.ctc_weight,
        )

    return loss


def with_gap(frames: Tensor, lengths: Tensor) -> Tensor:
    """Levelled frames with one gap in each item, up to a tenth of it, all zeros: its mean."""
    lengths = lengths.to(frames.device)
    share, place = torch.rand(2, len(frames)).to(frames)
    width = (0.1 * share * lengths).long()
    start = (place * (lengths - width + 1)).long()
    gap = mask(start + width, frames.shape[1]) & ~mask(start, frames.shape[1])
    return frames.masked_fill(gap[..., None], 0)


def write(recipe: Recipe, **search: Any) -> Callable[..., Transcripts]:
    """A function of model, batches and alphabet that writes by the recipe's search.

    Args:
        recipe: whose search it is.
        search: other values of it.
    """
    arguments = _arguments(recipe, search)

    def written(model: ListenAttendSpell, batches: Any, alphabet: Alphabet) -> Transcripts:
        return training.spell(model, batches, alphabet, **arguments)

    return written


def _arguments(recipe: Recipe, search: dict[str, Any]) -> dict[str, Any]:
    """What the search is called with; {} is the greedy one."""
    arguments = asdict(recipe.search) | search
    return {} if arguments["beam_size"] == 1 else arguments


class Look(NamedTuple):
    """What a speller wrote, how sure it was, and where it looked for it.

    Attributes:
        text: what is written.
        tokens: its symbols, and "END".
        probabilities: of each of these, told those before it, (tokens,).
        attention: where it looked for each, (tokens, rows); a row is `Speller.frame_s` seconds.
        distribution: probabilities of all that it could have written there, END first, (tokens,
            size of the alphabet).
    """

    text: str
    tokens: list[str]
    probabilities: np.ndarray
    attention: np.ndarray
    distribution: np.ndarray


class Speller:
    """A trained model with its alphabet and its recipe: a waveform in, text out."""

    def __init__(self, model: ListenAttendSpell, alphabet: Alphabet, recipe: Recipe) -> None:
        self.model, self.alphabet, self.recipe = model.eval(), alphabet, recipe

    @property
    def frame_s(self) -> float:
        """Seconds from one row that the speller looks at to the next."""
        return HOP_S * self.model.listener.stride

    def transcribe(
        self, waveform: np.ndarray, sample_rate: int, resample: bool = False, **search: Any
    ) -> str:
        """The text that the recipe's search finds.

        Args:
            waveform: (samples,).
            sample_rate: in Hz.
            resample: take another rate than the recipe's.
            search: other values of `Search`, or further arguments of
                `decoding.attention_beam_search`.

        Raises:
            ValueError: another rate, too short, silent, or longer than 60 s.
        """
        c = self._heard(waveform, sample_rate, resample)
        return self.alphabet.decode(self._found(c, search))

    def look(
        self,
        waveform: np.ndarray,
        sample_rate: int,
        text: str | None = None,
        resample: bool = False,
        **search: Any,
    ) -> Look:
        """What was written or what is told, letter by letter, with its attention.

        Args:
            waveform: (samples,).
            sample_rate: in Hz.
            text: told to the speller (teacher forcing); None: what its search finds.
            resample: take another rate than the recipe's.
            search: as in `transcribe`.

        Raises:
            ValueError: as `transcribe`, or `text` holds what is not in the alphabet.
        """
        c = self._heard(waveform, sample_rate, resample)
        found = self._found(c, search) if text is None else self.alphabet.encode(text)
        tokens = torch.tensor([found], dtype=torch.int64, device=c.device)
        with torch.no_grad():
            spelling = self.model(c, None, tokens)
        expected = torch.tensor([*found, END], device=c.device)
        distribution = spelling.logits[0].softmax(dim=-1)
        probabilities = distribution.gather(1, expected[:, None])[:, 0]
        names = [*(self.alphabet.names[token] for token in found), END_SIGN]
        return Look(
            self.alphabet.decode(found),
            names,
            probabilities.cpu().numpy(),
            spelling.attention[0].cpu().numpy(),
            distribution.cpu().numpy(),
        )

    def _heard(self, waveform: np.ndarray, sample_rate: int, resample: bool) -> Tensor:
        c = recognition.heard(waveform, sample_rate, self.recipe.sound, resample)
        return c.to(next(self.model.parameters()).device)

    def _found(self, c: Tensor, search: dict[str, Any]) -> list[int]:
        arguments = _arguments(self.recipe, search)
        if not arguments:
            return decoding.attention_greedy(self.model, c)[0].tokens
        texts = decoding.attention_beam_search(self.model, c, **arguments)[0]
        return texts[0].tokens if texts else []


class Exposure(NamedTuple):
    """What a speller's own errors cost it afterwards.

    Attributes:
        told: share of right tokens when it is told the right ones before, whatever it wrote.
        own: of the same places, share that is right in its own text.
        places: how many these are: all behind the first error of an utterance, END included.
        before: share of right tokens told the right ones, up to and with the first error.
    """

    told: float
    own: float
    places: int
    before: float


def exposure(speller: Speller, examples: Examples) -> Exposure:
    """Accuracy behind the first error of the greedy search, after right tokens and after its own.

    In each utterance the greedy search makes its first error somewhere. What follows in the
    reference is looked at twice: the speller is told the reference and judges each next token
    (`told`), or what it wrote after the error is aligned with it (`own`). The places are the same,
    so hard utterances weigh the same in both. NaN where there is no error.

    Args:
        speller: is asked.
        examples: `Data.dev` or `Data.test`.
    """
    model = speller.model
    told = own = places = first = right_before = 0
    for batch in recognition.Levelled(examples, speller.recipe.sound):
        written = decoding.attention_greedy(model, batch.features, batch.lengths)
        with torch.no_grad():
            judged = model(batch.features, batch.lengths, batch.targets).logits.argmax(dim=-1)
        for tokens, said, target, size in zip(
            (one.tokens for one in written),
            judged.tolist(),
            batch.targets.tolist(),
            batch.target_lengths.tolist(),
            strict=True,
        ):
            reference, free = [*target[:size], END], [*tokens, END]
            pairs = zip(reference, free, strict=False)
            error = next((u for u, (r, h) in enumerate(pairs) if r != h), None)
            upto = size + 1 if error is None else error + 1
            first += upto
            right_before += sum(r == s for r, s in zip(reference[:upto], said, strict=False))
            if error is not None:
                rest = reference[upto:]
                places += len(rest)
                told += sum(r == s for r, s in zip(rest, said[upto:], strict=False))
                aligned = metrics.alignment(rest, free[upto:])
                own += sum(r == h for r, h in aligned)
    share = 1 / places if places else float("nan")
    return Exposure(told * share, own * share, places, right_before / first)


def run(
    recipe: Recipe,
    folder: str | Path | None = None,
    *,
    seed: int = 0,
    data: Data | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
    shards: str | Path | None = None,
    workers: int = 0,
) -> Outcome:
    """Train a speller and test it; arguments and errors as `recognition.run`.

    After each epoch the development set is written by the greedy search, in the end development
    and test by the recipe's.
    """
    kind = _kind(recipe)
    return recognition.carry_out(
        kind, recipe, folder, seed, data, None, device, progress, shards, workers
    )


def plan(recipe: Recipe, hours: float, **options: Any) -> dict[str, float]:
    """What a training would take on this machine; see `recognition.plan`."""
    return recognition.plan(recipe, hours, kind=_kind(recipe), **options)


def _kind(recipe: Recipe) -> recognition.Kind:
    return recognition.Kind(build, loss_of, write(recipe), Speller, write(recipe, beam_size=1))


def load(folder: str | Path) -> Speller:
    """The speller of a run, from its folder; errors as `recognition.load`."""
    folder = Path(folder)
    saved = recognition.read_recipe(folder / "recipe.json")
    recipe = recipe_of(saved["recipe"])
    alphabet = Alphabet(saved["symbols"], saved["separator"])
    return Speller(recognition.restored(build(recipe, alphabet), folder), alphabet, recipe)


def recipe_of(parts: dict[str, dict[str, Any]]) -> Recipe:
    """A recipe from what `dataclasses.asdict` made of it, after a way through JSON.

    Raises:
        ValueError: it is that of another kind of recogniser, or of another version.
    """
    try:
        network = parts["network"]
        network = network | {
            "front": tuple(recognition.layer(values) for values in network["front"])
        }
        return Recipe(
            Speech(**parts["speech"]),
            Sound(**parts["sound"]),
            Network(**network),
            Schedule(**parts["schedule"]),
            Search(**parts["search"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no recipe of a speller ({error})") from error
