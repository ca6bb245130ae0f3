"""Figures of factions in memory equal a count of the stored kills, after any sequence of changes."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fakes.deaths import NOON, build_player_id, build_row
from tests.fakes.examples import choose_examples
from tests.fakes.factions import FakeFactionStore
from tests.fakes.links import FakeLinkStore
from tests.utils.database.repositories.test_erasures import Place
from utils.database.core.database import SafeDatabase
from utils.database.documents.death_documents import read_death
from utils.database.read_models.member_figures import MemberFigures
from utils.database.repositories.faction_figures import FactionFigureRepository
from utils.events import CountersStored, ServerRemoved
from utils.models.deaths import Death
from utils.models.factions import Faction, FactionPeriod
from utils.models.links import Link
from utils.models.players import Counters, PlayerDay, sum_counters
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.statistics import Coverage
from utils.services.factions.figures import FactionFigureService
from utils.services.ingestion.counting import count_one_player

START = NOON.replace(tzinfo=UTC)
DAY = timedelta(days=1)
TODAY = NOON.date() + 33 * DAY
PLAYERS = {
    MemberId(number): tuple(map(build_player_id, names))
    for number, names in enumerate((("Anna", "Alt"), ("Bert",), ("Carl",), ("Dora",)), start=1)
}
OWNERS = {player_id: member_id for member_id, players in PLAYERS.items() for player_id in players}
NAMES = ("Anna", "Alt", "Bert", "Carl", "Dora", "Guest")
SPANS = ((None, None), (TODAY, None), (TODAY - 29 * DAY, None), (NOON.date() + DAY, NOON.date() + 31 * DAY))
"""The first and the last day of questions; a season has both."""

fresh_guilds = count(5_000)
DrawnStep = tuple[str, int, int]
STEP_NAMES = (*["told"] * 4, *["join", "leave"] * 2, "told late", "lost", "import", "erase", "remove")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(STEP_NAMES),
        st.integers(0, 3),
        st.integers(0, 40),
    ),
    min_size=3,
    max_size=14,
)


class Story:
    """Two game servers of a guild, whose members found two factions."""

    def __init__(self, database: SafeDatabase, most: int) -> None:
        self.database, self.guild_id, self.rows = database, GuildId(next(fresh_guilds)), random.Random(1)
        ids = (ServerId("aaaaaaaa"), "UTC"), (ServerId("bbbbbbbb"), "Asia/Tokyo")
        self.places = [Place(database, ServerScope(self.guild_id, one), timezone=zone) for one, zone in ids]
        self.memory = MemberFigures(database, most_days=most // 4, most_kills=most)
        self.store, self.links = FakeFactionStore(), FakeLinkStore()
        self.figures = FactionFigureService(
            self.store, days=FactionFigureRepository(database, self.memory), links=self.links
        )
        self.late: list[CountersStored] = []
        self.second = 0

    async def begin(self) -> None:
        """Add the servers, prove the players, found the factions with two members each, and store deaths."""
        for place in self.places:
            await place.open()
            place.read_events.register(CountersStored, self.late.append)
        for member_id, players in PLAYERS.items():
            for player in players:
                await self.links.put_proven(
                    self.guild_id, Link(self.guild_id, member_id, player, player, START), at=START
                )
        for number, key in enumerate(("w", "b"), start=1):
            faction = Faction(self.guild_id, key, key, key, key, is_open=True, founded_at=START)
            self.store.factions[key] = faction
            self.store.periods.append(FactionPeriod(key, MemberId(number), START - 40 * DAY))
            self.store.periods.append(FactionPeriod(key, MemberId(number + 2), START + number * DAY))
        for place in self.places:
            await self.write(place, 20, "lost")
        await self.check(*SPANS[0])

    async def take(self, step: DrawnStep) -> None:
        """Take one step, which its two numbers tell more of, and ask."""
        how, which, number = step
        place = self.places[which % len(self.places)]
        if how in ("told", "told late", "lost"):
            await self.write(place, number // 4, how)
        elif how in ("join", "leave"):
            self.change_member(MemberId(which + 1), START + (number - 5) * DAY, ("w", "b")[number % 2], how)
        elif how == "import":
            await place.import_again()
        elif how == "erase":
            await place.erase(NAMES[number % len(NAMES)])
        elif len(self.places) > 1:
            self.places.remove(place)
            await self.remove(place, is_told=bool(number % 2))
        await self.check(*SPANS[which])

    async def write(self, place: Place, number: int, how: str) -> None:
        """Store a batch of deaths, some of them late, whose event comes now, later or never."""
        rows = []
        for _ in range(1 + number % 30):
            killer, victim = self.rows.sample(NAMES, 2)
            self.second += 7
            second = self.second + 86_400 * self.rows.choice([0, 1, 31, 33])
            rows.append(build_row(self.rows.choice([killer, killer, "", victim]), victim, second=second))
        before = len(self.late)
        await place.write(rows)
        told = self.late[before:]
        if how != "told late":
            del self.late[before:]
        if how == "told":
            self.tell(told)

    def tell(self, events: Sequence[CountersStored]) -> None:
        """Dispatch events of batches."""
        for event in events:
            self.memory.on_counters_stored(event)

    def change_member(self, member_id: MemberId, at: datetime, faction_id: str, how: str) -> None:
        """Let a member join a faction, or leave theirs; no period begins before the last one ended."""
        own = [one for one in self.store.periods if one.member_id == member_id]
        current = next((one for one in own if one.is_current), None)
        if how == "join" and current is None:
            latest = max((one.left_at for one in own if one.left_at), default=at)
            self.store.periods.append(FactionPeriod(faction_id, member_id, max(at, latest + DAY)))
        elif how == "leave" and current is not None:
            self.store.periods.remove(current)
            self.store.periods.append(replace(current, left_at=max(at, current.joined_at)))

    async def remove(self, place: Place, *, is_told: bool) -> None:
        """Remove a game server."""
        chosen = {"guild_id": int(self.guild_id), "server_id": place.scope.server_id}
        await self.database.unscoped("game_servers").update_one(chosen, {"$set": {"is_removed": True}})
        if is_told:
            self.memory.on_server_removed(ServerRemoved(scope=place.scope))

    async def check(self, since: date | None, until: date | None) -> None:
        """Compare an answer with a count of the stored kills."""
        server_ids = [place.scope.server_id for place in self.places]
        coverage = Coverage(self.guild_id, server_ids, since, until=until, where="", today=TODAY)
        ranked = await self.figures.rank(coverage)
        found = {
            (one.shown.faction.faction_id, member_id): counters
            for one in ranked
            for member_id, counters in one.by_member.items()
        }
        assert found == await self.count(since or date.min, until or TODAY + DAY)
        assert self.memory.days.weight <= self.memory.days.most
        assert self.memory.kills.weight <= self.memory.kills.most

    async def count(self, since: date, until: date) -> dict[tuple[str, MemberId], Counters]:
        """Count the figures of members from the stored kills, by hand."""
        counted: dict[tuple[str, MemberId], list[Counters]] = {}
        for place in self.places:
            stored = await place.read("kills", server_id=place.scope.server_id)
            deaths = sorted(map(read_death, stored), key=lambda death: death.order)
            for day in _count_days(deaths):
                member_id = OWNERS[day.player_id]
                faction_id = self.find_faction(member_id, day.day)
                if faction_id is not None and since <= day.day <= until:
                    own = replace(day.counters, metres=0, suicides=0)
                    inside = sum(
                        self.is_inside(one, day.player_id)
                        for one in deaths
                        if one.row.written_at.date() == day.day
                    )
                    counted.setdefault((faction_id, member_id), []).append(
                        replace(own, kills=own.kills - inside)
                    )
        return {key: sum_counters(several) for key, several in counted.items()}

    def is_inside(self, death: Death, player_id: PlayerId) -> bool:
        """Tell whether a player killed another member of their own faction."""
        victim, day = death.row.victim_id, death.row.written_at.date()
        if death.row.killer_id != player_id or victim == player_id or victim not in OWNERS:
            return False
        own = self.find_faction(OWNERS[player_id], day)
        return own is not None and own == self.find_faction(OWNERS[victim], day)

    def find_faction(self, member_id: MemberId, day: date) -> str | None:
        """Return the faction in which a member was at the end of a day."""
        for one in self.store.periods:
            last = one.find_last_day() or date.max
            if one.member_id == member_id and one.joined_day <= day <= last:
                return one.faction_id
        return None


def _count_days(deaths: Sequence[Death]) -> Iterator[PlayerDay]:
    """Yield the days of all players of members."""
    for player_id in OWNERS:
        own = [one for one in deaths if player_id in (one.row.killer_id, one.row.victim_id)]
        if own:
            yield from count_one_player(player_id, own, xp_events=()).days


@settings(
    max_examples=choose_examples(quick=5, deep=80),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, most=st.sampled_from([10_000, 10_000, 250]))
async def test_figures_are_a_count_of_the_kills_whatever_happens(
    database: SafeDatabase, steps: list[DrawnStep], most: int
) -> None:
    """Batches, lost events, imports, erasures, joins and leaves keep every answer right, in any memory."""
    story = Story(database, most)
    await story.begin()
    for step in steps:
        await story.take(step)
    for span in SPANS:
        await story.check(*span)
    story.tell(story.late)
    for span in SPANS:
        await story.check(*span)
