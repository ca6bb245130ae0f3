"""Stored factions: every way into one and out of it, and races, on a real MongoDB.

The rules decide within the transactions, so they are tested together with the storage.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.read_models.member_figures import MemberFigures
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.faction_figures import FactionFigureRepository
from utils.database.repositories.factions import FactionRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.links import LinkRepository
from utils.database.repositories.notifications import NotificationRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.errors import (
    InvalidInputError,
    LimitReachedError,
    NotAllowedError,
    NotFoundError,
    NotLinkedError,
    UserFacingError,
)
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.deaths import Death
from utils.models.factions import (
    MOST_FACTIONS,
    MOST_INVITATIONS,
    MOST_MEMBERS,
    MOST_OFFICERS,
    EndedMembership,
    Faction,
    FactionPeriod,
    FactionRank,
    FactionSpan,
)
from utils.models.links import Link
from utils.models.notifications import DirectEvent, Topic
from utils.models.players import Counters, PlayerDay
from utils.models.scope import GuildId, MemberId, PlayerId, ServerScope
from utils.models.servers import GameServer
from utils.models.statistics import CoveredDeaths
from utils.services.factions import rules
from utils.services.factions.names import compute_name_key
from utils.services.factions.rules import FactionEdit
from utils.services.factions.stores import FactionUnit
from utils.services.personal.notifications import NotificationService

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GUILD, OTHER = GuildId(42), GuildId(43)
ANNA, BERT, CARL, DORA = MemberId(1 << 62), MemberId(2), MemberId(3), MemberId(4)
ADMIN = MemberId(9)
LEADER, OFFICER, MEMBER = FactionRank.LEADER, FactionRank.OFFICER, FactionRank.MEMBER


@dataclass(frozen=True, slots=True)
class Camp:
    """The factions of a guild with their storage."""

    database: SafeDatabase
    store: FactionRepository
    links: LinkRepository

    async def link(self, *member_ids: MemberId, player: str = "") -> None:
        """Prove a player of each member."""
        for member_id in member_ids:
            name = PlayerId(player or f"p{member_id}")
            link = Link(GUILD, member_id, name, f"The {name}", NOW)
            assert await self.links.put_proven(GUILD, link, at=NOW) is not None

    async def found(
        self,
        member_id: MemberId,
        name: str = "Wolves",
        tag: str = "WLF",
        *,
        is_open: bool = True,
        at: datetime = NOW,
        guild_id: GuildId = GUILD,
    ) -> Faction:
        """Found a faction."""
        key = compute_name_key(name)
        faction = Faction(guild_id, f"{name}:{member_id}", name, key, tag, is_open, at)
        await self.store.in_transaction(guild_id, lambda unit: rules.found(unit, faction, member_id, now=at))
        return faction

    async def do(self, work: Callable[[FactionUnit], object]) -> object:
        """Run a rule in a transaction."""
        return await self.store.in_transaction(GUILD, work)

    async def join(self, faction: Faction, *member_ids: MemberId, at: datetime = NOW) -> None:
        """Join one after the other, a second apart."""
        for number, one in enumerate(member_ids, start=1):
            moment = at + timedelta(seconds=number)
            await self.do(
                lambda unit, one=one, moment=moment: rules.join(unit, faction.faction_id, one, now=moment)
            )

    async def leave(self, member_id: MemberId, *, at: datetime = NOW + timedelta(hours=1)) -> EndedMembership:
        """Leave a faction."""
        ended = await self.do(lambda unit: rules.leave(unit, member_id, now=at))
        assert isinstance(ended, EndedMembership)
        return ended

    async def list_ranks(self) -> dict[MemberId, FactionRank]:
        """Return all present members with their ranks."""
        return {one.member_id: one.rank for one in await self.store.list_members(GUILD)}

    async def list_tags(self) -> dict[str, str | None]:
        """Return the tags in all links, by player."""
        found = await self.database.unscoped("links").find({}).to_list(None)
        return {one["player_id"]: one.get("faction_tag") for one in found}


@pytest.fixture(name="camp")
async def _camp(database: SafeDatabase) -> Camp:
    camp = Camp(database, FactionRepository(database, fences=lambda _: None), LinkRepository(database))
    await camp.link(ANNA, BERT, CARL, DORA)
    return camp


async def race(*tries: Awaitable[object]) -> tuple[int, list[UserFacingError]]:
    """Carry out several things at once; return the number of those that succeeded, and the refusals."""
    done = await asyncio.gather(*tries, return_exceptions=True)
    refused = [one for one in done if isinstance(one, UserFacingError)]
    assert len(refused) == sum(isinstance(one, BaseException) for one in done), done
    return len(done) - len(refused), refused


async def test_faction_comes_back_as_it_was_and_belongs_to_its_guild(camp: Camp) -> None:
    """Its leader's links hold it, an alt that is proven later as well; another guild sees nothing."""
    wolves = await camp.found(ANNA)
    await camp.link(ANNA, player="alt")
    await camp.join(wolves, BERT)
    assert await camp.store.list_active(GUILD) == (wolves,)
    assert await camp.store.list_active(OTHER) == await camp.store.list_members(OTHER) == ()
    assert await camp.store.list_periods(GUILD) == (
        FactionPeriod(wolves.faction_id, BERT, NOW + timedelta(seconds=1)),
        FactionPeriod(wolves.faction_id, ANNA, NOW, LEADER, is_founder=True),
    )
    expected = dict.fromkeys(map(str, (f"p{ANNA}", "alt", f"p{BERT}")), "WLF")
    assert await camp.list_tags() == {**expected, f"p{CARL}": None, f"p{DORA}": None}
    audit = await camp.database.unscoped("audit").count_documents({})
    assert audit == 0  # the service stores the entry that the rule returns


