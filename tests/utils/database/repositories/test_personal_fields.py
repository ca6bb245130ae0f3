"""Declared personal fields: every collection declares them completely, and an erasure removes them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.deaths import build_player_id
from tests.fakes.examples import choose_examples
from tests.fakes.seasons import build_season
from tests.utils.database.repositories.test_erasures import (
    ADMIN,
    NOW,
    OTHER,
    OWNER,
    WOLF,
    Place,
    book,
    fill,
)
from tests.utils.database.repositories.test_game_logs import store
from tests.utils.embeds.test_audit_wording import SENTENCES
from tests.utils.services.presence.lines import after, depart, enter, follow, say
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import INDEXES
from utils.database.documents.notice_documents import build_entry_document
from utils.database.documents.personal_fields import PERSONAL_FIELDS, Erasure
from utils.database.repositories.audit import AuditRepository
from utils.database.repositories.bounties import BountyRepository
from utils.database.repositories.bounty_boards import BountyBoardRepository
from utils.database.repositories.erasure_records import ErasureRecordRepository
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.errors import ErrorRepository
from utils.database.repositories.factions import FactionRepository
from utils.database.repositories.game_logs import GameLogRepository
from utils.database.repositories.incidents import IncidentRepository
from utils.database.repositories.notifications import NotificationRepository
from utils.database.repositories.outbox import OutboxRepository
from utils.database.repositories.posted_boards import PostedBoardRepository
from utils.database.repositories.premium import PremiumRepository
from utils.database.repositories.recaps import RecapRepository
from utils.database.repositories.roles import RoleRepository
from utils.database.repositories.seasons import SeasonRepository
from utils.database.units.faction_unit import FactionTransaction
from utils.database.units.money_unit import MoneyTransaction
from utils.embeds.audit_wording import describe_facts
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.error_groups import ErrorCategory, GroupDelta
from utils.models.factions import Faction, FactionInvitation, FactionPeriod, FactionRank
from utils.models.game_log import GameLogState, LogCursor, PopulationSample
from utils.models.guilds import ChannelKind
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import CheckState, Incident, IncidentKey
from utils.models.message_places import MessagePlace
from utils.models.money import Bounty, Change, LedgerKind
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.notices.outbox import EntryKey, Feed, OutgoingMessage
from utils.models.notifications import DirectEvent, tell_placer
from utils.models.personal import ErasureRecord
from utils.models.players import BoardRow, Counters
from utils.models.posted_boards import BoardKey
from utils.models.premium import Grant, PremiumAction, PremiumEvent
from utils.models.recaps import (
    PlannedRecap,
    Recap,
    RecapBest,
    RecapFigures,
    RecapKind,
    RecapServerFigures,
    RecapSpan,
    RecapState,
    Rivalry,
)
from utils.models.roles import GrantState, NamedTerms, RoleGrant, RoleId, RoleRule, RuleTerms
from utils.models.scope import (
    ERASED_MEMBER_ID,
    ERASED_NAME,
    ERASED_PLAYER_ID,
    ChannelId,
    ServerId,
    ServerScope,
)
from utils.models.seasons import SeasonResult, SeasonState
from utils.models.statistics import Board, PlayerPlace
from utils.models.world_events import EventKey, WorldEvent, WorldEventKind
from utils.services.ingestion.deadside_stores import (
    CursorStep,
    EventsStep,
    LogStep,
    NoticesStep,
    PlayersStep,
    SampleStep,
)
from utils.services.personal.notifications import NotificationService
from utils.services.presence.announcing import choose_news
from utils.services.presence.notices import build_notices
from utils.services.presence.playtime import build_record
from utils.services.recaps.notices import build_recap_notice
from utils.services.roles.facts import describe_change
from utils.services.seasons.notices import build_season_notice
from utils.telemetry.group_merging import merge

CARL = build_player_id("Carl")
Trace = tuple[str, str]
"""A collection, and the path of a field in its documents."""


@pytest.fixture(name="place")
async def _place(database: SafeDatabase, scope: ServerScope) -> Place:
    place = await Place(database, scope).open()
    await fill(place)
    await fill_rest(place)
    return place


async def fill_rest(place: Place) -> None:
    """Store something in every collection that is still empty, including actions and texts of admins."""
    guild_id, database = place.scope.guild_id, place.database
    grant = Grant(2, NOW, OWNER, NOW + timedelta(days=1))
    reason = f"asked for by <@{OWNER}> and <@{OTHER}>"
    event = PremiumEvent(NOW, PremiumAction.GRANTED, 2, grant.ends_at, OWNER, reason)
    granted = AuditEntry(NOW, OWNER, AuditAction.PREMIUM_GRANT, AuditFacts(reason=reason))
    await PremiumRepository(database).write_grant(guild_id, grant, event, entry=granted)
    await fill_factions(place)
    await PostedBoardRepository(database).insert_board(BoardKey(guild_id, ServerId(""), "kd"))
    await BountyBoardRepository(database).save_place(guild_id, MessagePlace(ChannelId(5), 6))
    key = IncidentKey(guild_id, IncidentKind.SERVER_UNREAD, place.scope.server_id)
    await IncidentRepository(database).put(guild_id, Incident(key, CheckState.WARN, NOW))
    record = ErasureRecord(guild_id, b"0" * 16, NOW, "0a1b2c3d")
    await ErasureRecordRepository(database).put_erasures(guild_id, [record])
    gift = Change(OTHER, LedgerKind.ADMIN, 5, "admin:gift", NOW, note=f"thanks to <@!{OWNER}>")
    await book(place, gift)
    entry = EntryKey(Feed(place.scope, ChannelKind.KILLFEED), 1)
    message = OutgoingMessage(guild_id, ChannelId(5), (entry,), "nonce", NOW)
    await OutboxRepository(database, fences=lambda _: None).prepare_message(guild_id, message)
    notice = BountyNotice(
        event_id=b"b",
        server_name="North",
        at=NOW,
        event=BountyEvent.CLAIMED,
        target_name="Wolf",
        amount=5,
        placer_id=OWNER,
        claimer_id=OWNER,
        claimer_name="Wolf",
    )
    await write_error(place)
    await write_visits(place)
    roles = RoleRepository(database, fences=lambda _: None)
    terms = RuleTerms(role_id=RoleId(77))
    rule = RoleRule(guild_id=guild_id, rule_id="rule", terms=terms, created_by=OWNER, created_at=NOW)
    made = AuditEntry(NOW, OWNER, AuditAction.ROLES_ADD, describe_change(None, NamedTerms(terms)))
    await roles.insert_rule(guild_id, rule, entry=made)
    given = RoleGrant(terms.role_id, OWNER, GrantState.GIVEN, NOW)
    await roles.change_grants(guild_id, {}, {(given.role_id, OWNER): given})
    await write_season(place)
    await write_recap(place)
    await write_direct_message(place)
    level = {"guild_id": int(guild_id), "member_id": int(OWNER), "level": 5, "is_told": True, "basis": "x"}
    await database.unscoped("levels").insert_one(level)
    document = build_entry_document(notice, sequence=9, due_at=NOW)
    scoped = {"guild_id": int(guild_id), "server_id": place.scope.server_id}
    await database.unscoped("outbox").insert_one({**scoped, **document})


async def write_visits(place: Place) -> None:
    """Store a session of Wolf that ended, an open one, a sample, a post about the return, and an airdrop."""
    lines = [*enter(0, "Wolf"), *depart(60, "Wolf"), *say(100), *enter(200, "Wolf")]
    tracker = follow(lines)
    state = GameLogState(cursor=LogCursor("first", 9), presence=tracker.freeze())
    news = choose_news(tracker.freeze(), log_now=after(201), is_silent=False, names={})
    records = [build_record(place.scope, one, ZoneInfo("UTC")) for one in tracker.sessions]
    sample = PopulationSample(at=NOW, online=1, queue=0, max_players=None, peak=1)
    airdrop = EventKey(WorldEventKind.AIRDROP, "", cycle=1)
    steps: list[LogStep] = [
        CursorStep(None, state),
        PlayersStep(list(state.presence.players.values()), [], records),
        SampleStep(sample),
        EventsStep([WorldEvent(key=airdrop, state="FLYING", since=NOW, seen_at=NOW)]),
        NoticesStep(build_notices(place.scope, "North", news), NOW),
    ]
    await store(GameLogRepository(place.database, fences=lambda _: None), place.scope, steps)


async def write_season(place: Place) -> None:
    """Store a season that Wolf won, and the notice about it."""
    guild_id = place.scope.guild_id
    season = build_season(guild_id, state=SeasonState.CLOSING)
    seasons = SeasonRepository(place.database, fences=lambda _: None)
    await seasons.insert_season(guild_id, season)
    row = BoardRow(1, WOLF, "Wolf", 3.0, Counters(kills=3))
    await seasons.close_season(
        guild_id,
        season,
        replace(season, state=SeasonState.CLOSED),
        [SeasonResult(season.season_id, Board.KILLS, (row,))],
        server_ids=[place.scope.server_id],
        build_notice=lambda kept: build_season_notice(season, kept, game_server="", at=NOW),
        at=NOW,
    )


async def fill_factions(place: Place) -> None:
    """Store a faction that the owner of Wolf leads, with another member and an invitation."""
    guild_id, store = place.scope.guild_id, FactionRepository(place.database, fences=lambda _: None)
    faction = Faction(guild_id, "f", "Pack", "pack", "PCK", is_open=False, founded_at=NOW)
    invitation = FactionInvitation("f", OWNER, NOW)

    def found(unit: FactionTransaction) -> None:
        unit.insert_faction(faction)
        unit.open_period(FactionPeriod("f", OWNER, NOW, FactionRank.LEADER), faction)
        unit.put_invitation(invitation)

    await store.in_transaction(guild_id, found)


async def write_recap(place: Place) -> None:
    """Store a recap whose best player was Wolf, and the notice about it."""
    guild_id, recaps = place.scope.guild_id, RecapRepository(place.database, fences=lambda _: None)
    wolf = RecapBest(WOLF, "Wolf", 12)
    figures = RecapFigures(
        kills=12,
        mvp=wolf,
        mvp_xp=PlayerPlace(300, 1, 2),
        rivalry=Rivalry(wolf, RecapBest(CARL, "Carl", 2)),
        servers=(RecapServerFigures("North", 12, 1, wolf), RecapServerFigures("South")),
    )
    span = RecapSpan(RecapKind.DAILY, NOW.date(), NOW.date())
    plan = {RecapKind.DAILY: PlannedRecap(NOW, span)}
    await recaps.put_plan(guild_id, plan)
    await recaps.finish_recap(
        guild_id,
        Recap(guild_id=guild_id, kind=span.kind, period=span.key, state=RecapState.POSTED, at=NOW),
        before=plan,
        after=plan,
        notice=build_recap_notice(guild_id, span, figures, at=NOW),
        named=[WOLF],
    )


async def write_direct_message(place: Place) -> None:
    """Let the member of Wolf ask for everything, and tell them of a bounty of theirs that Wolf claimed."""
    choices = NotificationService(NotificationRepository(place.database, fences=lambda _: None))
    await choices.switch(place.scope.guild_id, OWNER, None, is_on=True, locale="en-US")
    bounty = Bounty(place.scope, "told", WOLF, "Wolf", 500, OWNER, NOW, NOW)
    told = tell_placer(bounty, DirectEvent.CLAIMED, at=NOW, claimer_player_id=WOLF, claimer_name="Wolf")

    def tell(unit: MoneyTransaction) -> None:
        unit.tell([*told, *(replace(one, member_id=OTHER) for one in told)])

    await choices.switch(place.scope.guild_id, OTHER, None, is_on=True, locale="en-US")
    await BountyRepository(place.database, fences=lambda _: None).in_transaction(place.scope, tell)


async def write_error(place: Place) -> None:
    """Store an error that happened to the member of Wolf and to another one, and that the former resolved."""
    errors, guild_id = ErrorRepository(place.database), place.scope.guild_id
    delta = GroupDelta(
        guild_id=guild_id,
        fingerprint="v2:0123456789abcdef",
        reference="ABCDEF",
        category=ErrorCategory.COMMAND,
        error_type="builtins.KeyError",
        place="x:y",
        frames=(),
        text="",
        count=3,
        first_seen_at=NOW,
        last_seen_at=NOW,
        hours={NOW: 3},
        commands={},
        tasks={},
        servers={},
        members={int(OWNER): 2, int(OTHER): 1},
        guilds={},
        samples=(),
    )
    await errors.write([merge(None, delta)], "parcel")
    await errors.resolve(guild_id, delta.fingerprint, at=NOW, by=OWNER)


def list_traces(value: object, path: str = "") -> Iterator[str]:
    """Yield the paths of all values that name Wolf or the member of Wolf."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from list_traces(one, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for one in value:
            yield from list_traces(one, path)
    elif value in (int(OWNER), "Wolf") or (isinstance(value, str) and is_told(value)):
        yield path


