"""Data in files and rows, as examples; and what is said of those that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from xlm_model.finetuning import AnswerTask, ChooseTask, ClassifyTask, FinetuningTask, TagTask
from xlm_model.finetuning.examples import Example, read_examples
from xlm_text import InputError, XLMTokenizer


def read(
    task: FinetuningTask, tokenizer: XLMTokenizer, sources: Any
) -> dict[str, list[tuple[Any, Any]]]:
    found = read_examples(sources, task.column_names, task.read, tokenizer)
    return {lang: [(e.given, e.target) for e in examples] for lang, examples in found.items()}


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8", newline="")
    return f"en={folder / name}"


@pytest.mark.parametrize(
    ("name", "text", "columns"),
    [
        ("a.tsv", 'label\ttext\nx\tSay "yes"\ny\tNo\n', {}),
        ("a.tsv", 'topic\tbody\tz\r\nx\tSay "yes"\t\r\n\r\ny\tNo\t3\r\n',
         {"text": "body", "label": "topic"}),
        ("a.tsv", 'x\tSay "yes"\ny\tNo\n', {"label": "1", "text": "2"}),
        ("a.csv", '\ufefftext,label\n"Say ""yes""",x\nNo,y\n', {}),
        ("a.jsonl", '{"text": "Say \\"yes\\"", "label": "x"}\n\n{"text": "No", "label": "y"}', {}),
        ("a.json", '[\n{"text": "Say \\"yes\\"", "label": "x"}, {"text": "No", "label": "y"}]', {}),
    ],
)  # fmt: skip
def test_rows_of_each_format(
    name: str, text: str, columns: dict[str, str], tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    found = read(ClassifyTask(columns), tokenizer, [write(tmp_path, name, text)])
    assert found == {"en": [('Say "yes"', "x"), ("No", "y")]}


def test_a_quoted_field_may_have_several_lines(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    source = write(tmp_path, "a.csv", 'text,label\n"one\ntwo",x\nthree\n')
    with pytest.raises(InputError, match=r"a\.csv: line 4: has 1 columns: expected 2"):
        read(ClassifyTask(), tokenizer, [source])
    source = write(tmp_path, "a.csv", 'text,label\n"one\ntwo",x\n')
    assert read(ClassifyTask(), tokenizer, [source]) == {"en": [("one\ntwo", "x")]}


CONLLU = """\
# text = Du bist's.
1\tDu\tdu\tPRON\tPPER\t_\t2\tnsubj\t_\t_
2-3\tbist's\t_\t_\t_\t_\t_\t_\t_\t_
2\tbist\tsein\tAUX\tVAFIN\t_\t0\troot\t_\t_
3\tes\tes\tPRON\tPPER\t_\t2\tobj\t_\t_
3.1\tempty\t_\tX\t_\t_\t_\t_\t_\t_

# another
1\tJa\tja\tINTJ\tITJ\t_\t0\troot\t_\t_
"""


@pytest.mark.parametrize(
    ("name", "text", "columns", "tags"),
    [
        ("a.conllu", CONLLU, {}, [["PRON", "AUX", "PRON"], ["INTJ"]]),
        ("a.conllu", CONLLU, {"tags": "deprel"}, [["nsubj", "root", "obj"], ["root"]]),
        ("a.conllu", CONLLU, {"tags": "5"}, [["PPER", "VAFIN", "PPER"], ["ITJ"]]),
        (
            "a.txt",
            "-DOCSTART- -X- O\n\nDu PRON B-P\nbist AUX O\nes PRON O\n\n\nJa INTJ O",
            {},
            [["B-P", "O", "O"], ["O"]],
        ),
        ("a.tsv", "Du\tB-P\nbist\tO\nes\tO\n\nJa\tO\n", {}, [["B-P", "O", "O"], ["O"]]),
        ("a.tsv", "words\ttags\nDu bist es\tA B A\nJa\tC\n", {}, [["A", "B", "A"], ["C"]]),
        (
            "a.jsonl",
            '{"tokens": ["Du", "bist", "es"], "ner": [0, 1, 0]}\n{"tokens": ["Ja"], "ner": [2]}',
            {"words": "tokens", "tags": "ner"},
            [["0", "1", "0"], ["2"]],
        ),
    ],
)
def test_sentences_in_columns_and_rows(
    name: str,
    text: str,
    columns: dict[str, str],
    tags: list[list[str]],
    tokenizer: XLMTokenizer,
    tmp_path: Path,
) -> None:
    [found] = read(TagTask(columns), tokenizer, [write(tmp_path, name, text)]).values()
    assert found == [(["Du", "bist", "es"], tags[0]), (["Ja"], tags[1])]


def test_questions_in_squads_format_and_in_rows(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    context = "Anna came. 😀 Ben left."
    answers = [{"text": "Ben", "answer_start": 13}, {"text": "Ben left", "answer_start": 13}]
    qas = [
        {"id": "1", "question": "Who left?", "answers": answers},
        {"id": "2", "question": "Why?", "is_impossible": True, "answers": [],
         "plausible_answers": answers},
    ]  # fmt: skip
    squad = {"version": "2", "data": [{"paragraphs": [{"context": context, "qas": qas}]}]}
    right = [
        (("Who left?", context), [(13, "Ben"), (13, "Ben left")]),
        (("Why?", context), []),
    ]
    source = write(tmp_path, "a.json", json.dumps(squad, indent=1))
    assert read(AnswerTask(), tokenizer, [source]) == {"en": right}
    rows = [
        {"question": "Who left?", "context": context,
         "answers": {"text": ["Ben", "Ben left"], "answer_start": [13, 13]}},
        {"question": "Why?", "context": context, "answers": {"text": [], "answer_start": []}},
    ]  # fmt: skip
    assert read(AnswerTask(), tokenizer, {"en": Dataset.from_list(rows)}) == {"en": right}
    table = (
        f"question\tcontext\tanswer\tstart\nWho left?\t{context}\tBen\t13\nWhy?\t{context}\t\t\n"
    )
    [found] = read(AnswerTask(), tokenizer, [write(tmp_path, "a.tsv", table)]).values()
    assert found == [(("Who left?", context), [(13, "Ben")]), (("Why?", context), [])]


def test_choices_in_a_list_and_in_columns(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    right = {"en": [(("It rained.", ["wet", "rich"]), 1)]}
    row = '{"text": "It rained.", "choices": ["wet", "rich"], "label": 1}'
    assert read(ChooseTask(), tokenizer, [write(tmp_path, "a.jsonl", row)]) == right
    table = "text\tchoice1\tchoice0\tlabel\nIt rained.\trich\twet\t1\n"
    assert read(ChooseTask(), tokenizer, [write(tmp_path, "a.tsv", table)]) == right
    named = ChooseTask({"choices": "choice0,choice1"})
    assert read(named, tokenizer, [write(tmp_path, "a.tsv", table)]) == right


def test_classes_of_a_dataset_get_their_names(tokenizer: XLMTokenizer) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    rows = Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features=features)
    assert read(ClassifyTask(), tokenizer, {"en": rows}) == {"en": [("a", "good"), ("b", "bad")]}
    tags = List(ClassLabel(names=["O", "B-PER"]))
    features = Features({"words": List(Value("string")), "tags": tags})
    sentences = Dataset.from_dict({"words": [["a", "b"]], "tags": [[1, 0]]}, features=features)
    found = read(TagTask(), tokenizer, {"en": sentences})
    assert found == {"en": [(["a", "b"], ["B-PER", "O"])]}


def test_languages_come_from_sources_or_a_column(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    mixed = write(tmp_path, "m.tsv", "text\tl\tlabel\na\ten\tx\nb\tfr\ty\nc\ten\tx\n")
    pairs = write(tmp_path, "p.tsv", "text\tpair\tlabel\na\tb\tx\n")
    sources = [mixed.replace("en=", "@l=", 1), pairs.replace("en=", "en-fr=", 1)]
    task = ClassifyTask()
    found = read_examples(sources, task.column_names, task.read, tokenizer)
    at = tmp_path / "m.tsv"
    assert found == {
        "en": [Example("a", "x", "en", None, f"{at}: line 2"),
               Example("c", "x", "en", None, f"{at}: line 4")],
        "fr": [Example("b", "y", "fr", None, f"{at}: line 3")],
        "en-fr": [Example(("a", "b"), "x", "en", "fr", f"{tmp_path / 'p.tsv'}: line 2")],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "label", "target"),
    [("multi", "a,b", ("a", "b")), ("multi", "", ()), ("regression", "2.5", 2.5)],
)
def test_several_labels_and_values(
    problem: str, label: str, target: Any, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    source = write(tmp_path, "a.tsv", f"text\tlabel\nx\t{label}\n")
    assert read(ClassifyTask(problem=problem), tokenizer, [source]) == {"en": [("x", target)]}


@pytest.mark.parametrize(
    ("task", "name", "text", "message"),
    [
        (ClassifyTask(), "a.tsv", "text\tkind\nx\ty\n",
         "a.tsv: line 2: has no column 'label', only 'text', 'kind'; columns says which one is"),
        (ClassifyTask(), "a.tsv", "", "a.tsv: has no examples: expected one or more"),
        (ClassifyTask(), "a.jsonl", "", "a.jsonl: has no examples: expected one or more"),
        (ClassifyTask(), "a.tsv", "text\tlabel\n", "a.tsv: has no examples"),
        (ClassifyTask(), "a.tsv", "text\tlabel\nx\ty\tz\n", "line 2: has 3 columns: expected 2"),
        (ClassifyTask(), "a.tsv", "text\ttext\nx\ty\n", "line 1: two columns have one name"),
        (ClassifyTask(), "a.tsv", "text\tlabel\nx\t\n", "line 2: label is '': expected a string"),
        (ClassifyTask(), "a.jsonl", '{"text": 3, "label": 1}', "line 1: text is 3: expected a str"),
        (ClassifyTask(), "a.jsonl", '{"text": "x", "label": null}', "line 1: label is None: exp"),
        (ClassifyTask(), "a.jsonl", '{"text": "x", "label": 1}\n{"te', "line 2: is not JSON ("),
        (ClassifyTask(), "a.jsonl", '{"text": "x", "label": 1}\n3', "line 2: is 3: expected an"),
        (ClassifyTask(), "a.json", "[3]", "a.json: entry 1: is 3: expected an object"),
        (ClassifyTask(), "a.json", "3", "a.json: expected an object on each line, a list of them"),
        (ClassifyTask(), "a.txt", "x", "expected a file whose name ends in one of .tsv, .csv"),
        (ClassifyTask(problem="regression"), "a.tsv", "text\tlabel\nx\ty\n", "is 'y': expected"),
        (TagTask(), "a.jsonl", '{"words": ["a", "b"], "tags": ["x"]}',
         "line 1: has 2 words and 1 tags: expected a tag for each word"),
        (TagTask(), "a.txt", "a X\n\nb X\nc\n", "a.txt: line 4: has 1 columns: expected a word"),
        (TagTask(), "a.conllu", "1\ta\n", "a.conllu: line 1: has 2 columns: expected a word and"),
        (TagTask(), "a.conllu", "a\tX\n", "line 1: begins with 'a': expected the word's number"),
        (TagTask({"tags": "ner"}), "a.conllu", CONLLU, "is 'ner': expected a number from 1, or"),
        (TagTask({"tags": "ner"}), "a.txt", "a X\n", "is 'ner': expected a number from 1, as the"),
        (AnswerTask(), "a.tsv", "question\tcontext\tanswer\tstart\nq\tA b c\tb\t3\n",
         "line 2: the answer is 'b', and the context has ' ' at 3: expected the same characters"),
        (AnswerTask(), "a.tsv", "question\tcontext\tanswer\tstart\nq\tA b c\tb\tx\n",
         "line 2: the answer's start is 'x': expected a whole number"),
        (AnswerTask(), "a.json", '{"data": [{"paragraphs": [{"qas": [{"id": "7"}]}]}]}',
         "a.json: is not in SQuAD's format (KeyError('question'))"),
        (AnswerTask(), "a.json",
         '{"data": [{"paragraphs": [{"qas": [{"id": "7", "question": "q"}]}]}]}',
         "a.json: question '7': is not in SQuAD's format (KeyError('context'))"),
        (ChooseTask(), "a.jsonl", '{"text": "x", "choices": ["a", "b"], "label": 2}',
         "line 1: label is 2: expected the number of the right choice, from 0 to 1"),
        (ChooseTask(), "a.jsonl", '{"text": "x", "choices": ["a"], "label": 0}', "expected two"),
        (ChooseTask(), "a.tsv", "text\tlabel\nx\t0\n", "line 2: has no column 'choices', only"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said_with_its_place(
    task: FinetuningTask,
    name: str,
    text: str,
    message: str,
    tokenizer: XLMTokenizer,
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError) as caught:
        read(task, tokenizer, [write(tmp_path, name, text)])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["x"], "'x' is not a language and a file"),
        ("en=a.tsv", "the data are the string 'en=a.tsv': expected a list or a mapping"),
        ({"xx": [{"text": "a", "label": "b"}]}, "xx: no language 'xx' (this checkpoint has"),
        ({"@l": [{"text": "a", "label": "b", "l": "xx"}]}, "@l[0]: no language 'xx'"),
        ({"@l": [{"text": "a", "label": "b"}]}, "@l[0]: has no language in the column 'l'"),
        ({"en": [3]}, "en[0]: is 3: expected a mapping"),
    ],
)
def test_sources_that_mean_nothing(sources: Any, message: str, tokenizer: XLMTokenizer) -> None:
    with pytest.raises(InputError) as caught:
        read(ClassifyTask(), tokenizer, sources)
    assert message in str(caught.value)


def test_bytes_that_are_not_utf_8(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"text\tlabel\nx\ty\n\xff\tz\n")
    with pytest.raises(InputError, match=r"a\.tsv: line 3: is not UTF-8"):
        read(ClassifyTask(), tokenizer, [f"en={tmp_path / 'a.tsv'}"])


def test_columns_that_a_task_does_not_have() -> None:
    with pytest.raises(InputError, match="columns has 'tags': expected one of text, pair, label"):
        ClassifyTask({"tags": "x"})
