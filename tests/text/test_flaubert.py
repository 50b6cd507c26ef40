"""FlauBERT's tokenizer is equal to transformers' own, with spans that its own does not have."""

from __future__ import annotations

import json
import pickle
import random
import shutil
import unicodedata

import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st

from xlm_text import AutoTokenizer, FlaubertTokenizer, InputError

from .generated import texts
from .support import FIXTURES, SPECIAL_WORDS, examples, sentences

FOLDER = FIXTURES / "vocabulary"
# What its preparation changes, and what must not be cut apart by it.
FRENCH = [
    "``L’Été'' commence-t-il ? C'est « l'ÉTÉ » ! M. Dupont arriva. Il dit : ''Oui.''",
    "Aujourd'hui, l'A\u0300 PARIS. Elle vint. ELLE partit le 5. Il y a 10 % de moins.",
    "x''y ''' ```` '` `' ΟΔΟΣ. ΣΑΣ. İSTANBUL. Ǆ. ẞ = \u0338 < \u0338 x \u037e \u1fef\u1fef \u2000a",
    "Fin. Début. FIN. début. N. 5 etc. Puis art. 5. A.B. Voilà.. Non... Si. «Oui.» (Ah.) Bon.",
    "Cœur ﬁn \u212b \uac00 \u1100\u1161 e\u0301\u0323 q\u0307\u0323.",
]


@pytest.fixture(scope="module", params=[False, True], ids=["cased", "uncased"])
def pair(request):
    """Both tokenizers; tests must not change them."""
    files = (FOLDER / "vocab.json", FOLDER / "merges.txt")
    theirs = transformers.FlaubertTokenizer(*files, do_lowercase=request.param)
    return FlaubertTokenizer(*files, do_lowercase=request.param), theirs


def assert_equal(pair, lines, **options):
    ours, theirs = pair
    expected = [theirs.tokenize(line, **options) for line in lines]
    rows = [
        theirs.build_inputs_with_special_tokens(theirs.convert_tokens_to_ids(t)) for t in expected
    ]
    spans = ours(lines, return_offsets_mapping=True, **options)
    assert spans["input_ids"] == rows
    assert [spans.tokens(i)[1:-1] for i in range(len(lines))] == expected
    # Known units are looked up.
    for _ in range(2):
        assert ours(lines, **options)["input_ids"] == rows
    return spans


def test_sentences(pair):
    lines = [*sentences("fr"), *sentences("en"), *FRENCH]
    assert_equal(pair, [*lines, *map(str.upper, lines)])
    assert_equal(pair, [unicodedata.normalize("NFD", line) for line in lines])
    assert_equal(pair, [line.replace('"', "''").replace("’", "`") for line in lines])


def test_real_sentences(pair, real_lines):
    assert_equal(pair, real_lines("fr"))


def test_sentences_that_were_put_together_anew(pair):
    chance = random.Random(7)
    words = [word for line in [*sentences("fr"), *FRENCH] for word in line.split(" ")]
    lines = [" ".join(chance.choices(words, k=chance.randint(1, 12))) for _ in range(400)]
    assert_equal(pair, lines)


@examples(150)
@given(st.lists(texts("fr"), min_size=1, max_size=3))
def test_generated_texts(pair, lines):
    assert_equal(pair, lines)


@examples(60)
@given(st.lists(texts("fr"), min_size=1, max_size=3))
def test_words_that_are_cut_already(pair, lines):
    ours, theirs = pair
    expected = [theirs._tokenize(line, bypass_tokenizer=True) for line in lines]
    found = [
        ours.tokenize(line, bypass_tokenizer=True, split_special_tokens=True) for line in lines
    ]
    assert found == expected


@examples(150)
@given(texts("fr"))
def test_spans_lie_in_the_text(pair, text):
    ours, _ = pair
    spans = ours(text, return_offsets_mapping=True)["offset_mapping"][1:-1]
    assert all(0 <= start < end <= len(text) for start, end in spans)


def test_spans_are_where_the_pieces_come_from(pair):
    ours, _ = pair
    for text in sentences("fr"):
        row = ours(text, return_offsets_mapping=True)
        for token, (start, end) in zip(
            row.tokens()[1:-1], row["offset_mapping"][1:-1], strict=True
        ):
            piece, there = token.removesuffix("</w>"), text[start:end]
            assert piece.casefold() == there.replace("’", "'").casefold() or not piece.isalnum()
    row = ours("``L’E\u0301te\u0301''", return_offsets_mapping=True)
    assert row["offset_mapping"][1] == (0, 2)
    assert row["offset_mapping"][-2] == (9, 11)
    assert row.char_to_word(5) == row.char_to_word(8) == 2


