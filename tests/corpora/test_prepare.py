"""Raw files in every format become rows of the ids that the reference gives their texts."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xlm_text import InputError, XLMTokenizer, corpora
from xlm_text.corpora.encoder import Encoder
from xlm_text.corpora.options import Options
from xlm_text.corpora.reading import Block
from xlm_text.files.vocabulary import Vocabulary

from .conftest import FIXTURES, contents, rows_of, sentences

Golden = dict[str, list[list[int]]]
Write = Callable[..., str]


def zstd(data: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


def as_csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def parquet_bytes(**columns: list[str]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, row_group_size=4)
    return out.getvalue()


FR = sentences("fr")
TEXT = "".join(f"{line}\n" for line in FR).encode()
JSONL = "".join(json.dumps({"n": i, "body": line}) + "\n" for i, line in enumerate(FR)).encode()
TSV = "".join(f"1\t{line}\n" for line in FR).encode()
FILES = {
    "text": ("fr.txt", TEXT, ""),
    "no newline at the end": ("fr.txt", TEXT.removesuffix(b"\n"), ""),
    "Windows' line ends": ("fr.txt", TEXT.replace(b"\n", b"\r\n"), ""),
    "byte order mark": ("fr.txt", b"\xef\xbb\xbf" + TEXT, ""),
    "any name": ("news.fr", TEXT, ""),
    "gzip": ("fr.txt.gz", gzip.compress(TEXT), ""),
    "two gzip members": ("fr.txt.gz", gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:]), ""),
    "bz2": ("fr.txt.bz2", bz2.compress(TEXT), ""),
    "xz": ("fr.txt.xz", lzma.compress(TEXT), ""),
    "zstd": ("fr.txt.zst", zstd(TEXT), ""),
    "JSON lines": ("fr.jsonl", JSONL, ":body"),
    "JSON lines, zstd": ("fr.jsonl.zst", zstd(JSONL), ":body"),
    "TSV by name": ("fr.tsv", b"n\tbody\n" + TSV, ":body"),
    "TSV by number": ("fr.tsv", TSV, ":2"),
    "CSV by name": ("fr.csv", as_csv([["n", "body"], *(["1", line] for line in FR)]), ":body"),
    "CSV by number": ("fr.csv", as_csv([["1", line] for line in FR]), ":2"),
    "CSV, gzip": ("fr.csv.gz", gzip.compress(as_csv([["body"], *([x] for x in FR)])), ":body"),
    "Parquet": ("fr.parquet", parquet_bytes(n=["x"] * len(FR), body=FR), ":body"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("shard_bytes", [1 << 20, 300])
@pytest.mark.usefixtures("small_chunks")
def test_every_format_gives_the_reference_ids(
    kind: str, shard_bytes: int, tmp_path: Path, model: str, golden: Golden
) -> None:
    name, data, column = FILES[kind]
    path = tmp_path / name
    path.write_bytes(data)
    out = tmp_path / "data"
    corpus = corpora.prepare([f"fr={path}{column}"], out, model=model, shard_bytes=shard_bytes)
    rows = rows_of(corpus)
    assert [row["input_ids"] for row in rows] == golden["fr"]
    assert {row["lang"] for row in rows} == {"fr"}
    assert {row["file"] for row in rows} == {str(path)}
    header = "by name" in kind or kind == "CSV, gzip"
    assert [row["line"] for row in rows] == [i + 1 + header for i in range(len(FR))]
    assert (len(corpus.files()) > 2) == (shard_bytes == 300)


def test_ids_are_int32_lists(tmp_path: Path, model: str, write: Write) -> None:
    corpus = corpora.prepare([f"en={write('a', ['Hello!'])}"], tmp_path / "data", model=model)
    assert corpus.dataset().schema == pa.schema(
        {
            "input_ids": pa.list_(pa.int32()),
            "lang": pa.string(),
            "file": pa.string(),
            "line": pa.int64(),
            "document": pa.int64(),
        }
    )


def test_an_empty_line_ends_a_document(tmp_path: Path, model: str, write: Write) -> None:
    path = write("en.txt", ["One.", "Two.", "", "Three.", "", "", " \t", "Four."])
    corpus = corpora.prepare([f"en={path}"], tmp_path / "data", model=model)
    rows = rows_of(corpus)
    assert [row["line"] for row in rows] == [1, 2, 4, 8]
    documents = [row["document"] for row in rows]
    assert documents[0] == documents[1]
    assert len(set(documents)) == 3
    numbers = corpus.statistics()["en"]
    assert (numbers.lines, numbers.texts, numbers.empty) == (8, 4, 4)


@pytest.mark.usefixtures("small_chunks")
def test_documents_go_on_where_a_file_is_cut(tmp_path: Path, model: str, write: Write) -> None:
    lines = ["A sentence of some forty characters, here." if i % 10 else "" for i in range(2000)]
    path = write("en.txt", lines)
    corpus = corpora.prepare([f"en={path}"], tmp_path / "data", model=model, shard_bytes=9000)
    rows = rows_of(corpus)
    assert len(corpus.files()) > 2
    # Line 1 is empty, and each tenth after it.
    assert [row["document"] for row in rows] == [(row["line"] - 2) // 10 + 1 for row in rows]
    assert [row["line"] for row in rows] == [i + 1 for i in range(2000) if i % 10]


def test_a_record_with_several_lines_is_a_document(
    tmp_path: Path, model: str, write: Write, tokenizer: XLMTokenizer
) -> None:
    record = json.dumps({"text": "One line.\nAnother one.\r\n\r\nA third."})
    path = write("web.jsonl", [record, json.dumps({"text": None}), json.dumps({"text": "Last."})])
    corpus = corpora.prepare([f"en={path}"], tmp_path / "data", model=model)
    rows = rows_of(corpus)
    texts = ["One line.", "Another one.", "A third.", "Last."]
    assert [row["input_ids"] for row in rows] == tokenizer.batch_encode(texts, lang="en")
    assert [row["line"] for row in rows] == [1, 1, 1, 3]
    assert [row["document"] for row in rows] == [1, 1, 1, 3]


EN = sentences("en")


@pytest.mark.parametrize("kind", ["files", "gzip", "tsv", "columns", "parquet"])
def test_pairs(kind: str, tmp_path: Path, model: str, write: Write, golden: Golden) -> None:
    if kind in ("files", "gzip"):
        write("c.en", EN)
        write("c.fr", FR)
        spec = f"{tmp_path}/c.en,{tmp_path}/c.fr"
        if kind == "gzip":
            (tmp_path / "c.fr.gz").write_bytes(gzip.compress((tmp_path / "c.fr").read_bytes()))
            spec += ".gz"
    elif kind == "parquet":
        (tmp_path / "p.parquet").write_bytes(parquet_bytes(french=FR, english=EN))
        spec = f"{tmp_path}/p.parquet:english,french"
    else:
        rows = [f"{en}\t{fr}" for en, fr in zip(EN, FR, strict=True)]
        if kind == "columns":
            rows = ["en\tfr", *rows]
        spec = write("p.tsv", rows) + (":en,fr" if kind == "columns" else "")
    corpus = corpora.prepare([f"en-fr={spec}"], tmp_path / "data", model=model, blocks=16)
    rows_made = rows_of(corpus)
    # Both sides of a pair are one row, with special tokens, even beside streams.
    assert [row["input_ids"][1:-1] for row in rows_made] == [row[1:-1] for row in golden["en"]]
    assert [row["input_ids_pair"][1:-1] for row in rows_made] == [r[1:-1] for r in golden["fr"]]
    assert {(row["lang"], row["lang_pair"]) for row in rows_made} == {("en", "fr")}


@pytest.mark.usefixtures("small_chunks")
def test_two_files_of_pairs_are_cut_at_the_same_lines(
    tmp_path: Path, model: str, write: Write, tokenizer: XLMTokenizer
) -> None:
    # The lines of the second file are longer, so the bytes of its cuts are others.
    first = [f"Line {i}." for i in range(600)]
    second = [f"Ligne {i}, qui est plus longue." for i in range(600)]
    spec = f"{write('a.en', first)},{write('a.fr', second)}"
    corpus = corpora.prepare([f"en-fr={spec}"], tmp_path / "data", model=model, shard_bytes=1500)
    assert len(corpus.files()) > 2
    rows = rows_of(corpus)
    assert [row["line"] for row in rows] == list(range(1, 601))
    some = range(0, 600, 7)
    expected = tokenizer.batch_encode([second[i] for i in some], lang="fr")
    assert [rows[i]["input_ids_pair"] for i in some] == expected


def test_a_pair_without_one_of_its_texts_is_empty(tmp_path: Path, model: str, write: Write) -> None:
    path = write("p.tsv", ["One.\tUn.", "\tDeux.", "Three.\t", "Four.\t\u200b", "Five.\tCinq."])
    corpus = corpora.prepare([f"en-fr={path}"], tmp_path / "data", model=model)
    assert [row["line"] for row in rows_of(corpus)] == [1, 5]


def test_a_column_says_the_language(
    tmp_path: Path, model: str, write: Write, golden: Golden
) -> None:
    lines = [
        json.dumps({"text": text, "language": lang})
        for pair in zip(EN, FR, sentences("zh"), strict=True)
        for text, lang in zip(pair, ("en", "fr", "zh"), strict=True)
    ]
    path = write("mixed.jsonl", lines)
    corpus = corpora.prepare([f"@language={path}"], tmp_path / "data", model=model)
    rows = rows_of(corpus)
    assert [row["line"] for row in rows] == list(range(1, len(lines) + 1))
    assert [row["lang"] for row in rows] == ["en", "fr", "zh"] * len(EN)
    for lang in ("en", "fr", "zh"):
        ids = [row["input_ids"] for row in rows_of(corpus, lang=lang)]
        assert ids == golden["zh-jieba" if lang == "zh" else lang]
        assert corpus.statistics()[lang].lines == len(ids)


def test_pairs_are_found_beside_texts_of_mixed_languages(
    tmp_path: Path, model: str, write: Write, golden: Golden
) -> None:
    texts = write("mixed.jsonl", [json.dumps({"text": EN[0], "language": "en"})])
    pairs = write("pairs.tsv", ["\t".join(pair) for pair in zip(EN, FR, strict=True)])
    sources = [f"@language={texts}", f"en-fr={pairs}"]
    corpus = corpora.prepare(sources, tmp_path / "data", model=model)
    rows = rows_of(corpus, lang="en-fr")
    assert [row["input_ids"] for row in rows] == golden["en"]
    assert [row["input_ids_pair"] for row in rows] == golden["fr"]
    assert [row["input_ids"] for row in rows_of(corpus, lang="en")] == golden["en"][:1]


@pytest.mark.parametrize("offsets", [False, True])
def test_caches_of_many_languages_are_bounded_together(
    offsets: bool, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column may have any number of languages."""
    for name in ("_CACHED_UNITS", "_CACHED_WITH_OFFSETS"):
        monkeypatch.setattr(f"xlm_text.corpora.encoder.{name}", 8000)
    tokenizer = XLMTokenizer.from_pretrained(model, any_language=True)
    encoder = Encoder(tokenizer, Options(offsets=offsets))
    languages = ["en", "fr", "de", "es", "ru", "it", "pt", "nl", "sv"]
    limits = []
    for count in range(1, len(languages) + 1):
        langs = languages[:count]
        numbers = list(range(count))
        block = Block(numbers, numbers, [f"Number {i}." for i in numbers], langs=langs)
        (_, table), = encoder.encode(block, (), "file", {})  # fmt: skip
        expected = [tokenizer.encode(f"Number {i}.", lang=langs[i]) for i in numbers]
        assert table.column("input_ids").to_pylist() == expected
        limits.append(encoder._tokenizer.memory_limit)
    assert limits == [8000, 4000, 2000, 2000, 1000, 1000, 1000, 1000, 1000]
    assert tokenizer.memory_limit == 100_000


