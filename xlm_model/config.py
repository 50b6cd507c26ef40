"""What a checkpoint's `config.json` says, checked and kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any

from xlm_model.errors import ConfigError

# Other spellings of a key, as published files and other libraries use them.
ALIASES = {
    "n_words": "vocab_size",
    "hidden_size": "emb_dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "bos_index": "bos_token_id",
    "eos_index": "eos_token_id",
    "pad_index": "pad_token_id",
}
ACTIVATIONS = ("gelu", "linear", "relu", "sigmoid", "silu", "swish", "tanh")
SUMMARY_TYPES = ("cls_index", "first", "last", "mean")
PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_int(value)


def _is_int_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(map(_is_int, value))


def _has_int_keys(value: Any) -> bool:
    # In JSON the keys of a map are strings.
    return isinstance(value, Mapping) and all(_is_int(k) or str(k).isdecimal() for k in value)


def _rule(allows: Callable[[Any], bool], expected: str) -> dict[str, Any]:
    """Return a field's metadata: what its key may hold beside null, in code and in words."""
    return {"allows": allows, "expected": expected}


def _one_of(*names: str) -> dict[str, Any]:
    return _rule(lambda value: value in names, "one of " + ", ".join(names))


_FLAG = _rule(lambda value: isinstance(value, bool), "true or false")
_COUNT = _rule(lambda value: _is_int(value) and value > 0, "a whole number above 0")
_ID = _rule(lambda value: _is_int(value) and value >= 0, "a whole number from 0")
_IDS = _rule(
    lambda value: _is_int_list(value if isinstance(value, list) else [value]),
    "a whole number, or a list of them",
)
_SHARE = _rule(lambda value: _is_number(value) and 0 <= value <= 1, "a number from 0 to 1")
_POSITIVE = _rule(lambda value: _is_number(value) and value > 0, "a number above 0")
_INTS = _rule(_is_int_list, "a list of whole numbers")
_NAMES = _rule(_has_int_keys, "a map from whole numbers to names")
_NUMBERS = _rule(
    lambda value: isinstance(value, Mapping) and all(map(_is_int, value.values())),
    "a map from names to whole numbers",
)
_HEADS = _rule(
    lambda value: _has_int_keys(value) and all(map(_is_int_list, value.values())),
    "a map from layers to lists of heads",
)