async def test_names_of_disbanded_factions_are_free_after_30_days(camp: Camp) -> None:
    """Look-alikes and tags are refused until then; other guilds may use them at any time."""
    await camp.found(ANNA)
    with pytest.raises(InvalidInputError, match="name"):
        await camp.found(BERT, "W0LVES", "W2")
    with pytest.raises(InvalidInputError, match="tag WLF"):
        await camp.found(BERT, "Bears", "WLF")
    assert (await camp.leave(ANNA)).is_disbanded
    with pytest.raises(InvalidInputError, match="name"):
        await camp.found(BERT, at=NOW + 29 * DAY)
    later = replace(await camp.found(BERT, "wolves", at=NOW + 31 * DAY))
    assert await camp.store.list_active(GUILD) == (later,)
    await camp.store.prune(GUILD, disbanded=NOW + 2 * DAY, now=NOW)
    assert await camp.database.unscoped("factions").count_documents({}) == 1
    assert await camp.database.unscoped("faction_periods").count_documents({}) == 1


async def test_two_foundings_of_one_name_have_one_winner(camp: Camp) -> None:
    """The loser reads that the name is taken; so it is with the last place in the guild."""
    won, refused = await race(camp.found(ANNA), camp.found(BERT, "WoIves", "W2"))
    assert (won, [str(one) for one in refused]) == (
        1,
        ["Another faction has this name, or one that looks like it."],
    )
    others = [
        {"guild_id": GUILD, "faction_id": f"x{one}", "is_active": True, "founded_at": NOW}
        for one in range(MOST_FACTIONS - 2)
    ]
    await camp.database.unscoped("factions").insert_many(others)
    won, refused = await race(camp.found(CARL, "Bears", "BRS"), camp.found(DORA, "Foxes", "FXS"))
    assert (won, type(refused[0])) == (1, LimitReachedError)


