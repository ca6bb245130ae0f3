"""Placing bounties, listing them, and taking them back.

The transaction that stores a bounty takes the money from the placer's wallet. Claims are made with the kill
(``rewards``), not here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from functools import partial

from utils.clock import Clock
from utils.errors import (
    AmbiguousError,
    InvalidInputError,
    NotAllowedError,
    NotEnoughMoneyError,
    NotFoundError,
    NotLinkedError,
)
from utils.events import BountiesChanged, EventDispatcher
from utils.models.labels import SEPARATOR, Choice, add_labels, find_labelled, label_name
from utils.models.links import Link, describe_unlinked
from utils.models.money import (
    BASE_REWARD,
    LARGEST_REWARD,
    WALLET_STOPPED,
    Bounty,
    BountyEnd,
    BountyState,
    Change,
    LedgerKind,
    ReadKill,
    compute_cancel_fee,
)
from utils.models.notices.bounties import BountyEvent
from utils.models.notifications import tell_target
from utils.models.players import KnownPlayer
from utils.models.scope import GuildId, MemberId, ServerId
from utils.models.servers import GameServer
from utils.models.texts import Command, Number, Text, plural, text
from utils.models.typed_text import fold_text, quote
from utils.services.guilds.guild_settings import SettingsService
from utils.services.links.linking import LinkService
from utils.services.money.bounties.endings import end_bounty
from utils.services.money.bounties.notices import build_bounty_notice, choose_notices, tell_queued
from utils.services.money.bounties.settings import verify_amount, verify_enabled
from utils.services.money.money_stores import BountyStore, MoneyUnit, book_surely
from utils.services.players.player_names import PlayerNames
from utils.services.servers.game_servers import GameServerService

SUGGESTIONS = 5
LINK_FIRST = text(
    "Link your player first ({link}, about 20 minutes), then you can place bounties.", link=Command("link")
)


@dataclass(frozen=True, slots=True)
class PlacedBounty:
    """The placed bounty, its server, and the balance afterwards."""

    bounty: Bounty
    server_name: str
    balance: int


@dataclass(frozen=True, slots=True)
class CancelledBounty:
    """The cancelled bounty, and the refund."""

    bounty: Bounty
    refund: int


@dataclass(frozen=True, slots=True)
class OwnBounties:
    """The bounties that a member placed and claimed, newest first.

    Attributes:
        own_kills: when (UTC) the member last killed the target of an open bounty of theirs, by its id; such a
            kill pays nothing.
    """

    placed: Sequence[Bounty]
    claimed: Sequence[Bounty]
    own_kills: Mapping[str, datetime]


@dataclass(eq=False, repr=False)
class BountyService:
    """Places, lists and cancels bounties."""

    store: BountyStore
    _: KW_ONLY
    guilds: SettingsService
    servers: GameServerService
    links: LinkService
    players: PlayerNames
    events: EventDispatcher
    clock: Clock

    async def place(
        self,
        guild_id: GuildId,
        member_id: MemberId,
        *,
        player: str,
        amount: int,
        server: str | None,
        request_id: int,
    ) -> PlacedBounty:
        """Place a bounty on a player; the money is taken now.

        It is placed once for each ``request_id``, which is the id of Discord's interaction.

        Raises:
            AmbiguousError: several players, or several servers of the player, fit.
            UserFacingError: with a sentence for each reason to refuse.
        """
        settings = (await self.guilds.get_settings(guild_id)).bounties
        verify_amount(settings, amount)
        own = {link.player_id for link in await self.links.list_players(guild_id, member_id)}
        if not own:
            raise NotLinkedError(LINK_FIRST)
        chosen, target = await self._resolve_target(guild_id, player, server)
        if target.player_id in own:
            raise InvalidInputError(
                text("{player} is your own player. Choose someone else.", player=target.name)
            )
        now = self.clock.now()
        bounty = Bounty(
            scope=chosen.scope,
            bounty_id=str(request_id),
            player_id=target.player_id,
            player_name=target.name,
            amount=amount,
            placer_id=member_id,
            placed_at=now,
            expires_at=now + timedelta(hours=settings.expiry_hours),
        )
        balance = await self._store_bounty(bounty, member_id, chosen)
        return PlacedBounty(bounty, chosen.name, balance)

    async def list_targets(
        self, guild_id: GuildId, member_id: MemberId, target_id: MemberId
    ) -> Sequence[Link]:
        """Return the proven players of another member, the main first.

        Raises:
            NotAllowedError: bounties are off.
            InvalidInputError: the member means themself.
            NotLinkedError: the member has no proven player.
            NotFoundError: the other one has no proven player.
        """
        if target_id == member_id:
            raise InvalidInputError(text("That's you. Choose someone else."))
        settings = (await self.guilds.get_settings(guild_id)).bounties
        verify_enabled(settings)
        if not await self.links.list_players(guild_id, member_id):
            raise NotLinkedError(LINK_FIRST)
        players = await self.links.list_players(guild_id, target_id)
        if not players:
            raise NotFoundError(describe_unlinked(target_id))
        return players

    async def list_open(self, guild_id: GuildId, server_ids: Sequence[ServerId]) -> Sequence[Bounty]:
        """Return the bounties that can be claimed on servers of the guild, highest first."""
        return await self.store.list_open(guild_id, server_ids, now=self.clock.now())

    async def list_own(self, guild_id: GuildId, member_id: MemberId) -> OwnBounties:
        """Return the bounties that a member placed and claimed."""
        placed = await self.store.list_placed(guild_id, member_id, is_open=False)
        claimed = await self.store.list_claimed(guild_id, member_id)
        return OwnBounties(placed, claimed, await self._find_own_kills(guild_id, member_id, placed))

    async def _find_own_kills(
        self, guild_id: GuildId, member_id: MemberId, placed: Sequence[Bounty]
    ) -> Mapping[str, datetime]:
        """Return when a member's players last killed the targets of their open bounties, by ids."""
        standing = [bounty for bounty in placed if bounty.state is BountyState.OPEN]
        if not standing:
            return {}
        links = await self.links.list_players(guild_id, member_id)
        linked = {link.player_id: link.proven_at or link.linked_at for link in links}
        found: dict[str, datetime] = {}
        for scope in sorted({bounty.scope for bounty in standing}) if linked else ():
            wanted = [bounty for bounty in standing if bounty.scope == scope]
            targets = {bounty.player_id for bounty in wanted}
            since = min(bounty.placed_at for bounty in wanted)
            kills = await self.store.list_read_kills(scope, linked, targets, since=since)
            own = [kill for kill in kills if linked[kill.killer_id] <= kill.read_at]
            for bounty in wanted:
                moments = [kill.killed_at for kill in own if _would_claim(kill, bounty)]
                if moments:
                    found[bounty.bounty_id] = max(moments)
        return found

    async def list_cancellable(self, guild_id: GuildId, member_id: MemberId) -> Sequence[Bounty]:
        """Return a member's own open bounties, newest first."""
        placed = await self.store.list_placed(guild_id, member_id, is_open=True)
        now = self.clock.now()
        return [bounty for bounty in placed if bounty.expires_at > now]

    async def name_choices(self, guild_id: GuildId, bounties: Sequence[Bounty]) -> Sequence[Choice]:
        """Return the labels of bounties by their ids: target, amount and server."""
        servers = await self.servers.list_servers(guild_id)
        names = {server.scope.server_id: server.name for server in servers}
        return [
            (
                one.bounty_id,
                SEPARATOR.join(
                    (label_name(one.player_name), f"{one.amount:,}", names.get(one.scope.server_id, ""))
                ),
            )
            for one in bounties
        ]

    async def cancel(self, guild_id: GuildId, member_id: MemberId, typed: str) -> CancelledBounty:
        """Cancel a member's own bounty, at the cost of a tenth of it.

        Raises:
            NotFoundError, AmbiguousError: the text fits none of their open bounties, or several.
        """
        standing = await self.list_cancellable(guild_id, member_id)
        bounty = _find_own(standing, typed, await self.name_choices(guild_id, standing))
        if bounty is None:
            raise await self._explain_missing(guild_id, member_id, typed, standing)
        refund = bounty.amount - compute_cancel_fee(bounty.amount)
        end = BountyEnd(BountyState.CANCELLED, self.clock.now())
        close = partial(end_bounty, self.store, bounty, end, refund=refund)
        if not await book_surely(close) and not await self._is_cancelled(member_id, bounty):
            raise _build_missing(bounty, text("It just ended."))
        self.events.dispatch(BountiesChanged(guild_id=guild_id))
        return CancelledBounty(bounty, refund)

    async def _is_cancelled(self, member_id: MemberId, bounty: Bounty) -> bool:
        """Tell whether a bounty was cancelled already, for example by a commit with a lost answer."""
        placed = await self.store.list_placed(bounty.scope.guild_id, member_id, is_open=False)
        mine = next((one for one in placed if one.bounty_id == bounty.bounty_id), None)
        return mine is not None and mine.state is BountyState.CANCELLED

    async def _explain_missing(
        self, guild_id: GuildId, member_id: MemberId, typed: str, standing: Sequence[Bounty]
    ) -> NotFoundError:
        """Return why nothing can be cancelled: a bounty may have ended after it was offered."""
        placed = await self.store.list_placed(guild_id, member_id, is_open=False)
        ended = next((bounty for bounty in placed if bounty.bounty_id == typed), None)
        if ended is not None:
            return _build_missing(ended, text("It has ended."))
        names = tuple(bounty.player_name for bounty in standing[:SUGGESTIONS])
        return NotFoundError(text("You have no open bounty like that."), suggestions=names)

    async def _resolve_target(
        self, guild_id: GuildId, player: str, server: str | None
    ) -> tuple[GameServer, KnownPlayer]:
        """Return the player, and the server that was named or that alone knows them."""
        if server is not None:
            chosen = await self.servers.resolve(guild_id, server)
            target = await self._resolve_on(chosen, player)
            if chosen.scope.server_id not in target.servers:
                raise NotFoundError(
                    text("{player} hasn't played on {server} yet.", player=target.name, server=chosen.name)
                )
            return chosen, target
        target = await self.players.resolve(guild_id, player)
        servers = await self.servers.list_servers(guild_id)
        known = [one for one in servers if one.scope.server_id in target.servers]
        if len(known) > 1:
            asked = plural(
                "{player} plays on {count} server. On which one?",
                "{player} plays on {count} servers. On which one?",
                len(known),
                player=target.name,
            )
            choices = [(one.scope.server_id, one.name) for one in known]
            raise AmbiguousError(asked, typed=None, choices=choices)
        if not known:
            raise NotFoundError(text("The servers {player} played on were removed.", player=target.name))
        return known[0], target

    async def _resolve_on(self, server: GameServer, player: str) -> KnownPlayer:
        players, guild_id = self.players, server.scope.guild_id
        try:
            return await players.resolve(guild_id, player, server_ids=[server.scope.server_id])
        except NotFoundError:
            return await players.resolve(guild_id, player)  # so the answer can name other servers

    async def _store_bounty(self, bounty: Bounty, member_id: MemberId, server: GameServer) -> int:
        at, ends_at = bounty.placed_at, bounty.expires_at
        notice = build_bounty_notice(bounty, BountyEvent.PLACED, server.name, at=at, ends_at=ends_at)
        notices = await choose_notices(self.guilds, bounty.scope, notice)

        def store(unit: MoneyUnit) -> int:
            hold = _build_hold(bounty, member_id)
            if unit.find_booked([hold.key]):  # by a commit with a lost answer
                return unit.get_balance(member_id)
            _verify_no_other(unit, bounty)
            balance = unit.book(hold)
            if balance is None:
                if unit.is_stopped(member_id):
                    raise NotAllowedError(WALLET_STOPPED)
                raise _build_lack(bounty.amount, unit.get_balance(member_id))
            unit.insert_bounty(bounty)
            unit.append_notices(notices, created_at=bounty.placed_at)
            owner_id = unit.find_members([bounty.player_id]).get(bounty.player_id)
            unit.tell(tell_target(bounty, owner_id, server.name))
            return balance

        try:
            return await book_surely(partial(self.store.in_transaction, bounty.scope, store))
        finally:  # after a commit without an answer as well: the notice may be stored
            tell_queued(self.events, bounty.scope, notices)
            self.events.dispatch(BountiesChanged(guild_id=bounty.scope.guild_id))


