"""How much of a text a real vocabulary has whole, under both rule sets and other segmenters.

    python -m benchmarks.coverage --data ../shared/data --output docs/benchmarks

For each language of the fifteen-language checkpoints that the data has sentences in (Swahili has
none): the share of words that are one piece which the vocabulary has, and the pieces of a word on
average, with the words that the rules of ``sacremoses`` find and with those of Moses' own scripts;
ten Hindi words side by side; and the same for Chinese and Thai with other segmenters, those that
are installed.

Words are counted as they are looked up, without case and accents, punctuation among them.  A
segmenter that cuts everything into characters would have nearly every word whole, so the tables of
segmenters also say how many pieces the text has in all, and how many words of two characters and
more are whole.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from xlm_text import XLMTokenizer

VOCAB_SIZE = 95000
RULES = ("sacremoses", "moses")
LANGUAGES = "ar bg de el en es fr hi ru sw th tr ur vi zh".split()
# Others that the data has sentences in.
MORE_LANGUAGES = "ca cs et fi hu it ko nl pl pt ro sk sl sv".split()
# Of the files that hold sentences and mixtures of words and marks the sentences come first.
SENTENCES = 400

Segment = Callable[[str], list[str]]


class Coverage(NamedTuple):
    """What became of the words of a text.

    Attributes:
        words: how many there are.
        whole: the share of those that are one piece which the vocabulary has.
        characters: the share of the characters that are in such words.
        long_whole: the share of those that are, of the words of two characters and more.
        pieces: how many pieces there are.
        unknown: the share of words with a piece that the vocabulary does not have.

    """

    words: int
    whole: float
    characters: float
    long_whole: float
    pieces: int
    unknown: float


def sentences(data: Path, lang: str) -> list[str]:
    """Return the shared sentences of a language, perhaps none."""
    path = data / "text" / f"{lang}.txt"
    if path.is_file():
        return path.read_text(encoding="utf-8").split("\n")[:-1]
    path = data / "perl" / f"{lang}.txt"
    return path.read_text(encoding="utf-8").split("\n")[:SENTENCES] if path.is_file() else []


def measure(tokenizer: XLMTokenizer, words: Iterable[str]) -> Coverage:
    """Look at the pieces of words that have neither case nor accents."""
    counts = Counter(words)
    distinct = list(counts)
    rows = tokenizer(distinct, bypass_tokenizer=True, add_special_tokens=False)["input_ids"]
    known = {
        word: tokenizer.unk_token_id not in row for word, row in zip(distinct, rows, strict=True)
    }
    whole = {
        word for word, row in zip(distinct, rows, strict=True) if len(row) == 1 and known[word]
    }
    long = {word for word in distinct if len(word) > 1}

    def count(some: Iterable[str]) -> int:
        return sum(counts[word] for word in some)

    def characters(some: Iterable[str]) -> int:
        return sum(counts[word] * len(word) for word in some)

    return Coverage(
        words=count(distinct),
        whole=count(whole) / count(distinct),
        characters=characters(whole) / characters(distinct),
        long_whole=count(whole & long) / max(count(long), 1),
        pieces=sum(counts[word] * len(row) for word, row in zip(distinct, rows, strict=True)),
        unknown=1 - count(word for word in distinct if known[word]) / count(distinct),
    )


def segmented(lang: str, segment: Segment, lines: list[str]) -> list[str]:
    """Return the words that a segmenter finds, through the character stages of Moses' scripts."""
    from xlm_text.languages.table import find, language
    from xlm_text.pipelines.base import Setup
    from xlm_text.pipelines.casing import lowercase_and_remove_accents
    from xlm_text.pipelines.words import Words

    pipeline = find(language(lang).pipelines["moses"])(Setup(lang, segment))
    # A line at a time: what is known of cutting a line into units is known of the usual segmenters.
    return lowercase_and_remove_accents(
        Words.of(pipeline.words([line]).flat for line in lines)
    ).flat


# Other segmenters: the package, and what makes one from its module.  Only such as come from the
# package index with their models inside; the others fetch them from elsewhere when they are used.
OTHERS: dict[str, dict[str, tuple[str, Callable[[Any], Segment]]]] = {
    "zh": {
        "thulac": ("thulac", lambda m: _thulac(m.thulac(seg_only=True))),
        "snownlp": ("snownlp.seg", lambda m: lambda text: list(m.seg(text))),
        "pkuseg": ("pkuseg", lambda m: m.pkuseg().cut),
        "spacy-pkuseg": ("spacy_pkuseg", lambda m: m.pkuseg().cut),
        "cutword": ("cutword", lambda m: m.Cutter().cutword),
    },
    "th": {
        name: (
            "pythainlp.tokenize",
            lambda m, name=name: lambda text: m.word_tokenize(text, engine=name),
        )
        for name in ("newmm-safe", "longest", "mm", "icu", "attacut", "deepcut", "tltk")
    },
}


def _thulac(tokenizer: Any) -> Segment:
    return lambda text: tokenizer.cut(text, text=True).split(" ")


def _keeps_text(segment: Segment, lines: list[str]) -> bool:
    """Tell whether a segmenter only cuts: some drop white space, or change characters."""
    return all("".join("".join(segment(line)).split()) == "".join(line.split()) for line in lines)