@dataclass(frozen=True, init=False)
class XLMConfig:
    """Every setting of an XLM model.

    Takes the keys of a published `config.json` as keywords, by any of their names; a key that it
    does not know is kept in `extra` and written back by `to_dict`, under the name it came with.

    Raises:
        ConfigError: a value of the wrong type or outside its range, or two keys that contradict
            each other.

    Example:
        >>> config = XLMConfig(n_words=100, emb_dim=32, n_heads=4, n_layers=2, max_vocab=95000)
        >>> config.vocab_size, config.hidden_size, config.extra
        (100, 32, {'max_vocab': 95000})
        >>> XLMConfig(emb_dim=32, n_heads=5)
        Traceback (most recent call last):
        xlm_model.errors.ConfigError: n_heads is 5: expected a divisor of emb_dim, 32
    """

    vocab_size: int = field(default=30145, metadata=_COUNT)
    emb_dim: int = field(default=2048, metadata=_COUNT)
    n_layers: int = field(default=12, metadata=_COUNT)
    n_heads: int = field(default=16, metadata=_COUNT)
    dropout: float = field(default=0.1, metadata=_SHARE)
    attention_dropout: float = field(default=0.1, metadata=_SHARE)
    gelu_activation: bool = field(default=True, metadata=_FLAG)
    sinusoidal_embeddings: bool = field(default=False, metadata=_FLAG)
    causal: bool = field(default=False, metadata=_FLAG)
    asm: bool = field(default=False, metadata=_FLAG)
    asm_cutoffs: list[int] | None = field(default=None, metadata=_INTS)
    asm_div_value: float = field(default=4.0, metadata=_POSITIVE)
    n_langs: int = field(default=1, metadata=_COUNT)
    use_lang_emb: bool = field(default=True, metadata=_FLAG)
    lang2id: dict[str, int] | None = field(default=None, metadata=_NUMBERS)
    id2lang: dict[int, str] | None = field(default=None, metadata=_NAMES)
    max_position_embeddings: int = field(default=512, metadata=_COUNT)
    embed_init_std: float = field(default=2048**-0.5, metadata=_POSITIVE)
    layer_norm_eps: float = field(default=1e-12, metadata=_POSITIVE)
    init_std: float = field(default=0.02, metadata=_POSITIVE)
    bos_token_id: int | None = field(default=0, metadata=_ID)
    eos_token_id: int | list[int] | None = field(default=1, metadata=_IDS)
    pad_token_id: int = field(default=2, metadata=_ID)
    unk_index: int = field(default=3, metadata=_ID)
    mask_index: int = field(default=5, metadata=_ID)
    is_encoder: bool = field(default=True, metadata=_FLAG)
    summary_type: str = field(default="first", metadata=_one_of(*SUMMARY_TYPES))
    summary_use_proj: bool = field(default=True, metadata=_FLAG)
    summary_activation: str | None = field(default=None, metadata=_one_of(*ACTIVATIONS))
    summary_proj_to_labels: bool = field(default=True, metadata=_FLAG)
    summary_first_dropout: float = field(default=0.1, metadata=_SHARE)
    summary_last_dropout: float = field(default=0.0, metadata=_SHARE)
    start_n_top: int = field(default=5, metadata=_COUNT)
    end_n_top: int = field(default=5, metadata=_COUNT)
    mask_token_id: int | None = field(default=0, metadata=_ID)
    lang_id: int | None = field(default=0, metadata=_ID)
    num_labels: int = field(default=2, metadata=_COUNT)
    id2label: dict[int, str] | None = field(default=None, metadata=_NAMES)
    label2id: dict[str, int] | None = field(default=None, metadata=_NUMBERS)
    problem_type: str | None = field(default=None, metadata=_one_of(*PROBLEM_TYPES))
    output_hidden_states: bool = field(default=False, metadata=_FLAG)
    output_attentions: bool = field(default=False, metadata=_FLAG)
    pruned_heads: dict[int, list[int]] | None = field(default=None, metadata=_HEADS)
    tie_word_embeddings: bool = field(default=True, metadata=_FLAG)
    extra: dict[str, Any] = field(default_factory=dict)
    # The name under which each key came: a file is written back as it was read.
    spelling: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __init__(self, **values: Any) -> None:
        for f in fields(self):
            object.__setattr__(self, f.name, {} if f.default is MISSING else f.default)
        for key, value in values.items():
            self._take(key, value)
        if self.id2label is not None:
            self._take_label_count()
        self._check()

    def _take(self, key: str, value: Any) -> None:
        name = ALIASES.get(key, key)
        if key == "model_type":
            if value != "xlm":
                raise ConfigError(f"model_type is {value!r}: expected 'xlm', the one that is read")
            return
        if name not in _FIELDS:
            self.extra[key] = value
            return
        if name in self.spelling and getattr(self, name) != value:
            raise ConfigError(
                f"{key} is {value!r} and {self.spelling[name]} is {getattr(self, name)!r}: "
                "expected one value, as both name the same setting"
            )
        is_nullable = "None" in str(_FIELDS[name].type)
        if not (is_nullable if value is None else _FIELDS[name].metadata["allows"](value)):
            expected = _FIELDS[name].metadata["expected"] + (", or null" if is_nullable else "")
            raise ConfigError(f"{key} is {value!r}: expected {expected}")
        if name in _INT_KEYED and value is not None:
            value = {int(number): entry for number, entry in value.items()}
        object.__setattr__(self, name, value)
        self.spelling[name] = key

    def _take_label_count(self) -> None:
        count = len(self.id2label or ())
        if "num_labels" in self.spelling and self.num_labels != count:
            raise ConfigError(
                f"num_labels is {self.num_labels}: expected {count}, as id2label has so many"
            )
        object.__setattr__(self, "num_labels", count)

    def _check(self) -> None:
        """Check what one key demands of another."""
        words, heads = range(self.vocab_size), range(self.n_heads)
        cutoffs = [0, *(self.asm_cutoffs or ()), self.vocab_size]
        rising = all(low < high for low, high in pairwise(cutoffs)) and len(cutoffs) > 2
        prunable = all(
            layer < self.n_layers and set(pruned) < set(heads)
            for layer, pruned in (self.pruned_heads or {}).items()
        )
        for key, is_right, expected in (
            ("n_heads", self.emb_dim % self.n_heads == 0, f"a divisor of emb_dim, {self.emb_dim}"),
            ("pad_token_id", self.pad_token_id in words, f"an id below {words.stop}, vocab_size"),
            ("is_encoder", self.is_encoder, "true: no decoder has a published form"),
            ("asm_cutoffs", rising or not self.asm, f"rising ids below vocab_size, {words.stop}"),
            (
                "pruned_heads",
                prunable,
                f"layers below {self.n_layers} that keep some of their {self.n_heads} heads",
            ),
            (
                "lang2id",
                all(i in range(self.n_langs) for i in (self.lang2id or {}).values()),
                f"ids below n_langs, {self.n_langs}",
            ),
        ):
            if not is_right:
                given = f"{self.spelling.get(key, key)} is {getattr(self, key)!r}"
                raise ConfigError(f"{given}: expected {expected}")

    @classmethod
    def from_json_file(cls, path: str | Path) -> XLMConfig:
        """Read a `config.json`.

        Raises:
            ConfigError: not a JSON object in UTF-8, or a wrong value; the message names the file.
        """
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: expected a configuration in JSON: {error}") from error
        if not isinstance(values, dict):
            raise ConfigError(f"{path}: expected a JSON object, not a {type(values).__name__}")
        try:
            return cls(**values)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return the keys of a `config.json`, in the spelling in which they came."""
        values = {
            self.spelling.get(f.name, f.name): getattr(self, f.name)
            for f in fields(self)
            if f.name in _FIELDS and (getattr(self, f.name) is not None or f.name in self.spelling)
        }
        if self.id2label is not None and "num_labels" not in self.spelling:
            del values["num_labels"]  # the labels say it, and other readers refuse it beside them
        return {**values, **self.extra, "model_type": "xlm"}

    def replace(self, **changes: Any) -> XLMConfig:
        """Return a copy with some keys changed; a new `num_labels` discards the old label names.

        Raises:
            ConfigError: a wrong value, or a key that neither this class nor the file knows.
        """
        for key in changes:
            if ALIASES.get(key, key) not in _FIELDS and key not in self.extra:
                raise ConfigError(f"no configuration key is called {key}: there are {_KEYS}")
        values = self.to_dict()
        if changes.get("num_labels", self.num_labels) != self.num_labels:
            values = {k: v for k, v in values.items() if k not in ("id2label", "label2id")}
        renamed = {ALIASES.get(key, key) for key in changes}
        kept = {k: v for k, v in values.items() if ALIASES.get(k, k) not in renamed}
        if "id2label" in changes:
            kept.pop("num_labels", None)
            kept.pop("label2id", None)
        return XLMConfig(**kept, **changes)

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.emb_dim // self.n_heads

    @property
    def summary_width(self) -> int:
        """Number of values in the summary of a sequence."""
        if self.summary_use_proj and self.summary_proj_to_labels:
            return self.num_labels
        return self.emb_dim

    def check_choices(self) -> None:
        """Raise a `ConfigError` unless a model for multiple choice can be made."""
        if self.summary_width != self.num_labels:
            raise ConfigError(
                f"the sequence summary gives {self.summary_width} values: expected num_labels, "
                f"{self.num_labels}, for multiple choice; set summary_use_proj and "
                "summary_proj_to_labels to true"
            )

    def check_spans(self) -> None:
        """Raise a `ConfigError` unless the simple model for question answering can be made."""
        if self.num_labels != 2:
            raise ConfigError(
                f"num_labels is {self.num_labels}: expected 2, start and end, for the simple model "
                "for question answering"
            )

    @property
    def objective(self) -> str:
        """What the model learnt: `CLM`, `MLM`, or `MLM+TLM` where the training steps are known."""
        if self.causal:
            return "CLM"
        steps = self.extra.get("mlm_steps") or ()
        pairs = [step for step in steps if isinstance(step, (list, tuple)) and all(step)]
        return "MLM+TLM" if pairs else "MLM"

    @property
    def has_lang_embeddings(self) -> bool:
        """Whether the model adds an embedding of each token's language."""
        return self.n_langs > 1 and self.use_lang_emb


for _alias, _name in ALIASES.items():
    setattr(XLMConfig, _alias, property(attrgetter(_name), doc=f"Another name of `{_name}`."))

_FIELDS: dict[str, Field[Any]] = {f.name: f for f in fields(XLMConfig) if f.metadata}
_KEYS = ", ".join(sorted({*_FIELDS, *ALIASES}))
_INT_KEYED = ("id2lang", "id2label", "pruned_heads")
