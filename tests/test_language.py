import itertools
import math
import random

import pytest

from course_utils import language
from course_utils.datasets.text import Alphabet
from course_utils.language import END, NEVER, START, UNKNOWN, Lexicon, NGram, TokenModel

SENTENCES = ["call one two", "call two", "call one one two"]
WORDS = [sentence.split() for sentence in SENTENCES]


def random_sentences(seed, count=60):
    rng = random.Random(seed)
    return [[rng.choice("aaabbcd") for _ in range(rng.randint(0, 6))] for _ in range(count)]


# By hand, D = 0.5. Sentences: <s> call one two </s>, <s> call two </s>, <s> call one one two </s>.
#
# Bigrams, a = count: <s> call 3, call one 2, call two 1, one two 2, one one 1, two </s> 3.
# Unigrams, a = how many different words stand before: call 1 (<s>), one 2 (call, one),
# two 2 (one, call), </s> 1 (two); their sum is 6, there are 4 kinds.
# The vocabulary has 5: call, one, two, </s>, <unk>.
#   left() = 0.5 · 4 / 6 = 1/3, shared by 5
#   P(one) = 1.5 / 6 + 1/15 = 19/60,  P(call) = 0.5 / 6 + 1/15 = 9/60,  P(<unk>) = 4/60
#   after call: a = 3, 2 kinds, left = 0.5 · 2 / 3 = 1/3
#   P(one | call) = 1.5 / 3 + 1/3 · 19/60 = 109/180
#   P(call | call) = 1/3 · 9/60 = 9/180
BY_HAND = [
    ("one", "", 19 / 60),
    ("two", "", 19 / 60),
    ("call", "", 9 / 60),
    (END, "", 9 / 60),
    ("seven", "", 4 / 60),
    ("one", "call", 109 / 180),
    ("two", "call", 0.5 / 3 + 19 / 180),
    ("call", "call", 9 / 180),
    ("nine", "call", 4 / 180),
    ("call", START, 2.5 / 3 + 0.5 / 3 * 9 / 60),
    ("two", "one", 1.5 / 3 + 1 / 3 * 19 / 60),
    ("one", "seven", 19 / 60),
]


@pytest.mark.parametrize("word, history, expected", BY_HAND)
def test_bigrams_by_hand(word, history, expected):
    lm = language.kneser_ney(WORDS, order=2, discount=0.5)
    assert math.exp(lm.log_prob(word, history.split())) == pytest.approx(expected)


def test_the_first_of_three_orders_by_hand():
    """Bigrams of a trigram model count what stands before, but those after <s> how often."""
    lm = language.kneser_ney(WORDS, order=3, discount=0.5)
    # call one: after <s> only; call two: after <s> only; so a(call) = 2, 2 kinds, left 1/2.
    two = 0.5 / 2 + 1 / 2 * 19 / 60
    assert math.exp(lm.log_prob("two", ["call"])) == pytest.approx(two)
    # <s> call one 2, <s> call two 1: a = 3, left 1/3.
    assert math.exp(lm.log_prob("two", [START, "call"])) == pytest.approx(0.5 / 3 + 1 / 3 * two)
    # <s> call keeps its count 3 of 3.
    assert math.exp(lm.log_prob("call", [START])) == pytest.approx(2.5 / 3 + 0.5 / 3 * 9 / 60)


def test_discounts_come_from_ones_and_twos():
    # of the bigrams, n1 = 2 (call two, one one), n2 = 2 (call one, one two): D = 2 / 6
    lm = language.kneser_ney(WORDS, order=2)
    unigram = 1.5 / 6 + 0.5 * 4 / 6 / 5  # n1 = n2 = 2 as well: D = 1/3
    unigram = (2 - 1 / 3) / 6 + (1 / 3) * 4 / 6 / 5
    expected = (2 - 1 / 3) / 3 + (1 / 3) * 2 / 3 * unigram
    assert math.exp(lm.log_prob("one", ["call"])) == pytest.approx(expected)


