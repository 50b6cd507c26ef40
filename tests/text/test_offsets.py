"""Where the tokens are in the text: what holds for every text in every language.

Half a million texts:

    XLM_EXAMPLES=25000 pytest -n auto tests/text/test_offsets.py
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .generated import ANY_TEXT, texts
from .support import LANGUAGES, REAL_LANGUAGES, SPECIAL_WORDS, examples, sentences

# What the pipelines write for a character of the text where it is not that character: the
# published mapping of Unicode punctuation, one character to several in the case of the ellipsis.
WRITTEN_AS = {
    **dict(zip("，、∶：？！；（）【】〈〉’～━％", ",,::?!;()[]<>'~-%", strict=True)),
    **dict.fromkeys("”“《》」「", '"'),
    **dict(zip("０１２３４５６７８９", "0123456789", strict=True)),
    "。": ".",
    "．": ".",
    "…": "...",
}
# Moses' own normalisation writes these for others, in some languages: any of a group may stand
# for any other.
QUOTES = frozenset("\"'`´‘’‚“”„«»‹›")
DASHES = frozenset("-–—")
ROMANIAN = dict(zip("ŞşŢţȘșȚțĂăÂâÎî", "SsTtSsTtAaAaIi", strict=True))


def written(text, lang, lowercase):
    """Pass a slice of the text through the steps that look at single characters."""
    text = "".join(WRITTEN_AS.get(char, char) for char in text)
    text = "".join(char for char in text if unicodedata.category(char)[0] != "C")
    if lang == "ro":
        text = "".join(ROMANIAN.get(char, char) for char in text)
    if lowercase:
        decomposed = unicodedata.normalize("NFD", text.lower())
        text = "".join(char for char in decomposed if unicodedata.category(char) != "Mn").lower()
    return text


def alike(char):
    """Give the characters that Moses writes for one another one form."""
    if char in QUOTES:
        return '"'
    return "-" if char in DASHES else "σ" if char == "ς" else char


def is_dropped(char, lang, lowercase):
    """Tell whether nothing may be left of a character that stands alone."""
    kept = written(char, lang, lowercase)
    return not kept or kept.isspace() or char.isspace()


def check(ours, text, lang, lowercase, *, bypass=False):
    plain = ours(text, lang=lang, add_special_tokens=False, bypass_tokenizer=bypass)
    batch = ours(
        text,
        lang=lang,
        add_special_tokens=False,
        return_offsets_mapping=True,
        bypass_tokenizer=bypass,
    )
    assert batch["input_ids"] == plain["input_ids"]
    tokens, words = batch.tokens(), batch.word_ids()
    offsets = batch["offset_mapping"]
    assert tokens == ours.tokenize(text, lang=lang, bypass_tokenizer=bypass)
    assert offsets == batch.encodings[0].offsets
    assert len(offsets) == len(tokens) == len(words) == len(batch["input_ids"])
    # Every token stands for something, even where normalisation put a space in.
    assert all(0 <= start < end <= len(text) for start, end in offsets)
    assert words == sorted(words)
    assert set(words) == set(range(len(set(words))))

    found = list(zip(tokens, offsets, words, strict=True))
    check_nothing_lost(text, found, lang, lowercase)
    return found


def check_nothing_lost(text, tokens, lang, lowercase):
    covered = {i for _, (start, end), _ in tokens for i in range(start, end)}
    left = [i for i in range(len(text)) if i not in covered]
    lost = [text[i] for i in left if not is_dropped(text[i], lang, lowercase)]
    assert lost == [], "characters that belong to no token"


STOPS = frozenset(".,")
MARKED_DOTS = re.compile(r"(?:DOT)+MULTI")


def compared(text):
    """Drop white space, and give the characters that Moses writes for one another one form."""
    text = "".join(alike(char) for char in text if not char.isspace())
    return re.sub(r'"+', '"', text)


def has_swap(text):
    """Tell whether a text has a quote and a full stop or comma, whose order Moses may change."""
    found = set(map(alike, written(text, "en", lowercase=False)))
    return '"' in found and not STOPS.isdisjoint(found)


def stands_for(token, piece, lang, lowercase):
    """Tell whether a slice of the text gives the characters of a token."""
    if token in SPECIAL_WORDS:
        return piece == token
    # The rules' own mark for dots, written in the text, becomes dots.
    piece = MARKED_DOTS.sub(lambda match: "." * match[0].count("DOT"), piece)
    wanted = compared(token.removesuffix("</w>"))
    found = compared(written(piece, lang, lowercase))
    if found == wanted:
        return True
    if wanted and piece:
        # One source character became several, and another token has the rest of them.
        ends = (compared(written(char, lang, lowercase)) for char in (piece[0], piece[-1]))
        before, behind = (max(len(end), 1) for end in ends)
        surplus = len(found) - len(wanted)
        if any(found[i:].startswith(wanted) and surplus - i < behind for i in range(before)):
            return True
    if set(wanted) == {"."} and set(piece) <= set("DOTMULI"):
        return True  # the same mark, of which the token has a part
    if piece == "\u00a0" and wanted in STOPS:
        return True  # between two digits
    return has_swap(piece) and set(wanted) <= set(found)


def spaced_words(tokens):
    """Return the words that hold white space.

    Thai and Japanese segmenters make such words, and the reference cuts them at the white space
    into pieces that are no part of them: each piece has the span of the whole word.
    """
    return {word for token, _, word in tokens if token in ("", "</w>")}


def check_slices(text, tokens, lang, lowercase):
    spaced = spaced_words(tokens)
    assert not spaced or lang in ("th", "ja")
    for token, (start, end), word in tokens:
        piece = text[start:end]
        if word in spaced:
            found = compared(written(piece, lang, lowercase))
            assert compared(token.removesuffix("</w>")) in found, (token, piece)
        else:
            assert stands_for(token, piece, lang, lowercase), (token, piece)


def check_order(text, tokens, lang, lowercase):
    spaced = spaced_words(tokens)
    for (_, (start, end), word), (_, (next_start, next_end), next_word) in pairwise(tokens):
        between = text[min(start, next_start) : max(end, next_end)]
        assert start <= next_start or has_swap(between), (between, "steps back")
        if word == next_word and word not in spaced:
            shared = text[max(start, next_start) : min(end, next_end)]
            split = len(shared) == 1 and len(written(shared, lang, lowercase)) > 1
            assert not shared or split or has_swap(between), (shared, "overlap")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_generated_text(lang, load_ours):
    tokenizers = {
        lowercase: load_ours("fixtures", do_lowercase_and_remove_accent=lowercase)
        for lowercase in (True, False)
    }

    @examples(150)
    @given(texts(lang), st.booleans())
    def holds(text, lowercase):
        tokens = check(tokenizers[lowercase], text, lang, lowercase)
        check_slices(text, tokens, lang, lowercase)
        check_order(text, tokens, lang, lowercase)

    holds()


@pytest.mark.parametrize("lowercase", [True, False], ids=["lower", "cased"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_sentences(lang, lowercase, load_ours):
    ours = load_ours("fixtures", do_lowercase_and_remove_accent=lowercase)
    for text in sentences(lang):
        tokens = check(ours, text, lang, lowercase)
        check_slices(text, tokens, lang, lowercase)
        check_order(text, tokens, lang, lowercase)


@pytest.mark.parametrize("lang", REAL_LANGUAGES)
def test_real_text_with_a_real_vocabulary(lang, load_ours, real_lines, wikipedia_kytea):
    ours = load_ours("xnli15", kytea_model=str(wikipedia_kytea))
    lines = real_lines(lang)
    batch = ours(lines, lang=lang, add_special_tokens=False, return_offsets_mapping=True)
    assert batch["input_ids"] == ours(lines, lang=lang, add_special_tokens=False)["input_ids"]
    for i, text in enumerate(lines):
        tokens = list(
            zip(batch.tokens(i), batch["offset_mapping"][i], batch.word_ids(i), strict=True)
        )
        check_slices(text, tokens, lang, lowercase=True)
        check_order(text, tokens, lang, lowercase=True)
        check_nothing_lost(text, tokens, lang, lowercase=True)


@examples(200)
@given(ANY_TEXT)
def test_bypassed_text(ours, text):
    # Only cut at white space: each token is its slice.
    tokens = check(ours, text, "en", lowercase=False, bypass=True)
    for token, (start, end), _ in tokens:
        assert text[start:end] == token.removesuffix("</w>")
    if "<" not in text:  # special tokens are words of their own
        assert len({word for *_, word in tokens}) == len(text.split())


def test_the_known_places(load_ours):
    # Counted by hand.
    def places(text, lang, **options):
        ours = load_ours("fixtures", do_lowercase_and_remove_accent=False)
        batch = ours(text, lang=lang, return_offsets_mapping=True, **options)
        special = ours(text, lang=lang, return_special_tokens_mask=True, **options)
        spans = zip(batch["offset_mapping"], special["special_tokens_mask"], strict=True)
        words: dict[int, list[tuple[int, int]]] = {}
        for (span, is_special), word in zip(spans, batch.word_ids(), strict=True):
            if is_special:
                assert span == (0, 0)
                assert word is None
            else:
                words.setdefault(word, []).append(span)
        return [
            text[min(start for start, _ in spans) : max(end for _, end in spans)]
            for spans in words.values()
        ]

    assert places("l'eau  (d’été)…", "fr") == ["l'", "eau", "(", "d’", "été", ")", "…"]
    assert places("Sag „Ja.“ Dann", "de") == ["Sag", "„", "Ja", "“", ".", "Dann"]
    assert places("say ''it'' a​b", "en") == ["say", "''", "it", "''", "a​b"]
    assert places("a <special1>b", "en") == ["a", "<special1>", "b"]
    assert places("我来到，北京", "zh") == ["我", "来到", "，", "北京"]
    assert places("a。  B", "en") == ["a", "。", "B"]
    assert places("5 % x", "en") == ["5", "%", "x"]
    # The second word of these is a space that normalisation put behind the bracket.
    assert places("）゜", "ja") == ["）", "）", "゜"]
