import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix

from course_utils import metrics

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
