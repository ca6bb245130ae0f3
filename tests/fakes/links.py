"""Links in memory: their storage, and the other parts that the services of links use."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tests.fakes.clock import START
from tests.fakes.deaths import SCOPE, build_player_id
from tests.fakes.storage import FakeAuditStore, Gate
from utils.embeds.audit_wording import describe_facts
from utils.errors import AmbiguousError, NotFoundError
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.factions import EndedMembership
from utils.models.game_log import GameLogState
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.lasting_buttons import LastingButton
from utils.models.links import Link, LinkState, ProofAttempts, ProofOutcome, ProofWindow, RemovedLinks
from utils.models.players import KnownPlayer
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.servers import ConnectionState, ServerHealth
from utils.models.texts import Text
from utils.services.players.wording import describe_missing_player, describe_several_players

Key = tuple[GuildId, MemberId, PlayerId]


@dataclass(frozen=True, slots=True)
class StoredSuicide:
    """A menu suicide: its time by the log, and the time of its live reading (None in history)."""

    player_id: PlayerId
    at: datetime
    read_at: datetime | None


class FakeLinkStore:
    """Links of any guild, with the suicides for proofs.

    Attributes:
        open: the keys of links that wait for their proof or for the update of their message.
        membership: the membership that ends with a member's last link.
        proven_first: a request that is proven right before it would be refused.
    """

    def __init__(self) -> None:
        self.links: dict[Key, Link] = {}
        self.open: set[Key] = set()
        self.suicides: list[StoredSuicide] = []
        self.attempts: dict[tuple[GuildId, PlayerId], ProofAttempts] = {}
        self.audit = FakeAuditStore()
        self.membership: EndedMembership | None = None
        self.proven_first: Link | None = None

    def add_suicide(self, name: str, at: datetime, *, read_at: datetime | None) -> None:
        """Store a death."""
        self.suicides.append(StoredSuicide(build_player_id(name), at, read_at))

    async def list_of_member(self, guild_id: GuildId, member_id: MemberId) -> Sequence[Link]:
        """Return a member's links in their order."""
        every = [link for key, link in self.links.items() if key[:2] == (guild_id, member_id)]
        own = [link for link in every if link.state is not LinkState.OVER]
        return sorted(own, key=_get_rank)

    async def list_open(self, guild_id: GuildId) -> Sequence[Link]:
        """Return open links, oldest first."""
        found = [link for key, link in self.links.items() if key in self.open and key[0] == guild_id]
        return sorted(found, key=lambda link: link.linked_at)

    async def list_guilds_with_open_links(self) -> Sequence[GuildId]:
        """Return the guilds with open links."""
        return sorted({key[0] for key in self.open})

    async def list_all_proven(self, guild_id: GuildId) -> Sequence[Link]:
        """Return the proven links of all members."""
        return [link for key, link in self.links.items() if key[0] == guild_id and link.is_proven]

    async def find_owner(self, guild_id: GuildId, player_id: PlayerId) -> Link | None:
        """Return the proven link of a player."""
        proven = [link for link in self.links.values() if link.is_proven and link.guild_id == guild_id]
        return next((link for link in proven if link.player_id == player_id), None)

    async def list_signs(self, guild_id: GuildId, link: Link) -> Sequence[datetime]:
        """Return the times of a player's signs that can prove."""
        del guild_id
        return [
            one.at
            for one in self.suicides
            if one.player_id == link.player_id
            and link.windows[0].starts_at <= one.at <= link.ends_at
            and one.read_at is not None
            and one.read_at > link.linked_at
        ]

    async def find_attempts(self, guild_id: GuildId, player_id: PlayerId) -> ProofAttempts | None:
        """Return the requests for a player."""
        return self.attempts.get((guild_id, player_id))

    async def put_attempts(self, guild_id: GuildId, player_id: PlayerId, attempts: ProofAttempts) -> None:
        """Store the requests for a player."""
        self.attempts[guild_id, player_id] = attempts

    async def put_pending(self, guild_id: GuildId, link: Link, *, entry: AuditEntry | None = None) -> None:
        """Store a request."""
        key = _build_key(guild_id, link)
        assert key not in self.links or not self.links[key].is_proven
        self.audit.add(guild_id, entry)
        self.links[key] = link
        self.open.add(key)

    async def put_proven(
        self, guild_id: GuildId, link: Link, *, at: datetime, entry: AuditEntry | None = None
    ) -> Link | None:
        """Store a proven link."""
        before = self.links.get(_build_key(guild_id, link), link)
        return await self._prove(guild_id, replace(before, is_confirmed=link.is_confirmed), at, entry)

    async def prove(self, guild_id: GuildId, link: Link, *, at: datetime) -> Link | None:
        """Turn a pending link into a proven one."""
        stored = self._find_request(link)
        return None if stored is None else await self._prove(guild_id, stored, at)

    async def attach_message(
        self, guild_id: GuildId, link: Link, *, channel_id: ChannelId, message_id: int
    ) -> bool:
        """Store the message of a request."""
        stored = self._find_request(link)
        if stored is not None:
            key = _build_key(guild_id, link)
            self.links[key] = replace(stored, channel_id=channel_id, message_id=message_id)
            self.open.add(key)
        return stored is not None

    async def mark_alerted(self, guild_id: GuildId, link: Link) -> None:
        """Note that the admins know of it."""
        stored = self._find_request(link)
        if stored is not None:
            self.links[_build_key(guild_id, link)] = replace(stored, untold=0)

    async def mark_told(self, guild_id: GuildId, link: Link) -> None:
        """Close a link."""
        stored = self._find_request(link)
        if stored is not None and stored.message_id == link.message_id:
            key = _build_key(guild_id, link)
            self.open.discard(key)
            self.links[key] = replace(stored, windows=(), channel_id=None, message_id=None)

    async def end_request(self, guild_id: GuildId, link: Link, outcome: ProofOutcome) -> None:
        """End a request, unless it was proven."""
        stored = self._find_request(link)
        if stored is not None and stored.is_pending:
            over = replace(stored, state=LinkState.OVER, outcome=outcome)
            self.links[_build_key(guild_id, link)] = over

    async def delete_told(self, guild_id: GuildId, link: Link) -> None:
        """Delete a request."""
        stored = self._find_request(link)
        if stored is not None and not stored.is_proven and stored.message_id == link.message_id:
            del self.links[_build_key(guild_id, link)]
            self.open.discard(_build_key(guild_id, link))

    async def refuse(self, guild_id: GuildId, link: Link, *, entry: AuditEntry) -> bool:
        """End a request, unless it was proven."""
        if self.proven_first is not None:
            await self.prove(guild_id, self.proven_first, at=START)
        stored = self._find_request(link)
        if stored is None or not stored.is_pending:
            return False
        self.audit.add(guild_id, entry)
        await self.end_request(guild_id, link, ProofOutcome.REFUSED)
        return True

    async def remove(
        self,
        guild_id: GuildId,
        member_id: MemberId,
        player_ids: Sequence[PlayerId],
        *,
        at: datetime,
        describe: Callable[[Link], AuditEntry] | None = None,
    ) -> RemovedLinks:
        """Delete links; an alt becomes the main, and without any left a membership ends."""
        del at
        own = await self.list_of_member(guild_id, member_id)
        removed = [link for link in own if link.player_id in player_ids]
        for link in removed:
            self.audit.add(guild_id, describe and describe(link))
            del self.links[_build_key(guild_id, link)]
            self.open.discard(_build_key(guild_id, link))
        left = [link for link in own if link.is_proven and link not in removed]
        if left:
            self.links[_build_key(guild_id, left[0])] = replace(left[0], is_main=True)
        return RemovedLinks(tuple(removed), None if left else self.membership)

    async def _prove(
        self, guild_id: GuildId, link: Link, at: datetime, entry: AuditEntry | None = None
    ) -> Link | None:
        owner = await self.find_owner(guild_id, link.player_id)
        if owner is not None:
            return owner if owner.member_id == link.member_id else None
        own = await self.list_of_member(guild_id, link.member_id)
        is_main = not any(one.is_main for one in own)
        proven = replace(link, state=LinkState.PROVEN, is_main=is_main, proven_at=at)
        self.audit.add(guild_id, entry)
        self.links[_build_key(guild_id, link)] = proven
        self.attempts.pop((guild_id, link.player_id), None)
        return proven

    def _find_request(self, link: Link) -> Link | None:
        stored = self.links.get(_build_key(link.guild_id, link))
        return stored if stored is not None and stored.linked_at == link.linked_at else None


