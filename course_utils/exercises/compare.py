"""Says how an answer differs from what was expected, in words that a learner can use."""

import numbers
from typing import Any

import numpy as np

_LONGEST = 60
_SHORT = 6


def show(value: Any) -> str:
    """A value as short text: six digits of a number, the shape of a large array.

    Args:
        value: anything.

    Returns:
        One line of text.
    """
    value = _plain(value)
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return show(value[()])
        if value.ndim == 1 and value.size <= _SHORT:
            return "[" + ", ".join(show(item) for item in value) + "]"
        return f"an array of shape {value.shape}"
    if isinstance(value, numbers.Number) and not isinstance(value, bool | np.bool_ | int):
        if isinstance(value, complex | np.complexfloating):
            return f"{complex(value):.6g}"
        return f"{float(value) + 0.0:.6g}"  # + 0.0 turns -0 into 0
    if type(value) in (list, tuple):
        inside = ", ".join(show(item) for item in value[:_LONGEST])
        text = f"[{inside}]" if isinstance(value, list) else f"({inside})"
    else:
        text = str(value) if isinstance(value, bool | np.bool_) else repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def difference(got: Any, expected: Any, relative: float = 1e-5, absolute: float = 1e-8) -> str:
    """How `got` differs from `expected`.

    Args:
        got: the answer. Lists and torch tensors pass where an array is expected.
        expected: a number, string, truth value, array, tensor, or a list, tuple or dict of these.
        relative: numbers agree within this share of the expected one;
        absolute: or within this much.

    Returns:
        "" when they agree, else "got …, expected …".
    """
    got, expected = _plain(got), _plain(expected)
    if isinstance(expected, np.ndarray):
        return _array_difference(got, expected, relative, absolute)
    if isinstance(expected, dict) and isinstance(got, dict):
        if got.keys() != expected.keys():
            return f"got the keys {show(list(got))}, expected {show(list(expected))}"
        pairs = [(f"under the key {key!r} ", got[key], expected[key]) for key in expected]
    elif isinstance(expected, list | tuple) and isinstance(got, list | tuple | np.ndarray):
        if len(got) != len(expected):
            return (
                f"got {len(got)} items ({show(got)}), expected {len(expected)} ({show(expected)})"
            )
        names = [f"at index {i} " for i in range(len(expected))]
        pairs = list(zip(names, got, expected, strict=True))
    elif isinstance(expected, numbers.Number) and not isinstance(expected, bool | np.bool_):
        return _number_difference(got, expected, relative, absolute)
    else:
        same = type(got) is type(expected) and got == expected
        return "" if same else f"got {_with_type(got, expected)}, expected {show(expected)}"
    for place, one, other in pairs:
        if problem := difference(one, other, relative, absolute):
            return place + problem
    return ""


def _plain(value: Any) -> Any:
    """A torch tensor as an array; a number in an array of no dimensions as that number."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    return value.item() if isinstance(value, np.bool_ | np.integer | np.str_) else value


def _with_type(got: Any, expected: Any) -> str:
    """The answer, with its kind in front where the kind is what is wrong."""
    if isinstance(got, np.ndarray):
        return f"an array of shape {got.shape}"
    if callable(got):
        return "a function (was it called?)"
    if got is None:
        return "None (is there a `return`?)"
    return show(got) if type(got) is type(expected) else f"{show(got)} ({type(got).__name__})"


def _number_difference(got: Any, expected: Any, relative: float, absolute: float) -> str:
    if isinstance(got, bool) or not isinstance(got, numbers.Number):
        return f"got {_with_type(got, expected)}, expected the number {show(expected)}"
    if isinstance(got, complex | np.complexfloating) and np.isrealobj(expected):
        return f"got the complex number {show(got)}, expected the real number {show(expected)}"
    if np.isclose(got, expected, rtol=relative, atol=absolute, equal_nan=True):
        return ""
    if np.isnan(got):
        return f"got NaN (not a number), expected {show(expected)}"
    one, other = show(got), show(expected)
    if one == other:
        one, other = f"{got:.15g}", f"{expected:.15g}"
    return f"got {one}, expected {other}"


def _array_difference(got: Any, expected: np.ndarray, relative: float, absolute: float) -> str:
    short = expected.ndim == 1 and expected.size <= _SHORT
    want = f"expected the array {show(expected)}" if short else f"expected {show(expected)}"
    if isinstance(got, list | tuple):
        try:
            got = np.asarray(got)
        except ValueError:
            return f"got a {type(got).__name__} with rows of different length, {want}"
    if not isinstance(got, np.ndarray):
        return f"got {_with_type(got, expected)}, {want}"
    if got.shape != expected.shape:
        return f"got an array of shape {got.shape}, expected shape {expected.shape}"
    if got.dtype.kind not in "biufc":
        return f"got an array that holds no numbers (dtype {got.dtype}), {want}"
    if np.iscomplexobj(got) and not np.iscomplexobj(expected):
        return "got complex numbers, expected real ones"
    wrong = ~np.isclose(got, expected, rtol=relative, atol=absolute, equal_nan=True)
    if not wrong.any():
        return ""
    if short:
        return f"got {show(got)}, expected {show(expected)}"
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    problem = _number_difference(got[index], expected[index], relative, absolute)
    place = ", ".join(map(str, index))
    return f"at index [{place}], the first of {wrong.sum()} wrong values, {problem}"