async def test_last_seat_is_taken_once(camp: Camp) -> None:
    """Two members join at 24 of 25: one of them reads that the faction is full."""
    wolves = await camp.found(ANNA)
    seated = [
        {
            "guild_id": GUILD,
            "faction_id": wolves.faction_id,
            "member_id": 100 + one,
            "joined_day": "2025-04-30",
            "joined_at": NOW,
            "rank": "member",
            "is_current": True,
        }
        for one in range(MOST_MEMBERS - 2)
    ]
    await camp.database.unscoped("faction_periods").insert_many(seated)
    won, refused = await race(camp.join(wolves, BERT), camp.join(wolves, CARL))
    assert (won, str(refused[0])) == (1, "**Wolves** is full: it has 25 members.")
    assert len(await camp.store.list_members(GUILD)) == MOST_MEMBERS


async def test_member_joins_one_of_two_factions_at_once(camp: Camp) -> None:
    """The other one refuses them."""
    wolves, bears = await camp.found(ANNA), await camp.found(BERT, "Bears", "BRS")
    won, refused = await race(camp.join(wolves, CARL), camp.join(bears, CARL))
    assert (won, type(refused[0])) == (1, InvalidInputError)
    tag = (await camp.list_tags())[f"p{CARL}"]
    assert tag in {"WLF", "BRS"}


async def test_leave_and_kick_end_a_membership_once(camp: Camp) -> None:
    """The second one reads that the member is gone."""
    wolves = await camp.found(ANNA)
    await camp.join(wolves, BERT)
    kick = camp.do(lambda unit: rules.kick(unit, ANNA, BERT, now=NOW + DAY))
    won, refused = await race(camp.leave(BERT), kick)
    assert (won, type(refused[0])) == (1, NotFoundError)
    assert await camp.list_ranks() == {ANNA: LEADER}
    assert (await camp.list_tags())[f"p{BERT}"] is None


async def test_hand_over_and_leave_of_the_successor_leave_one_leader(camp: Camp) -> None:
    """Either the successor leads and leaves, or the lead cannot be given to a member who went."""
    wolves = await camp.found(ANNA)
    await camp.join(wolves, BERT)
    hand_over = camp.do(lambda unit: rules.give_rank(unit, ANNA, BERT, LEADER, now=NOW))
    _, refused = await race(hand_over, camp.leave(BERT))
    assert all(isinstance(one, NotFoundError) for one in refused)
    assert await camp.list_ranks() == {ANNA: LEADER}


async def test_lead_is_handed_over_where_the_old_leader_can_be_an_officer(camp: Camp) -> None:
    """With five officers, one of them may lead, and a plain member may not; an admin chooses anyone."""
    people = [MemberId(100 + one) for one in range(MOST_OFFICERS)]
    await camp.link(*people)
    wolves = await camp.found(ANNA)
    await camp.join(wolves, BERT, *people)
    for one in people:
        await camp.do(lambda unit, one=one: rules.give_rank(unit, ANNA, one, OFFICER, now=NOW))
    with pytest.raises(LimitReachedError, match="5 officers"):
        await camp.do(lambda unit: rules.give_rank(unit, ANNA, BERT, LEADER, now=NOW))
    await camp.do(lambda unit: rules.give_rank(unit, ANNA, people[0], LEADER, now=NOW))
    officers = dict.fromkeys([ANNA, *people[1:]], OFFICER)
    assert await camp.list_ranks() == {people[0]: LEADER, **officers, BERT: MEMBER}
    await camp.do(lambda unit: rules.choose_leader(unit, wolves.faction_id, BERT, actor_id=DORA, now=NOW))
    assert await camp.list_ranks() == {BERT: LEADER, **officers, people[0]: MEMBER}


