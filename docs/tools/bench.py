"""The yardstick: the course's own code and its peers side by side, on this machine, in one run.

    python docs/tools/bench.py                  # all but the browser, into docs/runs/bench.csv
    python docs/tools/bench.py --browser        # start-up and explorers in JupyterLab as well
    python docs/tools/bench.py --only ctc       # the rows whose task holds this text

Ours and the peer's calls take turns, so that a machine that slows down slows both; the figures are
medians. `ratio` above 1: ours takes longer. Each pair must give the same result, or the run stops.
`growth` is the exponent e of time ~ size^e from the smallest to the largest size of a task. One
thread. Decoders that the course does not need otherwise come with `pip install -e .[bench]`.
"""

from __future__ import annotations

import argparse
import csv
import math
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # docs.tools and tests.browser

from course_utils import ctc, decoding, features, fourier, metrics
from course_utils.datasets import commands
from course_utils.datasets.soundscapes import Soundscapes

RUNS = Path(__file__).resolve().parents[1] / "runs"
FIELDS = ("task", "size", "unit", "ours_ms", "peer", "peer_ms", "ratio", "growth", "repeats")
LEAST_S = 0.3  # of measuring, for each of two sides
LEAST = 7  # repeats, or 3 of what takes more than a second
RATE = 16_000
LETTERS = " 'abcdefghijklmnopqrstuvwxyz"
WIDTH = 16  # of beams


class Pair(NamedTuple):
    """Two ways to the same result.

    Attributes:
        task: what is done, and with which settings.
        size: how much of it.
        unit: of the size.
        ours: the course's way.
        peer: name of the other's; empty where there is none.
        theirs: the other's way.
        same: whether two results agree.
    """

    task: str
    size: int
    unit: str
    ours: Callable[[], Any]
    peer: str = ""
    theirs: Callable[[], Any] | None = None
    same: Callable[[Any, Any], bool] = lambda a, b: np.allclose(a, b, rtol=1e-3, atol=1e-4)


def transforms() -> Iterator[Pair]:
    """FFT and inverse: powers of two, then a prime."""
    rng = np.random.default_rng(0)
    for n in (256, 1024, 4096, 16_384, 65_536):
        x = rng.standard_normal(n)
        yield Pair(
            "FFT", n, "samples", lambda x=x: fourier.fft(x), "numpy", lambda x=x: np.fft.fft(x)
        )
    x = rng.standard_normal(10_007)
    yield Pair(
        "FFT, a prime", 10_007, "samples",
        lambda: fourier.fft(x), "numpy", lambda: np.fft.fft(x),
    )  # fmt: skip


def spectra() -> Iterator[Pair]:
    """STFT, log-mel and MFCC of noise, against librosa and torchaudio."""
    import librosa
    import torchaudio

    rng = np.random.default_rng(0)
    n_fft, hop, mels = 512, 160, 80
    for seconds in (1, 10, 100):
        x = 0.1 * rng.standard_normal(seconds * RATE).astype(np.float32)
        t = torch.from_numpy(x)
        yield Pair(
            "STFT", seconds, "s",
            lambda x=x: features.stft(x, n_fft, hop),
            "librosa", lambda x=x: librosa.stft(x, n_fft=n_fft, hop_length=hop).T,
        )  # fmt: skip
        window = torch.hann_window(n_fft)
        yield Pair(
            "STFT", seconds, "s",
            lambda x=x: features.stft(x, n_fft, hop),
            "torch",
            lambda t=t, window=window: torch.stft(
                t, n_fft, hop, window=window, pad_mode="constant", return_complex=True
            ).T.numpy(),
        )  # fmt: skip
        yield Pair(
            "log-mel, 80 bands", seconds, "s",
            lambda x=x: features.log_mel(x, RATE, n_fft, hop, mels),
            "librosa",
            lambda x=x: np.log(
                np.maximum(
                    librosa.feature.melspectrogram(
                        y=x, sr=RATE, n_fft=n_fft, hop_length=hop, n_mels=mels
                    ),
                    1e-10,
                )
            ).T,
        )  # fmt: skip
        mel = torchaudio.transforms.MelSpectrogram(
            RATE, n_fft, hop_length=hop, n_mels=mels, norm="slaney", mel_scale="slaney",
            pad_mode="constant",
        )  # fmt: skip
        yield Pair(
            "log-mel, 80 bands", seconds, "s",
            lambda x=x: features.log_mel(x, RATE, n_fft, hop, mels),
            "torchaudio", lambda t=t, mel=mel: mel(t).clamp(min=1e-10).log().T.numpy(),
        )  # fmt: skip
        yield Pair(
            "MFCC, 13", seconds, "s",
            lambda x=x: features.mfcc(x, RATE, 13, n_fft=n_fft, hop_length=hop, n_mels=mels),
            "librosa",
            lambda x=x: librosa.feature.mfcc(
                y=x, sr=RATE, n_mfcc=13, n_fft=n_fft, hop_length=hop, n_mels=mels
            ).T,
            lambda a, b: a.shape == b.shape,  # librosa's decibels, our natural logarithm
        )  # fmt: skip