def test_globs_and_several_sources_of_a_language(
    tmp_path: Path, model: str, write: Write, golden: Golden
) -> None:
    write("wiki/b.txt", FR[5:10])
    write("wiki/a.txt", FR[:5])
    write("wiki/deep/er/c.txt", FR[10:12])
    last = write("last.txt", FR[12:])
    sources = [f"fr={tmp_path}/wiki/*.txt", f"fr={tmp_path}/wiki/*/**/*.txt", f"fr={last}"]
    corpus = corpora.prepare(sources, tmp_path / "data", model=model)
    assert [row["input_ids"] for row in rows_of(corpus)] == golden["fr"]
    names = [Path(path).name for path in corpus.files()]
    assert names == [f"{i:05d}.parquet" for i in range(4)]


def test_standard_input_is_a_source(tmp_path: Path, model: str, golden: Golden) -> None:
    code = (
        "import sys; from xlm_text import corpora\n"
        "corpora.prepare(['fr=-'], sys.argv[1], model=sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "data", model], input=TEXT, check=True)
    rows = rows_of(corpora.open(tmp_path / "data"))
    assert [row["input_ids"] for row in rows] == golden["fr"]
    assert {row["file"] for row in rows} == {"-"}
    assert not list(tmp_path.rglob("*inputs*"))


@pytest.mark.parametrize("workers", [1, 2])
def test_pipes_are_sources(workers: int, tmp_path: Path, model: str, golden: Golden) -> None:
    lines, records = tmp_path / "fr.txt.gz", tmp_path / "en.jsonl"
    os.mkfifo(lines)
    os.mkfifo(records)
    english = "".join(json.dumps({"text": line}) + "\n" for line in EN).encode()
    writers = [
        Thread(target=path.write_bytes, args=(data,), daemon=True)
        for path, data in ((lines, gzip.compress(TEXT)), (records, english))
    ]
    for writer in writers:
        writer.start()
    sources = [f"fr={lines}", f"en={records}"]
    corpus = corpora.prepare(sources, tmp_path / "data", model=model, workers=workers)
    for lang in ("fr", "en"):
        assert [row["input_ids"] for row in rows_of(corpus, lang=lang)] == golden[lang]
    assert {row["file"] for row in rows_of(corpus)} == {str(lines), str(records)}
    assert set(contents(tmp_path / "data")) == {
        "manifest.json", "statistics.json", "train/en/00000.parquet", "train/fr/00000.parquet",
        *(name for name in contents(tmp_path / "data") if name.startswith("tokenizer/")),
    }  # fmt: skip
    with pytest.raises(InputError, match=r"is complete: what .*fr\.txt\.gz gives now cannot be"):
        corpora.prepare(sources, tmp_path / "data", model=model)


def test_what_is_wrong_with_a_pipe_names_the_pipe(tmp_path: Path, model: str) -> None:
    pipe = tmp_path / "fr.txt.gz"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=(gzip.compress(TEXT)[:-9],), daemon=True)
    writer.start()
    with pytest.raises(InputError) as raised:
        corpora.prepare([f"fr={pipe}"], tmp_path / "data", model=model)
    assert str(raised.value).startswith(f"{pipe}: cut short or damaged (gzip: ")
    with pytest.raises(InputError, match="can be read only once, and so be given only once"):
        corpora.prepare([f"fr={pipe}", f"en={pipe}"], tmp_path / "other", model=model)


