"""Recorded runs of recognisers: figures, leave one speaker out, an ablation, others beside ours.

    python docs/tools/recognisers.py figures          # commands and FSDD, three seeds
    python docs/tools/recognisers.py left-out         # FSDD, each of six speakers unheard
    python docs/tools/recognisers.py ablation         # what each part is worth
    python docs/tools/recognisers.py peers            # torchaudio's models, a plain LSTM, and ours

Each writes docs/runs/recognisers_NAME.csv, one row a training, with one thread; a run that was
stopped goes on where it was. FSDD must be on this machine, except for the ablation and the peers,
which train on the bundled commands. `--only TEXT` runs the rows whose name holds the text. With
`--folder FOLDER`, each training of a recipe leaves its curves, weights and transcripts there.

Recipes are tuned on the development sets, which hold other voices (commands) or other takes (FSDD).
With a speaker held out, he is in no set but the test; but the rate, the epochs and the range of
`left-out` were chosen after seeing how well some of these six are recognised: a stranger may fare a
little worse.
"""

import argparse
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils import training
from course_utils.datasets import batching, fsdd, runs
from course_utils.models.convolution import Layer
from course_utils.recipes import recognition
from course_utils.recipes.recognition import RECIPES, Data, Outcome, Recipe, changed

FIELDS = (
    "name",
    "seed",
    "parameters",
    "epochs",
    "rate",
    "seconds",
    "throughput",
    "dev_cer",
    "dev_wer",
    "test_cer",
    "test_wer",
    "low",
    "high",
    "lm_cer",
    "lm_wer",
    "lm_low",
    "lm_high",
    "real_time_factor",
)
BUDGET_S = 90.0  # of each peer, CPU time of one thread: half of what our recipe takes
RATES = (1e-3, 4e-3)  # of the others; the better one on the development set counts


class Wav2Letter(nn.Module):
    """torchaudio's Wav2Letter on frames: convolutions alone; it knows no lengths.

    What stands behind an item's end is in reach of its last frames, so padding changes them.
    """

    stride = 2

    def __init__(self, dims: int, tokens: int) -> None:
        super().__init__()
        from torchaudio.models import Wav2Letter as Model

        self.model = Model(tokens, "mfcc", dims)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Its first filter of 48 halves the frames, its filter of 32 adds one."""
        return lengths // 2 + 1

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """As every recogniser of the course."""
        log_probs = self.model(features.transpose(1, 2)).transpose(1, 2)
        return log_probs, self.output_lengths(lengths)


class DeepSpeech1(nn.Module):
    """torchaudio's DeepSpeech (Hannun et al. 2014): dense layers, one plain bidirectional RNN."""

    stride = 1

    def __init__(self, dims: int, tokens: int) -> None:
        super().__init__()
        from torchaudio.models import DeepSpeech as Model

        self.model = Model(dims, 256, tokens)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """As every recogniser of the course."""
        return self.model(features[:, None]), lengths


