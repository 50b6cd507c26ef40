"""The two errors that the package raises beside `ValueError` for a bad argument of a call."""


class ConfigError(ValueError):
    """A configuration holds a wrong value; the message names key, value, and what fits."""


class CheckpointError(Exception):
    """A checkpoint cannot be read, or does not fit the model that it is read into."""
