"""Levels and times of more XP over a real MongoDB: told once, and counted as a recount counts."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import build_player_id, build_row
from tests.fakes.levels import FakeNewsChannel
from tests.fakes.premium import FakePremiumStore
from tests.utils.database.repositories.test_erasures import NOW, Place
from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.database.documents.death_documents import read_death
from utils.database.documents.xp_documents import KNOWN_LEVEL
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.levels import CHANGES_AT_ONCE, LevelRepository
from utils.database.repositories.links import LinkRepository
from utils.database.repositories.outbox import OutboxRepository
from utils.database.repositories.xp_events import XpEventRepository
from utils.errors import LimitReachedError, NotFoundError, StorageUnavailableError
from utils.events import EventDispatcher
from utils.models.deaths import DeathRow
from utils.models.guilds import ChannelKind
from utils.models.levels import KnownLevel, LevelChange
from utils.models.links import Link
from utils.models.notices.levels import LevelNotice, XpEventNotice
from utils.models.notices.outbox import Feed
from utils.models.scope import ALL_SERVERS, GuildId, MemberId, PlayerId, ServerScope
from utils.models.xp import MOST_XP_EVENTS, XpEvent
from utils.services.ingestion.counting import Counting
from utils.services.levels.telling import LevelTeller
from utils.services.levels.xp_events import XpEventService
from utils.services.premium.tiers import PremiumService

ANNA, ADMIN = MemberId(1), MemberId(9)
VICTIMS = ("Bert", "Carl", "Dora", "Emil", "Fred", "Gert")


class FragileLevels(LevelRepository):
    """Storage of a process that ends before or after it has stored a level."""

    ends: str = ""

    async def put_told(self, guild_id: GuildId, change: LevelChange, notice: LevelNotice) -> bool:
        """Store a level, unless the process ends."""
        if self.ends == "before":
            raise StorageUnavailableError("gone")
        is_new = await super().put_told(guild_id, change, notice)
        if self.ends == "after":
            raise StorageUnavailableError("gone")
        return is_new


class Town:
    """A game server whose kills are counted, and a member who is linked with Anna."""

    def __init__(self, place: Place) -> None:
        self.place, self.guild_id = place, place.scope.guild_id
        self.premium = PremiumService(FakePremiumStore(), default_tier=1, clock=FakeClock())
        self.second = 0

    async def link(self, name: str = "Anna") -> None:
        """Link the member with a player."""
        link = Link(self.guild_id, ANNA, build_player_id(name), name, NOW)
        await LinkRepository(self.place.database).put_proven(self.guild_id, link, at=NOW)

    async def kill(self, *victims: str) -> None:
        """Let Anna kill, for ten XP each."""
        rows = []
        for victim in victims:
            self.second += 1
            rows.append(build_row("Anna", victim, second=self.second, distance=0))
        await self.place.write(rows)

    async def look(self, *, ends: str = "") -> list[int]:
        """Look as a new process does; return the levels of all notices that wait."""
        database = self.place.database
        store = FragileLevels(database, Standings(database), fences=lambda _: None)
        store.ends = ends
        teller = LevelTeller(
            store, channels=FakeNewsChannel(), premium=self.premium, events=EventDispatcher()
        )
        try:
            await teller.look(self.guild_id, now=NOW)
        except StorageUnavailableError:
            assert ends
        return [notice.level for notice in await self.list_notices() if isinstance(notice, LevelNotice)]

    async def list_notices(self) -> list[object]:
        """Return the notices of the guild, as delivery reads them."""
        outbox = OutboxRepository(self.place.database, fences=lambda _: None)
        feed = Feed(ServerScope(self.guild_id, ALL_SERVERS), ChannelKind.NEWS)
        if feed not in await outbox.list_feeds(self.guild_id):
            return []
        pending = await outbox.list_pending(self.guild_id, [feed], limit=10)
        return [entry.notice for entry in pending[feed]]

    async def list_levels(self) -> list[Document]:
        """Return what is stored of levels."""
        return await self.place.read("levels")


@pytest.fixture(name="town")
async def _town(database: SafeDatabase, scope: ServerScope) -> Town:
    return Town(await Place(database, scope).open())


async def test_level_is_told_once_whenever_the_process_ends(town: Town) -> None:
    """The level and its notice are stored together, in the feed of the whole guild."""
    await town.link()
    await town.kill(*VICTIMS[:4])
    assert await town.look() == []
    await town.kill(VICTIMS[4])
    assert await town.look(ends="before") == []
    assert await town.look(ends="after") == [1]
    assert [await town.look() for _ in range(2)] == [[1], [1]]
    [notice] = await town.list_notices()
    assert isinstance(notice, LevelNotice)
    assert (notice.player_name, notice.member_id, notice.server_name) == ("Anna", ANNA, "")
    [level] = await town.list_levels()
    assert (level["member_id"], level["level"], level["is_told"]) == (ANNA, 1, True)


async def test_many_silent_levels_are_stored_in_pieces(town: Town, database: SafeDatabase) -> None:
    """A process that ends in between leaves whole pieces, and the next one stores the rest."""
    members = [MemberId(number) for number in range(100, 102 + 2 * CHANGES_AT_ONCE)]
    before, after = KnownLevel(3, is_told=False, basis="a"), KnownLevel(4, is_told=False, basis="b")
    documents = [
        {"guild_id": int(town.guild_id), "member_id": int(one), **KNOWN_LEVEL.build(before)}
        for one in members
    ]
    await database.unscoped("levels").insert_many(documents)
    changes = [LevelChange(one, before, after, None) for one in members]
    begun: list[GuildId] = []

    def find_fence(guild_id: GuildId) -> None:
        begun.append(guild_id)
        if len(begun) == 2:
            raise StorageUnavailableError("gone")

    levels = LevelRepository(database, Standings(database), fences=find_fence)
    with pytest.raises(StorageUnavailableError):
        await levels.put_silently(town.guild_id, changes, at=NOW)
    stored = await levels.list_levels(town.guild_id)
    assert [one for one in members if stored[one] == after] == members[:CHANGES_AT_ONCE]
    await levels.put_silently(town.guild_id, changes, at=NOW)
    assert await levels.list_levels(town.guild_id) == dict.fromkeys(members, after)
    assert len(begun) == 2 + 3


async def test_two_looks_at_one_moment_tell_a_level_once(town: Town) -> None:
    """The second one finds another level than it has read."""
    await town.link()
    await town.look()
    await town.kill(*VICTIMS[:5])
    await asyncio.gather(town.look(), town.look())
    assert await town.look() == [1]


async def test_import_erasure_and_new_link_are_silent(town: Town) -> None:
    """The member has not just earned this XP."""
    await town.link()
    await town.look()
    await town.kill(*["Bert"] * 8)
    assert await town.look() == []
    await town.place.erase("Bert")  # all eight kills give XP now
    assert await town.look() == []
    assert [one["level"] for one in await town.list_levels()] == [1]
    await town.place.write([build_row("Lynx", victim, second=99, distance=500) for victim in VICTIMS[1:3]])
    await town.link("Lynx")
    await town.kill(*VICTIMS[1:])
    assert await town.look() == []
    await town.kill(*VICTIMS)
    await town.place.import_again()
    assert await town.look() == []
    [level] = await town.list_levels()
    assert level["is_told"] is False


async def test_erased_member_leaves_no_level(town: Town) -> None:
    """A look that has read their link before stores nothing afterwards."""
    await town.link()
    await town.kill(*VICTIMS[:2])
    await asyncio.gather(town.look(), town.place.erase("Anna", member_id=ANNA))
    await town.look()
    assert await town.list_levels() == []


class Admins:
    """The command for times of more XP, over a game server whose clock is ahead."""

    def __init__(self, town: Town) -> None:
        self.town, self.place = town, town.place
        self.store = XpEventRepository(self.place.database, fences=lambda _: None)
        self.service = XpEventService(
            self.store,
            channels=FakeNewsChannel(),
            premium=town.premium,
            events=EventDispatcher(),
            clock=self.place.clock,
        )

    async def assert_counted_right(self) -> None:
        """Check that the XP is that of a recount with the stored times."""
        deaths = sorted(map(read_death, await self.place.read("kills")), key=lambda death: death.order)
        counting = Counting(xp_events=await self.store.list_xp_events(self.town.guild_id))
        for death in deaths:
            counting.add(death)
        generation = (await self.place.find_server()).generation
        stored = await self.place.read("players", generation=generation)
        assert {PlayerId(one["player_id"]): one["counters"]["xp"] for one in stored} == {
            player.player_id: player.counters.xp for player in counting.freeze_players()
        }


@pytest.fixture(name="admins")
def _admins(town: Town) -> Admins:
    return Admins(town)


def kill_at(moment: datetime, victim: str) -> DeathRow:
    """Return a kill of Anna at a moment of the game server's clock, for ten XP."""
    row = build_row("Anna", victim, distance=0)
    return row._replace(written_at=moment.replace(tzinfo=None))