def test_without_ones_or_twos_the_discount_is_a_half():
    sentences = [["a"]] * 5 + [["b"]] * 5
    lm = language.kneser_ney(sentences, order=2)
    unigram = 0.5 / 4 + 0.5 * 3 / 4 / 4  # a and b after <s>, </s> after both: 1, 1, 2
    assert math.exp(lm.log_prob("a", [START])) == pytest.approx(4.5 / 10 + 0.5 * 2 / 10 * unigram)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("discount", [None, 0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_probabilities_sum_to_one_after_every_history(order, discount, seed):
    lm = language.kneser_ney(random_sentences(seed), order, discount)
    assert lm.order == order
    assert lm.vocabulary == sorted(["a", "b", "c", "d", END, UNKNOWN])
    histories = [(), (START,), (START, "a"), *itertools.product("abz", repeat=order - 1)]
    for history in histories:
        total = sum(math.exp(lm.log_prob(word, history)) for word in lm.vocabulary)
        assert total == pytest.approx(1, abs=1e-9)


def test_kneser_ney_asks_in_how_much_company_a_word_was_seen():
    """Chen and Goodman's example: francisco is frequent, but after san alone."""
    texts = ["san francisco"] * 10 + ["the cat", "a cat", "my cat", "one cat"]
    lm = language.kneser_ney([text.split() for text in texts], order=2)
    assert lm.log_prob("cat", ["every"]) > lm.log_prob("francisco", ["every"])
    assert lm.log_prob("francisco", ["san"]) > lm.log_prob("cat", ["san"])


def test_perplexity_by_hand():
    uniform = NGram({(w,): math.log10(1 / 4) for w in ("a", "b", END, UNKNOWN)}, {})
    assert uniform.perplexity([["a", "b", "z"], []]) == pytest.approx(4)
    halves = NGram({("a",): math.log10(1 / 2), (END,): math.log10(1 / 8)}, {})
    # a a </s>: (1/2 · 1/2 · 1/8) ** (-1/3) = 32 ** (1/3)
    assert halves.perplexity([["a", "a"]]) == pytest.approx(32 ** (1 / 3))
    assert halves.sentence_log_prob(["a", "a"]) == pytest.approx(-math.log(32))
    assert halves.perplexity([["z"]]) == math.inf  # no <unk>


def test_a_better_history_makes_it_less_unsure_on_other_sentences():
    rng = random.Random(1)
    cycle = {"a": "b", "b": "c", "c": "a"}

    def sentence():
        units = [rng.choice("abc")]
        for _ in range(8):
            units.append(cycle[units[-1]] if rng.random() < 0.9 else rng.choice("abc"))
        return units

    train, other = ([sentence() for _ in range(200)] for _ in range(2))
    unsure = [language.kneser_ney(train, order).perplexity(other) for order in (1, 2)]
    assert unsure[1] < 0.7 * unsure[0]


def test_a_model_is_read_as_it_was_written(tmp_path):
    lm = language.kneser_ney(random_sentences(4), order=3)
    lm.write_arpa(tmp_path / "lm.arpa")
    read = language.read_arpa(tmp_path / "lm.arpa")
    assert read.log_probs == lm.log_probs and read.backoffs == lm.backoffs
    assert read.order == 3 and read.vocabulary == lm.vocabulary
    text = (tmp_path / "lm.arpa").read_text(encoding="utf-8")
    assert text.startswith(f"\\data\\\nngram 1={len(lm.vocabulary) + 1}\nngram 2=")
    assert f"\n{NEVER}\t<s>\t" in text and text.endswith("\\end\\\n")
    (tmp_path / "crlf.arpa").write_bytes(text.replace("\n", "\r\n").encode())
    assert language.read_arpa(tmp_path / "crlf.arpa").log_probs == lm.log_probs


# In the form that KenLM writes: tabs, no back-off weight in the last order or after </s>.
KENLM = """\\data\\
ngram 1=5
ngram 2=4
ngram 3=2

\\1-grams:
-1.0\t<unk>\t0
0\t<s>\t-0.5
-0.75\t</s>\t0
-0.5\thello\t-0.25
-0.625\tworld\t-0.125

\\2-grams:
-0.25\t<s> hello\t-0.0625
-0.375\thello world\t-0.5
-0.125\tworld </s>\t0
-0.875\thello </s>\t0

\\3-grams:
-0.03125\t<s> hello world
-0.0625\thello world </s>

\\end\\
"""


def test_a_file_of_kenlm_is_read_and_backed_off_by_hand(tmp_path):
    path = tmp_path / "kenlm.arpa"
    path.write_text("made by a program\n\n" + KENLM, encoding="utf-8")
    lm = language.read_arpa(path)
    for word, history, log10 in [
        ("hello", "", -0.5),
        ("hello", "<s>", -0.25),
        ("world", "<s> hello", -0.03125),
        ("</s>", "<s> hello", -0.0625 - 0.875),  # no trigram: b(<s> hello), then the bigram
        ("hello", "<s> hello", -0.0625 - 0.25 - 0.5),  # b(<s> hello), b(hello), unigram
        ("</s>", "world world", -0.125),  # world world is not listed: its weight is 1
        ("moon", "hello world", -0.5 - 0.125 - 1.0),
        ("world", "moon", -0.625),  # b(<unk>) = 0
        ("world", "never looked at <s> hello", -0.03125),
    ]:
        assert lm.log_prob(word, history.split()) == pytest.approx(math.log(10) * log10)
    assert lm.perplexity([["hello", "world"]]) == pytest.approx(10 ** (0.34375 / 3))


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("\\data\\", "data", "no ARPA file, it has no line \\data\\"),
        ("ngram 2=4", "ngram 2:4", "line 3: expected 'ngram N=COUNT', got 'ngram 2:4'"),
        ("ngram 2=4", "ngram 2=5", "5 2-grams were announced, but there are 4"),
        ("-0.5\thello\t", "half\thello\t", "line 10: not a number, in 'half\\thello"),
        ("-0.5\thello\t", "0.5\thello\t", "line 10: not the log10 of a probability"),
        ("-0.5\thello\t", "nan\thello\t", "line 10: not the log10 of a probability"),
        ("world </s>\t0", "world\t0 9 9", "line 16: expected a log10, 2 units and perhaps"),
        ("hello </s>\t0", "world </s>\t0", "line 17: 'world </s>' comes twice"),
        ("\\3-grams:", "\\4-grams:", "line 19: expected one of the announced sections, in order"),
        ("\\3-grams:", "\\three-grams:", "line 19: expected one of the announced"),
        ("\\end\\\n", "", "the file ends without \\end\\: it was cut short"),
    ],
)
def test_a_damaged_file_is_named_with_the_line(tmp_path, old, new, message):
    path = tmp_path / "damaged.arpa"
    assert old in KENLM
    path.write_text(KENLM.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError) as error:
        language.read_arpa(path)
    assert str(path) in str(error.value)
    assert message.replace("\\\\t", "\\t") in str(error.value)


