"""Streams of texts, in one process or in several."""
