"""From texts to answers: a class for each thing that people do with an XLM checkpoint.

Example:
    >>> from xlm_model import XLMConfig, XLMWithLMHeadModel
    >>> from xlm_text import XLMTokenizer
    >>> tokenizer = XLMTokenizer.from_pretrained()
    >>> config = XLMConfig(vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4)
    >>> fill = FillMask(XLMWithLMHeadModel(config).eval(), tokenizer, top_k=3)
    >>> texts = ["Paris is the <special1> of France.", "Wo ist der <special1>?"]
    >>> [len(masks[0].fills) for masks in fill(texts, lang=["en", "de"])]
    [3, 3]
"""

from xlm_model.tasks.answering import Answer, QuestionAnswering
from xlm_model.tasks.base import TextError
from xlm_model.tasks.classification import (
    Choice,
    Classification,
    MultipleChoice,
    TextClassification,
)
from xlm_model.tasks.embedding import SentenceEmbedding, TokenEmbedding, TokenVectors
from xlm_model.tasks.fill_mask import Fill, FillMask, Mask
from xlm_model.tasks.generation import Generated, TextGeneration
from xlm_model.tasks.mining import MinedPair, mine
from xlm_model.tasks.scoring import Score, TextScoring, TokenScore
from xlm_model.tasks.tagging import Tag, TokenClassification

__all__ = [
    "Answer",
    "Choice",
    "Classification",
    "Fill",
    "FillMask",
    "Generated",
    "Mask",
    "MinedPair",
    "MultipleChoice",
    "QuestionAnswering",
    "Score",
    "SentenceEmbedding",
    "Tag",
    "TextClassification",
    "TextError",
    "TextGeneration",
    "TextScoring",
    "TokenClassification",
    "TokenEmbedding",
    "TokenScore",
    "TokenVectors",
    "mine",
]
