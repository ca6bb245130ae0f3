"""Unexpected errors: a short reference code for people, a record for the log; equal ones are grouped."""

import hashlib
import traceback
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from structlog import get_logger

from utils.clock import Clock
from utils.errors import StorageUnavailableError

REFERENCE_LENGTH = 6
MAX_GROUPS = 1000  # more groups of errors are not kept
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no letters that look like a digit or another letter

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Errors of one type from one place.

    Attributes:
        reference: the code for people; it is computed from type and place, so it is the same in every
            process.
        error_type: the exception's full name.
        place: file and function of the innermost frame, for example ``service.py:place_bounty``.
    """

    reference: str
    error_type: str
    place: str
    count: int
    first_seen_at: datetime
    last_seen_at: datetime


class ErrorReporter:
    """Gives every unexpected error its reference code; it never raises."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._groups: OrderedDict[str, ErrorGroup] = OrderedDict()

    def report(self, error: BaseException) -> str:
        """Log an unexpected error, with the bound guild, server and command, and return its reference."""
        error_type = f"{type(error).__module__}.{type(error).__qualname__}"
        place = find_place(error)
        reference = compute_reference(error_type, place)
        try:
            group = self._count(reference, error_type, place)
            bound = _log.bind(reference=reference, place=place, count=group.count)
            if isinstance(error, StorageUnavailableError):
                # its sentence says all; the place where an outage was noticed does not matter
                bound.warning("the database is away", problem=str(error))
            else:
                bound.error("unexpected error", exc_info=error)
        except Exception:  # noqa: BLE001 - the person still gets the code, and the caller its answer
            _log.error("unexpected error, not describable", reference=reference, place=place)
        return reference

    def find_group(self, reference: str) -> ErrorGroup | None:
        """Return the errors behind a reference, as typed by a person, seen since the start."""
        return self._groups.get(reference.strip().upper())

    def list_groups(self) -> tuple[ErrorGroup, ...]:
        """Return all groups seen since the start, the latest first."""
        return tuple(reversed(self._groups.values()))

    def _count(self, reference: str, error_type: str, place: str) -> ErrorGroup:
        now = self._clock.now()
        known = self._groups.pop(reference, None)
        if known is None:
            group = ErrorGroup(reference, error_type, place, 1, now, now)
        else:
            group = replace(known, count=known.count + 1, last_seen_at=now)
        self._groups[reference] = group
        if len(self._groups) > MAX_GROUPS:
            self._groups.popitem(last=False)
        return group


def find_place(error: BaseException) -> str:
    """Return file and function where an error was raised, without the line, which changes with edits."""
    frames = list(traceback.walk_tb(error.__traceback__))
    if not frames:
        return "nowhere"
    code = frames[-1][0].f_code
    return f"{Path(code.co_filename).name}:{code.co_name}"


def compute_reference(error_type: str, place: str) -> str:
    """Return the code of a group: equal for equal type and place, in every process."""
    number = int.from_bytes(hashlib.sha256(f"{error_type}\0{place}".encode()).digest()[:8])
    code = ""
    for _ in range(REFERENCE_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        code += _ALPHABET[digit]
    return code
