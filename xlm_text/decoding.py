"""From ids back to text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, overload

from xlm_text.bpe.subwords import END_OF_WORD
from xlm_text.detokenization import close_spaces, join_words
from xlm_text.sequences import as_lists
from xlm_text.tokens import TokenTable


class Decoder(TokenTable):
    """A table of tokens that turns ids into text."""

    @abstractmethod
    def decode(self, token_ids: Any, *args: Any, **options: Any) -> Any:
        """Return the text of ids, or of each of several rows of them."""

    def batch_decode(
        self, sequences: Any, skip_special_tokens: bool = False, **options: Any
    ) -> list[str]:
        """Return the text of each row of ids; the options are those of :meth:`decode`."""
        rows = as_lists(sequences)
        if isinstance(rows, list) and not rows:
            return []
        texts = self.decode(rows, skip_special_tokens, **options)
        return [texts] if isinstance(texts, str) else texts


def decode_rows(token_ids: Any, decode: Callable[[list[int]], str]) -> str | list[str]:
    """Decode a row of ids, a single id, or several rows."""
    rows = as_lists(token_ids)
    if isinstance(rows, list) and rows and isinstance(rows[0], list):
        return list(map(decode, rows))
    return decode([rows] if isinstance(rows, int) else rows)


class WordDecoder(Decoder):
    """Decodes pieces the last of which in each word ends in ``</w>``."""

    @overload
    def decode(self, token_ids: int | Sequence[int], *args: Any, **options: Any) -> str: ...
    @overload
    def decode(
        self, token_ids: Sequence[Sequence[int]], *args: Any, **options: Any
    ) -> list[str]: ...
    @overload
    def decode(self, token_ids: Any, *args: Any, **options: Any) -> Any: ...
    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        *,
        detokenize: str | None = None,
        spaces_between_special_tokens: bool = False,
    ) -> str | list[str]:
        """Return the text of ids: words with a space between them; of rows of ids, a list of texts.

        Args:
            token_ids: ids, as a list, an array, a tensor or a single number, or rows of them.
            skip_special_tokens: leave the special tokens out.
            clean_up_tokenization_spaces: close the space before English punctuation and
                contractions; by default as the tokenizer's setting of that name says.
            detokenize: a language: put the words together as they are written in it, by the
                Moses detokenizer; for Chinese, Japanese and Thai with spaces only between words
                of other scripts, and in Thai beside them.
            spaces_between_special_tokens: put spaces around tokens that are never cut, too.

        Raises:
            InputError: an id is not a whole number of the vocabulary.

        """
        if clean_up_tokenization_spaces is None:
            clean_up_tokenization_spaces = self._settings.clean_up_tokenization_spaces

        def decode(ids: list[int]) -> str:
            tokens = self.convert_ids_to_tokens(ids, skip_special_tokens)
            parts = self._apart(tokens) if spaces_between_special_tokens else [tokens]
            text = " ".join(filter(None, map(self.convert_tokens_to_string, parts)))
            if detokenize is not None:
                return join_words(text.split(), detokenize)
            return close_spaces(text) if clean_up_tokenization_spaces else text

        return decode_rows(token_ids, decode)

    def convert_tokens_to_string(self, tokens: Iterable[str]) -> str:
        """Join pieces to words, with a space behind each word.

        >>> from xlm_text import XLMTokenizer
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> tokenizer.convert_tokens_to_string(["w", "ord</w>", "s</w>"])
        'word s'
        """
        return "".join(tokens).replace(END_OF_WORD, " ").strip()

    def _apart(self, tokens: Sequence[str]) -> list[list[str]]:
        """Cut a row of tokens into those that are never cut and what is between them."""
        parts: list[list[str]] = [[]]
        for token in tokens:
            if token in self._added:
                parts += [[token], []]
            else:
                parts[-1].append(token)
        return parts
