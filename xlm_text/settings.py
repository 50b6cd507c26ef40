"""How a tokenizer behaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from xlm_text.errors import InputError
from xlm_text.files.user_words import check_segmenter, read_user_dictionary
from xlm_text.files.vocabulary import SPECIAL_TOKENS
from xlm_text.languages.table import RULE_SETS, choose_segmenter, language, segmenter_choices
from xlm_text.patterns import compile_pattern

if TYPE_CHECKING:
    from typing_extensions import Self

TOKEN_NAMES = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)
# What the reference says instead of "no limit", and from where on a length means that.
NO_LIMIT = int(1e30)
UNLIMITED = 10**20


@dataclass(frozen=True)
class CommonSettings:
    """What every kind of tokenizer can be told, beside its vocabulary.

    Attributes:
        split_special_tokens: whether special and added tokens in a text are text like any other.
        bos_token: the first token of a sequence.
        eos_token: the end of a sequence, where a kind of tokenizer has a use for it.
        unk_token: stands for every piece that the vocabulary does not have.
        sep_token: the token behind each sequence, where ``eos_token`` is not.
        pad_token: what rows are padded with.
        cls_token: the token whose state stands for the sequence.
        mask_token: stands for a token that the model has to predict.
        additional_special_tokens: further tokens that are never cut.
        model_max_length: the longest sequence of the model, in tokens; ``None`` for no limit.
        padding_side: where padding goes.
        truncation_side: where tokens are cut off.
        clean_up_tokenization_spaces: whether decoding closes the space before punctuation.
        memory_limit: how many units of text, and how many words, are cached.

    """

    split_special_tokens: bool = False
    bos_token: str | None = "<s>"
    eos_token: str | None = None
    unk_token: str | None = "<unk>"
    sep_token: str | None = "</s>"
    pad_token: str | None = "<pad>"
    cls_token: str | None = "</s>"
    mask_token: str | None = None
    additional_special_tokens: tuple[str, ...] = ()
    model_max_length: int | None = None
    padding_side: Literal["right", "left"] = "right"
    truncation_side: Literal["right", "left"] = "right"
    clean_up_tokenization_spaces: bool = False
    memory_limit: int = 100_000

    def __post_init__(self) -> None:
        self._check_choices("padding_side", "truncation_side", allowed=("right", "left"))
        self._check_switches("split_special_tokens", "clean_up_tokenization_spaces")
        self._check_strings(*TOKEN_NAMES)
        if not is_whole(self.memory_limit, 1):
            raise InputError(f"memory_limit must be a number from 1 on, not {self.memory_limit!r}")
        object.__setattr__(self, "model_max_length", _length(self.model_max_length))
        object.__setattr__(self, "additional_special_tokens", _tokens(self))

    def _check_choices(self, *names: str, allowed: tuple[str, ...]) -> None:
        for name in names:
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}"
                )

    def _check_switches(self, *names: str) -> None:
        for name in names:
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} must be true or false, not {getattr(self, name)!r}")

    def _check_strings(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value):
                raise InputError(f"{name} must be a string or None, not {value!r}")

    @property
    def named_tokens(self) -> dict[str, str]:
        """The special tokens that have a role, by its name."""
        tokens = {name: getattr(self, name) for name in TOKEN_NAMES}
        return {name: token for name, token in tokens.items() if token is not None}

    @property
    def special_tokens(self) -> list[str]:
        """Every special token once: those with a role first."""
        return list(dict.fromkeys([*self.named_tokens.values(), *self.additional_special_tokens]))

    def change(self, **changes: Any) -> Self:
        """Return settings with some of them changed; an unknown name is an error."""
        names = [field.name for field in fields(self)]
        unknown = [name for name in changes if name not in names]
        if unknown:
            raise InputError(f"no setting is called {unknown[0]!r}: there are {', '.join(names)}")
        return replace(self, **changes)


@dataclass(frozen=True)
class XLMRobertaSettings(CommonSettings):
    """Everything about an XLM-RoBERTa tokenizer but its vocabulary: the reference's defaults.

    ``memory_limit`` is not saved with the tokenizer.

    Attributes:
        add_prefix_space: whether a word at the beginning of a text is the same as one behind a
            space.  Every published checkpoint was trained so.

    """

    eos_token: str | None = "</s>"
    cls_token: str | None = "<s>"
    mask_token: str | None = "<mask>"
    add_prefix_space: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_switches("add_prefix_space")


@dataclass(frozen=True)
class FlaubertSettings(CommonSettings):
    """Everything about a FlauBERT tokenizer but its vocabulary: the reference's defaults.

    ``memory_limit`` is not saved with the tokenizer.

    Attributes:
        do_lowercase: whether the checkpoint was trained on text without capitals; accents stay.

    """

    mask_token: str | None = "<special1>"
    additional_special_tokens: tuple[str, ...] = SPECIAL_TOKENS
    do_lowercase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_switches("do_lowercase")


@dataclass(frozen=True)
class Settings(CommonSettings):
    """Everything about an XLM tokenizer but its vocabulary.  The defaults are the reference's.

    All of them are saved with the tokenizer but ``kytea_model``, a path on this machine, and
    ``memory_limit``.

    Attributes:
        lang: the language of a text that is given without one; ``None`` where nobody chose one.
        any_language: take languages that the checkpoint does not have, too.
        rules: ``"sacremoses"``, equal to the reference; or ``"moses"``, the rules of Moses' own
            scripts, early 2019, behind which the checkpoints were trained.
        faithful: give the ids that the original implementation's own programs write.  It means
            ``rules="moses"`` and ``bos_token="</s>"``, and reads words, codes and vocabulary as
            those programs do (``docs/rules.md``).
        zh_segmenter: ``"jieba"``, or ``"rjieba"`` as newer versions of the reference have it.
        th_segmenter: ``"newmm"``, or ``"nlpo3"``, its quicker port, whose words differ at times.
        kytea_model: the KyTea model for Japanese; without it the environment variable
            ``XLM_KYTEA_MODEL`` and KyTea's usual places are looked at.
        user_dictionary: for each language words that its segmenter is to know beside its own
            dictionary: the path of a file, which is read now, or its lines.  For Chinese in
            Jieba's format (``word [count] [tag]``), for Thai a word a line.  The lines are saved
            with the tokenizer.
        protected_patterns: what stays one word: ``"urls"``, ``"emails"``, or regular expressions.
        normalize_unicode: ``"NFC"`` composes a text before anything else looks at it; offsets
            still are those of the text as it was given.
        do_lowercase_and_remove_accent: whether the checkpoint was trained on such text.
        lang2id: the id of each language of the checkpoint; ``None`` where that is not known.
        use_lang_emb: whether the model has language embeddings, and so wants ``langs``.
        bos_token: the first token of a sequence.  ``"<s>"`` is the reference's; the original
            implementation trained its checkpoints with ``"</s>"`` there.
        eos_token: a role that XLM's own sequences do not use, as ``cls_token``.

    The others are those of :class:`CommonSettings`, for every kind of tokenizer.

    """

    lang: str | None = None
    any_language: bool = False
    rules: Literal["sacremoses", "moses"] = "sacremoses"
    faithful: bool = False
    zh_segmenter: str = "jieba"
    th_segmenter: str = "newmm"
    kytea_model: str | None = None
    user_dictionary: Mapping[str, tuple[str, ...]] | None = None
    protected_patterns: tuple[str, ...] = ()
    normalize_unicode: Literal["NFC"] | None = None
    do_lowercase_and_remove_accent: bool = True
    lang2id: Mapping[str, int] | None = None
    use_lang_emb: bool = False
    mask_token: str | None = "<special1>"
    additional_special_tokens: tuple[str, ...] = SPECIAL_TOKENS

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, allowed in {"rules": RULE_SETS, **segmenter_choices()}.items():
            self._check_choices(name, allowed=allowed)
        self._check_switches(*_SWITCHES)
        self._check_strings("lang")
        for name, value in _FAITHFUL.items() if self.faithful else ():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "protected_patterns", _patterns(self.protected_patterns))
        if self.normalize_unicode not in (None, "NFC"):
            raise InputError(
                f"normalize_unicode must be 'NFC' or None, not {self.normalize_unicode!r}"
            )
        if self.user_dictionary is not None:
            words = read_user_dictionary(self.user_dictionary)
            for lang in words:
                check_segmenter(lang, choose_segmenter(lang, self.segmenter_of(lang)))
            object.__setattr__(self, "user_dictionary", words)
        if self.lang2id is not None:
            _check_ids(self.lang2id)

    @property
    def default_lang(self) -> str:
        """The language of a text that is given without one: the chosen, the only one, or English.

        English is what the reference takes for a text whose language it does not know.
        """
        if self.lang is not None:
            return self.lang
        return next(iter(self.lang2id)) if self.lang2id and len(self.lang2id) == 1 else "en"

    def segmenter_of(self, lang: str) -> str | None:
        """Return what was chosen to cut a language; ``None`` where there is no choice."""
        setting = language(lang).setting
        return None if setting is None else getattr(self, setting)

    def words_of_user(self, lang: str) -> tuple[str, ...]:
        """Return the lines of the user's dictionary for a language."""
        return (self.user_dictionary or {}).get(lang, ())

    @property
    def leaves_language_open(self) -> bool:
        """Whether nobody chose a language, and there are several, or perhaps are."""
        return self.lang is None and (self.lang2id is None or len(self.lang2id) > 1)

    def change(self, **changes: Any) -> Self:
        """Return settings with some of them changed; an unknown name is an error."""
        faithful = changes.get("faithful", self.faithful)
        for name, value in _FAITHFUL.items() if faithful else ():
            if changes.get(name, value) != value:
                raise InputError(
                    f"faithful=True means {name}={value!r}, not {changes[name]!r}: "
                    f"leave {name} out, or set faithful=False"
                )
        return super().change(**changes)


