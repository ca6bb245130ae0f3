"""Rises of levels that are posted, and those that are stored in silence."""

from dataclasses import replace

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE
from tests.fakes.levels import FakeLevelStore, FakeNewsChannel
from tests.fakes.premium import FakePremiumStore
from utils.errors import StorageUnavailableError
from utils.events import EventDispatcher, NoticesQueued
from utils.models.guilds import ChannelKind
from utils.models.levels import KnownLevel, LevelChange, MemberXp, choose_told, compute_needed_xp
from utils.models.scope import ALL_SERVERS, ChannelId, MemberId, ServerScope
from utils.services.levels.telling import LevelTeller, find_change
from utils.services.premium.tiers import PremiumService

GUILD = SCOPE.guild_id
ANNA, BERT = MemberId(1), MemberId(2)
QUEUED = NoticesQueued(scope=ServerScope(GUILD, ALL_SERVERS), kinds=frozenset({ChannelKind.NEWS}))


def have(level: int, member_id: MemberId = ANNA, *, basis: str = "one") -> MemberXp:
    """Return a member who has just reached a level."""
    return MemberXp(member_id, "Wolf", compute_needed_xp(level), basis)


class Watch:
    """The teller, and what it dispatched."""

    def __init__(self, *, tier: int = 1) -> None:
        self.store, self.channel = FakeLevelStore(), FakeNewsChannel()
        self.told: list[NoticesQueued] = []
        events = EventDispatcher()
        events.register(NoticesQueued, self.told.append)
        premium = PremiumService(FakePremiumStore(), default_tier=tier, clock=FakeClock())
        self.teller = LevelTeller(self.store, channels=self.channel, premium=premium, events=events)

    async def see(self, *members: MemberXp) -> list[int]:
        """Look at members; return the levels of the new notices."""
        self.store.members, self.store.notices = list(members), []
        await self.teller.look(GUILD, now=START)
        return [notice.level for notice in self.store.notices]


@pytest.fixture(name="watch")
def _watch() -> Watch:
    return Watch()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        *(
            (0, 1, 1),
            (0, 2, 1),
            (1, 2, None),
            (4, 5, 5),
            (4, 6, 5),
            (5, 6, None),
            (9, 11, 10),
            (98, 100, 100),
        ),
        *((4, 7, None), (0, 100, None), (5, 5, None), (6, 5, None), (6, 4, None)),
    ],
)
def test_rise_of_one_or_two_is_told_when_it_passes_one_or_a_multiple_of_five(
    before: int, after: int, told: int | None
) -> None:
    """The highest of the passed levels is posted; a larger rise and a fall are silent."""
    assert choose_told(before, after) == told
    known = KnownLevel(before, is_told=False, basis="one")
    change = find_change(have(after), known, is_posted=True)
    if before == after:
        assert change is None
    else:
        assert change == LevelChange(
            ANNA, known, KnownLevel(after, is_told=told is not None, basis="one"), told
        )


async def test_level_is_told_once_and_the_first_sight_is_silent(watch: Watch) -> None:
    """A look that finds nothing new stores nothing."""
    assert await watch.see(have(4)) == []
    assert await watch.see(have(5)) == [5]
    assert await watch.see(have(5)) == []
    assert watch.told == [QUEUED]
    assert watch.store.known == {ANNA: KnownLevel(5, is_told=True, basis="one")}


async def test_xp_of_an_import_a_recount_and_a_new_link_is_silent(watch: Watch) -> None:
    """The level was counted from other players or other counters, so the member has not just earned it."""
    await watch.see(have(4))
    assert await watch.see(have(5, basis="another")) == []
    assert await watch.see(have(10, basis="another")) == []
    assert await watch.see(have(9, basis="another"), have(30, BERT)) == []
    assert await watch.see(have(10, basis="another"), have(30, BERT)) == [10]


async def test_level_without_a_channel_is_stored_in_silence_and_told_no_later(watch: Watch) -> None:
    """The next level is posted when there is a channel."""
    await watch.see(have(4))
    watch.channel.channel_id = None
    assert await watch.see(have(5)) == []
    watch.channel.channel_id = ChannelId(5)
    assert await watch.see(have(5)) == []
    assert await watch.see(replace(have(10), xp=compute_needed_xp(6))) == []
    assert watch.store.known[ANNA] == KnownLevel(6, is_told=False, basis="one")


async def test_guild_without_the_tier_rests() -> None:
    """Its levels stay as they were known."""
    watch = Watch(tier=0)
    assert await watch.see(have(5)) == []
    assert watch.store.known == {}


async def test_member_without_a_link_is_forgotten(watch: Watch) -> None:
    """A link that comes back is a first sight."""
    await watch.see(have(4))
    await watch.see()
    assert watch.store.known == {}
    assert await watch.see(have(5)) == []


async def test_delivery_is_woken_when_the_answer_is_lost_and_not_when_another_look_was_faster(
    watch: Watch,
) -> None:
    """The notice may be stored though the database did not answer."""
    await watch.see(have(4))
    watch.store.is_overtaken = True
    assert await watch.see(have(5)) == []
    assert watch.told == []
    watch.store.is_overtaken, watch.store.is_away = False, True
    with pytest.raises(StorageUnavailableError):
        await watch.see(have(5))
    assert watch.told == [QUEUED]
