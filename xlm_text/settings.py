"""How a tokenizer behaves, and how that is written in a checkpoint's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from xlm_text.errors import InputError
from xlm_text.vocabulary import SPECIAL_TOKENS

TOKEN_NAMES = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)


@dataclass(frozen=True)
class Settings:
    """Everything about a tokenizer but its vocabulary.  The defaults are the reference's.

    Attributes:
        lang: the language of a text that is given without one.
        any_language: take languages that the checkpoint does not have, too.
        zh_segmenter: ``"jieba"``, or ``"rjieba"`` as newer versions of the reference have it.
        th_segmenter: ``"newmm"``, or ``"nlpo3"``, its quicker port, whose words differ at times.
        kytea_model: the KyTea model for Japanese; without it the environment variable
            ``XLM_KYTEA_MODEL`` and KyTea's usual places are looked at.
        do_lowercase_and_remove_accent: whether the checkpoint was trained on such text.
        lang2id: the id of each language of the checkpoint; ``None`` where that is not known.
        use_lang_emb: whether the model has language embeddings, and so wants ``langs``.
        bos_token: the first token of a sequence.  ``"<s>"`` is the reference's; the original
            implementation trained its checkpoints with ``"</s>"`` there.
        sep_token: the token behind each sequence.
        additional_special_tokens: further tokens that are never cut.
        model_max_length: the longest sequence of the model, in tokens; ``None`` for no limit.
        padding_side: where padding goes.
        truncation_side: where tokens are cut off.
        clean_up_tokenization_spaces: whether decoding closes the space before punctuation.
        memory_limit: how many units of text, and how many words, are remembered in each language.

    """

    lang: str = "en"
    any_language: bool = False
    zh_segmenter: Literal["jieba", "rjieba"] = "jieba"
    th_segmenter: Literal["newmm", "nlpo3"] = "newmm"
    kytea_model: str | None = None
    do_lowercase_and_remove_accent: bool = True
    lang2id: Mapping[str, int] | None = None
    use_lang_emb: bool = False
    bos_token: str = "<s>"
    eos_token: str | None = None
    unk_token: str = "<unk>"
    sep_token: str = "</s>"
    pad_token: str = "<pad>"
    cls_token: str = "</s>"
    mask_token: str = "<special1>"
    additional_special_tokens: tuple[str, ...] = SPECIAL_TOKENS
    model_max_length: int | None = None
    padding_side: Literal["right", "left"] = "right"
    truncation_side: Literal["right", "left"] = "right"
    clean_up_tokenization_spaces: bool = False
    memory_limit: int = 100_000

    def __post_init__(self) -> None:
        for name in ("padding_side", "truncation_side"):
            _one_of(name, getattr(self, name), ("right", "left"))
        _one_of("zh_segmenter", self.zh_segmenter, ("jieba", "rjieba"))
        _one_of("th_segmenter", self.th_segmenter, ("newmm", "nlpo3"))
        for name in ("any_language", "do_lowercase_and_remove_accent", "use_lang_emb"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} must be true or false, not {getattr(self, name)!r}")
        if not isinstance(self.memory_limit, int) or self.memory_limit < 1:
            raise InputError(f"memory_limit must be a number from 1 on, not {self.memory_limit!r}")
        if self.lang2id is not None and len(set(self.lang2id.values())) != len(self.lang2id):
            raise InputError(f"lang2id gives an id to two languages: {dict(self.lang2id)}")

    @property
    def named_tokens(self) -> dict[str, str]:
        """The special tokens that have a role, by its name."""
        tokens = {name: getattr(self, name) for name in TOKEN_NAMES}
        return {name: token for name, token in tokens.items() if token is not None}

    @property
    def special_tokens(self) -> list[str]:
        """Every special token once: those with a role first."""
        return list(dict.fromkeys([*self.named_tokens.values(), *self.additional_special_tokens]))

    def change(self, **changes: Any) -> Settings:
        """Return settings with some of them changed; an unknown name is an error."""
        names = [field.name for field in fields(self)]
        unknown = [name for name in changes if name not in names]
        if unknown:
            raise InputError(f"no setting is called {unknown[0]!r}: there are {', '.join(names)}")
        return replace(self, **changes)


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")


def settings_from_tokenizer_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a ``tokenizer_config.json`` or ``special_tokens_map.json`` names.

    What this package does not use is passed over.
    """
    found: dict[str, Any] = {
        name: _content(config[name]) for name in TOKEN_NAMES if config.get(name) is not None
    }
    # The second name is the older one.
    for name in ("extra_special_tokens", "additional_special_tokens"):
        if isinstance(config.get(name), list):
            found["additional_special_tokens"] = tuple(map(_content, config[name]))
            break
    for name in (
        "do_lowercase_and_remove_accent",
        "padding_side",
        "truncation_side",
        "clean_up_tokenization_spaces",
    ):
        if config.get(name) is not None:
            found[name] = config[name]
    found.update(_languages(config))
    length = config.get("model_max_length")
    if isinstance(length, int) and length < _NO_LIMIT:
        found["model_max_length"] = length
    return found


def settings_from_model_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a model's ``config.json`` names."""
    found = _languages(config)
    n_langs = config.get("n_langs", len(found.get("lang2id", ())))
    found["use_lang_emb"] = bool(config.get("use_lang_emb", True)) and n_langs > 1
    if isinstance(config.get("max_position_embeddings"), int):
        found["model_max_length"] = config["max_position_embeddings"]
    return found


def tokenizer_config(settings: Settings) -> dict[str, Any]:
    """Return what a ``tokenizer_config.json`` says of the settings, for transformers too."""
    config: dict[str, Any] = {"tokenizer_class": "XLMTokenizer", **settings.named_tokens}
    # Versions of the reference before 5 know the extra tokens by their older name only.
    config["additional_special_tokens"] = list(settings.additional_special_tokens)
    if settings.lang2id is not None:
        config["lang2id"] = dict(settings.lang2id)
        config["id2lang"] = {str(id_): lang for lang, id_ in settings.lang2id.items()}
    length = settings.model_max_length
    config["model_max_length"] = _NO_LIMIT if length is None else length
    for name in (
        "do_lowercase_and_remove_accent",
        "padding_side",
        "truncation_side",
        "clean_up_tokenization_spaces",
    ):
        config[name] = getattr(settings, name)
    return config


# What the reference writes for "no limit"; anything near it means the same.
_NO_LIMIT = 10**20


def _content(token: Any) -> str:
    """Return the text of a token that stands as a string or as an object with its flags."""
    return str(token["content"]) if isinstance(token, dict) else str(token)


def _languages(config: Mapping[str, Any]) -> dict[str, Any]:
    lang2id = config.get("lang2id")
    id2lang = config.get("id2lang")
    if lang2id:
        return {"lang2id": {str(lang): int(id_) for lang, id_ in lang2id.items()}}
    if id2lang:
        return {"lang2id": {str(lang): int(id_) for id_, lang in id2lang.items()}}
    return {}