# What the original implementation does, where a setting of its own says so.
_FAITHFUL = {"rules": "moses", "bos_token": "</s>"}
_SWITCHES = (
    "any_language",
    "faithful",
    "do_lowercase_and_remove_accent",
    "use_lang_emb",
)


def is_whole(value: object, least: int) -> bool:
    """Tell whether a value is a whole number from ``least`` on; a truth value is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _length(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON has 1e30
    if value is not None and not is_whole(value, 1):
        raise InputError(f"model_max_length must be a whole number from 1 on, not {value!r}")
    return None if value is None or value >= UNLIMITED else value


def _tokens(settings: CommonSettings) -> tuple[str, ...]:
    tokens = settings.additional_special_tokens
    if not isinstance(tokens, list | tuple) or not all(isinstance(token, str) for token in tokens):
        raise InputError(f"additional_special_tokens must be a list of tokens, not {tokens!r}")
    return tuple(tokens)


def _patterns(patterns: Any) -> tuple[str, ...]:
    if not isinstance(patterns, list | tuple) or not all(isinstance(p, str) for p in patterns):
        raise InputError(
            f"must be a list of 'urls', 'emails' and regular expressions, not {patterns!r:.60}",
            argument="protected_patterns",
        )
    for pattern in patterns:
        compile_pattern(pattern)
    return tuple(patterns)


def _check_ids(lang2id: Mapping[str, int]) -> None:
    if not isinstance(lang2id, Mapping) or not all(
        isinstance(lang, str) and is_whole(id_, 0) for lang, id_ in lang2id.items()
    ):
        raise InputError(f"lang2id must map each language to its id, not {lang2id!r:.60}")
    if len(set(lang2id.values())) != len(lang2id):
        raise InputError(f"lang2id gives an id to two languages: {dict(lang2id)}")
