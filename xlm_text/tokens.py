"""The tokens of a tokenizer: their ids, the roles of the special ones, and the way back to text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from operator import index
from typing import Any, overload

from tokenizers import AddedToken

from xlm_text.added_tokens import AddedTokens
from xlm_text.detokenization import close_spaces, join_words
from xlm_text.errors import InputError
from xlm_text.padding import as_lists
from xlm_text.settings import TOKEN_NAMES, Settings
from xlm_text.subwords import END_OF_WORD
from xlm_text.vocabulary import CONTROL_TOKENS, Vocabulary


class TokenTable:
    """Everything about tokens that needs no text: what the tokenizer and its call look up."""

    def __init__(
        self, vocabulary: Vocabulary, settings: Settings, added: Mapping[int, AddedToken]
    ) -> None:
        self._vocabulary = vocabulary
        self._settings = settings
        self._added = AddedTokens()
        # Tokens that were added keep their ids; so they come before the others.
        there = {token.content for token in added.values()} - {settings.unk_token}
        named = [token for token in settings.named_tokens.values() if token not in there]
        vocabulary.require([*CONTROL_TOKENS, *named])
        for id_, token in added.items():
            self._restore(id_, token)
        self._add(settings.special_tokens, special=True)

    @cached_property
    def _pieces(self) -> list[str]:
        return sorted(self._vocabulary.ids, key=self._vocabulary.ids.__getitem__)

    @property
    def settings(self) -> Settings:
        """How the tokenizer behaves."""
        return self._settings

    @property
    def vocab_size(self) -> int:
        """The size of the vocabulary without tokens that were added to it."""
        return len(self._vocabulary.ids)

    def __len__(self) -> int:
        size = len(self._vocabulary.ids)
        return size + sum(id_ >= size for id_ in self._added.ids.values())

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

    # Tokens, ids and strings --------------------------------------------------------------

    @overload
    def convert_tokens_to_ids(self, tokens: str) -> int: ...  # type: ignore[overload-overlap]
    @overload
    def convert_tokens_to_ids(self, tokens: Iterable[str]) -> list[int]: ...
    def convert_tokens_to_ids(self, tokens: str | Iterable[str]) -> int | list[int]:
        """Return the id of a token, or of each of several; an unknown one has ``unk_token``'s."""
        if isinstance(tokens, str):
            return self.convert_tokens_to_ids([tokens])[0]
        unk = self._id(self._settings.unk_token)
        tokens = list(tokens)
        added, known = self._added.ids, self._vocabulary.ids
        if added.keys().isdisjoint(tokens):
            return [known.get(token, unk) for token in tokens]
        return [added.get(token, known.get(token, unk)) for token in tokens]

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
        try:
            numbers = [index(id_) for id_ in ids]
        except TypeError:
            raise InputError(f"ids must be whole numbers, not {ids!r:.60}") from None
        skipped = set(self.all_special_ids) if skip_special_tokens else ()
        return [self._token(id_) for id_ in numbers if id_ not in skipped]

    def convert_tokens_to_string(self, tokens: Iterable[str]) -> str:
        """Join pieces to words, with a space behind each word.

        >>> from xlm_text import XLMTokenizer
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

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        *,
        detokenize: str | None = None,
    ) -> str:
        """Return the text of ids: words with a space between them.

        Args:
            token_ids: ids, as a list, an array, a tensor or a single number.
            skip_special_tokens: leave the special tokens out.
            clean_up_tokenization_spaces: close the space before English punctuation and
                contractions; by default as the tokenizer's setting of that name says.
            detokenize: a language: put the words together as they are written in it, by the
                Moses detokenizer, or without spaces for Chinese, Japanese and Thai.

        Raises:
            InputError: an id is not a whole number of the vocabulary.

        """
        ids = as_lists(token_ids)
        tokens = self.convert_ids_to_tokens(
            [ids] if isinstance(ids, int) else ids, skip_special_tokens
        )
        text = self.convert_tokens_to_string(tokens)
        if detokenize is not None:
            return join_words(text.split(), detokenize)
        if clean_up_tokenization_spaces is None:
            clean_up_tokenization_spaces = self._settings.clean_up_tokenization_spaces
        return close_spaces(text) if clean_up_tokenization_spaces else text

    def batch_decode(
        self, sequences: Any, skip_special_tokens: bool = False, **options: Any
    ) -> list[str]:
        """Return the text of each row of ids; the options are those of :meth:`decode`."""
        return [self.decode(row, skip_special_tokens, **options) for row in as_lists(sequences)]

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
        if isinstance(new_tokens, str | AddedToken):
            new_tokens = [new_tokens]
        return self._add(new_tokens, special_tokens)

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
        place = len(self) if known is None else known
        if id_ != place:
            raise InputError(
                f"the added token {token.content!r} has the id {id_} in the files, but "
                f"{place} is its place in this vocabulary"
            )
        self._added.add(token, id_)
