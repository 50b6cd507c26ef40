"""Rules that rewrite text, and the two rule sets."""
