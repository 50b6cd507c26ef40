"""The options that several commands have, and the tokenizer they choose."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from .program import SharedOption, option_names

if TYPE_CHECKING:
    from xlm_text import XLMTokenizer
    from xlm_text.base import BaseTokenizer

F = TypeVar("F", bound=Callable[..., Any])


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Make one decorator of several, which apply in the order that they are read in."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def shared(*names: str, **settings: Any) -> Callable[[F], F]:
    """Make an option that several commands have."""
    return click.option(*names, cls=SharedOption, **settings)


def workers(text: str) -> Callable[[F], F]:
    """Make the option that says how many processes work; ``text`` is its help."""
    return click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help=text,
    )


def complete_language(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Complete a language code on the command line."""
    from xlm_text.checkpoints import KNOWN_LANGUAGES

    return _begin_with(begun, KNOWN_LANGUAGES)


def complete_where(
    context: click.Context, parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Complete the name of a checkpoint or a folder."""
    from xlm_text.checkpoints import CHECKPOINTS

    # The script for bash forgets what came before a folder.
    return [CompletionItem(begun, "dir"), *map(CompletionItem, _begin_with(begun, CHECKPOINTS))]


def _begin_with(begun: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(begun))


def check_sources(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Check arguments such as en=train.tsv."""
    from xlm_text.corpora.sources import split_argument
    from xlm_text.errors import InputError

    for value in values:
        try:
            split_argument(value)
        except InputError as error:
            raise click.BadParameter(str(error)) from None
    return values


sources = click.argument(
    "sources", nargs=-1, required=True, callback=check_sources, metavar="LANG=FILE..."
)
lang = click.option(
    "--lang",
    required=True,
    metavar="CODE",
    shell_complete=complete_language,
    help="The language of the text, such as en, zh or ro.",
)
lang_of_any = click.option(
    "--lang",
    metavar="CODE",
    shell_complete=complete_language,
    help="The language of the text, such as en, zh or ro; XLM-RoBERTa's and FlauBERT's "
    "tokenizers need none.",
)
files = click.argument("files", nargs=-1, type=click.Path(allow_dash=True))
skipped = shared(
    "--skipped",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the place of each line that is left out here, and why: file, line and problem "
    "with tabs between.",
)
errors = together(
    shared(
        "--errors",
        type=click.Choice(["strict", "replace", "skip"]),
        default="strict",
        show_default=True,
        help="What to do with bytes that are not UTF-8: stop; read them as U+FFFD; or leave the "
        "line out, as every other line that cannot be used, and say so at the end.",
    ),
    skipped,
)
line_errors = shared(
    "--errors",
    type=click.Choice(["strict", "skip", "replace"]),
    default="strict",
    show_default=True,
    help="What to do with a line that cannot be used: stop; leave it out; or read what is not "
    "UTF-8 as U+FFFD and leave out the rest.",
)
output = shared(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the results here instead of to standard output, each as it comes; compressed if "
    "the name ends in .gz, .bz2, .xz or .zst.",
)
device = shared(
    "--device", metavar="NAME", help="Such as cpu or cuda:1. Without it: the GPU if there is one."
)
quiet = shared("--quiet", "-q", is_flag=True, help="Show no progress.")


class SegmenterOf(click.ParamType):  # type: ignore[type-arg]  # a generic of newer versions
    """The segmenters of a language, which the table of languages names."""

    name = "segmenter"

    def __init__(self, lang: str) -> None:
        self._lang = lang

    @property
    def _choice(self) -> click.Choice[str]:
        from xlm_text.languages.table import language  # not before someone asks

        return click.Choice(language(self._lang).segmenters)

    def convert(self, *args: Any) -> str:  # noqa: D102
        return self._choice.convert(*args)

    def shell_complete(self, *args: Any) -> list[CompletionItem]:  # noqa: D102
        return self._choice.shell_complete(*args)


zh_segmenter = shared(
    "--zh-segmenter",
    type=SegmenterOf("zh"),
    help="What cuts Chinese into words: jieba (the default), or rjieba, as transformers 5 has it.",
)
th_segmenter = shared(
    "--th-segmenter",
    type=SegmenterOf("th"),
    help="What cuts Thai into words: newmm (the default), or nlpo3, quicker but not always equal.",
)
kytea_model = shared(
    "--kytea-model",
    metavar="FILE",
    type=click.Path(),
    help="The KyTea model for Japanese. Without it XLM_KYTEA_MODEL and the places that KyTea is "
    "usually installed in are looked at.",
)
rules = shared(
    "--rules",
    type=click.Choice(["sacremoses", "moses"]),
    help="The rules that find the words: sacremoses (the default), as transformers has them, or "
    "moses, those of the Perl scripts that the checkpoints were trained behind.",
)
faithful = shared(
    "--faithful",
    is_flag=True,
    help="Give the ids that the original implementation writes: --rules moses, --bos-token '</s>', "
    "and codes and vocabulary read as it reads them.",
)
bypass = shared(
    "--bypass",
    is_flag=True,
    help="The words are cut already, with white space between them: only cut them into pieces.",
)
bos_token = shared(
    "--bos-token",
    metavar="TOKEN",
    help="The first token of a sequence: <s> as in transformers, or </s> as the original "
    "implementation trained its checkpoints.",
)


def _ids_of_languages(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> dict[str, int] | None:
    if value is None:
        return None
    codes = value.split(",")
    if "" in codes or len(set(codes)) < len(codes):
        raise click.BadParameter(f"{value!r} is not a list of different codes such as en,fr")
    return {lang: i for i, lang in enumerate(codes)}


languages = click.option(
    "--languages",
    metavar="CODES",
    callback=_ids_of_languages,
    help="The languages in the order of their ids, such as en,fr, where the files do not say. With "
    "several of them a model has language embeddings, and wants `langs`.",
)


def language_settings(languages: dict[str, int] | None) -> dict[str, Any]:
    """Return the settings that the option ``--languages`` means."""
    if languages is None:
        return {}
    return {"lang2id": languages, "use_lang_emb": len(languages) > 1}


hub = together(
    shared("--revision", metavar="NAME", help="The branch, tag or commit on the hub."),
    shared(
        "--local-files-only", is_flag=True, help="Use what was fetched before, not the network."
    ),
)


def model(without: str) -> Callable[[F], F]:
    """Give the options that choose a tokenizer; ``without`` says what happens without them."""
    where = "A checkpoint's folder, or its name on the hub. "
    return together(
        shared(
            "--model",
            "-m",
            metavar="WHERE",
            shell_complete=complete_where,
            help=f"{where}Without it: {without}",
        ),
        hub,
    )


model_or_default = model("a small vocabulary that comes with this command, for demonstration only.")
any_language = shared(
    "--any-language", is_flag=True, help="Take languages that the checkpoint does not have."
)
segmenters = together(zh_segmenter, th_segmenter, kytea_model)


def _files_by_language(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        lang, _, file = value.partition("=")
        if not lang or not file or lang in found:
            raise click.BadParameter(f"{value!r} is not a language and a file such as zh=words.txt")
        found[lang] = file
    return found


user_dictionary = shared(
    "--user-dictionary",
    metavar="LANG=FILE",
    multiple=True,
    callback=_files_by_language,
    help="Words that the segmenter is to know, too: for zh in Jieba's own format, for th a word a "
    "line. Once for each language.",
)
protected_patterns = shared(
    "--protect",
    "protected_patterns",
    metavar="PATTERN",
    multiple=True,
    help="Keep what a pattern matches one word: urls, emails or a regular expression. More than "
    "once for several.",
)
normalize_unicode = shared(
    "--normalize-unicode",
    type=click.Choice(["NFC"]),
    help="Compose characters and their marks first, such as those of text from macOS.",
)
segmentation = together(
    *(rules, faithful, segmenters, user_dictionary, protected_patterns, normalize_unicode),
    any_language,
)
# The settings that these options are.
SEGMENTATION = (
    *("rules", "faithful", "zh_segmenter", "th_segmenter", "kytea_model", "user_dictionary"),
    *("protected_patterns", "normalize_unicode", "any_language"),
)


def load_tokenizer(
    model: str | None,
    revision: str | None = None,
    local_files_only: bool = False,
    languages: dict[str, int] | None = None,
    **settings: Any,
) -> XLMTokenizer:
    """Load the tokenizer that the options choose; options that were not given change nothing."""
    from xlm_text import XLMTokenizer

    given = {name: value for name, value in settings.items() if value}
    given |= language_settings(languages)
    return XLMTokenizer.from_pretrained(
        model, revision=revision, local_files_only=local_files_only, **given
    )


def load_any_tokenizer(
    model: str | None,
    revision: str | None = None,
    local_files_only: bool = False,
    **settings: Any,
) -> BaseTokenizer:
    """Load the tokenizer that the options choose, of whichever kind.

    Raises:
        click.UsageError: there are options that its kind does not have.
    """
    hub: dict[str, Any] = {"revision": revision, "local_files_only": local_files_only}
    from xlm_text import XLMTokenizer
    from xlm_text.auto import tokenizer_class

    kind = XLMTokenizer if model is None else tokenizer_class(model, hub)
    if model is None or kind is XLMTokenizer:
        return load_tokenizer(model, revision, local_files_only, **settings)
    given = {name: value for name, value in settings.items() if value}
    for name in given:
        if not hasattr(kind, name):
            raise click.UsageError(
                f"{_option(name)} is for XLM's tokenizer: leave it out, as this one is of the "
                f"class {kind.__name__}"
            )
    return kind.from_pretrained(model, **hub, **given)


def language_of(tokenizer: BaseTokenizer, lang: str | None) -> str | None:
    """Return the language of texts for a tokenizer, ``None`` where it needs none.

    Raises:
        click.UsageError: it needs one, and none was given.
    """
    from xlm_text import XLMTokenizer

    if isinstance(tokenizer, XLMTokenizer):
        return tokenizer.check_language(needed(lang))
    if lang is not None:
        click.echo("--lang has no effect: the tokenizer reads all languages alike", err=True)
    return None


def needed(lang: str | None) -> str:
    """Return a language that was given; raise if there is none."""
    if lang is None:
        raise click.UsageError("Missing option '--lang'.")
    return lang


def _option(name: str) -> str:
    """Return the option that a setting comes from."""
    from xlm_text.errors import Argument

    write = option_names(click.get_current_context().command)
    return write(Argument(name)) or f"--{name}"
