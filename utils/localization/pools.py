"""Pools: titles and lines of posts, written in each language; the event itself chooses among them.

They are read once for each language, and a post only fills their places, so that a kill stays cheap.
"""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "pools"


@dataclass(frozen=True, slots=True)
class Pool:
    """The texts for posts of one variant.

    Attributes:
        lines: sentences with places in braces, which the embed of the kind fills.
    """

    titles: Sequence[str]
    lines: Sequence[str]

    def choose_title(self, event_id: bytes) -> str:
        """Return the title that belongs to an event."""
        return choose_text(self.titles, event_id, part="title")

    def choose_line(self, event_id: bytes) -> str:
        """Return the line that belongs to an event, with its places still open."""
        return choose_text(self.lines, event_id, part="line")


Pools = Mapping[str, Pool]
"""Pools by kind of notice and variant: ``death.kill``."""


def read_pools(file: Path) -> Pools:
    """Return the pools of a file."""
    kinds = tomllib.loads(file.read_text(encoding="utf-8"))
    return {
        f"{kind}.{variant}": Pool(tuple(pool["titles"]), tuple(pool["lines"]))
        for kind, variants in kinds.items()
        for variant, pool in variants.items()
    }


def choose_text(pool: Sequence[str], event_id: bytes, *, part: str) -> str:
    """Return the text of a pool for an event: always the same one for the same event.

    ``part`` makes the choices of one event (title, line) independent of each other. The event's id is hashed
    because its first bytes may be a time.
    """
    digest = hashlib.sha256(part.encode() + b"\0" + event_id).digest()
    return pool[int.from_bytes(digest[:8]) % len(pool)]


ENGLISH_POOLS = read_pools(FOLDER / "en.toml")
"""The pools for languages without their own."""
