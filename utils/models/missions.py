"""The missions of the game's world: their ids in the log, their names, and how hard they can be.

In the game a level is a variant of a mission, and the log does not tell which variant has appeared. So a
level here is that of the hardest variant of a place, to be shown as "up to". Names are those of the game's
map, which every language of the game shows alike.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from utils.models.texts import Text, text_in

ID_PREFIX = "ga_"

LEVEL_NAMES: Mapping[int, Text] = {
    1: text_in("level of a mission", "Easy"),
    2: text_in("level of a mission", "Medium"),
    3: text_in("level of a mission", "Hard"),
    4: text_in("level of a mission", "Epic"),
}
"""The levels, easiest first."""


@dataclass(frozen=True, slots=True)
class Mission:
    """A mission.

    Attributes:
        ids: its ids in the log without ``GA_``; more than one where an update of the game renamed it. They
            are compared without case.
        level: of its hardest variant, a key of ``LEVEL_NAMES``; None if it is not known.
    """

    name: str
    level: int | None
    ids: tuple[str, ...]


def _mission(name: str, level: int, *ids: str) -> Mission:
    return Mission(name, level, ids)


MISSIONS: tuple[Mission, ...] = (
    _mission("Airport #1", 4, "Airport_mis_01_SFPSACMission"),
    _mission("Airport #2", 4, "Airport_mis_02_SFPSACMission"),
    _mission("Airport #3", 3, "Airport_mis_03_SFPSACMission"),
    _mission("Airport #4", 3, "Airport_mis_04_SFPSACMission"),
    _mission("Beregovoy", 1, "Beregovoy_mis1"),
    _mission("Barrel Storage", 1, "Bochki_Mis_1"),
    _mission("Underground Bunker", 4, "Bunker_01_Mis1"),
    _mission("Dubovoe", 2, "Dubovoe_0_Mis_1"),
    _mission("Elevator #1", 3, "Elevator_Mis_1"),
    _mission("Elevator #2", 2, "Elevator_Mis_2"),
    _mission("Factory", 4, "Factory_01_SFPSACMission"),
    _mission("Farm", 2, "Farm_01_SFPSACMission"),
    _mission("Industrial Zone #1", 2, "Ind_01_C_m1", "Ind_01_m1"),
    _mission("Industrial Zone #2", 3, "Ind_02_Mis_1"),
    _mission("Kamensk #1", 2, "Kamensk_Mis_1"),
    _mission("Kamensk #2", 2, "Kamensk_Mis_2"),
    _mission("Kamensk #3", 4, "Kamensk_Mis_3"),
    _mission("Kamensk Industrial", 2, "Kamensk_Ind_3_Mis_1"),
    _mission("Chemical Plant #1", 3, "KhimMash_Mis_01"),
    _mission("Chemical Plant #2", 4, "KhimMash_Mis_02"),
    _mission("Krasnoe", 1, "Krasnoe_Mis_1"),
    _mission("Lighthouse", 2, "Lighthouse_02_Mis1"),
    _mission("Military Base #2", 4, "Military_02_Mis1"),
    _mission("Military Base #3", 4, "Military_03_Mis_01"),
    _mission("Military Base #4", 4, "Military_04_Mis1"),
    _mission("Military Base #4B", 2, "Military_04_Mis_2"),
    _mission("Prison", 4, "Prison_01_SFPSACMission"),
    _mission("Prison Port", 3, "Prison_Port_SFPSACMission"),
    _mission("Industrial Zone A", 3, "PromZone_Mis_01"),
    _mission("Industrial Zone B", 3, "PromZone_Mis_02"),
    _mission("Industrial Zone #6", 3, "PromZone_6_Mis_1"),
    _mission("Pyramid", 4, "Pyramid_01_SFPSACMission"),
    _mission("Sawmill #1", 4, "Sawmill_01_C_m1", "Sawmill_01_Mis1"),
    _mission("Sawmill #2", 3, "Sawmill_02_C_m1", "Sawmill_02_1_Mis1"),
    _mission("Sawmill #3", 1, "Sawmill_03_Mis_01"),
    _mission("Scrap Dump", 3, "ScrapDump_01_1_SFPSACMission"),
    _mission("Cherny Log", 2, "Settle_05_ChernyLog_Mis1"),
    _mission("Settlement #9", 2, "Settle_09_Mis_1"),
    _mission("Vostok", 1, "Vostok_Mis_1"),
    _mission("Warehouse", 2, "WareHouse_01_SFPSACMission"),
    _mission("Old Airport", 3, "mis_airport_Mis1"),
    _mission("Old Factory", 2, "mis_factory_SFPSACMission"),
    _mission("Hangar", 2, "mis_hangar_Mis1"),
    _mission("Old Military Base", 4, "mis_militaryBase_Mis1"),
)
"""Every mission that was seen in a real log or in the map's data, by id."""

_BY_ID = {one.lower(): mission for mission in MISSIONS for one in mission.ids}
_default_part = re.compile(r"_?(?:sfpsacmission|mis_?\d*|m\d+)$", re.IGNORECASE)
_words = re.compile(r"\d+|[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def find_mission(mission_id: str) -> Mission | None:
    """Return the mission of an id of the log, with or without ``GA_``; None if an update brought it."""
    return _BY_ID.get(_fold_id(mission_id))


def get_mission(mission_id: str) -> Mission:
    """Return the mission of an id; an unknown one gets a name made of its id, and no level."""
    return find_mission(mission_id) or Mission(_name_unknown(mission_id), None, (mission_id,))


def fold_mission_id(mission_id: str) -> str:
    """Return the one id of a mission: the first of its ids if it is known, in small letters."""
    known = find_mission(mission_id)
    return known.ids[0].lower() if known is not None else _fold_id(mission_id)


def _fold_id(mission_id: str) -> str:
    return mission_id.lower().removeprefix(ID_PREFIX)


def _name_unknown(mission_id: str) -> str:
    """Make ``Swamp #2`` of ``GA_Swamp_02_Mis_1``."""
    place = mission_id[len(ID_PREFIX) :] if mission_id.lower().startswith(ID_PREFIX) else mission_id
    words = _words.findall(_default_part.sub("", place) or place)
    named = [f"#{int(word)}" if word.isdigit() else word.capitalize() for word in words]
    return " ".join(named) or place
