"""Learning a vocabulary from text in several languages."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.trainers import BpeTrainer

from xlm_text.bpe.subwords import END_OF_WORD
from xlm_text.errors import InputError
from xlm_text.files.vocabulary import CONTROL_TOKENS, SPECIAL_TOKENS, Vocabulary
from xlm_text.settings import Settings
from xlm_text.tokenizer import XLMTokenizer

# Different words of all languages that are learnt from: so many take about two gigabytes.
MOST_WORDS = 2_000_000
_FIRST_TOKENS = [*CONTROL_TOKENS, *SPECIAL_TOKENS]


class WordCounts:
    """How often each word of a language was seen, and in how many lines.

    Args:
        limit: how many different words to keep count of.  Where there are many more, the rarest
            are forgotten: they would have no part in what is learnt.

    """

    def __init__(self, limit: int = MOST_WORDS) -> None:
        self.lines = 0
        self.words: Counter[str] = Counter()
        self._limit = limit

    def add(self, words: Sequence[str]) -> None:
        """Count the words of a line."""
        self.words.update(words)
        self.lines += bool(words)
        self._forget()

    def update(self, other: WordCounts) -> None:
        """Add what was counted elsewhere."""
        self.words.update(other.words)
        self.lines += other.lines
        self._forget()

    def _forget(self) -> None:
        # Seldom: each time at least half of the words go.
        if len(self.words) > 2 * self._limit:
            self.keep(self._limit)

    def keep(self, limit: int) -> None:
        """Keep the most frequent words, at most so many."""
        self.words = most_frequent(self.words, limit)


def most_frequent(words: Counter[str], limit: int) -> Counter[str]:
    """Return the most frequent words, whatever the order of those that were seen as often.

    >>> most_frequent(Counter({"c": 1, "b": 2, "a": 1}), 2)
    Counter({'b': 2, 'a': 1})
    """
    if len(words) <= limit:
        return words
    ordered = sorted(words.items(), key=lambda item: (-item[1], item[0]))
    return Counter(dict(ordered[:limit]))


def train(
    texts: Mapping[str, Iterable[str]],
    vocab_size: int,
    *,
    min_frequency: int = 2,
    alpha: float = 0.5,
    **settings: Any,
) -> XLMTokenizer:
    """Learn merges and a vocabulary, and return the tokenizer that uses them.

    The words come from the very pipeline that the tokenizer will use.  The same texts give the
    same vocabulary, whatever the order of their lines.  Words are counted and lines are not kept,
    so that memory stays bounded.

    Args:
        texts: the lines of text of each language, as a list, an open file or the like; the
            languages get ids in this order, unless ``lang2id`` is among the settings.  Special
            tokens in them are left out.  The language of a text that is given without one is the
            only one there is; where there are several, ``lang`` may say.
        vocab_size: how many entries the vocabulary has at most, the fourteen special tokens
            included.
        min_frequency: how often a pair must stand next to each other to be merged.
        alpha: a language of ``n`` lines counts in proportion to ``n ** alpha``.  The original
            learns with 0.5, so that small languages are heard; 1 takes the texts as they are.
        **settings: as in :class:`~xlm_text.Settings`.

    Raises:
        InputError: there is nothing to learn from, or ``vocab_size`` has no room for what must be
            in the vocabulary.

    Example:
        >>> tokenizer = train({"en": ["low lower lowest"] * 2}, vocab_size=40)
        >>> tokenizer.tokenize("lowest low")
        ['lowest</w>', 'low</w>']

    """
    check_size(vocab_size)
    if not texts:
        raise InputError("texts must have at least one language")
    cutter = word_cutter(texts, **settings)
    counts = {}
    for lang, lines in texts.items():
        if isinstance(lines, str | bytes):
            raise InputError(
                f"texts[{lang!r}] must be the lines of text, as a list or an open file, not one "
                f"string: {lines!r:.60}"
            )
        counts[lang] = WordCounts(MOST_WORDS // len(texts))
        for line in lines:
            counts[lang].add(cutter.words(line, lang=lang))
    return learn(counts, vocab_size, min_frequency=min_frequency, alpha=alpha, **settings)


def check_size(vocab_size: int) -> None:
    """Raise an :class:`InputError` if a vocabulary would have no room for anything learnt."""
    if vocab_size <= len(_FIRST_TOKENS):
        raise InputError(
            f"must be above {len(_FIRST_TOKENS)}, the number of special tokens, not {vocab_size}",
            argument="vocab_size",
        )


def word_cutter(languages: Iterable[str], **settings: Any) -> XLMTokenizer:
    """Return a tokenizer without a vocabulary yet, for its words.

    Args:
        languages: the languages that it is to know, in the order of their ids unless ``lang2id``
            is among the settings.
        **settings: as in :class:`~xlm_text.Settings`.

    Raises:
        InputError: one of the languages has no id.

    """
    languages = list(languages)
    if len(languages) == 1:
        settings.setdefault("lang", languages[0])
    lang2id = {lang: i for i, lang in enumerate(languages)}
    unlearnt = Settings().change(**{"lang2id": lang2id, **settings})
    nothing = Vocabulary({token: i for i, token in enumerate(_FIRST_TOKENS)}, [])
    cutter = XLMTokenizer(nothing, settings=unlearnt)
    for lang in languages:
        cutter.check_language(lang)
    return cutter


def learn(
    counts: Mapping[str, WordCounts],
    vocab_size: int,
    *,
    min_frequency: int = 2,
    alpha: float = 0.5,
    **settings: Any,
) -> XLMTokenizer:
    """Learn from words that were counted; see :func:`train` for the arguments."""
    cutter = word_cutter(counts, **settings)
    words = _weighted(counts, alpha)
    # As the tokenizer cuts them out of a text, no piece of them is ever wanted.
    for token in cutter.all_special_tokens:
        words.pop(token, None)
    if not words:
        raise InputError("the texts have no words to learn from")
    words = most_frequent(words, MOST_WORDS)
    return XLMTokenizer(_learn(words, vocab_size, min_frequency), settings=cutter.settings)


def _weighted(counts: Mapping[str, WordCounts], alpha: float) -> Counter[str]:
    """Add up the words of all languages as if lines had been drawn in proportion to n^alpha.

    As many lines are drawn as there are.  A word that was seen is never lost.
    """
    if not 0 <= alpha <= 1:
        raise InputError(f"must be from 0 to 1, not {alpha!r}", argument="alpha")
    lines = {lang: counted.lines for lang, counted in counts.items() if counted.lines}
    total, powers = sum(lines.values()), sum(n**alpha for n in lines.values())
    words: Counter[str] = Counter()
    for lang, n in lines.items():
        weight = (n**alpha / powers) / (n / total)
        for word, count in counts[lang].words.items():
            words[word] += max(1, round(count * weight))
    return words


def _learn(counts: Mapping[str, int], vocab_size: int, min_frequency: int) -> Vocabulary:
    bpe = Tokenizer(BPE(unk_token="<unk>", end_of_word_suffix=END_OF_WORD))
    bpe.pre_tokenizer = WhitespaceSplit()
    # The trainer numbers the characters that end words as it meets them, in the order of a hash
    # table, and breaks ties by number.  Named up front they have the same numbers every time.
    finals = sorted({part[-1] + END_OF_WORD for word in counts for part in word.split()})
    trainer = BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=[*_FIRST_TOKENS, *finals],
        end_of_word_suffix=END_OF_WORD,
        show_progress=False,
    )
    bpe.train_from_iterator(_repeated(counts), trainer)
    model = json.loads(bpe.to_str())["model"]
    if len(model["vocab"]) > vocab_size:
        raise InputError(
            f"is {vocab_size}, but the special tokens and the distinct characters of the texts "
            f"alone take {len(model['vocab'])}",
            argument="vocab_size",
        )
    return Vocabulary(model["vocab"], [tuple(merge) for merge in model["merges"]])


def _repeated(counts: Mapping[str, int]) -> Iterator[str]:
    for word, count in counts.items():
        # In parts, so that a word of a billion occurrences is no string of gigabytes.
        for start in range(0, count, 10_000):
            yield f"{word} " * min(10_000, count - start)
