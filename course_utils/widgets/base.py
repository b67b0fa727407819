"""What the explorers share: checked traits, the files of the browser side, the still picture.

An explorer is an anywidget: its traits live in Python and in the browser at once, and the picture
is drawn in the browser. Where no widget can run (GitHub, a printed page) the output carries a still
picture and a description of the same state.
"""

import base64
import io
import numbers
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import anywidget
import numpy as np
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

BLUE, RED, INK = "#0072B2", "#D55E00", "#222222"  # Okabe and Ito's; the ink of the lines

_FOLDER = Path(__file__).parent


def javascript(*names: str) -> str:
    """What an explorer runs in the browser: `shared.js`, then the explorer's own files.

    Notebooks store it with each explorer, so comments and indentation stay behind: a fifth of it.
    """
    parts = ((_FOLDER / part).read_text(encoding="utf-8") for part in ("shared.js", *names))
    lines = (line.strip() for part in parts for line in part.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def style(*names: str) -> str:
    """How explorers look: `explorer.css`, then an explorer's own files."""
    parts = ("explorer.css", *names)
    return "\n".join((_FOLDER / part).read_text(encoding="utf-8") for part in parts)


class Quantity(traitlets.TraitType):
    """A trait that holds one finite number between two limits, in a unit."""

    def __init__(self, default: float, low: float, high: float, unit: str = "") -> None:
        """Set the default value, the limits (both allowed) and the unit that errors name."""
        super().__init__(float(default))
        self.low, self.high, self.unit = low, high, unit
        self.tag(sync=True)

    def validate(self, obj: traitlets.HasTraits, value: object) -> float:
        """The value as a float; `traitlets.TraitError` says the range when it does not fit."""
        if not _is_number_between(value, self.low, self.high):
            expected = f"a number from {self.low:g} to {self.high:g} {self.unit}".rstrip()
            raise traitlets.TraitError(f"{self.name} must be {expected}, got {value!r}")
        return float(value)


class Whole(Quantity):
    """A trait that holds one whole number between two limits, in a unit."""

    def __init__(self, default: int, low: int, high: int, unit: str = "") -> None:
        """Set the default value, the limits (both allowed) and the unit that errors name."""
        super().__init__(default, low, high, unit)
        self.default_value = default

    def validate(self, obj: traitlets.HasTraits, value: object) -> int:
        """The value as an int; `traitlets.TraitError` says what did not fit."""
        number = super().validate(obj, value)
        if number != int(number):
            raise traitlets.TraitError(f"{self.name} must be a whole number, got {value!r}")
        return int(number)


class Quantities(traitlets.TraitType):
    """A trait that holds a fixed count of numbers, each between two limits.

    The value is a tuple: `explorer.amplitudes[2] = 0.5` would change nothing on the screen, so it
    is an error; assign all of them.
    """

    def __init__(self, default: Iterable[float], low: float, high: float, unit: str = "") -> None:
        """Set the default values (their count is binding), the limits and the unit."""
        super().__init__(tuple(map(float, default)))
        self.low, self.high, self.unit = low, high, unit
        self.tag(sync=True)

    def validate(self, obj: traitlets.HasTraits, value: object) -> tuple[float, ...]:
        """The values as a tuple of floats; `traitlets.TraitError` says what did not fit."""
        count = len(self.default_value)
        expected = f"{count} numbers from {self.low:g} to {self.high:g} {self.unit}".rstrip()
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise traitlets.TraitError(f"{self.name} must be {expected}, got {value!r}")
        values = list(value)
        if len(values) != count:
            raise traitlets.TraitError(f"{self.name} must be {expected}, got {len(values)} values")
        for index, item in enumerate(values):
            if not _is_number_between(item, self.low, self.high):
                raise traitlets.TraitError(
                    f"{self.name} must be {expected}, got {item!r} at position {index}"
                )
        return tuple(map(float, values))


def _is_number_between(value: object, low: float, high: float) -> bool:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and low <= value <= high


class Explorer(anywidget.AnyWidget):
    """A picture that moves in the browser, and a still one for pages without widgets."""

    _css = style()
    # Traits whose change only Python can answer: the web site locks their controls.
    needs_python: ClassVar[tuple[str, ...]] = ()
    _limits = traitlets.Dict().tag(sync=True)

    @traitlets.default("_limits")
    def _limits_of_traits(self) -> dict[str, tuple[float, float]]:
        quantities = (Quantity, Quantities)
        return {
            name: (trait.low, trait.high)
            for name, trait in self.traits().items()
            if isinstance(trait, quantities)
        }

    def describe(self) -> str:
        """The state in one or two sentences, with its numbers."""
        raise NotImplementedError

    def draw(self, figure: Figure) -> None:
        """Draw the state into an empty figure."""
        raise NotImplementedError

    def still_png(self) -> bytes:
        """The state as a PNG picture of 700 x 330 pixels."""
        figure = Figure(figsize=(7.0, 3.3), dpi=100, layout="constrained")
        self.draw(figure)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        buffer = io.BytesIO()
        # It is stored in notebooks: 64 colours are enough for lines and take a third of the bytes.
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(64)
        picture.save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    def __repr__(self) -> str:
        """The description: the same on every run, unlike an object's address."""
        return f"{type(self).__name__}: {self.describe()}"

    def _repr_mimebundle_(self, **kwargs: object) -> tuple[dict, dict] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        png = base64.b64encode(self.still_png()).decode("ascii")
        return {**data, "text/plain": repr(self), "image/png": png}, metadata
