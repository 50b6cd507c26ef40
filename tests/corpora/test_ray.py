"""The engine Ray: the same bytes as on one machine, whatever dies, and on a remote file system."""

from __future__ import annotations

import contextlib
import gzip
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from xlm_text import InputError, corpora
from xlm_text.corpora import Tokenize
from xlm_text.corpora.store import STATE, Store

from .conftest import contents, rows_of, sentences

Write = Callable[..., str]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]  # one cluster for all


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A local S3 server; what the environment says of it reaches the cluster's processes."""
    server = pytest.importorskip("moto.server", reason="needs moto, for a local S3 server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    started = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    patch = pytest.MonkeyPatch()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        patch.setenv(name, value)
    import boto3

    boto3.client("s3").create_bucket(Bucket="corpora")
    yield "s3://corpora"
    patch.undo()
    started.stop()


@pytest.fixture(scope="module")
def ray(s3: str) -> Iterator[Any]:
    ray = pytest.importorskip("ray", reason="needs the extra ray")
    pytest.importorskip("ray.data")
    ray.init(num_cpus=2, include_dashboard=False, logging_level="error", log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("raw")
    for lang in ("en", "fr", "ru"):
        text = "".join(f"{line}\n" for line in sentences(lang) * 500).encode()
        (folder / f"{lang}.txt").write_bytes(text)
    (folder / "fr.txt.gz").write_bytes(gzip.compress((folder / "fr.txt").read_bytes(), 1))
    return [
        f"en={folder}/en.txt",
        f"fr={folder}/fr.txt.gz",
        f"ru={folder}/ru.txt",
        f"en-fr={folder}/en.txt,{folder}/fr.txt",
    ]


OPTIONS: dict[str, Any] = {"blocks": 64, "shard_bytes": 100_000}


@pytest.fixture(scope="module")
def expected(sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("expected") / "data"
    corpora.prepare(sources, folder, **OPTIONS)
    return contents(folder)


def test_ray_makes_the_same_bytes(
    ray: Any, sources: list[str], expected: dict[str, bytes], tmp_path: Path
) -> None:
    corpora.prepare(sources, tmp_path / "data", engine="ray", **OPTIONS)
    assert contents(tmp_path / "data") == expected


def test_what_one_engine_began_the_other_ends(
    ray: Any, sources: list[str], expected: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "data"

    class EnoughError(Exception):
        pass

    def stop(progress: corpora.Progress) -> None:
        if len(list((folder / STATE).glob("*.json"))) >= 3:
            raise EnoughError

    with pytest.raises(EnoughError):
        corpora.prepare(sources, folder, progress=stop, **OPTIONS)
    done = {path: path.stat().st_mtime_ns for path in (folder / STATE).glob("*-?????.json")}
    assert done
    made = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    corpora.prepare(sources, folder, engine="ray", **OPTIONS)
    assert contents(folder) == expected
    kept = [path for path, written in made.items() if path.stat().st_mtime_ns == written]
    assert len(kept) >= len(done)


def makers() -> set[int]:
    """Return the processes of this test's cluster that make shards."""
    found = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            title = (entry / "cmdline").read_bytes()
            if title.startswith(b"ray::") and b"Map" in title and b"_Maker" in title:
                found.add(int(entry.name))
    return {pid for pid in found if is_descendant(pid)}


def is_descendant(pid: int) -> bool:
    while pid > 1 and pid != os.getpid():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid == os.getpid()


def test_a_worker_that_is_killed_loses_and_doubles_nothing(
    ray: Any, sources: list[str], expected: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    failed: list[BaseException] = []

    def run() -> None:
        try:
            corpora.prepare(sources, folder, engine="ray", **OPTIONS)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    killed: set[int] = set()
    while thread.is_alive() and not killed:
        if list((folder / STATE).glob("*-?????.json")):
            for pid in list(makers())[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        time.sleep(0.005)
    thread.join()
    assert not failed
    assert killed
    assert contents(folder) == expected


def test_errors_come_back_as_they_are(ray: Any, tmp_path: Path, write: Write) -> None:
    path = write("a.txt", ["fine"])
    Path(path).write_bytes(b"fine\nbad \xff\n")
    with pytest.raises(InputError, match=r"a\.txt: line 2, byte 5: not UTF-8"):
        corpora.prepare([f"en={path}"], tmp_path / "data", engine="ray")
    corpus = corpora.prepare([f"en={path}"], tmp_path / "data", engine="ray", errors="skip")
    assert corpus.manifest["problems"] == 1


def test_a_remote_file_system(
    ray: Any, s3: str, sources: list[str], expected: dict[str, bytes], tmp_path: Path
) -> None:
    raw = Store(f"{s3}/raw")
    raw.make_folders("en", STATE)
    text = Path(sources[0].partition("=")[2]).read_bytes()
    half = text.index(b"\n", len(text) // 2) + 1
    raw.write("en/a.txt", text[:half])
    raw.write("en/b.txt", text[half:])
    source = [f"en={s3}/raw/en/*.txt"]
    corpora.prepare(source, f"{s3}/local", **OPTIONS)
    corpora.prepare(source, f"{s3}/ray", engine="ray", **OPTIONS)
    here, there = corpora.open(f"{s3}/local"), corpora.open(f"{s3}/ray")
    assert here.manifest == there.manifest
    assert rows_of(here) == rows_of(there)
    assert {row["file"] for row in rows_of(here)} == {
        "s3://corpora/raw/en/a.txt",
        "s3://corpora/raw/en/b.txt",
    }
    assert here.tokenizer().encode("Hello!", lang="en")
    for corpus in (here, there):
        names = Store(corpus.folder).sizes()
        assert set(names) == {"manifest.json", "statistics.json", "tokenizer", "train"}
    with pytest.raises(InputError, match=r"options\.blocks was 64 and is null"):
        corpora.prepare(source, f"{s3}/ray")
    with pytest.raises(InputError, match=r"s3://corpora/raw/en/\*\.gz: no file matches it"):
        corpora.prepare([f"en={s3}/raw/en/*.gz"], f"{s3}/other")


def test_two_runs_on_a_remote_folder(
    s3: str, tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlm_text.corpora.locking._SETTLE_SECONDS", 0.0)
    path = write("a.txt", ["text"])
    store = Store(f"{s3}/held")
    store.make_folders(STATE)
    store.write(f"{STATE}/lease", b"of another run")
    with pytest.raises(InputError, match="s3://corpora/held: another run is at work on it"):
        corpora.prepare([f"en={path}"], f"{s3}/held")
    # The lease of a run that has died is too old.
    monkeypatch.setattr("xlm_text.corpora.locking._LEASE_SECONDS", -1.0)
    assert corpora.prepare([f"en={path}"], f"{s3}/held").dataset().count_rows() == 1


def test_map_batches_of_ray_data(ray: Any, model: str, golden: dict[str, Any]) -> None:
    table = pa.table({"text": sentences("en"), "i": range(15)})
    made = ray.data.from_arrow(table).map_batches(
        Tokenize(model, lang="en"), batch_format="pyarrow", batch_size=4
    )
    rows = sorted(made.take_all(), key=lambda row: row["i"])
    assert [list(row["input_ids"]) for row in rows] == golden["en"]


def test_no_such_cluster(ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xlm_text.corpora import ray_engine

    def refuse(*arguments: object, **options: object) -> None:
        raise ConnectionError("Could not find any running Ray instance.\nMore.")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(InputError, match=r"no Ray cluster at 'auto' \(Could not find any"):
        ray_engine.run_ray(None, [], "auto", None)  # type: ignore[arg-type]
