"""Kinds of errors: refusals, which are none, troubles of the surroundings, and unexpected ones."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from utils.errors import (
    DeliveryDelayedError,
    DeliveryUncertainError,
    RemoteError,
    StorageUnavailableError,
    UserFacingError,
)
from utils.telemetry.fingerprints import FactReader


class ErrorKind(Enum):
    """The three kinds."""

    REFUSAL = auto()
    TROUBLE = auto()
    UNEXPECTED = auto()


TROUBLES = (StorageUnavailableError, RemoteError, DeliveryDelayedError, DeliveryUncertainError)
MONGODB, DISCORD = "MongoDB", "Discord"


def _never(error: BaseException) -> bool:
    del error
    return False


@dataclass(frozen=True, slots=True)
class LibraryErrors:
    """The knowledge of other rooms about the errors of their libraries.

    Attributes:
        facts: read the facts that name a failure.
        is_refusal: tells whether a member may not do something.
        is_trouble: tells whether Discord, or the way to it, could not take a request for a while.
    """

    facts: tuple[FactReader, ...] = ()
    is_refusal: Callable[[BaseException], bool] = _never
    is_trouble: Callable[[BaseException], bool] = _never

    def choose_kind(self, error: BaseException) -> ErrorKind:
        """Return the kind of an error."""
        if isinstance(error, UserFacingError) or self.is_refusal(error):
            return ErrorKind.REFUSAL
        if isinstance(error, TROUBLES) or self.is_trouble(error):
            return ErrorKind.TROUBLE
        return ErrorKind.UNEXPECTED


def name_host(error: BaseException, host: str | None) -> str:
    """Return the other side of a trouble: MongoDB, Discord, or the game host if it is known."""
    if isinstance(error, StorageUnavailableError):
        return MONGODB
    if isinstance(error, RemoteError):
        return host or "game host"
    return DISCORD
