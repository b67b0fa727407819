"""A corpus as a few large files: shards, from which a training reads what it needs, when it does.

A hundred thousand small files are slow to copy and to open, and their features fill the memory. A
shard is a tar file of some hundred utterances; each is two members side by side, 00000017.json
(text, speaker, id) and 00000017.flac, the layout of the library webdataset. `index.json` lists the
shards, `items.npy` says where in them each utterance lies and how long it is.

So the order of an epoch is planned without reading: shards in a random order, buckets of similar
length within some neighbouring shards (`batching.BucketBatches` with `blocks`), each batch dealt
out to the processes that train together. What is in memory is a batch for each worker, and about
a hundred bytes an utterance for the plan.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import re
import tarfile
import warnings
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from course_utils import audio
from course_utils.datasets.batching import collate
from course_utils.datasets.items import Utterance

FORMAT = 1  # of index.json
INDEX, ITEMS = "index.json", "items.npy"
NAME = re.compile(r"shard-\d{5,}\.tar")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of disk, of a user's share, of a file
# Of each utterance: where it begins in its shard, bytes, their checksum, samples of its sound.
ITEM = np.dtype([("offset", "<u8"), ("size", "<u4"), ("crc", "<u4"), ("samples", "<u4")])


def write(
    utterances: Sequence[Utterance],
    folder: str | Path,
    per_shard: int = 256,
    seed: int = 0,
    progress: bool = False,
) -> Path:
    """Write a corpus as shards, in a random order, so that each shard is a sample of all of it.

    Sound is kept as 16-bit FLAC: lossless for what came from 16 bits. A shard is there as a whole
    or not at all, and the index is written last: called again after it was stopped, it goes on.

    Args:
        utterances: a `Corpus`, or another sequence of `Utterance` of one sample rate.
        folder: for the shards; new, or that of the same call that was stopped.
        per_shard: utterances of a shard; 256 of LibriSpeech are about 60 MB.
        seed: of the order.
        progress: show a bar.

    Returns:
        The folder.

    Raises:
        ValueError: there are no utterances, one has another sample rate or can't be stored in 16
            bits, or the folder holds shards of something else. The message names it.
        FileExistsError: the folder holds complete shards already.
        OSError: the folder can't be written, or the disk is full; what is done is kept.
    """
    folder = Path(folder)
    if len(utterances) == 0 or not isinstance(per_shard, int) or per_shard < 1:
        raise ValueError(
            "shards need at least one utterance, and per_shard a whole number of at least 1; got "
            f"{len(utterances)} and {per_shard!r}"
        )
    if (folder / INDEX).exists():
        raise FileExistsError(
            f"{folder} holds complete shards already: name another folder, or delete it first"
        )
    order = np.random.default_rng(seed).permutation(len(utterances))
    plan = {"format": FORMAT, "per_shard": per_shard, "seed": seed, "ids": _ids(utterances)}
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _begin(folder, plan)
        starts = range(0, len(order), per_shard)
        shards, rates = [], {}
        for number, start in enumerate(tqdm(starts, "writing", unit="shard", disable=not progress)):
            path = folder / f"shard-{number:05d}.tar"
            if not path.with_suffix(".json").exists():
                part = (utterances[int(i)] for i in order[start : start + per_shard])
                _write_shard(path, part, start)
            shards.append(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
            rates |= shards[-1].pop("rates")
            if len(rates) > 1:
                found = ", ".join(f"{rate} Hz ({name})" for rate, name in rates.items())
                raise ValueError(
                    f"all utterances must have one sample rate, got {found}: resample them, delete "
                    f"{folder} and begin anew"
                )
        _finish(folder, shards, int(next(iter(rates))))
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise OSError(
            error.errno,
            f"{error.strerror}: make room, then give the same call again: it goes on with the "
            "shards that are done",
            str(folder),
        ) from error
    return folder


def _ids(utterances: Sequence[Utterance]) -> int:
    """A checksum of the utterances' names in their order, without reading sound if possible."""
    rows = getattr(utterances, "table", None)
    names = [row["id"] for row in rows] if rows is not None else [u.id for u in utterances]
    return zlib.crc32("\n".join(names).encode())


def _begin(folder: Path, plan: dict[str, int]) -> None:
    """Note what is being written, or see that it is the same as before."""
    path = folder / "unfinished.json"
    if path.exists():
        if json.loads(path.read_text(encoding="utf-8")) != plan:
            raise ValueError(
                f"{folder} holds shards of another corpus, size or seed, whose writing was "
                "stopped: delete it, or name another folder"
            )
    elif any(there.suffix != ".part" for there in folder.iterdir()):
        raise ValueError(f"{folder} is not empty: name a new folder")
    else:
        _put(path, json.dumps(plan).encode())