def test_what_is_no_text_or_not_there(tmp_path):
    (tmp_path / "lm.gz").write_bytes(b"\x1f\x8b\x08\x00\xff\xfe")
    with pytest.raises(ValueError, match="no text in UTF-8"):
        language.read_arpa(tmp_path / "lm.gz")
    with pytest.raises(FileNotFoundError):
        language.read_arpa(tmp_path / "none.arpa")
    with pytest.raises(ValueError, match="' ' can't stand in an ARPA file"):
        language.kneser_ney([list("a b")], 2).write_arpa(tmp_path / "x.arpa")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((["a b"],), "cut it into words"),
        (([],), "there are no sentences"),
        (([["a", "</s>"]],), "are added by the model"),
        (([["a"]], 0), "order must be a whole number of at least 1, got 0"),
        (([["a"]], 2, 1.5), "discount must be 0 to 1, got 1.5"),
    ],
)
def test_kneser_ney_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        language.kneser_ney(*arguments)


def test_no_model_without_n_grams():
    with pytest.raises(ValueError, match="at least one n-gram"):
        NGram({}, {})


@pytest.mark.parametrize("order", [1, 2, 4])
def test_a_token_model_says_of_a_text_what_its_n_gram_says(order):
    alphabet = Alphabet.of(SENTENCES)
    units = [language.token_names(text, alphabet) for text in SENTENCES]
    assert "".join(units[1]) == "call␣two"
    lm = TokenModel(language.kneser_ney(units, order), alphabet)
    assert lm.separator is None
    for text in ["call two one", "wont", ""]:
        state, total = lm.start(), 0.0
        for token in alphabet.encode(text):
            log_prob, state = lm.score(state, token)
            total += log_prob
            hash(state)
        expected = lm.ngram.sentence_log_prob(language.token_names(text, alphabet))
        assert total + lm.end(state) == pytest.approx(expected)


def spell(lexicon, alphabet, text):
    """Log-probability of a text by a lexicon, -inf where it is not allowed."""
    state, total = lexicon.start(), 0.0
    for token in alphabet.encode(text):
        log_prob, state = lexicon.score(state, token)
        total += log_prob
    return total + lexicon.end(state)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_lexicon_says_of_a_text_what_the_model_of_words_says(order):
    alphabet = Alphabet.of(SENTENCES)
    ngram = language.kneser_ney(WORDS, order)
    lexicon = Lexicon(["call", "one", "two", "on"], alphabet, ngram)
    for text in ["call two one", "one", "call call on one two", ""]:
        expected = ngram.sentence_log_prob(text.split())
        assert spell(lexicon, alphabet, text) == pytest.approx(expected)


@pytest.mark.parametrize("with_model", [True, False])
def test_a_lexicon_allows_its_words_with_single_spaces_between_and_nothing_else(with_model):
    alphabet = Alphabet.of(SENTENCES)
    ngram = language.kneser_ney(WORDS, 1) if with_model else None
    lexicon = Lexicon(["call", "one", "two"], alphabet, ngram)
    for text in ["cal", "calll", "cal one", "call  one", " one", "one ", "onetwo", "lo", "one tw"]:
        assert spell(lexicon, alphabet, text) == -math.inf, text
    if not with_model:
        assert spell(lexicon, alphabet, "two one two") == spell(lexicon, alphabet, "") == 0.0


@pytest.mark.parametrize(
    "words, alphabet, message",
    [
        ([], Alphabet("ab "), "at least one word"),
        (["a b"], Alphabet("ab "), "not a word: 'a b'"),
        ([""], Alphabet("ab "), "not a word: ''"),
        (["abc"], Alphabet("ab "), "not in the alphabet"),
        (["a"], Alphabet("ab"), "needs characters, a space among them"),
        (["a"], Alphabet(["a", "b"], separator=" "), "needs characters"),
    ],
)
def test_a_lexicon_refuses(words, alphabet, message):
    with pytest.raises(ValueError, match=message):
        Lexicon(words, alphabet)