def other_segmenters(lang: str) -> Iterable[tuple[str, Segment | str]]:
    """Yield the other segmenters of a language, or why one cannot be had."""
    for name, (module, make) in OTHERS[lang].items():
        try:
            segment = make(import_module(module))
            segment("ทดสอบ" if lang == "th" else "测试")
        except Exception as error:  # packages of all kinds fail in all ways
            yield name, f"{type(error).__name__}: {str(error).splitlines()[0]:.80}"
        else:
            yield name, segment


def by_rules(loaded: dict[str, XLMTokenizer], data: Path) -> tuple[list[str], dict[str, Any]]:
    """Return the table of both rule sets in each language, and its figures."""
    columns = ("whole words", "of the characters", "pieces a word")
    heads = [f"{column}, `{rules}`" for column in columns for rules in RULES]
    table = [
        f"| | lines that differ | {' | '.join(heads)} |",
        "|---" * (2 + len(heads)) + "|",
    ]
    figures: dict[str, Any] = {}
    for lang in LANGUAGES:
        lines = sentences(data, lang)
        if not lines:
            continue
        words = {rules: [loaded[rules].words(line, lang=lang) for line in lines] for rules in RULES}
        differ = sum(a != b for a, b in zip(*words.values(), strict=True)) / len(lines)
        found = [measure(loaded[rules], chain.from_iterable(words[rules])) for rules in RULES]
        cells = [f"{one.whole:.3f}" for one in found]
        cells += [f"{one.characters:.3f}" for one in found]
        cells += [f"{one.pieces / one.words:.3f}" for one in found]
        table.append(f"| {lang} | {differ:.1%} | {' | '.join(cells)} |")
        figures[lang] = {"lines": len(lines), "differ": differ}
        figures[lang] |= {rules: one._asdict() for rules, one in zip(RULES, found, strict=True)}
    return table, figures


def differing_lines(loaded: dict[str, XLMTokenizer], lang: str, data: Path) -> str:
    """Return the share of lines whose words differ, for a language without a vocabulary here."""
    lines = sentences(data, lang)
    words = [[tokenizer.words(line, lang=lang) for line in lines] for tokenizer in loaded.values()]
    return f"{lang} {sum(a != b for a, b in zip(*words, strict=True)) / len(lines):.1%}"


def hindi_words(loaded: dict[str, XLMTokenizer], data: Path) -> list[str]:
    """Return ten common words that the rules cut otherwise, with their pieces."""
    text = Counter(word for line in sentences(data, "hi") for word in line.split(" "))
    table = ["| word | pieces, `sacremoses` | pieces, `moses` |", "|---|---|---|"]
    for word, _ in text.most_common():
        pieces = [loaded[rules].tokenize(word, lang="hi") for rules in RULES]
        if pieces[0] != pieces[1] and len(word) > 2:
            shown = [" ".join(f"`{piece}`" for piece in own) for own in pieces]
            table.append(f"| {word} | {shown[0]} | {shown[1]} |")
        if len(table) == 12:
            break
    return table


def by_segmenter(
    tokenizer: XLMTokenizer, lang: str, data: Path
) -> tuple[list[str], dict[str, Any]]:
    """Return the table of the segmenters of a language, and its figures."""
    from xlm_text.languages.table import LANGUAGES as KNOWN
    from xlm_text.segmenters import load_segmenter

    lines = sentences(data, lang)
    columns = ("words", "whole", "of two characters and more", "pieces", "unknown")
    table = [f"| | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    figures: dict[str, Any] = {}
    found: list[tuple[str, Segment | str]] = [
        (name, load_segmenter(name)) for name in KNOWN[lang].segmenters
    ]
    # What a share of whole words is worth: here each character is a word.
    found.append(("each character", list))
    for name, segment in [*found, *other_segmenters(lang)]:
        if isinstance(segment, str):
            print(f"{lang} {name}: {segment}")
            continue
        if not _keeps_text(segment, lines[:100]):
            print(f"{lang} {name}: changes the text, not only cuts it")
        one = measure(tokenizer, segmented(lang, segment, lines))
        cells = [f"{one.words:,}", f"{one.whole:.3f}", f"{one.long_whole:.3f}"]
        cells += [f"{one.pieces:,}", f"{one.unknown:.2%}"]
        table.append(f"| {name} | {' | '.join(cells)} |")
        figures[name] = one._asdict()
    return table, figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    folder = arguments.data / "vocab" / "xnli15"
    loaded = {
        rules: XLMTokenizer.from_original(
            folder / "codes_xnli_15",
            folder / "vocab_xnli_15",
            VOCAB_SIZE,
            rules=rules,
            any_language=True,
        )
        for rules in RULES
    }
    table, figures = by_rules(loaded, arguments.data)
    parts = ["# What the vocabulary has whole", "", "## Both rule sets", "", *table]
    others = [differing_lines(loaded, lang, arguments.data) for lang in MORE_LANGUAGES]
    parts += ["", f"Lines that differ in other languages: {', '.join(others)}."]
    parts += ["", "## Ten Hindi words", "", *hindi_words(loaded, arguments.data)]
    for lang, name in (("zh", "Chinese"), ("th", "Thai")):
        table, figures[f"{lang} segmenters"] = by_segmenter(loaded["moses"], lang, arguments.data)
        parts += ["", f"## {name} segmenters", "", *table]
    text = "\n".join(parts)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "coverage.md").write_text(text + "\n", encoding="utf-8")
    (arguments.output / "coverage.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    main()
