"""The convolution stepper: a filter slides over a spectrogram, and its feature map fills."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import traitlets
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from course_utils.widgets.base import RED, Explorer, Whole, javascript

SMALLEST, LARGEST = 13, 48  # frames and bands; the widest filter, 5 taps 3 apart, spans 13


class ConvolutionStepper(Explorer):
    """A filter stands on a picture of frames and bands; what is under it is multiplied and added.

    Each place gives one number of the feature map. It is filled along time, from the lowest band
    on, up to the place where the filter stands.

    Traits:
        picture: name of the picture; the first one unless given.
        filter: "onset edge", "band edge", "blur", or a name of one's own filters.
        size: F, taps over frames and over bands, 1 to 5.
        stride: S, 1 to 4.
        padding: P, zeros around the picture, 0 to 3.
        dilation: D, steps from tap to tap, 1 to 3.
        place: number of the place from 0 on; what lies behind the last one counts as the last.

    Setting a value out of range raises `traitlets.TraitError`, which says the range.
    """

    _esm = javascript("stepper.js")
    BUILT_IN: ClassVar[tuple[str, ...]] = ("onset edge", "band edge", "blur")

    picture = traitlets.Unicode().tag(sync=True)
    filter = traitlets.Unicode("onset edge").tag(sync=True)
    size = Whole(3, 1, 5, "taps")
    stride = Whole(1, 1, 4)
    padding = Whole(0, 0, 3, "zeros")
    dilation = Whole(1, 1, 3)
    place = Whole(0, 0, (LARGEST + 6) ** 2 - 1)
    # Name, frames, bands, values band by band: one row a picture.
    _pictures = traitlets.List().tag(sync=True)
    _filters = traitlets.List().tag(sync=True)

    def __init__(
        self,
        pictures: Mapping[str, ArrayLike],
        filters: Mapping[str, ArrayLike] | None = None,
        **traits: Any,
    ) -> None:
        """Take the pictures over, rounded to two digits behind the point.

        Args:
            pictures: name to (frames, bands), 13 to 48 each.
            filters: name to square weights (F, F), over frames and bands, 1 to 5 each. Where
                `size` is another one, they are cut to their middle, or have zeros around.
            traits: values of the traits, by name.

        Raises:
            ValueError: a picture or a filter has another shape, or holds NaN.
        """
        if not isinstance(pictures, Mapping) or not pictures:
            raise ValueError(
                'the pictures must be {"name": (frames, bands) array, ...}, at least one'
            )
        self._arrays = {name: _checked(name, x, SMALLEST, LARGEST) for name, x in pictures.items()}
        self._own = {name: _checked(name, w, 1, 5) for name, w in (filters or {}).items()}
        for name, weights in self._own.items():
            if weights.shape[0] != weights.shape[1] or name in self.BUILT_IN:
                raise ValueError(f"{name}: a filter of one's own is square and has a new name")
        traits.setdefault("picture", next(iter(self._arrays)))
        rows = [[name, *x.shape, x.T.ravel().tolist()] for name, x in self._arrays.items()]
        own = [[name, len(w), w.T.ravel().tolist()] for name, w in self._own.items()]
        super().__init__(_pictures=rows, _filters=own, **traits)

    @traitlets.validate("picture")
    def _check_picture(self, proposal: dict[str, Any]) -> str:
        return _known("picture", proposal["value"], self._arrays)

    @traitlets.validate("filter")
    def _check_filter(self, proposal: dict[str, Any]) -> str:
        return _known("filter", proposal["value"], [*self.BUILT_IN, *self._own])

    @property
    def input(self) -> np.ndarray:
        """The picture with the zeros around it, (frames + 2P, bands + 2P)."""
        return np.pad(self._arrays[self.picture], self.padding)

    @property
    def weights(self) -> np.ndarray:
        """The filter, (F, F) over frames and bands."""
        F = self.size
        if self.filter in self._own:
            return _resized(self._own[self.filter], F)
        if self.filter == "blur":
            return np.full((F, F), 1 / F**2)
        # Later minus earlier (or higher minus lower), as means; the middle of an odd size is 0.
        signs = np.sign(np.arange(F) - (F - 1) / 2)
        edge = np.repeat(signs[:, None], F, axis=1) / max(1, F // 2 * F)
        return edge if self.filter == "onset edge" else edge.T

    @property
    def output_shape(self) -> tuple[int, int]:
        """O over frames and over bands, (L + 2P - D(F - 1) - 1) // S + 1."""
        span = self.dilation * (self.size - 1) + 1
        frames, bands = ((length - span) // self.stride + 1 for length in self.input.shape)
        return frames, bands

    @property
    def position(self) -> tuple[int, int]:
        """Where the filter stands, as an index of the feature map (frame, band)."""
        frames, bands = self.output_shape
        band, frame = divmod(min(self.place, frames * bands - 1), frames)
        return frame, band

    def feature_map(self) -> np.ndarray:
        """All of it, float64 (O, O') over frames and bands."""
        S, D, F = self.stride, self.dilation, self.size
        span = D * (F - 1) + 1
        windows = np.lib.stride_tricks.sliding_window_view(self.input, (span, span))
        return np.einsum("tbjk,jk->tb", windows[::S, ::S, ::D, ::D], self.weights)

    def products(self) -> np.ndarray:
        """What is under the filter times its weights, (F, F); their sum is the place's value."""
        (frame, band), D, F = self.position, self.dilation, self.size
        rows, columns = (self.stride * i + D * np.arange(F) for i in (frame, band))
        return self.input[np.ix_(rows, columns)] * self.weights

    def describe(self) -> str:
        """The state in two sentences, with its numbers."""
        frames, bands = self._arrays[self.picture].shape
        O, O_bands = self.output_shape  # noqa: E741
        frame, band = self.position
        return (
            f'filter "{self.filter}" of {self.size} x {self.size} with stride {self.stride}, '
            f'padding {self.padding}, dilation {self.dilation} over "{self.picture}", {frames} '
            f"frames x {bands} bands: a feature map of {O} x {O_bands}. At frame {frame}, band "
            f"{band} of the map, the products add up to {self.products().sum():.2f}."
        )

    def draw(self, figure: Figure) -> None:
        """The padded picture with the filter on it, and the map as far as it is filled."""
        left, right = figure.subplots(1, 2)
        frame, band = self.position
        left.imshow(self.input.T, origin="lower", aspect="auto", cmap="magma")
        taps = self.stride * np.array([frame, band]) + self.dilation * np.stack(
            np.meshgrid(np.arange(self.size), np.arange(self.size)), axis=-1
        )
        for x, y in taps.reshape(-1, 2) - 0.5:
            left.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor="white", linewidth=1.5))
        values = self.feature_map()
        limit = max(np.abs(values).max(), 1e-9)
        done = np.arange(values.size).reshape(values.shape[::-1]) <= band * len(values) + frame
        right.imshow(
            np.ma.masked_where(~done, values.T),
            origin="lower",
            aspect="auto",
            cmap="PuOr",
            vmin=-limit,
            vmax=limit,
        )
        right.add_patch(
            Rectangle((frame - 0.5, band - 0.5), 1, 1, fill=False, edgecolor=RED, linewidth=2)
        )
        left.set_title(f"input, padding {self.padding}, and the filter")
        right.set_title(f"feature map, {values.shape[0]} x {values.shape[1]}")
        for axes in (left, right):
            axes.set(xlabel="frame", ylabel="band")
            axes.title.set_fontsize(9)


def _resized(weights: np.ndarray, size: int) -> np.ndarray:
    """The middle of a square filter, or the filter in the middle of zeros."""
    more = size - len(weights)
    if more <= 0:
        start = -more // 2
        return weights[start : start + size, start : start + size]
    return np.pad(weights, (more // 2, more - more // 2))


def _checked(name: str, values: ArrayLike, smallest: int, largest: int) -> np.ndarray:
    """A picture or a filter as float64, with two digits behind the point (three for filters)."""
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or min(x.shape) < smallest or max(x.shape) > largest:
        raise ValueError(
            f"{name}: expected (frames, bands) of {smallest} to {largest} each, got {x.shape}"
        )
    if not np.isfinite(x).all():
        raise ValueError(f"{name}: it holds NaN or infinity")
    return np.round(x, 2 if smallest > 1 else 3)


def _known(trait: str, name: str, names: Any) -> str:
    if name not in names:
        known = ", ".join(map(repr, names))
        raise traitlets.TraitError(f"{trait} must be one of {known}, got {name!r}")
    return name
