"""Sentences in many scripts, and a small Unigram model learnt from them, in every kind of file."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

# The same few things in each script: water, a house, the weather, a number, a question.
SENTENCES = {
    "Latin": [
        "The cat drinks water in the old house.",
        "Aujourd’hui l’été commence, n’est-ce pas ?",
        "Der Größte übte täglich 12 Stunden.",
        "Hôm nay trời đẹp, chúng tôi uống nước.",
        "Źródło jest blisko, a ışık İstanbul'da.",
    ],
    "Cyrillic": ["Кошка пьёт воду в старом доме.", "Сьогодні гарна погода, чи не так?"],
    "Greek": ["Η γάτα πίνει νερό στο παλιό σπίτι.", "Σήμερα ο καιρός είναι καλός· ναι;"],
    "Arabic": ["القطة تشرب الماء في البيت القديم.", "امروز هوا خوب است و ما ۱۲ نفر هستیم."],
    "Hebrew": ["החתול שותה מים בבית הישן.", "היום מזג האוויר יפה, נכון?"],
    "Devanagari": ["बिल्ली पुराने घर में पानी पीती है।", "आज मौसम अच्छा है, है न?"],
    "Bengali": ["বিড়াল পুরোনো বাড়িতে জল খায়।"],
    "Gurmukhi": ["ਬਿੱਲੀ ਪੁਰਾਣੇ ਘਰ ਵਿੱਚ ਪਾਣੀ ਪੀਂਦੀ ਹੈ।"],
    "Gujarati": ["બિલાડી જૂના ઘરમાં પાણી પીએ છે."],
    "Tamil": ["பூனை பழைய வீட்டில் தண்ணீர் குடிக்கிறது."],
    "Telugu": ["పిల్లి పాత ఇంట్లో నీళ్ళు తాగుతుంది."],
    "Kannada": ["ಬೆಕ್ಕು ಹಳೆಯ ಮನೆಯಲ್ಲಿ ನೀರು ಕುಡಿಯುತ್ತದೆ."],
    "Malayalam": ["പൂച്ച പഴയ വീട്ടിൽ വെള്ളം കുടിക്കുന്നു."],
    "Sinhala": ["පූසා පරණ ගෙදර වතුර බොනවා."],
    "Thai": ["แมวดื่มน้ำในบ้านเก่า วันนี้อากาศดี"],
    "Lao": ["ແມວກິນນ້ຳຢູ່ເຮືອນເກົ່າ"],
    "Khmer": ["ឆ្មាផឹកទឹកក្នុងផ្ទះចាស់។"],
    "Burmese": ["ကြောင်က အိမ်ဟောင်းထဲမှာ ရေသောက်တယ်။"],
    "Georgian": ["კატა სვამს წყალს ძველ სახლში."],
    "Armenian": ["Կատուն ջուր է խմում հին տանը։"],
    "Ethiopic": ["ድመቷ በአሮጌው ቤት ውስጥ ውሃ ትጠጣለች።"],
    "Hangul": ["고양이가 오래된 집에서 물을 마신다.", "오늘 날씨가 좋네요!"],
    "Han": ["猫在旧房子里喝水。", "今天天氣很好，對嗎？"],
    "Kana": ["ネコが古い家で水を飲む。", "今日は天気がいいですね！ｶﾞ"],
}
ALL = [sentence for sentences in SENTENCES.values() for sentence in sentences]
# What the stages before the model treat in a way of their own: white space of all kinds, marks that
# join the character before them, also a space, and characters that the table of SentencePiece
# changes.
ODD = [
    *(" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u200b", "\ufeff", "\x00"),
    *("\u0301", "\u0308", "\u200d", "\ufe0f", "\u0600", "\u0e33", "\uff9e", "\u06dd", "▁", "▁a"),
    *(
        "ﬁ",
        "Ａ",
        "①",
        "½",
        "…",
        "㍿",
        "e\u0301",
        "\u1100\u1161",
        "👩\u200d👧",
        "🏴",
        "☃",
        "\U0010ffff",
    ),
    *("İ", "ß", "<mask>", "<s>", "</s>", "<pad>", "<unk>", " <mask>", "<mask> ", "<mas"),
    "<mask><mask>",
]


def texts() -> st.SearchStrategy[str]:
    """Mixtures of words in all scripts, odd characters, special tokens and any characters."""
    words = st.sampled_from([word for sentence in ALL for word in sentence.split()])
    spaced = words.map(lambda word: f"{word} ")
    anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
    return st.lists(st.one_of(words, spaced, st.sampled_from(ODD), anything), max_size=10).map(
        "".join
    )


def train_sentencepiece(folder: Path, lines: Iterable[str] = (), **options: Any) -> Path:
    """Learn a small model and write it where a checkpoint has it; return its folder."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*ALL, *lines]),
        model_writer=model,
        **{
            "vocab_size": 700,
            "hard_vocab_limit": False,
            "character_coverage": 1.0,
            "model_type": "unigram",
            "num_threads": 1,
            "minloglevel": 2,
            **options,
        },
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sentencepiece.bpe.model").write_bytes(model.getvalue())
    return folder


def train_tokenizers(folder: Path) -> Path:
    """Learn a model with the Rust library, whose files have no table of characters."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    learner = Tokenizer(models.Unigram())
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=600, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    learner.train_from_iterator(ALL, trainer)
    pieces = [tuple(entry) for entry in json.loads(learner.to_str())["model"]["vocab"]]
    transformers.XLMRobertaTokenizer(vocab=pieces).save_pretrained(folder)
    return folder
