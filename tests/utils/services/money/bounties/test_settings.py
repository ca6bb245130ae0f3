"""A guild's settings of bounties."""

import asyncio
from functools import partial
from typing import Any

import pytest

from tests.fakes.bounties import ADMIN, ANN, DAY, GUILD, place
from tests.fakes.clock import START, settle
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import Gate
from utils.errors import InvalidInputError, NotAllowedError
from utils.interactions.services import Services
from utils.models.audit import AuditAction
from utils.models.money import BountySettings
from utils.models.scope import MemberId
from utils.services.money.bounties.settings import change_bounties


@pytest.fixture(name="services")
def _services(shelf: Shelf) -> Services:
    return shelf.build_services()


async def change(services: Services, actor_id: MemberId = ADMIN, **wished: Any) -> BountySettings:
    """Change the given settings, and return the result."""
    wish = partial(change_bounties, **wished)
    changed = await services.guild_changes.change(GUILD, actor_id, AuditAction.BOUNTIES, wish)
    return changed.after.bounties


async def test_bounties_are_refused_when_they_are_switched_off(services: Services) -> None:
    """The sentence names the command that switches them on."""
    await change(services, is_enabled=False)
    with pytest.raises(NotAllowedError) as caught:
        await place(services.bounties)
    assert str(caught.value) == ("Bounties are off. Admins: switch them on with /admin bounty.")


async def test_settings_are_shown_changed_and_audited(shelf: Shelf, services: Services) -> None:
    """Without a change nothing is written; the audit has old and new; placing uses the new values at once."""
    assert await change(services, is_auto=None) == BountySettings()
    assert shelf.audit.entries == []
    changed = BountySettings(is_auto=False, expiry_hours=48, max_amount=500)
    assert await change(services, is_auto=False, expiry_hours=48, max_amount=500) == changed
    assert (await services.settings.get_settings(GUILD)).bounties == changed
    assert shelf.audit.lines == [
        (
            ADMIN,
            "bounty",
            "bounties by the house: on → off, hours a bounty lasts: 24 → 48, largest bounty: 50000 → 500",
        )
    ]
    with pytest.raises(InvalidInputError, match="100 to 500 💎"):
        await place(services.bounties, amount=501)
    placed = await place(services.bounties, amount=500)
    assert placed.bounty.expires_at == START + 2 * DAY


async def test_two_changes_at_once_both_count(shelf: Shelf, services: Services) -> None:
    """A change of one setting keeps another admin's change of another setting at that moment."""
    gate = shelf.guilds.gate = Gate()
    off = asyncio.create_task(change(services, is_enabled=False))
    await gate.has_read.wait()
    manual = asyncio.create_task(change(services, ANN, is_auto=False))
    await settle()
    gate.may_answer.set()
    both = BountySettings(is_enabled=False, is_auto=False)
    assert [await off, await manual] == [BountySettings(is_enabled=False), both]
    assert shelf.guilds.settings[GUILD].bounties == both
    assert shelf.audit.lines == [
        (ADMIN, "bounty", "bounties and paid kills: on → off"),
        (ANN, "bounty", "bounties by the house: on → off"),
    ]


@pytest.mark.parametrize(
    "wish",
    [
        {"expiry_hours": 0},
        {"expiry_hours": 169},
        {"max_amount": 99},
        {"max_amount": 50_001},
    ],
)
async def test_setting_out_of_its_range_is_refused(services: Services, wish: dict[str, int]) -> None:
    """The limits are those of the contract."""
    with pytest.raises(InvalidInputError):
        await change(services, **wish)
    assert (await services.settings.get_settings(GUILD)).bounties == BountySettings()
