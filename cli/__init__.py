"""The commands ``xlm-tok`` and ``xlm-model``: they parse, call the packages, and print."""