async def test_longest_officer_or_member_follows_the_leader(camp: Camp) -> None:
    """A faction that has no other member is disbanded."""
    wolves = await camp.found(ANNA)
    await camp.join(wolves, BERT, CARL, DORA)
    await camp.do(lambda unit: rules.give_rank(unit, ANNA, DORA, OFFICER, now=NOW))
    assert await camp.leave(ANNA) == EndedMembership(wolves, successor_id=DORA)
    assert await camp.leave(DORA) == EndedMembership(wolves, successor_id=BERT)
    assert await camp.leave(CARL) == EndedMembership(wolves)
    ended = await camp.leave(BERT)
    assert ended == EndedMembership(replace(wolves, disbanded_at=NOW + timedelta(hours=1)), is_disbanded=True)
    assert set((await camp.list_tags()).values()) == {None}
    with pytest.raises(NotFoundError, match="disbanded"):
        await camp.join(wolves, ANNA)


async def test_who_comes_back_on_the_day_of_leaving_was_never_away(camp: Camp) -> None:
    """On a later day another period begins; another faction is refused for 24 hours."""
    wolves = await camp.found(ANNA)
    bears = await camp.found(DORA, "Bears", "BRS")
    await camp.join(wolves, BERT)
    await camp.leave(BERT)
    with pytest.raises(LimitReachedError):
        await camp.join(bears, BERT, at=NOW + timedelta(hours=2))
    await camp.join(wolves, BERT, at=NOW + timedelta(hours=2))
    await camp.leave(BERT)
    await camp.join(wolves, BERT, at=NOW + DAY)
    own = [one for one in await camp.store.list_periods(GUILD) if one.member_id == BERT]
    first = FactionPeriod(wolves.faction_id, BERT, NOW + timedelta(seconds=1))
    assert own == [
        replace(first, left_at=NOW + timedelta(hours=1)),
        replace(first, joined_at=NOW + DAY + timedelta(seconds=1)),
    ]
    await camp.leave(BERT, at=NOW + 2 * DAY)
    await camp.join(bears, BERT, at=NOW + 3 * DAY)


async def test_invitation_is_checked_when_it_is_used(camp: Camp) -> None:
    """It holds 72 hours and is used up by joining; the ranks decide who may invite and kick."""
    wolves = await camp.found(ANNA, is_open=False)
    with pytest.raises(NotAllowedError, match="invitation"):
        await camp.join(wolves, BERT)
    await camp.do(lambda unit: rules.invite(unit, ANNA, BERT, now=NOW))
    with pytest.raises(NotAllowedError, match="invitation"):
        await camp.join(wolves, BERT, at=NOW + 3 * DAY)
    await camp.join(wolves, BERT, at=NOW + 2 * DAY)
    for refused in (
        lambda unit: rules.invite(unit, BERT, CARL, now=NOW),
        lambda unit: rules.kick(unit, BERT, ANNA, now=NOW),
        lambda unit: rules.disband(unit, BERT, now=NOW),
        lambda unit: rules.give_rank(unit, BERT, ANNA, MEMBER, now=NOW),
        lambda unit: rules.edit(unit, BERT, FactionEdit(name="Mine"), now=NOW),
    ):
        with pytest.raises(NotAllowedError):
            await camp.do(refused)
    await camp.do(lambda unit: rules.give_rank(unit, ANNA, BERT, OFFICER, now=NOW))
    await camp.do(lambda unit: rules.invite(unit, BERT, CARL, now=NOW))
    assert [one.member_id for one in await camp.store.list_invitations(GUILD, CARL, now=NOW)] == [CARL]
    assert await camp.store.list_invitations(GUILD, CARL, now=NOW + 4 * DAY) == ()
    with pytest.raises(NotAllowedError):
        await camp.do(lambda unit: rules.kick(unit, BERT, ANNA, now=NOW))
    for one in range(MOST_INVITATIONS - 1):
        await camp.do(lambda unit, one=one: rules.invite(unit, BERT, MemberId(500 + one), now=NOW))
    with pytest.raises(LimitReachedError):
        await camp.do(lambda unit: rules.invite(unit, BERT, DORA, now=NOW))
    await camp.join(wolves, CARL)
    await camp.do(lambda unit: rules.give_rank(unit, ANNA, CARL, OFFICER, now=NOW))
    with pytest.raises(NotAllowedError):
        await camp.do(lambda unit: rules.kick(unit, BERT, CARL, now=NOW))
    await camp.do(lambda unit: rules.give_rank(unit, ANNA, CARL, MEMBER, now=NOW))
    await camp.do(lambda unit: rules.kick(unit, BERT, CARL, now=NOW))
    assert await camp.list_ranks() == {ANNA: LEADER, BERT: OFFICER}
    await camp.do(lambda unit: rules.invite(unit, BERT, DORA, now=NOW + 4 * DAY))


