"""Counting the words of sources, to learn a vocabulary from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from xlm_text.corpora.files import copy_input, name_of_input, named_inputs
from xlm_text.corpora.options import check_errors
from xlm_text.corpora.plan import Step, make_plan
from xlm_text.corpora.progress import Progress, Watch
from xlm_text.corpora.reading import Problem, Reader
from xlm_text.corpora.sources import Source, parse_sources
from xlm_text.streams.ordered import map_in_order
from xlm_text.tokenizer import XLMTokenizer
from xlm_text.training import MOST_WORDS, WordCounts, word_cutter

_PART_BYTES = 4_000_000


def count_words(
    sources: Iterable[str | Source],
    *,
    errors: str = "strict",
    workers: int = 1,
    progress: Callable[[Progress], object] | None = None,
    left_out: Callable[[str, int, str], object] = lambda file, number, problem: None,
    **settings: Any,
) -> dict[str, WordCounts]:
    """Count the words of each language, for :func:`xlm_text.training.learn`.

    Args:
        sources: arguments as those of :func:`~xlm_text.corpora.prepare`.
        errors: as there.
        workers: how many processes count; the result is the same.
        progress: told now and then how far the work is.
        left_out: told of each line that is left out: its file, its number and what is wrong.
        **settings: of the tokenizer to be.

    Raises:
        InputError: an argument, a file or a line cannot be used.

    """
    check_errors(errors)
    parsed = parse_sources(sources)
    languages = dict.fromkeys(lang for source in parsed for lang in source.langs)
    word_cutter(languages, **settings)  # raises for those that cannot be used
    if "lang2id" not in settings:  # those that a column names are not known yet
        settings["any_language"] = True
    cutter = word_cutter(languages, **settings)
    watch = Watch(progress)
    counts = {lang: WordCounts() for lang in languages}
    with _copied(parsed) as copies:
        plan = make_plan(
            parsed,
            _PART_BYTES,
            threads=workers,
            copies=copies,
            looked_through=watch.looked_through,
        )
        total = sum(step.part.size for step in plan.steps)
        watch.begin(total, total)
        work = _Counting(cutter, parsed, errors)
        for step, (found, problems) in zip(
            plan.steps, map_in_order(work, plan.steps, workers), strict=True
        ):
            for lang, counted in found.items():
                counts.setdefault(lang, WordCounts()).update(counted)
            _forget_rare(counts)
            for problem in problems:
                left_out(problem.file, problem.line, problem.problem)
            lines = sum(counted.lines for counted in found.values())
            words = sum(counted.words.total() for counted in found.values())
            watch.add(step.part.size, lines, words)
    watch.end()
    return counts


def _forget_rare(counts: Mapping[str, WordCounts]) -> None:
    """Bound the words of all languages together; a column may have any number of languages."""
    if sum(len(counted.words) for counted in counts.values()) > 2 * MOST_WORDS:
        for counted in counts.values():
            counted.keep(MOST_WORDS // len(counts))


@contextmanager
def _copied(sources: Sequence[Source]) -> Iterator[dict[str, str]]:
    """Give copies of what can be read only once: all input is read twice."""
    with TemporaryDirectory() as folder:
        copies: dict[str, str] = {}
        for source in sources:
            for path in source.read_once:
                # How a name ends says what is in the file.
                copied = Path(folder, f"{len(copies)}-{Path(path).name}")
                with copied.open("wb") as file:
                    copy_input(path, file)
                copies[path] = str(copied)
        with named_inputs(copies):
            yield copies


class _Counting:
    """Counts the words of steps in whichever process."""

    def __init__(self, cutter: XLMTokenizer, sources: list[Source], errors: str) -> None:
        self._cutter = cutter
        self._sources = sources
        self._errors = errors
        self._reader: Reader | None = None
        self._files: tuple[int, tuple[str, ...]] | None = None

    def __call__(self, step: Step) -> tuple[dict[str, WordCounts], list[Problem]]:
        """Return the words of each language, and the lines that are left out."""
        source = self._sources[step.source]
        if self._reader is None or self._files != (step.source, step.files):
            if self._reader is not None:
                self._reader.close()
            check = self._cutter.check_language
            name = name_of_input(step.file)
            self._reader = Reader(source, step.files, name, self._errors, check)
            self._files = (step.source, step.files)
        found: dict[str, WordCounts] = {}
        problems: list[Problem] = []
        for block in self._reader.blocks(step.part):
            problems += [problem for problem in block.problems if problem.done == "skipped"]
            sides = (block.texts, block.pairs) if source.pair else (block.texts,)
            for i, texts in enumerate(sides):
                langs = [source.langs[i]] * len(texts) if source.langs else block.langs
                for lang, text in zip(langs, texts, strict=True):
                    words = self._cutter.words(text, lang=lang)
                    found.setdefault(lang, WordCounts(MOST_WORDS)).add(words)
        return found, problems
