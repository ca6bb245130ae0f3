"""Endings: bounties that were not claimed in time, and those of removed servers.

Every end of a bounty is one conditional update together with its refund, so it ends once.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta

from structlog import get_logger

from utils.clock import Clock
from utils.error_sink import ErrorSource, Where
from utils.errors import NotAllowedError, StorageError
from utils.events import BountiesChanged, EventDispatcher, ServerRemoved
from utils.models.money import WALLET_STOPPED, Bounty, BountyEnd, BountyState, Change, LedgerKind
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.notifications import DirectEvent, DirectMessage, tell_placer
from utils.models.scope import ServerScope
from utils.queues import WorkQueue
from utils.services.guilds.guild_settings import SettingsService
from utils.services.money.bounties.notices import build_bounty_notice, choose_notices, tell_queued
from utils.services.money.money_stores import BountyStore, DueBounties, MoneyUnit
from utils.services.servers.game_servers import GameServerService
from utils.tasks import TaskManager

EXPIRE_TASK = "bounties:expire"
WITHDRAW_TASK = "bounties:withdraw"

CLAIM_GRACE = timedelta(seconds=60)
"""The wait after the end of a bounty: a kill that was read in time is stored within a minute."""

REFUND_KINDS = {
    BountyState.EXPIRED: LedgerKind.BOUNTY_EXPIRED,
    BountyState.CANCELLED: LedgerKind.BOUNTY_CANCELLED,
    BountyState.WITHDRAWN: LedgerKind.BOUNTY_WITHDRAWN,
}
"""The ledger's names of refunds; a claim has none."""

logger = get_logger(__name__)


@dataclass(eq=False, repr=False)
class BountyEndings:
    """Ends unclaimed bounties, with full refund."""

    store: BountyStore
    scope_index: DueBounties
    _: KW_ONLY
    guilds: SettingsService
    servers: GameServerService
    events: EventDispatcher
    tasks: TaskManager
    clock: Clock

    def __post_init__(self) -> None:
        self._withdrawing = WorkQueue(WITHDRAW_TASK, self._withdraw_soon, tasks=self.tasks)

    async def expire_due(self) -> None:
        """End every expired bounty in all guilds, with full refund.

        Raises:
            StorageError: the database is away; the next time goes on.
        """
        before = self.clock.now() - CLAIM_GRACE

        async def expire(scope: ServerScope) -> None:
            servers = await self.servers.list_servers(scope.guild_id)
            server = next((one for one in servers if one.scope == scope), None)
            if server is None:
                await self.withdraw(scope)
                return
            for bounty in await self.store.list_due(scope, before=before):
                await self._expire(bounty, server.name)

        scopes = await self.scope_index.list_scopes_with_due_bounties(before=before)
        await self.tasks.for_each(EXPIRE_TASK, scopes, expire)

    async def withdraw(self, scope: ServerScope) -> None:
        """End every bounty of a removed server, with full refund."""
        end = BountyEnd(BountyState.WITHDRAWN, self.clock.now())
        for bounty in await self.store.list_due(scope, before=None):
            told = tell_placer(bounty, DirectEvent.REFUNDED, at=end.closed_at)
            await end_bounty(self.store, bounty, end, refund=bounty.amount, told=told)
        await self.store.delete_bounties(scope)

    def on_server_removed(self, event: ServerRemoved) -> None:
        """Pay back the bounties on its players."""
        self._withdrawing.put(event.scope, guild_id=event.scope.guild_id)

    async def _withdraw_soon(self, scope: ServerScope) -> None:
        try:
            await self.withdraw(scope)
        except StorageError as failure:
            # the timer does the same when the first of them expires
            logger.warning("bounties of a removed server wait", scope=str(scope), problem=str(failure))
            where = Where(source=ErrorSource.DATABASE, guild_id=scope.guild_id, server_id=scope.server_id)
            self.tasks.errors.report(failure, where=where)

    async def _expire(self, bounty: Bounty, server_name: str) -> None:
        end = BountyEnd(BountyState.EXPIRED, self.clock.now())
        notice = build_bounty_notice(bounty, BountyEvent.EXPIRED, server_name, at=end.closed_at)
        notices = await choose_notices(self.guilds, bounty.scope, notice)
        told = tell_placer(bounty, DirectEvent.EXPIRED, at=end.closed_at, server_name=server_name)
        try:
            await end_bounty(self.store, bounty, end, refund=bounty.amount, notices=notices, told=told)
        finally:  # after a commit without an answer as well: the notice may be stored
            tell_queued(self.events, bounty.scope, notices)
            self.events.dispatch(BountiesChanged(guild_id=bounty.scope.guild_id))


async def end_bounty(
    store: BountyStore,
    bounty: Bounty,
    end: BountyEnd,
    *,
    refund: int,
    notices: Sequence[BountyNotice] = (),
    told: Sequence[DirectMessage] = (),
) -> bool:
    """End a bounty in one transaction with its refund, notices and direct messages.

    Returns:
        whether it was still open.
    """

    def close(unit: MoneyUnit) -> bool:
        is_closed = close_with_refund(unit, bounty, end, refund=refund)
        if is_closed:
            unit.append_notices(notices, created_at=end.closed_at)
            unit.tell(told)
        return is_closed

    return await store.in_transaction(bounty.scope, close)


def close_with_refund(unit: MoneyUnit, bounty: Bounty, end: BountyEnd, *, refund: int) -> bool:
    """End a bounty and pay its placer back; tell whether it was still open.

    While the placer's wallet is stopped, the bounty stays open.

    Raises:
        NotAllowedError: its placer cancels it, and their wallet is stopped.
    """
    if bounty.placer_id is not None and refund and unit.is_stopped(bounty.placer_id):
        if end.state is BountyState.CANCELLED:
            raise NotAllowedError(WALLET_STOPPED)
        return False
    if not unit.close_bounty(bounty, end):
        return False
    if bounty.placer_id is not None and refund:
        key, kind = f"refund:{bounty.bounty_id}", REFUND_KINDS[end.state]
        unit.book(Change(bounty.placer_id, kind, refund, key, end.closed_at, note=bounty.player_name))
    return True
