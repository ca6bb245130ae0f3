"""What a guild decides about bounties."""

import asyncio

import pytest

from tests.fakes.bounties import ADMIN, ANN, DAY, GUILD, place
from tests.fakes.clock import START, settle
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import Gate
from utils.errors import InvalidInputError, NotAllowedError
from utils.models.money import BountySettings
from utils.services.money.bounties.placing import BountyService
from utils.services.money.bounties.settings import SettingsWish


async def test_bounties_are_refused_when_they_are_switched_off(bounties: BountyService) -> None:
    """The sentence names the command that switches them on."""
    await bounties.change_settings(GUILD, SettingsWish(is_enabled=False), actor_id=ADMIN)
    with pytest.raises(NotAllowedError) as caught:
        await place(bounties)
    assert str(caught.value) == (
        "Bounties are switched off here. An admin switches them on with /admin bounty."
    )


async def test_settings_are_shown_changed_and_audited(shelf: Shelf, bounties: BountyService) -> None:
    """Without a wish nothing changes; the audit names old and new; placing follows at once."""
    assert await bounties.change_settings(GUILD, SettingsWish(), actor_id=ADMIN) == BountySettings()
    assert shelf.audit.entries == []
    wish = SettingsWish(is_auto=False, expiry_hours=48, max_amount=500)
    changed = BountySettings(is_auto=False, expiry_hours=48, max_amount=500)
    assert await bounties.change_settings(GUILD, wish, actor_id=ADMIN) == changed
    assert await bounties.get_settings(GUILD) == changed
    assert shelf.audit.lines == [
        (ADMIN, "bounty", "is_auto: True → False; expiry_hours: 24 → 48; max_amount: 50000 → 500")
    ]
    with pytest.raises(InvalidInputError, match="from 100 to 500"):
        await place(bounties, amount=501)
    placed = await place(bounties, amount=500)
    assert placed.bounty.expires_at == START + 2 * DAY


async def test_two_changes_at_once_both_count(shelf: Shelf, bounties: BountyService) -> None:
    """Who changes one thing leaves what another admin changes at that moment as it is."""
    gate = shelf.guilds.gate = Gate()
    off = asyncio.create_task(bounties.change_settings(GUILD, SettingsWish(is_enabled=False), actor_id=ADMIN))
    await gate.has_read.wait()
    manual = asyncio.create_task(bounties.change_settings(GUILD, SettingsWish(is_auto=False), actor_id=ANN))
    await settle()
    gate.may_answer.set()
    both = BountySettings(is_enabled=False, is_auto=False)
    assert [await off, await manual] == [BountySettings(is_enabled=False), both]
    assert shelf.guilds.settings[GUILD].bounties == both
    assert shelf.audit.lines == [
        (ADMIN, "bounty", "is_enabled: True → False"),
        (ANN, "bounty", "is_auto: True → False"),
    ]


@pytest.mark.parametrize(
    "wish",
    [
        SettingsWish(expiry_hours=0),
        SettingsWish(expiry_hours=169),
        SettingsWish(max_amount=99),
        SettingsWish(max_amount=50_001),
    ],
)
async def test_setting_out_of_its_range_is_refused(bounties: BountyService, wish: SettingsWish) -> None:
    """The limits are those of the contract."""
    with pytest.raises(InvalidInputError):
        await bounties.change_settings(GUILD, wish, actor_id=ADMIN)
    assert await bounties.get_settings(GUILD) == BountySettings()
