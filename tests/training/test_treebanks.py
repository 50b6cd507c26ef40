"""What the experiments on treebanks learn from and are scored on, made of a small treebank."""

from __future__ import annotations

import csv
import json
import math
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.treebanks import baselines, practice
from benchmarks.treebanks.comparing import arguments
from benchmarks.treebanks.counting import SMOOTHING, UnigramModel
from benchmarks.treebanks.data import (
    CHOICES,
    LANGUAGES,
    NEAREST,
    PARTS,
    TIMES,
    Treebanks,
    difference,
    others,
    read,
)
from benchmarks.treebanks.guesses import Guessed, Guesser, gain
from xlm_model import XLMConfig, XLMWithLMHeadModel
from xlm_text import XLMTokenizer

SENTENCES = 40
CONTRACTION = """\
# text = Il va au lit de l'eau.
1\tIl\t_\tPRON\t_\t_\t2\tnsubj\t_\t_
2\tva\t_\tVERB\t_\t_\t0\troot\t_\t_
3-4\tau\t_\t_\t_\t_\t_\t_\t_\t_
3\tà\t_\tADP\t_\t_\t5\tcase\t_\t_
4\tle\t_\tDET\t_\t_\t5\tdet\t_\t_
5\tlit\t_\tNOUN\t_\t_\t2\tobl:arg\t_\t_
5.1\tva\t_\tVERB\t_\t_\t_\t_\t_\t_
6\tde\t_\tADP\t_\t_\t8\tcase\t_\t_
7\tl'\t_\tDET\t_\t_\t8\tdet\t_\t_
8\teau\t_\tNOUN\t_\t_\t5\tnmod\t_\t_
9\t.\t_\tPUNCT\t_\t_\t2\tpunct\t_\t_
"""


def sentence(lang: str, number: int) -> str:
    """Return a tree: a subject, a verb, so many adjectives and an object."""
    adjectives = [f"{lang}adj{i}" for i in range(number % 4)]
    words = [f"{lang}subj{number}", f"{lang}verb", *adjectives, f"{lang}obj"]
    last = len(words)
    heads = [2, 0, *([last] * len(adjectives)), 2]
    relations = ["nsubj", "root", *(["amod"] * len(adjectives)), "obj"]
    tags = ["NOUN", "VERB", *(["ADJ"] * len(adjectives)), "NOUN"]
    rows = "".join(
        f"{i}\t{word}\t_\t{tag}\t_\t_\t{head}\t{relation}\t_\t_\n"
        for i, (word, tag, head, relation) in enumerate(
            zip(words, tags, heads, relations, strict=True), 1
        )
    )
    return f"# text = {' '.join(words)}\n{rows}"


@pytest.fixture
def treebanks(tmp_path: Path) -> Treebanks:
    source = tmp_path / "ud"
    source.mkdir()
    for lang in LANGUAGES:
        text = "\n".join(sentence(lang, number) for number in range(SENTENCES))
        (source / f"{lang}.conllu").write_text(text + "\n", encoding="utf-8")
    return Treebanks(source, tmp_path / "made")


def lines_of(tmp_path: Path, name: str) -> list[str]:
    return (tmp_path / "made" / name).read_text(encoding="utf-8").splitlines()


def test_words_of_a_contraction_have_no_place_and_those_behind_it_have_theirs(tmp_path):
    (tmp_path / "fr.conllu").write_text(CONTRACTION, encoding="utf-8")
    (found,) = read(tmp_path, "fr")
    assert [word.form for word in found.words] == "Il va à le lit de l' eau .".split()
    assert [word.start for word in found.words] == [0, 3, None, None, 9, 13, 16, 18, 21]
    assert found.words[4].relation == "obl"


def test_no_sentence_is_in_two_parts_and_all_are_in_one(treebanks, tmp_path):
    for lang in LANGUAGES:
        each = {part: lines_of(tmp_path, treebanks.texts(lang, part)) for part in PARTS}
        everything = [line for lines in each.values() for line in lines]
        assert sorted(everything) == sorted(s.text for s in treebanks.sentences[lang])
        assert len(set(everything)) == SENTENCES
        assert {part: len(lines) for part, lines in each.items()} == {
            "train": 32,
            "valid": 4,
            "test": 4,
        }


