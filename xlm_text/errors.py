"""The errors that bad input gets: what was given, what was expected and what to do, in one line."""


class InputError(ValueError):
    """A value from the caller cannot be used: an argument, a text, or the contents of a file."""


class MissingComponentError(ImportError):
    """A package or model that a language needs is not on this machine."""
