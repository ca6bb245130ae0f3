"""Probes of the database: does it store, how fast, are all members there, does its clock agree."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from utils.clock import Clock
from utils.errors import StorageError
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import WHOLE_BOT, CheckState, Finding, IncidentKey
from utils.models.texts import Number, text
from utils.tallies import Durations, Recent, compute_quantile
from utils.telemetry.health.checker import Probe
from utils.telemetry.health.measuring import judge, say_well

SLOW_ROUNDS = 5
"""Minutes over which the duration of operations is judged."""


class DatabaseInspection(Protocol):  # implemented by DatabaseInspector
    """Looks at the database."""

    async def write_and_read(self) -> None:
        """Write something and read it back, in one transaction.

        Raises:
            StorageError: it went wrong.
        """

    async def read_clock(self) -> datetime:
        """Return the time of MongoDB's machine."""

    async def count_members(self) -> tuple[int, int] | None:
        """Return how many members of the replica set are up, and how many there are.

        None if that may not be asked, or there is one alone.
        """


def probe_answers(database: DatabaseInspection, clock: Clock) -> Probe:
    """Return the probe of writing and reading back."""
    kind = IncidentKind.DATABASE_AWAY

    async def look() -> Sequence[Finding]:
        began = clock.monotonic()
        try:
            await database.write_and_read()
        except StorageError as error:
            # an error's own words may name a host or quote a document
            said = text(
                "Storing something and reading it back failed ({problem}).", problem=type(error).__name__
            )
            return (Finding(IncidentKey(WHOLE_BOT, kind), CheckState.CRITICAL, said),)
        seconds = clock.monotonic() - began
        said = text("Storing something and reading it back takes {time} ms.", time=Number(seconds * 1000))
        return (judge(kind, said, seconds=seconds),)

    said = text("Storing something and reading it back takes more than 5 seconds.")
    stuck = Finding(IncidentKey(WHOLE_BOT, kind), CheckState.CRITICAL, said)
    return Probe(kind=kind, look=look, is_shared=True, when_stuck=stuck)


def probe_speed(operations: Durations) -> Probe:
    """Return the probe of the duration of operations."""
    kind, recent = IncidentKind.DATABASE_SLOW, Recent(lambda: operations.counts, rounds=SLOW_ROUNDS)

    async def look() -> Sequence[Finding]:
        p95 = compute_quantile(recent.end_round(), 0.95)
        said = text(
            "In the last 5 minutes 95 % of the operations took at most {time} ms.", time=Number(p95 * 1000)
        )
        return (judge(kind, said, p95_seconds=p95),)

    return Probe(kind=kind, look=look)


def probe_members(database: DatabaseInspection) -> Probe:
    """Return the probe of the members of the replica set."""
    kind = IncidentKind.DATABASE_MEMBERS

    async def look() -> Sequence[Finding]:
        members = await database.count_members()
        if members is None:
            return say_well(kind, text("MongoDB has one member, or doesn't tell me of others."))
        up, known = members
        said = text("{up} of {known} members are up.", up=Number(up), known=Number(known))
        has_majority = 2 * up > known
        share_up = up / known if has_majority else 0.0
        return (judge(kind, said, down=known - up, share_up=share_up),)

    return Probe(kind=kind, look=look, needs_database=True, is_shared=True)


def probe_clock(database: DatabaseInspection, clock: Clock) -> Probe:
    """Return the probe of the clocks; half of the round trip is allowed for."""
    kind = IncidentKind.CLOCK_SKEW

    async def look() -> Sequence[Finding]:
        began_at, began = clock.now(), clock.monotonic()
        theirs = await database.read_clock()
        half = (clock.monotonic() - began) / 2
        apart = abs((theirs - began_at).total_seconds() - half)
        apart = max(0.0, apart - half)
        said = text("The clocks are {count} s apart.", count=Number(apart, 1))
        return (judge(kind, said, seconds=apart),)

    return Probe(kind=kind, look=look, needs_database=True)
