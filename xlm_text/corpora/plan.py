"""The plan: which part of which file becomes which shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby

from xlm_text.corpora.files import codec_of, shown
from xlm_text.corpora.scanning import Facts, Part, scan
from xlm_text.corpora.sources import Source


@dataclass(frozen=True)
class Step:
    """The making of one shard.

    Attributes:
        name: what the shard is called: ``en/00000``.
        source: the number of its source.
        files: its file, or the two that belong together.
        file: what data and messages call them.
        part: what of them goes into it.

    """

    name: str
    source: int
    files: tuple[str, ...]
    file: str
    part: Part

    @property
    def flat_name(self) -> str:
        """The name without folders."""
        return self.name.replace("/", "-")

    @property
    def from_the_beginning(self) -> bool:
        """Whether the file has to be read from its beginning to come to the part."""
        return not self.part.offsets or any(map(codec_of, self.files))


@dataclass(frozen=True)
class Plan:
    """All steps, in the order of the sources, files and lines; and the facts about the files."""

    sources: Sequence[Source]
    facts: Sequence[Sequence[Facts]]
    steps: Sequence[Step]


def make_plan(
    sources: Sequence[Source],
    part_bytes: int,
    *,
    threads: int = 1,
    copies: Mapping[str, str],
    looked_through: Callable[[int, int], object] = lambda done, files: None,
) -> Plan:
    """Look through all files and cut them into parts.

    Args:
        sources: what to read.
        part_bytes: the text of a shard, in bytes; files are cut at lines, so about so much.
        threads: how many files are looked through at a time.
        copies: where the inputs that can be read only once were copied to.
        looked_through: told how many files are done, and how many there are.

    Raises:
        InputError: a file is damaged or a column is not there.

    """
    units = [(number, names) for number, source in enumerate(sources) for names in source.files]

    def paths(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(copies.get(name, name) for name in names)

    facts: list[list[Facts]] = [[] for _ in sources]
    steps: list[Step] = []
    shards: Counter[str] = Counter()
    pool = ThreadPoolExecutor(threads)
    try:
        found = pool.map(lambda unit: scan(sources[unit[0]], paths(unit[1]), part_bytes), units)
        for done, ((number, names), (its_facts, parts)) in enumerate(
            zip(units, found, strict=True), 1
        ):
            shown_names = list(map(shown, names))
            facts[number] += [
                replace(fact, path=name) for fact, name in zip(its_facts, shown_names, strict=True)
            ]
            file = ",".join(shown_names)
            label = sources[number].label
            for part in parts:
                name = f"{label}/{shards[label]:05d}"
                steps.append(Step(name, number, paths(names), file, part))
                shards[label] += 1
            looked_through(done, len(units))
    finally:
        pool.shutdown(cancel_futures=True)
    return Plan(sources, facts, steps)


def tasks(steps: Iterable[Step], workers: int) -> list[list[Step]]:
    """Group steps into what a worker does in one go, the longest first.

    Steps of a file that is read from its beginning stay together, but in as many groups as keep
    all workers busy.  Groups of about the same size stay in the order of the plan: neighbours are
    mostly of one language, whose caches a worker keeps until it meets another.  How steps are
    grouped changes nothing in the shards.
    """
    steps = list(steps)
    total = sum(step.part.size for step in steps) or 1
    made: list[list[Step]] = []
    for _, members in groupby(steps, key=lambda step: (step.source, step.files)):
        group = list(members)
        if group[0].from_the_beginning:
            size = sum(step.part.size for step in group)
            pieces = min(len(group), max(1, round(workers * size / total)))
            bounds = [len(group) * i // pieces for i in range(pieces + 1)]
            made += [group[bounds[i] : bounds[i + 1]] for i in range(pieces)]
        else:
            made += [[step] for step in group]
    return sorted(made, key=lambda task: -sum(step.part.size for step in task).bit_length())
