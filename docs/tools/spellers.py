"""Spellers measured, into docs/runs: figures, unheard speakers, kinds of attention, and failures.

    python docs/tools/spellers.py figures      # commands and FSDD digits, three seeds
    python docs/tools/spellers.py left-out     # FSDD, each of six speakers unheard
    python docs/tools/spellers.py variants     # attention, CTC branch, curriculum, sampling
    python docs/tools/spellers.py failures     # far too long, not yet trained: loops and skips

Each writes docs/runs/spellers_NAME.csv, with one thread; a run that was stopped goes on where it
was. FSDD must be on this machine for the first two; the others train on the bundled digits.
`--only TEXT` runs the rows whose name holds the text. With `--folder FOLDER`, each training leaves
its curves, weights and transcripts there; failures then takes over what variants has trained.

Nothing was chosen on a test set: recipes are tuned on the development sets, which hold other voices
(commands, digits) or other takes (FSDD). With a speaker held out, he is in no set but the test.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from course_utils import decoding, metrics
from course_utils.datasets import digits, fsdd, runs
from course_utils.datasets.batching import Examples
from course_utils.datasets.connected_digits import ConnectedDigits
from course_utils.recipes import recognition, spelling
from course_utils.recipes.frames import frames_of
from course_utils.recipes.recognition import Data, Levelled, changed
from course_utils.recipes.spelling import RECIPES, Recipe, Speller

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the tools import each other

from docs.tools.recognisers import figures, missing, options

TRAINED = (
    "name",
    "seed",
    "parameters",
    "epochs",
    "seconds",
    "throughput",
    "dev_cer",
    "dev_wer",
    "test_cer",
    "test_wer",
    "low",
    "high",
    "greedy_cer",
    "greedy_wer",
    "real_time_factor",
    "told",
    "own",
    "places",
)
FAILED = (
    "name",
    "seed",
    "epochs",
    "test",
    "search",
    "wer",
    "substitutions",
    "deletions",
    "insertions",
    "at_limit",
)
FIGURES = {"commands": RECIPES["commands"], "FSDD, official takes": RECIPES["fsdd"]}
DIGITS = changed(RECIPES["digits"], train=1500, epochs=5)
SHORT = 2  # epochs
# What the variants change; the first is what all others are compared with.
VARIANTS: dict[str, Recipe] = {
    "the recipe": DIGITS,
    "additive attention": changed(DIGITS, attention="additive"),
    "dot attention": changed(DIGITS, attention="dot"),
    "CTC branch": changed(DIGITS, ctc_weight=0.3),
    "short": changed(DIGITS, epochs=SHORT),
    "short, CTC branch": changed(DIGITS, epochs=SHORT, ctc_weight=0.3),
    "scheduled sampling": changed(DIGITS, sampling=0.1),
    "label smoothing": changed(DIGITS, label_smoothing=0.1),
    "no curriculum": changed(DIGITS, shortest=2, sortagrad=False),
    "pyramid of 1": changed(DIGITS, pyramid=1),
    "paper's listener": changed(DIGITS, normalized=False),
}
# Whose failures are looked at.
FAILURES = {
    **{name: VARIANTS[name] for name in ("the recipe", "additive attention", "dot attention")},
    "early": changed(DIGITS, epochs=1),
}
SEARCHES: dict[str, dict[str, Any]] = {
    "greedy": {"beam_size": 1},
    "beam 8": {"beam_size": 8},
    "beam 8, length normalisation": {"beam_size": 8, "length_normalisation": 1.0},
    "beam 8, coverage": {"beam_size": 8, "coverage": 0.1},
    "beam 8, end threshold": {"beam_size": 8, "end_threshold": 1.5},
    "beam 8, coverage and end threshold": {
        "beam_size": 8, "coverage": 0.1, "end_threshold": 1.5
    },
}  # fmt: skip


def left_out() -> dict[str, Recipe]:
    """A recipe for each speaker who is not heard in training; synthetic voices help with him."""
    recipe = changed(RECIPES["fsdd"], train=1500, synthetic=1500, rate=5e-3, dropout=0.2, epochs=8)
    return {name: changed(recipe, held_out=name) for name in fsdd.load().speakers}


def trained(name: str, recipe: Recipe, seed: int, data: Data, folder: Path | None) -> dict:
    """One training and its figures."""
    began = time.process_time()
    done = spelling.run(recipe, folder, seed=seed, data=data, device="cpu", progress=False)
    seconds = time.process_time() - began
    model = done.recogniser.model
    greedy = done.test
    if recipe.search.beam_size > 1:
        test = Levelled(data.test, recipe.sound)
        greedy = spelling.write(recipe, beam_size=1)(model, test, data.alphabet)
    found = figures(name, recipe, seed, done, seconds)
    found |= {"greedy_cer": f"{greedy.cer:.4f}", "greedy_wer": f"{greedy.wer:.4f}"}
    test = recognition.corpora(recipe.speech)[2]
    utterances = [test[i] for i in range(min(40, len(test)))]
    simple = Speller(model, data.alphabet, changed(recipe, beam_size=1))
    factor = recognition.real_time_factor(simple, utterances, time.process_time)
    exposure = spelling.exposure(done.recogniser, data.test)
    found |= {"real_time_factor": f"{factor:.4f}", "places": exposure.places}
    if exposure.places:
        found |= {"told": f"{exposure.told:.4f}", "own": f"{exposure.own:.4f}"}
    return found


def longer(recipe: Recipe, data: Data, count: int = 60) -> Examples:
    """Ten to twelve digits of the test's voices, where training has two to five."""
    spoken = ConnectedDigits(digits.load("test"), count, (10, 12), seed=5)
    frames = [frames_of(u.waveform, u.sample_rate, recipe.sound) for u in spoken]
    return Examples(frames, [data.alphabet.encode(u.text) for u in spoken])


