"""A few clear synthetic recordings at 22.05 kHz: the ones that 01 to 03 look at closely."""

from course_utils.datasets import bundled
from course_utils.datasets.items import Corpus, Utterance


def load() -> Corpus:
    """All of them; `load().table` says what they are.

    Raises:
        FileNotFoundError: the folder data/ of the repository is not there.
    """
    return bundled.load("showcase")


def get(name: str) -> Utterance:
    """One of them by its name, for instance "sentence", "seashells" or "ah".

    Raises:
        ValueError: there is none of this name; the message lists them.
    """
    return load().filter(id=name)[0]