async def test_time_of_more_xp_holds_for_kills_from_its_start_to_its_end(admins: Admins) -> None:
    """A clock that is ahead has written later kills before; they are counted again."""
    place = admins.place
    before, soon, late = NOW - timedelta(seconds=1), NOW + timedelta(minutes=5), NOW + timedelta(hours=3)
    await place.write(
        [kill_at(moment, victim) for moment, victim in zip((before, soon, late), VICTIMS, strict=False)]
    )
    guild_id, xp = admins.town.guild_id, []

    async def note() -> None:
        await admins.assert_counted_right()
        [anna] = await place.read("players", player_id=build_player_id("Anna"))
        xp.append(anna["counters"]["xp"])

    await admins.service.begin(guild_id, ADMIN, factor=3, hours=2)
    await note()
    place.clock.move(60)
    await admins.service.stop(guild_id, ADMIN)
    await note()
    with pytest.raises(NotFoundError, match="no extra XP"):
        await admins.service.stop(guild_id, ADMIN)
    await admins.service.begin(guild_id, ADMIN, factor=2, hours=72)
    await place.import_again()
    await admins.assert_counted_right()
    assert xp == [10 + 30 + 10, 30]
    assert list(await admins.service.list_events(guild_id)) == [
        XpEvent(NOW + timedelta(minutes=1), NOW + timedelta(hours=72, minutes=1), 2),
        XpEvent(NOW, NOW + timedelta(minutes=1), 3),
    ]
    told = [one for one in await admins.town.list_notices() if isinstance(one, XpEventNotice)]
    assert [(one.factor, one.at) for one in told] == [(3, NOW), (2, NOW + timedelta(minutes=1))]
    audited = [one["facts"]["changes"] for one in await place.read("audit", action="xp")]
    assert len(audited) == 3


