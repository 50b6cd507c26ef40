"""Generated text: what real text has, and what it hardly ever has, side by side."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from .support import LANGUAGES, SPECIAL_WORDS, sentences

# Each string is a set of characters, except in the lists, whose items are units.
LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
SCRIPTS: dict[str, str | list[str]] = {
    "latin": "éèàçñüßøÅÆœİıǅŒﬁſẞżłčŠđěőĳǆªº",
    "romanian": "şŞţŢșȘțȚăĂâÂîÎ",
    "vietnamese": "ệặấỡưđĐơƠựỳẵ",
    "greek": "αβγδΣσςάΆώΐϊΰΩόή",
    "cyrillic": "абвгдеёЁжзийЙъьЂђѝіїґ",
    "arabic": "ابتثجحخدذرزسشءئؤأإآةىٱ" + "\u064b\u064e\u0651\u0670\u0640" + "؟،؛٪",
    "urdu": "ٹڈڑںےہھۓیک" + "\u06d4\u0654",
    "hebrew": "אבגדהםןףץ\u05b0\u05bc״׳",
    "hindi": "कखगघचछजझतथदधनपबमयरलवशषसहक़ज़" + "\u0902\u0901\u093c\u093e\u093f\u0940\u094d\u0943।॥",
    "thai": "กขคงจฉชซดตถทธนบปผพมยรลวสหอฮ" + "ะาิีึืุูเแโใไๆฯ็่้๊๋์ํำ๑๒๓",
    "chinese": "我来到北京清华大学雖然美國的許多數人一二三十年月日",
    "georgian": "აბგდეჰ" + "◌ꭦ𐞀ՠ",
    "rare han": "龘㐀𠮷\uf900\u2e80々〆〇",
    "japanese": "ひらがなカタカナガギぱ゛゜ーｶﾞﾊﾟぁァっッをんヴ",
    "korean": "한국어가힣각났습니다ㄱㅏㅎ\u1100\u1161\u11a8",
    "symbols": ["😀", "👨‍👩‍👧", "🇫🇷", "❤️", "☃", "™", "½", "²", "№", "Ⅷ", "𝒳", "€", "£", "₹", "ºC"],
}
MARKS = "\u0301\u0308\u0327\u0345\u0323\u0302\u302e\U0001d165\u0f71\u0f72\u20dd\ufe0f"
SPACES = [" ", "  ", "\u00a0", "\u2009", "\u3000", "\u202f", "\u1680", "\u205f"]
INVISIBLE = "\u200b\u200c\u200d\ufeff\u00ad\u2060\u200e\u202e\u180e"
CONTROLS = "\x00\x01\x1f\x7f\x85\x9f\t\n\r\x0b\x0c\x1c\x1d\u2028\u2029"
UNASSIGNED = "\ue000\U0010ffff\u0378\ufdd0"
ASCII_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
PUNCTUATION = "–—…„“”‚‘’´«»‹›¿¡·•†‰′″‐‑§¶°±×÷¬¦"
FULL_WIDTH = (
    "，。、：；！？（）《》「」『』【】〈〉％～．∶━［］｛｝＂＇＆＠０１２３４５６７８９Ａｂ"
)
DIGITS = "0123456789٠١٣٤०१२๐๒"
RUNS = ["''", *"`` .. ... .... -- ?! !! n't 's ’s l'".split(), ". ", ", ", "« "]
# What abbreviates, what looks like it does, and what the rules use as a mark of their own.
WORDS = (
    "Mr. Dr. e.g. i.e. U.S. No. Nr. nr. etc. z.B. bzw. M. Mme. art. pp. al. St. Sr. EE.UU. т.д. "
    "г. सं. Σας ΟΔΟΣ d'ici l'homme aujourd'hui dell'acqua isn't can't 'tis rock'n'roll 3,000 "
    "3.000,50 5. 1.5 10% 10 % a.m. www.x.org foo@bar.com a.b.c A.B. x.. 1,2,3 ,5 5, DOTMULTI "
    "DOTDOTMULTI DOTMULTIDOT 's n't U.S.A .NET C++ AT&T &amp; &lt; '' '90s"
).split()


def alphabets(lang: str) -> list[list[str]]:
    """Give lists of units; the units of a text come from one of them."""
    common = [*"aAbXs sT", " ", " ", " ", ".", ",", "'", '"', "1", "a"]
    signs = [*ASCII_PUNCTUATION, *PUNCTUATION, *FULL_WIDTH, *DIGITS, *SPACES, *RUNS]
    odd = [*SPACES, *INVISIBLE, *CONTROLS, *UNASSIGNED, *MARKS]
    words = [word for line in sentences(lang) for word in line.split()]
    special = [*SPECIAL_WORDS, "<special1", "special1>", "<mask>", "<special10>", "<S>"]
    all_scripts = [unit for script in SCRIPTS.values() for unit in script]
    return [
        [*common, *signs],
        [*common, *common, *signs, *odd],
        [*common, *DIGITS, *".,'", " ", " "],
        [*words, *([" "] * len(words)), *signs, *WORDS],
        [*words, *([" "] * len(words)), *odd],
        [*WORDS, *([" "] * len(WORDS)), *ASCII_PUNCTUATION],
        [*common, *special, *words[:20], *odd],
        [*all_scripts, *([" "] * 40), *signs],
        [*all_scripts, *MARKS, *MARKS, *LATIN],
        [*SCRIPTS[_SCRIPT_OF.get(lang, "latin")], *common, *FULL_WIDTH, *MARKS, "."],
    ]


_SCRIPT_OF = {
    "ar": "arabic",
    "bg": "cyrillic",
    "el": "greek",
    "hi": "hindi",
    "ja": "japanese",
    "ko": "korean",
    "ro": "romanian",
    "ru": "cyrillic",
    "th": "thai",
    "ur": "urdu",
    "vi": "vietnamese",
    "zh": "chinese",
}


def _texts(lang: str, max_units: int) -> st.SearchStrategy[str]:
    of_units = [
        st.lists(st.sampled_from(units), min_size=size, max_size=max_units).map("".join)
        for units in alphabets(lang)
        for size in (0, max_units // 2)
    ]
    # Any character at all but surrogates, which are no text.
    anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=max_units)
    return st.one_of(*of_units, anything)


@cache
def texts(lang: str) -> st.SearchStrategy[str]:
    """Texts for a language: its script and words, other scripts, and everything unusual."""
    return _texts(lang, 30)


ANY_LANGUAGE = st.sampled_from(LANGUAGES)
ANY_TEXT = ANY_LANGUAGE.flatmap(texts)
