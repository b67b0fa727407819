import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from course_utils.datasets import batching
from course_utils.datasets.batching import BucketBatches, Examples


def frames(*lengths, dims=3):
    rng = np.random.default_rng(sum(lengths))
    return [rng.normal(size=(n, dims)).astype(np.float32) for n in lengths]


def test_padding_is_zero_and_lengths_say_where_it_begins():
    items = frames(2, 5, 1)
    padded, lengths = batching.pad(items)
    assert padded.shape == (3, 5, 3) and padded.dtype == torch.float32
    assert lengths.tolist() == [2, 5, 1] and lengths.dtype == torch.int64
    for row, item in zip(padded, items, strict=True):
        np.testing.assert_array_equal(row[: len(item)], item)
        assert not row[len(item) :].any()


def test_padding_takes_waveforms_labels_and_another_value():
    padded, _ = batching.pad([[1, 2], [3]], value=-1)
    assert padded.tolist() == [[1, 2], [3, -1]]


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([], "no sequences"),
        ([np.ones((2, 3)), np.ones((0, 3))], "sequence 1 is empty"),
        ([np.ones((2, 3)), np.ones((2, 4))], "sequence 1 has shape"),
        ([np.float32(1)], "sequence 0 is empty"),
    ],
)
def test_what_cannot_be_padded_is_named(sequences, message):
    with pytest.raises(ValueError, match=message):
        batching.pad(sequences)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8), st.integers(0, 5))
def test_mask_counts_each_length(lengths, more):
    mask = batching.mask(torch.tensor(lengths), max(lengths) + more)
    assert mask.shape == (len(lengths), max(lengths) + more) and mask.dtype == torch.bool
    assert mask.sum(dim=1).tolist() == lengths
    assert bool((mask.int().diff(dim=1) <= 0).all())  # true first, then false


@pytest.mark.parametrize(
    ("lengths", "size", "message"),
    [
        ([3, 7], 5, "got 7 for item 1"),
        ([3, -1], 5, "got -1 for item 1"),
        ([], 5, "shape \\(0,\\)"),
        ([0.5], 5, "float"),
        ([[1]], 5, "shape \\(1, 1\\)"),
    ],
)
def test_lengths_that_do_not_fit_the_padding(lengths, size, message):
    with pytest.raises(ValueError, match=message):
        batching.mask(torch.tensor(lengths), size)


@pytest.mark.parametrize(
    ("features", "targets", "message"),
    [
        ([], [], "the data set is empty"),
        (frames(2, 3), [0], "2 items, but 1 targets"),
        (frames(2), [5], "clip a: label 5 is out of range, expected 0 to 3"),
        (frames(2), [-1], "clip a: label -1"),
        (frames(2), [[0, 4]], "clip a: label 4"),
        (frames(2), [0.5], "clip a: a target is a whole number"),
        ([np.full((4, 3), np.nan)], [0], r"clip a: the features hold NaN .* \(0, 0\)"),
        ([np.array([[0, np.inf]])], [0], r"clip a: .* \(0, 1\)"),
        ([np.zeros((0, 3))], [0], "clip a: shape"),
        ([np.zeros((2, 3, 4))], [0], "clip a: shape"),
    ],
)
def test_bad_items_are_named(features, targets, message):
    with pytest.raises(ValueError, match=message):
        Examples(features, targets, classes=4, ids=["clip a"] * len(features))


def test_an_item_of_another_width_is_named():
    with pytest.raises(ValueError, match="item 1: shape"):
        Examples([np.zeros((2, 3)), np.zeros((2, 4))], [0, 1])


def test_one_class_only():
    with pytest.raises(ValueError, match="all 3 labels are 2"):
        Examples(frames(1, 2, 3), [2, 2, 2]).check_trainable()
    Examples(frames(1, 2), [1, 2]).check_trainable()
    Examples(frames(1, 2), [[1], [1]]).check_trainable()  # sequences are another matter


