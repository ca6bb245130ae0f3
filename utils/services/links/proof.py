"""Proof of a link, decided without I/O: the times to name, what proves, and when it is too late.

A sign is a menu suicide, or leaving the game server. The game's own menu suicide can be repeated after about
five minutes, so the windows are further apart than that. The owner of the player can give a sign in both; a
stranger can only hope that the owner does so by chance.
Pauses between requests for one player, by all members together, limit that: on real days such a stranger has
less than one chance in a hundred a day, even for the player who uses the menu most.
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

GRACE = timedelta(minutes=5)  # the game writes its log late, and polls have pauses
LONGEST_GRACE = timedelta(hours=2)  # if a host is away; then the member tries again

PAUSES = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""The pauses for a player after the first, the second and every further request without a proof."""

AT_ONCE = 3  # requests for one player at once, and only while none of them has failed
MEMORY = timedelta(days=7)  # after the last pause; then requests are counted from zero
PROOF_OBJECTION_TIME = timedelta(days=3)  # until then a member with a fresh proof cannot erase


def can_be_asked_for(attempts: ProofAttempts | None, *, now: datetime) -> bool:
    """Tell whether a player may be asked for, by the earlier requests."""
    if attempts is None or now >= attempts.free_at:
        return True
    return attempts.count < AT_ONCE and now < attempts.open_until


def count_request(attempts: ProofAttempts | None, *, ends_at: datetime, now: datetime) -> ProofAttempts:
    """Return the requests for a player with one more, whose last window ends at a moment.

    A request counts from its beginning, as if it had failed: a proof resets the count.
    """
    if attempts is None or now >= attempts.free_at + MEMORY:
        return ProofAttempts(1, ends_at, ends_at + PAUSES[0])
    count = attempts.count + 1
    free_at = ends_at + PAUSES[min(count, len(PAUSES)) - 1]
    return ProofAttempts(count, attempts.open_until, max(free_at, attempts.free_at))


def choose_windows(now: datetime, rng: Random) -> tuple[ProofWindow, ProofWindow]:
    """Return two random windows, on whole minutes, that keep every rule above."""
    earliest = now + LEAD
    first_minute = earliest.replace(second=0, microsecond=0)
    if first_minute < earliest:
        first_minute += MINUTE
    slack = (now + WITHIN - first_minute - 2 * WINDOW - APART) // MINUTE
    before, until = sorted((rng.randint(0, slack), rng.randint(0, slack)))
    first = first_minute + before * MINUTE
    second = first_minute + until * MINUTE + WINDOW + APART
    return ProofWindow(first, first + WINDOW), ProofWindow(second, second + WINDOW)


def find_proof(windows: Sequence[ProofWindow], signs: Iterable[datetime]) -> datetime | None:
    """Return when the proof was complete by the log's time: a sign in every window; else None."""
    moments = sorted(signs)
    hits = [next((at for at in moments if window.holds(at)), None) for window in windows]
    found = [at for at in hits if at is not None]
    return max(found) if found and len(found) == len(windows) else None


def list_seen(windows: Iterable[ProofWindow], signs: Iterable[datetime]) -> tuple[ProofWindow, ...]:
    """Return the windows that hold a sign."""
    moments = tuple(signs)
    return tuple(window for window in windows if any(window.holds(at) for at in moments))


def find_unclear(complete: Iterable[tuple[datetime, Link]]) -> list[Link]:
    """Return the complete requests, each with its moment, whose signs may be another member's.

    If the owner and a stranger asked at the same time, the owner's signs may complete both requests. It does
    not matter who asked first, so neither gets the player. A request that was complete before all others is
    not among these, because it has another sign.
    """
    moments: dict[PlayerId, list[datetime]] = {}
    requests = list(complete)
    for at, link in requests:
        moments.setdefault(link.player_id, []).append(at)
    unclear = {player_id for player_id, ats in moments.items() if ats.count(min(ats)) > 1}
    return [link for _, link in requests if link.player_id in unclear]


def can_be_proven(windows: Sequence[ProofWindow], signs: Iterable[datetime], *, now: datetime) -> bool:
    """Tell whether a proof is still possible at this moment: no window is missed, and the last is not over.

    A window that ended within the last minute does not count as missed: its row may not be read yet.
    """
    moments = tuple(signs)
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
    """Tell whether an incomplete proof ends now.

    The logs decide, not our clock: it ends only when the logs of all servers that know the player were read
    some minutes after its last window, or when a host was away for long.
    """
    certain_at = ends_at + GRACE
    if now < certain_at:
        return False
    if now >= ends_at + LONGEST_GRACE:
        return True
    reads = [health[server_id].last_read_at for server_id in servers if server_id in health]
    return all(read_at is not None and read_at >= certain_at for read_at in reads)
