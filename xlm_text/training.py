"""Learning a vocabulary from text in several languages."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.trainers import BpeTrainer

from xlm_text.errors import InputError
from xlm_text.settings import Settings
from xlm_text.subwords import END_OF_WORD
from xlm_text.tokenizer import XLMTokenizer
from xlm_text.vocabulary import CONTROL_TOKENS, SPECIAL_TOKENS, Vocabulary

_FIRST_TOKENS = [*CONTROL_TOKENS, *SPECIAL_TOKENS]


def train(
    texts: Mapping[str, Iterable[str]],
    vocab_size: int,
    *,
    min_frequency: int = 2,
    **settings: Any,
) -> XLMTokenizer:
    """Learn merges and a vocabulary, and return the tokenizer that uses them.

    The words come from the very pipeline that the tokenizer will use.  The same texts give the
    same vocabulary, whatever the order of their lines.

    Args:
        texts: the lines of text of each language, as a list, an open file or the like; the
            languages get ids in this order, unless ``lang2id`` is among the settings.  Special
            tokens in them are left out.  The language of a text that is given without one is the
            only one there is; where there are several, ``lang`` may say.
        vocab_size: how many entries the vocabulary has at most, the fourteen special tokens
            included.
        min_frequency: how often a pair must stand next to each other to be merged.
        **settings: as in :class:`~xlm_text.Settings`.

    Raises:
        InputError: there is nothing to learn from, or ``vocab_size`` has no room for what must be
            in the vocabulary.

    Example:
        >>> tokenizer = train({"en": ["low lower lowest"] * 2}, vocab_size=40)
        >>> tokenizer.tokenize("lowest low")
        ['lowest</w>', 'low</w>']

    """
    if vocab_size <= len(_FIRST_TOKENS):
        raise InputError(
            f"must be above {len(_FIRST_TOKENS)}, the number of special tokens, not {vocab_size}",
            argument="vocab_size",
        )
    if not texts:
        raise InputError("texts must have at least one language")
    if len(texts) == 1:
        settings.setdefault("lang", next(iter(texts)))
    unlearnt = Settings().change(
        **{"lang2id": {lang: i for i, lang in enumerate(texts)}, **settings}
    )
    nothing = Vocabulary({token: i for i, token in enumerate(_FIRST_TOKENS)}, [])
    cutter = XLMTokenizer(nothing, settings=unlearnt)
    for lang in texts:
        cutter.check_language(lang)
    counts: Counter[str] = Counter()
    for lang, lines in texts.items():
        if isinstance(lines, str | bytes):
            raise InputError(
                f"texts[{lang!r}] must be the lines of text, as a list or an open file, not one "
                f"string: {lines!r:.60}"
            )
        for line in lines:
            counts.update(cutter.words(line, lang=lang))
    # As the tokenizer cuts them out of a text, no piece of them is ever wanted.
    for token in cutter.all_special_tokens:
        counts.pop(token, None)
    if not counts:
        raise InputError("the texts have no words to learn from")
    return XLMTokenizer(_learn(counts, vocab_size, min_frequency), settings=unlearnt)


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
