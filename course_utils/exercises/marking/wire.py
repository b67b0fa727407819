"""Values as bytes, from a process that is not trusted: JSON, never pickle.

Whoever unpickles a value runs the code that its maker put into it. Here numbers, texts, arrays,
tensors, lists, tuples and dicts go through and are rebuilt as what they were; of everything else
only the name of its type is told.
"""

import base64
import json
import sys
from typing import Any

import numpy as np

_KINDS = "biufcU"  # arrays of truth values, numbers and texts
_DEEPEST = 40


class UnreadableError(Exception):
    """What came is not what `pack` makes; the message says why."""


def pack(value: Any) -> bytes:
    """A value as bytes.

    Args:
        value: anything.

    Returns:
        JSON, UTF-8.
    """
    return json.dumps(_plain(value, 0)).encode()


def unpack(data: bytes) -> Any:
    """The value that `pack` was given. Nothing in the bytes is run.

    Args:
        data: as `pack` makes it, or anything.

    Returns:
        The value; a `Stranger` for each object that is told by its type's name alone.

    Raises:
        UnreadableError: the bytes are none of `pack`'s.
    """
    try:
        return _rebuilt(json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError) as error:
        raise UnreadableError(f"the answer can't be read: {type(error).__name__}") from None


def stranger(type_name: str) -> Any:
    """An object that stands for one of a type that does not travel.

    Args:
        type_name: of the object.

    Returns:
        An object whose type has that name, where it is a name, else "object".
    """
    return type(type_name if type_name.isidentifier() else "object", (), {})()


def _plain(value: Any, depth: int) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if value is ...:
        return {"t": "ellipsis"}
    torch = sys.modules.get("torch")  # a tensor can't be without it
    if torch and isinstance(value, torch.Tensor):
        array = value.detach().cpu().resolve_conj().resolve_neg()
        if array.dtype == torch.bfloat16:
            array = array.float()
        return _array(array.numpy(), "tensor")
    if isinstance(value, np.ndarray | np.generic):
        return _array(np.asarray(value), "array" if isinstance(value, np.ndarray) else "number")
    if isinstance(value, complex):
        return {"t": "complex", "v": [value.real, value.imag]}
    for kind, name in ((list, "list"), (tuple, "tuple")):
        if isinstance(value, kind) and depth < _DEEPEST:
            return {"t": name, "v": [_plain(item, depth + 1) for item in value]}
    if isinstance(value, dict) and depth < _DEEPEST:
        pairs = [[_plain(k, depth + 1), _plain(v, depth + 1)] for k, v in value.items()]
        return {"t": "dict", "v": pairs}
    return {"t": "other", "v": type(value).__name__}


def _array(array: np.ndarray, name: str) -> dict[str, Any]:
    if array.dtype.kind not in _KINDS:
        return {"t": "other", "v": "ndarray"}
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"t": name, "v": data, "dtype": array.dtype.str, "shape": list(array.shape)}


def _rebuilt(plain: Any) -> Any:
    if not isinstance(plain, dict):
        if isinstance(plain, list):
            raise ValueError("a bare list")
        return plain
    kind, value = plain["t"], plain.get("v")
    if kind == "ellipsis":
        return ...
    if kind == "complex":
        real, imaginary = map(float, value)
        return complex(real, imaginary)
    if kind == "list":
        return [_rebuilt(item) for item in value]
    if kind == "tuple":
        return tuple(_rebuilt(item) for item in value)
    if kind == "dict":
        return {_rebuilt(key): _rebuilt(item) for key, item in value}
    if kind == "other":
        return stranger(str(value))
    return _rebuilt_array(kind, plain)


def _rebuilt_array(kind: str, plain: dict[str, Any]) -> Any:
    dtype = np.dtype(str(plain["dtype"]))
    if dtype.kind not in _KINDS or not dtype.itemsize:
        raise ValueError("a dtype that does not travel")
    shape = [int(size) for size in plain["shape"]]
    if any(size < 0 for size in shape):
        raise ValueError("a negative size")  # reshape would take -1 for "whatever fits"
    array = np.frombuffer(base64.b64decode(plain["v"]), dtype).reshape(shape).copy()
    if kind == "array":
        return array
    if kind == "number":
        return array[()]
    if kind != "tensor":
        raise ValueError(f"no kind {kind!r}")
    import torch  # the first notebooks do without

    return torch.from_numpy(array)
