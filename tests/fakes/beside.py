"""The files in ../shared, which are not part of the project. Tests that need them skip themselves."""

from collections.abc import Mapping
from pathlib import Path

from simulation.discord.openapi import DOCUMENT_PATH

SHARED = Path(__file__).parents[3] / "shared"
SAMPLES = SHARED / "samples" / "deathlogs"
DEADSIDE_LINES = SHARED / "samples" / "deadside-log" / "four-real-lines.log"
CONTRACT = SHARED / "CONTRACT.md"
PARTS = {
    "real days of game servers": SAMPLES,
    "real lines of Deadside.log": DEADSIDE_LINES,
    "Discord's API document, against which every request is checked": DOCUMENT_PATH,
    "the contract of the settings": CONTRACT,
}


def describe_missing(parts: Mapping[str, Path] = PARTS) -> str:
    """Return one line about all that is skipped because files are missing; empty if all are here."""
    missing = [name for name, path in parts.items() if not path.exists()]
    return f"Skipped without ../shared: {'; '.join(missing)}." if missing else ""
