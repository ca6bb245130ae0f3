"""The version of the bot, and the folder of the project."""

import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def read_project() -> dict[str, str]:
    """Return the name and the version of the project, as ``pyproject.toml`` gives them."""
    project: dict[str, str] = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    return project
