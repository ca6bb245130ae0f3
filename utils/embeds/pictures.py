"""Pictures that are sent with messages: the files of ``artwork/``, read once."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import discord

_FOLDER = Path(__file__).parent / "artwork"


@dataclass(frozen=True, slots=True)
class Picture:
    """A file of a message; an embed shows it as ``attachment://<name>``.

    ``description`` is for people who do not see it; empty for decoration.
    """

    name: str
    data: bytes
    description: str = ""

    def __repr__(self) -> str:
        """Show name and size, without the bytes."""
        return f"Picture({self.name}, {len(self.data)} bytes)"


def build_file(picture: Picture) -> discord.File:
    """Return a picture for the library; a new one for every try, because it can be read only once."""
    return discord.File(
        io.BytesIO(picture.data), filename=picture.name, description=picture.description or None
    )


@cache
def load_picture(name: str) -> Picture:
    """Return one of the project's pictures."""
    return Picture(name, (_FOLDER / name).read_bytes())


def load_pictures(names: Iterable[str]) -> Mapping[str, Picture]:
    """Return pictures by name; the files are small and read once, at start-up."""
    return {name: load_picture(name) for name in names}
