"""The facts that every notice has."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(ABC):
    """The facts of a post; its look is chosen when it is shown.

    Facts are bytes, texts, whole numbers, times, members of a ``StrEnum``, or None.

    Attributes:
        event_id: chooses the texts from pools, so a retry shows the same ones.
        server_name: the game server it is about.
        at: when it happened, UTC.
    """

    event_id: bytes
    server_name: str
    at: datetime

    @property
    @abstractmethod
    def variant(self) -> StrEnum:
        """The event; it chooses the look among those of its kind."""
