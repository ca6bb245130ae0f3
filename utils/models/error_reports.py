"""Groups of errors as they are shown: in a list, or one of them whole."""

from dataclasses import dataclass
from enum import StrEnum

from utils.models.error_groups import ErrorGroup, TroubleCount
from utils.models.error_guides import Guide
from utils.models.texts import Text


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group in a list, with the number of its errors in the last 24 hours."""

    group: ErrorGroup
    guide: Guide
    day: int


@dataclass(frozen=True, slots=True)
class GroupPage:
    """A page of groups, the number of all, and the troubles of the running hour."""

    rows: tuple[ListedGroup, ...]
    total: int
    troubles: tuple[TroubleCount, ...]


@dataclass(frozen=True, slots=True)
class GroupReport:
    """Everything about one group.

    Attributes:
        hour: the number of errors in the running hour; ``day`` and ``fortnight`` are those of 24 hours and of
            14 days.
        is_whole: it is a group of the whole bot.
    """

    group: ErrorGroup
    guide: Guide
    hour: int
    day: int
    fortnight: int
    pattern: Text | None
    is_whole: bool


class AlertKind(StrEnum):
    """The reasons why the owners of the bot are told of a group."""

    NEW = "new"
    REGRESSED = "regressed"
    SPIKE = "spike"


@dataclass(frozen=True, slots=True)
class ErrorAlert:
    """A group of the whole bot that the owners are told of.

    Attributes:
        count: the number of errors that led to it.
    """

    kind: AlertKind
    group: ErrorGroup
    count: int
