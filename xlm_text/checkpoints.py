"""The ten published XLM checkpoints: their languages, vocabulary sizes and casing.

The figures are those of the checkpoints' published configurations.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Checkpoint:
    """What is known of a published checkpoint without downloading it.

    ``languages`` are in the order of their ids, beginning at 0.  ``language_embeddings`` says
    whether the model wants the language of each token as an input (``langs``).
    """

    name: str
    languages: tuple[str, ...]
    vocab_size: int
    do_lowercase_and_remove_accent: bool
    language_embeddings: bool

    @property
    def lang2id(self) -> dict[str, int]:
        """The id of each language."""
        return {lang: i for i, lang in enumerate(self.languages)}


_XNLI_15 = tuple("ar bg de el en es fr hi ru sw th tr ur vi zh".split())
_WIKI_17 = tuple("ar de en es fr hi it ja ko nl pl pt ru sv tr vi zh".split())
_WIKI_100 = tuple(
    """
    af als am an ang ar arz ast az bar be bg bn br bs ca ceb ckb cs cy da de el en eo es et eu fa
    fi fr fy ga gan gl gu he hi hr hu hy ia id is it ja jv ka kk kn ko ku la lb lt lv mk ml mn mr
    ms my nds ne nl nn no oc pl pt ro ru scn sco sh si simple sk sl sq sr sv sw ta te th tl tr tt
    uk ur uz vi war wuu yi zh zh_classical zh_min_nan zh_yue
    """.split()
)

CHECKPOINTS = {
    checkpoint.name: checkpoint
    for checkpoint in (
        # name, languages, vocabulary size, lower-cased, language embeddings
        Checkpoint("xlm-mlm-en-2048", ("en",), 30145, True, False),
        Checkpoint("xlm-mlm-ende-1024", ("de", "en"), 64699, True, True),
        Checkpoint("xlm-mlm-enfr-1024", ("en", "fr"), 64139, True, True),
        Checkpoint("xlm-mlm-enro-1024", ("en", "ro"), 64592, True, True),
        Checkpoint("xlm-mlm-xnli15-1024", _XNLI_15, 95000, True, True),
        Checkpoint("xlm-mlm-tlm-xnli15-1024", _XNLI_15, 95000, True, True),
        Checkpoint("xlm-clm-enfr-1024", ("en", "fr"), 64139, True, True),
        Checkpoint("xlm-clm-ende-1024", ("de", "en"), 64699, True, True),
        Checkpoint("xlm-mlm-17-1280", _WIKI_17, 200000, False, False),
        Checkpoint("xlm-mlm-100-1280", _WIKI_100, 200000, False, False),
    )
}

KNOWN_LANGUAGES = frozenset(lang for c in CHECKPOINTS.values() for lang in c.languages)


def published(name: str) -> Checkpoint | None:
    """Return the checkpoint that a hub name means, with or without its ``FacebookAI/``.

    >>> published("FacebookAI/xlm-mlm-enfr-1024").lang2id
    {'en': 0, 'fr': 1}
    """
    return CHECKPOINTS.get(name.removeprefix("FacebookAI/"))
