"""The service of factions: the faction that a text means, the choices of autocomplete, and the events."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.factions import FakeFactionDays, FakeFactionStore
from tests.fakes.links import FakeLinkStore
from utils.errors import AmbiguousError, InvalidInputError, NotFoundError
from utils.events import EventDispatcher, FactionChanged
from utils.models.factions import MOST_FACTIONS, Faction, FactionInvitation, FactionPeriod, FactionRank
from utils.models.scope import GuildId, MemberId
from utils.services.factions.factions import FactionService
from utils.services.factions.figures import FactionFigureService
from utils.services.factions.names import compute_name_key
from utils.services.factions.rules import FactionEdit

GUILD, OTHER = GuildId(42), GuildId(43)
ANNA, BERT = MemberId(1), MemberId(2)


@pytest.fixture(name="store")
def _store() -> FakeFactionStore:
    return FakeFactionStore()


@pytest.fixture(name="told")
def _told() -> list[FactionChanged]:
    return []


@pytest.fixture(name="factions")
def _factions(store: FakeFactionStore, told: list[FactionChanged]) -> FactionService:
    events = EventDispatcher()
    events.register(FactionChanged, told.append)
    figures = FactionFigureService(store, days=FakeFactionDays(), links=FakeLinkStore())
    return FactionService(store, figures=figures, events=events, clock=FakeClock())


def build(number: int, name: str, tag: str, *, is_open: bool = False) -> Faction:
    """Return a faction; a higher number is younger."""
    at = START - timedelta(days=100 - number)
    return Faction(GUILD, f"f{number}", name, compute_name_key(name), tag, is_open, at)


async def test_faction_is_found_by_id_name_tag_or_a_part_of_its_name(
    factions: FactionService, store: FakeFactionStore
) -> None:
    """A tag goes before a part of a name, and several parts are asked back; other guilds find nothing."""
    wolves, wild, fox = build(1, "Wolves", "WLF"), build(2, "Wild Wolves", "FOX"), build(3, "Foxes", "FXS")
    store.factions = {one.faction_id: one for one in (wolves, wild, fox)}
    for typed, meant in (
        ("f3", fox),
        ("wolves", wolves),
        ("[WLF] Wolves", wolves),
        ("fox", wild),
        ("oxes", fox),
    ):
        assert await factions.resolve(GUILD, typed) == meant
    with pytest.raises(AmbiguousError):
        await factions.resolve(GUILD, "wol")
    for guild_id, typed in ((GUILD, "Bears"), (OTHER, "f1")):
        with pytest.raises(NotFoundError):
            await factions.resolve(guild_id, typed)


async def test_invitations_are_offered_before_open_factions(
    factions: FactionService, store: FakeFactionStore
) -> None:
    """All that can be joined are offered; an invitation that has ended is not."""
    every = [
        build(
            number,
            f"Pack {chr(97 + number // 26)}{chr(97 + number % 26)}",
            f"P{number}",
            is_open=number % 2 == 0,
        )
        for number in range(MOST_FACTIONS)
    ]
    store.factions = {one.faction_id: one for one in every}
    for number, hours in ((49, 1), (7, 1), (9, -1)):
        invitation = FactionInvitation(f"f{number}", ANNA, START + timedelta(hours=hours))
        store.invitations[invitation.faction_id, ANNA] = invitation
    offered = [key for key, _ in await factions.list_joinable(GUILD, ANNA)]
    assert offered == ["f7", "f49", *(f"f{number}" for number in range(0, MOST_FACTIONS, 2))]
    assert len(await factions.list_choices(GUILD)) == MOST_FACTIONS


async def test_changes_are_told_and_audited_and_refusals_are_not(
    factions: FactionService, store: FakeFactionStore, told: list[FactionChanged]
) -> None:
    """A refused change leaves everything as it was."""
    founded = await factions.create(GUILD, ANNA, name="Wolves", tag="wlf", is_open=True, request_id=5)
    assert await factions.join(GUILD, BERT, "WLF") == founded
    with pytest.raises(InvalidInputError):
        await factions.create(GUILD, BERT, name="Bears", tag="BRS", is_open=True, request_id=6)
    before, after = await factions.edit(GUILD, ANNA, FactionEdit(name="Day Wolves"))
    assert (before, after) == (
        founded,
        replace(founded, name="Day Wolves", name_key="daywoives", edited_at=START),
    )
    assert (await factions.get_led(GUILD, ANNA)).find(BERT) == FactionPeriod("5", BERT, START)
    assert (await factions.leave(GUILD, ANNA)).successor_id == BERT
    assert (await factions.get_own(GUILD, BERT)).leader_id == BERT
    assert [one.rank for one in store.periods if one.is_current] == [FactionRank.LEADER]
    assert told == [FactionChanged(guild_id=GUILD)] * 4
    assert [entry.action for _, entry in store.audit.entries] == ["faction create", "faction edit"]
