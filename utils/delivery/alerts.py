"""Alerts: tell the admins of a guild once about faults that only they can repair."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import discord
from structlog import get_logger

from utils.backoff import Backoff
from utils.clock import Clock
from utils.delivery.admin_places import AdminPlaces
from utils.delivery.decisions import derive_nonce, make_nonce
from utils.delivery.languages import GuildSpeaker
from utils.delivery.sender import DiscordSender
from utils.embeds.buttons import build_lasting_view
from utils.error_sink import ErrorSource, Where
from utils.errors import (
    ChannelUnusableError,
    DeliveryDelayedError,
    DeliveryError,
    DeliveryRefusedError,
    StorageError,
)
from utils.incident_log import IncidentLog
from utils.models.incident_kinds import KINDS, IncidentKind
from utils.models.incidents import CheckState, Incident, IncidentKey
from utils.models.lasting_buttons import LastingButton
from utils.models.scope import GuildId, MemberId, ServerId, ServerScope
from utils.models.texts import Text, text
from utils.tasks import TaskManager
from utils.waiting import wait_for_first

TELL_TASK = "alerts:tell"
MOST_TOLD = 1_000  # alerts of a guild that are remembered; a forgotten one could be sent again
MOST_WAITING = 100  # alerts of a guild that are not delivered yet
RETRY_BACKOFF = Backoff(first_seconds=5, longest_seconds=300)

TOLD_FOR = timedelta(hours=24)
"""An alert without a kind is not sent again for so long, even after a restart."""

DIGEST_BYTES = 8

Matter = tuple[GuildId, str]

logger = get_logger(__name__)


class ToldStore(Protocol):  # implemented by GuildRepository
    """Storage of the alerts without a kind that were sent."""

    async def list_told(self, guild_id: GuildId, *, since: datetime) -> frozenset[str]:
        """Return the digests of the alerts that were sent since a moment."""

    async def note_told(self, guild_id: GuildId, digest: str, *, at: datetime) -> None:
        """Note that an alert was sent."""

    async def forget_told(self, guild_id: GuildId, digest: str) -> None:
        """Forget that an alert was sent, because its matter is over."""


@dataclass(slots=True)
class _Alert:
    """An alert that is not delivered yet.

    Attributes:
        buttons: the buttons below it where its guild sees it; in direct messages a press has no guild.
        nonce: the nonce of every try, so that an alert is sent once even if an answer is lost.
        member_id: the member to tell in a direct message; None for the guild's admins.
        retry_at: when Discord accepts it again.
        mark_told: notes that it is sent, where it is stored as due; None for all others.
        incident: the incident that it tells; None: it is told once, and nothing of it is stored.
        turn: the lock of a try; two tries at once could send it twice in different places.
        is_over: set when it is sent or no longer needed.
    """

    sentence: Text
    buttons: tuple[LastingButton, ...] = ()
    member_id: MemberId | None = None
    nonce: str = field(default_factory=make_nonce)
    retry_at: datetime | None = None
    mark_told: Callable[[], Awaitable[None]] | None = None
    incident: IncidentKey | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)


class AdminAlerts:
    """Tells the admins of a guild, and single members.

    The caller does not wait: each alert is sent by a task of its own. An alert with a kind is an incident: it
    is stored, so a fault that lasts beyond a restart is reported once. What a caller has stored as due
    (``notify_due``) is sent once as well. Of the others a digest is stored, so a restart does not send them
    again for a day. What could not be delivered is tried again after growing pauses, and as soon as the bot
    is connected (again).
    """

    def __init__(
        self,
        bot: discord.Client,
        sender: DiscordSender,
        tasks: TaskManager,
        *,
        places: AdminPlaces,
        languages: GuildSpeaker,
        incidents: IncidentLog,
        store: ToldStore,
        clock: Clock,
    ) -> None:
        self._bot = bot
        self._sender = sender
        self._tasks = tasks
        self._places = places
        self._languages = languages
        self._incidents = incidents
        self._store = store
        self._clock = clock
        self._told: dict[GuildId, dict[str, None]] = {}  # or waiting to be sent; the oldest first
        # digests of sent alerts without a kind, once they are known
        self._stored: dict[GuildId, set[str]] = {}
        self._waiting: dict[Matter, _Alert] = {}
        bot.add_listener(self.tell_waiting, "on_ready")

    async def notify(
        self,
        guild_id: GuildId,
        sentence: Text,
        key: str,
        *,
        buttons: Sequence[LastingButton] = (),
        kind: IncidentKind | None = None,
        server_id: ServerId | None = None,
    ) -> None:
        """Begin to tell the admins, unless they were told under this key before; do not wait for Discord."""
        alert = _Alert(sentence, tuple(buttons))
        if kind is not None:
            alert.incident = IncidentKey(guild_id, kind, key)
            await self._incidents.try_to_load(guild_id)
            if self._note_incident(alert.incident, server_id):
                self._told.setdefault(guild_id, {})[key] = None
        else:
            await self._recall((guild_id, key))
        if not self._is_told((guild_id, key)):
            logger.warning("admins are told", guild_id=guild_id, sentence=str(sentence), key=key)
            self._begin((guild_id, key), alert)

    def _note_incident(self, key: IncidentKey, server_id: ServerId | None) -> bool:
        """Open the incident unless it is open; tell whether its guild was told, perhaps before a restart."""
        incident = self._incidents.find(key) or Incident(key, CheckState.WARN, self._clock.now())
        servers = incident.servers.union(() if server_id is None else (server_id,))
        if self._incidents.find(key) is None or servers != incident.servers:
            self._incidents.put(replace(incident, servers=servers))
        return incident.told_at is not None

    async def list_reported(self, scope: ServerScope) -> frozenset[str]:
        """Return the keys of the open incidents that a game server has reported, also before a restart.

        Raises:
            StorageError: the database is away.
        """
        await self._incidents.load(scope.guild_id)
        found = self._incidents.list_open(scope.guild_id)
        return frozenset(one.key.subject for one in found if scope.server_id in one.servers)

    async def notify_due(
        self,
        guild_id: GuildId,
        sentence: Text,
        key: str,
        *,
        buttons: Sequence[LastingButton],
        mark_told: Callable[[], Awaitable[None]],
    ) -> None:
        """Begin to send an alert that is stored as due, unless this process has; do not wait.

        Its nonce comes from the key, so a process that was killed after sending it sends none in addition.
        """
        matter = guild_id, key
        if not self._is_told(matter):
            logger.warning("admins are told", guild_id=guild_id, sentence=str(sentence), key=key)
            nonce = derive_nonce(f"{guild_id}:{key}")
            self._begin(matter, _Alert(sentence, tuple(buttons), nonce=nonce, mark_told=mark_told))
        elif matter not in self._waiting:
            await mark_told()

    async def tell_member(self, guild_id: GuildId, member_id: MemberId, sentence: Text, key: str) -> None:
        """Begin to tell a member in a direct message, unless they were told before or accept none."""
        matter = guild_id, f"{member_id}:{key}"
        await self._recall(matter)
        if not self._is_told(matter):
            self._begin(matter, _Alert(sentence, member_id=member_id))

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """Note that the fault is over, so that the next one is reported again."""
        told = self._told.get(guild_id, {})
        told.pop(key, None)
        if not told:
            self._told.pop(guild_id, None)
        await self._end_incident(guild_id, key)
        await self._forget_stored((guild_id, key))
        if alert := self._waiting.pop((guild_id, key), None):
            alert.is_over.set()

    async def _end_incident(self, guild_id: GuildId, key: str) -> None:
        """Note the end of the incident with this key, if there is one."""
        if await self._incidents.try_to_load(guild_id):
            found = [one for one in self._incidents.list_open(guild_id) if one.key.subject == key]
            for incident in found:
                if KINDS[incident.key.kind].is_reported:
                    self._incidents.finish(incident)
            if found:
                await self._incidents.write()

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget the sent alerts of a guild, and drop those that were not sent yet."""
        self._told.pop(guild_id, None)
        self._stored.pop(guild_id, None)
        for matter in [matter for matter in self._waiting if matter[0] == guild_id]:
            self._waiting.pop(matter).is_over.set()

    async def tell_waiting(self) -> None:
        """Send alerts that could not be delivered before, for example because Discord was away."""
        await self._tasks.for_each(TELL_TASK, list(self._waiting), self._tell)

    async def _recall(self, matter: Matter) -> None:
        """Take over that an alert was sent before a restart; while the database is away, nothing is known."""
        guild_id, key = matter
        if guild_id not in self._stored:
            since = self._clock.now() - TOLD_FOR
            try:
                self._stored[guild_id] = set(await self._store.list_told(guild_id, since=since))
            except StorageError as error:
                logger.info("sent alerts are not known", guild_id=guild_id, problem=str(error))
        if compute_digest(key) in self._stored.get(guild_id, ()):
            self._told.setdefault(guild_id, {})[key] = None

    async def _store_told(self, matter: Matter) -> None:
        """Store that an alert without a kind was sent; if that fails, a restart may send it again."""
        guild_id, key = matter
        digest = compute_digest(key)
        self._stored.setdefault(guild_id, set()).add(digest)
        try:
            await self._store.note_told(guild_id, digest, at=self._clock.now())
        except StorageError as error:
            logger.info("a sent alert is not stored", guild_id=guild_id, problem=str(error))

    async def _forget_stored(self, matter: Matter) -> None:
        guild_id, key = matter
        digest = compute_digest(key)
        if digest not in self._stored.get(guild_id, ()):
            return
        self._stored[guild_id].discard(digest)
        try:
            await self._store.forget_told(guild_id, digest)
        except StorageError as error:
            logger.info("a sent alert is not forgotten", guild_id=guild_id, problem=str(error))

    def _is_told(self, matter: Matter) -> bool:
        guild_id, key = matter
        return key in self._told.get(guild_id, ())

    def _begin(self, matter: Matter, alert: _Alert) -> None:
        """Send an alert in a task of its own, so that the caller does not wait for Discord."""
        guild_id, key = matter
        if sum(guild_id == other for other, _ in self._waiting) >= MOST_WAITING:
            logger.warning("too many alerts of a guild wait already", guild_id=guild_id, key=key)
            return
        told = self._told.setdefault(guild_id, {})
        told[key] = None
        if len(told) > MOST_TOLD:
            del told[next(iter(told))]
        self._waiting[matter] = alert
        name = f"alert:{guild_id}:{key}:{alert.nonce}"
        self._tasks.start(name, partial(self._tell_until_told, matter, alert), guild_id=guild_id)

    async def _tell_until_told(self, matter: Matter, alert: _Alert) -> None:
        """Try until it is sent or over; when the bot leaves the guild, it ends and is forgotten."""
        try:
            for pause in RETRY_BACKOFF.generate_seconds():
                if await self._tasks.attempt(TELL_TASK, matter, self._tell):
                    return
                await wait_for_first(self._wait_for_retry(alert, pause), alert.is_over.wait())
                if alert.is_over.is_set():
                    return
        except asyncio.CancelledError:
            if self._waiting.get(matter) is alert:
                await self.clear(*matter)
            raise

    async def _wait_for_retry(self, alert: _Alert, seconds: float) -> None:
        await self._clock.sleep(seconds)
        if alert.retry_at is not None:
            await self._clock.sleep((alert.retry_at - self._clock.now()).total_seconds())

    async def _tell(self, matter: Matter) -> None:
        """Send it to the first place that accepts it.

        Raises:
            DeliveryError: it was not delivered, and a later try may succeed.
        """
        if (alert := self._waiting.get(matter)) is None:
            return
        async with alert.turn:
            if self._waiting.get(matter) is not alert:
                return
            if alert.member_id is None:
                await self._tell_admins(matter[0], alert)
                await self._note_told(alert)
            else:
                await self._tell_member(matter[0], alert.member_id, alert)
            if alert.incident is None and alert.mark_told is None:
                await self._store_told(matter)
            if alert.mark_told is not None:
                await alert.mark_told()
            if self._waiting.get(matter) is alert:  # unless it was over and reported again in the meantime
                del self._waiting[matter]
            alert.is_over.set()

    async def _note_told(self, alert: _Alert) -> None:
        incident = None if alert.incident is None else self._incidents.find(alert.incident)
        if incident is not None:
            self._incidents.put(incident.note_told(self._clock.now()))
            await self._incidents.write()

    async def _tell_member(self, guild_id: GuildId, member_id: MemberId, alert: _Alert) -> None:
        guild = self._bot.get_guild(guild_id)
        title = text("A message from a Discord server")
        if guild is not None:
            title = text("{guild}", guild=guild.name)
        embeds = await self._languages.speak(guild_id)
        embed = embeds.build_notice(title, alert.sentence)
        try:
            place = await self._sender.open_direct(member_id)
            await self._sender.send(place, embeds=[embed], pictures=(), nonce=alert.nonce)
        except (ChannelUnusableError, DeliveryRefusedError) as failure:
            logger.info("a member cannot be told", guild_id=guild_id, problem=str(failure))
            self._tasks.errors.report(failure, where=Where(source=ErrorSource.MESSAGE, guild_id=guild_id))

    async def _tell_admins(self, guild_id: GuildId, alert: _Alert) -> None:
        embeds = await self._languages.speak(guild_id)
        embed = embeds.build_alert(alert.sentence, at=self._clock.now())
        buttons = build_lasting_view(alert.buttons, embeds.words) if alert.buttons else None
        try:
            await self._places.send(
                guild_id,
                [embed],
                nonce=alert.nonce,
                buttons=buttons,
                looks_first=alert.mark_told is not None,
            )
        except DeliveryError as failure:
            alert.retry_at = failure.retry_at if isinstance(failure, DeliveryDelayedError) else None
            raise


def compute_digest(key: str) -> str:
    """Return the stored form of the key of an alert, which may hold ids of people."""
    return hashlib.blake2b(key.encode(), digest_size=DIGEST_BYTES).hexdigest()
