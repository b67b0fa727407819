"""Small trained recognisers that come with the course: `load("deepspeech2-commands")`.

Each is two files in models/pretrained: NAME.safetensors, the weights in half precision, and
NAME.json, its recipe, its alphabet, the figures that were measured with the rounded weights, and
the command that makes it again (`make pretrained`). The folder's README.md is the model card.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import torch as safetensors
from torch import Tensor, nn

from course_utils.datasets.text import Alphabet

FOLDER = Path(__file__).resolve().parents[1] / "models" / "pretrained"
FORMAT = 1  # of NAME.json
NAMES = ("deepspeech2-commands", "deepspeech2-digits-streaming", "las-commands")
# Kind of model: the module of recipes that builds it, and what there turns a waveform into text.
KINDS = {"deepspeech2": ("recognition", "Recogniser"), "las": ("spelling", "Speller")}


def load(name: str, folder: Path = FOLDER) -> Any:
    """A trained recogniser, ready to transcribe.

    Args:
        name: one of `NAMES`.
        folder: where its two files are.

    Returns:
        A `recognition.Recogniser`, or, for "las-...", a `spelling.Speller`; weights in float32.

    Raises:
        ValueError: there is no such name, a file is damaged, or the weights are those of another
            configuration.
        FileNotFoundError: a file is missing.
    """
    saved, weights = _read(name, folder)
    path = folder / f"{name}.json"
    try:
        module, reader = KINDS[saved["kind"]]
        recipes = importlib.import_module(f"course_utils.recipes.{module}")
        recipe = recipes.recipe_of(saved["recipe"])
        alphabet = Alphabet(saved["symbols"], saved["separator"])
        model = recipes.build(recipe, alphabet)
        model.load_state_dict({key: value.to(_wide(value)) for key, value in weights.items()})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged or of another version ({error})") from error
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise ValueError(
            f"{name}.safetensors holds the weights of another configuration than {path} says: "
            f"{reason}"
        ) from error
    return getattr(recipes, reader)(model, alphabet, recipe)


def about(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """What is known of a model: kind, seed, parameters, figures, command; errors as `load`."""
    saved = _read(name, folder)[0]
    return {key: saved[key] for key in ("kind", "seed", "parameters", "figures", "command")}


def round_weights(model: nn.Module) -> None:
    """Make every weight what half precision leaves of it, in place.

    Raises:
        ValueError: one is too large for it.
    """
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                value.copy_(value.half())
                if not torch.isfinite(value).all():
                    raise ValueError(f"{name} holds numbers beyond 65504, half precision's largest")


def save(
    name: str,
    recogniser: Any,
    seed: int,
    figures: dict[str, float],
    command: str,
    folder: Path = FOLDER,
) -> None:
    """Store a recogniser under a name; `load` gives it back as `round_weights` makes it.

    Args:
        name: one of `NAMES`; what is before its first "-" is the kind of model.
        recogniser: has `model`, `alphabet` and `recipe`.
        seed: with which it was trained.
        figures: that were measured with the rounded weights.
        command: that trains it.
        folder: where to.

    Raises:
        ValueError: there is no such name, or a weight is too large for half precision.
    """
    _check_name(name)
    round_weights(recogniser.model)
    weights = recogniser.model.state_dict()
    half = {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
    raw = safetensors.save({key: value.contiguous() for key, value in half.items()})
    about = {
        "format": FORMAT,
        "kind": name.split("-")[0],
        "seed": seed,
        "parameters": sum(p.numel() for p in recogniser.model.parameters()),
        "figures": figures,
        "command": command,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "recipe": asdict(recogniser.recipe),
        "symbols": list(recogniser.alphabet.symbols),
        "separator": recogniser.alphabet.separator,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.safetensors").write_bytes(raw)
    text = json.dumps(about, indent=1, ensure_ascii=False) + "\n"
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


def _check_name(name: str) -> None:
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}, got {name!r}")


def _wide(value: Tensor) -> torch.dtype:
    return torch.float32 if value.is_floating_point() else value.dtype


def _read(name: str, folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What the two files of a model hold."""
    _check_name(name)
    path = folder / f"{name}.json"
    advice = f"Restore it: git checkout -- {folder.name}/{name}.*"
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        raw = path.with_suffix(".safetensors").read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error.filename}: no such file. {advice}") from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}). {advice}") from error
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise ValueError(f"{path} is not of format {FORMAT}, which this version reads. {advice}")
    if hashlib.sha256(raw).hexdigest() != saved.get("sha256"):
        raise ValueError(f"{name}.safetensors is damaged: its SHA-256 is another. {advice}")
    return saved, safetensors.load(raw)
