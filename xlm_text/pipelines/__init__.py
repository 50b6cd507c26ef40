"""From a text to its words: units, normalization, word rules or a segmenter, case."""