def test_a_sentence_and_its_translations_are_in_the_same_part(treebanks, tmp_path):
    for part in PARTS:
        numbers = {
            tuple(
                int(line.split()[0].removeprefix(f"{lang}subj"))
                for line in lines_of(tmp_path, treebanks.texts(lang, part))
            )
            for lang in LANGUAGES
        }
        assert len(numbers) == 1


def test_tags_are_read_back_as_the_treebank_has_them(treebanks, tmp_path):
    from xlm_model.finetuning.files import read_file

    path = tmp_path / "made" / treebanks.tags("en", "test")
    rows = [row.values for row in read_file(path, {"words": "words", "tags": "tags"})]
    assert [(list(row["words"]), list(row["tags"])) for row in rows] == [
        ([w.form for w in s.words], [w.tag for w in s.words]) for s in treebanks.part("en", "test")
    ]
    words = [word.tag for s in treebanks.part("en", "test") for word in s.words]
    assert treebanks.most_frequent_tag("en") == (words.count("NOUN") / len(words), len(words))


def test_half_of_the_pairs_are_translations_and_none_is_held_out(treebanks, tmp_path):
    translations = {
        part: {
            one.text: other.text
            for one, other in zip(
                treebanks.part("en", part), treebanks.part("fr", part), strict=True
            )
        }
        for part in PARTS
    }
    for part in PARTS:
        path = tmp_path / "made" / treebanks.pairs("en", "fr", part)
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        assert rows == treebanks.pair_rows("en", "fr", part)
        of_each = len(translations[part]) * TIMES[part]
        assert Counter(row["label"] for row in rows) == {"yes": of_each, "no": of_each}
        for row in rows:
            is_right = row["pair"] == translations[part][row["text"]]
            assert is_right == (row["label"] == "yes")
            assert row["pair"] in translations[part].values()


def test_one_of_four_choices_is_the_translation(treebanks, tmp_path):
    rows = [json.loads(x) for x in lines_of(tmp_path, treebanks.choices("en", "de", "train"))]
    assert len(rows) == 32 * TIMES["train"]
    for row in rows:
        number = row["text"].split()[0].removeprefix("ensubj")
        is_right = [text.split()[0] == f"desubj{number}" for text in row["choices"]]
        assert len(set(row["choices"])) == CHOICES
        assert is_right == [i == row["label"] for i in range(CHOICES)]
    # The right one stands at any place.
    assert {row["label"] for row in rows} == set(range(CHOICES))


def test_wrong_translations_are_about_as_long_as_the_right_one(treebanks):
    sentences = treebanks.part("en", "train")
    right = sentences[0].text
    drawn = others(sentences, 0, NEAREST, random.Random(0))
    assert 0 not in drawn
    assert len(set(drawn)) == NEAREST
    left = set(range(1, len(sentences))) - set(drawn)
    assert max(difference(sentences[i].text, right) for i in drawn) <= min(
        difference(sentences[i].text, right) for i in left
    )


def test_each_question_marks_its_word_and_has_one_answer_that_stands_where_it_says(
    treebanks, tmp_path
):
    rows = [json.loads(x) for x in lines_of(tmp_path, treebanks.questions("en", "train"))]
    # The verb's subject and object; the object's adjective where it has but one.
    assert Counter(row["question"].split(":")[0] for row in rows) == {
        "nsubj": 32,
        "obj": 32,
        "amod": sum(len(s.words) == 4 for s in treebanks.part("en", "train")),
    }
    texts = {s.text for s in treebanks.part("en", "train")}
    for row in rows:
        answer, start, context = row["answer"], row["start"], row["context"]
        assert context[start : start + len(answer)] == answer
        assert context.count(answer) == 1
        assert f"[ {row['question'].partition(': ')[2]} ]" in context
        assert context.replace("[ ", "").replace(" ]", "") in texts


def test_relations_that_are_only_learnt_from_are_not_scored(tmp_path):
    source = tmp_path / "ud"
    source.mkdir()
    for lang in LANGUAGES:
        (source / f"{lang}.conllu").write_text("\n".join([CONTRACTION] * 10), encoding="utf-8")
    treebanks = Treebanks(source, tmp_path / "made")
    asked = {
        part: {question.relation for question in treebanks.questions_of("fr", part)}
        for part in PARTS
    }
    # The article of "eau" is learnt from. That of "lit", and "à", do not stand in the text.
    assert asked["train"] == {"nsubj", "obl", "nmod", "case", "det"}
    assert asked["valid"] == asked["test"] == {"nsubj", "obl", "nmod", "case"}


