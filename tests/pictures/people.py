"""Invented players of an invented community, with figures that agree between the pictures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from tests.fakes.deaths import build_death, build_player_id
from tests.fakes.seasons import build_season
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import build_server
from utils.models.deaths import DeathKind, DeathRow
from utils.models.factions import Faction, FactionPeriod, FactionRank
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.links import Link, LinkState
from utils.models.money import Bounty, Change, LedgerKind, LedgerRow
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.recaps import RecapFact, RecapNotice, RecapPlace, RecapRival
from utils.models.players import BoardRow, Counters, KnownPlayer, NamedCount, PlayerDay, PlayerStats
from utils.models.recaps import RecapKind
from utils.models.roles import GrantState, RoleGrant, RoleId, RoleRule, RuleTerms
from utils.models.scope import ChannelId, GuildId, MemberId
from utils.models.seasons import SeasonResult, SeasonState
from utils.models.servers import ConnectionState, ServerHealth
from utils.models.statistics import Board, DayCount, Enemy, PlayerPlace, WeaponRow
from utils.services.factions.names import compute_name_key

AT = datetime(2025, 5, 1, 20, 14, tzinfo=UTC)
SERVER, SERVER_ID = "Northwatch", "northwat"
WOLF, OTTER, FALCON, KAZAK, BADGER = "Taiga_Wolf", "Marsh Otter", "IronFalcon88", "Kazak015", "Echo-Badger"
DAYS = 30
FACTION_ID = "wolves"

_STANDING = (
    *((WOLF, 1_284), (OTTER, 1_151), (KAZAK, 966), (BADGER, 871), ("Static_Nor", 640), (FALCON, 512)),
    *(("Lynx of Ural", 498), ("Salt", 355), ("brno_77", 341), ("Old Pike", 302)),
)
_SECOND_STANDING = ((KAZAK, 604), ("Lynx of Ural", 512), (OTTER, 377), ("brno_77", 290), ("Salt", 118))
_WEAPONS = (
    *(("Mosin", 3_208, 393, WOLF, 402), ("AK-SU", 2_611, 142, KAZAK, 355), ("M4", 1_930, 188, OTTER, 301)),
    *(("VSS", 1_244, 167, BADGER, 198), ("land_vehicle", 801, 0, OTTER, 96), ("Skar", 640, 203, WOLF, 88)),
    *(("UMP45", 512, 84, "Salt", 71), ("TTK", 377, 61, FALCON, 52), ("SVD", 350, 371, WOLF, 66)),
    *(("F-10", 122, 24, "brno_77", 19), ("Axe", 41, 3, "Salt", 11)),
)
_RIVALS = ((OTTER, 58, 46), (KAZAK, 31, 29), ("Lynx of Ural", 12, 17), (FALCON, 89, 9), ("Salt", 44, 0))
"""The enemies of the best player: how often the player killed them, and they the player."""


def fill(shelf: Shelf, guild_id: GuildId, ada: MemberId, birk: MemberId, channel: ChannelId) -> None:
    """Fill in the community; ``ada`` plays as one of the best, ``channel`` is that of the killfeed."""
    server = replace(build_server(SERVER, SERVER_ID, guild_id=guild_id), number=3)
    shelf.servers.servers = {server.scope: server}
    shelf.guilds.settings[guild_id] = GuildSettings(guild_id, channels={ChannelKind.KILLFEED: channel})
    shelf.readings.health[server.scope] = ServerHealth(
        server.scope,
        ConnectionState.CONNECTED,
        last_read_at=AT - timedelta(seconds=3),
        lag_seconds=2.4,
        lines_read=61_204,
    )
    _add_players(shelf)
    _add_combat(shelf)
    _add_links(shelf, guild_id, ada)
    _add_money(shelf, ada, birk)


def _add_players(shelf: Shelf) -> None:
    [scope] = shelf.servers.servers
    statistics = shelf.statistics
    statistics.players = [
        KnownPlayer(build_player_id(name), name, (name,), kills, AT, (scope.server_id,))
        for name, kills in _STANDING
    ]
    statistics.rows = [
        BoardRow(rank, build_player_id(name), name, kills, Counters(kills=kills))
        for rank, (name, kills) in enumerate(_STANDING, start=1)
    ]
    wolf = PlayerStats(
        player_id=build_player_id(WOLF),
        name=WOLF,
        counters=Counters(kills=1_284, deaths=431, suicides=12, metres=94_310, longest=393, best_streak=21),
        current_streak=5,
        top_weapon=NamedCount("Mosin", 402),
        nemesis=NamedCount(OTTER, 46),
        prey=NamedCount(FALCON, 89),
        rank=1,
        ranked=1_146,
        last_seen_at=AT - timedelta(seconds=31),
        servers=(scope.server_id,),
    )
    otter = replace(
        wolf,
        player_id=build_player_id(OTTER),
        name=OTTER,
        counters=Counters(kills=1_151, deaths=502, suicides=31, metres=71_000, longest=288, best_streak=17),
        current_streak=0,
        top_weapon=NamedCount("M4", 301),
        nemesis=NamedCount(WOLF, 58),
        prey=NamedCount(BADGER, 61),
        rank=2,
        last_seen_at=AT - timedelta(minutes=3),
    )
    statistics.stats = {(one.player_id,): one for one in (wolf, otter)}
    statistics.days = _list_days()
    statistics.places[True] = PlayerPlace(12_340, 3, 120)


def _list_days() -> list[DayCount]:
    """Return the best player's last days, with more kills at weekends and two days without any."""
    days = []
    for number in range(DAYS):
        day = AT.date() - timedelta(days=DAYS - 1 - number)
        kills = 0 if number in (6, 20) else _swing(number, 3, 11) + 9 * (day.weekday() >= 5)
        days.append(DayCount(day, Counters(kills=kills, deaths=kills // 3 + number % 3 if kills else 0)))
    return days


def _add_combat(shelf: Shelf) -> None:
    wolf, combat = (build_player_id(WOLF),), shelf.combat
    combat.weapons = {(): [WeaponRow(*weapon[:3]) for weapon in _WEAPONS]}
    combat.best = {weapon: NamedCount(name, kills) for weapon, *_, name, kills in _WEAPONS}
    killed = sorted(_RIVALS, key=lambda rival: rival[1], reverse=True)
    combat.victims[wolf] = [Enemy(build_player_id(name), name, kills) for name, kills, _ in killed]
    by_deaths = sorted(_RIVALS, key=lambda rival: rival[2], reverse=True)
    combat.killers[wolf] = [Enemy(build_player_id(name), name, deaths) for name, _, deaths in by_deaths]
    combat.victims[build_player_id(OTTER),] = [Enemy(wolf[0], WOLF, 46)]
    combat.hours = {(): _list_hours()}
    [scope] = shelf.servers.servers
    shelf.deaths.deaths = [(scope.server_id, build_death(row, scope=scope)) for row in _list_recent()]


def _list_hours() -> list[int]:
    """Return kills in each hour of a week, most in the evenings and at weekends."""
    return [
        round(
            (14 + 22 * (weekday >= 5))
            * math.exp(-(((hour - (17 if weekday >= 5 else 20.5) + 12) % 24 - 12) ** 2) / 14)
            + _swing(weekday * 24 + hour, 0, 3)
        )
        for weekday in range(7)
        for hour in range(24)
    ]


def _list_recent() -> list[DeathRow]:
    """Return some deaths, newest first."""
    rows: Sequence[tuple[DeathKind, str, str, str, int]] = (
        (DeathKind.KILL, WOLF, FALCON, "Mosin", 187),
        (DeathKind.MENU, "Salt", "Salt", "suicide_by_relocation", 0),
        (DeathKind.VEHICLE, OTTER, KAZAK, "land_vehicle", 1),
        (DeathKind.KILL, BADGER, OTTER, "VSS", 64),
        (DeathKind.FALL, BADGER, BADGER, "falling", 0),
        (DeathKind.UNKNOWN, "", "brno_77", "", 0),
    )
    return [
        DeathRow(
            written_at=(AT - timedelta(seconds=31 + 94 * number)).replace(tzinfo=None),
            kind=kind,
            killer_id=build_player_id(killer) if killer else None,
            killer_name=killer,
            victim_id=build_player_id(victim),
            victim_name=victim,
            weapon=weapon,
            distance=distance,
        )
        for number, (kind, killer, victim, weapon, distance) in enumerate(rows)
    ]


def _add_links(shelf: Shelf, guild_id: GuildId, ada: MemberId) -> None:
    main = Link(
        *(guild_id, ada, build_player_id(BADGER), BADGER, AT - timedelta(days=40), LinkState.PROVEN),
        is_main=True,
        proven_at=AT - timedelta(days=40),
    )
    _add_link(shelf, main)
    shelf.money.data.members = {main.player_id: ada}


def _add_link(shelf: Shelf, link: Link) -> None:
    shelf.links.links.setdefault((link.guild_id, link.member_id, link.player_id), link)


def _add_money(shelf: Shelf, ada: MemberId, birk: MemberId) -> None:
    [scope] = shelf.servers.servers
    changes = (
        (LedgerKind.BOUNTY_CLAIMED, 4_000, WOLF),
        (LedgerKind.KILL, 28, FALCON),
        (LedgerKind.BOUNTY_EXPIRED, 1_200, "Salt"),
    )
    data = shelf.money.data
    data.balances = {ada: 8_620}
    data.ledger = [
        LedgerRow(Change(ada, kind, amount, f"{number}", AT - timedelta(minutes=7 * number), note), 0, 0)
        for number, (kind, amount, note) in reversed(list(enumerate(changes)))
    ]
    for number, (target, amount, placer, hours) in enumerate(
        ((WOLF, 12_000, birk, 21.0), (KAZAK, 1_500, None, 1.8))
    ):
        placed_at, ends_at = AT - timedelta(hours=1), AT + timedelta(hours=hours)
        bounty = Bounty(
            scope, f"b{number}", build_player_id(target), target, amount, placer, placed_at, ends_at
        )
        data.bounties[bounty.bounty_id] = bounty


def add_faction(shelf: Shelf, guild_id: GuildId, members: Mapping[MemberId, str]) -> None:
    """Add a faction of members, each with their player: a leader, an officer and a member."""
    name, founded_at = "Night Wolves", AT - timedelta(days=30)
    shelf.factions.factions = {
        FACTION_ID: Faction(guild_id, FACTION_ID, name, compute_name_key(name), "NWL", False, founded_at)
    }
    ranks = (FactionRank.LEADER, FactionRank.OFFICER, FactionRank.MEMBER)
    for number, (member_id, player) in enumerate(members.items()):
        player_id = build_player_id(player)
        _add_link(
            shelf, Link(guild_id, member_id, player_id, player, founded_at, LinkState.PROVEN, is_main=True)
        )
        shelf.factions.periods.append(FactionPeriod(FACTION_ID, member_id, founded_at, ranks[number]))
        kills = 402 - 137 * number
        counters = Counters(
            kills=kills, deaths=kills // 3, longest=371 - 60 * number, best_streak=17 - number, xp=kills * 19
        )
        shelf.faction_days.days.append(PlayerDay(player_id, AT.date() - timedelta(days=3), counters))


def add_season(shelf: Shelf, guild_id: GuildId) -> None:
    """Add a season that is over, with its results."""
    days = {"first_day": date(2025, 4, 1), "last_day": date(2025, 4, 30)}
    season = build_season(guild_id, "1", "April", state=SeasonState.CLOSED, closed_at=AT, **days)
    shelf.seasons.seasons = {season.season_id: season}
    rows = tuple(
        replace(row, value=row.value // 4, counters=Counters(kills=int(row.value) // 4))
        for row in shelf.statistics.rows
    )
    shelf.seasons.results = {(season.season_id, Board.KILLS): SeasonResult("1", Board.KILLS, rows)}


def add_rules(shelf: Shelf, guild_id: GuildId, roles: Sequence[RoleId], holders: Sequence[MemberId]) -> None:
    """Add a rule for each of three roles; the first has one holder, and each next one has one more."""
    champion, hunter, wolf = roles
    terms = (
        RuleTerms(role_id=champion, rank=1),
        RuleTerms(role_id=hunter, level=10),
        RuleTerms(role_id=wolf, faction_id=FACTION_ID),
    )
    shelf.roles.rules[guild_id] = [
        RoleRule(guild_id=guild_id, rule_id=f"{one.role_id}", terms=one, created_by=holders[0], created_at=AT)
        for one in terms
    ]
    shelf.roles.grants[guild_id] = {
        (role_id, holder): RoleGrant(role_id, holder, GrantState.GIVEN, AT)
        for number, role_id in enumerate(roles, start=1)
        for holder in holders[:number]
    }


def add_figures_of_servers(shelf: Shelf) -> None:
    """Give each of the two game servers figures of its own."""
    first, second = shelf.servers.servers
    shelf.combat.weapons_on[second.server_id] = [WeaponRow("AK-SU", 988, 142)]
    standing = {first: (_STANDING, (WOLF, 393)), second: (_SECOND_STANDING, (KAZAK, 266))}
    for scope, (kills, farthest) in standing.items():
        for board, rows in ((Board.KILLS, kills), (Board.LONGEST, (farthest,))):
            shelf.statistics.rows_on[scope.server_id, board] = [
                BoardRow(rank, build_player_id(name), name, value, Counters(kills=value))
                for rank, (name, value) in enumerate(rows, start=1)
            ]


def build_recap() -> RecapNotice:
    """Return the recap of a week."""
    return RecapNotice(
        event_id=b"\x01",
        server_name=SERVER,
        at=AT,
        kind=RecapKind.WEEKLY,
        first_day="2025-04-21",
        last_day="2025-04-27",
        kills=1_846,
        kills_before=1_702,
        killers=94,
        places=(
            RecapPlace(RecapFact.MVP, WOLF, 143, PlayerPlace(24_310, 1, 1_146)),
            RecapPlace(RecapFact.LONGEST, OTTER, 371),
            RecapPlace(RecapFact.STREAK, KAZAK, 14),
        ),
        weapon="Mosin",
        weapon_kills=402,
        rivals=(RecapRival(WOLF, 12), RecapRival(OTTER, 9)),
        servers=(),
    )


def build_death_notice(
    number: int, kind: DeathKind, killer: str, victim: str, weapon: str = "", distance: int = 1
) -> DeathNotice:
    """Return a death of the killfeed; a higher number is later."""
    return DeathNotice(
        event_id=number.to_bytes(4),
        kind=kind,
        server_name=SERVER,
        killer_name=killer,
        victim_name=victim,
        weapon=weapon,
        distance=distance,
        at=AT - timedelta(seconds=40 - number * 9),
        killer_kills=91 - 7 * number if kind.is_kill else None,
        killer_deaths=28 + 3 * number if kind.is_kill else None,
        killer_streak=number + 4 if kind.is_kill else None,
    )


def build_bounty_notice(number: int, event: BountyEvent, target: str, amount: int) -> BountyNotice:
    """Return an event of the bounties channel; a higher number is later."""
    at = AT - timedelta(minutes=30 - number * 9)
    return BountyNotice(
        event_id=number.to_bytes(4),
        event=event,
        server_name=SERVER,
        target_name=target,
        amount=amount,
        at=at,
    )


def _swing(number: int, least: int, most: int) -> int:
    """Return a number that looks like chance and is always the same."""
    return least + number * number * 7 % 31 * (most - least + 1) // 31
