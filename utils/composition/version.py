"""The version of the bot, the folder of the project, and the call that makes a child process."""

import tomllib
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]

CHILD = "child"
"""The call of ``bot.py`` that does heavy work for another process."""


@cache  # a start asks five times
def read_project() -> dict[str, str]:
    """Return the name and the version of the project, as ``pyproject.toml`` gives them."""
    project: dict[str, str] = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    return project
