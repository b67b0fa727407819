"""Bundled household and telephone commands by many synthetic voices, at 8 kHz."""

from course_utils.datasets import bundled
from course_utils.datasets.items import Corpus


def load(split: str | None = None) -> Corpus:
    """The commands; no voice and no sentence of one split occurs in another.

    Args:
        split: "train", "dev" or "test"; None is all of them.

    Raises:
        ValueError: there is no such split.
        FileNotFoundError: the folder data/ of the repository is not there.
    """
    return bundled.load("commands", split)
