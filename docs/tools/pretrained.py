"""Train the small recognisers that come with the course, and pack them in half precision.

    python docs/tools/pretrained.py                                  # all of them
    python docs/tools/pretrained.py deepspeech2-commands             # one
    python docs/tools/pretrained.py las-commands --folder runs/las   # packs a run that is done

With --folder, curves, checkpoint and transcripts are kept there, a run that was stopped goes on,
and one that is done is not trained again. The figures that are stored with the weights are measured
after the rounding. What was packed before is replaced, and the table of the model card written
anew.
"""

import argparse
from pathlib import Path
from typing import Any

import torch

from course_utils import training
from course_utils.recipes import pretrained, recognition
from course_utils.recipes.recognition import Data, Levelled

RECIPES = {
    "deepspeech2-commands": "commands",
    "deepspeech2-digits-streaming": "digits-streaming",
    "las-commands": "commands",
}


def recipes_of(name: str) -> Any:
    """The module of recipes that trains a model of this name."""
    if name.startswith("deepspeech2"):
        return recognition
    from course_utils.recipes import spelling

    return spelling


def figures(name: str, recogniser: Any, data: Data) -> dict[str, float]:
    """Error rates on the development and test sets; for characters of Deep Speech 2, with words."""
    recipe, found = recogniser.recipe, {}
    write = training.recognise
    if not name.startswith("deepspeech2"):
        write = recipes_of(name).write(recipe)
    for part, examples in (("dev", data.dev), ("test", data.test)):
        said = write(recogniser.model, Levelled(examples, recipe.sound), recogniser.alphabet)
        found |= {f"{part}_cer": round(said.cer, 4), f"{part}_wer": round(said.wer, 4)}
        if name.startswith("deepspeech2") and recipe.speech.units == "characters":
            said = recognition.recognise(recogniser, examples, recognition.with_words(data))
            found |= {f"{part}_cer_lm": round(said.cer, 4), f"{part}_wer_lm": round(said.wer, 4)}
    return found


def make(name: str, seed: int, folder: Path | None, recipe: Any = None) -> dict[str, float]:
    """Train, round, measure, pack; returns the figures."""
    recipes = recipes_of(name)
    recipe = recipe or recipes.RECIPES[RECIPES[name]]
    data = recognition.prepare(recipe, progress=False)
    done = recipes.run(recipe, folder, seed=seed, data=data, device="cpu", progress=False)
    pretrained.round_weights(done.recogniser.model)
    found = figures(name, done.recogniser, data)
    command = f"python docs/tools/pretrained.py {name}" + (f" --seed {seed}" if seed else "")
    pretrained.save(name, done.recogniser, seed, found, command)
    return found


def card(text: str, stored: dict[str, dict[str, Any]]) -> str:
    """The model card with a row for each stored model, by what `pretrained.about` says of it."""
    lines = [
        line for line in text.splitlines() if not line.startswith(tuple(f"| {n} " for n in RECIPES))
    ]
    place = next(i for i, line in enumerate(lines) if line.startswith("| --- ")) + 1
    rows = []
    for name, known in stored.items():
        rates = known["figures"]
        cer, wer = (f"{100 * rates[key]:.2f} %" for key in ("test_cer", "test_wer"))
        words = f"{100 * rates['test_wer_lm']:.2f} %" if "test_wer_lm" in rates else ""
        rows.append(
            f"| {name} | {known['parameters']:,} | {cer} | {wer} | {words} | {known['seed']} |"
        )
    return "\n".join([*lines[:place], *rows, *lines[place:]]) + "\n"


def main() -> None:
    """Make some or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(pretrained.NAMES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="for curves, checkpoint and transcripts")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(pretrained.NAMES):
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    if arguments.folder and len(arguments.names) != 1:
        parser.error("--folder is for one model: name it")
    torch.set_num_threads(1)
    for name in arguments.names or pretrained.NAMES:
        print(name, make(name, arguments.seed, arguments.folder), flush=True)
        path = pretrained.FOLDER / "README.md"
        stored = (n for n in pretrained.NAMES if (pretrained.FOLDER / f"{n}.json").exists())
        found = {n: pretrained.about(n) for n in stored}
        path.write_text(card(path.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    main()
