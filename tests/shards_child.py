"""What several processes do with shards: `shards_child.py WHAT FOLDER ...`.

"full FOLDER" writes shards with a limit of 100 kB a file; "train SHARDS FOLDER" trains, also under
torchrun; a number behind it kills the process right before that step; another folder behind it is
what rank 1 reads.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch

from course_utils import features, training
from course_utils.datasets import batching, shards
from course_utils.datasets.items import Utterance
from course_utils.datasets.text import Alphabet
from course_utils.models.convolution import Layer
from course_utils.models.deepspeech2 import DeepSpeech2
from course_utils.training import distributed

RATE, COUNT, PER_SHARD, EPOCHS = 8000, 37, 8, 3
ALPHABET = Alphabet("abc")


def utterance(number, seconds=None):
    """A tone in some noise."""
    rng = np.random.default_rng(number)
    samples = round(RATE * (seconds or rng.uniform(0.2, 1.0)))
    tone = 0.3 * np.sin(2 * np.pi * rng.uniform(200, 2000) / RATE * np.arange(samples))
    waveform = (tone + 0.01 * rng.normal(size=samples)).astype(np.float32)
    text = "".join(rng.choice(list("abc"), 2))
    return Utterance(waveform, RATE, text, f"s{number % 5}", f"u-{number}")


def corpus():
    return [utterance(number) for number in range(COUNT)]


def frames(waveform, sample_rate):
    return features.log_mel(waveform, sample_rate, 256, 80, 40)


def open_(folder):
    return shards.Shards(folder, frames, ALPHABET.encode)


def in_memory(utterances):
    return batching.Examples(
        [frames(one.waveform, one.sample_rate) for one in utterances],
        [ALPHABET.encode(one.text) for one in utterances],
        ids=[one.id for one in utterances],
    )


def train(data, folder, kill=None):
    torch.manual_seed(0)
    model = DeepSpeech2(
        40, ALPHABET.size, (Layer(3, (5, 5), (2, 4)),), hidden_size=8, num_layers=1, dropout=0.2
    )
    rank, size = distributed.rank(), distributed.world_size()
    batches = batching.loader(data, 4, shuffle=True, workers=1, rank=rank, world_size=size)
    seen = folder / f"seen{rank}.txt"
    steps = len(seen.read_text().splitlines()) if seen.exists() else 0

    def loss(model, batch):
        nonlocal steps
        steps += 1
        if steps == kill:
            os.kill(os.getpid(), signal.SIGKILL)
        with seen.open("a") as file:
            file.write(" ".join(batch.ids) + "\n")
        return training.recognition_loss(model, batch)

    training.fit(
        model, batches, loss, EPOCHS, device="cpu", checkpoint=folder / "checkpoint.pt",
        checkpoint_every=1, progress=False,
    )  # fmt: skip
    torch.save(model.state_dict(), folder / f"weights{rank}.pt")


if __name__ == "__main__":
    what, *places = sys.argv[1:]
    torch.set_num_threads(1)
    if what == "full":
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        sizes = [0.2] * 4 + [9.0] * 4
        many = [utterance(number, seconds) for number, seconds in enumerate(sizes)]
        order = np.random.default_rng(0).permutation(8)
        many = [many[place] for place in np.argsort(order)]  # the small ones come first
        try:
            shards.write(many, places[0], 4)
        except OSError as error:
            print(error)
    else:
        data, folder, *more = places
        with distributed.processes():
            if more and not more[0].isdigit() and distributed.rank() == 1:
                data = more[0]
            try:
                train(
                    open_(data), Path(folder), int(more[0]) if more and more[0].isdigit() else None
                )
            except ValueError as error:
                (Path(folder) / f"error{distributed.rank()}.txt").write_text(str(error))
                raise
