"""Whatever interrupts the work, and whoever does it, the bytes are the same."""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from xlm_text import InputError, XLMTokenizer, corpora
from xlm_text.corpora.locking import locked
from xlm_text.corpora.store import STATE, Store

from .conftest import FIXTURES, contents, sentences

Write = Callable[..., str]
COMMAND = [str(Path(sysconfig.get_path("scripts"), "xlm-tok")), "prepare"]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Five languages compressed in two ways and not at all, pairs, and a line that is wrong."""
    folder = tmp_path_factory.mktemp("raw")
    for lang in ("en", "fr", "de", "ru", "es"):
        text = "".join(f"{line}\n" for line in sentences(lang) * (LINES // 75)).encode()
        name = folder / f"{lang}.txt"
        if lang in ("fr", "de"):
            with gzip.open(f"{name}.gz", "wb") as file:
                file.write(text)
        elif lang == "ru":
            import pyarrow as pa

            packed = pa.Codec("zstd").compress(text, asbytes=True)
            (folder / "ru.txt.zst").write_bytes(packed)
        else:
            name.write_bytes(text)
    (folder / "es.txt").write_bytes((folder / "es.txt").read_bytes() + b"mal\xff\nbien\n")
    return [
        f"en={folder}/en.txt",
        f"fr={folder}/fr.txt.gz",
        f"de={folder}/de.txt.gz",
        f"ru={folder}/ru.txt.zst",
        f"es={folder}/es.txt",
        f"en-fr={folder}/en.txt,{folder}/fr.txt.gz",
    ]


# XLM_LINES=1000000 XLM_KILLS=10: a long run.  Its lines are those of five languages together.
LINES = int(os.environ.get("XLM_LINES", "33750"))
KILLS = int(os.environ.get("XLM_KILLS", "2"))
SHARD_MB = LINES / 33750 * 0.2 if LINES < 100_000 else 2.0
MODEL = str(FIXTURES / "vocabulary")
OPTIONS = (
    "--model",
    MODEL,
    "--any-language",
    "--blocks",
    "64",
    "--split",
    "train=0.9,valid=0.1",
    "--errors",
    "skip",
)
SMALL = ("--shard-size", str(SHARD_MB))


@pytest.fixture(scope="module")
def expected(sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("expected") / "data"
    make(sources, folder)
    found = contents(folder)
    assert sum(name.startswith("train/") for name in found) > 12
    assert "problems.jsonl" in found
    return found


def make(sources: list[str], folder: Path, workers: int = 1) -> corpora.Corpus:
    return corpora.prepare(
        sources,
        folder,
        model=XLMTokenizer.from_pretrained(MODEL, any_language=True),
        blocks=64,
        split={"train": 0.9, "valid": 0.1},
        errors="skip",
        shard_bytes=int(SHARD_MB * 1_000_000),
        workers=workers,
    )


def start(sources: list[str], folder: Path, *more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *sources, "-o", str(folder), *OPTIONS, *SMALL, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Shells start what runs in the background with Ctrl-C ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def done_steps(folder: Path) -> list[Path]:
    return list((folder / STATE).glob("*-?????.json"))


def wait_for(folder: Path, steps: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until so many steps are done, or the process has ended."""
    while len(done_steps(folder)) < steps and process.poll() is None:
        time.sleep(0.002)


def test_several_workers_make_the_same_bytes(
    sources: list[str], expected: dict[str, bytes], tmp_path: Path
) -> None:
    make(sources, tmp_path / "data", workers=3)
    assert contents(tmp_path / "data") == expected


