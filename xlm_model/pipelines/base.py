"""What all pipelines share: one example or a list of them, options, and the language."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from xlm_model.tasks.base import Task
from xlm_model.tasks.tokenizers import NO_LANGUAGES, has_languages
from xlm_text import InputError
from xlm_text.errors import Argument


class Pipeline:
    """A model and its tokenizer, whose call takes and gives what a pipeline of transformers does.

    Args:
        model: With the head that the pipeline needs.
        tokenizer: The checkpoint's.
        lang: The texts' language, for checkpoints that need one; None: the tokenizer's own.
        batch_size: Most sequences that go through the model together; None: as many as suit the
            device. It changes the speed, not the results.
        **options: Options of the calls that are not given there.

    Raises:
        InputError: model and tokenizer do not belong together, or an option that the pipeline does
            not have.
    """

    # What does the work.
    work: ClassVar[type[Task[Any, Any]]]
    # Takes examples, their language, and by name the options of the call.
    _results: Callable[..., list[Any]]

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        lang: str | None = None,
        batch_size: int | None = None,
        **options: Any,
    ) -> None:
        self.batch_size = batch_size
        self._check_options(options)
        made = self.work(model, tokenizer, batch_size=batch_size)
        self.model, self.tokenizer = made.model, made.tokenizer
        self.lang = lang
        self.options = options
        self._told = False

    def __call__(
        self, inputs: Any, *, lang: str | None = None, batch_size: int | None = None, **options: Any
    ) -> Any:
        """Return the result of an example, or a list with that of each of a list.

        Args:
            inputs: An example, or a list of them.
            lang: Their language; None: that of the pipeline.
            batch_size: As the pipeline's own.
            **options: As the pipeline's own.

        Raises:
            InputError: an example, or an option, that cannot be used.
        """
        self._check_options(options)
        is_one = self._is_one(inputs)
        examples = [inputs] if is_one else list(inputs)
        options = {**self.options, **options, "batch_size": batch_size or self.batch_size}
        results = self._results(examples, self._language(lang or self.lang), **options)
        return results[0] if is_one else results

    def _is_one(self, inputs: Any) -> bool:
        return isinstance(inputs, str)

    def _language(self, lang: str | None) -> str | None:
        """Return the language to tokenize in; say, once, if it has no effect."""
        if lang is None or has_languages(self.tokenizer):
            return lang
        if not self._told:
            self._told = True
            warnings.warn(NO_LANGUAGES, stacklevel=3)
        return None

    def _check_options(self, options: Mapping[str, Any]) -> None:
        """Raise an `InputError` for an option that the pipeline does not have."""
        parameters = [*inspect.signature(self._results).parameters.values()]
        if parameters[-1].kind is inspect.Parameter.VAR_KEYWORD:  # which go to what does the work
            parameters += inspect.signature(self.work.__init__).parameters.values()
        known = {one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}
        for name in options:
            if name not in known:
                listed = ", ".join(sorted(known - {"batch_size"}))
                raise InputError(
                    f"is no option of a {type(self).__name__}: expected one of {listed}",
                    argument=name,
                )


def read_truncation(truncation: Any, given: Mapping[str, Any] | None, name: str) -> bool:
    """Return whether texts that are too long are cut.

    Args:
        truncation: The option itself.
        given: Arguments for the tokenizer, of which this is the one that there is here.
        name: What they are called.

    Raises:
        InputError: other arguments are among them.
    """
    rest = {**(given or {})}
    cut = rest.pop("truncation", truncation)
    if rest:
        raise InputError(f"has {', '.join(rest)}: expected truncation alone", argument=name)
    if not isinstance(cut, bool):
        raise InputError(
            f"is {cut!r}: expected ", Argument("truncation", True), argument="truncation"
        )
    return cut
