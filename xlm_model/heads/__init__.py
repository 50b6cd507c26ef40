"""The encoder with each of the heads, a file for each.

A head works on hidden states and a layout (`model.head(hidden, layout, …)`), so that padded and
packed batches go through the same code. Every model takes the inputs of `XLMModel.forward`, the
first three also by position.
"""

from xlm_model.heads.base import ModelWithHead
from xlm_model.heads.language_model import XLMWithLMHeadModel
from xlm_model.heads.multiple_choice import XLMForMultipleChoice
from xlm_model.heads.question_answering import XLMForQuestionAnsweringSimple
from xlm_model.heads.sequence_classification import XLMForSequenceClassification
from xlm_model.heads.span_search import XLMForQuestionAnswering
from xlm_model.heads.token_classification import XLMForTokenClassification

__all__ = [
    "ModelWithHead",
    "XLMForMultipleChoice",
    "XLMForQuestionAnswering",
    "XLMForQuestionAnsweringSimple",
    "XLMForSequenceClassification",
    "XLMForTokenClassification",
    "XLMWithLMHeadModel",
]