@pytest.mark.parametrize(
    "options",
    [
        "--workers 1",
        pytest.param("--workers 2", marks=pytest.mark.slow),
        pytest.param("--engine ray", marks=pytest.mark.slow),
    ],
)
def test_a_run_killed_again_and_again_ends_in_the_same_bytes(
    options: str, sources: list[str], expected: dict[str, bytes], tmp_path: Path
) -> None:
    if "ray" in options:
        pytest.importorskip("ray", reason="needs the extra ray")
    folder = tmp_path / "data"
    chance = random.Random(options)
    made: dict[Path, int] = {}
    most = max(4, len(expected) // 3 // KILLS)
    at_work = 0
    for _ in range(1 if "ray" in options and KILLS == 2 else KILLS):
        process = start(sources, folder, *options.split())
        wait_for(folder, len(made) + chance.randint(1, most), process)
        time.sleep(chance.random() * 0.05)  # somewhere inside a step
        at_work += process.poll() is None
        process.kill()
        process.communicate()
        # What was done stays as it is.
        for path, written in made.items():
            assert path.stat().st_mtime_ns == written
        made = {path: path.stat().st_mtime_ns for path in done_steps(folder)}
    shards = {path: path.stat().st_mtime_ns for path in folder.rglob("train/*/*.parquet")}
    whole = {
        f"train/{path.stem.removesuffix('.json').replace('en-fr', 'en_fr').replace('-', '/')}"
        for path in made
    }
    assert at_work > 0
    process = start(sources, folder, *options.split())
    process.communicate()
    assert process.returncode == 0
    assert contents(folder) == expected
    print(f"{options}: {at_work} of {KILLS} kills met a process at work")
    for path, written in shards.items():
        name = path.relative_to(folder).as_posix().replace("en-fr", "en_fr")
        if name.removesuffix(".parquet") in whole:
            assert path.stat().st_mtime_ns == written


def test_a_worker_that_outlives_its_run_does_no_harm(tmp_path: Path) -> None:
    """Two that make the same file do not write into the same one."""
    stale, new = Store(str(tmp_path)), Store(str(tmp_path))
    stale.make_folders(STATE, "train")
    with new.create("a") as second:
        with stale.create("a") as first:
            first.write(b"the same ")
            second.write(b"the same ")
            first.write(b"bytes")
        assert stale.publish("a", "train/a") == 14
        assert (tmp_path / "train/a").read_bytes() == b"the same bytes"
        second.write(b"bytes")
    assert new.publish("a", "train/a") == 14
    assert contents(tmp_path) == {"train/a": b"the same bytes"}


def test_workers_end_with_the_process_that_started_them(sources: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "data"
    process = start(sources, folder, "--workers", "2")
    wait_for(folder, 1, process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.communicate()
    assert children
    deadline = time.monotonic() + 20
    while any(is_running(int(child)) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_at_once_and_leaves_what_goes_on(
    workers: int, sources: list[str], expected: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    process = start(sources, folder, "--workers", str(workers))
    wait_for(folder, 2, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.decode() == ("xlm-tok: error: interrupted: the same command goes on from here\n")
    assert done_steps(folder)
    if workers == 1:
        make(sources, folder)
        assert contents(folder) == expected


def test_a_complete_corpus_is_left_alone(
    sources: list[str], expected: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    make(sources, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")}
    corpus = make(sources, folder, workers=2)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")} == before
    assert corpus.statistics()["es"].skipped == 1
    # The same content in a file that was touched is the same input.
    source = Path(sources[0].partition("=")[2])
    os.utime(source)
    make(sources, folder)


@pytest.fixture
def begun(tmp_path: Path, write: Write, model: str) -> Path:
    """A folder whose run stopped at a line that is wrong."""
    write("a.txt", sentences("en"))
    write("b.txt", ["fine"])
    (tmp_path / "b.txt").write_bytes(b"fine\nbad \xff\n")
    with pytest.raises(InputError, match="line 2, byte 5: not UTF-8"):
        again(tmp_path, model)
    assert len(done_steps(tmp_path / "data")) == 1
    return tmp_path


def again(folder: Path, model: str | XLMTokenizer, **options: object) -> corpora.Corpus:
    sources = [f"en={folder}/a.txt", f"en={folder}/b.txt"]
    return corpora.prepare(sources, folder / "data", **{"model": model, **options})  # type: ignore[arg-type]


def test_what_differs_is_named_and_refused(begun: Path, model: str) -> None:
    def refused(match: str, **options: object) -> None:
        before = contents(begun / "data")
        with pytest.raises(InputError, match=match):
            again(begun, **{"model": model, **options})  # type: ignore[arg-type]
        assert contents(begun / "data") == before

    refused(r"options\.blocks was null and is 256", blocks=256)
    refused(r"options\.shard_bytes was 64000000 and is 5", shard_bytes=5)
    refused(r"options\.split\.valid was null and is 0\.5", split={"train": 0.5, "valid": 0.5})
    refused(r"tokenizer\.files\.vocab\.json was \"", model=XLMTokenizer.from_pretrained())
    other = XLMTokenizer.from_pretrained(model, bos_token="</s>")
    refused(r"settings\.bos_token was \"<s>\" and is \"</s>\"", model=other)
    text = (begun / "a.txt").read_bytes()
    (begun / "a.txt").write_bytes(text.replace(b"e", b"o", 1))
    refused(r"files\[.*a\.txt\]\.hash was")
    (begun / "a.txt").write_bytes(text + b"More.\n")
    refused(r"files\[.*a\.txt\]\.bytes was 921 and is 927")
    (begun / "a.txt").write_bytes(text)
    (begun / "b.txt").write_bytes(b"fine\nmended\n")
    refused(r"files\[.*b\.txt\]")


def test_where_nothing_is_made_yet_everything_may_change(
    tmp_path: Path, write: Write, model: str
) -> None:
    path = Path(write("a.txt", ["fine"]))
    path.write_bytes(b"\xff\n")
    sources = [f"en={path}"]
    with pytest.raises(InputError, match="line 1, byte 1: not UTF-8"):
        corpora.prepare(sources, tmp_path / "data", model=model)
    path.write_bytes(b"mended\n")
    corpora.prepare(sources, tmp_path / "data", model=model, blocks=8)
    corpora.prepare(sources, tmp_path / "anew", model=model, blocks=8)
    assert contents(tmp_path / "data") == contents(tmp_path / "anew")


def test_other_versions_are_refused(
    begun: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xlm_text.corpora import manifest

    now = {**manifest.versions(), "sacremoses": "9.9"}
    monkeypatch.setattr(manifest, "versions", lambda: now)
    with pytest.raises(InputError, match=r'versions\.sacremoses was "0\.2\.0" and is "9\.9"'):
        again(begun, model)


def test_other_code_of_the_same_version_is_refused(
    begun: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlm_text.corpora.manifest._hash_of_code", lambda: "of another commit")
    match = "data: was begun with other code of xlm_text: go on with the commit that began it"
    with pytest.raises(InputError, match=match):
        again(begun, model)


def test_other_tables_of_characters_are_refused(
    begun: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unicodedata.unidata_version", "99.0")
    with pytest.raises(InputError, match=r'versions\.unicode was "[\d.]+" and is "99\.0"'):
        again(begun, model)


@pytest.mark.parametrize("errors", ["skip", "replace"])
def test_after_a_mistake_the_work_goes_on_with_other_errors(
    errors: str, begun: Path, model: str
) -> None:
    record = done_steps(begun / "data")[0].stat().st_mtime_ns
    shard = next((begun / "data").rglob("*.parquet"))
    written = shard.stat().st_mtime_ns
    assert record
    again(begun, model, errors=errors)
    assert shard.stat().st_mtime_ns == written
    corpora.prepare(
        [f"en={begun}/a.txt", f"en={begun}/b.txt"], begun / "anew", model=model, errors=errors
    )
    assert contents(begun / "data") == contents(begun / "anew")
    other = {"skip": "replace", "replace": "strict"}[errors]
    with pytest.raises(InputError, match=f'errors was "{errors}" and is "{other}"'):
        again(begun, model, errors=other)


def test_what_is_not_complete_cannot_be_opened(begun: Path) -> None:
    with pytest.raises(InputError, match="is not complete"):
        corpora.open(begun / "data")


def test_two_runs_at_once(begun: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlm_text.corpora.locking._WAIT_SECONDS", 0.1)
    with locked(Store(str(begun / "data"))), pytest.raises(InputError, match="another run"):
        again(begun, model, errors="skip")
    again(begun, model, errors="skip")


def test_a_full_disk(tmp_path: Path, write: Write) -> None:
    """A limit on the size of files stands for it: writing fails in the middle of the second."""
    chance = random.Random(0)
    many = [" ".join(str(chance.random()) for _ in range(20)) for _ in range(1500)]
    sources = [f"en={write('few.txt', many[:9])}", f"en={write('many.txt', many)}"]
    folder = tmp_path / "data"
    process = subprocess.Popen(
        [*COMMAND, *sources, "-o", str(folder), "--model", MODEL],
        stderr=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)),
    )
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.decode().startswith(f"xlm-tok: error: {folder}/")
    assert errors.decode().endswith("File too large\n")
    assert errors.count(b"\n") == 1
    # The longest task is worked on first.
    assert not list(folder.rglob("train/*/*"))
    corpora.prepare(sources, folder, model=MODEL)
    corpora.prepare(sources, tmp_path / "anew", model=MODEL)
    assert contents(folder) == contents(tmp_path / "anew")
    assert max(map(len, contents(folder).values())) > 60_000


def test_the_manifest_says_what_went_in(sources: list[str], expected: dict[str, bytes]) -> None:
    manifest = json.loads(expected["manifest.json"])
    files = [file for source in manifest["sources"] for file in source["files"]]
    paths = [path for s in sources for path in s.partition("=")[2].split(",")]
    assert [file["path"] for file in files] == paths
    assert [file["bytes"] for file in files] == [Path(path).stat().st_size for path in paths]
    assert manifest["complete"] is True
    assert manifest["problems"] == 1
    problem = json.loads(expected["problems.jsonl"])
    assert problem["line"] == LINES // 75 * 15 + 1
    assert problem["done"] == "skipped"
    for shard in manifest["shards"]:
        assert len(expected[shard["name"]]) == shard["bytes"]