def losses() -> Iterator[Pair]:
    """CTC loss and gradient against torch."""
    for frames, items, tokens, labels in ((50, 8, 28, 12), (200, 16, 28, 40), (800, 16, 28, 160)):
        torch.manual_seed(0)
        logits = torch.randn(frames, items, tokens)
        targets = torch.randint(1, tokens, (items, labels))
        lengths = torch.full((items,), frames), torch.full((items,), labels)

        def gradient(
            loss: Callable, logits: torch.Tensor = logits, targets=targets, lengths=lengths
        ) -> torch.Tensor:
            x = logits.clone().requires_grad_()
            loss(x.log_softmax(-1), targets, *lengths).backward()
            return x.grad

        yield Pair(
            "CTC loss and gradient, 8 to 16 utterances", frames, "frames",
            lambda gradient=gradient: gradient(ctc.ctc_loss),
            "torch", lambda gradient=gradient: gradient(torch.nn.functional.ctc_loss),
        )  # fmt: skip


def searches() -> Iterator[Pair]:
    """Prefix beam search against decoders in Rust and C++, where they are installed.

    Each cuts its beam by its own rules: of each ten tokens, nine must be the same.
    """
    peers = {"fast-ctc-decode": _rust, "torchaudio (flashlight)": _flashlight}
    for frames in (50, 100, 200):
        torch.manual_seed(0)
        log_probs = (3 * torch.randn(frames, len(LETTERS) + 1)).log_softmax(-1)
        for name, peer in peers.items():
            try:
                theirs = peer(log_probs)
            except ImportError as error:
                print(f"left out: {name} ({error})")
                continue
            yield Pair(
                f"prefix beam search, width {WIDTH}", frames, "frames",
                lambda x=log_probs: _spelt(decoding.prefix_beam_search(x, WIDTH)[0].tokens),
                name, theirs,
                lambda a, b: metrics.edit_distance(a, b) <= 0.1 * len(b),
            )  # fmt: skip


def _spelt(tokens: Iterable[int]) -> str:
    return "".join(LETTERS[token - 1] for token in tokens).strip()


def _rust(log_probs: torch.Tensor) -> Callable[[], str]:
    import fast_ctc_decode

    p = log_probs.exp().numpy()
    settings = {"beam_size": WIDTH, "beam_cut_threshold": 0.0}
    return lambda: fast_ctc_decode.beam_search(p, f"_{LETTERS}", **settings)[0].strip()


def _flashlight(log_probs: torch.Tensor) -> Callable[[], str]:
    from torchaudio.models.decoder import ctc_decoder

    decoder = ctc_decoder(
        lexicon=None, tokens=["_", *LETTERS], blank_token="_", sil_token=" ", beam_size=WIDTH,
        beam_threshold=1e9, log_add=True,
    )  # fmt: skip
    # It puts a silence at both ends.
    return lambda: _spelt(decoder(log_probs[None])[0][0].tokens.tolist())


def rates() -> Iterator[Pair]:
    """WER and CER of a corpus against jiwer."""
    import jiwer

    said = [row["text"] for row in commands.load("train").table]
    rng = np.random.default_rng(0)

    def misheard(text: str) -> str:
        words = text.split()
        return " ".join(w for w in words if rng.random() > 0.1) + " the" * int(rng.random() < 0.2)

    for count in (10, 100, 1000):
        right, heard = said[:count], [misheard(text) for text in said[:count]]
        close = math.isclose
        yield Pair(
            "WER", count, "sentences",
            lambda a=right, b=heard: metrics.wer(a, b),
            "jiwer", lambda a=right, b=heard: jiwer.wer(a, b), close,
        )  # fmt: skip
        yield Pair(
            "CER", count, "sentences",
            lambda a=right, b=heard: metrics.cer(a, b),
            "jiwer", lambda a=right, b=heard: jiwer.cer(a, b), close,
        )  # fmt: skip


def scenes() -> Iterator[Pair]:
    """Soundscapes of four seconds, made from a seed."""
    for count in (1, 10):
        yield Pair(
            "soundscapes of 4 s", count, "scenes",
            lambda count=count: [Soundscapes(count)[i] for i in range(count)],
        )  # fmt: skip


def starts() -> Iterator[Pair]:
    """Imports, each in a process of its own."""
    for module, peer in (
        ("course_utils", "numpy"),
        ("course_utils.features", "librosa.feature.spectral"),
        ("course_utils.training", "torch"),
    ):
        yield Pair(
            f"import {module}", 1, "process",
            lambda module=module: _import(module), peer, lambda peer=peer: _import(peer),
        )  # fmt: skip