def is_told(text: str) -> bool:
    """Tell whether a text contains an id of them, as an id or as a mention."""
    return WOLF in text.lower() or f"<@{OWNER}>" in text or f"<@!{OWNER}>" in text


async def find_traces(place: Place) -> set[Trace]:
    """Return all fields of the database that name them."""
    return {
        (name, path)
        for name in INDEXES
        for document in await place.read(name)
        for path in list_traces({field: value for field, value in document.items() if field != "_id"})
    }


def list_declared(*erasures: Erasure) -> set[Trace]:
    """Return the fields that are declared for these kinds of erasure."""
    return {
        (collection, path)
        for collection, declared in PERSONAL_FIELDS.items()
        for one in declared
        if one.erasure in erasures
        for path in one.paths
    }


def test_every_collection_declares_what_it_holds_of_people() -> None:
    """Every collection is declared, even without personal fields; an index finds each part of an export."""
    assert set(PERSONAL_FIELDS) == set(INDEXES)
    for collection, declared in PERSONAL_FIELDS.items():
        indexes = {index.name for index in INDEXES[collection]}
        assert {one.part.index for one in declared if one.part is not None} <= indexes
    parts = [
        (one.holds, one.part.name) for declared in PERSONAL_FIELDS.values() for one in declared if one.part
    ]
    assert len(parts) == len(set(parts))


