"""Train the small recognisers that come with the course, and pack them in half precision.

    python docs/tools/pretrained.py                                  # all of them
    python docs/tools/pretrained.py deepspeech2-commands             # one
    python docs/tools/pretrained.py las-commands --folder runs/las   # packs a run that is done

With --folder, curves, checkpoint and transcripts are kept there, a run that was stopped goes on,
and one that is done is not trained again. The figures that are stored with the weights are measured
after the rounding. What was packed before is replaced.
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


if __name__ == "__main__":
    main()