async def test_members_are_told_of_an_invitation_a_kick_and_the_lead(camp: Camp) -> None:
    """With what happens, if they asked for it; another invitation while one is open is not told."""
    notifications = NotificationRepository(camp.database, fences=lambda _: None)
    for member_id in (ANNA, BERT, CARL):
        await NotificationService(notifications).switch(
            GUILD, member_id, Topic.FACTION, is_on=True, locale="de"
        )
    wolves = await camp.found(ANNA)
    for days in (0, 1, 4):
        moment = NOW + days * DAY
        for invited in (BERT, DORA):
            await camp.do(lambda unit, one=invited, moment=moment: rules.invite(unit, ANNA, one, now=moment))
    await camp.join(wolves, BERT, CARL, DORA)
    with pytest.raises(NotAllowedError):
        await camp.do(lambda unit: rules.kick(unit, BERT, CARL, now=NOW))
    await camp.do(lambda unit: rules.kick(unit, ANNA, CARL, now=NOW))
    await camp.do(lambda unit: rules.give_rank(unit, ANNA, BERT, LEADER, now=NOW))
    await camp.leave(BERT)
    waiting = await notifications.list_waiting(GUILD)
    assert [(one.member_id, one.event, one.ends_at) for one in waiting] == [
        (BERT, DirectEvent.INVITED, NOW + 3 * DAY),
        (CARL, DirectEvent.KICKED, None),
        (BERT, DirectEvent.LEADS, None),
        (ANNA, DirectEvent.LEADS, None),
        (BERT, DirectEvent.INVITED, NOW + 7 * DAY),
    ]
    assert {one.faction_name for one in waiting} == {"Wolves"}


async def test_members_are_told_of_what_others_change_for_them(camp: Camp) -> None:
    """An admin gives the lead away, ends a last link, or disbands; the member who acts knows it."""
    notifications = NotificationRepository(camp.database, fences=lambda _: None)
    for member_id in (ANNA, BERT, CARL, DORA):
        await NotificationService(notifications).switch(
            GUILD, member_id, Topic.FACTION, is_on=True, locale="de"
        )
    wolves = await camp.found(ANNA)
    await camp.join(wolves, BERT, CARL, DORA)

    async def choose(leader: MemberId, by: MemberId) -> None:
        await camp.do(lambda unit: rules.choose_leader(unit, wolves.faction_id, leader, actor_id=by, now=NOW))

    def describe(link: Link) -> AuditEntry:
        return AuditEntry(NOW, ADMIN, AuditAction.LINK_REMOVE, AuditFacts(member_id=link.member_id))

    await choose(BERT, ADMIN)
    await choose(ANNA, BERT)
    players = [PlayerId(f"p{CARL}")]
    await camp.links.remove(GUILD, CARL, players, at=NOW, describe=describe)
    players = [PlayerId(f"p{DORA}")]
    await camp.links.remove(GUILD, DORA, players, at=NOW)
    await camp.do(lambda unit: rules.disband_by_hand(unit, wolves.faction_id, actor_id=ADMIN, now=NOW))
    foxes = await camp.found(BERT, "Foxes", "FOX", at=NOW + 9 * DAY)
    await camp.join(foxes, ANNA, at=NOW + 9 * DAY)
    await camp.do(lambda unit: rules.disband(unit, BERT, now=NOW + 10 * DAY))
    waiting = await notifications.list_waiting(GUILD)
    assert sorted((one.faction_name, one.event, one.member_id) for one in waiting) == sorted(
        [
            ("Wolves", DirectEvent.LEADS, BERT),
            ("Wolves", DirectEvent.LED, ANNA),
            ("Wolves", DirectEvent.LEADS, ANNA),
            ("Wolves", DirectEvent.KICKED, CARL),
            ("Wolves", DirectEvent.KICKED, ANNA),
            ("Wolves", DirectEvent.KICKED, BERT),
            ("Foxes", DirectEvent.KICKED, ANNA),
        ]
    )