def test_offsets_are_the_tokenizers(
    tmp_path: Path, model: str, write: Write, tokenizer: XLMTokenizer
) -> None:
    path = write("fr.txt", FR)
    corpus = corpora.prepare([f"fr={path}"], tmp_path / "data", model=model, offsets=True)
    expected = tokenizer(FR, lang="fr", return_offsets_mapping=True)["offset_mapping"]
    assert [[tuple(s) for s in row["offsets"]] for row in rows_of(corpus)] == expected


def test_a_maximum_length_cuts_as_the_tokenizer_does(
    tmp_path: Path, model: str, write: Write, tokenizer: XLMTokenizer
) -> None:
    path = write("fr.txt", FR)
    corpus = corpora.prepare(
        [f"fr={path}"], tmp_path / "data", model=model, max_length=12, offsets=True
    )
    expected = tokenizer(FR, lang="fr", max_length=12, return_offsets_mapping=True)
    rows = rows_of(corpus)
    assert [row["input_ids"] for row in rows] == expected["input_ids"]
    assert [[tuple(s) for s in row["offsets"]] for row in rows] == expected["offset_mapping"]
    long = sum(len(row) > 12 for row in tokenizer.batch_encode(FR, lang="fr"))
    assert corpus.statistics()["fr"].cut == long > 0


