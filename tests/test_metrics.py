import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    label_ranking_average_precision_score,
    roc_auc_score,
)

from course_utils import metrics
from course_utils.metrics import Event

words = st.text("ab ", max_size=12)
tokens = st.lists(st.integers(0, 3), max_size=8)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_accuracy_and_confusion_are_scikit_learns(pairs):
    labels, predictions = map(np.array, zip(*pairs, strict=True))
    assert metrics.accuracy(labels, predictions) == pytest.approx(
        accuracy_score(labels, predictions)
    )
    np.testing.assert_array_equal(
        metrics.confusion(labels, predictions, 5),
        confusion_matrix(labels, predictions, labels=range(5)),
    )


def test_rows_of_the_confusion_are_what_is_true():
    assert metrics.confusion([0, 0, 1], [1, 0, 1], 2).tolist() == [[1, 1], [0, 1]]


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([], [], "at least one"),
        ([1, 2], [1], "shapes"),
        ([0, 3], [0, 1], "labels must be 0 to 2, got 3"),
        ([0, 1], [0, -1], "predictions must be 0 to 2, got -1"),
        ([0.5, 1], [0, 1], "integers"),
    ],
)
def test_bad_labels(labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        metrics.confusion(labels, predictions, 3)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "distance"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("ab", "ba", 2), ("a", "a", 0)],
)
def test_edit_distances_known_by_hand(reference, hypothesis, distance):
    assert metrics.edit_distance(reference, hypothesis) == distance


