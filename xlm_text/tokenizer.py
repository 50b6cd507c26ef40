"""The tokenizer: what users of this package call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from tokenizers import AddedToken

from xlm_text.added_tokens import AddedTokens
from xlm_text.analysis import Analyzer
from xlm_text.checkpoints import KNOWN_LANGUAGES
from xlm_text.errors import InputError
from xlm_text.languages import choose_segmenter
from xlm_text.pipelines import Pipeline, load_pipeline
from xlm_text.settings import TOKEN_NAMES, Settings
from xlm_text.storage import load_pretrained, save_settings
from xlm_text.subwords import END_OF_WORD, Subwords
from xlm_text.vocabulary import CONTROL_TOKENS, Vocabulary


class XLMTokenizer:
    """Tokenizer of the XLM checkpoints, in every language they have.

    Most users load one with :meth:`from_pretrained`.

    Args:
        vocabulary: the pieces and merges.
        settings: everything else; see :class:`~xlm_text.Settings`.

    Example:
        >>> tokenizer = XLMTokenizer.from_pretrained()  # the small demonstration vocabulary
        >>> tokenizer.tokenize("我来到北京清华大学。", lang="zh")[0]
        '我</w>'

    """

    def __init__(self, vocabulary: Vocabulary, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self._vocabulary = vocabulary
        self._settings = settings
        self._added = AddedTokens()
        self._pieces = sorted(vocabulary.ids, key=vocabulary.ids.__getitem__)
        vocabulary.require([*CONTROL_TOKENS, *settings.named_tokens.values()])
        self._add(settings.special_tokens, special=True)
        self._pipelines: dict[str, Pipeline] = {}
        self._analyzer = Analyzer(
            Subwords(vocabulary.ids, vocabulary.merges, settings.unk_token),
            settings.do_lowercase_and_remove_accent,
            self._pipeline,
        )

    # What it is ---------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """How the tokenizer behaves."""
        return self._settings

    @property
    def lang(self) -> str:
        """The language of a text that is given without one; it can be set."""
        return self._settings.lang

    @lang.setter
    def lang(self, lang: str) -> None:
        self._settings = self._settings.change(lang=self.check_language(lang))

    @property
    def lang2id(self) -> dict[str, int] | None:
        """The id of each language of the checkpoint; ``None`` where that is not known."""
        known = self._settings.lang2id
        return None if known is None else dict(known)

    @property
    def id2lang(self) -> dict[int, str] | None:
        """The language of each id."""
        known = self._settings.lang2id
        return None if known is None else {id_: lang for lang, id_ in known.items()}

    @property
    def vocab_size(self) -> int:
        """The size of the vocabulary without tokens that were added to it."""
        return len(self._pieces)

    def __len__(self) -> int:
        extra = sum(id_ >= len(self._pieces) for id_ in self._added.ids.values())
        return len(self._pieces) + extra

    def get_vocab(self) -> dict[str, int]:
        """Return the id of every token, added ones included."""
        return {**self._vocabulary.ids, **self._added.ids}

    def __getattr__(self, name: str) -> Any:
        # bos_token, bos_token_id and so on: each is a setting, and its id.
        settings = self.__dict__.get("_settings")
        if settings is not None:
            if hasattr(settings, name):
                return getattr(settings, name)
            if name.endswith("_token_id") and name[:-3] in TOKEN_NAMES:
                token = getattr(settings, name[:-3])
                return None if token is None else self._id(token)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def all_special_tokens(self) -> list[str]:
        """Every special token once, those with a role first."""
        return self._settings.special_tokens

    @property
    def all_special_ids(self) -> list[int]:
        """The ids of :attr:`all_special_tokens`."""
        return [self._id(token) for token in self._settings.special_tokens]

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """The special tokens that have a role, by its name."""
        return self._settings.named_tokens

    # Loading and saving -------------------------------------------------------------------

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path | None = None,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | None = None,
        **settings: Any,
    ) -> XLMTokenizer:
        """Load a tokenizer.

        Args:
            where: a folder in the published layout; the name of a checkpoint on the hub, with
                or without ``FacebookAI/``; or ``None`` for the small vocabulary that comes with
                this package, which is for demonstration only.
            revision: a branch, tag or commit on the hub.
            cache_dir: where the hub's files are kept, instead of its usual cache.
            local_files_only: use what the cache has, and never the network.
            token: a hub token, for private repositories.
            **settings: changes to the :class:`~xlm_text.Settings` that the files name.

        Raises:
            InputError: there is no such folder or checkpoint, a file cannot be used, or a
                setting does not exist.

        """
        hub = {
            "revision": revision,
            "cache_dir": cache_dir,
            "local_files_only": local_files_only,
            "token": token,
        }
        stored = load_pretrained(where, hub)
        tokenizer = cls(stored.vocabulary, stored.settings.change(**settings))
        for id_, added in stored.added_tokens.items():
            tokenizer._restore(id_, added)
        return tokenizer

    @classmethod
    def from_files(
        cls, vocab_file: str | Path, merges_file: str | Path, **settings: Any
    ) -> XLMTokenizer:
        """Load from a ``vocab.json`` and a ``merges.txt``, and settings by name."""
        vocabulary = Vocabulary.from_files(vocab_file, merges_file)
        return cls(vocabulary, Settings().change(**settings))

    @classmethod
    def from_original(
        cls,
        codes_file: str | Path,
        vocab_file: str | Path,
        max_vocab: int | None = None,
        **settings: Any,
    ) -> XLMTokenizer:
        """Load fastBPE codes and vocabulary as the original implementation has them.

        ``max_vocab`` cuts the vocabulary to the size of the checkpoint, special words included
        (95000 for the fifteen-language ones).
        """
        vocabulary = Vocabulary.from_original(codes_file, vocab_file, max_vocab)
        return cls(vocabulary, Settings().change(**settings))

    def save_pretrained(self, save_directory: str | Path) -> tuple[str, ...]:
        """Write a folder that :meth:`from_pretrained` and transformers load; return the paths."""
        vocabulary = self.save_vocabulary(save_directory)
        return (*vocabulary, *save_settings(save_directory, self._settings, self._added.by_id()))

    def save_vocabulary(
        self, save_directory: str | Path, filename_prefix: str | None = None
    ) -> tuple[str, str]:
        """Write ``vocab.json`` and ``merges.txt`` only; return their paths."""
        try:
            Path(save_directory).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{save_directory}: not a folder ({error.strerror})") from None
        return self._vocabulary.save(save_directory, filename_prefix)

    def save_original(self, codes_file: str | Path, vocab_file: str | Path) -> None:
        """Write the vocabulary in the original format (fastBPE codes, words with counts)."""
        self._vocabulary.save_original(codes_file, vocab_file)

    # From text to tokens ------------------------------------------------------------------

    def tokenize(
        self, text: str, lang: str | None = None, bypass_tokenizer: bool = False
    ) -> list[str]:
        """Cut a text into pieces; the last piece of each word ends in ``</w>``.

        Args:
            text: the text.  Special and added tokens in it stay whole.
            lang: its language; by default the tokenizer's own.
            bypass_tokenizer: only split at white space and apply the merges, for text that went
                through the preprocessing elsewhere.

        Raises:
            InputError: ``text`` is not a string or not valid Unicode, or the checkpoint does not
                have the language.
            MissingComponentError: what the language needs is not on this machine.

        """
        lang = self.check_language(lang)
        tokens: list[str] = []
        for part, _, added in self._added.split(check_text(text)):
            tokens += [part] if added else self._analyzer.tokens(part, lang, bypass_tokenizer)
        return tokens

    def words(self, text: str, lang: str | None = None) -> list[str]:
        """Return the words of a text as they are before they are cut into pieces."""
        lang = self.check_language(lang)
        parts = self._added.split(check_text(text))
        return [
            word
            for part, _, added in parts
            for word in ([part] if added else self._analyzer.words(part, lang))
        ]

    def check_language(self, lang: str | None) -> str:
        """Return the language, the tokenizer's own for ``None``; raise if it cannot be used."""
        lang = self._settings.lang if lang is None else lang
        if not isinstance(lang, str) or not lang:
            raise InputError(f"lang must be a language code such as 'en', not {lang!r}")
        known = self.lang2id if self.lang2id is not None else KNOWN_LANGUAGES
        if lang not in known and not self._settings.any_language:
            of = "this checkpoint has" if self.lang2id is not None else "XLM checkpoints have"
            raise InputError(
                f"no language {lang!r}: {of} {', '.join(sorted(known))} "
                "(any_language=True takes every code)"
            )
        return lang

    def _pipeline(self, lang: str) -> Pipeline:
        pipeline = self._pipelines.get(lang)
        if pipeline is None:
            wanted = self._settings.zh_segmenter if lang == "zh" else None
            component = choose_segmenter(lang, wanted)
            pipeline = load_pipeline(lang, component, self._settings.kytea_model)
            self._pipelines[lang] = pipeline
        return pipeline

    # Tokens, ids and strings --------------------------------------------------------------

    @overload
    def convert_tokens_to_ids(self, tokens: str) -> int: ...
    @overload
    def convert_tokens_to_ids(self, tokens: Iterable[str]) -> list[int]: ...
    def convert_tokens_to_ids(self, tokens: str | Iterable[str]) -> int | list[int]:
        """Return the id of a token, or of each of several; an unknown one has ``unk_token``'s."""
        if isinstance(tokens, str):
            return self.convert_tokens_to_ids([tokens])[0]
        unk = self._id(self._settings.unk_token)
        added, ids = self._added.ids, self._vocabulary.ids
        return [added[t] if t in added else ids.get(t, unk) for t in tokens]

    @overload
    def convert_ids_to_tokens(self, ids: int, skip_special_tokens: bool = False) -> str: ...
    @overload
    def convert_ids_to_tokens(
        self, ids: Iterable[int], skip_special_tokens: bool = False
    ) -> list[str]: ...
    def convert_ids_to_tokens(
        self, ids: int | Iterable[int], skip_special_tokens: bool = False
    ) -> str | list[str]:
        """Return the token of an id, or of each of several."""
        if isinstance(ids, int):
            return self._token(ids)
        skipped = set(self.all_special_ids) if skip_special_tokens else ()
        return [self._token(int(id_)) for id_ in ids if int(id_) not in skipped]

    def convert_tokens_to_string(self, tokens: Iterable[str]) -> str:
        """Join pieces to words, with a space behind each word.

        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> tokenizer.convert_tokens_to_string(["w", "ord</w>", "s</w>"])
        'word s'
        """
        return "".join(tokens).replace(END_OF_WORD, " ").strip()

    def _token(self, id_: int) -> str:
        if 0 <= id_ < len(self._pieces):
            return self._pieces[id_]
        token = self._added.by_id().get(id_)
        if token is None:
            raise InputError(f"no token has the id {id_}: ids go from 0 to {len(self) - 1}")
        return str(token.content)

    def _id(self, token: str) -> int:
        return self._added.ids[token] if token in self._added else self._vocabulary.ids[token]

    def encode(
        self,
        text: str,
        text_pair: str | None = None,
        add_special_tokens: bool = True,
        *,
        lang: str | None = None,
        bypass_tokenizer: bool = False,
    ) -> list[int]:
        """Return the ids of a text or a pair."""
        first, second = (
            None if t is None else self.convert_tokens_to_ids(self.tokenize(t, lang, bypass_tokenizer))
            for t in (text, text_pair)
        )
        if add_special_tokens:
            return self.build_inputs_with_special_tokens(first, second)
        return first + (second or [])

    def decode(self, token_ids: int | Sequence[int], skip_special_tokens: bool = False) -> str:
        """Return the words of ids."""
        ids = [token_ids] if isinstance(token_ids, int) else token_ids
        return self.convert_tokens_to_string(self.convert_ids_to_tokens(ids, skip_special_tokens))

    # Special tokens -----------------------------------------------------------------------

    def build_inputs_with_special_tokens(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Put ids between the special tokens: ``<s> A </s>``, for a pair ``<s> A </s> B </s>``.

        The first token is ``bos_token``, the others are ``sep_token``.
        """
        first, end = self._id(self._settings.bos_token), self._id(self._settings.sep_token)
        second = [] if token_ids_1 is None else [*token_ids_1, end]
        return [first, *token_ids_0, end, *second]

    def get_special_tokens_mask(
        self,
        token_ids_0: Sequence[int],
        token_ids_1: Sequence[int] | None = None,
        already_has_special_tokens: bool = False,
    ) -> list[int]:
        """Return 1 for each special token and 0 for the others.

        The ids are those that :meth:`build_inputs_with_special_tokens` gets, or with
        ``already_has_special_tokens`` those that it returns.
        """
        if already_has_special_tokens:
            if token_ids_1 is not None:
                raise InputError(
                    "with already_has_special_tokens both texts are in token_ids_0, "
                    "so token_ids_1 must be None"
                )
            special = set(self.all_special_ids)
            return [int(id_ in special) for id_ in token_ids_0]
        second = [] if token_ids_1 is None else [0] * len(token_ids_1) + [1]
        return [1] + [0] * len(token_ids_0) + [1, *second]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Return 0 for the first text with its special tokens and 1 for the second with its own.

        XLM's models look these ids up among their *word* embeddings, so they are made on request
        only.
        """
        second = [] if token_ids_1 is None else [1] * (len(token_ids_1) + 1)
        return [0] * (len(token_ids_0) + 2) + second

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """Return how many special tokens a sequence, or a pair of them, gets."""
        return 3 if pair else 2

    def add_tokens(
        self,
        new_tokens: str | AddedToken | Sequence[str | AddedToken],
        special_tokens: bool = False,
    ) -> int:
        """Add tokens that are never cut; return how many of them the vocabulary did not have.

        They get the ids from ``len(tokenizer)`` on.  Where the checkpoint is lower-cased, so is
        a token that is not special, as in the reference.
        """
        single = isinstance(new_tokens, str | AddedToken)
        return self._add([new_tokens] if single else new_tokens, special_tokens)  # type: ignore[list-item]

    def add_special_tokens(self, special_tokens_dict: Mapping[str, Any]) -> int:
        """Give special tokens their roles, adding those that the vocabulary does not have.

        Keys are ``bos_token``, ``sep_token`` and the like, and ``additional_special_tokens``
        (or ``extra_special_tokens``) with a list, which replaces the present one.
        """
        changes: dict[str, Any] = {}
        for name, value in special_tokens_dict.items():
            if name in TOKEN_NAMES:
                changes[name] = str(value)
            elif name in ("additional_special_tokens", "extra_special_tokens"):
                changes["additional_special_tokens"] = tuple(map(str, value))
            else:
                raise InputError(
                    f"no special token is called {name!r}: there are "
                    f"{', '.join(TOKEN_NAMES)} and additional_special_tokens"
                )
        values = [
            token
            for value in special_tokens_dict.values()
            for token in ([value] if isinstance(value, str | AddedToken) else value)
        ]
        self._settings = self._settings.change(**changes)
        return self._add(values, special=True)

    def _add(self, tokens: Iterable[str | AddedToken], special: bool) -> int:
        before = len(self)
        for token in tokens:
            if not isinstance(token, str | AddedToken):
                raise InputError(f"a token must be a string or an AddedToken, not {token!r}")
            if not str(token) or (isinstance(token, str) and token in self._added):
                continue
            is_special = special or str(token) in self.all_special_tokens
            if isinstance(token, str):
                token = AddedToken(token, normalized=not is_special, special=is_special)
            elif special:
                token.special = True
            if token.normalized and not token.special and self.do_lowercase_and_remove_accent:
                token.content = token.content.lower()
            if token.special and token.content not in self.all_special_tokens:
                extra = (*self._settings.additional_special_tokens, token.content)
                self._settings = self._settings.change(additional_special_tokens=extra)
            known = self._vocabulary.ids.get(token.content, self._added.ids.get(token.content))
            self._added.add(token, len(self) if known is None else known)
        return len(self) - before

    def _restore(self, id_: int, token: AddedToken) -> None:
        known = self._vocabulary.ids.get(token.content, self._added.ids.get(token.content))
        if known is None and id_ != len(self) or known is not None and known != id_:
            raise InputError(
                f"the added token {token.content!r} has the id {id_} in the files, but "
                f"{len(self) if known is None else known} is its place in this vocabulary"
            )
        self._added.add(token, id_)


def check_text(text: object, name: str = "text") -> str:
    """Return ``text`` if it is a string of valid Unicode, else raise :class:`InputError`."""
    if not isinstance(text, str):
        raise InputError(f"{name} must be a string, not {type(text).__name__}: {text!r:.60}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{name} is not valid Unicode: a lone surrogate {text[error.start]!r} at position "
            f"{error.start} (text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace') "
            "joins pairs and replaces the rest)"
        ) from None
    return text
