"""Bounties: placing, listing and cancelling them, and what becomes of those nobody claims.

Money is held by taking it from the placer's wallet in the transaction that stores the bounty; every end of a
bounty is one conditional update together with whatever is paid back, so it ends once. Claims are not made
here but with the kill (``rewards``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.errors import (
    AmbiguousError,
    InvalidInputError,
    NotAllowedError,
    NotEnoughMoneyError,
    NotFoundError,
    StorageError,
)
from utils.events import EventDispatcher, NoticesQueued, ServerRemoved
from utils.models.audit import AuditAction
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.money import (
    LARGEST_BOUNTY,
    LEAST_BOUNTY,
    LONGEST_EXPIRY_HOURS,
    Bounty,
    BountyEnd,
    BountySettings,
    BountyState,
    Change,
    LedgerKind,
    compute_cancel_fee,
)
from utils.models.notices import BountyEvent, BountyNotice
from utils.models.players import KnownPlayer
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.servers import GameServer
from utils.services.money_stores import BountyStore, MoneyUnit
from utils.services.rewards import make_bounty_id
from utils.services.wallets import AuditTrail

CLAIM_GRACE = timedelta(seconds=60)
"""How long after its end a bounty still waits: a kill that was read in time is stored within a minute."""

BOUNTY_KINDS = frozenset({ChannelKind.BOUNTIES})
SUGGESTIONS = 5

logger = get_logger(__name__)


class OwnPlayer(Protocol):
    """A player that belongs to a member."""

    @property
    def player_id(self) -> PlayerId:
        """The player."""


class LinkBook(Protocol):
    """Who has proven to be which player."""

    async def list_players(self, guild_id: GuildId, member_id: MemberId) -> Sequence[OwnPlayer]:
        """Return the proven players of a member."""


class BountyGuilds(Protocol):
    """A guild's settings and channels."""

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return a guild's settings."""

    async def set_bounties(self, guild_id: GuildId, settings: BountySettings) -> None:
        """Write what was decided about bounties."""

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the channel of a kind for a server."""


class BountyServers(Protocol):
    """A guild's game servers."""

    async def list_servers(self, guild_id: GuildId) -> Sequence[GameServer]:
        """Return them, oldest first."""

    async def resolve(self, guild_id: GuildId, text: str | None) -> GameServer:
        """Return the server meant.

        Raises:
            NotFoundError, AmbiguousError
        """


class PlayerBook(Protocol):
    """Who is meant by a name."""

    async def resolve(
        self, guild_id: GuildId, text: str, *, server_ids: Sequence[ServerId] = ()
    ) -> KnownPlayer:
        """Return the player meant.

        Raises:
            NotFoundError, AmbiguousError
        """


class DueBounties(Protocol):
    """Where bounties have ended, by key alone."""

    async def list_scopes_with_due_bounties(self, *, before: datetime) -> Sequence[ServerScope]:
        """Return every server with open bounties that ended before a moment."""


@dataclass(frozen=True, slots=True)
class BountyRooms:
    """What the rules about bounties work with."""

    store: BountyStore
    directory: DueBounties
    links: LinkBook
    guilds: BountyGuilds
    servers: BountyServers
    names: PlayerBook
    audit: AuditTrail
    events: EventDispatcher
    clock: Clock


@dataclass(frozen=True, slots=True)
class PlacedBounty:
    """What was placed, where, and what is left in the wallet."""

    bounty: Bounty
    server_name: str
    balance: int


@dataclass(frozen=True, slots=True)
class CancelledBounty:
    """What was cancelled, and what came back."""

    bounty: Bounty
    refund: int


@dataclass(frozen=True, slots=True)
class OwnBounties:
    """What a member placed and claimed, newest first."""

    placed: Sequence[Bounty]
    claimed: Sequence[Bounty]


@dataclass(frozen=True, slots=True)
class SettingsWish:
    """What an admin wants changed; None leaves a setting as it is."""

    is_enabled: bool | None = None
    is_auto: bool | None = None
    expiry_hours: int | None = None
    max_amount: int | None = None


