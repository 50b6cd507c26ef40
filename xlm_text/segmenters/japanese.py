"""Japanese: KyTea, which needs a model file."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from xlm_text.errors import Argument, InputError, MissingComponentError
from xlm_text.files.disk_cache import cached, digest
from xlm_text.joining import SEPARATOR, map_together
from xlm_text.languages.table import COMPONENTS, require
from xlm_text.segmenters.segmenter import Segmenter

MODEL_VARIABLE = "XLM_KYTEA_MODEL"
_USUAL_PLACES = (
    "~/local/share/kytea/model.bin",
    "~/.local/share/kytea/model.bin",
    "/usr/local/share/kytea/model.bin",
    "/usr/share/kytea/model.bin",
)
# Loading takes a second or two for the largest published models; a broken file can keep KyTea
# busy for ever, or make it ask for all the memory there is.
_PROBE_SECONDS = 60
# What a sound model takes in the two programs is less than 20 times the size of its file.
_PROBE_BYTES = 1 << 30
_PROBE_BYTES_PER_BYTE = 32
_PROBE_TEXT = "これはペンです。２０２０年に東京タワー「ﾃｽﾄ」へ、abc 123〆々！"
_REFUSED = 3
_PROBES = {
    "KyTea": """
import Mykytea
list(Mykytea.Mykytea(options).getWS(text))
""",
    "Vaporetto": f"""
import vaporetto
try:
    segmenter = vaporetto.Vaporetto.create_from_kytea_model(open(model, "rb").read())
except Exception:
    sys.exit({_REFUSED})
segmenter.tokenize_to_string(text)
""",
}
_PROBE = """
import sys
model, options, text, most = sys.argv[1:]
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(most), int(most)))
except (ImportError, OSError, ValueError):
    pass  # not on this machine, or there is a lower limit already
"""


def find_model(where: str | Path | None = None) -> Path:
    """Find the model: the argument, the environment variable, then KyTea's usual places.

    Raises:
        MissingComponentError: there is none; the message says what to fetch and where to put it.
        InputError: the argument or the variable names a file that is not there.

    """
    for given, by in (
        (where, Argument("kytea_model")),
        (os.environ.get(MODEL_VARIABLE), MODEL_VARIABLE),
    ):
        if given:
            path = Path(given).expanduser()
            if not path.is_file():
                raise InputError(by, f" names {str(path)!r}, which is not a file")
            return path
    for place in _USUAL_PLACES:
        path = Path(place).expanduser()
        if path.is_file():
            return path
    raise MissingComponentError(
        "Japanese needs a KyTea model: fetch one from KyTea's page (its source distribution holds "
        f"data/model.bin; others are under 'Models'), unpack it, and put it at {_USUAL_PLACES[0]}, "
        f"or name it in the environment variable {MODEL_VARIABLE} or as ",
        Argument("kytea_model"),
    )


def load_kytea(kytea_model: str | Path | None = None) -> Segmenter:
    """Load KyTea with the model that :func:`find_model` finds."""
    require("kytea")
    model = find_model(kytea_model)
    stat = model.stat()
    return _load(str(model.resolve()), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4)
def _load(model: str, size: int, modified: int) -> Segmenter:
    with_vaporetto = COMPONENTS["vaporetto"].is_verified()
    refused = _refused(model, ["KyTea", "Vaporetto"] if with_vaporetto else ["KyTea"])
    kytea = _KyTea(model).segment
    if not with_vaporetto or "Vaporetto" in refused:
        return Segmenter(kytea)  # it is stricter than KyTea with a file that is not quite whole
    return _Vaporetto(model, kytea)


class _KyTea:
    """KyTea itself, one text at a time: it says nothing about threads."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._kytea: Any = None

    def segment(self, text: str) -> list[str]:
        with self._lock:
            try:
                found = self._loaded().getWS(text)
            except RuntimeError:
                # It numbers every character it meets and stops when the numbers are used up.
                self._kytea = None
                found = self._loaded().getWS(text)
        # Not by its iterator: modules that SWIG made share one, of whichever was imported last, and
        # faiss's ends the process.
        return [found[i] for i in range(len(found))]

    def _loaded(self) -> Any:
        if self._kytea is None:
            import Mykytea

            with _options(self._model) as options:
                self._kytea = Mykytea.Mykytea(options)
        return self._kytea


