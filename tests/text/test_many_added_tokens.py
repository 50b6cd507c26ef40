"""Thousands of added tokens: split as in the reference, and added and loaded in good time."""

from __future__ import annotations

import random
import sys

import pytest
from tokenizers import AddedToken

from xlm_text import XLMTokenizer

from .support import FIXTURES, Reference, sentences

FOLDER = FIXTURES / "vocabulary"
FLAGS = ("lstrip", "rstrip", "single_word", "normalized", "special")
BESIDE = [" ", "  ", "\u00a0", "\n", "", "", ".", ",", "x", "<", ">", "é", "</s>", " <unk>"]


def overlapping(choose, count):
    """Tokens of which many begin with one another, or as others end; none is inside another one.

    The reference's search goes wrong where a token is inside another one, behind its beginning, and
    only the inner one is there.
    """
    found: dict[str, None] = {}
    while len(found) < count:
        first = choose.choice("<[Ж学")
        found["".join([first, *choose.choices("ab é>]1", k=choose.randint(0, 9))])] = None
    return list(found)


def with_flags(choose, tokens):
    return [
        AddedToken(token, **{flag: choose.random() < 0.3 for flag in FLAGS})
        if choose.random() < 0.5
        else token
        for token in tokens
    ]


def texts_of(choose, tokens, count):
    words = [
        word for lang in ("en", "ru", "zh") for line in sentences(lang) for word in line.split()
    ]
    for _ in range(count):
        parts = []
        for _ in range(choose.choice([1, 3, 12])):
            token = choose.choice(tokens)
            # Whole, cut short, or with the beginning of another one behind it.
            parts.append(token[: choose.choice([99, 99, 99, -1, 2])])
            parts.append(choose.choice([*BESIDE, choose.choice(words), choose.choice(tokens)[:3]]))
        yield "".join(parts)


@pytest.mark.parametrize("seed", range(3))
def test_thousands_of_overlapping_tokens_are_found_as_by_the_reference(seed):
    choose = random.Random(seed)
    tokens = overlapping(choose, 3000)
    added = with_flags(choose, tokens)
    ours = XLMTokenizer.from_pretrained(FOLDER)
    theirs = Reference(FOLDER / "vocab.json", FOLDER / "merges.txt")
    assert ours.add_tokens(list(added)) == theirs.add_tokens(list(added))
    assert ours.get_vocab() == theirs.get_vocab()
    texts = list(texts_of(choose, tokens, 400))
    rows = ours(texts)["input_ids"]
    assert rows == theirs(texts)["input_ids"]
    batch = ours(texts, return_offsets_mapping=True)
    assert batch["input_ids"] == rows
    contents = {id_: token for token, id_ in ours.get_vocab().items() if id_ >= ours.vocab_size}
    met = 0
    for text, row, spans in zip(texts, rows, batch["offset_mapping"], strict=True):
        assert ours.tokenize(text) == theirs.tokenize(text)
        assert ours.decode(row) == theirs.decode(row)
        for id_, (start, end) in zip(row, spans, strict=True):
            if id_ in contents:
                met += 1
                assert text[start:end] == contents[id_]
    assert met > 400


def first_and_longest(tokens, text):
    """Find tokens as the documentation says: the first one there is, and of those the longest."""
    found, position = [], 0
    while position < len(text):
        here = [token for token in tokens if text.startswith(token, position)]
        if here:
            found.append((max(here, key=len), position))
        position += len(max(here, key=len)) if here else 1
    return found


@pytest.mark.parametrize("seed", range(3))
def test_tokens_inside_one_another(seed):
    choose = random.Random(seed)
    tokens = sorted({"".join(choose.choices("abé ", k=choose.randint(1, 6))) for _ in range(300)})
    tokens = choose.sample([token for token in tokens if token.strip()], 60)
    ours = XLMTokenizer.from_pretrained(FOLDER, do_lowercase_and_remove_accent=False)
    ours.add_tokens(tokens)
    for _ in range(300):
        text = "".join(choose.choices("abé x\n", k=12))
        parts = [(part, start) for part, start, added in ours._added.split(text) if added]
        assert parts == first_and_longest(tokens, text)


def test_texts_with_tokens_beside_texts_without(ours):
    # A token with a line feed could seem to begin in one text and to end in the next.
    tokens = ["b\na", "[x]", "a\n", "\n\n"]
    choose = random.Random(0)
    other = XLMTokenizer.from_pretrained(FOLDER)
    other.add_tokens(tokens)
    for _ in range(100):
        texts = ["".join(choose.choices("ab\n [x]", k=choose.randint(0, 6))) for _ in range(20)]
        alone = [other(text)["input_ids"] for text in texts]
        assert other(texts)["input_ids"] == alone
        held = other._added.holders(texts)
        assert held >= {i for i, text in enumerate(texts) if any(map(text.__contains__, tokens))}
    texts = [line for lang in ("en", "fr") for line in sentences(lang)]
    assert other(texts).data == ours(texts).data


def steps(work):
    """Count the calls of Python code, each turn of a generator among them."""
    count = 0

    def seen(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("special", [False, True])
def test_adding_and_loading_take_steps_in_proportion(special, tmp_path):
    adding, loading, decoding = [], [], []
    for count in (500, 2000):
        tokens = [f"<new {i}>" for i in range(count)]
        ours = XLMTokenizer.from_pretrained(FOLDER)
        adding.append(steps(lambda: ours.add_tokens(tokens, special_tokens=special)))  # noqa: B023
        ids = ours.convert_tokens_to_ids(tokens)
        assert ids == list(range(ours.vocab_size, ours.vocab_size + count))
        decoding.append(steps(lambda: ours.convert_ids_to_tokens(ids)))  # noqa: B023
        folder = tmp_path / str(count)
        ours.save_pretrained(folder)
        loading.append(steps(lambda: XLMTokenizer.from_pretrained(folder)))  # noqa: B023
    for few, many in (adding, loading, decoding):
        assert many <= 5 * few


def test_the_number_of_special_tokens_changes_the_settings_once(monkeypatch):
    ours = XLMTokenizer.from_pretrained(FOLDER)
    changes = []
    change = type(ours.settings).change
    monkeypatch.setattr(
        type(ours.settings),
        "change",
        lambda self, **new: changes.append(new) or change(self, **new),
    )
    ours.add_tokens([f"[{i}]" for i in range(50)], special_tokens=True)
    assert len(changes) == 1
    assert ours.all_special_tokens[-1] == "[49]"


def test_a_token_that_is_none_adds_none_of_those_before_it():
    ours = XLMTokenizer.from_pretrained(FOLDER)
    before = ours.get_vocab()
    with pytest.raises(ValueError, match="5"):
        ours.add_tokens(["[first]", 5])
    assert ours.get_vocab() == before
