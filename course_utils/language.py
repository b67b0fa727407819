"""Language models that count: n-grams with Kneser-Ney smoothing, ARPA files, and a lexicon.

Everything is over units: words, characters, or parts of words. A sentence is a sequence of units; a
model adds what is before it, `<s>`, and what ends it, `</s>`, and knows `<unk>`, any unit that it
has never seen.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

from course_utils.datasets.text import Alphabet

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
NEVER = -99.0  # the log10 that ARPA files give to what is never predicted, `<s>`
LN10 = math.log(10)

Gram = tuple[str, ...]


class NGram:
    """A backing-off n-gram model: what an ARPA file says, and nothing else.

    P(w | h) is the number listed for the n-gram h w. Where there is none, it is b(h) P(w | h'),
    where h' is h without its first unit, and b(h) the back-off weight listed for h, or 1.
    """

    def __init__(self, log_probs: dict[Gram, float], backoffs: dict[Gram, float]) -> None:
        """Take the two tables over.

        Args:
            log_probs: log10 P(w | h) of each listed n-gram (*h, w).
            backoffs: log10 b(h); what is missing is 0.

        Raises:
            ValueError: there are no n-grams.
        """
        if not log_probs:
            raise ValueError("a language model needs at least one n-gram")
        self.log_probs, self.backoffs = log_probs, backoffs
        self.order = max(map(len, log_probs))
        self.vocabulary = sorted(w for (w, *rest) in log_probs if not rest and w != START)
        self._known = {*self.vocabulary, START}

    def log_prob(self, unit: str, history: Sequence[str] = ()) -> float:
        """Log-probability of a unit, ln P(unit | history); what was never seen counts as `<unk>`.

        Args:
            unit: a word, a character, or `</s>`.
            history: the units before it, the oldest first, `<s>` at the start of a sentence. More
                than order - 1 are not looked at.
        """
        known = (w if w in self._known else UNKNOWN for w in (*history, unit))
        *h, w = list(known)[-self.order :]
        return LN10 * self._log10(w, tuple(h))

    def _log10(self, w: str, h: Gram) -> float:
        if (listed := self.log_probs.get((*h, w))) is not None:
            return listed
        if not h:
            return -math.inf  # only `<unk>`, in a file that does not list it
        return self.backoffs.get(h, 0.0) + self._log10(w, h[1:])

    def sentence_log_prob(self, sentence: Sequence[str]) -> float:
        """Log-probability of a sentence, its end included."""
        units = [START, *sentence, END]
        return sum(self.log_prob(w, units[:i]) for i, w in enumerate(units) if i)

    def perplexity(self, sentences: Iterable[Sequence[str]]) -> float:
        """How unsure it is: as among so many units, all alike. The exp of the mean -ln P of a unit.

        The end of a sentence is one of its units, the start is not.

        Raises:
            ValueError: there are no sentences, or `sentences` holds texts (cut them into units).
        """
        sentences = _checked(sentences)
        units = sum(len(sentence) + 1 for sentence in sentences)
        total = sum(self.sentence_log_prob(sentence) for sentence in sentences)
        return math.exp(-total / units)

    def write_arpa(self, path: str | Path) -> None:
        """Write the model as an ARPA file, which KenLM and SRILM read as well.

        Raises:
            ValueError: a unit is empty or holds white space.
        """
        for unit in self.vocabulary:
            if len(unit.split()) != 1 or unit.strip() != unit:
                raise ValueError(
                    f"the unit {unit!r} can't stand in an ARPA file, where white space separates: "
                    "name it otherwise, for instance ␣"
                )
        levels: dict[int, list[Gram]] = defaultdict(list)
        for gram in sorted(self.log_probs):
            levels[len(gram)].append(gram)
        lines = ["\\data\\", *(f"ngram {n}={len(levels[n])}" for n in sorted(levels)), ""]
        for n in sorted(levels):
            lines.append(f"\\{n}-grams:")
            for gram in levels[n]:
                columns = [repr(self.log_probs[gram]), " ".join(gram)]
                if gram in self.backoffs:
                    columns.append(repr(self.backoffs[gram]))
                lines.append("\t".join(columns))
            lines.append("")
        Path(path).write_text("\n".join([*lines, "\\end\\", ""]), encoding="utf-8")


def read_arpa(path: str | Path) -> NGram:
    """Read an ARPA file, of KenLM, SRILM or `NGram.write_arpa`.

    Args:
        path: of the file, plain text in UTF-8.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no ARPA file, or damaged; the message holds the file and the line.
    """
    path = Path(path)
    counts: dict[int, int] = {}
    log_probs: dict[Gram, float] = {}
    backoffs: dict[Gram, float] = {}
    order, found, ended = None, Counter[int](), False
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: no text in UTF-8 ({error.reason}); is it compressed?") from error
    for number, line in enumerate(map(str.strip, lines), start=1):
        where = f"{path}, line {number}"
        if order is None:  # everything before \data\ is a comment
            order = 0 if line == "\\data\\" else None
        elif not line:
            continue
        elif line == "\\end\\":
            ended = True
            break
        elif line.startswith("\\") and line.endswith("-grams:"):
            order += 1
            if line != f"\\{order}-grams:" or order not in counts:
                raise ValueError(
                    f"{where}: expected one of the announced sections, in order, got {line!r}"
                )
        elif order == 0:
            if (announced := re.fullmatch(r"ngram\s+(\d+)\s*=\s*(\d+)", line)) is None:
                raise ValueError(f"{where}: expected 'ngram N=COUNT', got {line!r}")
            counts[int(announced[1])] = int(announced[2])
        else:
            fields = line.split()
            gram = tuple(fields[1 : order + 1])
            if len(fields) not in (order + 1, order + 2):
                raise ValueError(
                    f"{where}: expected a log10, {order} units and perhaps a back-off weight, "
                    f"got {line!r}"
                )
            try:
                log_prob, *rest = map(float, (fields[0], *fields[order + 1 :]))
            except ValueError:
                raise ValueError(f"{where}: not a number, in {line!r}") from None
            if not log_prob <= 1e-6 or not all(map(math.isfinite, rest)):
                raise ValueError(f"{where}: not the log10 of a probability, in {line!r}")
            if gram in log_probs:
                raise ValueError(f"{where}: {' '.join(gram)!r} comes twice")
            log_probs[gram] = log_prob
            if rest:
                backoffs[gram] = rest[0]
            found[order] += 1
    if order is None:
        raise ValueError(f"{path}: no ARPA file, it has no line \\data\\")
    if not ended:
        raise ValueError(
            f"{path}, line {len(lines)}: the file ends without \\end\\: it was cut short"
        )
    for n, count in counts.items():
        if found[n] != count:
            raise ValueError(f"{path}: {count} {n}-grams were announced, but there are {found[n]}")
    if not log_probs:
        raise ValueError(f"{path}: there are no n-grams")
    return NGram(log_probs, backoffs)


def kneser_ney(
    sentences: Iterable[Sequence[str]], order: int = 3, discount: float | None = None
) -> NGram:
    """An interpolated Kneser-Ney model: each count is lowered, and the shorter history gets it.

    P(w | h) = max(a(h w) - D, 0) / a(h) + D · n(h) / a(h) · P(w | h')

    a(h w) is how often h w was seen in the highest order and after `<s>`, elsewhere in how many
    different units' company: after how many different ones. a(h) is the sum of a(h w), n(h) how
    many different w there were. Below one unit, P is uniform over the vocabulary with `</s>` and
    `<unk>`.

    Args:
        sentences: each a sequence of units.
        order: longest n-gram, at least 1.
        discount: D, 0 to 1; when None, for each order n1 / (n1 + 2 n2), where n1 and n2 count the
            n-grams with a = 1 and 2, and 0.5 where one of them is 0.

    Raises:
        ValueError: no sentences, texts instead of units, a sentence that holds `<s>` or `</s>`, or
            an argument out of range.

    Source: Kneser and Ney (1995), https://doi.org/10.1109/ICASSP.1995.479394, interpolated as in
        Chen and Goodman (1999), https://doi.org/10.1006/csla.1999.0128; `<s>` and the uniform end
        as in Heafield et al. (2013), https://aclanthology.org/P13-2121
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order must be a whole number of at least 1, got {order!r}")
    if discount is not None and not 0 <= discount <= 1:
        raise ValueError(f"discount must be 0 to 1, got {discount!r}")
    sentences = _checked(sentences)
    counts = _adjusted_counts(sentences, order)
    vocabulary = {w for sentence in sentences for w in sentence} | {END, UNKNOWN}
    log_probs: dict[Gram, float] = {(START,): NEVER}
    backoffs: dict[Gram, float] = {}
    below: dict[Gram, float] = {}  # P(w | h) of the order below
    for n in range(1, order + 1):
        D = _discount(counts[n]) if discount is None else discount
        sums, kinds = Counter[Gram](), Counter[Gram]()  # a(h), n(h)
        for gram, a in counts[n].items():
            sums[gram[:-1]] += a
            kinds[gram[:-1]] += 1
        left = {h: D * kinds[h] / sums[h] for h in sums}  # what the shorter history gets
        if n == 1:
            for w in vocabulary:
                below[(w,)] = (max(counts[1][(w,)] - D, 0) / sums[()]) + left[()] / len(vocabulary)
            here = below
        else:
            here = {
                gram: max(a - D, 0) / sums[gram[:-1]] + left[gram[:-1]] * below[gram[1:]]
                for gram, a in counts[n].items()
            }
            backoffs |= {h: _log10(b) for h, b in left.items()}
        log_probs |= {gram: _log10(p) for gram, p in here.items()}
        below = here
    return NGram(log_probs, backoffs)


def _adjusted_counts(sentences: Sequence[Gram], order: int) -> list[Counter[Gram]]:
    """The a of all n-grams, at index n: counts at the top, kinds of company below."""
    counts = [Counter[Gram]() for _ in range(order + 1)]
    for sentence in sentences:
        units = (START, *sentence, END)
        for n in range(1, order + 1):
            counts[n].update(units[i : i + n] for i in range(len(units) - n + 1))
    del counts[1][(START,)]  # it is never predicted
    for n in range(1, order):
        company = Counter(gram[1:] for gram in counts[n + 1])
        # Nothing comes before <s>: there, the counts themselves are kept.
        counts[n] = Counter({g: c if g[0] == START else company[g] for g, c in counts[n].items()})
    return counts


def _discount(counts: Counter[Gram]) -> float:
    n1, n2 = (sum(a == k for a in counts.values()) for k in (1, 2))
    return n1 / (n1 + 2 * n2) if n1 and n2 else 0.5


def _log10(p: float) -> float:
    return math.log10(p) if p > 0 else NEVER


def _checked(sentences: Iterable[Sequence[str]]) -> list[Gram]:
    """The sentences as tuples of units."""
    found = []
    for sentence in sentences:
        if isinstance(sentence, str):
            raise ValueError(
                f"a sentence is a sequence of units, got the text {sentence!r}: cut it into words, "
                "text.split(), or into characters, list(text)"
            )
        if START in sentence or END in sentence:
            raise ValueError(f"{START} and {END} are added by the model: {' '.join(sentence)!r}")
        found.append(tuple(sentence))
    if not found:
        raise ValueError("there are no sentences")
    return found


class TokenModel:
    """An n-gram model over a recogniser's own tokens, for `decoding`: each token is a unit."""

    separator = None

    def __init__(self, ngram: NGram, alphabet: Alphabet) -> None:
        """The units must be `alphabet.names` (a blank space is called ␣): see `token_names`."""
        self.ngram, self._names = ngram, alphabet.names
        self._memory: dict[tuple[Hashable, int], tuple[float, Hashable]] = {}

    def start(self) -> Hashable:
        """The state before the first token: the units so far, at most order - 1."""
        return self._cut((START,))

    def score(self, state: Hashable, token: int) -> tuple[float, Hashable]:
        """Log-probability of a token, and the state after it."""
        if (known := self._memory.get((state, token))) is None:
            unit = self._names[token]
            known = self.ngram.log_prob(unit, state), self._cut((*state, unit))
            self._memory[state, token] = known
        return known

    def end(self, state: Hashable) -> float:
        """Log-probability that the text ends here."""
        return self.ngram.log_prob(END, state)

    def _cut(self, history: Gram) -> Gram:
        return history[-(self.ngram.order - 1) :] if self.ngram.order > 1 else ()


def token_names(text: str, alphabet: Alphabet) -> list[str]:
    """A text as the names of its tokens: units for the n-gram of a `TokenModel`."""
    return [alphabet.names[token] for token in alphabet.encode(text)]


class Lexicon:
    """Only words of a list may be spelled; a model of words, where given, says how likely they are.

    For `decoding`, over the tokens of an alphabet of characters. A word counts when it is finished:
    at the space after it, or at the end of the text. Until then it costs nothing, however rare
    everything is that it could become. Spaces stand between words only: none at the start or the
    end, no two in a row.
    """

    def __init__(
        self, words: Iterable[str], alphabet: Alphabet, ngram: NGram | None = None
    ) -> None:
        """Put the words into a tree, one branch a character.

        Args:
            words: that may be written.
            alphabet: of characters, the space among them.
            ngram: over words; None takes all words as equally good, and they cost nothing.

        Raises:
            ValueError: no words, one that the alphabet can't spell, or an alphabet without a space.
        """
        if alphabet.separator or " " not in alphabet.symbols:
            raise ValueError(f"a lexicon needs characters, a space among them; got {alphabet!r}")
        self.ngram, self.separator = ngram, alphabet.encode(" ")[0]
        self._branches: list[dict[int, int]] = [{}]  # of each node: token, next node
        self._words: list[str | None] = [None]  # that ends at each node
        for word in words:
            tokens, node = alphabet.encode(word), 0
            if not tokens or self.separator in tokens:
                raise ValueError(f"not a word: {word!r}")
            for token in tokens:
                if token not in self._branches[node]:
                    self._branches[node][token] = len(self._branches)
                    self._branches.append({})
                    self._words.append(None)
                node = self._branches[node][token]
            self._words[node] = word
        if len(self._words) == 1:
            raise ValueError("a lexicon needs at least one word")
        self._reach = 1 if ngram is None else max(ngram.order - 1, 1)  # words to remember
        self._memory: dict[tuple[str, Gram], float] = {}

    def start(self) -> Hashable:
        """The state before the first token: the last words, and where in a word."""
        return (START,), 0

    def score(self, state: Hashable, token: int) -> tuple[float, Hashable]:
        """What a space costs, the word that it finishes; 0 for a letter that fits, -inf if none."""
        history, node = state
        if token != self.separator:
            after = self._branches[node].get(token)
            return (-math.inf, state) if after is None else (0.0, (history, after))
        word = self._words[node]
        if word is None:
            return -math.inf, state
        return self._log_prob(word, history), (self._next(history, word), 0)

    def end(self, state: Hashable) -> float:
        """Log-probability of the last word, and that the text ends after it."""
        history, node = state
        if state == self.start():
            return self._log_prob(END, history)
        word = self._words[node]
        if word is None:
            return -math.inf
        return self._log_prob(word, history) + self._log_prob(END, self._next(history, word))

    def _log_prob(self, word: str, history: Gram) -> float:
        if self.ngram is None:
            return 0.0
        if (known := self._memory.get((word, history))) is None:
            known = self._memory[word, history] = self.ngram.log_prob(word, history)
        return known

    def _next(self, history: Gram, word: str) -> Gram:
        return (*history, word)[-self._reach :]