class _Vaporetto(Segmenter):
    """Vaporetto, which reads KyTea's models and cuts as KyTea does, several times faster.

    Args:
        model: the path of the model.
        kytea: cuts texts with characters that the two do not treat alike.

    """

    def __init__(self, model: str, kytea: Callable[[str], list[str]]) -> None:
        import vaporetto

        super().__init__(self._cut_one)
        self._kytea = kytea
        # One string for all words is much faster than an object for each.
        self._spaced_and_escaped = vaporetto.Vaporetto.create_from_kytea_model(
            Path(model).read_bytes()
        ).tokenize_to_string

    def words(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the words of each text."""
        return map_together(texts, self._cut_together, self._kytea, _must_be_alone)

    def _cut_one(self, text: str) -> list[str]:
        return self.words([text])[0]

    def _cut_together(self, texts: Sequence[str]) -> list[list[str]]:
        spaced = self._spaced_and_escaped
        line = SEPARATOR.join([spaced(text) if text else "" for text in texts])
        if "\\" in line:
            # A backslash stands before what belongs to a word, be it a backslash itself.
            line = line.replace("\\\\", _BACKSLASH).replace("\\ ", _SPACE).replace("\\/", "/")
        line = line.replace(" ", _END_OF_WORD).replace(_SPACE, " ").replace(_BACKSLASH, "\\")
        return [text.split(_END_OF_WORD) if text else [] for text in line.split(SEPARATOR)]


# What stands for others for a while.
_BACKSLASH, _SPACE, _END_OF_WORD = "\0\1\2"
# Characters beyond the first plane are those that Vaporetto and KyTea do not treat alike.
_must_be_alone = re.compile(
    f"[{SEPARATOR}{_BACKSLASH}{_SPACE}{_END_OF_WORD}\U00010000-\U0010ffff]"
).search


def _refused(model: str, programs: list[str]) -> list[str]:
    """Return the programs that cannot use a model; one that was probed before is not again."""
    versions = [str(COMPONENTS[name].installed()) for name in ("kytea", "vaporetto")]
    key = digest([hashlib.sha256(Path(model).read_bytes()).hexdigest(), *programs, *versions])
    return cached("kytea-1", key, lambda: sorted(_probe(model, programs)))


def _probe(model: str, programs: list[str]) -> set[str]:
    """Let other processes load the model first, one for each program, side by side.

    On some broken files KyTea ends its process, and Vaporetto panics; neither can be caught.

    Returns:
        The programs that said no.

    Raises:
        InputError: the model is broken.

    """
    most = _PROBE_BYTES + _PROBE_BYTES_PER_BYTE * os.path.getsize(model)
    with _options(model) as options, ThreadPoolExecutor(len(programs)) as pool:
        arguments = [model, options, _PROBE_TEXT, str(most)]
        ran = list(pool.map(lambda program: _run_probe(program, arguments), programs))
    for program, (status, reason) in zip(programs, ran, strict=True):
        if status not in (0, _REFUSED):
            raise InputError(
                f"{model!r} is not a KyTea model that {program} can read"
                + (f" ({reason})" if reason else "")
                + ": fetch it again, and unpack it if it is compressed"
            )
    return {program for program, (status, _) in zip(programs, ran, strict=True) if status}


def _run_probe(program: str, arguments: list[str]) -> tuple[int | None, str]:
    """Return how a program that loads a model ended, and what it said last."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE + _PROBES[program], *arguments],
            capture_output=True,
            timeout=_PROBE_SECONDS,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "RUST_BACKTRACE": "0"},
        )
    except subprocess.TimeoutExpired:
        return None, f"it did not load within {_PROBE_SECONDS} seconds"
    if done.returncode < 0:
        return done.returncode, f"it was ended by {signal.Signals(-done.returncode).name}"
    return done.returncode, done.stderr.decode(errors="replace").strip().split("\n")[-1]


@contextmanager
def _options(model: str) -> Iterator[str]:
    """Give KyTea's options for a model; it splits them at spaces, so the path may hold none."""
    with tempfile.TemporaryDirectory() as folder:
        if any(char.isspace() for char in model):
            link = Path(folder) / "model.bin"
            link.symlink_to(model)
            model = str(link)
        yield f"-model {model} -notags"
