"""Proving: one task over all guilds that judges pending links from what is stored, and tells how it went.

Nothing is kept in memory that matters. Windows stand with the link and menu suicides with the deaths, so a
restart loses nothing: the first look judges what came meanwhile. Only deaths that were read live, after the
link was asked for, can prove; an import of history stores no moment of reading and so proves nothing. A link
stays *open* in the storage until its message shows the outcome, or can never show it.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from utils.backoff import Backoff
from utils.clock import Clock
from utils.errors import NotFoundError
from utils.events import DeathsStored
from utils.models.deaths import DeathKind
from utils.models.links import Link, ProofOutcome
from utils.models.players import KnownPlayer
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.servers import ServerHealth
from utils.services.links.proof import find_proof, find_unclear, is_overdue
from utils.tasks import TaskManager
from utils.waiting import wait_for_any

PROOFS_TASK = "links:proofs"
LOOK_SECONDS = 20.0  # for proofs that end, which no event tells
RETRY_BACKOFF = Backoff(first_seconds=5, longest_seconds=60)
"""An outcome that could not be told is tried again so soon."""

FORGET_SECONDS = 600.0

Told = tuple[Link, ProofOutcome]
TellKey = tuple[GuildId, MemberId, PlayerId, datetime, ProofOutcome]


class ProofBook(Protocol):
    """Whose a player is, and what may prove it."""

    async def find_owner(self, guild_id: GuildId, player_id: PlayerId) -> Link | None:
        """Return the proven link of a player."""

    async def list_menu_suicides(
        self,
        guild_id: GuildId,
        player_id: PlayerId,
        *,
        since: datetime,
        until: datetime,
        read_after: datetime,
    ) -> Sequence[datetime]:
        """Return the times by the log of a player's menu suicides that were read live after a moment."""


class ProofStore(ProofBook, Protocol):
    """Storage of open links and of what proves them."""

    async def list_open(self, guild_id: GuildId) -> Sequence[Link]:
        """Return pending links, and proven ones whose message does not show it yet."""

    async def prove(self, guild_id: GuildId, link: Link, *, at: datetime) -> Link | None:
        """Make a pending link count; None when it is gone or the player belongs to another member."""

    async def mark_told(self, guild_id: GuildId, link: Link) -> None:
        """Close a proven link: its message shows it."""

    async def drop_request(self, guild_id: GuildId, link: Link) -> None:
        """Delete a request, unless it was proven meanwhile, also when it was asked for again at its times."""

    async def delete_pending(self, guild_id: GuildId, link: Link) -> None:
        """Delete this very request, unless it was proven or asked for anew meanwhile."""


class OpenLinks(Protocol):
    """Knows which guilds have open links, by key alone."""

    async def list_guilds_with_open_links(self) -> Sequence[GuildId]:
        """Return those guilds."""


class PlayerDirectory(Protocol):
    """Knows the players of a guild."""

    async def resolve(self, guild_id: GuildId, text: str) -> KnownPlayer:
        """Return the player meant, by id or name.

        Raises:
            NotFoundError, AmbiguousError: nobody, or more than one, is meant.
        """


class ReadingBook(Protocol):
    """Knows how reading the servers goes."""

    async def get_health(self, guild_id: GuildId) -> Mapping[ServerScope, ServerHealth]:
        """Return the health of every server of a guild."""


class ProofMessages(Protocol):
    """The messages that named the times."""

    async def show(self, link: Link, outcome: ProofOutcome) -> bool:
        """Show how a proof went; False when a later try can succeed. Without a message all is done."""


