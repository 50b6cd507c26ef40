"""The tokenizer in `datasets`: mapped, cached, in several processes, with a column of languages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, load_dataset
from datasets.fingerprint import Hasher

from xlm_text import InputError, XLMTokenizer

ROWS = [
    {"text": f"The river {i}.", "pair": "Der Fluß!", "lang": "en", "words": ["Hello", "world!"]}
    for i in range(30)
] + [
    {"text": f"我来到北京 {i}。", "pair": "Où ?", "lang": "zh", "words": ["你好"]}
    for i in range(30)
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.fixture
def tokenizer() -> XLMTokenizer:
    return XLMTokenizer.from_pretrained(use_lang_emb=True)


def load(file: Path) -> Any:
    """Load the rows from a file: only then are the results of `map` cached."""
    cache = str(file.parent / "cache")
    return load_dataset("json", data_files=str(file), cache_dir=cache, split="train")


def tables(file: Path) -> dict[str, int]:
    """Return when each of the cached tables was written."""
    return {str(path): path.stat().st_mtime_ns for path in file.parent.rglob("*.arrow")}


def column(name: str) -> list[Any]:
    return [row[name] for row in ROWS]


def test_a_mapped_column_is_what_a_call_gives(file: Path, tokenizer: XLMTokenizer) -> None:
    mapped = load(file).map(tokenizer, batched=True, input_columns="text", fn_kwargs={"lang": "en"})
    right = tokenizer(column("text"), lang="en")
    assert set(mapped.column_names) == {*ROWS[0], "input_ids", "attention_mask", "langs"}
    for name in right:
        assert mapped[name][:] == right[name]
    options = {"lang": "en", "lang_pair": "de", "truncation": "only_first", "max_length": 9}
    both = load(file).map(
        tokenizer, batched=True, input_columns=["text", "pair"], fn_kwargs=options
    )
    right = tokenizer(column("text"), column("pair"), **options)
    assert both["input_ids"][:] == right["input_ids"]
    assert both["langs"][:] == right["langs"]


def in_its_language(batch: Any, tokenizer: XLMTokenizer) -> Any:
    return tokenizer(batch["text"], lang=batch["lang"])


def words_in_their_language(batch: Any, tokenizer: XLMTokenizer) -> Any:
    return tokenizer(batch["words"], is_split_into_words=True, lang=batch["lang"])


@pytest.mark.parametrize("streamed", [False, True])
def test_a_column_of_languages(streamed: bool, file: Path, tokenizer: XLMTokenizer) -> None:
    rows = load(file).to_iterable_dataset() if streamed else load(file)
    options: dict[str, Any] = {"batched": True, "fn_kwargs": {"tokenizer": tokenizer}}
    mapped = list(rows.map(in_its_language, **options))
    right = tokenizer(column("text"), lang=column("lang"))
    assert [row["input_ids"] for row in mapped] == right["input_ids"]
    assert [row["langs"] for row in mapped] == right["langs"]
    mapped = list(rows.map(words_in_their_language, **options))
    right = tokenizer(column("words"), is_split_into_words=True, lang=column("lang"))
    assert [row["input_ids"] for row in mapped] == right["input_ids"]


def test_several_processes_give_the_same(file: Path, tokenizer: XLMTokenizer) -> None:
    mapped = load(file).map(
        in_its_language, batched=True, num_proc=2, fn_kwargs={"tokenizer": tokenizer}
    )
    right = tokenizer(column("text"), lang=column("lang"))
    assert mapped["input_ids"][:] == right["input_ids"]


def test_the_second_time_comes_from_the_cache(file: Path, tokenizer: XLMTokenizer) -> None:
    def mapped(tokenizer: XLMTokenizer, **options: Any) -> Any:
        return load(file).map(
            tokenizer, batched=True, input_columns="text", fn_kwargs={"lang": "en", **options}
        )

    first = mapped(tokenizer)
    written = tables(file)
    # Used, made again, and read from a folder of the same name.
    tokenizer("Ein Fluß!", lang="de", padding=True, return_tensors="np")
    again = [mapped(tokenizer), mapped(XLMTokenizer.from_pretrained(use_lang_emb=True))]
    assert tables(file) == written
    assert all(one["input_ids"][:] == first["input_ids"][:] for one in again)
    # What changes ids is noticed.
    other = XLMTokenizer.from_pretrained(use_lang_emb=True, bos_token="</s>")
    assert mapped(other)["input_ids"][0][0] == 1
    assert mapped(tokenizer, add_special_tokens=False)["input_ids"][0][0] != 0
    assert len(tables(file)) == len(written) + 2


SCRIPT = """
import sys
from datasets import load_dataset
from xlm_text import XLMTokenizer
rows = load_dataset("json", data_files=sys.argv[1], cache_dir=sys.argv[2], split="train")
tokenizer = XLMTokenizer.from_pretrained(use_lang_emb=True)
tokenizer.add_tokens(["river", "北京"])
rows.map(tokenizer, batched=True, input_columns="text", fn_kwargs={"lang": "en"})
"""


def test_another_process_finds_what_the_first_one_cached(file: Path) -> None:
    """Python hashes strings otherwise in each process, which orders sets otherwise."""
    seen = []
    for seed in "12":
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(file), str(file.parent / "cache")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        )
        seen.append(tables(file))
    assert len(seen[0]) == 2  # the rows, and what they became
    assert seen[0] == seen[1]


def test_no_use_changes_the_fingerprint(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    before = Hasher.hash(tokenizer)
    tokenizer("Hello, world!", lang="en", return_offsets_mapping=True).word_ids()
    tokenizer(
        "我来到北京。", "Où ?", lang="zh", lang_pair="fr", padding="max_length", max_length=20
    )
    tokenizer.decode(tokenizer.encode("Ein Fluß!", lang="de"), skip_special_tokens=True)
    tokenizer.get_vocab()
    list(tokenizer.encode_iterator(["a", "b"], lang="en"))
    tokenizer.save_pretrained(tmp_path)
    assert Hasher.hash(tokenizer) == before
    assert Hasher.hash(XLMTokenizer.from_pretrained(use_lang_emb=True)) == before
    tokenizer.padding_side = "left"
    assert Hasher.hash(tokenizer) != before
    tokenizer.padding_side = "right"
    assert Hasher.hash(tokenizer) == before
    loaded = [XLMTokenizer.from_pretrained(tmp_path) for _ in range(2)]
    assert Hasher.hash(loaded[0]) == Hasher.hash(loaded[1])


def test_a_transform_gives_tensors(tokenizer: XLMTokenizer) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rows = Dataset.from_list(ROWS)
    mapped = rows.map(tokenizer, batched=True, input_columns="text", fn_kwargs={"lang": "en"})
    mapped.set_format("torch", columns=["input_ids", "langs"])
    assert mapped[0]["input_ids"].tolist() == tokenizer(ROWS[0]["text"], lang="en")["input_ids"]
    rows.set_transform(
        lambda batch: tokenizer(
            batch["text"], lang=batch["lang"], padding=True, return_tensors="pt"
        )
    )
    right = tokenizer(column("text")[28:32], lang=column("lang")[28:32], padding=True)
    assert torch.equal(rows[28:32]["input_ids"], torch.tensor(right["input_ids"]))


def test_rows_in_place_of_a_column_are_one_clear_error(tokenizer: XLMTokenizer) -> None:
    rows = Dataset.from_list(ROWS[:2])
    message = "text must be a string, not Lazy.* of text, pair, lang, words: pass one of these "
    for batched in (True, False):
        with pytest.raises(InputError, match=message + "columns; .* with input_columns"):
            rows.map(tokenizer, batched=batched, fn_kwargs={"lang": "en"})