def _write_shard(path: Path, utterances: Any, first: int) -> None:
    """A shard, and a note about it beside it, which says that it is complete."""
    buffer, items, rates = io.BytesIO(), [], {}
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for number, one in enumerate(utterances, start=first):
            try:
                sound = audio.to_flac(one.waveform, one.sample_rate)
            except ValueError as error:
                raise ValueError(f"{one.id}: {error}") from error
            said = {"id": one.id, "text": one.text, "speaker": one.speaker}
            begin = tar.offset
            _add(tar, f"{number:08d}.json", json.dumps(said, ensure_ascii=False).encode())
            _add(tar, f"{number:08d}.flac", sound)
            items.append([begin, tar.offset - begin, len(one.waveform)])
            rates.setdefault(one.sample_rate, one.id)
    data = buffer.getvalue()
    note = {
        "file": path.name,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "rates": rates,
        "items": [[at, size, zlib.crc32(data[at : at + size]), n] for at, size, n in items],
    }
    _put(path, data)
    _put(path.with_suffix(".json"), json.dumps(note).encode())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def _finish(folder: Path, shards: list[dict[str, Any]], rate: int) -> None:
    """The notes of all shards as one table and one index."""
    for shard in shards:
        shard["utterances"] = len(shard["items"])
        shard["seconds"] = round(sum(row[3] for row in shard["items"]) / rate, 3)
    rows = [tuple(row) for shard in shards for row in shard.pop("items")]
    buffer = io.BytesIO()
    np.save(buffer, np.array(rows, dtype=ITEM))
    _put(folder / ITEMS, buffer.getvalue())
    index = {
        "format": FORMAT,
        "sample_rate": rate,
        "utterances": len(rows),
        "seconds": round(sum(shard["seconds"] for shard in shards), 3),
        "items_sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
        "shards": shards,
    }
    _put(folder / INDEX, json.dumps(index, indent=1).encode())
    for note in (*folder.glob("shard-*.json"), folder / "unfinished.json"):
        note.unlink()