def test_batches_of_labels_sequences_and_vectors():
    labels = next(iter(batching.loader(Examples(frames(2, 4), [1, 0], ids=["a", "b"]), 2)))
    assert labels.features.shape == (2, 4, 3) and labels.lengths.tolist() == [2, 4]
    assert labels.targets.tolist() == [1, 0] and labels.target_lengths is None
    assert labels.ids == ("a", "b")
    strings = next(iter(batching.loader(Examples(frames(2, 4), [[1, 2, 3], [4]]), 2)))
    assert strings.targets.tolist() == [[1, 2, 3], [4, 0, 0]]
    assert strings.target_lengths.tolist() == [3, 1]
    vectors = next(iter(batching.loader(Examples(np.ones((2, 5)), [1, 0]), 2)))
    assert vectors.features.shape == (2, 5) and vectors.lengths.tolist() == [1, 1]
    waves = next(iter(batching.loader(Examples([np.ones(4), np.ones(2)], [1, 0]), 2)))
    assert waves.features.shape == (2, 4) and waves.lengths.tolist() == [4, 2]
    assert strings.to("cpu").targets.tolist() == strings.targets.tolist()


@given(
    st.lists(st.integers(1, 99), min_size=1, max_size=300),
    st.integers(1, 9),
    st.booleans(),
    st.booleans(),
)
def test_an_epoch_holds_each_item_once(lengths, batch_size, shuffle, bucketed):
    batches = BucketBatches(lengths, batch_size, shuffle, seed=1, bucketed=bucketed)
    for epoch in (0, 1):
        batches.set_epoch(epoch)
        cut = list(batches)
        assert len(cut) == len(batches)
        assert sorted(i for batch in cut for i in batch) == list(range(len(lengths)))
        assert max(map(len, cut)) <= batch_size


def test_the_order_follows_from_seed_and_epoch_alone():
    def order(seed, epoch):
        batches = BucketBatches(range(1, 101), 8, seed=seed)
        batches.set_epoch(epoch)
        return list(batches)

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4) and order(0, 3) != order(1, 3)


def test_unshuffled_batches_keep_the_order():
    assert list(BucketBatches([9, 1, 5], 2, shuffle=False)) == [[0, 1], [2]]


def test_buckets_save_most_of_the_padding():
    lengths = np.random.default_rng(0).integers(20, 200, 2000)

    def padding(bucketed):
        batches = BucketBatches(lengths, 16, bucketed=bucketed)
        return sum(int((lengths[b].max() - lengths[b]).sum()) for b in batches)

    assert padding(True) < 0.1 * padding(False)


@pytest.mark.parametrize("batch_size", [0, -3, 2.5])
def test_a_batch_size_that_is_none(batch_size):
    with pytest.raises(ValueError, match="batch_size must be"):
        BucketBatches([1, 2], batch_size)


def plans(world_size, lengths, batch_size, epoch=0, **more):
    found = []
    for rank in range(world_size):
        batches = BucketBatches(lengths, batch_size, rank=rank, world_size=world_size, **more)
        batches.set_epoch(epoch)
        found.append(list(batches))
        assert len(found[-1]) == len(batches)
    return found


@given(
    st.lists(st.integers(1, 99), min_size=1, max_size=200),
    st.integers(1, 9),
    st.integers(1, 5),
    st.booleans(),
    st.booleans(),
)
def test_ranks_share_an_epoch_and_each_item_comes_once(
    lengths, batch_size, world_size, shuffle, bucketed
):
    assume(len(lengths) >= world_size)
    parts = plans(world_size, lengths, batch_size, shuffle=shuffle, bucketed=bucketed)
    assert len({len(part) for part in parts}) == 1  # none waits for a step that never comes
    assert sorted(i for part in parts for batch in part for i in batch) == [*range(len(lengths))]
    for step in zip(*parts, strict=True):
        sizes = [len(batch) for batch in step]
        assert min(sizes) >= 1 and max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("items", [96, 97, 103])
def test_ranks_see_together_what_one_process_sees(items):
    lengths = np.random.default_rng(0).integers(20, 200, items)
    (alone,) = plans(1, lengths, 8, epoch=2)
    parts = plans(4, lengths, 2, epoch=2)
    steps = [sorted(i for batch in step for i in batch) for step in zip(*parts, strict=True)]
    if items == 97:  # one item for four processes: it joins the batch before
        assert len(steps) == len(alone) - 1 and max(map(len, steps)) == 9
    else:
        assert steps == [sorted(batch) for batch in alone]


def test_ranks_get_batches_of_about_one_length_in_each_step():
    lengths = np.random.default_rng(0).integers(20, 200, 3200)
    parts = plans(2, lengths, 16)
    longest = np.array([[lengths[batch].max() for batch in part] for part in parts])
    assert np.abs(longest[0] - longest[1]).max() <= 12
    assert np.abs(np.diff(longest[0])).mean() > 30  # and another length in the next step