async def test_pauses_between_foundings_and_edits_are_kept(camp: Camp) -> None:
    """A member founds one faction in 7 days; its leader edits it once a week, an admin at any time."""
    wolves = await camp.found(ANNA)
    await camp.do(lambda unit: rules.edit(unit, ANNA, FactionEdit(tag="W2"), now=NOW))
    assert (await camp.list_tags())[f"p{ANNA}"] == "W2"
    with pytest.raises(LimitReachedError):
        await camp.do(lambda unit: rules.edit(unit, ANNA, FactionEdit(tag="W3"), now=NOW + 6 * DAY))
    wanted = FactionEdit(name="Night Wolves")
    await camp.do(lambda unit: rules.rename(unit, wolves.faction_id, wanted, actor_id=DORA, now=NOW))
    [stored] = await camp.store.list_active(GUILD)
    assert (stored.name, stored.name_key, stored.tag) == ("Night Wolves", "nightwoives", "W2")
    await camp.do(lambda unit: rules.disband(unit, ANNA, now=NOW))
    with pytest.raises(LimitReachedError, match="found"):
        await camp.found(ANNA, "Bears", "BRS", at=NOW + 6 * DAY)
    await camp.found(ANNA, "Bears", "BRS", at=NOW + 8 * DAY)


async def test_membership_ends_with_the_last_proven_link(camp: Camp) -> None:
    """A remaining alt keeps it; a member without a proven player can neither join nor found."""
    wolves = await camp.found(ANNA)
    await camp.link(ANNA, player="alt")
    await camp.join(wolves, BERT)
    kept = await camp.links.remove(GUILD, ANNA, [PlayerId(f"p{ANNA}")], at=NOW)
    assert kept.membership is None
    ended = await camp.links.remove(GUILD, ANNA, [PlayerId("alt")], at=NOW)
    assert ended.membership == EndedMembership(wolves, successor_id=BERT)
    assert await camp.list_ranks() == {BERT: LEADER}
    with pytest.raises(NotLinkedError):
        await camp.found(ANNA, "Bears", "BRS", at=NOW + 8 * DAY)
    with pytest.raises(NotLinkedError):
        await camp.join(wolves, ANNA, at=NOW + 8 * DAY)
    assert len(await camp.store.list_active(GUILD)) == 1


async def test_join_and_the_end_of_the_last_link_leave_no_member_without_a_player(camp: Camp) -> None:
    """In either order, no member without a proven player is in a faction."""
    wolves = await camp.found(ANNA)
    unlink = camp.links.remove(GUILD, BERT, [PlayerId(f"p{BERT}")], at=NOW)
    await race(camp.join(wolves, BERT), unlink)
    assert await camp.list_ranks() == {ANNA: LEADER}


