"""The facts that every notice has."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(ABC):
    """The facts of a post; its look is chosen when it is shown.

    Facts are bytes, texts, whole numbers, times, members of a ``StrEnum``, or None.

    Attributes:
        event_id: chooses the texts from pools, so a retry shows the same ones.
        server_name: the game server it is about.
        at: when it happened, UTC.
        is_standing: its post is edited when its facts change, so it shares a message with its like alone.
    """

    event_id: bytes
    server_name: str
    at: datetime
    is_standing: ClassVar[bool] = False

    @property
    def mentioned_role(self) -> int | None:
        """The role that its post mentions; None if it mentions nobody."""
        return None

    @property
    @abstractmethod
    def variant(self) -> StrEnum:
        """The event; it chooses the look among those of its kind."""


def compute_event_id(matter: str) -> bytes:
    """Return the id of an event that is no death: the same matter always has the same one."""
    return blake2b(matter.encode(), digest_size=16).digest()
