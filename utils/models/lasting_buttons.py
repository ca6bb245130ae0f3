"""Lasting buttons: buttons of messages that work for ever, as plain data.

Their custom id, ``kf!NAME:VERSION:ARGUMENT``, says all about them. So every process answers a press after
every restart, and keeps nothing about the message. An argument may come from anyone and from any guild: it
names something of the guild of the press, and it allows nothing.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Self

from utils.models.texts import Text

LASTING_PREFIX = "kf!"
MAX_CUSTOM_ID_CHARACTERS = 100  # Discord's limit


class ButtonStyle(Enum):
    """The colours of a button; the values are Discord's numbers."""

    PRIMARY = 1
    SECONDARY = 2
    SUCCESS = 3
    DANGER = 4


@dataclass(frozen=True, slots=True)
class ButtonKind:
    """One kind of lasting button.

    Attributes:
        name: small letters and underscores; messages that exist keep it for ever.
        version: raised when older messages would mean something else; those are refused from then on.
    """

    name: str
    version: int = 1

    def make_custom_id(self, argument: str = "") -> str:
        """Return the custom id of a button; the ids of one message must differ, so the arguments must.

        Raises:
            ValueError: it would be longer than Discord allows.
        """
        custom_id = f"{LASTING_PREFIX}{self.name}:{self.version}:{argument}"
        if len(custom_id) > MAX_CUSTOM_ID_CHARACTERS:
            raise ValueError(f"{custom_id!r} is longer than a custom id may be")
        return custom_id


@dataclass(frozen=True, slots=True)
class PressedId:
    """The custom id of a lasting button, as a press sends it.

    Attributes:
        version: as written, because a foreign one may be no number.
    """

    name: str
    version: str
    argument: str

    @classmethod
    def read(cls, custom_id: str) -> Self | None:
        """Return the parts of a custom id; None if it is not of a lasting button."""
        if not custom_id.startswith(LASTING_PREFIX):
            return None
        name, _, rest = custom_id.removeprefix(LASTING_PREFIX).partition(":")
        version, _, argument = rest.partition(":")
        return cls(name, version, argument)

    def is_of(self, kind: ButtonKind) -> bool:
        """Tell whether it names this kind in its version."""
        return (self.name, self.version) == (kind.name, str(kind.version))


@dataclass(frozen=True, slots=True)
class LastingButton:
    """A button below a message."""

    kind: ButtonKind
    label: Text
    argument: str = ""
    style: ButtonStyle = ButtonStyle.SECONDARY
    emoji: str | None = None
