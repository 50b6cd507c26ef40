"""Text for the measurements of corpora, made from the shared data: no large one is at hand."""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

LANGUAGES = ("en", "fr", "de", "es", "ru")
# Those of the real vocabulary; there is no text in Swahili, so invented English stands for it.
FIFTEEN = (
    "ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh",
)  # fmt: skip
_RANKS = 8_000_000
_FREQUENT = 6_000
_WORDS_OF_A_LINE = 20
_DRAWN_AT_ONCE = 2_000_000


def read(data: Path, lang: str) -> str:
    """Return the text of a language."""
    path = data / "text" / f"{lang}.txt"
    if not path.exists():
        path = data / "perl" / f"{'en' if lang == 'sw' else lang}.txt"
    return path.read_text(encoding="utf-8")


def write_windows(data: Path, folder: Path, count: int) -> list[str]:
    """Write lines of 20 words, windows over real sentences; return the arguments for them."""
    choose = random.Random(0)
    sources = []
    for lang in LANGUAGES:
        words = read(data, lang).split()
        path = folder / f"{lang}.txt"
        with path.open("w", encoding="utf-8") as file:
            for _ in range(count // len(LANGUAGES)):
                start = choose.randrange(len(words) - _WORDS_OF_A_LINE)
                file.write(" ".join(words[start : start + _WORDS_OF_A_LINE]) + "\n")
        sources.append(f"{lang}={path}")
    return sources


class Speller:
    """Invents words that look like those it has read: which letter follows which three."""

    def __init__(self, words: list[str], seed: int) -> None:
        self._choose = random.Random(seed)
        following: dict[str, list[str]] = defaultdict(list)
        for word in words:
            padded = f"   {word} "
            for i in range(3, len(padded)):
                following[padded[i - 3 : i]].append(padded[i])
        self._following = dict(following)

    def word(self) -> str:
        """Return a word of 2 to 30 letters."""
        while True:
            made = "   "
            while len(made) < 34 and (made == "   " or made[-1] != " "):
                made += self._choose.choice(self._following[made[-3:]])
            if made[-1] == " " and len(made) > 5:
                return made.strip()


def new_words(data: Path, lang: str, count: int) -> Iterator[str]:
    """Yield lines of 20 words, half of them invented, so that caches fill up.

    What is written without spaces is cut from the text anywhere, to lines that never were.
    """
    text, choose = read(data, lang), random.Random(0)
    if lang in ("zh", "th"):
        whole = "".join(text.split())
        for _ in range(count):
            starts = [choose.randrange(len(whole) - 12) for _ in range(6)]
            yield "".join(whole[start : start + choose.randrange(3, 12)] for start in starts)
        return
    words = text.split()
    speller = Speller([word for word in words if len(word) > 3], 0)
    for _ in range(count):
        some = [choose.choice(words) for _ in range(_WORDS_OF_A_LINE // 2)]
        yield " ".join(part for word in some for part in (word, speller.word()))


def write_growing(data: Path, folder: Path, count: int) -> tuple[list[str], int]:
    """Write so many words with new ones that never stop; return the arguments, and how many differ.

    Ranks are drawn from Zipf's law in two regimes, 1/r among the most frequent 6,000 words and
    r^-1.5 behind them.  The first ranks are the real words in the order of their frequency, and
    the others are invented.
    """
    sources, different = [], 0
    for seed, lang in enumerate(LANGUAGES):
        text = read(data, lang).split()
        real = [word for word, _ in Counter(text).most_common()]
        drawn = _draw(count // len(LANGUAGES), np.random.default_rng(seed))
        speller = Speller([word for word in text if len(word) > 3], seed)
        spelt = set(real)
        spelling: dict[int, str] = {}
        for rank in np.unique(np.concatenate(drawn)).tolist():
            word = real[rank] if rank < len(real) else speller.word()
            while rank >= len(real) and word in spelt:
                word += speller.word()
            spelt.add(word)
            spelling[rank] = word
        different += len(spelling)
        path = folder / f"{lang}.txt"
        with path.open("w", encoding="utf-8") as file:
            for some in drawn:
                words = list(map(spelling.__getitem__, some.tolist()))
                for start in range(0, len(words), _WORDS_OF_A_LINE):
                    file.write(" ".join(words[start : start + _WORDS_OF_A_LINE]) + "\n")
        sources.append(f"{lang}={path}")
        print(f"{lang}: {len(spelling):,} different words", file=sys.stderr)
    return sources, different


def _draw(count: int, chance: np.random.Generator) -> list[np.ndarray]:
    """Draw ranks, some millions at a time."""
    ranks = np.arange(1, _RANKS + 1, dtype=np.float64)
    frequency = 1 / (ranks + 2.7)
    tail = ranks[_FREQUENT:] / ranks[_FREQUENT]
    frequency[_FREQUENT:] = frequency[_FREQUENT] * tail**-1.5
    summed = np.cumsum(frequency)
    summed /= summed[-1]
    drawn = []
    for start in range(0, count, _DRAWN_AT_ONCE):
        some = chance.random(min(_DRAWN_AT_ONCE, count - start))
        drawn.append(np.searchsorted(summed, some).astype(np.int32))
    return drawn
