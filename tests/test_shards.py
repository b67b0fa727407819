import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils.datasets import batching, shards
from course_utils.datasets.shards import Shards
from course_utils.datasets.text import Alphabet
from tests import shards_child as child

ROOT = Path(__file__).parents[1]
RATE, COUNT, PER_SHARD = child.RATE, child.COUNT, child.PER_SHARD


@pytest.fixture(scope="module")
def corpus():
    return child.corpus()


@pytest.fixture(scope="module")
def made(tmp_path_factory, corpus):
    return shards.write(corpus, tmp_path_factory.mktemp("shards") / "corpus", PER_SHARD)


@pytest.fixture
def folder(made, tmp_path):
    """A copy to be damaged."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in made.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def names(loader):
    return [batch.ids for batch in loader]


def test_what_was_written_comes_back(corpus, made):
    data = child.open_(made)
    assert len(data) == COUNT and data.blocks == [8, 8, 8, 8, 5] and data.sample_rate == RATE
    found = {u.id: u for u in map(data.utterance, range(COUNT))}
    assert len(found) == COUNT
    for one in corpus:
        assert found[one.id][1:] == one[1:]
        np.testing.assert_allclose(found[one.id].waveform, one.waveform, atol=2**-16)
    order = [data.utterance(i).id for i in range(COUNT)]
    assert order != [one.id for one in corpus]  # each shard is a sample of the corpus
    seconds = sum(len(one.waveform) for one in corpus) / RATE
    assert data.hours * 3600 == pytest.approx(seconds, abs=1e-2)
    assert "37 utterances in 5 shards" in repr(data) and data.lost == {}
    assert {path.name for path in made.iterdir()} == {
        "index.json", "items.npy", *(f"shard-0000{n}.tar" for n in range(5))
    }  # fmt: skip
    shards.check(made)


def test_webdataset_reads_the_same_shards(corpus, made):
    """The library that others read shards with; ours need no index for it."""
    webdataset = pytest.importorskip("webdataset")
    urls = [str(path) for path in sorted(made.glob("*.tar"))]
    found = list(webdataset.WebDataset(urls, shardshuffle=False))
    said = [json.loads(sample["json"]) for sample in found]
    assert {s["id"]: s["text"] for s in said} == {one.id: one.text for one in corpus}
    assert all(sample["flac"][:4] == b"fLaC" for sample in found)


def test_batches_are_those_of_examples_in_memory(corpus, made):
    """The same items give the same batch, from shards and from memory."""
    memory = child.in_memory(corpus)
    place = {name: n for n, name in enumerate(memory.ids)}
    for batch in batching.loader(child.open_(made), 4, shuffle=True):
        expected = memory.collate([memory[place[name]] for name in batch.ids])
        assert batch.ids == expected.ids
        torch.testing.assert_close(batch.features, expected.features, rtol=0, atol=0.05)
        for one, other in zip(batch[1:4], expected[1:4], strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_each_item_comes_once_an_epoch_in_one_rank_and_worker(made, ranks, workers, batch_size):
    loaders = [
        batching.loader(
            child.open_(made), batch_size, True, workers=workers, rank=rank, world_size=ranks
        )
        for rank in range(ranks)
    ]
    seen = []
    for epoch in range(2):
        for loader in loaders:
            loader.batch_sampler.set_epoch(epoch)
        parts = [names(loader) for loader in loaders]
        assert {len(part) for part in parts} == {len(loaders[0])}  # DDP waits for nobody
        items = [name for part in parts for batch in part for name in batch]
        assert sorted(items) == sorted(f"u-{n}" for n in range(COUNT))
        seen.append(items)
    assert seen[0] != seen[1]


def test_workers_and_resuming_change_nothing(made):
    """Any number of workers may take over, anywhere in an epoch; done batches are not read."""
    data = child.open_(made)
    whole = names(batching.loader(data, 3, shuffle=True, seed=4))
    read = []
    utterance = data.utterance
    data.utterance = lambda index: (read.append(index), utterance(index))[1]
    loader = batching.loader(data, 3, shuffle=True, seed=4)
    loader.batch_sampler.set_epoch(0, 9)
    assert names(loader) == whole[9:]
    assert len(read) == sum(map(len, whole[9:]))
    loader = batching.loader(child.open_(made), 3, shuffle=True, seed=4, workers=2)
    loader.batch_sampler.set_epoch(0, 9)
    assert names(loader) == whole[9:]


def test_what_is_read_about_the_same_time_lies_together():
    """A pool of 50 batches reads few shards, not all of them."""
    blocks = [40] * 50
    sampler = batching.BucketBatches(np.ones(2000), 4, blocks=blocks)
    batches = list(sampler)
    assert sorted(i for batch in batches for i in batch) == list(range(2000))
    for start in range(0, 500, 50):
        pool = [i // 40 for batch in batches[start : start + 50] for i in batch]
        assert len(set(pool)) == 5  # 200 items of shards of 40
    with pytest.raises(ValueError, match="blocks hold 3 items, but there are 4"):
        batching.BucketBatches([1] * 4, 2, blocks=[3])


def test_buckets_and_sortagrad_reach_over_shards(made):
    data = child.open_(made)
    plain = batching.padding_share(
        list(batching.BucketBatches(data.lengths, 4, bucketed=False)), data.lengths
    )
    found = batching.padding_share(
        list(batching.loader(data, 4, shuffle=True).batch_sampler), data.lengths
    )
    assert found < 0.5 * plain
    loader = batching.loader(data, 4, shuffle=True, sortagrad=True)
    lengths = [int(n) for batch in loader for n in batch.lengths]
    assert (np.diff(lengths) >= 0).all()


class TestDamage:
    def test_a_shard_cut_short_or_gone_is_refused_at_the_start(self, folder):
        path = folder / "shard-00002.tar"
        data = path.read_bytes()
        path.write_bytes(data[:-700])
        with pytest.raises(ValueError, match=r"shard-00002.tar has [\d,]+ bytes instead of"):
            child.open_(folder)
        path.unlink()
        with pytest.raises(ValueError, match=r"shard-00002.tar is missing"):
            child.open_(folder)

    def test_wrong_bytes_cost_one_utterance_and_are_counted(self, folder):
        data = child.open_(folder)
        row = data.items[19]
        path = folder / "shard-00002.tar"
        content = bytearray(path.read_bytes())
        content[int(row["offset"]) + int(row["size"]) // 2] ^= 255
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"shard-00002.tar has other bytes than were written"):
            shards.check(folder)
        with pytest.warns(UserWarning, match=r"shard-00002.tar: the bytes of utterance 3 are"):
            found = names(batching.loader(data, 4, shuffle=True))
        assert len(found) == 10 and sum(map(len, found)) == COUNT - 1
        assert data.lost == {"shard-00002.tar": 1}

    def test_workers_report_what_they_could_not_read(self, folder):
        data = child.open_(folder)
        (folder / "shard-00001.tar").write_bytes(b"")
        loader = batching.loader(data, 4, shuffle=True, workers=2)
        assert len({name for batch in loader for name in batch.ids}) == COUNT - 8
        assert data.lost == {"shard-00001.tar": 8}

    def test_a_batch_of_which_nothing_is_left_does_not_stop_a_training(self, folder):
        """As many steps as planned, so that no other process waits."""
        data = child.open_(folder)
        (folder / "shard-00001.tar").unlink()
        loader = batching.loader(data, 1, shuffle=True)
        with pytest.warns(UserWarning, match=r"shard-00001.tar"):
            found = names(loader)
        assert len(found) == len(loader) == COUNT
        assert {name for batch in found for name in batch} == {
            data.utterance(i).id for i in range(COUNT) if not 8 <= i < 16
        }

    def test_when_nothing_can_be_used_the_reason_is_said(self, made):
        data = Shards(made, child.frames, Alphabet("xyz").encode)
        with (
            pytest.warns(UserWarning, match="left out: u-.*not in the alphabet"),
            pytest.raises(ValueError, match=r"not one of \d utterances of all shards can be used"),
        ):
            names(batching.loader(data, 4, shuffle=True))

    def test_an_index_that_is_none(self, folder, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"index.json: no such file: make the shards"):
            child.open_(tmp_path / "nowhere")
        index = json.loads((folder / "index.json").read_text())
        for changed, message in (
            ({"format": 99}, "format 99, this version reads 1"),
            ({"items_sha256": "0"}, "items.npy has other bytes than were written"),
            ({"shards": index["shards"][1:]}, "is not the table of these shards"),
        ):
            (folder / "index.json").write_text(json.dumps(index | changed))
            with pytest.raises(ValueError, match=message):
                child.open_(folder)
        (folder / "index.json").write_text("{")
        with pytest.raises(ValueError, match=r"index.json is damaged"):
            child.open_(folder)

    def test_nothing_is_read_outside_of_the_folder(self, folder):
        index = json.loads((folder / "index.json").read_text())
        index["shards"][0]["file"] = "../shard-00000.tar"
        (folder / "index.json").write_text(json.dumps(index))
        with pytest.raises(ValueError, match=r"'../shard-00000.tar' is no name of a shard"):
            child.open_(folder)


class TestWriting:
    def test_it_goes_on_where_it_was_stopped(self, corpus, made, tmp_path):
        class Stopping(list):
            def __getitem__(self, index):
                read.append(index)
                if len(read) == 20:
                    raise KeyboardInterrupt
                return super().__getitem__(index)

        read, target = [], tmp_path / "corpus"
        with pytest.raises(KeyboardInterrupt):
            shards.write(Stopping(corpus), target, PER_SHARD)
        with pytest.raises(FileNotFoundError, match="its writing was stopped: give the same call"):
            child.open_(target)
        with pytest.raises(ValueError, match="another corpus, size or seed, whose writing was"):
            shards.write(corpus, target, PER_SHARD, seed=1)
        shards.write(Stopping(corpus), target, PER_SHARD)
        assert len(read) == 20 + COUNT - 16  # two shards were complete
        for path in made.iterdir():
            assert (target / path.name).read_bytes() == path.read_bytes()
        with pytest.raises(FileExistsError, match="holds complete shards already"):
            shards.write(corpus, target, PER_SHARD)

    def test_a_full_disk_is_named_and_what_is_done_is_kept(self, tmp_path):
        """A real limit of the system, in a process of its own: no file over 100 kB."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.shards_child", "full", str(tmp_path / "corpus")],
            cwd=ROOT, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        assert "File too large: make room, then give the same call again" in done.stdout
        left = {path.name for path in (tmp_path / "corpus").iterdir()}
        assert left == {"unfinished.json", "shard-00000.tar", "shard-00000.json"}

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"sample_rate": 16_000}, r"one sample rate, got .*16000 Hz \(u-0\)"),
            ({"waveform": np.full(900, 1.5, np.float32)}, "u-0: its peak of 1.5 is beyond full"),
            ({"waveform": np.full(900, np.nan, np.float32)}, "u-0: waveform sample 0 is NaN"),
        ],
    )
    def test_utterances_that_cannot_be_kept(self, corpus, tmp_path, change, message):
        with pytest.raises(ValueError, match=message):
            shards.write([corpus[0]._replace(**change), *corpus[1:9]], tmp_path / "corpus")

    def test_arguments(self, corpus, tmp_path):
        with pytest.raises(ValueError, match="at least one utterance"):
            shards.write([], tmp_path / "corpus")
        with pytest.raises(ValueError, match="per_shard a whole number of at least 1"):
            shards.write(corpus, tmp_path / "corpus", per_shard=0)
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(ValueError, match="is not empty: name a new folder"):
            shards.write(corpus, tmp_path)


