"""Nonbreaking prefixes: the words that keep a full stop, as the scripts' own lists have them.

sacremoses carries copies of these lists, most of them equal; what differs is here.  (In a few lines
of the scripts' lists white space stands behind the word, so that no word of a text equals it: the
copies have these words and the scripts do not.)
"""

from __future__ import annotations

from typing import NamedTuple

from xlm_text.rules.sacremoses.data import nonbreaking_prefixes as copied_prefixes


class Prefixes(NamedTuple):
    """The words that keep a full stop whatever follows, and those that do before a number."""

    always: frozenset[str]
    before_numbers: frozenset[str]


# The languages that had a list; the others take the English one.
_WITH_LIST = frozenset(
    "ca cs de el en es fi fr ga hu is it lt lv nl pl pt ro ru sk sl sv ta".split()
)
_WITH_LIST |= {"yue", "zh"}

# What the copies have and the lists do not: later additions, and words with white space behind.
_ONLY_COPIED = {
    "en": "Rs",
    "es": "Fil gr pÃ¡g",
    "it": "Amn Arch a.c all es",
    "nl": "Nrs",
    "sk": "Pf",
    "sv": """adv apr aug d d.v.s dec f feb fil fr.o.m i.a.f jan jul jun jur kand lic m.a.o m.fl
        m.h.a m.m mag mar mha nov o.s.v okt p.g.a prop s sep t.ex t.o.m vol Ä Å Ö""",
    "ta": """ஆர் எஃப் எக்ஸ் எச் என் எம் எல் எஸ் கியூ செட் ஜீ ஜே ஜை டபிள்-யூ ட்டீ ப்பீ ஹெச் ூ""",
}
# What the lists have and the copies do not.
_NOT_COPIED = {
    "is": "no",
    "ta": """Nos Nr ஃ அ ஆ இ உ உ.ம் ஊ எ ஒ ஔ க கா கி கீ கு கூ கெ கை கொ கோ கௌ கௌரவ க் ங ஙா ஙி ஙீ ஙு ஙூ ஙெ ஙே
        ஙை ஙொ ஙோ ஙௌ ச சா சி சு சூ செ சே சை சொ சோ சௌ ச் ஞ ஞா ஞி ஞீ ஞு ஞூ ஞெ ஞே ஞை ஞொ ஞோ ஞௌ ட டா டி டு
        டூ டெ டே டை டொ டோ டௌ ட் ண ணா ணி ணீ ணு ணூ ணெ ணே ணை ணொ ணோ ணௌ ண் த தா தி திருமதி தீ து தூ தெ தே
        தை தொ தோ தௌ த் ந நா நி நீ நு நூ நெ நே நை நொ நோ நௌ ன னா னி னீ னு னூ னெ னே னை னொ னோ னௌ ன் ப பா
        பி பு பூ பெ பே பை பொ போ பௌ ப் ம மா மி மீ மு மூ மெ மே மை மொ மோ மௌ ய யா யி யீ யு யெ யே யை யொ
        யோ யௌ ய் ரா ரி ரீ ரு ரூ ரெ ரே ரை ரொ ரோ ரௌ ர் ற றா றி றீ று றூ றெ றே றை றொ றோ றௌ ற் ல லா லி
        லீ லு லூ லெ லே லை லொ லோ லௌ ல் ள ளா ளி ளீ ளு ளூ ளெ ளே ளை ளொ ளோ ளௌ ள் ழ ழா ழி ழீ ழு ழூ ழெ ழே
        ழை ழொ ழோ ழௌ ழ் வ வண வா வி வு வூ வெ வே வொ வோ வௌ வ்""",
}
_NUMBERS_NOT_COPIED = {"ta": "Art No pp"}
_NUMBERS_ONLY_COPIED = {"is": "no"}


def nonbreaking_prefixes(lang: str) -> Prefixes:
    """Return the prefixes of a language.

    >>> "Rs" in nonbreaking_prefixes("en").always, "No" in nonbreaking_prefixes("hi").before_numbers
    (False, True)
    """
    lang = lang if lang in _WITH_LIST else "en"
    always, before_numbers = copied_prefixes(lang)
    return Prefixes(
        always.difference(_ONLY_COPIED.get(lang, "").split()).union(
            _NOT_COPIED.get(lang, "").split()
        ),
        before_numbers.difference(_NUMBERS_ONLY_COPIED.get(lang, "").split()).union(
            _NUMBERS_NOT_COPIED.get(lang, "").split()
        ),
    )