def failed(name: str, recipe: Recipe, seed: int, data: Data, folder: Path | None) -> Iterator[dict]:
    """One training, and what each search makes of usual and of far too long utterances."""
    done = spelling.run(recipe, folder, seed=seed, data=data, device="cpu", progress=False)
    for test, examples in (("2 to 5", data.test), ("10 to 12", longer(recipe, data))):
        for search, settings in SEARCHES.items():
            if name == "early" and search != "greedy":
                continue
            found = failures(done.recogniser, examples, settings)
            yield {
                "name": name,
                "seed": seed,
                "epochs": recipe.schedule.epochs,
                "test": test,
                "search": search,
                **{key: f"{value:.4f}" for key, value in found.items()},
            }


def failures(speller: Speller, examples: Examples, settings: dict[str, Any]) -> dict[str, float]:
    """Kinds of wrong words by all words, and the share of utterances that reach the limit."""
    counts = {"substitutions": 0, "deletions": 0, "insertions": 0}
    words = stopped = items = 0
    search = {key: value for key, value in settings.items() if settings["beam_size"] > 1}
    for batch in Levelled(examples, speller.recipe.sound):
        if search:
            texts = decoding.attention_beam_search(
                speller.model, batch.features, batch.lengths, **search
            )
            found = [text[0].tokens if text else [] for text in texts]
        else:
            greedy = decoding.attention_greedy(speller.model, batch.features, batch.lengths)
            found = [one.tokens for one in greedy]
        limits = 2 * speller.model.output_lengths(batch.lengths)
        stopped += sum(len(t) >= n for t, n in zip(found, limits.tolist(), strict=True))
        items += len(found)
        for tokens, target, size in zip(found, batch.targets, batch.target_lengths, strict=True):
            right = speller.alphabet.decode(target[:size].tolist()).split()
            words += len(right)
            for r, h in metrics.alignment(right, speller.alphabet.decode(tokens).split()):
                if r is None:
                    counts["insertions"] += 1
                elif h is None:
                    counts["deletions"] += 1
                else:
                    counts["substitutions"] += r != h
    shares = {kind: count / words for kind, count in counts.items()}
    return {"wer": sum(shares.values()), **shares, "at_limit": stopped / items}


def planned(which: str) -> Iterator[tuple[str, Recipe, int]]:
    """Every training of a table: name, recipe, seed."""
    if which == "figures":
        yield from ((name, recipe, seed) for seed in range(3) for name, recipe in FIGURES.items())
    elif which == "left-out":
        yield from ((name, recipe, 0) for name, recipe in left_out().items())
    else:
        table = VARIANTS if which == "variants" else FAILURES
        yield from ((name, recipe, 0) for name, recipe in table.items())


def write(path: Path, which: str, rows: list[dict]) -> None:
    """The table, with how it was made in front."""
    about = [
        f"command: python docs/tools/spellers.py {which}",
        "machine: one thread of a server's CPU, other work beside it",
    ]
    if which == "failures":
        about.append("test: digits of an utterance; trained on 2 to 5; rates by all words")
    else:
        about += [
            "seconds: CPU time of the training, with a look at the development set each epoch",
            "real_time_factor: CPU time of greedy decoding by the sound's length",
            "test: by the recipe's search; low, high: WER of 95 % of bootstrap samples of speakers",
            "told, own: accuracy at the places behind the first error of an utterance, told the",
            "  right tokens, and with the speller's own",
        ]
    runs.write(path, about, rows, FAILED if which == "failures" else TRAINED)


def main() -> None:
    """The rows of one table that are not there yet."""
    given = options(__doc__, ("figures", "left-out", "variants", "failures"))
    path = given.output or runs.FOLDER / f"spellers_{given.table}.csv".replace("-", "_")
    torch.set_num_threads(1)
    rows: list[dict] = runs.read(path)
    for name, recipe, seed, data, folder, _ in missing(planned(given.table), rows, given):
        if given.table == "failures":
            new = list(failed(name, recipe, seed, data, folder))
        else:
            new = [trained(name, recipe, seed, data, folder)]
        rows += new
        write(path, given.table, rows)
        for row in new:
            print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