async def test_nothing_personal_is_stored_that_is_not_declared(place: Place) -> None:
    """Every collection has documents, and only declared fields name the person."""
    assert [name for name in INDEXES if not await place.read(name)] == []
    found = await find_traces(place)
    assert found <= list_declared(*Erasure)
    assert {name for name, _ in found} == {name for name, declared in PERSONAL_FIELDS.items() if declared}


async def test_holdings_are_what_an_erasure_takes_from_a_member(place: Place) -> None:
    """The question before an erasure names all that is stored of a member."""
    guild_id = place.scope.guild_id
    found = await ErasureRepository(place.database, fences=lambda _: None).find_holdings(guild_id, OWNER)
    assert (found.factions, found.roles, found.has_level, found.has_notifications) == (2, 1, True, True)


async def test_erased_person_is_left_where_it_is_declared_to_be_kept_alone(place: Place) -> None:
    """In the raw documents of all collections, only the member's actions as an admin still have their id."""
    await place.erase("Wolf", member_id=OWNER, is_asker=True)
    assert await find_traces(place) == {
        ("guilds", "premium.granted_by"),
        ("guilds", "premium_history.by"),
        ("audit", "actor_id"),
        ("role_rules", "created_by"),
    }
    assert await find_traces(place) <= list_declared(Erasure.KEPT)
    [guild] = await place.read("guilds")
    assert guild["premium_history"][0]["reason"] == f"asked for by an erased member and <@{OTHER}>"


