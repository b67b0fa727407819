"""Train a recogniser from a terminal: `python -m course_utils.train deepspeech2 --help`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# torch takes seconds to import: --help does without.

MODELS = {"deepspeech2": "recognition", "las": "spelling"}  # and who has its recipes


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m course_utils.train",
        description="Train a recogniser by one of the course's recipes, and test it. With "
        "--folder, a training that was stopped goes on when the same command is given again. "
        "`torchrun --nproc-per-node N -m course_utils.train ...` trains in N processes; with "
        "--max-restarts and a folder, it goes on by itself when one of them dies.",
    )
    made.add_argument("model", choices=MODELS)
    made.add_argument(
        "--corpus",
        required=True,
        help="the recipe: digits, commands, fsdd, speech-commands, librispeech-100 or "
        "librispeech-960; of deepspeech2 also digits-streaming",
    )
    made.add_argument("--folder", type=Path, help="for curves, checkpoint and transcripts")
    made.add_argument("--seed", type=int, default=0, help="of weights and order (default 0)")
    made.add_argument("--epochs", type=int, help="instead of the recipe's")
    made.add_argument("--held-out", metavar="SPEAKER", help="of fsdd: who is in the test alone")
    made.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="other values of the recipe, for instance hidden_size=64 augment=false",
    )
    made.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")
    made.add_argument("--threads", type=int, help="of the CPU (default: torch's choice)")
    made.add_argument("--plan", action="store_true", help="measure some steps, say what it takes")
    made.add_argument("--price", type=float, help="of an hour on this machine, for the plan")
    made.add_argument(
        "--make-shards",
        type=Path,
        metavar="FOLDER",
        help="write the recipe's training set as shards, and stop; goes on where it was stopped",
    )
    made.add_argument(
        "--shards", type=Path, metavar="FOLDER", help="train from these, in memory that stays flat"
    )
    made.add_argument(
        "--workers", type=int, default=0, help="processes that prepare batches ahead (default 0)"
    )
    made.add_argument("--quiet", action="store_true", help="no progress bars")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a recipe; returns 0, or 2 after a message about what is wrong."""
    options = parser().parse_args(arguments)
    import torch

    from course_utils.recipes import recognition
    from course_utils.training import distributed

    kind = importlib.import_module(f"course_utils.recipes.{MODELS[options.model]}")
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        if options.corpus not in kind.RECIPES:
            known = ", ".join(kind.RECIPES)
            raise ValueError(f"--corpus must be one of {known}, got {options.corpus!r}")
        recipe = recognition.changed(kind.RECIPES[options.corpus], **_changes(options))
        with distributed.processes() as device:
            is_first = distributed.rank() == 0
            if options.make_shards:
                if is_first:
                    _make_shards(recipe, options.make_shards, not options.quiet)
                return 0
            if options.plan:
                if is_first:
                    hours, length_s = _size(recipe.speech)
                    device = options.device or device
                    found = kind.plan(recipe, hours, length_s=length_s, device=device)
                    _show_plan(found, hours, recipe, options.price)
                return 0
            outcome = kind.run(
                recipe,
                options.folder,
                seed=options.seed,
                device=options.device or device,
                progress=not options.quiet,
                shards=options.shards,
                workers=options.workers,
            )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if is_first:
        _show(outcome)
    return 0


def _show(outcome: Any) -> None:
    print(f"dev:  WER {outcome.dev.wer:.2%}, CER {outcome.dev.cer:.2%}")
    print(f"test: WER {outcome.test.wer:.2%}, CER {outcome.test.cer:.2%}", end="")
    if len(set(outcome.speakers)) > 1:
        low, high = outcome.test.wer_interval(outcome.speakers)
        print(f", 95 % of speakers' samples: WER {low:.2%} to {high:.2%}", end="")
    parameters = sum(p.numel() for p in outcome.recogniser.model.parameters())
    epochs = len(outcome.history.epochs)
    print(
        f"\n{parameters:,} parameters, {epochs} epochs of {outcome.hours:.2f} h in "
        f"{outcome.seconds:.0f} s: {outcome.throughput:.0f} times real time"
    )


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    changes = {}
    for text in options.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set takes NAME=VALUE, got {text!r}")
        try:
            changes[name] = json.loads(value)
        except json.JSONDecodeError:
            changes[name] = value
    if options.epochs is not None:
        changes["epochs"] = options.epochs
    if options.held_out is not None:
        changes["held_out"] = options.held_out
    return changes


def _make_shards(recipe: Any, folder: Path, progress: bool) -> None:
    from course_utils.datasets import shards
    from course_utils.recipes import recognition

    train, _, _ = recognition.corpora(recipe.speech)
    shards.write(train, folder, progress=progress)
    found = shards.read_index(folder)[0]
    size = sum(shard["bytes"] for shard in found["shards"])
    print(
        f"{folder}: {found['utterances']:,} utterances, {found['seconds'] / 3600:.2f} h, "
        f"{len(found['shards']):,} shards, {size / 1e6:,.0f} MB"
    )


def _size(speech: Any) -> tuple[float, float]:
    """Hours to plan with, and the mean length of an utterance in seconds."""
    from course_utils.recipes import recognition

    if speech.corpus not in recognition.AT_SCALE:
        return 1.0, 2.5  # of the small corpora, for comparison
    hours, utterances = recognition.AT_SCALE[speech.corpus]
    return hours * min(1, speech.train / utterances), 3600 * hours / utterances


def _show_plan(found: dict[str, float], hours: float, recipe: Any, price: float | None) -> None:
    size, measured = recipe.schedule.batch_size, int(found["items_measured"])
    part = "" if measured == size else f" (measured on {measured} of {size} utterances, counted up)"
    print(
        f"plan: {found['parameters']:,.0f} parameters; {found['memory_gb']:.1f} GB for training, "
        f"of which {found['kept_gb']:.1f} GB are what the layers keep of a batch of {size}; "
        f"features {found['corpus_gb']:.1f} GB, or next to nothing from shards\n"
        f"{hours:g} h of sound are {found['steps_epoch']:,.0f} batches of "
        f"{found['seconds_step']:.2f} s{part}, {found['hours_epoch']:.1f} h an epoch, "
        f"{found['hours_total']:,.1f} h for {recipe.schedule.epochs} epochs "
        f"({found['throughput']:.3g} times real time)"
    )
    if price is not None:
        print(f"at {price:g} an hour: {price * found['hours_total']:,.2f}")


if __name__ == "__main__":
    sys.exit(main())