def test_no_special_tokens(tmp_path: Path, model: str, write: Write, golden: Golden) -> None:
    path = write("fr.txt", FR)
    corpus = corpora.prepare([f"fr={path}"], tmp_path / "data", model=model, special_tokens=False)
    assert [row["input_ids"] for row in rows_of(corpus)] == [row[1:-1] for row in golden["fr"]]


def test_a_split_follows_the_text_alone(tmp_path: Path, model: str, write: Write) -> None:
    lines = [f"Sentence number {i}." for i in range(4000)]
    forwards = write("a.txt", lines)
    backwards = write("b.txt", lines[::-1])
    split = {"train": 0.8, "valid": 0.15, "test": 0.05}
    corpus = corpora.prepare(
        [f"en={forwards}", f"en={backwards}"], tmp_path / "data", model=model, split=split
    )
    sides = {
        name: [tuple(row["input_ids"]) for row in rows_of(corpus, name)] for name in corpus.splits
    }
    assert sum(map(len, sides.values())) == 8000
    assert not set(sides["train"]) & set(sides["valid"])
    assert not set(sides["train"]) & set(sides["test"])
    # Four standard deviations of a binomial distribution.
    assert abs(len(sides["train"]) / 8000 - 0.8) < 4 * (0.8 * 0.2 / 4000) ** 0.5
    for rows in sides.values():
        assert rows[: len(rows) // 2] == rows[len(rows) // 2 :][::-1]


@pytest.mark.parametrize("blocks", [None, 32])
def test_flat_files_hold_the_same_ids(
    blocks: int | None, tmp_path: Path, model: str, write: Write
) -> None:
    sources = [f"fr={write('fr.txt', FR)}"]
    if blocks is None:
        sources += [f"en-fr={write('p.en', EN)},{write('p.fr', FR)}"]
    common = {"model": model, "blocks": blocks}
    rows = rows_of(corpora.prepare(sources, tmp_path / "rows", **common))
    corpus = corpora.prepare(sources, tmp_path / "flat", format="bin", **common)
    made = contents(tmp_path / "flat")

    def read(name: str) -> list[list[int]]:
        ids, ends = array("H", made[f"{name}.bin"]), array("Q", made[f"{name}.idx"])
        return [list(ids[ends[i] : ends[i + 1]]) for i in range(len(ends) - 1)]

    single = [row for row in rows if row.get("input_ids_pair") is None]
    assert read("train/fr/00000.fr") == [row["input_ids"] for row in single]
    if blocks is None:
        pairs = [row for row in rows if row["input_ids_pair"] is not None]
        assert read("train/en-fr/00000.en") == [row["input_ids"] for row in pairs]
        assert read("train/en-fr/00000.fr") == [row["input_ids_pair"] for row in pairs]
    with pytest.raises(InputError, match=r"numpy\.memmap"):
        corpus.dataset()


def test_large_vocabularies_are_four_bytes_wide(tmp_path: Path, write: Write) -> None:
    small = Vocabulary.from_files(
        FIXTURES / "vocabulary" / "vocab.json", FIXTURES / "vocabulary" / "merges.txt"
    )
    han = [chr(0x20000 + i // 2) + ("</w>" if i % 2 else "") for i in range(70_000)]
    ids = dict(small.ids) | {piece: len(small.ids) + i for i, piece in enumerate(han)}
    tokenizer = XLMTokenizer(Vocabulary(ids, small.merges))
    text = f"one {chr(0x20000 + 34_000)} two"
    corpora.prepare(
        [f"en={write('en.txt', [text])}"], tmp_path / "data", model=tokenizer, format="bin"
    )
    found = array("I", contents(tmp_path / "data")["train/en/00000.en.bin"])
    assert list(found) == tokenizer.encode(text, lang="en")
    assert ids[chr(0x20000 + 34_000) + "</w>"] in found
    assert max(found) > 65_535


def test_what_is_opened_again(tmp_path: Path, model: str, write: Write, golden: Golden) -> None:
    sources = [f"fr={write('fr.txt', FR)}", f"en={write('en.txt', EN)}"]
    corpora.prepare(sources, tmp_path / "data", model=model)
    corpus = corpora.open(tmp_path / "data")
    assert corpus.tokenizer().batch_encode(EN, lang="en") == golden["en"]
    assert corpus.dataset(lang="fr").count_rows() == len(FR)
    for path in corpus.files():
        assert Path(path).is_file()
    with pytest.raises(InputError, match="no split 'valid': there are train"):
        corpus.dataset("valid")
    shards = corpus.manifest["shards"]
    assert sum(shard["tokens"] for shard in shards) == sum(map(len, golden["fr"] + golden["en"]))
    assert sum(shard["bytes"] for shard in shards) == sum(
        Path(path).stat().st_size for path in corpus.files()
    )
