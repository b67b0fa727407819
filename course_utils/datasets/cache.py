"""Features on disk, under a key made of everything that they depend on."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import files
from course_utils.datasets import downloads

FORMAT = 1  # of the files: another one makes every feature anew


class FeatureCache:
    """Arrays that were computed once from a file, and are read ever after.

    An array's key is made of its settings and of the source's place, size and time of its last
    change: whoever changes one of these gets another key, and so a new array. A file that can't be
    read, or whose checksum is wrong, is made anew.

    Attributes:
        folder: where the arrays lie.
        made: how many this object had to compute.
        read: how many it found.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        folder: Path | None = None,
        corpus_folder: Path | None = None,
    ) -> None:
        """Say what the features depend on; nothing is written yet.

        Args:
            settings: everything that `compute` depends on beside the file: what JSON can hold.
            folder: where the arrays go; None is the user's cache folder.
            corpus_folder: the corpus, which is only read: `folder` must not lie in it.

        Raises:
            ValueError: JSON can't hold the settings, or the folder lies inside the corpus.
        """
        base = downloads.cache_folder() / "features" if folder is None else Path(folder)
        self.folder = base.expanduser().resolve()
        if corpus_folder is not None:
            corpus = Path(corpus_folder).expanduser().resolve()
            if self.folder.is_relative_to(corpus):
                raise ValueError(
                    f"the cache {self.folder} lies inside the corpus {corpus}, which is only read: "
                    "give a folder outside it, or None for the user's cache"
                )
        try:
            self.settings = json.dumps({**settings, "format": FORMAT}, sort_keys=True)
        except TypeError as error:
            raise ValueError(
                f"settings must be numbers, texts and lists of these: {error}"
            ) from None
        self.made = self.read = 0

    def key(self, source: Path) -> str:
        """The name under which the features of a file are kept: 32 hexadecimal digits.

        Raises:
            OSError: the file is not there.
        """
        place, state = str(Path(source).absolute()), Path(source).stat()
        text = json.dumps([self.settings, place, state.st_size, state.st_mtime_ns])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def get(self, source: Path, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """The features of a file: from the cache, or computed and put there.

        Args:
            source: the file that the features are computed from.
            compute: called without arguments when they are not there.

        Returns:
            What `compute` returned, then or earlier.

        Raises:
            OSError: the source is missing, or the cache can't be written. Errors of `compute` pass.
        """
        key = self.key(source)
        path = self.folder / key[:2] / f"{key}.features"
        found = _stored(path)
        if found is not None:
            self.read += 1
            return found
        features = np.ascontiguousarray(compute())
        head = json.dumps([features.dtype.str, features.shape]).encode() + b"\n"
        data = head + features.tobytes()
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.whole(path) as part:  # two processes may make the same one at once
            part.write_bytes(_checksum(data) + data)
        self.made += 1
        return features


def _stored(path: Path) -> np.ndarray | None:
    """The array in a file, None where there is none or a byte of it has changed.

    The file holds a checksum, a line with type and shape, and the numbers: a tenth of the time that
    `np.load` takes for so little.
    """
    try:
        data = memoryview(path.read_bytes())
    except OSError:
        return None
    if data[:4] != _checksum(data[4:]):
        return None
    start = bytes(data[:200]).index(b"\n", 4) + 1
    dtype, shape = json.loads(bytes(data[4 : start - 1]))
    return np.frombuffer(data[start:], dtype).reshape(shape).copy()


def _checksum(data: bytes | memoryview) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")
