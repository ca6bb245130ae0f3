"""The state machine of players: lines of Deadside.log in, states and ended sessions out; no I/O.

Theory of operation
-------------------
Only lines and their stamps decide about states and sessions. The clock of the bot, the length of a read and
the settings of posts have no part in it. So a file gives the same states and sessions however it is cut into
reads, and a line that is read again after a crash changes nothing that the first reading would not have
changed. What is posted about the states is decided elsewhere, once a read (``announcing.py``).

=====================  ===================  =====================  =======================================
line                   absent               connecting             online
=====================  ===================  =====================  =======================================
beacon join            connecting           seen                   seen; a leaver is on the way back
join request           connecting, entering entering               kept: the next departure within 10 s is
                                                                   that of the old connection
joined (three kinds)   online               online                 confirmed; a leaver stays
departure              -                    absent                 leaves
close without player   -                    absent, unless they    -
                                            have requested
10 min without a line  -                    absent                 -
24 h without a line    -                    -                      absent (stale)
end of the run         -                    absent                 absent (restart)
=====================  ===================  =====================  =======================================

*Leavers.* A departure is four lines in one millisecond, or one, and a player who lost the connection is often
back soon. So a player who leaves stays in ``online`` with ``left_at`` for 30 s (``hold``). If they join
within that time, the session goes on. Otherwise it ended at ``left_at``.

*Names.* Some lines tell a name alone. It belongs to the player of this run with that name, else to the
server's one player of that name (``known``), else to a key made of the name. When a line tells the id of such
a name, both become one player.

*Time* never goes back: an older stamp counts as the newest one, and so does a line without a stamp.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from utils.models.deadside_log import (
    BeaconJoined,
    ConnectionClosed,
    JoinRequested,
    JoinSucceeded,
    Kicked,
    LogFact,
    LoggedIn,
    LoggedOut,
    LogLine,
    MaxPlayers,
    Registered,
    Unregistered,
)
from utils.models.presence import (
    QUIET_PHASE,
    LeaveReason,
    PlayerPresence,
    PlayerState,
    PlaySession,
    ServerPresence,
    build_name_key,
)
from utils.models.scope import PlayerId
from utils.models.typed_text import fold_text

HOLD = timedelta(seconds=30)
CONNECTING_TIME = timedelta(minutes=10)  # loading the map takes minutes at worst
STALE_TIME = timedelta(hours=24)
OLD_CONNECTION_TIME = timedelta(seconds=10)
ONE_DEPARTURE = timedelta(seconds=1)
"""All lines of one departure come within a few milliseconds."""

JOIN_TIME = timedelta(seconds=5)
"""A join that names its player by the name alone comes this soon after the join request."""

REMEMBERED_BEFORE_RESTART = timedelta(minutes=15)
STATE_MAXIMUM = 500  # of one state; a game server has 70 places at most
PLAYERS_MAXIMUM = 2_000

_LOGOUT_REASONS = {"quit": LeaveReason.QUIT, "lostconnection": LeaveReason.LOST}


class PresenceTracker:
    """Follows the players of one game server from a known state on.

    Args:
        before: the state; it is not changed.
        known: the server's one player of each folded name, for names that no line of this run has told.

    Attributes:
        sessions: the sessions that ended since then, of players whose id is known.
        peak: the most players who were in the game at once since then, and ``peak_at`` when.
    """

    def __init__(
        self,
        before: ServerPresence,
        *,
        hold: timedelta = HOLD,
        known: Mapping[str, PlayerId] | None = None,
    ) -> None:
        self.sessions: list[PlaySession] = []
        self.peak = 0
        self.peak_at: datetime | None = None
        self._hold = hold
        self._known = known or {}
        self._state = before
        self._newest_at = before.newest_at  # apart from the state: it changes with each line
        self._players = dict(before.players)
        self._due_at = self._find_due()

    def freeze(self) -> ServerPresence:
        """Return the state now."""
        return replace(self._state, newest_at=self._newest_at, players=dict(self._players))

    def advance(self, line: LogLine) -> None:
        """Take the next line of the log."""
        if line.at is not None:
            self._pass_time(line.at)
        now = self._newest_at
        if now is None or line.fact is None:
            return  # a line before the first stamp tells nothing about players
        if isinstance(line.fact, MaxPlayers):
            self._state = replace(self._state, max_players=line.fact.count)
        elif not self._take_arrival(line.fact, now):
            self._take_departure(line.fact, now)

    def _take_arrival(self, fact: LogFact, now: datetime) -> bool:
        """Take a line about a player who comes; tell whether it is one."""
        match fact:
            case BeaconJoined(player_id=player_id):
                self._connect(self._get(player_id, now), now)
            case JoinRequested(player_id=player_id, name=name, version=version):
                self._state = replace(self._state, version=version or self._state.version)
                self._request(self._learn(player_id, name, now), now)
            case JoinSucceeded(name=name):
                self._join(self._find_joining(name, now), now)
            case Registered(player_id=player_id):
                self._join(self._get(player_id, now), now)
            case LoggedIn(player_id=player_id, name=name):
                self._join(self._learn(player_id, name, now), now)
            case _:
                return False
        return True

    def _take_departure(self, fact: LogFact, now: datetime) -> None:
        """Take a line about a player who goes; lines about the world are for others."""
        match fact:
            case ConnectionClosed() as closed:
                self._close(closed, now)
            case Unregistered(player_id=player_id):
                self._leave(self._get(player_id, now), now, None)
            case LoggedOut(name=name, reason=reason):
                self._leave(self._find_leaving(name, now), now, _LOGOUT_REASONS.get(reason.casefold()))
            case Kicked(name=name):
                self._kick(self._find_leaving(name, now))
            case _:
                pass

    def end_run(self, run: str) -> None:
        """End the run and all its sessions at the last stamp, and begin another one."""
        ended_at = self._newest_at
        if ended_at is not None:
            for player in list(self._players.values()):
                if player.state is PlayerState.ONLINE:
                    self._end_session(player, LeaveReason.RESTART, player.left_at or ended_at)
        self._players = {
            key: replace(player, is_shown=False, is_of_former_run=True, state=PlayerState.ABSENT)
            for key, player in self._players.items()
            if player.played_seconds is not None and not player.is_of_former_run
        }
        self._state = ServerPresence(run=run)
        self._newest_at = self._due_at = None

    def begin_again(self) -> None:
        """Forget the players of this run, because its log is read again from its beginning."""
        self._players = {key: one for key, one in self._players.items() if one.is_of_former_run}
        self._state = ServerPresence(run=self._state.run)
        self._newest_at = self._due_at = None

    def _pass_time(self, at: datetime) -> None:
        """Move on to a stamp, and end what lasted too long before it."""
        if self._newest_at is not None and at <= self._newest_at:
            return
        if self._state.started_at is None:
            self._begin_run(at)
        self._newest_at = at
        while self._due_at is not None and self._due_at < at:
            self._end_due(at)

    def _begin_run(self, now: datetime) -> None:
        """Take the first stamp of a run; players who left long before it do not come back silently."""
        self._state = replace(self._state, started_at=now)
        since = now - REMEMBERED_BEFORE_RESTART
        self._players = {key: one for key, one in self._players.items() if one.since >= since}

    def _find_due(self) -> datetime | None:
        """Return the first moment behind which a state ends by itself."""
        return min((due for one in self._players.values() if (due := self._compute_end(one))), default=None)

    def _compute_end(self, player: PlayerPresence) -> datetime | None:
        """Return the moment behind which a state ends by itself; None if it does not."""
        if player.state is PlayerState.ABSENT:
            return None
        if player.state is PlayerState.CONNECTING:
            return player.seen_at + CONNECTING_TIME
        return player.seen_at + STALE_TIME if player.left_at is None else player.left_at + self._hold

    def _end_due(self, now: datetime) -> None:
        for player in list(self._players.values()):
            due = self._compute_end(player)
            if due is None or due >= now:
                continue
            if player.state is PlayerState.CONNECTING:
                self._put(replace(player, state=PlayerState.ABSENT, since=player.seen_at))
            else:
                self._end_session(player, LeaveReason.STALE, player.left_at or player.seen_at)
        self._due_at = self._find_due()

    def _end_session(self, player: PlayerPresence, reason: LeaveReason, ended_at: datetime) -> None:
        """End a session; a player on the way back connects from then on.

        Args:
            player: is online, or left.
            reason: why it ends if no line told that the player left.
            ended_at: when it ended.
        """
        has_left = player.left_at is not None
        if has_left:
            reason = player.reason or LeaveReason.QUIT
        if player.player_id is not None:
            self.sessions.append(
                PlaySession(
                    player_id=player.player_id,
                    name=player.name,
                    run=self._state.run,
                    started_at=player.since,
                    ended_at=ended_at,
                    reason=reason,
                    is_estimated=not has_left,
                )
            )
        gone = replace(
            player,
            state=PlayerState.ABSENT,
            since=ended_at,
            left_at=None,
            reason=None,
            old_until=None,
            returning_since=None,
            played_seconds=int((ended_at - player.since).total_seconds()),
            is_shown=player.is_shown and has_left,
        )
        if player.returning_since is not None:
            gone = replace(gone, state=PlayerState.CONNECTING, since=player.returning_since)
        self._put(gone)

    def _admit(self, player: PlayerPresence) -> bool:
        """Store a player who connects or joins, unless there are too many; tell whether there was a place."""
        before = self._players.get(player.key)
        is_new = before is None or before.state is not player.state
        if is_new and not self._has_place(player.state):
            return False
        self._put(player)
        return True

    def _put(self, player: PlayerPresence) -> None:
        self._players[player.key] = player
        due = self._compute_end(player)
        if due is not None and (self._due_at is None or due < self._due_at):
            self._due_at = due

    def _has_place(self, state: PlayerState) -> bool:
        """Tell whether a further player fits; the one who left first is forgotten if need be."""
        if sum(one.state is state for one in self._players.values()) >= STATE_MAXIMUM:
            return False
        if len(self._players) >= PLAYERS_MAXIMUM:
            left = [one for one in self._players.values() if one.state is PlayerState.ABSENT]
            if not left:
                return False
            del self._players[min(left, key=lambda one: (one.since, one.key)).key]
        return True

    def _get(self, player_id: PlayerId, now: datetime) -> PlayerPresence:
        """Return a player by id; a new one is absent, and is stored when they do something."""
        return self._players.get(player_id) or PlayerPresence(
            key=player_id, state=PlayerState.ABSENT, since=now, seen_at=now
        )

    def _learn(self, player_id: PlayerId, name: str | None, now: datetime) -> PlayerPresence:
        """Return a player whose name a line tells; what was known by the name alone becomes theirs."""
        player = self._get(player_id, now)
        if not name:
            return player
        player = replace(player, name=name)
        nameless = self._players.pop(build_name_key(name), None)
        if nameless is None:
            return player
        if player.state is PlayerState.ONLINE:
            return replace(player, since=min(player.since, nameless.since))
        return replace(nameless, key=player_id, name=name)

    def _list_named(self, name: str) -> list[PlayerPresence]:
        """Return the players of this run with a name; those with exactly that name go before similar ones."""
        exact = [one for one in self._players.values() if one.name == name]
        folded = fold_text(name)
        return exact or [one for one in self._players.values() if one.name and fold_text(one.name) == folded]

    def _find_joining(self, name: str, now: datetime) -> PlayerPresence:
        """Return the player who joins under a name, perhaps a new one."""
        named = self._list_named(name)
        entering = [one for one in named if one.has_requested and now - one.seen_at <= JOIN_TIME]
        others = [one for one in named if one.state is not PlayerState.ABSENT] or named
        found = _choose_last(entering) or _choose_last(others)
        if found is not None:
            return found
        known = self._known.get(fold_text(name))
        return replace(self._get(known or PlayerId(build_name_key(name)), now), name=name)

    def _find_leaving(self, name: str, now: datetime) -> PlayerPresence | None:
        """Return the player who leaves under a name: one who is just leaving, else the only one who can."""
        named = [one for one in self._list_named(name) if one.state is not PlayerState.ABSENT]
        leaving = [one for one in named if one.left_at is not None and now - one.left_at <= ONE_DEPARTURE]
        if leaving:
            return _choose_last(leaving)
        staying = [one for one in named if one.left_at is None]
        if len(staying) == 1:
            return staying[0]
        known = self._known.get(fold_text(name))
        return self._players.get(known) if known is not None and not staying else None

    def _connect(self, player: PlayerPresence, now: datetime) -> bool:
        """The player waits at the beacon, or was let in; tell whether there was a place to remember that."""
        seen = replace(player, seen_at=now)
        if player.state is PlayerState.ABSENT:
            seen = replace(seen, state=PlayerState.CONNECTING, since=now, has_requested=False)
        elif player.left_at is not None:
            seen = replace(seen, returning_since=player.returning_since or now)
        return self._admit(seen)

    def _request(self, player: PlayerPresence, now: datetime) -> None:
        """The player enters the world."""
        if self._connect(player, now):
            seen = self._players[player.key]
            old_until = now + OLD_CONNECTION_TIME if seen.is_online else None
            self._put(replace(seen, has_requested=not seen.is_online, old_until=old_until))

    def _join(self, player: PlayerPresence, now: datetime) -> None:
        """The player is in the game."""
        joined = replace(
            player, seen_at=now, left_at=None, reason=None, returning_since=None, has_requested=False
        )
        if player.state is not PlayerState.ONLINE:
            joined = replace(joined, state=PlayerState.ONLINE, since=now)
        started_at = self._state.started_at
        is_back = player.is_of_former_run and started_at is not None and now - started_at <= QUIET_PHASE
        joined = replace(joined, is_of_former_run=False, is_shown=joined.is_shown or is_back)
        if not self._admit(joined):
            return
        if is_back:
            self._state = replace(self._state, returned=self._state.returned + 1)
        if not player.is_online:
            self._note_peak(now)

    def _note_peak(self, now: datetime) -> None:
        online = sum(one.is_online for one in self._players.values())
        if online > self.peak:
            self.peak, self.peak_at = online, now

    def _close(self, closed: ConnectionClosed, now: datetime) -> None:
        """A connection was closed; that of the beacon ends nothing but waiting."""
        player = self._get(closed.player_id, now)
        if closed.is_departure:
            self._leave(player, now, LeaveReason.TIMEOUT if closed.is_time_out else None)
        elif player.state is PlayerState.CONNECTING and not player.has_requested:
            self._put(replace(player, state=PlayerState.ABSENT, since=now, seen_at=now))

    def _leave(self, player: PlayerPresence | None, now: datetime, reason: LeaveReason | None) -> None:
        """The player is gone; of several lines the first one counts, and each may tell the reason."""
        if player is None or player.state is PlayerState.ABSENT:
            return
        if player.state is PlayerState.CONNECTING:
            self._put(replace(player, state=PlayerState.ABSENT, since=now, seen_at=now, has_requested=False))
        elif player.left_at is not None:
            self._put(replace(player, reason=player.reason or reason, returning_since=None))
        elif player.old_until is not None and now <= player.old_until:
            self._put(replace(player, old_until=min(player.old_until, now + ONE_DEPARTURE)))
        else:
            self._put(replace(player, left_at=now, seen_at=now, reason=player.reason or reason))

    def _kick(self, player: PlayerPresence | None) -> None:
        """The departure that follows is a kick."""
        if player is not None and player.state is PlayerState.ONLINE:
            self._put(replace(player, reason=LeaveReason.KICK))


def list_unknown_names(state: ServerPresence, lines: Iterable[LogLine]) -> frozenset[str]:
    """Return the names under which players join, although no line before told whose they are."""
    told, unknown = {one.name for one in state.players.values()}, set[str]()
    for line in lines:
        match line.fact:
            case JoinRequested(name=name) | LoggedIn(name=name) if name:
                told.add(name)
            case JoinSucceeded(name=name) if name not in told:
                unknown.add(name)
            case _:
                pass
    return frozenset(unknown)


def _choose_last(players: Iterable[PlayerPresence]) -> PlayerPresence | None:
    """Return the player that a line named last."""
    return max(players, key=lambda one: (one.seen_at, one.key), default=None)