class BountyService:
    """The rules around bounties."""

    def __init__(self, rooms: BountyRooms) -> None:
        self._rooms = rooms

    async def place(
        self, guild_id: GuildId, member_id: MemberId, *, player: str, amount: int, server: str | None
    ) -> PlacedBounty:
        """Put a price on a player; the money is held.

        Raises:
            UserFacingError: a sentence for each reason why not.
        """
        settings = (await self._rooms.guilds.get_settings(guild_id)).bounties
        _verify_settings(settings, amount)
        own = {link.player_id for link in await self._rooms.links.list_players(guild_id, member_id)}
        if not own:
            raise NotAllowedError(
                "Bounties are for members with a proven player. "
                "Link yours with /link, then prove it in the game."
            )
        chosen, target = await self._resolve_target(guild_id, player, server)
        if target.player_id in own:
            raise NotAllowedError(f"{target.name} is your own player. Name somebody else.")
        now = self._rooms.clock.now()
        bounty = Bounty(
            scope=chosen.scope,
            bounty_id=make_bounty_id(),
            player_id=target.player_id,
            player_name=target.name,
            amount=amount,
            placer_id=member_id,
            placed_at=now,
            expires_at=now + timedelta(hours=settings.expiry_hours),
        )
        balance = await self._store_bounty(bounty, member_id, chosen)
        return PlacedBounty(bounty, chosen.name, balance)

    async def list_open(self, guild_id: GuildId, server_ids: Sequence[ServerId]) -> Sequence[Bounty]:
        """Return the bounties that can be claimed on servers of the guild, highest first."""
        return await self._rooms.store.list_open(guild_id, server_ids, now=self._rooms.clock.now())

    async def list_own(self, guild_id: GuildId, member_id: MemberId) -> OwnBounties:
        """Return what a member placed and claimed."""
        placed = await self._rooms.store.list_placed(guild_id, member_id, is_open=False)
        return OwnBounties(placed, await self._rooms.store.list_claimed(guild_id, member_id))

    async def list_cancellable(self, guild_id: GuildId, member_id: MemberId) -> Sequence[Bounty]:
        """Return a member's own bounties that have not ended, newest first."""
        placed = await self._rooms.store.list_placed(guild_id, member_id, is_open=True)
        now = self._rooms.clock.now()
        return [bounty for bounty in placed if bounty.expires_at > now]

    async def cancel(self, guild_id: GuildId, member_id: MemberId, text: str) -> CancelledBounty:
        """Take a bounty of one's own back, for a tenth of it.

        Raises:
            NotFoundError, AmbiguousError: no open bounty of his, or several, are meant.
        """
        standing = await self.list_cancellable(guild_id, member_id)
        bounty = _find_own(standing, text)
        if bounty is None:
            raise await self._explain_missing(guild_id, member_id, text, standing)
        refund = bounty.amount - compute_cancel_fee(bounty.amount)
        end = BountyEnd(BountyState.CANCELLED, self._rooms.clock.now())

        async def close(unit: MoneyUnit) -> bool:
            return await close_with_refund(unit, bounty, end, LedgerKind.BOUNTY_CANCELLED, refund)

        if not await self._rooms.store.in_transaction(bounty.scope, close):
            raise NotFoundError("open bounty of yours on", bounty.player_name, hint="It has just ended.")
        return CancelledBounty(bounty, refund)

    async def get_settings(self, guild_id: GuildId) -> BountySettings:
        """Return what a guild decided about bounties."""
        return (await self._rooms.guilds.get_settings(guild_id)).bounties

    async def change_settings(
        self, guild_id: GuildId, wish: SettingsWish, *, actor_id: MemberId
    ) -> BountySettings:
        """Change what was named and return the settings as they are then.

        Raises:
            InvalidInputError: a number is out of its range.
        """
        before = await self.get_settings(guild_id)
        named = {name: getattr(wish, name) for name in SettingsWish.__slots__}
        after = replace(before, **{name: value for name, value in named.items() if value is not None})
        if not 1 <= after.expiry_hours <= LONGEST_EXPIRY_HOURS:
            raise InvalidInputError(f"A bounty lasts 1 to {LONGEST_EXPIRY_HOURS} hours.")
        if not LEAST_BOUNTY <= after.max_amount <= LARGEST_BOUNTY:
            raise InvalidInputError(
                f"The largest bounty is a number from {LEAST_BOUNTY:,} to {LARGEST_BOUNTY:,}."
            )
        if after != before:
            await self._rooms.guilds.set_bounties(guild_id, after)
            difference = _write_difference(before, after)
            await self._rooms.audit.write(guild_id, actor_id, AuditAction.BOUNTIES, difference)
        return after

    async def expire_due(self) -> None:
        """End every bounty whose time is over, with full refund, in all guilds.

        Raises:
            StorageError: the database is away; the next time goes on.
        """
        before = self._rooms.clock.now() - CLAIM_GRACE
        for scope in await self._rooms.directory.list_scopes_with_due_bounties(before=before):
            servers = await self._rooms.servers.list_servers(scope.guild_id)
            server = next((one for one in servers if one.scope == scope), None)
            if server is None:
                await self.withdraw(scope)
                continue
            for bounty in await self._rooms.store.list_due(scope, before=before):
                await self._expire(bounty, server.name)

    async def withdraw(self, scope: ServerScope) -> None:
        """End every bounty of a server that is not there any more, with full refund."""
        end = BountyEnd(BountyState.WITHDRAWN, self._rooms.clock.now())
        for bounty in await self._rooms.store.list_due(scope, before=None):

            async def close(unit: MoneyUnit, bounty: Bounty = bounty) -> bool:
                return await close_with_refund(unit, bounty, end, LedgerKind.BOUNTY_WITHDRAWN, bounty.amount)

            await self._rooms.store.in_transaction(scope, close)
        await self._rooms.store.delete_bounties(scope)

    async def on_server_removed(self, event: ServerRemoved) -> None:
        """Pay back what was held for bounties on its players."""
        try:
            await self.withdraw(event.scope)
        except StorageError as failure:
            # the timer does the same when the first of them ends
            logger.warning("bounties of a removed server wait", scope=str(event.scope), problem=str(failure))

    async def _explain_missing(
        self, guild_id: GuildId, member_id: MemberId, text: str, standing: Sequence[Bounty]
    ) -> NotFoundError:
        """Return why nothing can be cancelled: a bounty of the list may have ended since it was offered."""
        placed = await self._rooms.store.list_placed(guild_id, member_id, is_open=False)
        ended = next((bounty for bounty in placed if bounty.bounty_id == text), None)
        if ended is not None:
            return NotFoundError("open bounty of yours on", ended.player_name, hint="It has ended.")
        names = tuple(bounty.player_name for bounty in standing[:SUGGESTIONS])
        return NotFoundError("such open bounty of yours", None, suggestions=names)

    async def _resolve_target(
        self, guild_id: GuildId, player: str, server: str | None
    ) -> tuple[GameServer, KnownPlayer]:
        """Return the player meant, and the one server he is known on or that was named."""
        rooms = self._rooms
        if server is not None:
            chosen = await rooms.servers.resolve(guild_id, server)
            target = await self._resolve_on(chosen, player)
            if chosen.scope.server_id not in target.servers:
                raise NotFoundError("player", target.name, hint=f"He was never seen on {chosen.name}.")
            return chosen, target
        target = await rooms.names.resolve(guild_id, player)
        servers = await rooms.servers.list_servers(guild_id)
        known = [one for one in servers if one.scope.server_id in target.servers]
        if len(known) > 1:
            names = ", ".join(one.name for one in known)
            raise InvalidInputError(
                f"{target.name} plays on several servers: {names}. Name one with the option server."
            )
        if not known:
            raise NotFoundError("player", target.name, hint="He was seen on no server of today.")
        return known[0], target

    async def _resolve_on(self, server: GameServer, player: str) -> KnownPlayer:
        names, guild_id = self._rooms.names, server.scope.guild_id
        try:
            return await names.resolve(guild_id, player, server_ids=[server.scope.server_id])
        except NotFoundError:
            return await names.resolve(guild_id, player)  # so that who plays elsewhere is named as such

    async def _store_bounty(self, bounty: Bounty, member_id: MemberId, server: GameServer) -> int:
        channel_id = await self._rooms.guilds.find_channel(bounty.scope, ChannelKind.BOUNTIES)
        notices = [_build_placed_notice(bounty, server.name)] if channel_id is not None else []

        async def store(unit: MoneyUnit) -> int:
            await _verify_no_other(unit, bounty)
            balance = await unit.book(_build_hold(bounty, member_id))
            if balance is None:
                raise NotEnoughMoneyError(
                    needed=bounty.amount,
                    balance=await unit.get_balance(member_id),
                    hint="Kills of your linked player earn more; /wallet shows what you have.",
                )
            await unit.insert_bounty(bounty)
            await unit.append_notices(notices, created_at=bounty.placed_at)
            return balance

        balance = await self._rooms.store.in_transaction(bounty.scope, store)
        if notices:
            await self._rooms.events.dispatch(NoticesQueued(scope=bounty.scope, kinds=BOUNTY_KINDS))
        return balance

    async def _expire(self, bounty: Bounty, server_name: str) -> None:
        now = self._rooms.clock.now()
        channel_id = await self._rooms.guilds.find_channel(bounty.scope, ChannelKind.BOUNTIES)
        notices = [_build_expired_notice(bounty, server_name, now)] if channel_id is not None else []

        async def close(unit: MoneyUnit) -> bool:
            end = BountyEnd(BountyState.EXPIRED, now)
            if not await close_with_refund(unit, bounty, end, LedgerKind.BOUNTY_EXPIRED, bounty.amount):
                return False
            await unit.append_notices(notices, created_at=now)
            return True

        if await self._rooms.store.in_transaction(bounty.scope, close) and notices:
            await self._rooms.events.dispatch(NoticesQueued(scope=bounty.scope, kinds=BOUNTY_KINDS))


