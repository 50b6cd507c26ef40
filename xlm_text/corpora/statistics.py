"""Numbers about the text of a corpus, for each language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

# How many lines with unknown pieces are kept to be looked at, and how much of each.
MOST_EXAMPLES = 10
EXAMPLE_CHARACTERS = 200
# A share of unknown pieces is pointed out above this, if it is also so many times as large as
# that of the other languages.  Checkpoints know nearly everything in their languages.
_MANY_UNKNOWN = 0.01
_TIMES_THE_OTHERS = 5


@dataclass(frozen=True)
class Example:
    """A line with pieces that the vocabulary does not have."""

    file: str
    line: int
    text: str
    unknown: tuple[str, ...]


@dataclass
class LanguageStatistics:
    """What was counted in one language; each side of a pair counts as a line of its language.

    Attributes:
        lines: lines or records that have text or should have had it.
        texts: texts that became rows or went into streams.
        empty: lines without text, or whose text is nothing but white space and control characters.
        skipped: lines left out because they could not be used.
        replaced: lines with bytes that were read as U+FFFD.
        cut: texts cut to the maximum length.
        words: words, as the language's rules cut them.  Where a part of the plan has more than 200
            lines with unknown pieces, how many of these end words is estimated from the first.
        pieces: what the words were cut into; special tokens do not count.
        unknown: pieces that the vocabulary does not have.
        lengths: how many texts have so many pieces.
        examples: the first lines with unknown pieces.

    """

    lines: int = 0
    texts: int = 0
    empty: int = 0
    skipped: int = 0
    replaced: int = 0
    cut: int = 0
    words: int = 0
    pieces: int = 0
    unknown: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    @property
    def pieces_per_word(self) -> float:
        """Pieces of a word on average."""
        return self.pieces / self.words if self.words else 0.0

    @property
    def unknown_share(self) -> float:
        """The share of pieces that the vocabulary does not have."""
        return self.unknown / self.pieces if self.pieces else 0.0

    @property
    def cut_share(self) -> float:
        """The share of texts that were cut to the maximum length."""
        return self.cut / self.texts if self.texts else 0.0

    @property
    def skipped_share(self) -> float:
        """The share of lines that were left out."""
        return self.skipped / self.lines if self.lines else 0.0

    def length_at(self, share: float) -> int:
        """Return the number of pieces that this share of the texts has at most."""
        wanted, passed = share * self.texts, 0
        for length in sorted(self.lengths):
            passed += self.lengths[length]
            if passed >= wanted:
                return length
        return 0

    def add(self, other: LanguageStatistics) -> None:
        """Add what was counted elsewhere, further on in the input."""
        for name in ("lines", "texts", "empty", "skipped", "replaced", "cut", "words", "pieces"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unknown += other.unknown
        self.lengths.update(other.lengths)
        self.examples += other.examples[: MOST_EXAMPLES - len(self.examples)]

    def as_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values."""
        found = asdict(self)
        found["lengths"] = {str(length): self.lengths[length] for length in sorted(self.lengths)}
        return found

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> LanguageStatistics:
        """Read what :meth:`as_json` gave."""
        read = cls(**found)
        read.lengths = Counter({int(length): n for length, n in found["lengths"].items()})
        read.examples = [
            Example(**{**example, "unknown": tuple(example["unknown"])})
            for example in found["examples"]
        ]
        return read


Statistics = dict[str, LanguageStatistics]


def add_up(parts: Iterable[Statistics]) -> Statistics:
    """Add up the numbers of parts, in their order."""
    whole: Statistics = {}
    for part in parts:
        for lang, numbers in part.items():
            whole.setdefault(lang, LanguageStatistics()).add(numbers)
    return whole


def warnings(statistics: Statistics) -> list[str]:
    """Point out languages with far more unknown pieces than the others, with examples."""
    found = []
    for lang, numbers in statistics.items():
        others = [other.unknown_share for code, other in statistics.items() if code != lang]
        usual = median(others) if others else 0.0
        if numbers.unknown_share <= max(_MANY_UNKNOWN, _TIMES_THE_OTHERS * usual):
            continue
        compared = f" ({usual:.2%} in the others)" if others else ""
        lines = [
            f"{lang}: {numbers.unknown_share:.2%} of the pieces are unknown{compared}: is it the "
            "right language, and the right vocabulary? Such as"
        ]
        lines += [
            f"  {example.file}:{example.line}: {' '.join(example.unknown[:8])}  in  {example.text}"
            for example in numbers.examples
        ]
        found.append("\n".join(lines))
    return found
