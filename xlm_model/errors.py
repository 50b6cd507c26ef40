"""The two errors that the package raises beside `ValueError` for a bad argument of a call."""


class ConfigError(ValueError):
    """A configuration holds a wrong value; the message names key, value, and what fits."""


class CheckpointError(Exception):
    """A checkpoint cannot be read, or does not fit the model that it is read into.

    Args:
        problem: What is wrong.
        advice: What to do about it in Python.
    """

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(problem, advice)
        self.problem = problem
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.problem}; {self.advice}" if self.advice else self.problem


class TrainingError(Exception):
    """A training cannot go on, or cannot be saved; the message says what is left of it."""