async def test_erased_people_leave_their_factions(camp: Camp) -> None:
    """Nothing of an erased member is left; with the player of another member, that membership ends."""
    erasures = ErasureRepository(camp.database, fences=lambda _: None)
    wolves = await camp.found(ANNA)
    await camp.join(wolves, BERT, CARL)
    await camp.do(lambda unit: rules.invite(unit, ANNA, DORA, now=NOW))
    await erasures.delete_member(GUILD, ANNA, at=NOW)
    await erasures.delete_member(GUILD, DORA, at=NOW)
    assert await camp.list_ranks() == {BERT: LEADER, CARL: MEMBER}
    await erasures.delete_links_of(GUILD, PlayerId(f"p{BERT}"), at=NOW)
    assert await camp.list_ranks() == {CARL: LEADER}
    erased = {"member_id": {"$in": [int(ANNA), int(DORA)]}}
    for name in ("faction_periods", "faction_invites"):
        assert await camp.database.unscoped(name).count_documents(erased) == 0
    await erasures.delete_member(GUILD, CARL, at=NOW)
    assert await camp.store.list_active(GUILD) == ()


async def test_admin_chooses_a_leader_and_disbands(camp: Camp) -> None:
    """The old leader becomes an officer; both changes name what they did in their entry."""
    wolves = await camp.found(ANNA)
    await camp.join(wolves, BERT)
    led = await camp.do(
        lambda unit: rules.choose_leader(unit, wolves.faction_id, BERT, actor_id=DORA, now=NOW)
    )
    assert await camp.list_ranks() == {BERT: LEADER, ANNA: OFFICER}
    ended = await camp.do(lambda unit: rules.disband_by_hand(unit, wolves.faction_id, actor_id=DORA, now=NOW))
    entries = [one[1].action for one in (led, ended) if isinstance(one, tuple)]
    assert entries == ["faction leader", "faction disband"]
    assert await camp.list_ranks() == {}


async def test_days_and_kills_among_members_are_read_from_the_shown_figures(
    camp: Camp,
    scope: ServerScope,
    stranger: ServerScope,
    make_server: Callable[..., GameServer],
    make_death: Callable[..., Death],
) -> None:
    """Kills of others, of other days and by oneself are left out; another guild has none of it."""
    ingestion = IngestionRepository(camp.database, fences=lambda _: None)
    await GameServerRepository(camp.database).insert_server(scope, make_server(scope))
    wolf, bear, fox = map(PlayerId, ("wolf", "bear", "fox"))
    days = [
        PlayerDay(wolf, date(2025, 4, 29), Counters(kills=29, deaths=1, longest=80, best_streak=3, xp=9)),
        PlayerDay(wolf, date(2025, 4, 30), Counters(kills=30, longest=60, best_streak=4)),
    ]
    deaths = [
        make_death(scope, *pair, second=number)
        for number, pair in enumerate(
            (("wolf", "bear"), ("bear", "wolf"), ("wolf", "fox"), ("bear", "bear"), ("fox", "wolf"))
        )
    ]

    def store(unit: IngestionTransaction) -> None:
        unit.insert_deaths([*deaths, make_death(scope, "wolf", "bear", second=86_400)])
        unit.replace_days(days, generation=0)

    await ingestion.in_transaction(scope, store)
    figures, today = FactionFigureRepository(camp.database, MemberFigures(camp.database)), date(2025, 4, 30)
    covered = CoveredDeaths(GUILD, [scope.server_id])
    april = date(2025, 4, 1)
    month = [FactionSpan("w", MemberId(1), player_id, april, today) for player_id in (wolf, bear, fox)]
    first_day = FactionSpan("w", MemberId(1), wolf, april, date(2025, 4, 29))
    assert await figures.sum_spans(covered, [*month, first_day]) == {
        month[0]: Counters(kills=59, deaths=1, longest=80, best_streak=4, xp=9),
        first_day: Counters(kills=29, deaths=1, longest=80, best_streak=3, xp=9),
    }
    both = [FactionSpan("w", MemberId(1), player_id, today, today) for player_id in (wolf, bear)]
    alone = FactionSpan("b", MemberId(2), fox, today, today)
    assert await figures.count_kills_inside(covered, [*both, alone]) == dict.fromkeys(both, 1)
    foreign = CoveredDeaths(OTHER, [stranger.server_id])
    assert await figures.sum_spans(foreign, month) == {}
    assert await figures.count_kills_inside(foreign, month) == {}
