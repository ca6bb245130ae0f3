"""Decides, at the end of each read, which joins and leaves are posted; no I/O.

A post changes what people believe (``PlayerPresence.is_shown``), so it is enough to compare that with the
state: who joined and left within one read changed nothing, and neither did a leaver who came back within the
hold. A silent read corrects the belief without a post.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from utils.models.presence import QUIET_PHASE, PlayerPresence, PlayerState, ServerPresence
from utils.models.scope import PlayerId
from utils.services.presence.tracker import HOLD

NAME_TIME = timedelta(seconds=60)
"""A post waits this long for the name of its player; without a name there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRules:
    """The wishes of a community about players who come and go on a game server.

    Attributes:
        shows_joins: joins are posted, and who is back after a restart.
        shows_leaves: leaves are posted.
        hold: how long a leaver has to come back in silence. Their session ends by a rule of its own.
    """

    shows_joins: bool = True
    shows_leaves: bool = True
    hold: timedelta = HOLD


USUAL_RULES = VisitRules()
"""The rules of a community that has chosen nothing."""


@dataclass(frozen=True, slots=True)
class Leaver:
    """A player who left, with the length of the session."""

    name: str
    played: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceNews:
    """The posts that follow a read, and the state with which they agree.

    Attributes:
        joined: the names of who joined, in the order of joining.
        left: the players who left, in the order of leaving.
        returned: how many players are back after the restart; 0 if there is nothing to tell.
    """

    state: ServerPresence
    joined: tuple[str, ...] = ()
    left: tuple[Leaver, ...] = ()
    returned: int = 0


def list_nameless(state: ServerPresence) -> frozenset[PlayerId]:
    """Return the players whom a post may have to name, although no line of this run told their name."""
    return frozenset(
        one.player_id
        for one in state.players.values()
        if not one.name and one.player_id is not None and one.is_online is not one.is_shown
    )


def choose_news(
    state: ServerPresence,
    *,
    log_now: datetime | None,
    is_silent: bool,
    names: Mapping[PlayerId, str],
    rules: VisitRules = USUAL_RULES,
) -> PresenceNews:
    """Return what is posted about a state at the end of a read.

    Args:
        state: the state.
        log_now: the newest stamp, and the time that has passed since it was read; None before the first.
        is_silent: nothing of this read is news.
        names: stored names of players.
        rules: what the community wants to see.
    """
    if log_now is None:
        return PresenceNews(state=state)
    joined: list[tuple[datetime, str]] = []
    left: list[tuple[datetime, Leaver]] = []
    players = dict(state.players)
    for key, player in state.players.items():
        since = player.left_at or player.since
        is_back = player.left_at is None and player.state is not PlayerState.ABSENT
        is_gone = is_back or since + rules.hold <= log_now
        if player.is_online is player.is_shown or not (player.is_online or is_gone or is_silent):
            continue
        name = player.name or (names.get(player.player_id, "") if player.player_id else "")
        if not name and not is_silent and log_now < since + NAME_TIME:
            continue
        players[key] = replace(player, is_shown=player.is_online)
        if not name or is_silent:
            continue
        if player.is_online and rules.shows_joins:
            joined.append((since, name))
        elif not player.is_online and rules.shows_leaves:
            left.append((since, Leaver(name, _compute_played(player))))
    is_over = state.started_at is not None and log_now >= state.started_at + QUIET_PHASE
    returned = state.returned if is_over else 0
    return PresenceNews(
        state=replace(state, players=players, returned=state.returned - returned),
        joined=tuple(name for _, name in sorted(joined)),
        left=tuple(leaver for _, leaver in sorted(left, key=lambda one: (one[0], one[1].name))),
        returned=0 if is_silent or not rules.shows_joins else returned,
    )


def _compute_played(player: PlayerPresence) -> timedelta:
    """Return the length of the session that ended last."""
    if player.state is PlayerState.ONLINE and player.left_at is not None:
        return player.left_at - player.since
    return timedelta(seconds=player.played_seconds or 0)
