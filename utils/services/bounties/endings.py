"""Endings: bounties that nobody claimed in time, and those of servers that are gone.

Every end of a bounty is one conditional update together with whatever is paid back, so it ends once.
"""

from datetime import datetime, timedelta

from structlog import get_logger

from utils.errors import StorageError
from utils.events import NoticesQueued, ServerRemoved
from utils.models.guilds import ChannelKind
from utils.models.money import Bounty, BountyEnd, BountyState, Change, LedgerKind
from utils.models.notices import BountyEvent, BountyNotice
from utils.models.scope import ServerScope
from utils.services.bounties.rooms import BOUNTY_KINDS, BountyRooms
from utils.services.money_stores import MoneyUnit

CLAIM_GRACE = timedelta(seconds=60)
"""How long after its end a bounty still waits: a kill that was read in time is stored within a minute."""

logger = get_logger(__name__)


class BountyEndings:
    """Ends what nobody claimed, with full refund."""

    def __init__(self, rooms: BountyRooms) -> None:
        self._rooms = rooms

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
