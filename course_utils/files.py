"""Files that are there whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Write beside a file, then swap: whoever reads sees the old one or the new, never half.

    Two writers at once do not meet. When the block fails, the old file stays, and nothing else.

    Args:
        path: the file to make or to replace; its folder exists.

    Yields:
        A name of its own in that folder, to write to.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
