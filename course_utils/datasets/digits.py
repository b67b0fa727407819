"""Bundled spoken digits: "zero" to "nine" by many synthetic voices, at 8 kHz."""

from course_utils.datasets import bundled
from course_utils.datasets.items import Corpus

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def load(split: str | None = None) -> Corpus:
    """The digits; no voice of one split speaks in another.

    Args:
        split: "train", "dev" or "test"; None is all of them.

    Raises:
        ValueError: there is no such split.
        FileNotFoundError: the folder data/ of the repository is not there.
    """
    return bundled.load("digits", split)
