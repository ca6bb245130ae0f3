"""A call of the command line: its name, its arguments, and the module that does it, which is loaded late."""

import argparse
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from importlib import import_module

DONE, FAILED, WRONG_USAGE = 0, 1, 2
"""The exit codes of every call: done, failed or refused, wrong usage or configuration."""

LATEST = "latest"
BEFORE_MIGRATION = "before-migration"
NOTHING = "nothing"
"""Names of backups; the last one is that of an empty database that begins again."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the command line, for example ``python bot.py check``.

    Attributes:
        name: the word after ``bot.py``.
        purpose: what it does, in one line of the help.
        module: the module with its function; it is loaded when the call is made.
        function: does it and returns the exit code; it gets a ``CallContext``.
        add_options: adds the arguments of this call alone.
    """

    name: str
    purpose: str
    module: str
    function: str
    _: KW_ONLY
    add_options: Callable[[argparse.ArgumentParser], None] = lambda _: None

    def load(self) -> Callable[..., int]:
        """Load its module and return its function."""
        found: Callable[..., int] = getattr(import_module(self.module), self.function)
        return found
