"""The set-up of a community: the button that opens it, and the checklist that it shows."""

from dataclasses import dataclass
from enum import Enum

from utils.models.guilds import ChannelKind
from utils.models.lasting_buttons import ButtonKind, ButtonStyle, LastingButton
from utils.models.texts import Command, Text, text

SETUP_KINDS = (
    ChannelKind.KILLFEED,
    ChannelKind.ALERTS,
    ChannelKind.EVENTS,
    ChannelKind.CONNECTIONS,
    ChannelKind.NEWS,
    ChannelKind.BOUNTIES,
    ChannelKind.LEADERBOARD,
)
"""The kinds of channel that something is posted in, in the order of the checklist."""

CREATED_KINDS = tuple(kind for kind in SETUP_KINDS if kind is not ChannelKind.CONNECTIONS)
"""The kinds that one press creates: joins and leaves are off until an admin chooses their channel."""

SET_UP = ButtonKind("setup")
SET_UP_BUTTON = LastingButton(SET_UP, text("Set up"), style=ButtonStyle.PRIMARY)


class StepState(Enum):
    """How far a step of the set-up is.

    ``OPEN`` is needed before anything is posted, ``OPTIONAL`` is not; ``LOCKED`` waits for a tier.
    """

    DONE = "done"
    RUNNING = "running"
    OPEN = "open"
    OPTIONAL = "optional"
    TROUBLE = "trouble"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A line of the checklist.

    Attributes:
        said: how far it is, or what to do.
        command: does the same as the buttons; None if no command does.
    """

    state: StepState
    title: Text
    said: Text
    command: Command | None = None


@dataclass(frozen=True, slots=True)
class Checklist:
    """The state of the set-up of a community, computed from what is stored and from the bot's permissions.

    Attributes:
        next_step: what to do now, or what happens now if nothing is left to do.
        language: the language that an admin chose; None: the one of Discord's settings.
    """

    steps: tuple[SetupStep, ...]
    next_step: Text
    language: str | None

    @property
    def is_done(self) -> bool:
        """Tell whether the bot posts now: nothing that is needed is open or in trouble."""
        return not any(step.state in (StepState.OPEN, StepState.TROUBLE) for step in self.steps)