class FakePlayerFinder:
    """Players by id or exact name, all known on one server."""

    def __init__(self, *names: str, server_id: ServerId = SCOPE.server_id) -> None:
        self.names = list(names)
        self._server_id = server_id

    async def resolve(self, guild_id: GuildId, text: str) -> KnownPlayer:
        """Return a player."""
        del guild_id
        found = [name for name in self.names if text in (name, build_player_id(name))]
        if not found:
            raise NotFoundError(describe_missing_player(text))
        if len(found) > 1:
            several = describe_several_players(text)
            raise AmbiguousError(several, typed=text, choices=[(one, one) for one in found])
        seen_at = datetime.fromisoformat("2025-05-01T12:00:00+00:00")
        return KnownPlayer(build_player_id(found[0]), found[0], (found[0],), 1, seen_at, (self._server_id,))


class FakeServerReadings:
    """The reading progress of each server, and what is known of its Deadside.log."""

    def __init__(self) -> None:
        self.last_read_at: dict[ServerScope, datetime | None] = {}
        self.logs: dict[ServerScope, GameLogState] = {}

    async def get_health(self, guild_id: GuildId) -> Mapping[ServerScope, ServerHealth]:
        """Return the health of a guild's servers."""
        return {
            scope: ServerHealth(
                scope, ConnectionState.CONNECTED, last_read_at=read_at, game_log=self.logs.get(scope)
            )
            for scope, read_at in self.last_read_at.items()
            if scope.guild_id == guild_id
        }