def _import(module: str) -> int:
    return subprocess.run([sys.executable, "-c", f"import {module}"], check=True).returncode


TASKS = (transforms, spectra, losses, searches, rates, scenes, starts)


def measured(pair: Pair) -> dict[str, Any]:
    """Medians of calls that take turns.

    Raises:
        ValueError: the two results differ.
    """
    ways = [pair.ours] if pair.theirs is None else [pair.ours, pair.theirs]
    results = [way() for way in ways]  # also warms up
    if len(ways) == 2 and not pair.same(*results):
        raise ValueError(f"{pair.task}, {pair.size} {pair.unit}: {pair.peer} gives another result")
    seconds: list[list[float]] = [[] for _ in ways]
    while min(len(s) for s in seconds) < LEAST or min(sum(s) for s in seconds) < LEAST_S:
        for way, taken in zip(ways, seconds, strict=True):
            began = time.perf_counter()
            way()
            taken.append(time.perf_counter() - began)
        if min(sum(s) for s in seconds) > 3 and len(seconds[0]) >= 3:
            break
        if max(sum(s) for s in seconds) > 10 and len(seconds[0]) >= 3:
            break
    medians = [1e3 * statistics.median(taken) for taken in seconds]
    found = {"task": pair.task, "size": pair.size, "unit": pair.unit, "repeats": len(seconds[0])}
    found |= {"ours_ms": f"{medians[0]:.3g}", "peer": pair.peer}
    if len(medians) == 2:
        found |= {"peer_ms": f"{medians[1]:.3g}", "ratio": f"{medians[0] / medians[1]:.2f}"}
    return found


def with_growth(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The exponent of our time over the size, at the last row of each task and peer."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["task"], row.get("peer", "")), []).append(row)
    for group in groups.values():
        first, last = group[0], group[-1]
        if last["size"] > first["size"]:
            times = float(last["ours_ms"]) / float(first["ours_ms"])
            last["growth"] = f"{math.log(times) / math.log(last['size'] / first['size']):.2f}"
    return rows


def write(path: Path, rows: list[dict[str, Any]], arguments: str) -> None:
    """The table, with how it was made in front."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(
            f"# command: python docs/tools/bench.py{arguments}\n"
            f"# versions: Python {platform.python_version()}, torch {torch.__version__}, "
            f"NumPy {np.__version__}\n"
            f"# machine: {machine()}, one thread, nothing beside it\n"
            "# ours_ms, peer_ms: medians of calls that take turns; ratio: ours by the peer's\n"
            "# growth: e of time ~ size^e, from the smallest to the largest size\n"
        )
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a table that `write` made."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def table(rows: list[dict[str, str]]) -> str:
    """The README's table: of each task and peer the largest size, of the explorers the slowest."""
    explorers = [row for row in rows if row["task"].startswith("explorer ")]
    largest = {(row["task"], row["peer"]): row for row in rows if row not in explorers}
    lines = ["| task | ours | peer | ours by the peer's | growth |", "|---|---|---|---|---|"]
    for row in largest.values():
        size = f", {int(row['size']):,} {row['unit']}" if row["growth"] else ""
        peer = f"{row['peer']}, {_time(row['peer_ms'])}" if row["peer"] else ""
        cells = (row["task"] + size, _time(row["ours_ms"]), peer, row["ratio"], row["growth"])
        lines.append("| " + " | ".join(cells) + " |")
    if explorers:
        slow = max(explorers, key=lambda row: float(row["ours_ms"]))
        name = slow["task"].removeprefix("explorer ").partition(",")[0]
        lines.append(
            f"| slowest of {len(explorers)} explorers ({name}), from key to picture | "
            f"{_time(slow['ours_ms'])} | | | |"
        )
    return "\n".join(line.replace("|  |", "| |").replace("|  |", "| |") for line in lines)


def _time(ms: str) -> str:
    return f"{float(ms):.3g} ms" if float(ms) < 1000 else f"{float(ms) / 1000:.3g} s"


def machine() -> str:
    """The processor, as the system names it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", default="", help="rows whose task holds this text")
    parser.add_argument("--browser", action="store_true", help="JupyterLab as well")
    parser.add_argument("--output", type=Path, default=RUNS / "bench.csv")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for task in TASKS:
        for pair in task():
            if arguments.only in pair.task:
                rows.append(measured(pair))
                print(", ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    if arguments.browser:
        from docs.tools import bench_browser

        for row in bench_browser.rows():
            if arguments.only in row["task"]:
                rows.append(row)
                print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    given = "".join(f" {a}" for a in sys.argv[1:] if a == "--browser")
    write(arguments.output, with_growth(rows), given)
    print(table(read(arguments.output)))


if __name__ == "__main__":
    main()
