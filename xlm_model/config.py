"""What a checkpoint's `config.json` says, checked and kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import MISSING, Field, dataclass, field, fields
from difflib import get_close_matches
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

from xlm_model import config_rules as rules
from xlm_model.config_files import HUB_OPTIONS, find_config, read_keys
from xlm_model.config_rules import ALIASES
from xlm_model.errors import CheckpointError, ConfigError
from xlm_model.names import XLM, Names
from xlm_text.files.folders import MODEL_CONFIG_FILE, whole_file


@dataclass(init=False)
class XLMConfig:
    """Every setting of an XLM model.

    Takes the keys of a published `config.json` as keywords, by any of their names. A key that it
    does not know is kept in `extra`, can be read as an attribute, and is written back by `to_dict`,
    under the name it came with. Settings are attributes: a new value is checked when it is set, and
    `update` sets several that depend on each other.

    Raises:
        ConfigError: a value of the wrong type or outside its range, or two keys that contradict
            each other.

    Example:
        >>> config = XLMConfig(n_words=100, emb_dim=32, n_heads=4, n_layers=2, max_vocab=95000)
        >>> config.vocab_size, config.hidden_size, config.max_vocab
        (100, 32, 95000)
        >>> config.num_labels = 3
        >>> config.id2label
        {0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2'}
        >>> config.n_heads = 5
        Traceback (most recent call last):
        xlm_model.errors.ConfigError: n_heads is 5: expected a divisor of emb_dim, 32
    """

    model_type: ClassVar[str] = "xlm"
    # What transformers' Auto classes and other tools ask of a configuration's class: the other
    # spellings of its keys.
    attribute_map: ClassVar[dict[str, str]] = ALIASES
    sub_configs: ClassVar[dict[str, Any]] = {}
    # The spelling of a key in files, where it is not the attribute's name.
    published: ClassVar[dict[str, str]] = {}
    # The names of the weights in checkpoints.
    names: ClassVar[Names] = XLM
    # Whether padding is told from the ids, and its states are zero; without, only attention looks
    # at the mask, and all is seen where there is none.
    zeroes_padding: ClassVar[bool] = True
    # Whether the checkpoints' tokenizer depends on the language of a text.
    has_languages: ClassVar[bool] = True
    # Whether the second text of a pair begins as the first one does, with positions from 0, which
    # translation language modelling taught XLM.
    restarts_pairs: ClassVar[bool] = True
    # Whether a layer normalizes what comes in, and not what goes out.
    pre_norm: bool = False
    # The share of the layers that a training step leaves out.
    layerdrop: float = 0.0

    vocab_size: int = field(default=30145, metadata=rules.COUNT)
    emb_dim: int = field(default=2048, metadata=rules.COUNT)
    n_layers: int = field(default=12, metadata=rules.COUNT)
    n_heads: int = field(default=16, metadata=rules.COUNT)
    dropout: float = field(default=0.1, metadata=rules.SHARE)
    attention_dropout: float = field(default=0.1, metadata=rules.SHARE)
    gelu_activation: bool = field(default=True, metadata=rules.FLAG)
    sinusoidal_embeddings: bool = field(default=False, metadata=rules.FLAG)
    causal: bool = field(default=False, metadata=rules.FLAG)
    asm: bool = field(default=False, metadata=rules.FLAG)
    asm_cutoffs: list[int] | None = field(default=None, metadata=rules.INTS)
    asm_div_value: float = field(default=4.0, metadata=rules.POSITIVE)
    n_langs: int = field(default=1, metadata=rules.COUNT)
    use_lang_emb: bool = field(default=True, metadata=rules.FLAG)
    lang2id: dict[str, int] | None = field(default=None, metadata=rules.NUMBERS)
    id2lang: dict[int, str] | None = field(default=None, metadata=rules.NAMES)
    max_position_embeddings: int = field(default=512, metadata=rules.COUNT)
    embed_init_std: float = field(default=2048**-0.5, metadata=rules.POSITIVE)
    layer_norm_eps: float = field(default=1e-12, metadata=rules.POSITIVE)
    init_std: float = field(default=0.02, metadata=rules.POSITIVE)
    bos_token_id: int | None = field(default=0, metadata=rules.ID)
    eos_token_id: int | list[int] | None = field(default=1, metadata=rules.IDS)
    pad_token_id: int = field(default=2, metadata=rules.ID)
    unk_index: int = field(default=3, metadata=rules.ID)
    mask_index: int = field(default=5, metadata=rules.ID)
    is_encoder: bool = field(default=True, metadata=rules.FLAG)
    summary_type: str = field(default="first", metadata=rules.one_of(*rules.SUMMARY_TYPES))
    summary_use_proj: bool = field(default=True, metadata=rules.FLAG)
    summary_activation: str | None = field(default=None, metadata=rules.one_of(*rules.ACTIVATIONS))
    summary_proj_to_labels: bool = field(default=True, metadata=rules.FLAG)
    summary_first_dropout: float = field(default=0.1, metadata=rules.SHARE)
    summary_last_dropout: float = field(default=0.0, metadata=rules.SHARE)
    start_n_top: int = field(default=5, metadata=rules.COUNT)
    end_n_top: int = field(default=5, metadata=rules.COUNT)
    mask_token_id: int | None = field(default=0, metadata=rules.ID)
    lang_id: int | None = field(default=0, metadata=rules.ID)
    num_labels: int = field(default=2, metadata=rules.COUNT)
    id2label: dict[int, str] = field(default_factory=dict, metadata=rules.LABELS)
    label2id: dict[str, int] = field(default_factory=dict, metadata=rules.NUMBERS)
    problem_type: str | None = field(default=None, metadata=rules.one_of(*rules.PROBLEM_TYPES))
    return_dict: bool = field(default=True, metadata=rules.FLAG)
    output_hidden_states: bool = field(default=False, metadata=rules.FLAG)
    output_attentions: bool = field(default=False, metadata=rules.FLAG)
    pruned_heads: dict[int, list[int]] | None = field(default=None, metadata=rules.HEADS)
    tie_word_embeddings: bool = field(default=True, metadata=rules.FLAG)
    extra: dict[str, Any] = field(default_factory=dict)
    # The name under which each key came: a file is written back as it was read.
    spelling: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __init__(self, **values: Any) -> None:
        for f in fields(self):
            object.__setattr__(self, f.name, {} if f.default is MISSING else f.default)
        self._set_labels({}, {})
        self._take(values)
        self._check()

    def __setattr__(self, key: str, value: Any) -> None:
        """Set a key, unless its value is wrong; see `update`."""
        if key.startswith("_") or key in ("extra", "spelling"):
            object.__setattr__(self, key, value)  # a tool's own note, which is not written
        else:
            self.update({key: value})

    if not TYPE_CHECKING:  # a mistyped key is still found by type checkers

        def __getattr__(self, key: str) -> Any:
            extra = self.__dict__.get("extra", {})
            for name in (key, _OLDER.get(key)):
                if name in extra:
                    return extra[name]
            if key in _UNSET:
                return _UNSET[key]
            raise AttributeError(f"no configuration key is called {key}{self._similar(key)}")

    def update(self, values: Mapping[str, Any]) -> None:
        """Set several keys at once, by any of their names; either all of them or none.

        A new `num_labels` discards the old label names, and new label names count as `num_labels`.

        Raises:
            ConfigError: a wrong value, or keys that contradict each other.
        """
        before = {**self.__dict__, "extra": {**self.extra}, "spelling": {**self.spelling}}
        try:
            # What is changed is not held against the name that it came by.
            renamed = {self.attribute_map.get(key, key) for key in values}
            spelled = {name: self.spelling.pop(name) for name in renamed & self.spelling.keys()}
            self._take(values)
            self.spelling.update(spelled)
            self._check()
        except ConfigError:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _take(self, values: Mapping[str, Any]) -> None:
        given: dict[str, Any] = {}
        for key, value in values.items():
            name = self.attribute_map.get(key, key)
            if name in self.spelling and given.get(name) != value:
                raise ConfigError(
                    f"{key} is {value!r} and {self.spelling[name]} is {given[name]!r}: "
                    "expected one value, as both name the same setting"
                )
            if name == "model_type":
                if value != self.model_type:
                    raise ConfigError(
                        f"model_type is {value!r}: expected {self.model_type!r}, the one that "
                        f"{type(self).__name__} reads; AutoConfig reads all that are known"
                    )
            elif name in (known := self.settings()):
                given[name] = value
                self.spelling[name] = key
                object.__setattr__(self, name, _checked(key, value, known[name]))
            else:
                self.extra[name] = value
        self._settle_labels(given)

    def _settle_labels(self, given: Mapping[str, Any]) -> None:
        """Make the count of labels and their names agree, once some of them are given."""
        if given.get("id2label") is not None:
            count = len(self.id2label)
            if given.get("num_labels", count) != count:
                raise ConfigError(
                    f"num_labels is {self.num_labels}: expected {count}, as id2label has so many"
                )
            self._set_labels(self.id2label, given.get("label2id") or {})
        elif (
            "id2label" in given
            or self.num_labels != len(self.id2label)
            or not self.label2id  # null, too, asks for the usual names
        ):
            self._set_labels({}, given.get("label2id") or {})

    def _set_labels(self, names: dict[int, str], numbers: dict[str, int]) -> None:
        names = names or {i: f"LABEL_{i}" for i in range(self.num_labels)}
        object.__setattr__(self, "id2label", names)
        object.__setattr__(self, "label2id", numbers or {name: i for i, name in names.items()})
        object.__setattr__(self, "num_labels", len(names))

    def _check(self) -> None:
        """Check what one key demands of another."""
        words, heads = range(self.vocab_size), range(self.n_heads)
        cutoffs = [0, *(self.asm_cutoffs or ()), self.vocab_size]
        rising = all(low < high for low, high in pairwise(cutoffs)) and len(cutoffs) > 2
        prunable = all(
            layer in range(self.n_layers) and set(pruned) < set(heads)
            for layer, pruned in (self.pruned_heads or {}).items()
        )
        is_classes = self.problem_type == "single_label_classification"
        for key, is_right, expected in (
            ("n_heads", self.emb_dim % self.n_heads == 0, f"a divisor of emb_dim, {self.emb_dim}"),
            ("pad_token_id", self.pad_token_id in words, f"an id below {words.stop}, vocab_size"),
            ("is_encoder", self.is_encoder, "true: no decoder has a published form"),
            ("asm_cutoffs", rising or not self.asm, f"rising ids below vocab_size, {words.stop}"),
            (
                "pruned_heads",
                prunable,
                f"layers from 0 to {self.n_layers - 1} that keep some of their {heads.stop} heads",
            ),
            (
                "lang2id",
                all(i in range(self.n_langs) for i in (self.lang2id or {}).values()),
                f"ids below n_langs, {self.n_langs}",
            ),
            (
                "problem_type",
                self.num_labels > 1 or not is_classes,
                "regression, or a num_labels above 1: one class leaves nothing to learn",
            ),
        ):
            if not is_right:
                given = f"{self.spelling.get(key, key)} is {getattr(self, key)!r}"
                raise ConfigError(f"{given}: expected {expected}")

    @classmethod
    def settings(cls) -> dict[str, Field[Any]]:
        """Return the fields that can be set; the others are the same in all models of the type."""
        found = cls.__dict__.get("_settings")
        if found is None:
            found = {f.name: f for f in fields(cls) if f.metadata}
            cls._settings = found  # type: ignore[attr-defined]
        return found

    # Reading and writing -----------------------------------------------------------------------

    @overload
    @classmethod
    def from_pretrained(
        cls, where: str | Path, *, return_unused_kwargs: Literal[False] = ..., **options: Any
    ) -> XLMConfig: ...
    @overload
    @classmethod
    def from_pretrained(
        cls, where: str | Path, *, return_unused_kwargs: Literal[True], **options: Any
    ) -> tuple[XLMConfig, dict[str, Any]]: ...
    @classmethod
    def from_pretrained(
        cls, where: str | Path, *, return_unused_kwargs: bool = False, **options: Any
    ) -> Any:
        """Read the `config.json` of a folder, a file itself, or a checkpoint on the hub.

        Args:
            where: A folder, a file, or a name on the Hugging Face hub.
            return_unused_kwargs: Return a pair: the configuration, and those options that are no
                keys of a configuration. Otherwise one that is none is an error.
            **options: `subfolder`; for the hub `revision`, `cache_dir`, `local_files_only`,
                `force_download` and `token`; and keys to change, such as `num_labels=3`.

        Raises:
            ConfigError: no configuration there, or a wrong value; the message names the file.
        """
        subfolder = options.pop("subfolder", None) or ""
        hub = {key: options.pop(key) for key in HUB_OPTIONS if key in options}
        hub = {key: value for key, value in hub.items() if value is not None}
        path = find_config(where, subfolder, hub)
        config = cls.from_json_file(path)
        object.__setattr__(config, "_name_or_path", str(where))
        return _changed(config, options, return_unused_kwargs)

    @classmethod
    def from_dict(
        cls,
        values: Mapping[str, Any],
        *,
        return_unused_kwargs: bool = False,
        **changes: Any,
    ) -> Any:
        """Make a configuration of a dictionary's keys; for the rest see `from_pretrained`."""
        return _changed(cls(**values), changes, return_unused_kwargs)

    @classmethod
    def from_json_file(cls, path: str | Path) -> XLMConfig:
        """Read a `config.json`.

        Raises:
            ConfigError: not a JSON object in UTF-8, or a wrong value; the message names the file.
        """
        values = read_keys(path)
        try:
            return cls(**values)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `config.json` into a folder, which is made if it is not there.

        The file appears under its name only once it is whole.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        text = self.to_json_string()
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            with whole_file(Path(folder) / MODEL_CONFIG_FILE) as file:
                file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CheckpointError(f"{folder}: cannot be written: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return the keys of a `config.json`, in the spelling in which they came."""
        values = {
            self.spelling.get(name, self.published.get(name, name)): getattr(self, name)
            for name in self.settings()
            if getattr(self, name) is not None or name in self.spelling
        }
        if "num_labels" not in self.spelling:
            del values["num_labels"]  # the labels say it, and other readers refuse it beside them
        extra = {key: _plain(value) for key, value in self.extra.items()}
        return {**deepcopy(values), **extra, "model_type": self.model_type}

    def to_diff_dict(self) -> dict[str, Any]:
        """Return `to_dict` as files have it: without what every model's configuration defaults to.

        Every key that says something about an XLM model is there, whatever its value.
        """
        default = type(self)()
        values = self.to_dict()
        for name in _COMMON:
            if name not in self.spelling and getattr(self, name) == getattr(default, name):
                values.pop(name, None)
        return values

    def to_json_string(self, use_diff: bool = True) -> str:
        """Return the content of a `config.json`.

        Args:
            use_diff: Write `to_diff_dict`, not `to_dict`.

        Raises:
            ConfigError: a key that was added holds what JSON cannot.
        """
        values = self.to_diff_dict() if use_diff else self.to_dict()
        for key, value in self.extra.items():
            try:
                json.dumps(_plain(value))
            except (TypeError, ValueError) as error:
                raise ConfigError(f"{key} is {value!r}: expected what JSON can hold") from error
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"

    def to_json_file(self, path: str | Path, use_diff: bool = True) -> None:
        """Write `to_json_string` to a file."""
        Path(path).write_text(self.to_json_string(use_diff), encoding="utf-8")

    def replace(self, **changes: Any) -> XLMConfig:
        """Return a copy with some keys changed; a new `num_labels` discards the old label names.

        Raises:
            ConfigError: a wrong value, or a key that neither this class nor the file knows.
        """
        for key in changes:
            if not self.has_key(key):
                raise ConfigError(f"no configuration key is called {key}{self._similar(key)}")
        copy = deepcopy(self)
        copy.update(changes)
        return copy

    def _similar(self, key: str) -> str:
        """Return a hint at the setting that a wrong key may have meant, or nothing."""
        found = get_close_matches(key, [*self.settings(), *self.attribute_map], n=1)
        return f": did you mean {found[0]}?" if found else ""

    def has_key(self, key: str) -> bool:
        """Whether a name is that of a setting, or of another key that is kept here."""
        name = self.attribute_map.get(key, key)
        return name in self.settings() or key in self.extra or key in _UNSET

    def get_text_config(self, decoder: bool = False) -> XLMConfig:
        """Return this configuration: tools ask for it that know models of more than text."""
        return self

    @property
    def use_return_dict(self) -> bool:
        """Whether models return outputs with names, and not tuples."""
        return self.return_dict

    @property
    def name_or_path(self) -> str:
        """Where this was loaded from; empty if nowhere."""
        return str(self.__dict__.get("_name_or_path", ""))

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.emb_dim // self.n_heads

    @property
    def ffn_dim(self) -> int:
        """Width of the feed-forward layers in between."""
        return 4 * self.emb_dim

    @property
    def activation(self) -> str:
        """The function between the feed-forward layers."""
        return "gelu" if self.gelu_activation else "relu"

    @property
    def embedding_std(self) -> float:
        """Standard deviation of new embeddings."""
        return self.embed_init_std

    @property
    def first_position(self) -> int:
        """Position of each sequence's first token."""
        return 0

    @property
    def max_tokens(self) -> int:
        """Tokens of the longest sequence that the positions are enough for."""
        return self.max_position_embeddings - self.first_position

    @property
    def longest_told(self) -> str:
        """`max_tokens` as messages put it."""
        total = self.max_position_embeddings
        if not self.first_position:
            return f"{total}, the model's max_position_embeddings"
        return f"{self.max_tokens}, the model's {total} positions without the padding's"

    @property
    def token_types(self) -> int:
        """Number of ids that `token_type_ids` may hold; as in the reference, they are words."""
        return self.vocab_size

    @property
    def head_dropout(self) -> float:
        """Dropout in front of the scores of each token's classes."""
        return self.dropout

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


def _checked(key: str, value: Any, f: Field[Any]) -> Any:
    """Return a key's value as it is kept, if it is right."""
    is_nullable = "None" in str(f.type) or f.name in ("id2label", "label2id")
    if not (is_nullable if value is None else f.metadata["allows"](value)):
        expected = f.metadata["expected"] + (", or null" if is_nullable else "")
        raise ConfigError(f"{key} is {value!r}: expected {expected}")
    if f.name in _INT_KEYED and value is not None:
        return {int(number): entry for number, entry in value.items()}
    return value


def _changed(config: XLMConfig, options: dict[str, Any], with_unused: bool) -> Any:
    """Change the keys among the options; return the rest, too, if that is asked for."""
    # What transformers' Auto classes add for their own bookkeeping says nothing.
    options = {k: v for k, v in options.items() if not k.startswith("_") and k != "name_or_path"}
    unused = {key: options.pop(key) for key in [*options] if not config.has_key(key)}
    if unused and not with_unused:
        config.replace(**unused)  # raises
    config.update(options)
    return (config, unused) if with_unused else config


def _plain(value: Any) -> Any:
    """Return an added key's value as JSON can hold it: types of numbers by their names."""
    if type(value).__module__ == "torch" and type(value).__name__ == "dtype":
        return str(value).removeprefix("torch.")
    return value.to_dict() if hasattr(value, "to_dict") else deepcopy(value)


def _alias(name: str) -> property:
    def set_value(config: XLMConfig, value: Any) -> None:
        setattr(config, name, value)

    return property(attrgetter(name), set_value, doc=f"Another name of `{name}`.")


def add_aliases(config_class: type[XLMConfig]) -> None:
    """Make the other spellings of a class's keys attributes of it."""
    for other, name in config_class.attribute_map.items():
        setattr(config_class, other, _alias(name))


add_aliases(XLMConfig)
_INT_KEYED = ("id2lang", "id2label", "pruned_heads")
# Keys that every model's configuration has; a file that lacks one means the default.
_COMMON = ("id2label", "label2id", "return_dict", "output_hidden_states", "output_attentions")
# What tools ask for that a file need not say.
_UNSET: dict[str, Any] = {
    "architectures": None,
    "dtype": None,
    "torch_dtype": None,
    "chunk_size_feed_forward": 0,
    "is_encoder_decoder": False,
}
# Two names that files have for one thing.
_OLDER = {"dtype": "torch_dtype", "torch_dtype": "dtype"}