def test_rows_and_pairs(pair):
    ours, theirs = pair
    options = {"max_length": 60, "truncation": "longest_first", "padding": "max_length"}
    options |= {"return_token_type_ids": True, "return_special_tokens_mask": True}
    expected = theirs(FRENCH[:2], FRENCH[2:4], **options)
    assert ours(FRENCH[:2], FRENCH[2:4], **options).data == {**expected}
    ids = expected["input_ids"]
    assert ours.batch_decode(ids) == theirs.batch_decode(ids)
    assert ours.batch_decode(ids, skip_special_tokens=True) == theirs.batch_decode(
        ids, skip_special_tokens=True
    )


def test_tokens_and_ids(pair):
    ours, theirs = pair
    assert ours.get_vocab() == theirs.get_vocab()
    assert len(ours) == len(theirs)
    assert ours.special_tokens_map == theirs.special_tokens_map
    assert ours.all_special_tokens == theirs.all_special_tokens
    special = " ".join(SPECIAL_WORDS)
    assert ours.tokenize(f"Été {special}Non.") == theirs.tokenize(f"Été {special}Non.")


@pytest.mark.parametrize("lower", [True, False])
def test_what_is_saved_is_what_both_read(lower, tmp_path):
    ours = FlaubertTokenizer(
        FOLDER / "vocab.json", FOLDER / "merges.txt", do_lowercase=lower, model_max_length=512
    )
    ours.add_tokens(["Nouveau"])
    ours.add_special_tokens({"mask_token": "<masque>"})
    paths = ours.save_pretrained(tmp_path)
    assert sorted(paths) == sorted(map(str, tmp_path.iterdir()))
    for again in (
        FlaubertTokenizer.from_pretrained(tmp_path),
        AutoTokenizer.from_pretrained(tmp_path),
    ):
        assert type(again) is FlaubertTokenizer
        assert again.settings == ours.settings
        assert again(FRENCH).data == ours(FRENCH).data
    theirs = transformers.FlaubertTokenizer.from_pretrained(tmp_path)
    assert_equal((ours, theirs), [*FRENCH, "Le Nouveau <masque> nouveau."])
    assert pickle.loads(pickle.dumps(ours))(FRENCH).data == ours(FRENCH).data


def test_a_folder_of_transformers(tmp_path):
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(FOLDER / name, tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lowercase": True}))
    transformers.FlaubertConfig(max_position_embeddings=512).save_pretrained(tmp_path)
    ours = AutoTokenizer.from_pretrained(tmp_path)
    assert type(ours) is FlaubertTokenizer
    assert (ours.do_lowercase, ours.model_max_length) == (True, 512)
    assert_equal((ours, transformers.AutoTokenizer.from_pretrained(tmp_path)), FRENCH)


def test_case_can_be_set(pair):
    ours = pickle.loads(pickle.dumps(pair[0]))
    theirs = pair[1]
    assert ours.words("Été") == ["été" if ours.do_lowercase else "Été"]
    ours.do_lowercase = not ours.do_lowercase
    assert ours.words("Été") == ["été" if ours.do_lowercase else "Été"]
    ours.do_lowercase = theirs.do_lowercase
    assert_equal((ours, theirs), FRENCH)


def test_an_explanation_names_its_steps():
    ours = FlaubertTokenizer(FOLDER / "vocab.json", FOLDER / "merges.txt", do_lowercase=True)
    page = str(ours.explain("``L’E\u0301té''"))
    for step in ("fr, words by moses", "one quote for two", "compose (NFC)", "lower case"):
        assert step in page


def test_a_language_is_accepted_and_ignored(pair):
    ours, _ = pair
    assert ours(FRENCH, lang="en").data == ours(FRENCH).data
    assert ours.tokenize(FRENCH[0], lang="zh") == ours.tokenize(FRENCH[0])
    assert not hasattr(ours, "check_language")


def test_settings_of_other_kinds_are_none_here(pair):
    ours, _ = pair
    for name in ("lang", "rules", "do_lowercase_and_remove_accent", "zh_segmenter"):
        assert not hasattr(ours, name)
        with pytest.raises(InputError, match=f"no setting is called '{name}'"):
            ours.change_settings(**{name: None})
    with pytest.raises(InputError, match="do_lowercase must be true or false"):
        ours.change_settings(do_lowercase="yes")
    with pytest.raises(InputError, match="where must be a folder or a name on the hub"):
        FlaubertTokenizer.from_pretrained()
