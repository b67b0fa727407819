"""What corpora that are made when asked for share: item i depends on seed and i alone."""

from __future__ import annotations

import operator
from numbers import Integral


def check_count(count: int, seed: int) -> tuple[int, int]:
    """How many items there are and the seed, as Python's whole numbers.

    Raises:
        ValueError: `count` is not a whole number of at least 1, or `seed` not one of at least 0.
    """
    if not isinstance(count, Integral) or count < 1:
        raise ValueError(f"count must be a whole number of at least 1, got {count!r}")
    if not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed must be a whole number, not negative, got {seed!r}")
    return int(count), int(seed)


def check_range(value: object, name: str, kind: type, example: str) -> tuple:
    """The two ends of a range, both included.

    Args:
        value: a tuple or list of two.
        name: of the argument.
        kind: of both ends: `numbers.Integral` or `numbers.Real`.
        example: how such a range is written.

    Raises:
        ValueError: it is no range; the message shows the example.
    """
    ends = tuple(value) if isinstance(value, tuple | list) else ()
    if len(ends) != 2 or not all(isinstance(end, kind) for end in ends) or ends[0] > ends[1]:
        raise ValueError(f"{name} must be (least, most), for instance {example}, got {value!r}")
    return ends


def place_of(index: int, count: int, what: str) -> int:
    """The place of an item from the start; negative indices count from the end.

    Args:
        index: what was asked for.
        count: how many items there are.
        what: what they are called, for the message.

    Raises:
        IndexError: there is no such item.
    """
    place = operator.index(index)
    place += count if place < 0 else 0
    if not 0 <= place < count:
        raise IndexError(f"there are {count} {what}, no number {index}")
    return place