@st.composite
def _draw_entries(draw: st.DrawFn) -> list[AuditEntry]:
    """Return an entry of every action, each about the person or about another person."""
    entries = []
    for number, (action, base, _) in enumerate(SENTENCES):
        facts = base
        if base.member_id is not None:
            facts = replace(facts, member_id=draw(st.sampled_from((OWNER, OTHER))))
        if base.player_name is not None:
            player = draw(st.sampled_from(((WOLF, "Wolf"), (WOLF, "Old Wolf"), (CARL, "Carl"))))
            facts = replace(facts, player_id=player[0], player_name=player[1])
        if base.reason is not None:
            parts = st.lists(st.sampled_from((f"<@{OWNER}>", f"<@!{OWNER}>", f"<@{OTHER}>", " for ", "<@8>")))
            facts = replace(facts, reason="".join(draw(parts)) or "none")
        actor = (
            facts.member_id if action == AuditAction.LINK_ASK else draw(st.sampled_from((ADMIN, OWNER, None)))
        )
        entries.append(AuditEntry(NOW + timedelta(seconds=number), actor, action, facts))
    return entries


@settings(
    max_examples=choose_examples(quick=6, deep=60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(entries=_draw_entries())
async def test_no_entry_of_the_audit_tells_anything_of_an_erased_person(
    database: SafeDatabase, scope: ServerScope, entries: Sequence[AuditEntry]
) -> None:
    """After the erasure no entry names the person; facts about others stay, and each entry can be shown."""
    guild_id = scope.guild_id
    await database.unscoped("audit").delete_many({})
    audit, erasures = AuditRepository(database), ErasureRepository(database, fences=lambda _: None)
    for entry in entries:
        await audit.insert_entry(guild_id, entry)
    await erasures.erase_player(guild_id, WOLF, ["Wolf", "Old Wolf"])
    await erasures.erase_member(guild_id, OWNER)
    found, _ = await audit.list_entries(guild_id, limit=len(entries))
    assert list(reversed(found)) == [erase(entry) for entry in entries]
    for entry in found:
        told = str(describe_facts(entry))
        assert ("Wolf" in told, str(OWNER) in told) == (False, False)


def erase(entry: AuditEntry) -> AuditEntry:
    """Return the expected entry after the erasure."""
    facts = entry.facts
    if facts.member_id == OWNER:
        facts = replace(facts, member_id=ERASED_MEMBER_ID)
    if facts.player_id == WOLF:
        facts = replace(facts, player_id=ERASED_PLAYER_ID, player_name=ERASED_NAME)
    if facts.reason is not None:
        reason = facts.reason.replace(f"<@{OWNER}>", "an erased member")
        facts = replace(facts, reason=reason.replace(f"<@!{OWNER}>", "an erased member"))
    is_own = entry.action == AuditAction.LINK_ASK and entry.actor_id == OWNER
    return replace(entry, facts=facts, actor_id=ERASED_MEMBER_ID if is_own else entry.actor_id)
