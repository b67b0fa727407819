"""Recorded run: shipped recognisers, which know synthetic voices alone, on real voices.

    python docs/tools/real_voices.py

Writes docs/runs/real_voices.csv, one row for a recogniser and a speaker: strings of two to five
digits of FSDD's official test. Nothing is trained. FSDD must be on this machine.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from course_utils import decoding, language, metrics
from course_utils.datasets import digits, runs
from course_utils.datasets.items import Utterance
from course_utils.recipes import pretrained, recognition

OUTPUT = runs.FOLDER / "real_voices.csv"
FIELDS = ("name", "speaker", "strings", "words", "wer")


def readers() -> dict[str, Callable[[Utterance], str]]:
    """What turns a sound into text, by name."""
    spelling = pretrained.load("deepspeech2-commands")
    strings = pretrained.load("deepspeech2-digits-streaming")
    lexicon = language.Lexicon(digits.WORDS, spelling.alphabet)

    def with_ten_words(utterance: Utterance) -> str:
        log_probs = spelling.log_probs(utterance.waveform, utterance.sample_rate)
        found = decoding.prefix_beam_search(log_probs, 16, lm=lexicon)
        return spelling.alphabet.decode(found[0].tokens) if found else ""

    return {
        "commands": lambda u: spelling.transcribe(u.waveform, u.sample_rate),
        "commands, ten words": with_ten_words,
        "strings of digits": lambda u: strings.transcribe(u.waveform, u.sample_rate),
    }


def rows_of(utterances: Sequence[Utterance]) -> list[dict]:
    """Word error rate of each recogniser for each speaker."""
    found = []
    for name, read in readers().items():
        for speaker in sorted({u.speaker for u in utterances}):
            mine = [u for u in utterances if u.speaker == speaker]
            truth = [u.text for u in mine]
            found.append(
                {
                    "name": name,
                    "speaker": speaker,
                    "strings": len(mine),
                    "words": sum(len(text.split()) for text in truth),
                    "wer": f"{metrics.wer(truth, [read(u) for u in mine]):.4f}",
                }
            )
    return found


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--limit", type=int, help="so many strings only, for a try")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    strings = recognition.corpora(recognition.RECIPES["fsdd"].speech)[2]
    rows = rows_of([strings[i] for i in range(len(strings))][: arguments.limit])
    about = (
        "command: python docs/tools/real_voices.py",
        "FSDD's official test as strings of digits; recognisers of models/pretrained",
    )
    runs.write(arguments.output, about, rows, FIELDS)


if __name__ == "__main__":
    main()