def test_the_baseline_of_questions_is_the_usual_place(treebanks):
    train, test = (treebanks.questions_of("en", part) for part in ("train", "test"))
    chance, usual = baselines.answers(train, test)
    assert chance == pytest.approx(np.mean([1 / len(q.sentence.words) for q in test]))
    # The subject stands before the verb and the adjective before the object, always; the object
    # stands at one of four places, of which the model of a place knows one.
    objects = [q for q in test if q.relation == "obj"]
    assert 1 - len(objects) / len(test) <= usual < 1


def test_the_word_at_the_usual_place_is_right_where_its_form_is(treebanks):
    question = next(q for q in treebanks.questions_of("en", "test") if q.relation == "nsubj")
    # The subject stands one word before its verb, and the adjectives or the object one behind it.
    assert baselines.usual_places(treebanks.questions_of("en", "train"))["nsubj"] == -1
    places = {-1: True, 1: False, -2: False, len(question.sentence.words): False}
    for place, is_right in places.items():
        assert baselines.is_at_usual_place(question, {"nsubj": place}) == is_right


def test_the_baselines_by_length_take_the_nearest_length_for_the_translation():
    train = [
        {"text": "abcd", "pair": "abcde", "label": "yes"},
        {"text": "abcd", "pair": "ab", "label": "no"},
        {"text": "abcd", "pair": "abcdefghij", "label": "no"},
    ]
    test = [
        {"text": "abcd", "pair": "efgh", "label": "yes"},
        {"text": "abcd", "pair": "efghi", "label": "no"},  # is told wrongly
        {"text": "abcd", "pair": "e", "label": "no"},
        {"text": "abcd", "pair": "efghijkl", "label": "yes"},  # is told wrongly
    ]
    assert baselines.pairs_by(difference, train, test) == 0.5
    choices = {"text": "abcd", "choices": ["a", "abcdefg", "abc"]}
    both = [{**choices, "label": 2}, {**choices, "label": 1}]
    assert baselines.choices_by(difference, both) == 0.5


def test_texts_of_the_same_pieces_are_nearest(tokenizer):
    distance = baselines.unshared_pieces(tokenizer, "en", "fr")
    text = "the table and the chair"
    assert distance(text, "chair the and table") == pytest.approx(0)
    assert 0 < distance(text, "the table") < 1
    ours, theirs = (
        set(tokenizer.tokenize(one, lang=lang)) for one, lang in ((text, "en"), ("the table", "fr"))
    )
    shared = len(ours & theirs) / math.sqrt(len(ours) * len(theirs))
    assert distance(text, "the table") == pytest.approx(1 - shared)


def test_copies_are_words_of_their_text_in_order(treebanks, tmp_path):
    texts, copies = (
        lines_of(tmp_path, name) for name in practice.copies(treebanks, "en", "fr", "train")
    )
    of_both = [s.text for lang in ("en", "fr") for s in treebanks.part(lang, "train")]
    assert texts == of_both * practice.COPIES["train"]
    shares = []
    for text, copied in zip(texts, copies, strict=True):
        words = iter(text.split())
        assert all(word in words for word in copied.split())
        shares.append(len(copied.split()) / len(text.split()))
    assert np.mean(shares) == pytest.approx(practice.KEPT_BESIDE, abs=0.05)


