"""What users write when they mean a language: names, other codes, and codes with a region."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

# For each code of the published checkpoints: its English name, its own name where that is often
# written, its codes in ISO 639-2 and 639-3, and country codes that are mistaken for it.
_NAMES = {
    "af": "afrikaans afr",
    "als": "alemannic gsw swiss-german",
    "am": "amharic amh",
    "an": "aragonese arg",
    "ang": "old-english anglo-saxon",
    "ar": "arabic ara arb",
    "arz": "egyptian-arabic",
    "ast": "asturian",
    "az": "azerbaijani aze azj",
    "bar": "bavarian",
    "be": "belarusian bel by",
    "bg": "bulgarian bul",
    "bn": "bengali bangla ben bd",
    "br": "breton bre",
    "bs": "bosnian bos",
    "ca": "catalan cat valencian",
    "ceb": "cebuano",
    "ckb": "sorani central-kurdish",
    "cs": "czech ces cze cz",
    "cy": "welsh cym wel",
    "da": "danish dan dk",
    "de": "german deutsch deu ger at",
    "el": "greek ell gre gr",
    "en": "english eng uk us gb",
    "eo": "esperanto epo",
    "es": "spanish espanol español castilian spa",
    "et": "estonian est ee",
    "eu": "basque eus baq",
    "fa": "persian farsi fas per pes ir",
    "fi": "finnish fin",
    "fr": "french francais français fra fre",
    "fy": "frisian western-frisian fry",
    "ga": "irish gle ie",
    "gan": "gan-chinese",
    "gl": "galician glg",
    "gu": "gujarati guj",
    "he": "hebrew heb iw il",
    "hi": "hindi hin",
    "hr": "croatian hrv",
    "hu": "hungarian hun",
    "hy": "armenian hye arm",
    "ia": "interlingua ina",
    "id": "indonesian ind in",
    "is": "icelandic isl ice",
    "it": "italian italiano ita",
    "ja": "japanese jpn jp",
    "jv": "javanese jav",
    "ka": "georgian kat geo",
    "kk": "kazakh kaz kz",
    "kn": "kannada kan",
    "ko": "korean kor kr",
    "ku": "kurdish kurmanji kur kmr",
    "la": "latin lat",
    "lb": "luxembourgish ltz lu",
    "lt": "lithuanian lit",
    "lv": "latvian lav lvs",
    "mk": "macedonian mkd mac",
    "ml": "malayalam mal",
    "mn": "mongolian mon khk",
    "mr": "marathi mar",
    "ms": "malay msa may zsm",
    "my": "burmese mya bur mm",
    "nds": "low-german low-saxon",
    "ne": "nepali nep npi np",
    "nl": "dutch nld dut flemish",
    "nn": "nynorsk nno",
    "no": "norwegian nor nb nob bokmal bokmål",
    "oc": "occitan oci",
    "pl": "polish pol",
    "pt": "portuguese por",
    "ro": "romanian ron rum moldovan",
    "ru": "russian rus",
    "scn": "sicilian",
    "sco": "scots",
    "sh": "serbo-croatian hbs",
    "si": "sinhala sinhalese sin lk",
    "simple": "simple-english",
    "sk": "slovak slk slo",
    "sl": "slovenian slovene slv si",
    "sq": "albanian sqi alb",
    "sr": "serbian srp rs",
    "sv": "swedish swe se",
    "sw": "swahili kiswahili swa swh",
    "ta": "tamil tam",
    "te": "telugu tel",
    "th": "thai tha",
    "tl": "tagalog filipino tgl fil ph",
    "tr": "turkish tur",
    "tt": "tatar tat",
    "uk": "ukrainian ukr ua",
    "ur": "urdu urd pk",
    "uz": "uzbek uzb uzn",
    "vi": "vietnamese vie vn",
    "war": "waray",
    "wuu": "wu wu-chinese shanghainese",
    "yi": "yiddish yid ydd ji",
    "zh": "chinese zho chi cmn cn tw mandarin",
    "zh_classical": "classical-chinese lzh literary-chinese",
    "zh_min_nan": "min-nan nan hokkien taiwanese",
    "zh_yue": "cantonese yue",
}
_MOST_SUGGESTIONS = 3


def english_name(code: str) -> str:
    """Return the English name of a language; the code itself where that is all there is.

    >>> english_name("zh_yue"), english_name("arz"), english_name("xx")
    ('Cantonese', 'Egyptian Arabic', 'xx')
    """
    names = _NAMES.get(code)
    return code if names is None else names.split()[0].replace("-", " ").title()


def likeliest_languages(meant: str, known: Collection[str]) -> list[str]:
    """Return the codes of ``known`` that someone who wrote ``meant`` most likely wants.

    >>> likeliest_languages("zh-CN", ["en", "zh"]), likeliest_languages("jp", ["ja", "ko"])
    (['zh'], ['ja'])
    >>> likeliest_languages("Englisch", ["de", "en"]), likeliest_languages("??", ["de", "en"])
    (['en'], [])
    """
    wanted = meant.strip().lower().replace("_", "-").replace(" ", "-")
    of_name: dict[str, list[str]] = {}
    for code in known:
        for name in (code.lower().replace("_", "-"), *_NAMES.get(code, "").split()):
            of_name.setdefault(name, []).append(code)
    # A code with a region or a script means the language before it: zh-CN, sr-Latn-RS, pt_BR.
    for name in (wanted, wanted.partition("-")[0]):
        if name in of_name:
            return of_name[name][:_MOST_SUGGESTIONS]
    # Two or three letters are like too many others.
    names = [name for name in of_name if len(name) > 3]
    close = get_close_matches(wanted, names, n=_MOST_SUGGESTIONS, cutoff=0.75)
    return list(dict.fromkeys(code for name in close for code in of_name[name]))
