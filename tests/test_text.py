import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.datasets import commands, digits
from course_utils.datasets.text import BLANK, Alphabet


@given(st.text(alphabet="abc '"))
def test_decode_takes_encode_back(text):
    alphabet = Alphabet(" 'abc")
    tokens = alphabet.encode(text)
    assert alphabet.decode(tokens) == text
    assert all(BLANK < token < alphabet.size for token in tokens)


def test_symbols_are_numbered_from_one():
    alphabet = Alphabet("cab")
    assert alphabet.encode("abc") == [2, 3, 1]
    assert alphabet.size == 4
    assert alphabet.names == ["-", "c", "a", "b"]
    assert Alphabet(" a").names == ["-", "␣", "a"]


def test_words_are_symbols_too():
    alphabet = Alphabet(digits.WORDS, separator=" ")
    assert alphabet.encode("nine one  one") == [10, 2, 2]
    assert alphabet.decode(np.array([10, 2, 2])) == "nine one one"


def test_an_alphabet_of_the_bundled_texts():
    alphabet = Alphabet.of(row["text"] for row in commands.load("train").table)
    assert alphabet.symbols == tuple(" 'abcdefghiklmnoprstuvwxyz")
    for row in commands.load("test").table:
        assert alphabet.decode(alphabet.encode(row["text"])) == row["text"]


def test_foreign_characters_are_named():
    with pytest.raises(ValueError, match=r"\['7', 'E'\] in 'E7a'"):
        Alphabet("abc").encode("E7a")


@pytest.mark.parametrize(("token", "message"), [(0, "collapse"), (4, "1 to 3"), (-1, "no token")])
def test_tokens_outside_are_refused(token, message):
    with pytest.raises(ValueError, match=message):
        Alphabet("abc").decode([1, token])


@pytest.mark.parametrize(
    ("symbols", "separator", "message"),
    [
        ("", "", "at least one"),
        ("aba", "", r"twice: \['a'\]"),
        (["one", "two"], "", "separator"),
        (["one two"], " ", "not a symbol"),
        ([""], " ", "not a symbol"),
    ],
)
def test_bad_alphabets_are_refused(symbols, separator, message):
    with pytest.raises(ValueError, match=message):
        Alphabet(symbols, separator)


def test_one_string_is_not_a_list_of_texts():
    with pytest.raises(ValueError, match="list of strings"):
        Alphabet.of("abc")