class PlainLSTM(nn.Module):
    """Two bidirectional LSTMs and a linear layer: no convolution, no normalisation.

    Trained on padded batches, whose items are about equally long: packed, a step takes twice the
    time. Tested packed, so that padding changes nothing.
    """

    def __init__(self, dims: int, tokens: int, stride: int = 1, hidden: int = 128) -> None:
        super().__init__()
        self.stride = stride  # as many frames are laid side by side and read as one
        self.lstm = nn.LSTM(dims * stride, hidden, 2, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(2 * hidden, tokens)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """As every recogniser of the course."""
        features = nn.functional.pad(features, (0, 0, 0, -features.shape[1] % self.stride))
        features = features.unflatten(1, (-1, self.stride)).flatten(2)
        lengths = -(-lengths // self.stride)
        if self.training:
            return self.linear(self.lstm(features)[0]).log_softmax(dim=-1), lengths
        packed = nn.utils.rnn.pack_padded_sequence(
            features, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        output, _ = nn.utils.rnn.pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=features.shape[1]
        )
        return self.linear(output).log_softmax(dim=-1), lengths


PEERS: dict[str, Callable[[int, int], nn.Module] | None] = {
    "Deep Speech 2 (ours)": None,
    "bidirectional LSTM": PlainLSTM,
    "bidirectional LSTM, 3 frames in one": functools.partial(PlainLSTM, stride=3),
    "DeepSpeech (torchaudio)": DeepSpeech1,
    "Wav2Letter (torchaudio)": Wav2Letter,
}

COMMANDS = RECIPES["commands"]
SHORT = changed(COMMANDS, epochs=8)
# What the ablation changes; the first is what all others are compared with.
ABLATION: dict[str, Recipe] = {
    "the recipe": SHORT,
    "no batch normalisation": changed(SHORT, normalized=False),
    "SortaGrad": changed(SHORT, sortagrad=True),
    "stride 2": changed(SHORT, convolutions=(Layer(16, (11, 11), (2, 4)),)),
    "stride 4": changed(SHORT, convolutions=(Layer(16, (11, 11), (4, 4)),)),
    "1 recurrent layer": changed(SHORT, num_layers=1),
    "3 recurrent layers": changed(SHORT, num_layers=3),
    "no augmentation": changed(SHORT, augment=False),
    "convolution over time alone": changed(SHORT, convolutions=(Layer(128, (11, 40), (3, 1)),)),
    "GRU": changed(SHORT, kind="gru"),
    "clipped RNN": changed(SHORT, kind="rnn"),
    "forwards, lookahead 5": changed(SHORT, bidirectional=False, lookahead=5),
}
FIGURES = {"commands": COMMANDS, "FSDD, official takes": RECIPES["fsdd"]}


def left_out() -> dict[str, Recipe]:
    """A recipe for each speaker who is not heard in training.

    Five voices are few: strings of the 53 synthetic ones are added, all are augmented, and what
    lies 40 dB under the loudest place is hidden: one speaker's recordings are noisy.
    """
    recipe = changed(
        RECIPES["fsdd"],
        train=1200,
        synthetic=800,
        range_db=40.0,
        augment=True,
        batch_size=16,
        rate=1e-2,
        epochs=12,
    )
    return {name: changed(recipe, held_out=name) for name in fsdd.load().speakers}


def budgeted(recipe: Recipe, model: nn.Module, data: Data) -> tuple[Recipe, Data]:
    """As many epochs as fit the budget, from measured steps; less than one: a part of the data."""
    loss = recognition.loss_of(recipe)
    batches = batching.loader(data.train, recipe.schedule.batch_size, shuffle=True)
    seconds = []
    for _, batch in zip(range(6), batches, strict=False):
        began = time.process_time()
        loss(model.train(), batch).backward()
        seconds.append(time.process_time() - began)
    model.zero_grad(set_to_none=True)
    epoch = float(np.mean(seconds[1:])) * len(batches)
    if epoch > BUDGET_S:
        whole = data.train
        kept = torch.randperm(len(whole))[: int(len(whole) * BUDGET_S / epoch)].tolist()
        part = batching.Examples(
            *([items[i] for i in kept] for items in (whole.features, whole.targets)),
            ids=[whole.ids[i] for i in kept],
        )
        data = data._replace(train=part)
    return changed(recipe, epochs=max(1, round(BUDGET_S / epoch))), data


def figures(name: str, recipe: Any, seed: int, done: Outcome, seconds: float) -> dict:
    """What a training of any kind of recogniser is told by; seconds of CPU time."""
    found = {
        "name": name,
        "seed": seed,
        "parameters": training.count_parameters(done.recogniser.model),
        "epochs": recipe.schedule.epochs,
        "seconds": f"{seconds:.0f}",
        "throughput": f"{3600 * done.hours * recipe.schedule.epochs / seconds:.0f}",
        "dev_cer": f"{done.dev.cer:.4f}",
        "dev_wer": f"{done.dev.wer:.4f}",
        "test_cer": f"{done.test.cer:.4f}",
        "test_wer": f"{done.test.wer:.4f}",
    }
    if len(set(done.speakers)) > 1:
        low, high = done.test.wer_interval(done.speakers)
        found |= {"low": f"{low:.4f}", "high": f"{high:.4f}"}
    return found


def row(
    name: str,
    recipe: Recipe,
    seed: int,
    data: Data,
    peer: Callable | None = None,
    folder: Path | None = None,
) -> dict:
    """One training and its figures."""
    torch.manual_seed(seed)
    everything = data
    tokens, dims = data.alphabet.size, recipe.sound.n_mels
    model = peer(dims, tokens) if peer else recognition.build(recipe, data.alphabet, seed)
    if name in PEERS:
        before = {key: value.clone() for key, value in model.state_dict().items()}
        recipe, data = budgeted(recipe, model, data)
        model.load_state_dict(before)
    began = time.process_time()
    done = recognition.run(
        recipe,
        folder,
        seed=seed,
        data=data,
        model=None if folder else model,
        device="cpu",
        progress=False,
    )
    seconds = time.process_time() - began
    found = figures(name, recipe, seed, done, seconds)
    found["epochs"] = f"{recipe.schedule.epochs * len(data.train) / len(everything.train):.3g}"
    found["rate"] = recipe.schedule.rate
    if recipe.speech.units == "characters":
        said = recognition.recognise(done.recogniser, data.test, recognition.with_words(everything))
        low, high = said.wer_interval(done.speakers)
        found |= {"lm_cer": f"{said.cer:.4f}", "lm_wer": f"{said.wer:.4f}"}
        found |= {"lm_low": f"{low:.4f}", "lm_high": f"{high:.4f}"}
    test = recognition.corpora(recipe.speech)[2]
    utterances = [test[i] for i in range(min(40, len(test)))]
    factor = recognition.real_time_factor(done.recogniser, utterances, time.process_time)
    return found | {"real_time_factor": f"{factor:.4f}"}


def best_row(name: str, recipe: Recipe, seed: int, data: Data, peer: Callable) -> dict:
    """Another model than ours at each of `RATES`: the row whose development set came out better."""
    rows = [row(name, changed(recipe, rate=rate), seed, data, peer) for rate in RATES]
    return min(rows, key=lambda found: float(found["dev_cer"]))


def planned(which: str) -> Iterator[tuple[str, Recipe, int, Callable | None]]:
    """Every training of a table: name, recipe, seed, and another model than ours."""
    if which == "figures":
        yield from ((n, recipe, seed, None) for seed in range(3) for n, recipe in FIGURES.items())
    elif which == "left-out":
        yield from ((name, recipe, 0, None) for name, recipe in left_out().items())
    elif which == "ablation":
        yield from ((name, recipe, 0, None) for name, recipe in ABLATION.items())
    else:
        yield from ((name, COMMANDS, 0, peer) for name, peer in PEERS.items())


def write(path: Path, which: str, rows: list[dict]) -> None:
    """The table, with how it was made in front."""
    about = (
        f"command: python docs/tools/recognisers.py {which}",
        "machine: one thread of a server's CPU, other work beside it",
        "seconds: CPU time of the training, with a look at the development set each epoch",
        "real_time_factor: CPU time of greedy decoding by the sound's length",
        "lm: beam search over the words of the training sentences, with their trigram",
        "other error rates: greedy; low, high: WER of 95 % of bootstrap samples of speakers",
    )
    runs.write(path, about, rows, FIELDS)


def options(about: str, tables: Sequence[str]) -> argparse.Namespace:
    """The command line of this tool and of spellers.py, `set` as {name: number}."""
    parser = argparse.ArgumentParser(description=about.split("\n", 1)[0])
    parser.add_argument("table", choices=tables)
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--folder", type=Path, help="for what each training leaves")
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=NUMBER", help="for a try: epochs=1 train=50"
    )
    found = parser.parse_args()
    found.set = {name: int(value) for name, value in (text.split("=") for text in found.set)}
    return found


def missing(
    trainings: Iterable[tuple], rows: Sequence[dict], options: argparse.Namespace
) -> Iterator[tuple[str, Any, int, Data, Path | None, tuple]]:
    """The trainings that have no row yet, each with its data and its folder.

    Args:
        trainings: name, recipe, seed, and what else there is.
        rows: those that are there.
        options: from `options`.

    Yields:
        Name, recipe as changed by `--set`, seed, data, folder or None, and what else there is.
    """
    done = {(row["name"], int(row["seed"])) for row in rows}
    read: tuple | None = None
    data: Data | None = None
    for name, recipe, seed, *rest in trainings:
        recipe = changed(recipe, **options.set)
        if options.only not in name or (name, seed) in done:
            continue
        if read != (recipe.speech, recipe.sound):
            read, data = (recipe.speech, recipe.sound), recognition.prepare(recipe, progress=False)
        place = options.folder and options.folder / f"{name.replace(' ', '-')}-{seed}"
        yield name, recipe, seed, data, place, tuple(rest)


def main() -> None:
    """The rows of one table that are not there yet."""
    given = options(__doc__, ("figures", "left-out", "ablation", "peers"))
    path = given.output or runs.FOLDER / f"recognisers_{given.table}.csv".replace("-", "_")
    torch.set_num_threads(1)
    rows: list[dict] = runs.read(path)
    for name, recipe, seed, data, folder, (peer,) in missing(planned(given.table), rows, given):
        if peer:
            rows.append(best_row(name, recipe, seed, data, peer))
        else:
            folder = None if given.table == "peers" else folder
            rows.append(row(name, recipe, seed, data, folder=folder))
        write(path, given.table, rows)
        print(", ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)


if __name__ == "__main__":
    main()
