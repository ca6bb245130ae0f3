"""The id of a death: equal for equal rows, different by guild and server, in order of time."""

from datetime import datetime

import pytest

from tests.fakes.deaths import SCOPE, build_player_id, build_row
from utils.models.deaths import DeathKind
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.services.ingestion.fingerprint import build_scope_prefix, compute_death_id

ROW = build_row("Ann", "Bob")
PREFIX = build_scope_prefix(SCOPE)


def test_id_is_the_same_for_ever() -> None:
    """Stored ids must stay the same after every update of the bot."""
    guild, server, time = "000000000000002a", "6b33763978306161", "000068136240"
    assert compute_death_id(PREFIX, ROW).hex() == f"{guild}{server}{time}a5ff438942c7c6b94920"


@pytest.mark.parametrize(
    "changes",
    [
        {"killer_name": "Anna", "victim_name": "Bobby"},
        {"killer_platform": "", "victim_platform": ""},
    ],
)
def test_names_and_platforms_are_no_part_of_it(changes: dict[str, str]) -> None:
    """Names can be decoded in several ways, and only one generation has platforms."""
    assert compute_death_id(PREFIX, ROW._replace(**changes)) == compute_death_id(PREFIX, ROW)


@pytest.mark.parametrize(
    "changes",
    [
        {"written_at": datetime(2025, 5, 1, 12, 0, 1)},  # noqa: DTZ001 - logs carry no zone
        {"killer_id": build_player_id("Cid")},
        {"killer_id": None, "kind": DeathKind.UNKNOWN},
        {"victim_id": build_player_id("Cid")},
        {"weapon": "BB-19"},
        {"distance": 119},
    ],
)
def test_every_fact_of_the_row_is_part_of_it(changes: dict[str, object]) -> None:
    """Rows that differ in any fact are two deaths."""
    assert compute_death_id(PREFIX, ROW._replace(**changes)) != compute_death_id(PREFIX, ROW)


@pytest.mark.parametrize(
    "scope",
    [
        ServerScope(GuildId(43), SCOPE.server_id),
        ServerScope(SCOPE.guild_id, ServerId("k3v9x0ab")),
    ],
)
def test_guilds_and_servers_never_share_an_id(scope: ServerScope) -> None:
    """Two guilds may add the same game server; their data stay separate."""
    prefix = build_scope_prefix(scope)
    assert len(prefix) == len(PREFIX) == 16
    assert compute_death_id(prefix, ROW)[16:22] == compute_death_id(PREFIX, ROW)[16:22]
    assert compute_death_id(prefix, ROW)[22:] != compute_death_id(PREFIX, ROW)[22:]


def test_ids_of_a_server_are_in_order_of_time() -> None:
    """So the deaths of a day are together in the index, and all deaths can be read in order."""
    years = (1970, 1999, 2025, 2026, 9999)
    ids = [
        compute_death_id(PREFIX, ROW._replace(written_at=ROW.written_at.replace(year=year))) for year in years
    ]
    assert ids == sorted(ids)
    assert {len(death_id) for death_id in ids} == {32}


def test_clock_gone_mad_still_gives_an_id() -> None:
    """A row of year 1 has an id too."""
    row = ROW._replace(written_at=datetime(1, 1, 1))  # noqa: DTZ001 - logs carry no zone
    assert len(compute_death_id(PREFIX, row)) == 32