def test_half_of_what_is_compared_is_of_one_sentence(treebanks, tmp_path):
    path = tmp_path / "made" / practice.copied_or_not(treebanks, "en", "fr", "train")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert Counter(row["label"] for row in rows) == {"yes": 64, "no": 64}
    texts = [set(s.text.split()) for lang in ("en", "fr") for s in treebanks.part(lang, "train")]
    for number, row in enumerate(rows):
        is_of = [set(row["text"].split()) <= text for text in texts]
        assert is_of[number // 2]
        assert set(row["pair"].split()) <= texts[number // 2] or row["label"] == "no"


def test_words_to_find_stand_once_where_the_answer_says(treebanks, tmp_path):
    rows = [
        json.loads(x) for x in lines_of(tmp_path, practice.words_to_find(treebanks, "en", "train"))
    ]
    counts = Counter(row["context"] for row in rows)
    assert set(counts) == {s.text for s in treebanks.part("en", "train")}
    assert max(counts.values()) == practice.WORDS["train"]
    for row in rows:
        assert row["question"] == row["answer"]
        assert row["context"].count(row["answer"]) == 1
        assert row["context"].index(row["answer"]) == row["start"]


def test_the_command_is_told_of_each_file():
    found = arguments(
        {"en": ("en",), "en-fr": ("en", "fr")}, lambda *of: "+".join(of), ("a", "b", "c")
    )
    assert found == (
        *("en=en+a", "en-fr=en+fr+a"),
        *("--valid", "en=en+b,en-fr=en+fr+b"),
        *("--test", "en=en+c,en-fr=en+fr+c"),
    )


def test_counting_gives_each_piece_its_share_of_the_language():
    model = UnigramModel(torch.tensor([[3, 1, 0], [0, 0, 4]]))
    found = model(
        langs=torch.tensor([0, 0, 1]),
        labels=torch.tensor([0, 2]),
        logits_to_keep=torch.tensor([1, 2]),
        input_ids=torch.tensor([7, 7, 7]),
    )
    total = 4 + 3 * SMOOTHING
    expected = -(math.log((3 + SMOOTHING) / total) + math.log((4 + SMOOTHING) / total)) / 2
    assert float(found.loss) == pytest.approx(expected)
    assert found.logits.argmax(-1).tolist() == [0, 2]


def test_the_gain_is_that_of_a_word_with_the_error_of_a_mean_where_counts_are_equal():
    worse, better = np.array([4.0, 6.0, 8.0, 10.0]), np.array([2.0, 6.0, 4.0, 10.0])
    counts = np.full(4, 2.0)
    mean, error = gain(Guessed(worse, counts, counts), Guessed(better, counts, counts))
    each = (worse - better) / 2
    assert mean == pytest.approx(each.mean())
    assert error == pytest.approx(each.std(ddof=1) / 2)


@pytest.fixture
def checkpoint(tokenizer: XLMTokenizer, tmp_path: Path) -> Path:
    """A small model with random weights."""
    ids = tokenizer.lang2id
    config = XLMConfig(
        emb_dim=16,
        n_layers=1,
        n_heads=2,
        vocab_size=len(tokenizer),
        n_langs=len(ids),
        lang2id=ids,
        id2lang={i: lang for lang, i in ids.items()},
        init_std=0.5,
        embed_init_std=0.5,
        mask_index=tokenizer.mask_token_id,
    )
    torch.manual_seed(0)
    XLMWithLMHeadModel(config).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_masked_words_are_guessed_as_the_model_scores_them_one_pair_at_a_time(
    treebanks, checkpoint, tokenizer
):
    model = XLMWithLMHeadModel.from_pretrained(checkpoint)
    found = Guesser(checkpoint, treebanks, ("en", "fr")).guess("en", "fr")
    ours, theirs = (
        tokenizer.batch_encode([s.text for s in treebanks.part(lang, "test")], False, lang=lang)
        for lang in ("en", "fr")
    )
    end, lang2id = tokenizer.sep_token_id, tokenizer.lang2id
    rng = np.random.default_rng(0)
    beside = {"nothing": [[]] * 4, "translation": theirs, "another": [*theirs[1:], theirs[0]]}
    for number, row in enumerate(ours):
        masked = rng.permutation(len(row))[: max(1, round(0.15 * len(row)))]
        for name, texts in beside.items():
            other = texts[number]
            hidden = [tokenizer.mask_token_id if i in masked else x for i, x in enumerate(row)]
            ids = [end, *hidden, end, *([end, *other, end] if other else [])]
            places = [*range(len(row) + 2), *(range(len(other) + 2) if other else [])]
            langs = [lang2id["en"]] * (len(row) + 2)
            langs += [lang2id["fr"]] * (len(ids) - len(langs))
            with torch.no_grad():
                logits = model(
                    torch.tensor([ids]),
                    langs=torch.tensor([langs]),
                    position_ids=torch.tensor([places]),
                ).logits[0]
            likely = logits.log_softmax(-1)
            loss = -sum(float(likely[1 + i, row[i]]) for i in masked)
            right = sum(int(likely[1 + i].argmax()) == row[i] for i in masked)
            assert found[name].losses[number] == pytest.approx(loss, rel=1e-4)
            assert found[name].right[number] == right
            assert found[name].counts[number] == len(masked)
