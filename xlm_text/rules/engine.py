"""The small operations that the text rules are made of, as data.

A rule works on a string (:meth:`Rule.apply`) and on text that carries its alignment
(:meth:`Rule.align`); both give the same characters.  It has a name, by which a text is explained.
What the rules of a language are is said
beside it (:mod:`xlm_text.rules.sacremoses`, :mod:`xlm_text.rules.perl`): a rule set is data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Protocol

from xlm_text.alignment.aligned import Aligned, Piece, match_pieces

# Is told the name of each step that changed something, the parts of text before it, and behind it.
Watch = Callable[[str, list[str], list[str]], None]

_TEMPLATE_GROUP = re.compile(r"\\(?:g<(\d+)>|(\d))")


class Rule(Protocol):
    """One step from text to text."""

    @property
    def name(self) -> str:
        """What the step is called."""
        ...

    @property
    def needs(self) -> str:
        """A string that is in every text that the rule changes; the empty one is in all."""
        ...

    def apply(self, text: str) -> str:
        """Return the text that the rule makes of ``text``."""
        ...

    def align(self, text: Aligned) -> Aligned:
        """Do the same to text that carries its alignment."""
        ...


class Substitution:
    """Replace what a regular expression matches by a template, as :func:`re.sub` does.

    Args:
        pattern: the expression.
        template: what takes the place of a match.
        needs: a string that every match contains: looking for it first is much cheaper than
            running the expression.
        name: what the step is called; by default as Perl writes it.

    >>> Substitution(r"(\\d) %", r"\\1%").name
    's/(\\\\d) %/\\\\1%/'

    """

    def __init__(
        self, pattern: str | re.Pattern[str], template: str, needs: str = "", name: str = ""
    ) -> None:
        self._pattern = pattern
        self.template = template
        self.needs = needs
        self._name = name

    # Not before they are needed: some expressions have thousands of characters.
    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The compiled expression."""
        return re.compile(self._pattern)

    @cached_property
    def _parts(self) -> tuple[str | int, ...]:
        return _parse_template(self.template)

    @property
    def name(self) -> str:  # noqa: D102
        return self._name or _visible(f"s/{self.pattern.pattern}/{self.template}/")

    def apply(self, text: str) -> str:  # noqa: D102
        return self.pattern.sub(self.template, text)

    def align(self, text: Aligned) -> Aligned:  # noqa: D102
        return text.rewrite(
            (match.start(), match.end(), match_pieces(match, self._parts))
            for match in self.pattern.finditer(text.text)
        )


class Rewriting:
    """Replace what a regular expression matches by the pieces that a function makes of it."""

    def __init__(
        self,
        pattern: str | re.Pattern[str],
        pieces: Callable[[re.Match[str]], list[Piece]],
        needs: str,
        name: str,
    ) -> None:
        self.pattern = re.compile(pattern)
        self.pieces = pieces
        self.needs = needs
        self.name = name

    def apply(self, text: str) -> str:  # noqa: D102
        return self.pattern.sub(lambda match: "".join(p[0] for p in self.pieces(match)), text)

    def align(self, text: Aligned) -> Aligned:  # noqa: D102
        return text.rewrite(
            (match.start(), match.end(), self.pieces(match))
            for match in self.pattern.finditer(text.text)
        )


class OneSpace(Substitution):
    """Put one space in the place of several."""

    def __init__(self) -> None:
        super().__init__(" {2,}", " ", needs="  ", name="s/ +/ /")

    def apply(self, text: str) -> str:  # noqa: D102
        # Most runs are short: this is several times as fast as the expression.
        while "  " in text:
            text = text.replace("  ", " ")
        return text


class Translation:
    """Replace single characters by strings."""

    needs = ""

    def __init__(self, table: dict[str, str], name: str = "replace characters") -> None:
        self.name = name
        self.table = str.maketrans(table)
        self._pattern = re.compile(f"[{re.escape(''.join(table))}]")
        self._becomes = table

    def apply(self, text: str) -> str:  # noqa: D102
        becomes = self._becomes
        return self._pattern.sub(lambda match: becomes[match[0]], text)

    def align(self, text: Aligned) -> Aligned:  # noqa: D102
        if not self._pattern.search(text.text):
            return text
        return text.map_characters(char.translate(self.table) for char in text.text)


class ReplaceFound:
    """Replace every character that a function finds in a text by a string.

    Args:
        find: returns the characters of a text that are meant, quickly if there are none.
        by: what each of them becomes.
        name: what the rule is called.

    """

    needs = ""

    def __init__(self, find: Callable[[str], Iterable[str]], by: str, name: str) -> None:
        self._find = find
        self._by = by
        self.name = name

    def apply(self, text: str) -> str:  # noqa: D102
        for char in self._find(text):
            text = text.replace(char, self._by)
        return text

    def align(self, text: Aligned) -> Aligned:  # noqa: D102
        found = set(self._find(text.text))
        if not found:
            return text
        return text.map_characters(self._by if char in found else char for char in text.text)


class Strip:
    """Drop white space at both ends."""

    name = "strip"
    needs = ""

    def apply(self, text: str) -> str:  # noqa: D102
        return text.strip()

    def align(self, text: Aligned) -> Aligned:  # noqa: D102
        return text.strip()


class Rules:
    """Rules run one after another.

    Where every rule says what it ``needs``, a text without any of that goes through untouched.

    Args:
        steps: the rules.
        name: what they are called together; it stands before the name of each.

    """

    needs = ""

    def __init__(self, steps: Iterable[Rule], name: str = "") -> None:
        self.name = name
        self.steps = tuple(steps)
        # Looking for one character, the rarest first, is many times as fast as looking for several.
        self._applies = tuple(
            (max(step.needs, default=""), step.needs, step.apply) for step in self.steps
        )
        needs = [step.needs for step in self.steps]
        self._concerned: Callable[[str], object] | None = None
        if all(needs):
            self._concerned = re.compile("|".join(map(re.escape, needs))).search

    def apply(self, text: str) -> str:
        """Run every step on a string."""
        if self._concerned is None or self._concerned(text):
            for rarest, needs, apply in self._applies:
                if rarest in text and needs in text:
                    text = apply(text)
        return text

    def align(self, text: Aligned, watch: Watch | None = None) -> Aligned:
        """Run every step on text that carries its alignment; ``watch`` is told of each change."""
        if self._concerned is None or self._concerned(text.text):
            for step in self.steps:
                if watch is not None and isinstance(step, Rules):
                    text = step.align(text, watch)
                    continue
                if step.needs not in text.text:
                    continue
                before, text = text, step.align(text)
                if watch is not None and text.text != before.text:
                    name = f"{self.name}: {step.name}" if self.name else step.name
                    watch(name, [before.text], [text.text])
        return text


def _visible(text: str) -> str:
    """Write what cannot be seen as Python does."""
    return "".join(
        char if char.isprintable() or char == " " else char.encode("unicode_escape").decode()
        for char in text
    )


def _parse_template(template: str) -> tuple[str | int, ...]:
    parts: list[str | int] = []
    done = 0
    for match in _TEMPLATE_GROUP.finditer(template):
        parts += [template[done : match.start()], int(match[1] or match[2])]
        done = match.end()
    return tuple(part for part in [*parts, template[done:]] if part != "")
