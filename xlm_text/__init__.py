"""Exact tokenization for the XLM checkpoints, in every language they have.

>>> from xlm_text import XLMTokenizer
>>> tokenizer = XLMTokenizer.from_pretrained()
>>> tokenizer.decode(tokenizer.encode("Hello, world!", lang="en"), skip_special_tokens=True)
'hello , world !'
"""

from xlm_text.auto import AutoTokenizer
from xlm_text.batches.encoding import BatchEncoding
from xlm_text.checkpoints import CHECKPOINTS, Checkpoint
from xlm_text.errors import InputError, MissingComponentError
from xlm_text.files.vocabulary import Vocabulary
from xlm_text.flaubert import FlaubertTokenizer
from xlm_text.notices import LanguageWarning, LengthWarning
from xlm_text.roberta import XLMRobertaTokenizer
from xlm_text.settings import FlaubertSettings, Settings, XLMRobertaSettings
from xlm_text.tokenizer import XLMTokenizer
from xlm_text.training import train
from xlm_text.unigram.vocabulary import UnigramVocabulary

__all__ = [
    "CHECKPOINTS",
    "AutoTokenizer",
    "BatchEncoding",
    "Checkpoint",
    "FlaubertSettings",
    "FlaubertTokenizer",
    "InputError",
    "LanguageWarning",
    "LengthWarning",
    "MissingComponentError",
    "Settings",
    "UnigramVocabulary",
    "Vocabulary",
    "XLMRobertaSettings",
    "XLMRobertaTokenizer",
    "XLMTokenizer",
    "train",
]
__version__ = "0.1.0"
