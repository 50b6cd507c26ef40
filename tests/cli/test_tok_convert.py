"""`xlm-tok convert` between fastBPE files and published folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from xlm_text import CHECKPOINTS, XLMTokenizer

Tok = Callable[..., Result]

CODES = "l o 9\nlo w</w> 5\ne r</w> 4\n"
VOCAB = "low 5\nlo@@ 4\ner 4\nl@@ 3\no@@ 2\nw 2\ne@@ 1\nr 1\n"


@pytest.fixture
def original(tmp_path: Path) -> tuple[Path, Path]:
    codes, vocab = tmp_path / "codes", tmp_path / "vocab"
    codes.write_text(CODES)
    vocab.write_text(VOCAB)
    return codes, vocab


def test_pieces_get_the_ids_of_the_published_files(
    tok: Tok, original: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    result = tok("convert", "from-original", *original, folder, "--languages", "en,fr")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    vocab = json.loads((folder / "vocab.json").read_text())
    first = ["<s>", "</s>", "<pad>", "<unk>", *(f"<special{i}>" for i in range(10))]
    pieces = ["low</w>", "lo", "er</w>", "l", "o", "w</w>", "e", "r</w>"]
    assert vocab == {piece: i for i, piece in enumerate([*first, *pieces])}
    assert (folder / "merges.txt").read_text() == "l o\nlo w</w>\ne r</w>\n"
    ids = tok("encode", "--lang", "fr", "--model", folder, given="Low lower\n").stdout
    assert ids == "0 14 15 3 16 1\n"  # "w" within a word is not in the vocabulary


def test_max_vocab_cuts(tok: Tok, original: tuple[Path, Path], tmp_path: Path) -> None:
    tok("convert", "from-original", *original, tmp_path / "folder", "--max-vocab", 16)
    vocab = json.loads((tmp_path / "folder" / "vocab.json").read_text())
    assert list(vocab)[14:] == ["low</w>", "lo"]


def test_a_checkpoint_brings_its_settings(
    tok: Tok, original: tuple[Path, Path], tmp_path: Path
) -> None:
    for name in ("xlm-mlm-enro-1024", "FacebookAI/xlm-mlm-17-1280"):
        folder = tmp_path / "folder"
        assert (
            tok("convert", "from-original", *original, folder, "--checkpoint", name).exit_code == 0
        )
        checkpoint = CHECKPOINTS[name.removeprefix("FacebookAI/")]
        made = XLMTokenizer.from_pretrained(folder)
        assert made.lang2id == checkpoint.lang2id
        assert made.settings.use_lang_emb == checkpoint.language_embeddings
        lowercase = made.settings.do_lowercase_and_remove_accent
        assert lowercase == checkpoint.do_lowercase_and_remove_accent


def test_an_unknown_checkpoint_is_misuse(
    fails: Callable[..., str], original: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    message = fails("convert", "from-original", *original, folder, "--checkpoint", "bert", code=2)
    assert "'bert'" in message
    assert "xlm-mlm-en-2048" in message
    assert not folder.exists()


@pytest.mark.parametrize("languages", ["", "en,", "en,,fr", "en,fr,en"])
def test_languages_are_different_codes(
    languages: str, fails: Callable[..., str], original: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    arguments = ("convert", "from-original", *original, folder, "--languages", languages)
    assert "--languages" in fails(*arguments, code=2)
    assert not folder.exists()


def test_there_and_back(tok: Tok, original: tuple[Path, Path], tmp_path: Path) -> None:
    folder, again = tmp_path / "folder", (tmp_path / "codes2", tmp_path / "vocab2")
    tok("convert", "from-original", *original, folder)
    assert tok("convert", "to-original", folder, *again).exit_code == 0
    pairs = [line.split()[:2] for line in CODES.splitlines()]
    assert [line.split() for line in again[0].read_text().splitlines()] == pairs
    words = [line.split()[0] for line in VOCAB.splitlines()]
    assert [line.split()[0] for line in again[1].read_text().splitlines()] == words
    tok("convert", "from-original", *again, tmp_path / "folder2")
    for path in folder.iterdir():
        assert (tmp_path / "folder2" / path.name).read_bytes() == path.read_bytes()


def test_the_real_vocabulary(tok: Tok, shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "vocab" / "xnli15"
    files = (folder / "codes_xnli_15", folder / "vocab_xnli_15")
    result = tok(
        "convert", "from-original", *files, tmp_path, "--checkpoint", "xlm-mlm-tlm-xnli15-1024"
    )
    assert result.exit_code == 0
    assert len(json.loads((tmp_path / "vocab.json").read_text())) == 95_000
    assert len((tmp_path / "merges.txt").read_text().split("\n")) == 80_000 + 1
    made = XLMTokenizer.from_pretrained(tmp_path)
    expected = XLMTokenizer.from_original(*files, 95_000)
    lines = (shared_data / "text" / "ru.txt").read_text(encoding="utf-8").splitlines()[:50]
    assert made.batch_encode(lines, lang="ru") == expected.batch_encode(lines, lang="ru")


# Files that are not what they should be --------------------------------------------------------


@pytest.fixture
def folder(tok: Tok, original: tuple[Path, Path], tmp_path: Path) -> Path:
    tok("convert", "from-original", *original, tmp_path / "folder")
    return tmp_path / "folder"


GOOD = json.dumps({t: i for i, t in enumerate(["<s>", "</s>", "<pad>", "<unk>"])})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("vocab.json", b"{"),
        ("vocab.json", b"[]"),
        ("vocab.json", b"\xff"),
        ("vocab.json", b""),
        ("vocab.json", GOOD.replace("3", "4").encode()),
        ("vocab.json", GOOD.replace("3", "2").encode()),
        ("vocab.json", GOOD.replace("3", '"3"').encode()),
        ("merges.txt", b"a \xff\n"),
        ("tokenizer_config.json", b"nonsense"),
    ],
)
def test_bad_files_are_named(
    name: str, content: bytes, folder: Path, fails: Callable[..., str]
) -> None:
    (folder / name).write_bytes(content)
    message = fails("encode", "--lang", "en", "--model", folder, given="low\n")
    assert str(folder / name) in message


def test_a_vocabulary_without_special_tokens(folder: Path, fails: Callable[..., str]) -> None:
    (folder / "vocab.json").write_text('{"a": 0}')
    assert "<unk>" in fails("encode", "--lang", "en", "--model", folder, given="low\n")


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt"])
def test_a_folder_without_a_file(name: str, folder: Path, fails: Callable[..., str]) -> None:
    (folder / name).unlink()
    assert name in fails("encode", "--lang", "en", "--model", folder, given="low\n")


def test_a_model_that_is_nowhere(fails: Callable[..., str], tmp_path: Path) -> None:
    message = fails("encode", "--lang", "en", "--model", tmp_path / "no")
    assert str(tmp_path / "no") in message


@pytest.mark.parametrize(
    "content", [b"", b"not a model", b"\x00" * 4096, b"KyTea 0.4.0 B utf8\n\xff"]
)
def test_a_file_that_is_no_kytea_model(
    content: bytes, fails: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    message = fails("encode", "--lang", "ja", "--kytea-model", path, given="これはペンです。\n")
    assert str(path) in message
