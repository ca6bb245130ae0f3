"""The missions: every row of the table, found by every id."""

import re
from collections import Counter

import pytest

from tests.fakes.beside import SHARED
from utils.models.missions import LEVEL_NAMES, MISSIONS, find_mission, fold_mission_id, get_mission

DOMAIN = SHARED / "DOMAIN.md"


def test_table_has_every_mission_once() -> None:
    """There are 44 missions, three of them with two ids; each id and name is there once."""
    assert len(MISSIONS) == 44
    assert [mission.name for mission in MISSIONS if len(mission.ids) > 1] == [
        "Industrial Zone #1",
        "Sawmill #1",
        "Sawmill #2",
    ]
    assert Counter(one.lower() for mission in MISSIONS for one in mission.ids).most_common(1)[0][1] == 1
    assert len({mission.name for mission in MISSIONS}) == 44
    assert {mission.level for mission in MISSIONS} == set(LEVEL_NAMES)


@pytest.mark.skipif(not DOMAIN.exists(), reason="the page with the facts is not on this machine")
def test_table_is_that_of_the_page() -> None:
    """Ids, names and levels are those of DOMAIN.md."""
    table = DOMAIN.read_text("utf-8").split("derived from the id and one log note):", 1)[1]
    rows = table.split("All ids carry", 1)[0].replace("\n", " ").strip().rstrip(".").split(";")
    read = [re.fullmatch(r"(\w+)(?: \(also (\w+)\))? (.+) (\d)", row.strip()) for row in rows]
    assert [(mission.ids, mission.name, mission.level) for mission in MISSIONS] == [
        (tuple(filter(None, row.group(1, 2))), row[3], int(row[4])) for row in read if row is not None
    ]
    assert len(rows) == len(MISSIONS)


@pytest.mark.parametrize(
    "mission_id", ["GA_Sawmill_01_C_m1", "ga_sawmill_01_mis1", "GA_SAWMILL_01_MIS1", "Sawmill_01_C_M1"]
)
def test_mission_is_found_by_every_id_without_case(mission_id: str) -> None:
    """An update of the game renames a mission; it stays the same one."""
    found = find_mission(mission_id)
    assert found is not None
    assert (found.name, found.level) == ("Sawmill #1", 4)
    assert fold_mission_id(mission_id) == "sawmill_01_c_m1"


@pytest.mark.parametrize(
    ("mission_id", "name"),
    [
        ("GA_Swamp_02_Mis_1", "Swamp #2"),
        ("GA_NewHarbour_SFPSACMission", "New Harbour"),
        ("GA_Tower_03_C_m1", "Tower #3 C"),
        ("GA_Mis_1", "Mis #1"),
        ("GA_", ""),
    ],
)
def test_unknown_mission_is_named_by_its_id(mission_id: str, name: str) -> None:
    """A mission of a later update has a readable name and no level."""
    found = get_mission(mission_id)
    assert (found.name, found.level) == (name, None)
    assert find_mission(mission_id) is None
