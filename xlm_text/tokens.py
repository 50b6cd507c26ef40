"""The tokens of a tokenizer: their ids, the roles of the special ones, and adding more."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from operator import index
from typing import Any, ClassVar, Protocol, overload

from tokenizers import AddedToken

from xlm_text.analysis.added_tokens import AddedTokens
from xlm_text.arguments import read_arguments, read_tokens
from xlm_text.attributes import Attributes
from xlm_text.batches.rows import Frame, SpecialToken
from xlm_text.errors import InputError
from xlm_text.sequences import as_list
from xlm_text.settings import TOKEN_NAMES, CommonSettings

_FLAGS = ("lstrip", "rstrip", "single_word", "normalized", "special")


class Pieces(Protocol):
    """What a table of tokens needs of a vocabulary."""

    @property
    def ids(self) -> Mapping[str, int]:
        """The id of each piece."""
        ...

    def __len__(self) -> int:
        """Return the number of ids."""
        ...

    def in_order(self) -> list[str]:
        """Return the pieces in the order of their ids."""
        ...

    def require(self, tokens: Iterable[str]) -> None:
        """Raise an ``InputError`` unless every one of ``tokens`` has an id."""
        ...


class TokenTable(Attributes):
    """Everything about tokens that needs no text: what the tokenizer and its call look up.

    Args:
        vocabulary: the pieces.
        settings: the roles of special tokens; those that the vocabulary lacks are added to it.
        added: the tokens that were added before, by their ids.
        named: special tokens that the caller named, by their text, perhaps with flags.

    """

    # The settings that decide which ids a text gets.
    _cutting: ClassVar[frozenset[str]] = frozenset({"memory_limit", "unk_token"})

    def __init__(
        self,
        vocabulary: Pieces,
        settings: CommonSettings,
        added: Mapping[int, AddedToken],
        named: Mapping[str, str | AddedToken],
    ) -> None:
        self._vocabulary = vocabulary
        self._settings = settings
        self._added = self._make_added({})
        # For texts whose special tokens are text like any other.
        self._none_added = self._make_added({})
        self._framed: tuple[CommonSettings | None, Frame] = None, Frame(None, None, None)
        # Tokens that were added keep their ids; so they come before the others.
        self._restore(added)
        unk = settings.unk_token
        if unk is not None and unk not in named and unk not in self._added:
            vocabulary.require([unk])
        self._add([named.get(token, token) for token in settings.special_tokens], special=True)

    @cached_property
    def _pieces(self) -> list[str]:
        return self._vocabulary.in_order()

    # What it is ---------------------------------------------------------------------------

    def change_settings(self, **changes: Any) -> None:
        """Change some of the :class:`~xlm_text.Settings`, all of them or none.

        Raises:
            InputError: there is no such setting, it cannot have this value, or a special token is
                not in the vocabulary.

        """
        changes, tokens = read_arguments(changes)
        settings = self._settings.change(**changes)
        missing = [token for token in settings.special_tokens if not self._has(token)]
        if missing:
            raise InputError(
                f"no special token can be {missing[0]!r}, which is not in the vocabulary: "
                "add_special_tokens adds it"
            )
        self._settings = settings
        if not changes.keys().isdisjoint(self._cutting):
            self._forget()
        # A token with a role is never cut.
        self._add([tokens.get(token, token) for token in settings.special_tokens], special=True)

    def _forget(self) -> None:
        """Drop what may not be true any more when tokens or settings change."""

    def _make_added(self, tokens: Mapping[int, AddedToken]) -> AddedTokens:
        added = AddedTokens(len(self._vocabulary))
        for id_, token in tokens.items():
            added.add(token, id_)
        return added

    def _has(self, token: str) -> bool:
        return token in self._vocabulary.ids or token in self._added

    @property
    def vocab_size(self) -> int:
        """The size of the vocabulary without tokens that were added to it."""
        return len(self._vocabulary)

    def __len__(self) -> int:
        return len(self._vocabulary) + self._added.beyond

    def get_vocab(self) -> dict[str, int]:
        """Return the id of every token, added ones included."""
        return {**self._vocabulary.ids, **self._added.ids}

    # Special and added tokens -------------------------------------------------------------

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

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        """Every token that is never cut, by its id: the special ones, and those that were added."""
        return {id_: _copy(token) for id_, token in self._added.by_id().items()}

    @property
    def added_tokens_encoder(self) -> dict[str, int]:
        """The id of every token that is never cut."""
        return {token.content: id_ for id_, token in self._added.by_id().items()}

    def get_added_vocab(self) -> dict[str, int]:
        """Return :attr:`added_tokens_encoder`, as users of transformers ask for it."""
        return self.added_tokens_encoder

    def add_tokens(
        self,
        new_tokens: str | AddedToken | Sequence[str | AddedToken] | None,
        special_tokens: bool = False,
    ) -> int:
        """Add tokens that are never cut; return how many of them the vocabulary did not have.

        They get the ids from ``len(tokenizer)`` on.  Where the checkpoint is lower-cased, so is
        a token that is not special, as in the reference.
        """
        if isinstance(new_tokens, str | AddedToken):
            new_tokens = [new_tokens]
        return self._add(new_tokens or [], special_tokens)

    def add_special_tokens(
        self, special_tokens_dict: Mapping[str, Any], replace_extra_special_tokens: bool = True
    ) -> int:
        """Give special tokens their roles, adding those that the vocabulary does not have.

        Keys are ``bos_token``, ``sep_token`` and the like, and ``additional_special_tokens``
        (or ``extra_special_tokens``) with a list, which replaces the present one, or goes on from
        it with ``replace_extra_special_tokens=False``.
        """
        changes: dict[str, Any] = {}
        tokens: list[str | AddedToken] = []
        for name, value in special_tokens_dict.items():
            if name in TOKEN_NAMES:
                _check_token(value)
                changes[name] = str(value)
                tokens.append(value)
            elif name in ("additional_special_tokens", "extra_special_tokens"):
                extra = read_tokens(name, value)
                before = () if replace_extra_special_tokens else self.additional_special_tokens
                texts = dict.fromkeys([*before, *map(str, extra)])
                changes["additional_special_tokens"] = tuple(texts)
                tokens += extra
            else:
                raise InputError(
                    f"no special token is called {name!r}: there are "
                    f"{', '.join(TOKEN_NAMES)} and additional_special_tokens"
                )
        self._settings = self._settings.change(**changes)
        return self._add(tokens, special=True)

    def _add(self, tokens: Iterable[str | AddedToken], special: bool) -> int:
        tokens = list(tokens)
        for token in tokens:
            _check_token(token)
        tokens = [t for t in tokens if str(t) and not (isinstance(t, str) and t in self._added)]
        if not tokens:
            return 0
        self._forget()
        special_tokens = set(self._settings.special_tokens)
        before = size = len(self)
        extra: list[str] = []
        for token in tokens:
            if isinstance(token, str):
                is_special = special or token in special_tokens
                token = AddedToken(token, normalized=not is_special, special=is_special)
            else:
                token = _copy(token)
                token.special = token.special or special
            if token.normalized and not token.special and self._lowers_added_tokens:
                token.content = token.content.lower()
            if token.special and token.content not in special_tokens:
                special_tokens.add(token.content)
                extra.append(token.content)
            known = self._vocabulary.ids.get(token.content, self._added.ids.get(token.content))
            self._added.add(token, size if known is None else known)
            size += known is None
        if extra:
            extra = [*self._settings.additional_special_tokens, *extra]
            self._settings = self._settings.change(additional_special_tokens=tuple(extra))
        return size - before

    @property
    def _lowers_added_tokens(self) -> bool:
        """Whether added tokens that are not special lose their case, as texts do."""
        return False

    def _restore(self, added: Mapping[int, AddedToken]) -> None:
        size = len(self._vocabulary)
        wrong: list[tuple[str, int, int]] = []
        for id_, token in added.items():
            known = self._vocabulary.ids.get(token.content, self._added.ids.get(token.content))
            place = size if known is None else known
            if id_ != place:
                wrong.append((token.content, id_, place))
            self._added.add(_copy(token), place)
            size += known is None
        if wrong:
            text, id_, place = wrong[0]
            raise InputError(
                f"the added tokens {[text for text, *_ in wrong[:5]]} have other ids in the "
                f"files than in this vocabulary ({id_} and not {place} for {text!r}): do they "
                "belong together?"
            )

    # Tokens and ids -----------------------------------------------------------------------

    @abstractmethod
    def convert_tokens_to_string(self, tokens: Iterable[str]) -> str:
        """Join pieces to a text."""

    @overload
    def convert_tokens_to_ids(self, tokens: str) -> int: ...  # type: ignore[overload-overlap]
    @overload
    def convert_tokens_to_ids(self, tokens: Iterable[str]) -> list[int]: ...
    def convert_tokens_to_ids(self, tokens: str | Iterable[str]) -> int | list[int]:
        """Return the id of a token, or of each of several; an unknown one has ``unk_token``'s."""
        if isinstance(tokens, str):
            return self._ids_of([tokens])[0]
        return self._ids_of(list(tokens))

    @property
    def _ids_of(self) -> partial[list[int]]:
        """What gives the ids of tokens as they are now, whatever is added later."""
        unk = self._settings.unk_token
        unk_id = None if unk is None else self._id(unk)
        return partial(_ids_of, self._vocabulary.ids, self._added.ids, unk_id)

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
        ids = as_list(ids)
        if isinstance(ids, int):
            return self._token(ids)
        try:
            numbers = [index(id_) for id_ in ids]
        except TypeError:
            raise InputError(f"ids must be whole numbers, not {ids!r:.60}") from None
        skipped = set(self.all_special_ids) if skip_special_tokens else ()
        return [self._token(id_) for id_ in numbers if id_ not in skipped]

    def _token(self, id_: int) -> str:
        if 0 <= id_ < len(self._pieces):
            return self._pieces[id_]
        token = self._added.by_id().get(id_)
        if token is None:
            raise InputError(f"no token has the id {id_}: ids go from 0 to {len(self) - 1}")
        return str(token.content)

    def _id(self, token: str) -> int:
        return self._added.ids[token] if token in self._added else self._vocabulary.ids[token]

    # Sequences with special tokens --------------------------------------------------------

    @property
    def _frame(self) -> Frame:
        """The special tokens around texts, looked up once for each state of the settings."""
        settings, frame = self._framed
        if settings is not self._settings:
            settings = self._settings
            tokens = (getattr(settings, role) for role in self._format.roles)
            start, end, pad = (None if t is None else SpecialToken(t, self._id(t)) for t in tokens)
            frame = Frame(start, end, pad, self._format)
            self._framed = settings, frame
        return frame

    def build_inputs_with_special_tokens(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Put ids between the special tokens, as a call does: ``<s> A </s>``.

        A pair is ``<s> A </s> B </s>``, of XLM-RoBERTa ``<s> A </s></s> B </s>``.
        """
        start, end = self._frame.id_of("start"), self._frame.id_of("end")
        second = [] if token_ids_1 is None else [*self._between(end), *token_ids_1, end]
        return [start, *token_ids_0, end, *second]

    def _between(self, end: int) -> list[int]:
        """Return what stands between the texts of a pair behind the end of the first."""
        return [end] * (self._format.separators - 1)

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
        second = [] if token_ids_1 is None else [*self._between(1), *[0] * len(token_ids_1), 1]
        return [1] + [0] * len(token_ids_0) + [1, *second]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Return 0 for the first text with its special tokens and 1 for the second with its own.

        XLM's models look these ids up among their *word* embeddings, so they are made on request
        only.  XLM-RoBERTa's know one type: all are 0.
        """
        count = 0 if token_ids_1 is None else len(token_ids_1) + self._format.separators
        return [0] * (len(token_ids_0) + 2) + [self._format.second_type] * count


def _ids_of(
    known: Mapping[str, int], added: Mapping[str, int], unk: int | None, tokens: Sequence[str]
) -> list[int]:
    if added.keys().isdisjoint(tokens):
        ids = [known.get(token, unk) for token in tokens]
    else:
        ids = [added.get(token, known.get(token, unk)) for token in tokens]
    if unk is None and None in ids:
        unknown = tokens[ids.index(None)]
        raise InputError(f"the vocabulary has no {unknown!r}, and the tokenizer has no unk_token")
    return ids  # type: ignore[return-value]


def _check_token(token: Any) -> None:
    if not isinstance(token, str | AddedToken):
        raise InputError(f"a token must be a string or an AddedToken, not {token!r}")


def _copy(token: AddedToken) -> AddedToken:
    return AddedToken(token.content, **{flag: getattr(token, flag) for flag in _FLAGS})
