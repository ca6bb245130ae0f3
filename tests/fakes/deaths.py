"""Deaths for tests: short to write, real in form."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from simulation.game_host.log_files import render_row
from utils.models.deaths import Death, DeathKind, DeathRow, LogFile
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.services.ingestion.fingerprint import build_scope_prefix, compute_death_id

SCOPE = ServerScope(GuildId(42), ServerId("k3v9x0aa"))
WORLD = "world_0"
FILE = LogFile(WORLD, "2025.05.01-00.00.00.csv")
NOON = datetime(2025, 5, 1, 12)  # noqa: DTZ001 - logs carry no zone
CAUSES = {
    DeathKind.KILL: ("Mosin", 120),
    DeathKind.VEHICLE: ("land_vehicle", 1),
    DeathKind.MENU: ("suicide_by_relocation", 0),
    DeathKind.FALL: ("falling", 0),
    DeathKind.SELF: ("F-10", 0),
    DeathKind.UNKNOWN: ("", 1),
}


def build_player_id(name: str) -> PlayerId:
    """Return the id that belongs to a name in these tests."""
    return PlayerId("0002" + name.encode().hex()[:28].ljust(28, "0"))


def build_row(
    killer: str,
    victim: str,
    *,
    second: float = 0,
    kind: DeathKind | None = None,
    weapon: str | None = None,
    distance: int | None = None,
) -> DeathRow:
    """Return a row ``second`` seconds after noon.

    Equal names make a menu suicide; without a killer the cause is unknown.
    """
    if kind is None:
        kind = DeathKind.UNKNOWN if not killer else DeathKind.MENU if killer == victim else DeathKind.KILL
    usual_weapon, usual_distance = CAUSES[kind]
    return DeathRow(
        written_at=NOON + timedelta(seconds=second),
        kind=kind,
        killer_id=build_player_id(killer) if killer else None,
        killer_name=killer,
        victim_id=build_player_id(victim),
        victim_name=victim,
        weapon=usual_weapon if weapon is None else weapon,
        distance=usual_distance if distance is None else distance,
        killer_platform="PS5" if killer else "",
        victim_platform="XSX",
    )


def build_death(row: DeathRow, *, offset: int = 0, file: LogFile = FILE, scope: ServerScope = SCOPE) -> Death:
    """Return a row as a stored death, of a server in UTC."""
    death_id = compute_death_id(build_scope_prefix(scope), row)
    return Death(death_id, row, row.written_at.replace(tzinfo=UTC), file, offset)


def build_deaths(rows: Iterable[DeathRow], *, file: LogFile = FILE) -> list[Death]:
    """Return rows as stored deaths of one file, with their offsets in it."""
    deaths: list[Death] = []
    offset = 0
    for row in rows:
        deaths.append(build_death(row, offset=offset, file=file))
        offset += len(render(row))
    return deaths


def render(*rows: DeathRow) -> bytes:
    """Return rows as the game writes them."""
    return b"".join(render_row(row).encode() + b"\n" for row in rows)