def _would_claim(kill: ReadKill, bounty: Bounty) -> bool:
    """Tell whether a kill would have claimed a bounty of somebody else (``rewards``)."""
    return kill.victim_id == bounty.player_id and bounty.is_in_time(kill.read_at)


def _verify_no_other(unit: MoneyUnit, bounty: Bounty) -> None:
    standing = unit.list_open_bounties([bounty.player_id])
    own = next((one for one in standing if one.placer_id == bounty.placer_id), None)
    if own is None:
        return
    if own.expires_at <= bounty.placed_at:
        raise NotAllowedError(
            text(
                "Your bounty on {player} just ended. Try again in a minute, when it's paid back.",
                player=own.player_name,
            )
        )
    raise NotAllowedError(
        text(
            "You already have an open bounty on {player}. {cancel} takes it back.",
            player=own.player_name,
            cancel=Command("bounty cancel"),
        )
    )


def _build_lack(needed: int, balance: int) -> NotEnoughMoneyError:
    return NotEnoughMoneyError(
        text(
            "You need {needed} 💎 and have {balance} 💎. Kills earn you {least} to {most} each.",
            needed=Number(needed),
            balance=Number(balance),
            least=Number(BASE_REWARD),
            most=Number(LARGEST_REWARD),
        )
    )


def _build_missing(bounty: Bounty, hint: Text) -> NotFoundError:
    missing = text("You have no open bounty on “{player}”.", player=bounty.player_name)
    return NotFoundError(missing, hint=hint)


def _find_own(standing: Sequence[Bounty], typed: str, choices: Sequence[Choice]) -> Bounty | None:
    """Return one of the bounties that can be cancelled, by its id, label or target."""
    wanted, labelled = fold_text(typed), find_labelled(typed, choices)
    found = (
        [bounty for bounty in standing if bounty.bounty_id == typed]
        or [bounty for bounty in standing if bounty.bounty_id in labelled]
        or [bounty for bounty in standing if wanted and fold_text(bounty.player_name) == wanted]
    )
    if len(found) > 1:
        ids = {bounty.bounty_id for bounty in found}
        offered = [choice for choice in add_labels(choices) if choice[0] in ids]
        several = text("“{name}” fits several bounties.", name=quote(typed))
        raise AmbiguousError(several, typed=typed, choices=offered)
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
