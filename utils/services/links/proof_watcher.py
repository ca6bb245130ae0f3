"""The proof watcher: one task for all guilds that judges pending links by stored data and shows the outcome.

All data that matters is stored: the windows with the link, menu suicides with the deaths, leaving with the
sessions, how a request ended, and whether the admins are told of it. So a restart loses nothing: the first
look judges everything since. Only deaths and sessions that were read live, after the request, can prove:
history, and a log that is read in silence, store no ``read_at`` and so prove nothing. A link stays *open* in
the storage until its message shows the outcome, or can never show it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.errors import NotFoundError
from utils.events import DeathsStored, EventDispatcher, LinksChanged
from utils.models.deaths import DeathKind
from utils.models.game_log import LogCondition
from utils.models.links import Link, ProofOutcome, ProofWindow
from utils.models.scope import GuildId, PlayerId, ServerId
from utils.services.links.proof import find_proof, find_unclear, is_overdue, list_seen
from utils.services.links.request_alerts import RequestAlerts
from utils.services.players.player_names import PlayerNames
from utils.services.ports import ServerReadings
from utils.services.presence.log_conditions import judge_log
from utils.tasks import TaskManager
from utils.waiting import wait_for_any

PROOFS_TASK = "links:proofs"
LOG_SYSTEM = "verification"
LOOK_SECONDS = 20.0  # for proofs that end without an event

logger = get_logger(__name__)


class ProofSource(Protocol):  # implemented by LinkRepository
    """Reads of proven links and of signs that may prove one."""

    async def find_owner(self, guild_id: GuildId, player_id: PlayerId) -> Link | None:
        """Return the proven link of a player."""

    async def list_signs(self, guild_id: GuildId, link: Link) -> Sequence[datetime]:
        """Return the times, by the logs, of the player's signs that may prove a link.

        A sign is a menu suicide, or leaving the server where its log was well.
        """


class ProofStore(ProofSource, Protocol):  # implemented by LinkRepository
    """Storage of open links and of the deaths that prove them."""

    async def list_open(self, guild_id: GuildId) -> Sequence[Link]:
        """Return pending links, and decided ones whose message does not show it yet."""

    async def prove(self, guild_id: GuildId, link: Link, *, at: datetime) -> Link | None:
        """Mark a pending link as proven; None if it is deleted or the player belongs to another member."""

    async def mark_told(self, guild_id: GuildId, link: Link) -> None:
        """Close a proven link: its message shows it."""

    async def end_request(self, guild_id: GuildId, link: Link, outcome: ProofOutcome) -> None:
        """Decide that a request is over, whichever message shows it, unless it was proven."""

    async def delete_told(self, guild_id: GuildId, link: Link) -> None:
        """Delete this request, whose message shows its end, unless it was proven or made again."""


class OpenLinks(Protocol):  # implemented by ScopeIndexRepository
    """Lists the keys of guilds with open links."""

    async def list_guilds_with_open_links(self) -> Sequence[GuildId]:
        """Return those guilds."""


class ProofMessages(Protocol):  # implemented by LinkMessages
    """The messages that named the times."""

    def tick_off(self, link: Link, seen: Collection[ProofWindow]) -> None:
        """Begin to show the windows in which a sign was seen; do nothing without a message."""

    async def show(self, link: Link, outcome: ProofOutcome) -> bool:
        """Show the outcome of a proof, no matter how long that takes; do nothing without a message.

        If the outcome is news for the member, they are told once by a reply as well.

        Returns:
            False if that was interrupted; True if it is shown, or if only a person could change that.
        """


@dataclass(eq=False, repr=False)
class ProofWatcher:
    """Judges pending links and shows the outcome.

    Args:
        store: links and deaths.
        scope_index: lists the guilds to look at.
        players: tells which servers know a player.
        reading: tells when the logs were last read.
        messages: shows outcomes.
        events: dispatches ``LinksChanged``.
        alerts: tells the admins of requests that they were not told of yet.
        tasks: keeps the failures of one guild from the others.
    """

    store: ProofStore
    scope_index: OpenLinks
    _: KW_ONLY
    alerts: RequestAlerts
    players: PlayerNames
    reading: ServerReadings
    messages: ProofMessages
    events: EventDispatcher
    tasks: TaskManager
    clock: Clock

    def __post_init__(self) -> None:
        self._open: frozenset[GuildId] = frozenset()  # guilds with open links, at the last look
        self._stirred: set[GuildId] = set()
        self._ticked: dict[GuildId, dict[int, tuple[ProofWindow, ...]]] = {}  # what each message shows
        self._woken = asyncio.Event()

    def stir(self, guild_id: GuildId) -> None:
        """Look at a guild now, because its links changed."""
        self._open |= {guild_id}
        self._stirred.add(guild_id)
        self._woken.set()

    async def counts_leaving(self, guild_id: GuildId, server_ids: Sequence[ServerId]) -> bool:
        """Tell whether leaving one of these servers is a sign now: its log says who is online."""
        now, found = self.clock.now(), await self.reading.get_health(guild_id)
        return any(
            health.game_log is not None and judge_log(health.game_log, health, now=now) is LogCondition.OK
            for scope, health in found.items()
            if scope.server_id in server_ids
        )

    def tell(self, link: Link, outcome: ProofOutcome) -> None:
        """Show an outcome on a message that no stored link names any more; try until it is shown."""
        if link.message_id is not None:
            self._begin_to_tell(link, outcome, self.messages.show)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Do not look at a guild before the next look at all guilds."""
        self._open -= {guild_id}
        self._stirred.discard(guild_id)
        self._ticked.pop(guild_id, None)

    def on_deaths_stored(self, event: DeathsStored) -> None:
        """Look at a guild with open links after a menu suicide; do not block."""
        is_awaited = event.scope.guild_id in self._open
        if is_awaited and any(death.row.kind is DeathKind.MENU for death in event.deaths):
            self.stir(event.scope.guild_id)

    async def run(self) -> None:
        """Judge without end: all guilds with open links regularly, and a guild with a change at once."""
        while True:
            found = await self.scope_index.list_guilds_with_open_links()
            self._open = frozenset(found) | self._stirred
            await self.look(found)
            next_look_at = self.clock.monotonic() + LOOK_SECONDS
            while await self._wait_until(next_look_at):
                stirred, self._stirred = self._stirred, set()
                await self.look(stirred)

    async def look(self, guild_ids: Iterable[GuildId]) -> None:
        """Judge the open links of guilds, and begin to show the outcomes."""
        await self.tasks.for_each(PROOFS_TASK, guild_ids, self._look_at)

    async def _look_at(self, guild_id: GuildId) -> None:
        for link, outcome in await self._judge(guild_id):
            self._begin_to_tell(link, outcome, self._close)

    def _begin_to_tell(
        self, link: Link, outcome: ProofOutcome, tell: Callable[[Link, ProofOutcome], Awaitable[object]]
    ) -> None:
        """Show it in a task of its own, unless that is running already: Discord may delay it for long."""
        name = f"proof:{link.guild_id}/{link.member_id}/{link.player_id}/{link.message_id}:{outcome}"
        if not self.tasks.is_running(name):
            self.tasks.start(name, partial(tell, link, outcome), guild_id=link.guild_id)

    async def _wait_until(self, moment: float) -> bool:
        """Wait; return True if it was woken before the time."""
        left = moment - self.clock.monotonic()
        if left <= 0:
            return False
        await wait_for_any(self._woken, seconds=left, clock=self.clock)
        is_woken = self._woken.is_set()
        self._woken.clear()
        return is_woken

    async def _judge(self, guild_id: GuildId) -> list[tuple[Link, ProofOutcome]]:
        """Prove the complete links, the earliest first, and return the outcomes to show."""
        pending = [link for link in await self.store.list_open(guild_id) if link.is_pending]
        signs = {link: await self._list_signs(link) for link in pending}
        complete = [
            (at, link) for link, ats in signs.items() if (at := find_proof(link.windows, ats)) is not None
        ]
        unclear = find_unclear(complete)
        for _, link in sorted(complete, key=lambda one: one[0]):
            if link in unclear:
                continue
            if await self.store.prove(guild_id, link, at=self.clock.now()) is not None:
                logger.info("a link is proven", guild=guild_id)
                self.events.dispatch(LinksChanged(guild_id=guild_id, member_id=link.member_id))
        for link in unclear:  # before the outcomes are shown, because a request that stayed could be proven
            await self.store.end_request(guild_id, link, ProofOutcome.UNCLEAR)
        decided = [(link, await self._decide(link)) for link in await self.store.list_open(guild_id)]
        for link, outcome in decided:
            if outcome is None:
                await self.alerts.tell(link)
        waiting = [link for link, outcome in decided if outcome is None and link in signs]
        self._tick_off(guild_id, {link: list_seen(link.windows, signs[link]) for link in waiting})
        return [(link, outcome) for link, outcome in decided if outcome is not None]

    def _tick_off(self, guild_id: GuildId, seen: Mapping[Link, tuple[ProofWindow, ...]]) -> None:
        """Show which windows are done on the messages that do not show it yet."""
        shown = self._ticked.pop(guild_id, {})
        for link, windows in seen.items():
            if link.message_id is None or not windows:
                continue
            self._ticked.setdefault(guild_id, {})[link.message_id] = windows
            if shown.get(link.message_id) != windows:
                self.messages.tick_off(link, windows)

    async def _list_signs(self, link: Link) -> Sequence[datetime]:
        return await self.store.list_signs(link.guild_id, link) if link.windows else ()

    async def _decide(self, link: Link) -> ProofOutcome | None:
        """Return the outcome of a link; None while it may still be proven."""
        if link.is_proven:
            return ProofOutcome.PROVEN
        if link.outcome is not None:
            return link.outcome
        if await self.store.find_owner(link.guild_id, link.player_id) is not None:
            return ProofOutcome.TAKEN
        return ProofOutcome.EXPIRED if await self._is_overdue(link) else None

    async def _is_overdue(self, link: Link) -> bool:
        now = self.clock.now()
        if now < link.ends_at:
            return False
        found = await self.reading.get_health(link.guild_id)
        health = {scope.server_id: one for scope, one in found.items()}
        return is_overdue(link.ends_at, await self._list_servers(link), health, now=now)

    async def _list_servers(self, link: Link) -> Sequence[ServerId]:
        try:
            return (await self.players.resolve(link.guild_id, link.player_id)).servers
        except NotFoundError:  # true if the only server that knew the player was removed
            return ()

    async def _close(self, link: Link, outcome: ProofOutcome) -> None:
        if not await self.messages.show(link, outcome):
            return
        if outcome is ProofOutcome.PROVEN:
            await self.store.mark_told(link.guild_id, link)
        else:
            await self.store.delete_told(link.guild_id, link)
            logger.info("a request is over", guild=link.guild_id, outcome=outcome.value)