async def close_with_refund(
    unit: MoneyUnit, bounty: Bounty, end: BountyEnd, kind: LedgerKind, refund: int
) -> bool:
    """End a bounty and pay back what its placer gets; tell whether it still was open."""
    if not await unit.close_bounty(bounty, end):
        return False
    if bounty.placer_id is not None and refund:
        key = f"refund:{bounty.bounty_id}"
        await unit.book(Change(bounty.placer_id, kind, refund, key, end.at, note=bounty.player_name))
    return True


async def _verify_no_other(unit: MoneyUnit, bounty: Bounty) -> None:
    standing = await unit.list_open_bounties([bounty.player_id])
    own = next((one for one in standing if one.placer_id == bounty.placer_id), None)
    if own is None:
        return
    if own.expires_at <= bounty.placed_at:
        raise NotAllowedError(
            f"Your bounty on {own.player_name} has just ended. Try again when it is paid back, in a minute."
        )
    raise NotAllowedError(
        f"You have an open bounty on {own.player_name} already. /bounty cancel takes it back."
    )


def _verify_settings(settings: BountySettings, amount: int) -> None:
    if not settings.is_enabled:
        raise NotAllowedError("Bounties are switched off here. An admin switches them on with /admin bounty.")
    if not LEAST_BOUNTY <= amount <= settings.max_amount:
        raise InvalidInputError(
            f"A bounty here is an amount from {LEAST_BOUNTY:,} to {settings.max_amount:,} emeralds."
        )


