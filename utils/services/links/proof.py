"""Proof of a link, decided without I/O: which times are named, what proves, and when it is too late.

The game's own menu suicide can be repeated after about five minutes, so the windows are further apart than
that. The owner of the player can die in both; a stranger can only hope that the owner happens to. Hope is
kept short by pauses between requests for one player, by all members together: on real days such a stranger
has less than one chance in a hundred a day, even for a player who uses the menu most.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from utils.models.links import Link, ProofAttempts, ProofWindow
from utils.models.scope import PlayerId, ServerId
from utils.models.servers import ServerHealth

WINDOW = timedelta(minutes=2)
APART = timedelta(minutes=6)  # from the end of the first to the start of the second
WITHIN = timedelta(minutes=20)
LEAD = timedelta(minutes=1)  # to read the answer and be in the game
MINUTE = timedelta(minutes=1)

GRACE = timedelta(minutes=5)  # the game writes its log late, and it is read every so often
LONGEST_GRACE = timedelta(hours=2)  # for a host that is away; then the member tries again

PAUSES = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""How long nobody may ask for a player after the first, the second and every further request in vain."""

AT_ONCE = 3  # requests for one player beside each other, and only while none of them was in vain
MEMORY = timedelta(days=7)  # after the last pause; then requests are counted anew
PROOF_OBJECTION_TIME = timedelta(days=3)  # until then a proof erases nothing for good


def can_be_asked_for(attempts: ProofAttempts | None, *, now: datetime) -> bool:
    """Tell whether a player may be asked for, by the requests that were made before."""
    if attempts is None or now >= attempts.free_at:
        return True
    return attempts.count < AT_ONCE and now < attempts.open_until


def count_request(attempts: ProofAttempts | None, *, ends_at: datetime, now: datetime) -> ProofAttempts:
    """Return the requests for a player with one more, whose last window ends at a moment.

    It counts from the beginning, as if it were in vain: a proof forgets all of them.
    """
    if attempts is None or now >= attempts.free_at + MEMORY:
        return ProofAttempts(1, ends_at, ends_at + PAUSES[0])
    count = attempts.count + 1
    free_at = ends_at + PAUSES[min(count, len(PAUSES)) - 1]
    return ProofAttempts(count, attempts.open_until, max(free_at, attempts.free_at))


def choose_windows(now: datetime, rng: Random) -> tuple[ProofWindow, ProofWindow]:
    """Return two windows at random, on whole minutes, that keep every rule above."""
    earliest = now + LEAD
    first_minute = earliest.replace(second=0, microsecond=0)
    if first_minute < earliest:
        first_minute += MINUTE
    slack = (now + WITHIN - first_minute - 2 * WINDOW - APART) // MINUTE
    before, until = sorted((rng.randint(0, slack), rng.randint(0, slack)))
    first = first_minute + before * MINUTE
    second = first_minute + until * MINUTE + WINDOW + APART
    return ProofWindow(first, first + WINDOW), ProofWindow(second, second + WINDOW)


def find_proof(windows: Sequence[ProofWindow], suicides: Iterable[datetime]) -> datetime | None:
    """Return when the proof was complete by the log's time: a menu suicide in every window; else None."""
    moments = sorted(suicides)
    hits = [next((at for at in moments if window.holds(at)), None) for window in windows]
    found = [at for at in hits if at is not None]
    return max(found) if found and len(found) == len(windows) else None


def find_unclear(complete: Iterable[tuple[datetime, Link]]) -> list[Link]:
    """Return the complete requests, each with its moment, whose suicides may be another member's.

    The owner proves a player, and a stranger who asked at the same time is lucky with the same suicides. Who
    of the two asked first says nothing, so the player is nobody's. A request that was complete before any
    other is none of these: it rests on another suicide.
    """
    moments: dict[PlayerId, list[datetime]] = {}
    requests = list(complete)
    for at, link in requests:
        moments.setdefault(link.player_id, []).append(at)
    unclear = {player_id for player_id, ats in moments.items() if ats.count(min(ats)) > 1}
    return [link for _, link in requests if link.player_id in unclear]


def can_be_proven(windows: Sequence[ProofWindow], suicides: Iterable[datetime], *, now: datetime) -> bool:
    """Tell whether a proof can still be done by then: no window is missed, and the last is not over.

    A window that ended within the last minute is not taken for missed: its row may not be read yet.
    """
    moments = tuple(suicides)
    missed = any(
        window.ends_at + MINUTE < now and not any(window.holds(at) for at in moments) for window in windows
    )
    return bool(windows) and not missed and now < windows[-1].ends_at


def is_overdue(
    ends_at: datetime,
    servers: Iterable[ServerId],
    health: Mapping[ServerId, ServerHealth],
    *,
    now: datetime,
) -> bool:
    """Tell whether a proof that is not complete ends now.

    The game's time decides, not ours: it ends only when the logs of every server the player is known on were
    read some minutes after its last window, or when a host has been away for long.
    """
    certain_at = ends_at + GRACE
    if now < certain_at:
        return False
    if now >= ends_at + LONGEST_GRACE:
        return True
    reads = [health[server_id].last_read_at for server_id in servers if server_id in health]
    return all(read_at is not None and read_at >= certain_at for read_at in reads)
