"""The end of bounties: an unclaimed bounty is paid back once and in full."""

from dataclasses import replace

import pytest

from tests.fakes.bounties import ANN, DAY, GUILD, NORTH, SOUTH, place, set_channel
from tests.fakes.clock import settle
from tests.fakes.small_bot import Shelf
from utils.errors import CommitUnknownError, StorageUnavailableError
from utils.events import NoticesQueued, ServerRemoved
from utils.models.guilds import ChannelKind
from utils.models.money import BountyState, LedgerKind
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.scope import ServerScope
from utils.services.money.bounties.endings import CLAIM_GRACE, BountyEndings
from utils.services.money.bounties.placing import BountyService


async def test_bounty_nobody_claimed_is_paid_back_in_full(
    shelf: Shelf, bounties: BountyService, endings: BountyEndings
) -> None:
    """It is paid back after its end and the grace time for late reads, once, with a notice."""
    await set_channel(shelf)
    placed = await place(bounties)
    shelf.money.data.notices.clear()
    shelf.clock.move((DAY + CLAIM_GRACE).total_seconds())
    await endings.expire_due()
    assert shelf.money.data.balances[ANN] == 9000
    shelf.clock.move(1)
    await endings.expire_due()
    await endings.expire_due()
    now = shelf.clock.now()
    data = shelf.money.data
    assert data.balances[ANN] == 10_000
    assert data.bounties[placed.bounty.bounty_id] == replace(
        placed.bounty, state=BountyState.EXPIRED, closed_at=now
    )
    assert data.notices == [
        BountyNotice(
            event_id=placed.bounty.bounty_id.encode(),
            event=BountyEvent.EXPIRED,
            server_name="North",
            target_name="Wolf",
            amount=1000,
            at=now,
            placer_id=ANN,
        )
    ]
    assert [row.change.kind for row in data.ledger] == [LedgerKind.BOUNTY_PLACED, LedgerKind.BOUNTY_EXPIRED]


async def test_delivery_hears_of_a_notice_whose_commit_gets_no_answer(
    shelf: Shelf, bounties: BountyService, endings: BountyEndings
) -> None:
    """Delivery looks into the outbox by itself every few minutes only: the notice would be late."""
    await set_channel(shelf)
    queued: list[NoticesQueued] = []
    shelf.events.register(NoticesQueued, queued.append)
    shelf.money.unknown = [True, True]
    with pytest.raises(CommitUnknownError):
        await place(bounties)
    shelf.money.unknown = [True]
    shelf.clock.move((DAY + CLAIM_GRACE).total_seconds() + 1)
    await endings.expire_due()
    assert [notice.event for notice in shelf.money.data.notices] == [BountyEvent.PLACED, BountyEvent.EXPIRED]
    assert queued == [NoticesQueued(scope=NORTH.scope, kinds=frozenset({ChannelKind.BOUNTIES}))] * 2


async def test_removed_server_gives_held_money_back(
    shelf: Shelf, bounties: BountyService, endings: BountyEndings
) -> None:
    """Bounties on players of the server are withdrawn at once; those of other servers stay."""
    shelf.money.gone = {SOUTH.scope}
    await place(bounties)
    await place(bounties, "Foxtrot", 700)
    del shelf.servers.servers[SOUTH.scope]
    endings.on_server_removed(ServerRemoved(scope=SOUTH.scope))
    await settle()
    data = shelf.money.data
    assert data.balances[ANN] == 9000
    assert [one.player_name for one in data.bounties.values()] == ["Wolf"]
    assert data.ledger[-1].change.kind is LedgerKind.BOUNTY_WITHDRAWN


async def test_timer_makes_good_what_a_removal_left_behind(
    shelf: Shelf, bounties: BountyService, endings: BountyEndings
) -> None:
    """If the database is away at the removal, the money is paid back at the end of the first bounty."""
    await place(bounties, "Foxtrot", 700)
    del shelf.servers.servers[SOUTH.scope]
    shelf.money.failures = [StorageUnavailableError("away")]
    endings.on_server_removed(ServerRemoved(scope=SOUTH.scope))
    await settle()
    assert shelf.money.data.balances[ANN] == 9300
    shelf.clock.move((DAY + CLAIM_GRACE).total_seconds() + 1)
    await endings.expire_due()
    assert shelf.money.data.balances[ANN] == 10_000


async def test_other_guilds_servers_are_not_touched(
    shelf: Shelf, bounties: BountyService, endings: BountyEndings
) -> None:
    """A bounty belongs to its guild and server."""
    placed = await place(bounties)
    stranger = ServerScope(type(GUILD)(43), NORTH.scope.server_id)
    await endings.withdraw(stranger)
    assert await bounties.list_open(stranger.guild_id, [NORTH.scope.server_id]) == []
    assert shelf.money.data.bounties == {placed.bounty.bounty_id: placed.bounty}
