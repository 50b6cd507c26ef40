"""Byte pair encoding: the pieces of words, and how merges are learned."""