class _Untold:
    """Outcomes that could not be told yet, and when each is tried again, in monotonic seconds."""

    def __init__(self) -> None:
        self._waiting: dict[TellKey, tuple[int, float]] = {}  # how often it failed, and the time

    def is_due(self, told: Told, now: float) -> bool:
        """Tell whether an outcome may be tried now."""
        _, at = self._waiting.get(_build_tell_key(told), (0, now))
        return at <= now

    def note(self, told: Told, now: float, *, is_told: bool) -> None:
        """Note how a try went; outcomes that nobody has tried for long have gone otherwise."""
        failures, _ = self._waiting.pop(_build_tell_key(told), (0, now))
        if not is_told:
            wait = RETRY_BACKOFF.compute_seconds(failures + 1)
            self._waiting[_build_tell_key(told)] = failures + 1, now + wait
        for key in [key for key, (_, at) in self._waiting.items() if at < now - FORGET_SECONDS]:
            del self._waiting[key]

    def find_next(self, now: float) -> float:
        """Return when the next one is due, after now; far away without one."""
        return min((at for _, at in self._waiting.values() if at > now), default=math.inf)


class ProofKeeper:
    """Judges pending links and tells the outcome.

    Args:
        store: links and deaths.
        directory: which guilds to look at.
        players: on which servers a player is known.
        reading: how far the logs were read.
        messages: where the outcome is shown.
        tasks: isolates one guild's faults from the others.
    """

    def __init__(
        self,
        store: ProofStore,
        directory: OpenLinks,
        *,
        players: PlayerDirectory,
        reading: ReadingBook,
        messages: ProofMessages,
        tasks: TaskManager,
        clock: Clock,
    ) -> None:
        self._store = store
        self._directory = directory
        self._players = players
        self._reading = reading
        self._messages = messages
        self._tasks = tasks
        self._clock = clock
        self._open: frozenset[GuildId] = frozenset()  # guilds with open links, at the last look
        self._stirred: set[GuildId] = set()
        self._farewells: list[Told] = []
        self._untold = _Untold()
        self._woken = asyncio.Event()

    def stir(self, guild_id: GuildId) -> None:
        """Something changed in a guild's links: look there now."""
        self._open |= {guild_id}
        self._stirred.add(guild_id)
        self._woken.set()

    def tell(self, link: Link, outcome: ProofOutcome) -> None:
        """Show an outcome on a message that no stored link names any more; tried until it is shown."""
        if link.message_id is not None:
            self._farewells.append((link, outcome))
            self._woken.set()

    def on_deaths_stored(self, event: DeathsStored) -> None:
        """Look at a guild with open links when somebody used the menu; holds up nobody."""
        is_awaited = event.scope.guild_id in self._open
        if is_awaited and any(death.row.kind is DeathKind.MENU for death in event.deaths):
            self.stir(event.scope.guild_id)

    async def run(self) -> None:
        """Judge for ever: every guild with open links now and then, a stirred one at once."""
        while True:
            found = await self._directory.list_guilds_with_open_links()
            self._open = frozenset(found) | self._stirred
            await self.look(found)
            next_look_at = self._clock.monotonic() + LOOK_SECONDS
            while await self._wait_until(min(next_look_at, self._untold.find_next(self._clock.monotonic()))):
                stirred, self._stirred = self._stirred, set()
                await self.look(stirred)

    async def look(self, guild_ids: Iterable[GuildId]) -> bool:
        """Judge the open links of guilds, then tell; return False when an outcome is not told yet."""
        decided: dict[GuildId, list[Told]] = {}
        unsettled: set[GuildId] = set()

        async def judge(guild_id: GuildId) -> None:
            decided[guild_id] = await self._judge(guild_id)

        async def close(guild_id: GuildId) -> None:
            closings = [self._try(told, self._close) for told in decided[guild_id]]
            if not all(await asyncio.gather(*closings)):
                unsettled.add(guild_id)

        await self._tasks.for_each(PROOFS_TASK, guild_ids, judge)
        is_said = await self._say_farewell()
        # beside each other: Discord may let one of them wait for a minute
        closed = await asyncio.gather(*(self._tasks.attempt(PROOFS_TASK, one, close) for one in decided))
        return all(closed) and not unsettled and is_said

    async def _say_farewell(self) -> bool:
        """Show what no stored link names any more; return False when some of it has to be tried again."""
        farewells: defaultdict[GuildId, list[Told]] = defaultdict(list)
        for link, outcome in self._farewells:
            farewells[link.guild_id].append((link, outcome))
        self._farewells = []

        async def show(guild_id: GuildId) -> None:
            shown = await asyncio.gather(
                *(self._try(told, self._messages.show) for told in farewells[guild_id])
            )
            told = zip(farewells[guild_id], shown, strict=True)
            self._farewells += [farewell for farewell, is_shown in told if not is_shown]

        await asyncio.gather(*(self._tasks.attempt(PROOFS_TASK, one, show) for one in list(farewells)))
        return not self._farewells

    async def _wait_until(self, moment: float) -> bool:
        """Wait; True when somebody woke us before the moment."""
        left = moment - self._clock.monotonic()
        if left <= 0:
            return False
        await wait_for_any(self._woken, seconds=left, clock=self._clock)
        is_woken = self._woken.is_set()
        self._woken.clear()
        return is_woken

    async def _judge(self, guild_id: GuildId) -> list[Told]:
        """Prove what can be proven, the earliest first, and return what is to be told."""
        pending = [link for link in await self._store.list_open(guild_id) if not link.is_proven]
        complete = [(at, link) for link in pending if (at := await self._find_proof(link)) is not None]
        unclear = find_unclear(complete)
        for _, link in sorted(complete, key=lambda one: one[0]):
            if link not in unclear:
                await self._store.prove(guild_id, link, at=self._clock.now())
        for link in unclear:  # before anybody is told: one that stayed for a moment longer would be proven
            await self._store.drop_request(guild_id, link)
            self.tell(link, ProofOutcome.UNCLEAR)
        decided = [(link, await self._decide(link)) for link in await self._store.list_open(guild_id)]
        return [(link, outcome) for link, outcome in decided if outcome is not None]

    async def _find_proof(self, link: Link) -> datetime | None:
        if not link.windows:
            return None
        suicides = await self._store.list_menu_suicides(
            link.guild_id,
            link.player_id,
            since=link.windows[0].starts_at,
            until=link.ends_at,
            read_after=link.linked_at,
        )
        return find_proof(link.windows, suicides)

    async def _decide(self, link: Link) -> ProofOutcome | None:
        """Return what became of a link; None while it may still be proven."""
        if link.is_proven:
            return ProofOutcome.PROVEN
        if await self._store.find_owner(link.guild_id, link.player_id) is not None:
            return ProofOutcome.TAKEN
        return ProofOutcome.EXPIRED if await self._is_overdue(link) else None

    async def _is_overdue(self, link: Link) -> bool:
        now = self._clock.now()
        if now < link.ends_at:
            return False
        found = await self._reading.get_health(link.guild_id)
        health = {scope.server_id: one for scope, one in found.items()}
        return is_overdue(link.ends_at, await self._list_servers(link), health, now=now)

    async def _list_servers(self, link: Link) -> Sequence[ServerId]:
        try:
            return (await self._players.resolve(link.guild_id, link.player_id)).servers
        except NotFoundError:  # the only server that knew the player was removed
            return ()

    async def _try(self, told: Told, tell: Callable[[Link, ProofOutcome], Awaitable[bool]]) -> bool:
        """Tell an outcome, unless its last try was a short while ago; return whether it is told."""
        if not self._untold.is_due(told, self._clock.monotonic()):
            return False
        is_told = False
        try:
            is_told = await tell(*told)
        finally:
            self._untold.note(told, self._clock.monotonic(), is_told=is_told)
        return is_told

    async def _close(self, link: Link, outcome: ProofOutcome) -> bool:
        if not await self._messages.show(link, outcome):
            return False
        if outcome is ProofOutcome.PROVEN:
            await self._store.mark_told(link.guild_id, link)
        else:
            await self._store.delete_pending(link.guild_id, link)
        return True


def _build_tell_key(told: Told) -> TellKey:
    link, outcome = told
    return link.guild_id, link.member_id, link.player_id, link.linked_at, outcome