@given(st.integers(0, 13), st.booleans(), st.integers(1, 2))
def test_an_epoch_goes_on_where_it_was_stopped(position, shuffle, world_size):
    lengths = np.random.default_rng(1).integers(1, 90, 100)
    batches = BucketBatches(lengths, 4, shuffle, seed=3, rank=0, world_size=world_size)
    position = min(position, len(batches))
    batches.set_epoch(2)
    whole = list(batches)
    batches.set_epoch(2, position)
    assert list(batches) == whole[position:]
    assert list(batches) == whole  # the position held once
    assert len(batches) == len(whole)


def test_positions_and_ranks_that_are_none():
    batches = BucketBatches(range(1, 11), 2)
    for position in (-1, 6):
        with pytest.raises(ValueError, match="position must be 0 to 5"):
            batches.set_epoch(0, position)
    for rank, world_size in ((2, 2), (-1, 1), (0, 0)):
        with pytest.raises(ValueError, match="rank must be"):
            BucketBatches([1, 2], 1, rank=rank, world_size=world_size)
    with pytest.raises(ValueError, match="2 items can't be shared by 3 processes"):
        BucketBatches([1, 2], 1, world_size=3)


def test_items_that_are_none_are_left_out_of_their_batch():
    items = [(torch.ones(3, 2), np.asarray(1), "a"), None, (torch.ones(2, 2), np.asarray(0), "c")]
    batch = batching.collate(items)
    assert batch.ids == ("a", "c") and batch.lengths.tolist() == [3, 2]
    with pytest.raises(ValueError, match="none of the 2 items"):
        batching.collate([None, None])


def test_the_share_of_padding_is_counted():
    assert batching.padding_share([[0, 1], [2]], [2, 4, 5]) == pytest.approx(2 / 13)
    assert batching.padding_share([[0], [1], [2]], [2, 4, 5]) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_same_batches(workers):
    examples = Examples(frames(*range(1, 40)), np.arange(39) % 4, ids=[f"c{i}" for i in range(39)])
    alone = batching.loader(examples, 4, shuffle=True, seed=5)
    helped = batching.loader(examples, 4, shuffle=True, seed=5, workers=workers)
    for epoch in (0, 1):
        for loader in (alone, helped):
            loader.batch_sampler.set_epoch(epoch)
        pairs = list(zip(alone, helped, strict=True))
        assert all(one.ids == other.ids for one, other in pairs)
        assert all(torch.equal(one.features, other.features) for one, other in pairs)


def test_a_resumed_epoch_with_workers_and_ranks_ends_alike():
    examples = Examples(frames(*range(1, 41)), np.arange(40) % 4, ids=[f"c{i}" for i in range(40)])

    def names(position, workers):
        loader = batching.loader(
            examples, 4, shuffle=True, seed=5, workers=workers, rank=1, world_size=2
        )
        loader.batch_sampler.set_epoch(3, position)
        return [batch.ids for batch in loader]

    assert names(2, workers=2) == names(0, workers=0)[2:]


def test_sortagrad_goes_from_short_to_long_in_the_first_epoch_alone():
    lengths = np.random.default_rng(0).integers(1, 90, 200)
    batches = BucketBatches(lengths, 8, seed=3, sortagrad=True)
    first = [i for batch in batches for i in batch]
    assert sorted(first) == list(range(200))
    assert (np.diff(lengths[first]) >= 0).all()
    plain = BucketBatches(lengths, 8, seed=3)
    for epoch in (1, 2):
        batches.set_epoch(epoch)
        plain.set_epoch(epoch)
        assert list(batches) == list(plain)
    batches.set_epoch(0, 4)
    assert [i for batch in batches for i in batch] == first[32:]


def test_ranks_go_from_short_to_long_together():
    lengths = np.random.default_rng(0).integers(1, 90, 203)
    parts = plans(2, lengths, 8, sortagrad=True)
    longest = np.array([[lengths[batch].max() for batch in part] for part in parts])
    assert (np.diff(longest, axis=1) >= 0).all()


def test_a_loader_passes_sortagrad_on():
    examples = Examples(frames(9, 2, 5, 1), [0, 1, 0, 1])
    loader = batching.loader(examples, 1, shuffle=True, sortagrad=True)
    assert [int(batch.lengths) for batch in loader] == [1, 2, 5, 9]
