"""Guides: the help with a kind of error."""

from dataclasses import dataclass
from enum import Enum

from utils.models.texts import Text, text


class Mender(Enum):
    """The people who can mend an error."""

    NOBODY = text("No action needed")
    ADMIN = text("An admin here")
    HOST = text("The bot's owner")
    MAKERS = text("The makers of the bot")


@dataclass(frozen=True, slots=True)
class Guide:
    """The help with a kind of error.

    Attributes:
        meaning: what it means.
        mender: who can mend it.
        steps: what to do.
        runbook: the heading in docs/RUNBOOKS.md, if there is one.
    """

    meaning: Text
    mender: Mender
    steps: Text
    runbook: str | None = None