def _find_own(standing: Sequence[Bounty], text: str) -> Bounty | None:
    """Return the bounty meant among those that can be cancelled, by its id or the name of its target."""
    wanted = text.casefold().strip()
    by_id = [bounty for bounty in standing if bounty.bounty_id == text]
    found = by_id or [bounty for bounty in standing if bounty.player_name.casefold() == wanted]
    if len(found) > 1:
        candidates = tuple(f"{bounty.player_name} ({bounty.amount:,} emeralds)" for bounty in found)
        raise AmbiguousError("bounty", text, candidates=candidates)
    return found[0] if found else None


def _build_hold(bounty: Bounty, member_id: MemberId) -> Change:
    return Change(
        member_id=member_id,
        kind=LedgerKind.BOUNTY_PLACED,
        amount=-bounty.amount,
        key=f"hold:{bounty.bounty_id}",
        at=bounty.placed_at,
        note=bounty.player_name,
    )


def _build_placed_notice(bounty: Bounty, server_name: str) -> BountyNotice:
    return BountyNotice(
        event_id=bounty.bounty_id.encode(),
        event=BountyEvent.PLACED,
        server_name=server_name,
        target_name=bounty.player_name,
        amount=bounty.amount,
        at=bounty.placed_at,
        placer_id=bounty.placer_id,
        ends_at=bounty.expires_at,
    )


def _build_expired_notice(bounty: Bounty, server_name: str, at: datetime) -> BountyNotice:
    return BountyNotice(
        event_id=bounty.bounty_id.encode(),
        event=BountyEvent.EXPIRED,
        server_name=server_name,
        target_name=bounty.player_name,
        amount=bounty.amount,
        at=at,
        placer_id=bounty.placer_id,
    )


def _write_difference(before: BountySettings, after: BountySettings) -> str:
    changed = [name for name in SettingsWish.__slots__ if getattr(before, name) != getattr(after, name)]
    return "; ".join(f"{name}: {getattr(before, name)} → {getattr(after, name)}" for name in changed)