def recursive(a, b):
    """The definition, without a table."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        recursive(a[1:], b[1:]) + (a[0] != b[0]), recursive(a[1:], b) + 1, recursive(a, b[1:]) + 1
    )


@given(st.lists(st.integers(0, 2), max_size=5), st.lists(st.integers(0, 2), max_size=5))
def test_edit_distance_is_the_recursive_definition(a, b):
    assert metrics.edit_distance(a, b) == recursive(a, b)


@given(tokens, tokens)
def test_an_alignment_costs_the_distance_and_holds_both_sequences(a, b):
    pairs = metrics.alignment(a, b)
    assert [x for x, _ in pairs if x is not None] == a
    assert [y for _, y in pairs if y is not None] == b
    assert sum(x != y for x, y in pairs) == metrics.edit_distance(a, b)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=4))
def test_wer_and_cer_are_jiwers(pairs):
    references, hypotheses = map(list, zip(*pairs, strict=True))
    if all(reference.split() for reference in references):  # jiwer wants a word in each
        assert metrics.wer(references, hypotheses) == pytest.approx(
            jiwer.wer(references, hypotheses)
        )
        # jiwer strips the ends of a text before it counts characters; ours counts every space.
        stripped = [[text.strip() for text in texts] for texts in (references, hypotheses)]
        assert metrics.cer(*stripped) == pytest.approx(jiwer.cer(*stripped))


def test_the_rate_is_the_corpus_s_and_a_single_text_is_one_item():
    assert metrics.wer(["a b c d", "x"], ["a b c d", "y"]) == pytest.approx(1 / 5)
    assert metrics.wer("one two", "one three two") == pytest.approx(1 / 2)
    assert metrics.wer(["a", ""], ["a", "b"]) == 1.0  # an insertion where nothing was said
    assert metrics.cer("a b", "ab") == pytest.approx(1 / 3)
    assert metrics.error_rate([["C4", "D4"]], [["C4"]]) == 0.5


@pytest.mark.parametrize(
    ("references", "hypotheses", "message"),
    [
        (["", " "], ["a", "b"], "no reference token"),
        (["a"], ["a", "b"], "1 references, but 2"),
        ([None], ["a"], "got None"),
    ],
)
def test_rates_that_mean_nothing(references, hypotheses, message):
    with pytest.raises(ValueError, match=message):
        metrics.wer(references, hypotheses)


# Few distinct scores, so that there are ties.
ranked = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=2, max_size=30)


@given(ranked)
def test_ranking_is_scikit_learns_on_ties(pairs):
    labels, scores = map(np.array, zip(*pairs, strict=True))
    if labels.any():
        assert metrics.average_precision(labels, scores) == pytest.approx(
            average_precision_score(labels, scores)
        )
        threshold, value = metrics.best_threshold(labels, scores)
        rivals = [f1_score(labels, scores >= s) for s in np.unique(scores)]
        assert value == pytest.approx(max(rivals))
        assert metrics.f1(labels, scores >= threshold) == pytest.approx(value)
    if labels.any() and not labels.all():
        assert metrics.roc_auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))


def test_ranking_by_class_and_label_ranking_are_scikit_learns():
    rng = np.random.default_rng(0)
    for _ in range(50):
        labels = rng.integers(0, 2, (20, 4))
        labels[0], labels[1] = 1, 0
        scores = rng.integers(0, 6, (20, 4)) / 5
        np.testing.assert_allclose(
            metrics.average_precision(labels, scores),
            average_precision_score(labels, scores, average=None),
        )
        np.testing.assert_allclose(
            metrics.roc_auc(labels, scores), roc_auc_score(labels, scores, average=None)
        )
        weights = labels.sum(axis=1)
        expected = label_ranking_average_precision_score(
            labels[weights > 0], scores[weights > 0], sample_weight=weights[weights > 0]
        )
        assert metrics.lwlrap(labels, scores) == pytest.approx(expected)


def test_classes_without_positives_are_left_out_and_named():
    labels = np.array([[1, 0, 1], [0, 0, 1]])
    scores = np.array([[0.9, 0.5, 0.1], [0.2, 0.4, 0.3]])
    with pytest.warns(UserWarning, match="lack a positive: classes 1$"):
        assert metrics.average_precision(labels, scores).tolist() == [1.0, 1.0]
    with pytest.warns(UserWarning, match="classes 1, 2$"):
        assert metrics.roc_auc(labels, scores).tolist() == [1.0]
    with pytest.raises(ValueError, match="no class has a positive"):
        metrics.average_precision([0, 0], [0.1, 0.2])


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([1, 0], [0.5], "they must be alike"),
        ([1, 2], [0.5, 0.1], "labels must be 0 or 1"),
        ([1, 0], [0.5, float("nan")], "1 scores are NaN"),
        (np.zeros((1, 1, 1)), np.zeros((1, 1, 1)), "must be"),
    ],
)
@pytest.mark.parametrize("measure", [metrics.average_precision, metrics.roc_auc])
def test_bad_scores(measure, labels, scores, message):
    with pytest.raises(ValueError, match=message):
        measure(labels, scores)


def test_d_prime_is_the_distance_of_two_gaussians():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(1.5, 1, 20_000), rng.normal(0, 1, 20_000)])
    labels = np.repeat([1, 0], 20_000)
    assert metrics.d_prime(metrics.roc_auc(labels, scores)) == pytest.approx(1.5, abs=0.03)
    assert metrics.d_prime([0.5]).tolist() == [0.0]
    with pytest.raises(ValueError, match="0 to 1"):
        metrics.d_prime(1.2)


def test_events_fit_within_their_tolerances():
    wanted = [[Event("bell", 1.0, 2.0)]]
    for start, end, value in [
        (1.19, 2.0, 1.0),
        (1.21, 2.0, 0.0),
        (1.0, 2.49, 1.0),  # half of a second of duration
        (1.0, 2.51, 0.0),
    ]:
        assert metrics.event_f1(wanted, [[Event("bell", start, end)]]) == value
    assert metrics.event_f1(wanted, [[Event("dog", 1.0, 2.0)]]) == 0.0
    short = [[Event("bell", 1.0, 1.1)]]
    assert metrics.event_f1(short, [[Event("bell", 1.0, 1.29)]]) == 1.0  # the collar is more
    assert metrics.event_f1([[]], [[]]) == 0.0
    with pytest.raises(ValueError, match="ends before it starts"):
        metrics.event_f1(wanted, [[Event("bell", 2.0, 1.0)]])
    with pytest.raises(ValueError, match="1 clips of references, 2"):
        metrics.event_f1(wanted, [[], []])


def test_one_detection_is_not_right_twice_and_as_many_pairs_as_possible_are_made():
    two = [[Event("bell", 1.0, 2.0), Event("bell", 1.15, 2.0)]]
    assert metrics.event_f1(two, [[Event("bell", 1.1, 2.0)]]) == pytest.approx(2 / 3)
    # The first detection fits both references, the second only the first.
    got = [[Event("bell", 1.1, 2.0), Event("bell", 0.85, 2.0)]]
    assert metrics.event_f1(two, got) == 1.0


def test_the_interval_is_that_of_drawing_speakers():
    """Two speakers, one with 0 of 10 wrong, one with 4 of 10: 0, 0.2 or 0.4, by 1, 2, 1 in 4."""
    arguments = ([0, 1, 3], [10, 5, 5], ["a", "b", "b"])
    assert metrics.bootstrap_interval(*arguments) == (0.0, 0.4)
    assert metrics.bootstrap_interval(*arguments, level=0.4) == pytest.approx((0.2, 0.2))


def test_the_interval_covers_what_it_should():
    """Of many samples of 20 speakers of a known population, about nine in ten."""
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(200):
        rates = rng.beta(2, 18, size=20)  # mean 0.1
        errors = rng.binomial(50, rates)
        low, high = metrics.bootstrap_interval(
            errors, np.full(20, 50), [str(i) for i in range(20)], seed=seed, draws=1000
        )
        hits += low <= 0.1 <= high
    assert 170 <= hits <= 198


def test_the_interval_does_not_depend_on_how_a_speaker_s_words_are_cut_or_ordered():
    rng = np.random.default_rng(1)
    errors, words = rng.integers(0, 4, 40), rng.integers(4, 9, 40)
    speakers = [f"s{i % 8}" for i in range(40)]
    whole = metrics.bootstrap_interval(errors, words, speakers, seed=3)
    order = rng.permutation(40)
    assert whole == metrics.bootstrap_interval(
        errors[order], words[order], [speakers[i] for i in order], seed=3
    )
    summed = [
        [sum(values[i] for i in range(40) if speakers[i] == s) for s in sorted(set(speakers))]
        for values in (errors, words)
    ]
    assert whole == metrics.bootstrap_interval(*summed, sorted(set(speakers)), seed=3)
    assert whole != metrics.bootstrap_interval(errors, words, speakers, seed=4)
    low, high = metrics.bootstrap_interval(errors - errors, words, speakers)
    assert low == high == 0
    assert metrics.bootstrap_interval(-errors, words, speakers)[1] < 0


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([1, 2], [3], ["a", "b"]), r"got \(2,\), \(1,\) and 2"),
        (([1, 2], [3, 4], ["a", "a"]), "1 speaker: nobody else to draw"),
        (([1, 0], [3, 0], ["a", "b"]), "b has no reference word"),
        (([1, 2], [3, 4], ["a", "b"], 0, 1.0), "level must be between 0 and 1, got 1.0"),
    ],
)
def test_no_interval(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.bootstrap_interval(*arguments)
