"""From the texts of one language to ids, spans, tokens and words."""