async def test_batches_that_are_on_their_way_are_counted_with_the_times_of_their_kills(
    admins: Admins,
) -> None:
    """A batch that read the old times cannot be stored after the new ones; it runs again."""
    guild_id = admins.town.guild_id
    rows = [kill_at(NOW + timedelta(minutes=number), VICTIMS[number % 6]) for number in range(24)]

    async def play() -> None:
        for place in range(0, 24, 2):
            await admins.place.write(rows[place : place + 2])

    async def change() -> None:
        for _ in range(3):
            await admins.service.begin(guild_id, ADMIN, factor=2, hours=1)
            admins.place.clock.move(300)
            await admins.service.stop(guild_id, ADMIN)

    await asyncio.gather(play(), change())
    await admins.assert_counted_right()


async def test_no_time_of_more_xp_is_given_up_for_a_new_one(admins: Admins) -> None:
    """A recount needs all of them, so the one after the last is refused."""
    guild_id = admins.town.guild_id
    begun = datetime(2025, 1, 1, tzinfo=UTC)
    event = {"starts_at": begun, "ends_at": begun + timedelta(hours=1), "factor": 2}
    stored = {"guild_id": int(guild_id), "xp_events": [event] * MOST_XP_EVENTS}
    await admins.place.database.unscoped("guilds").insert_one(stored)
    with pytest.raises(LimitReachedError, match="100 times"):
        await admins.service.begin(guild_id, ADMIN, factor=2, hours=1)
