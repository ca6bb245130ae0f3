"""Invented players of an invented community, with figures that agree between the pictures."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from utils.models.deaths import Death, DeathKind, DeathRow, LogFile
from utils.models.notices.deaths import DeathNotice
from utils.models.players import BoardRow, Counters, NamedCount, PlayerStats
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.models.statistics import Coverage, DayCount, RecentDeath, Rival, Rivals, WeaponRow, WeaponTable

AT = datetime(2025, 5, 1, 20, 14, tzinfo=UTC)
SCOPE = ServerScope(GuildId(1), ServerId("a"))
SERVER = "Northwatch"
ALL_TIME = Coverage(SCOPE.guild_id, (SCOPE.server_id,), where=SERVER, today=AT.date())
WOLF, OTTER, FALCON, KAZAK, BADGER = "Taiga_Wolf", "Marsh Otter", "IronFalcon88", "Kazak015", "Echo-Badger"
NOBODY = PlayerId("0" * 32)

_STANDING = (
    *((WOLF, 1_284), (OTTER, 1_151), (KAZAK, 966), (BADGER, 871), ("Static_Nor", 640), (FALCON, 512)),
    *(("Lynx of Ural", 498), ("Salt", 355), ("brno_77", 341), ("Old Pike", 302)),
)
_WEAPONS = (
    *(("Mosin", 3_208, 393, WOLF, 402), ("AK-SU", 2_611, 142, KAZAK, 355), ("M4", 1_930, 188, OTTER, 301)),
    *(("VSS", 1_244, 167, BADGER, 198), ("land_vehicle", 801, 0, OTTER, 96), ("Skar", 640, 203, WOLF, 88)),
    *(("UMP45", 512, 84, "Salt", 71), ("TTK", 377, 61, FALCON, 52), ("SVD", 350, 371, WOLF, 66)),
    *(("F-10", 122, 24, "brno_77", 19), ("Axe", 41, 3, "Salt", 11)),
)


def build_notice(
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


def build_wolf() -> PlayerStats:
    """Return the best player."""
    return PlayerStats(
        player_id=NOBODY,
        name=WOLF,
        counters=Counters(kills=1_284, deaths=431, suicides=12, metres=94_310, longest=393, best_streak=21),
        current_streak=5,
        top_weapon=NamedCount("Mosin", 402),
        nemesis=NamedCount(OTTER, 46),
        prey=NamedCount(FALCON, 89),
        rank=1,
        ranked=1_146,
        last_seen_at=AT - timedelta(seconds=31),
        servers=(),
    )


def build_otter() -> PlayerStats:
    """Return the second best."""
    return PlayerStats(
        player_id=NOBODY,
        name=OTTER,
        counters=Counters(kills=1_151, deaths=502, suicides=31, metres=71_000, longest=288, best_streak=17),
        current_streak=0,
        top_weapon=NamedCount("M4", 301),
        nemesis=NamedCount(WOLF, 58),
        prey=NamedCount(BADGER, 61),
        rank=2,
        ranked=1_146,
        last_seen_at=AT - timedelta(minutes=3),
        servers=(),
    )


def list_days(count: int = 30) -> list[DayCount]:
    """Return the best player's last days, with more kills at weekends and two days without any."""
    days = []
    for number in range(count):
        day = ALL_TIME.today - timedelta(days=count - 1 - number)
        kills = 0 if number in (6, 20) else _swing(number, 3, 11) + 9 * (day.weekday() >= 5)
        days.append(DayCount(day, Counters(kills=kills, deaths=kills // 3 + number % 3 if kills else 0)))
    return days


def get_first_day(count: int = 30) -> date:
    """Return the first day of ``list_days``."""
    return ALL_TIME.today - timedelta(days=count - 1)


def list_standing() -> list[BoardRow]:
    """Return the first ten players by kills."""
    return [
        BoardRow(rank, PlayerId(str(rank)), name, kills, Counters(kills=kills))
        for rank, (name, kills) in enumerate(_STANDING, start=1)
    ]


def build_weapons() -> WeaponTable:
    """Return the weapons of all players."""
    rows = tuple(WeaponRow(*weapon) for weapon in _WEAPONS)
    return WeaponTable(rows, sum(row.kills for row in rows))


def build_rivals() -> Rivals:
    """Return the enemies of the best player."""

    def rival(name: str, kills: int, deaths: int) -> Rival:
        return Rival(NOBODY, name, kills, deaths)

    return Rivals(
        WOLF,
        nemeses=(rival(OTTER, 58, 46), rival(KAZAK, 31, 29), rival("Lynx of Ural", 12, 17)),
        prey=(rival(FALCON, 89, 9), rival(OTTER, 58, 46), rival("Salt", 44, 0), rival(KAZAK, 31, 29)),
    )


def list_hours() -> tuple[int, ...]:
    """Return kills in each hour of a week, most in the evenings and at weekends."""
    return tuple(
        round(
            (14 + 22 * (weekday >= 5))
            * math.exp(-(((hour - (17 if weekday >= 5 else 20.5) + 12) % 24 - 12) ** 2) / 14)
            + _swing(weekday * 24 + hour, 0, 3)
        )
        for weekday in range(7)
        for hour in range(24)
    )


def list_recent() -> list[RecentDeath]:
    """Return some deaths, newest first."""
    rows: Sequence[tuple[DeathKind, str, str, str, int]] = (
        (DeathKind.KILL, WOLF, FALCON, "Mosin", 187),
        (DeathKind.MENU, "Salt", "Salt", "suicide_by_relocation", 0),
        (DeathKind.VEHICLE, OTTER, KAZAK, "land_vehicle", 1),
        (DeathKind.KILL, BADGER, OTTER, "VSS", 64),
        (DeathKind.FALL, BADGER, BADGER, "falling", 0),
        (DeathKind.UNKNOWN, "", "brno_77", "", 0),
    )
    return [RecentDeath(SERVER, _build_death(number, *row)) for number, row in enumerate(rows)]


def _build_death(number: int, kind: DeathKind, killer: str, victim: str, weapon: str, distance: int) -> Death:
    at = AT - timedelta(seconds=31 + 94 * number)
    killer_id = NOBODY if killer else None
    row = DeathRow(at.replace(tzinfo=None), kind, killer_id, killer, NOBODY, victim, weapon, distance)
    return Death(number.to_bytes(4), row, at, LogFile("world_0", "today.csv"), number)


def _swing(number: int, least: int, most: int) -> int:
    """Return a number that looks like chance and is always the same."""
    return least + number * number * 7 % 31 * (most - least + 1) // 31
