"""Corpora: from raw files to training data, on one machine or on a cluster.

Needs the extra ``corpora`` (pyarrow), and ``ray`` for a cluster; nothing else imports it.
"""

from __future__ import annotations

from xlm_text.corpora.opening import Corpus
from xlm_text.corpora.opening import open_corpus as open
from xlm_text.corpora.progress import Progress
from xlm_text.corpora.run import prepare
from xlm_text.corpora.statistics import LanguageStatistics
from xlm_text.corpora.tokenize import Tokenize

__all__ = ["Corpus", "LanguageStatistics", "Progress", "Tokenize", "open", "prepare"]