class FakeProofMessages:
    """Records the messages that were shown.

    Attributes:
        ticked: the message and the number of seen windows, for each time that some were ticked off.
        tries: the number of attempts to show a message.
        is_there: an event that every message waits for.
        gate: a gate that slow messages wait for.
    """

    def __init__(self) -> None:
        self.shown: list[tuple[MemberId, ProofOutcome]] = []
        self.ticked: list[tuple[int | None, int]] = []
        self.tries = 0
        self.is_there = asyncio.Event()
        self.is_there.set()
        self.gate: Gate | None = None

    def tick_off(self, link: Link, seen: Collection[ProofWindow]) -> None:
        """Record the number of seen windows."""
        self.ticked.append((link.message_id, len(seen)))

    async def show(self, link: Link, outcome: ProofOutcome) -> bool:
        """Record the message."""
        self.tries += 1
        if self.gate is not None:
            await self.gate.hold()
        await self.is_there.wait()
        self.shown.append((link.member_id, outcome))
        return True


class FakeProofs:
    """Records requests, and judges nothing.

    Attributes:
        stirred: the guilds that were to be checked.
        told: outcomes of deleted links.
        is_log_well: leaving a game server is a sign.
    """

    def __init__(self) -> None:
        self.stirred: list[GuildId] = []
        self.told: list[tuple[Link, ProofOutcome]] = []
        self.is_log_well = False

    async def counts_leaving(self, guild_id: GuildId, server_ids: Sequence[ServerId]) -> bool:
        """Tell whether leaving is a sign, as the test sets it."""
        del guild_id, server_ids
        return self.is_log_well

    def stir(self, guild_id: GuildId) -> None:
        """Record the guild."""
        self.stirred.append(guild_id)

    def tell(self, link: Link, outcome: ProofOutcome) -> None:
        """Record the outcome if the link has a message."""
        if link.message_id is not None:
            self.told.append((link, outcome))


class FakeChannels:
    """The settings of every guild, with a channel for alerts if one is set."""

    def __init__(self) -> None:
        self.alerts: ChannelId | None = None

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return the settings."""
        channels = {} if self.alerts is None else {ChannelKind.ALERTS: self.alerts}
        return GuildSettings(guild_id, channels=channels)


class FakeNotifier:
    """Records alerts and messages.

    Attributes:
        told: the receiver (None: the admins) and the sentence.
        buttons: the labels of the buttons of each alert.
    """

    def __init__(self) -> None:
        self.told: list[tuple[MemberId | None, str]] = []
        self.buttons: list[tuple[LastingButton, ...]] = []
        self._keys: set[tuple[MemberId | None, str]] = set()

    async def notify(
        self,
        guild_id: GuildId,
        sentence: Text,
        key: str,
        *,
        buttons: Sequence[LastingButton] = (),
        **_: object,
    ) -> None:
        """Alert the admins."""
        del guild_id
        if self._tell(None, str(sentence), key):
            self.buttons.append(tuple(buttons))

    async def notify_due(
        self,
        guild_id: GuildId,
        sentence: Text,
        key: str,
        *,
        buttons: Sequence[LastingButton],
        mark_told: Callable[[], Awaitable[None]],
    ) -> None:
        """Alert the admins, and note it."""
        await self.notify(guild_id, sentence, key, buttons=buttons)
        await mark_told()

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """Close the alert with this key."""
        del guild_id
        self._keys.discard((None, key))

    async def tell_member(self, guild_id: GuildId, member_id: MemberId, sentence: Text, key: str) -> None:
        """Send a member a message."""
        del guild_id
        self._tell(member_id, str(sentence), key)

    def _tell(self, whom: MemberId | None, sentence: str, key: str) -> bool:
        if (whom, key) in self._keys:
            return False
        self._keys.add((whom, key))
        self.told.append((whom, sentence))
        return True


class FakeAuditLog:
    """Records audit entries."""

    def __init__(self) -> None:
        self.written: list[tuple[GuildId, MemberId | None, str, str]] = []

    async def write(
        self, guild_id: GuildId, actor_id: MemberId | None, action: AuditAction, facts: AuditFacts
    ) -> None:
        """Record an entry as people read it."""
        sentence = str(describe_facts(AuditEntry(START, actor_id, action, facts)))
        self.written.append((guild_id, actor_id, action, sentence))


def _build_key(guild_id: GuildId, link: Link) -> Key:
    return guild_id, link.member_id, link.player_id


def _get_rank(link: Link) -> tuple[bool, bool, datetime]:
    return not link.is_proven, not link.is_main, link.proven_at or link.linked_at
