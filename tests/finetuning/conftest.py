"""A small checkpoint, and data that a small model can learn."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from xlm_model import XLMConfig, XLMWithLMHeadModel
from xlm_text import XLMTokenizer

torch.set_num_threads(1)

# Each word of one language, and the same of another.
PLACES = {"en": ["river", "town", "house"], "fr": ["fleuve", "ville", "maison"]}
PEOPLE = {"en": ["mother", "child", "king"], "fr": ["mère", "enfant", "roi"]}
SURNAMES = {"en": ["bread", "milk"], "fr": ["pain", "lait"]}
OTHERS = {"en": ["sees", "old", "the"], "fr": ["voit", "vieux", "le"]}


@pytest.fixture(scope="session")
def tokenizer() -> XLMTokenizer:
    return XLMTokenizer.from_pretrained(use_lang_emb=True)


@pytest.fixture(scope="session")
def checkpoint(tokenizer: XLMTokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model, as a pretraining leaves it."""
    folder = tmp_path_factory.mktemp("checkpoint") / "lm"
    torch.manual_seed(0)
    config = XLMConfig(
        vocab_size=len(tokenizer),
        emb_dim=16,
        n_layers=2,
        n_heads=2,
        max_position_embeddings=64,
        n_langs=len(tokenizer.lang2id or {}),
        lang2id=tokenizer.lang2id,
    )
    XLMWithLMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def sentence(rng: random.Random, lang: str) -> tuple[list[str], list[str]]:
    """Return words and their tags: people of one or two words, places of one."""
    words: list[str] = []
    tags: list[str] = []
    for _ in range(rng.randrange(2, 6)):
        kind = rng.choice(["person", "place", "other", "other"])
        if kind == "person":
            count = rng.choice([1, 2])
            words += [rng.choice(PEOPLE[lang]), rng.choice(SURNAMES[lang])][:count]
            tags += ["B-PER", "I-PER"][:count]
        elif kind == "place":
            words.append(rng.choice(PLACES[lang]))
            tags.append("B-LOC")
        else:
            words.append(rng.choice(OTHERS[lang]))
            tags.append("O")
    return words, tags


def write_conll(path: Path, lang: str, count: int, seed: int) -> None:
    rng = random.Random(seed)
    lines = []
    for _ in range(count):
        words, tags = sentence(rng, lang)
        lines += [f"{word} {tag}" for word, tag in zip(words, tags, strict=True)] + [""]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_table(path: Path, lang: str, count: int, seed: int) -> None:
    """Write texts of which each is about people or about places, as its words say."""
    rng = random.Random(seed)
    rows = ["text\tlabel"]
    for _ in range(count):
        label, words = rng.choice([("people", PEOPLE), ("places", PLACES)])
        found = [rng.choice([*words[lang], *OTHERS[lang]]) for _ in range(rng.randrange(3, 9))]
        rows.append(f"{' '.join([*found, words[lang][0]])}\t{label}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_choices(path: Path, lang: str, count: int, seed: int) -> None:
    """Write questions of which the right choice is the one about people; two choices, or three."""
    rng = random.Random(seed)
    lines = []
    for _ in range(count):
        choices = rng.sample(PLACES[lang], rng.choice([1, 2]))
        label = rng.randrange(len(choices) + 1)
        choices.insert(label, rng.choice(PEOPLE[lang]))
        lines.append(json.dumps({"text": OTHERS[lang][0], "choices": choices, "label": label}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_squad(path: Path, lang: str, count: int, seed: int, *, impossible: bool = False) -> None:
    """Write questions whose answer is the only person in the context, or that have none."""
    rng = random.Random(seed)
    paragraphs: list[Any] = []
    for number in range(count):
        words = [rng.choice([*PLACES[lang], *OTHERS[lang]]) for _ in range(rng.randrange(4, 9))]
        at = rng.randrange(len(words))
        answers = []
        if not (impossible and number % 3 == 0):
            words[at] = rng.choice(PEOPLE[lang])
            answers = [{"text": words[at], "answer_start": len(" ".join([*words[:at], ""]))}]
        question: dict[str, Any] = {"id": f"q{number}", "question": OTHERS[lang][0]}
        question |= (
            {"answers": answers, "is_impossible": not answers}
            if impossible
            else {"answers": answers}
        )
        paragraphs.append({"context": " ".join(words), "qas": [question]})
    path.write_text(json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]}), "utf-8")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files of each kind: train in English, dev in English and French."""
    folder = tmp_path_factory.mktemp("data")
    for lang in ("en", "fr"):
        for split, count in (("train", 96), ("dev", 24)):
            seed = hash_of(lang, split)
            write_conll(folder / f"tag.{split}.{lang}.conll", lang, count, seed)
            write_table(folder / f"classify.{split}.{lang}.tsv", lang, count, seed)
            write_choices(folder / f"choose.{split}.{lang}.jsonl", lang, count, seed)
            write_squad(folder / f"answer.{split}.{lang}.json", lang, count, seed)
            write_squad(folder / f"answer2.{split}.{lang}.json", lang, count, seed, impossible=True)
    return folder


def hash_of(lang: str, split: str) -> int:
    return ["en", "fr"].index(lang) * 2 + ["train", "dev"].index(split)
