"""What the experiments on treebanks learn from and are scored on, made of a small treebank."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.treebanks import baselines
from benchmarks.treebanks.counting import SMOOTHING, UnigramModel
from benchmarks.treebanks.data import CHOICES, LANGUAGES, PARTS, WRONG, Treebanks, read
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
        of_each = len(translations[part]) * WRONG[part]
        assert Counter(row["label"] for row in rows) == {"yes": of_each, "no": of_each}
        for row in rows:
            is_right = row["pair"] == translations[part][row["text"]]
            assert is_right == (row["label"] == "yes")
            assert row["pair"] in translations[part].values()


def test_one_of_four_choices_is_the_translation(treebanks, tmp_path):
    rows = [json.loads(x) for x in lines_of(tmp_path, treebanks.choices("en", "de", "train"))]
    assert len(rows) == 32
    for row in rows:
        number = row["text"].split()[0].removeprefix("ensubj")
        is_right = [text.split()[0] == f"desubj{number}" for text in row["choices"]]
        assert len(set(row["choices"])) == CHOICES
        assert is_right == [i == row["label"] for i in range(CHOICES)]
    # The right one stands at any place.
    assert {row["label"] for row in rows} == set(range(CHOICES))


def test_each_question_has_one_answer_that_stands_where_it_says(treebanks, tmp_path):
    rows = [json.loads(x) for x in lines_of(tmp_path, treebanks.questions("en", "train"))]
    # The verb's subject and object; the object's adjective where it has but one.
    assert Counter(row["question"].split(":")[0] for row in rows) == {
        "nsubj": 32,
        "obj": 32,
        "amod": sum(len(s.words) == 4 for s in treebanks.part("en", "train")),
    }
    for row in rows:
        text, start = row["answer"], row["start"]
        assert row["context"][start : start + len(text)] == text
        assert row["context"].count(text) == 1


def test_the_baseline_of_questions_is_the_usual_place(treebanks):
    train, test = (treebanks.questions_of("en", part) for part in ("train", "test"))
    chance, usual = baselines.answers(train, test)
    assert chance == pytest.approx(np.mean([1 / len(q.sentence.words) for q in test]))
    # The subject stands before the verb and the adjective before the object, always; the object
    # stands at one of four places, of which the model of a place knows one.
    objects = [q for q in test if q.relation == "obj"]
    assert 1 - len(objects) / len(test) <= usual < 1


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
    assert baselines.pairs_by_length(train, test) == 0.5
    choices = {"text": "abcd", "choices": ["a", "abcdefg", "abc"]}
    assert baselines.choices_by_length([{**choices, "label": 2}, {**choices, "label": 1}]) == 0.5


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
        for name, others in beside.items():
            other = others[number]
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
