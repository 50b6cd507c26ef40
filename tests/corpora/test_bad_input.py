"""What cannot be used gets one clear error, and leaves nothing half-written behind."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import re
import socket
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xlm_text import InputError, MissingComponentError, XLMTokenizer, corpora
from xlm_text.corpora.lines import MAX_LINE_BYTES
from xlm_text.corpora.reading import MAX_TEXT_CHARACTERS

from .conftest import contents, rows_of

LINES = "".join(f"Line {i} of some text.\n" for i in range(3000)).encode()
BAD = LINES.replace(b"Line 2000 of", b"Line \xff 2000 of")


def parquet(**columns: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def zstd(data: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


# What a file holds, the argument for it, and what the error must say.
FILES: dict[str, tuple[str, bytes, str, str]] = {
    "not UTF-8": ("a.txt", BAD, "en={}", r"a\.txt: line 2001, byte 6: not UTF-8 \(invalid start"),
    "not UTF-8 in gzip": (
        "a.txt.gz", gzip.compress(BAD), "en={}", r"a\.txt\.gz: line 2001, byte 6: not UTF-8"),
    "not UTF-8 in zstd": (
        "a.txt.zst", zstd(BAD), "en={}", r"a\.txt\.zst: line 2001, byte 6: not UTF-8"),
    "not UTF-8 in a field": (
        "a.tsv", b"x\tfine\nx\tb\xc3d\n", "en={}:2", r"line 2, byte 2: not UTF-8"),
    "not UTF-8 in CSV": (
        "a.csv", b'text\n"fine"\n"b\xc3d"\n', "en={}:text", r"line 3, byte 2: not UTF-8"),
    "not UTF-8 in JSON": (
        "a.jsonl", b'{"text": "b\xc3d"}\n', "en={}", r"line 1: not UTF-8 at byte 12"),
    "half a surrogate pair": (
        "a.jsonl", b'{"text": "ab\\ud800"}\n', "en={}", r"line 1, character 3: half of a surr"),
    "not UTF-8 in Parquet": (
        "a.parquet",
        parquet(text=pa.array([b"fine", b"b\xc3d"], pa.binary()).view(pa.string())),
        "en={}", r"row 2, byte 2: not UTF-8"),
    "gzip cut short": (
        "a.txt.gz", gzip.compress(LINES)[:-9], "en={}",
        r"a\.txt\.gz: cut short or damaged \(gzip: .*\), after [\d,]+ bytes of text"),
    "bz2 cut short": (
        "a.txt.bz2", bz2.compress(LINES)[:-9], "en={}", r"cut short or damaged \(bzip2"),
    "xz cut short": ("a.txt.xz", lzma.compress(LINES)[:-9], "en={}", r"cut short or damaged \(xz"),
    "zstd cut short": ("a.txt.zst", zstd(LINES)[:-9], "en={}", r"cut short or damaged \(zstd"),
    "no gzip at all": ("a.txt.gz", LINES, "en={}", r"cut short or damaged \(gzip"),
    "Parquet cut short": (
        "a.parquet", parquet(text=["a"] * 99)[:-20], "en={}", r"a\.parquet: not a whole Parquet"),
    "no Parquet at all": ("a.parquet", b"text", "en={}", r"a\.parquet: not a whole Parquet file"),
    "no such column in JSON": (
        "a.jsonl", b'{"body": "a"}\n', "en={}:text", r"line 1: no column 'text': there are 'body'"),
    "no such column in CSV": (
        "a.csv", b"a,b\n1,2\n", "en={}:text", r"a\.csv: no column 'text': there are 'a', 'b'"),
    "no such column in TSV": (
        "a.tsv", b"a\tb\n1\t2\n", "en={}:text", r"a\.tsv: no column 'text': there are 'a', 'b'"),
    "no such column in Parquet": (
        "a.parquet", parquet(a=["x"]), "en={}:text", r"no column 'text': there are 'a'"),
    "no such column by number": ("a.tsv", b"a\tb\n1\n", "en={}:2", r"line 2: has 1 column: expe"),
    "column 0": ("a.tsv", b"a\n", "en={}:0", r"columns are numbered from 1"),
    "an empty file with a header": ("a.csv", b"", "en={}:text", r"a\.csv: is empty"),
    "mixed types in JSON": (
        "a.jsonl", b'{"text": "a"}\n{"text": 5}\n', "en={}",
        r"line 2: column 'text' has the number 5: expected text"),
    "numbers in Parquet": (
        "a.parquet", parquet(text=[1, 2]), "en={}", r"column 'text' holds int64: expected text"),
    "no JSON": ("a.jsonl", b'{"text": "a"}\n{"text": \n', "en={}", r"line 2: not JSON \(column 10"),
    "no object": ("a.jsonl", b'["a"]\n', "en={}", r"a JSON object was expected, not a list"),
    "very deep JSON": ("a.jsonl", b"[" * 99_999 + b"\n", "en={}", r"line 1: not JSON"),
    "no such language in a column": (
        "a.tsv", b"text\tl\nHi\ten\nHi\txx\n", "@l={}:text", r"line 3: no language 'xx'"),
    "a long text": (
        "a.txt", b"fine\n" + b"a " * MAX_TEXT_CHARACTERS + b"\n", "en={}",
        r"a\.txt: line 2: a text of 2,097,152 characters: expected at most 1,048,576"),
    "a line of 100 MB": (
        "a.txt.gz", gzip.compress(b"fine\n" + b"a" * 100_000_000 + b"\nfine\n", 1), "en={}",
        r"line 2: a line of 100,000,001 bytes: expected at most 16,777,216"),
    "a record of 20 MB": (
        "a.jsonl", b'{"text": "%s"}\n' % (b"a" * 20_000_000), "en={}", r"a line of 20,000,013 by"),
    "a CSV line of 20 MB": (
        "a.csv", b"text\n%s\n" % (b"a" * 20_000_000), "en={}:text", r"line 2: has 20,000,001 by"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_cannot_be_used(kind: str, tmp_path: Path, model: str) -> None:
    name, data, argument, match = FILES[kind]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=match) as raised:
        corpora.prepare([argument.format(path)], tmp_path / "data", model=model)
    assert str(path) in str(raised.value)
    assert not list((tmp_path / "data").glob("*/*/*"))


SKIPPED = [
    "not UTF-8",
    "not UTF-8 in gzip",
    "not UTF-8 in a field",
    "not UTF-8 in CSV",
    "not UTF-8 in Parquet",
    "half a surrogate pair",
    "mixed types in JSON",
    "no JSON",
    "no such column by number",
    "no such language in a column",
    "a long text",
    "a line of 100 MB",
]


@pytest.mark.parametrize("errors", ["skip", "replace"])
@pytest.mark.parametrize("kind", SKIPPED)
def test_a_line_that_cannot_be_used_is_left_out_and_listed(
    kind: str, errors: str, tmp_path: Path, model: str
) -> None:
    name, data, argument, match = FILES[kind]
    path = tmp_path / name
    path.write_bytes(data)
    corpus = corpora.prepare([argument.format(path)], tmp_path / "data", model=model, errors=errors)
    found = (tmp_path / "data" / "problems.jsonl").read_text().splitlines()
    (problem,) = map(json.loads, found)
    assert corpus.manifest["problems"] == 1
    mended = errors == "replace" and ("UTF-8" in kind or "surrogate" in kind)
    assert problem["done"] == ("replaced" if mended else "skipped")
    assert problem["file"] == str(path)
    place = f"{path}: {'row' if 'Parquet' in kind else 'line'} {problem['line']}"
    found_problem = problem["problem"]
    assert re.search(match, f"{place}: {found_problem}") or re.search(
        match, f"{place}, {found_problem}"
    )
    rows = rows_of(corpus) if corpus.files() else []
    assert (problem["line"] in {row["line"] for row in rows}) == mended
    numbers = corpus.statistics()
    assert sum(n.skipped for n in numbers.values()) == (not mended)
    assert sum(n.replaced for n in numbers.values()) == mended
    lines = sum(n.lines for n in numbers.values())
    assert lines == len(rows) + (not mended)


def test_what_is_replaced_is_tokenized(tmp_path: Path, model: str) -> None:
    (tmp_path / "a.txt").write_bytes(b"one \xff two\n")
    corpus = corpora.prepare(
        [f"en={tmp_path}/a.txt"], tmp_path / "data", model=model, errors="replace"
    )
    tokenizer = corpus.tokenizer()
    (row,) = rows_of(corpus)
    assert row["input_ids"] == tokenizer.encode("one \ufffd two", lang="en")


def test_lines_behind_a_huge_one_are_read(tmp_path: Path, model: str) -> None:
    data = b"one\n" + b"a" * (MAX_LINE_BYTES + 1) + b"\ntwo\n\nthree\n"
    (tmp_path / "a.txt").write_bytes(data)
    corpus = corpora.prepare(
        [f"en={tmp_path}/a.txt"], tmp_path / "data", model=model, errors="skip", shard_bytes=1
    )
    assert [(row["line"], row["document"]) for row in rows_of(corpus)] == [(1, 0), (3, 0), (5, 1)]


def test_a_language_of_a_column_that_is_not_known(tmp_path: Path, model: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("text\tl\nHi\txx\n")
    with pytest.raises(InputError) as raised:
        corpora.prepare([f"@l={path}:text"], tmp_path / "data", model=model)
    advice = str(raised.value).partition("; ")[2]
    assert advice == "any_language=True takes every code, errors='skip' leaves it out"
    corpora.prepare([f"@l={path}:text"], tmp_path / "data", model=model, errors="skip")
    (problem,) = map(json.loads, (tmp_path / "data" / "problems.jsonl").read_text().splitlines())
    assert problem["problem"].startswith("no language 'xx' (")
    assert problem["problem"].endswith(")")


ARGUMENTS = {
    "no language": ("a.txt", r"'.*a\.txt' is not a language and a file"),
    "nothing": ("", r"'' is not a language and a file"),
    "an empty language": ("=a.txt", r"is not a language and a file"),
    "an unknown language": ("xx=a.txt", r"no language 'xx'"),
    "three languages": ("en-fr-de=a.txt", r"'en-fr-de' is neither a language such as en, nor"),
    "no such file": ("en=none.txt", r"none\.txt: No such file"),
    "an empty glob": ("en=*.none", r"\*\.none: no file matches it"),
    "a folder": ("en=folder", r"folder: is a folder: expected files, such as .*folder/\*"),
    "a socket": ("en=socket", r"socket: is a socket or a disk: expected a file or a pipe"),
    "a dangling link": ("en=dangling", r"dangling: No such file"),
    "a column of text": ("en=a.txt:text", r"a\.txt is text, which has no columns"),
    "a language column of text": ("@lang=a.txt", r"a\.txt is text, which has no columns"),
    "CSV without a column": ("en=a.csv", r"name the column such as :text behind the file"),
    "two columns": ("en=a.csv:a,b", r"expected one column, not 'a,b'"),
    "one column of a pair": ("en-fr=a.csv:a", r"expected two columns, one for each language"),
    "JSON pairs without columns": ("en-fr=a.jsonl", r"name two columns such as :en,fr"),
    "one file of text for a pair": ("en-fr=a.txt", r"a pair needs two files such as"),
    "different formats": ("en=*.[jt]*", r"files of one format were expected, not of jsonl and tex"),
    "unlike numbers of files": ("en-fr=a.*,a.txt", r"a\.\* is 4 files and .*a\.txt is 1"),
    "names and numbers": ("@lang=a.csv:1", r"by name .* or by number"),
    "unlike numbers of lines": ("en-fr=a.txt,longer", r"a\.txt and longer have 1 and 2 lines"),
    "no such file system": ("en=zz://bucket/a.txt", r"zz://bucket/a\.txt: no such file system"),
    "standard input twice": (
        "en=-",
        r"standard input \(-\) can be read only once",
    ),
}


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_an_argument_that_cannot_be_used(
    kind: str, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "folder").mkdir()
    (raw / "dangling").symlink_to("nowhere")
    for name in ("a.txt", "a.csv", "a.jsonl", "a.fr"):
        (raw / name).write_text("text\n")
    (raw / "longer").write_text("text\ntext\n")
    monkeypatch.chdir(raw)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    argument, match = ARGUMENTS[kind]
    sources = [argument, argument] if "twice" in kind else [argument]
    with pytest.raises(InputError, match=match):
        corpora.prepare(sources, tmp_path / "data", model=model)
    assert not list(tmp_path.rglob("*.parquet"))


OPTIONS = {
    "blocks": ({"blocks": 1}, r"blocks must be a whole number from 2 on, not 1"),
    "format": ({"format": "arrow"}, r"format must be one of parquet, bin, not 'arrow'"),
    "errors": ({"errors": "ignore"}, r"errors must be one of strict, skip, replace"),
    "engine": ({"engine": "spark"}, r"engine must be one of local, ray, not 'spark'"),
    "workers": ({"workers": 0}, r"workers must be a whole number from 1 on, not 0"),
    "split": ({"split": {"train": 0.5, "valid": 0.4}}, r"must add up to 1, not to 0\.9"),
    "share": (
        {"split": {"train": 1.5, "valid": -0.5}},
        r"share of 'train' that must be from 0 to 1",
    ),
    "name of a split": (
        {"split": {"../x": 1.0}},
        r"'\.\./x', which cannot be the name of a folder",
    ),
    "offsets in streams": ({"offsets": True, "blocks": 9}, r"offsets belong to rows of single"),
    "no sources": ({"sources": []}, r"no sources"),
    "no token behind sentences": (
        {"model": XLMTokenizer.from_pretrained(sep_token=None), "blocks": 9},
        r"no sep_token",
    ),
    "no such model": ({"model": "./none"}, r"'\./none' is not a folder"),
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_option_that_cannot_be_used(kind: str, tmp_path: Path, model: str) -> None:
    (tmp_path / "a.txt").write_text("text\n")
    options, match = OPTIONS[kind]
    given = {"sources": [f"en={tmp_path}/a.txt"], "model": model, **options}
    with pytest.raises(InputError, match=match):
        corpora.prepare(output=tmp_path / "data", **given)  # type: ignore[arg-type]
    assert not (tmp_path / "data").exists()


def test_an_output_that_holds_something_else(tmp_path: Path, model: str) -> None:
    (tmp_path / "a.txt").write_text("text\n")
    sources = [f"en={tmp_path}/a.txt"]
    with pytest.raises(InputError, match=r"holds something else \(a\.txt"):
        corpora.prepare(sources, tmp_path, model=model)
    with pytest.raises(InputError, match=r"a\.txt: is a file: expected a folder"):
        corpora.prepare(sources, tmp_path / "a.txt", model=model)
    (tmp_path / "other").mkdir()
    for manifest in ("{}", "[]", "no JSON", '{"format": 99}'):
        (tmp_path / "other" / "manifest.json").write_text(manifest)
        with pytest.raises(InputError, match=r"manifest\.json: (is no manifest|has format 99)"):
            corpora.prepare(sources, tmp_path / "other", model=model)
        with pytest.raises(InputError, match=r"manifest\.json"):
            corpora.open(tmp_path / "other")
    with pytest.raises(InputError, match=r"has no manifest\.json"):
        corpora.open(tmp_path / "nowhere")
    assert set(contents(tmp_path)) == {"a.txt", "other/manifest.json"}


@pytest.mark.parametrize("place", ["below a file", "read-only"])
def test_an_output_that_cannot_be_written(place: str, tmp_path: Path, model: str) -> None:
    (tmp_path / "a.txt").write_text("text\n")
    if place == "read-only":
        (tmp_path / "closed").mkdir(mode=0o500)
        output = tmp_path / "closed" / "data"
        if os.geteuid() == 0:  # root may write everywhere but where there is no disk
            output = Path("/proc/data")
    else:
        output = tmp_path / "a.txt" / "data"
    with pytest.raises(OSError, match="data"):
        corpora.prepare([f"en={tmp_path}/a.txt"], output, model=model)


def test_a_missing_extra_is_named(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("text\n")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingComponentError, match=r"pip install '\.\[ray\]'"):
        corpora.prepare([f"en={tmp_path}/a.txt"], tmp_path / "data", model=model, engine="ray")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingComponentError, match=r"pip install '\.\[corpora\]'"):
        corpora.prepare([f"en={tmp_path}/a.txt"], tmp_path / "data", model=model)