def _put(path: Path, data: bytes) -> None:
    """A file, as a whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class Shards(Dataset):
    """The utterances of a folder of shards, for `batching.loader`; read when they are asked for.

    A shard that is missing or has another size than the index says is refused at the start. Wrong
    bytes are found when they are read: each utterance has its checksum. Such an utterance, and one
    that `features` or `encode` refuses, is left out of its batch, with a warning, and counted in
    `lost`; the steps of an epoch stay as many as planned, in all processes. Where nothing of a
    batch is left, an utterance of another shard stands in for it.

    Nothing is unpacked to the disk: members are read into memory, and found by the index, not by
    their names.

    Attributes:
        lengths: hundredths of a second of each utterance, for buckets; int64 (utterances,).
        blocks: how many utterances each shard has, in their order.
        sample_rate: of all of them, in Hz.
        hours: of sound.
        fingerprint: of the index: the same shards, the same number.
    """

    collate = staticmethod(collate)

    def __init__(
        self,
        folder: str | Path,
        features: Callable[[np.ndarray, int], np.ndarray],
        encode: Callable[[str], Sequence[int]],
    ) -> None:
        """Read the index.

        Args:
            folder: that `write` made.
            features: waveform and sample rate to frames (frames, dims).
            encode: a text to its tokens, for instance `Alphabet.encode`.

        Raises:
            FileNotFoundError: there is no index; the message says whether the writing was stopped.
            ValueError: the index is damaged or of another version, or a shard is missing or has
                another size. The message names the file.
        """
        self.folder = Path(folder)
        index, self.items = read_index(self.folder)
        self.features, self.encode = features, encode
        self.sample_rate, self.hours = index["sample_rate"], index["seconds"] / 3600
        self.fingerprint = zlib.crc32(json.dumps(index).encode())
        self.names = [shard["file"] for shard in index["shards"]]
        self.blocks = [shard["utterances"] for shard in index["shards"]]
        self.lengths = (self.items["samples"] * 100 // self.sample_rate).astype(np.int64)
        self._ends = np.cumsum(self.blocks)
        # In shared memory: workers note here what they could not read.
        self._bad = torch.zeros(len(self.items), dtype=torch.bool).share_memory_()
        for shard in index["shards"]:
            _check_size(self.folder / shard["file"], shard["bytes"])

    def __len__(self) -> int:
        """How many utterances there are."""
        return len(self.items)

    def __repr__(self) -> str:
        """Utterances, shards, hours."""
        return f"<{len(self):,} utterances in {len(self.names):,} shards, {self.hours:.2f} h>"

    def utterance(self, index: int) -> Utterance:
        """One of them, as a corpus gives it.

        Raises:
            OSError: its shard can't be read.
            ValueError: its bytes are not those that were written; the message names shard and
                place.
        """
        shard = int(np.searchsorted(self._ends, index, side="right"))
        path, row = self.folder / self.names[shard], self.items[index]
        with path.open("rb") as file:
            file.seek(int(row["offset"]))
            data = file.read(int(row["size"]))
        if len(data) != row["size"] or zlib.crc32(data) != row["crc"]:
            place = index - int(self._ends[shard]) + self.blocks[shard]
            raise ValueError(f"{path}: the bytes of utterance {place} are damaged or cut off")
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            about, sound = (tar.extractfile(member).read() for member in tar)
        said = json.loads(about)
        waveform, rate = audio.from_flac(sound, f"{path}/{said['id']}")
        return Utterance(waveform, rate, said["text"], said["speaker"], said["id"])

    def __getitem__(self, index: int) -> tuple[Tensor, np.ndarray, str] | None:
        """Features, tokens and name of an utterance; None for one that can't be used."""
        try:
            one = self.utterance(index)
            try:
                found = torch.from_numpy(self.features(one.waveform, one.sample_rate))
                return found, np.asarray(self.encode(one.text)), one.id
            except ValueError as error:
                raise ValueError(f"{one.id}: {error}") from error
        except (OSError, ValueError) as error:
            if not self._bad[index]:
                self._bad[index] = True
                warnings.warn(f"left out: {error}", stacklevel=2)
            return None

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Tensor, np.ndarray, str] | None]:
        """A batch; when none of it can be used, one utterance that can, of another shard."""
        items = [self[index] for index in indices]
        if any(item is not None for item in items):
            return items
        here = int(np.searchsorted(self._ends, indices[0], side="right"))
        for step in range(1, len(self.blocks) + 1):
            shard = (here + step) % len(self.blocks)
            index = int(self._ends[shard]) - 1 - (indices[0] % self.blocks[shard])
            if (item := self[index]) is not None:
                return [item]
        raise ValueError(
            f"{self.folder}: not one of {len(indices) + len(self.blocks)} utterances of all shards "
            "can be used; the warnings say why"
        )

    @property
    def lost(self) -> dict[str, int]:
        """How many utterances could not be used so far, by shard; {} when all is well."""
        parts = self._bad.split(self.blocks)
        counts = {name: int(p.sum()) for name, p in zip(self.names, parts, strict=True)}
        return {name: count for name, count in counts.items() if count}


def check(folder: str | Path) -> None:
    """Read all shards and compare them with their SHA-256; a ValueError names the first bad one.

    Raises:
        FileNotFoundError, ValueError: as `Shards`, or other bytes.
    """
    folder = Path(folder)
    for shard in read_index(folder)[0]["shards"]:
        path = folder / shard["file"]
        _check_size(path, shard["bytes"])
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != shard["sha256"]:
                raise ValueError(f"{path} has other bytes than were written: copy it again")


def read_index(folder: Path) -> tuple[dict[str, Any], np.ndarray]:
    """What index.json and items.npy hold; errors as `Shards`."""
    path = folder / INDEX
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        if index["format"] != FORMAT:
            raise ValueError(f"format {index['format']}, this version reads {FORMAT}")
        data = (folder / ITEMS).read_bytes()
        if hashlib.sha256(data).hexdigest() != index["items_sha256"]:
            raise ValueError(f"{ITEMS} has other bytes than were written")
        items = np.load(io.BytesIO(data), allow_pickle=False)
        if odd := [s["file"] for s in index["shards"] if not NAME.fullmatch(s["file"])]:
            raise ValueError(f"{odd[0]!r} is no name of a shard")
        if items.dtype != ITEM or len(items) != sum(s["utterances"] for s in index["shards"]):
            raise ValueError(f"{ITEMS} is not the table of these shards")
        return index, items
    except FileNotFoundError as error:
        if (folder / "unfinished.json").exists():
            advice = "its writing was stopped: give the same call again, it goes on"
        else:
            advice = "make the shards with shards.write or --make-shards"
        raise FileNotFoundError(f"{error.filename}: no such file: {advice}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged or no index of shards ({error}): copy it again, or make the shards "
            "anew"
        ) from error


def _check_size(path: Path, size: int) -> None:
    found = path.stat().st_size if path.is_file() else None
    if found != size:
        what = "is missing" if found is None else f"has {found:,} bytes instead of {size:,}"
        raise ValueError(f"{path} {what}: copy it again, or make the shards anew")