def peak(batches):
    """Bytes of arrays (NumPy tells; frames become tensors without a copy) at once, in an epoch."""
    tracemalloc.start()
    for _ in batches:
        pass
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_memory_does_not_grow_with_the_corpus(tmp_path):
    """Ten times as many utterances, no more memory; a data set that keeps them needs it."""

    class Keeping(Shards):
        def __getitem__(self, index):
            kept.append(super().__getitem__(index))
            return kept[-1]

    found, kept = {}, []
    for count in (30, 300):
        many = [child.utterance(n, seconds=2.0) for n in range(count)]
        made = shards.write(many, tmp_path / str(count), per_shard=25)
        for kind in (Shards, Keeping):
            data = kind(made, child.frames, child.ALPHABET.encode)
            found[kind, count] = peak(batching.loader(data, 4, shuffle=True))
            kept.clear()
    everything = 300 * 200 * 40 * 4
    assert found[Shards, 300] < 1.3 * found[Shards, 30]
    assert found[Shards, 300] < everything / 5
    assert found[Keeping, 300] > everything


class TestTraining:
    def test_a_killed_training_ends_as_one_that_was_not(self, made, tmp_path):
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        whole, killed = tmp_path / "whole", tmp_path / "killed"
        whole.mkdir(), killed.mkdir()
        command = [sys.executable, "-m", "tests.shards_child", "train", str(made), str(killed)]
        done = subprocess.run([*command, "17"], cwd=ROOT, capture_output=True, timeout=120)
        assert done.returncode == -9, done.stderr[-2000:]
        assert len((killed / "seen0.txt").read_text().splitlines()) == 16
        for folder in (whole, killed):
            child.train(child.open_(made), folder)
        torch.set_num_threads(threads)
        one, other = (torch.load(f / "weights0.pt", weights_only=True) for f in (whole, killed))
        assert all(torch.equal(one[name], other[name]) for name in one)
        seen = [(f / "seen0.txt").read_text().splitlines() for f in (whole, killed)]
        assert seen[0] == seen[1]  # no step's items twice, none left out

    def test_two_processes_make_the_same_steps_and_share_all_items(self, made, tmp_path):
        done = torchrun("train", made, tmp_path)
        assert done.returncode == 0, done.stderr[-3000:]
        seen = [(tmp_path / f"seen{rank}.txt").read_text().splitlines() for rank in (0, 1)]
        assert len(seen[0]) == len(seen[1]) == child.EPOCHS * 5  # 37 items, twice 4 in each step
        for epoch in range(child.EPOCHS):
            lines = [line for part in seen for line in part[5 * epoch : 5 * epoch + 5]]
            items = [name for line in lines for name in line.split()]
            assert sorted(items) == sorted(f"u-{n}" for n in range(COUNT))
        first, second = (
            torch.load(tmp_path / f"weights{rank}.pt", weights_only=True) for rank in (0, 1)
        )
        assert all(torch.equal(first[name], second[name]) for name in first)

    @pytest.mark.slow
    def test_processes_with_different_shards_are_told_apart(self, made, tmp_path):
        others = [child.utterance(n, seconds=0.4) for n in range(COUNT)]
        shards.write(others, tmp_path / "others", PER_SHARD)
        done = torchrun("train", made, tmp_path, tmp_path / "others")
        assert done.returncode != 0
        message = (tmp_path / "error1.txt").read_text()
        assert "process 1 would train on something else than process 0: their names" in message


def torchrun(*what):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "-m"]
    return subprocess.run(
        [*command, "tests.shards_child", *map(str, what)],
        cwd=ROOT, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
