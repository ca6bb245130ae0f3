"""Pictures that are sent with messages: the files of ``artwork/``, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from utils.embeds.theme import Theme

_FOLDER = Path(__file__).parent / "artwork"


@dataclass(frozen=True, slots=True)
class Picture:
    """A file of a message; an embed shows it as ``attachment://<name>``."""

    name: str
    data: bytes

    def __repr__(self) -> str:
        """Show name and size; the bytes say nothing to a reader."""
        return f"Picture({self.name}, {len(self.data)} bytes)"


@cache
def load_picture(name: str) -> Picture:
    """Return one of the project's pictures."""
    return Picture(name, (_FOLDER / name).read_bytes())


def load_pictures(theme: Theme) -> Mapping[str, Picture]:
    """Return every picture of a theme by name; the files are small and read once, at start-up."""
    return {look.picture: load_picture(look.picture) for look in theme.looks}
