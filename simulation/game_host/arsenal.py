"""Causes of death, in the proportions of three real days (1,251 rows)."""

from dataclasses import dataclass

from utils.models.deaths import DeathKind


@dataclass(frozen=True, slots=True)
class Cause:
    """A weapon or cause with its share and its usual distance.

    Attributes:
        weight: frequency relative to the other causes.
        metres: mean distance of kills with it; 0 for causes without a distance.
    """

    weapon: str
    weight: int
    metres: int
    kind: DeathKind = DeathKind.KILL


VEHICLE_METRES = 1  # the game's words for vehicles and for deaths without a killer
LONGEST_METRES = 393

CAUSES = (
    Cause("UAG", 84, 25),
    Cause("Mosin", 71, 115),
    Cause("Berta M9", 65, 2),
    Cause("AK-mod", 57, 21),
    Cause("AK-SM", 51, 22),
    Cause("AK-SU", 48, 16),
    Cause("BB-19", 39, 13),
    Cause("AR4-M", 38, 19),
    Cause("VSD", 37, 116),
    Cause("Skar", 35, 22),
    Cause("MR5", 32, 18),
    Cause("IZH-43", 23, 6),
    Cause("Fire Axe", 22, 0),
    Cause("Grom", 21, 11),
    Cause("RPK-mod", 17, 18),
    Cause("AR4", 15, 14),
    Cause("NK417", 14, 72),
    Cause("P900", 12, 9),
    Cause("MS590", 11, 7),
    Cause("Folding Knife", 11, 0),
    Cause("S85", 10, 67),
    Cause("UMR45", 10, 7),
    Cause("MG-36", 8, 12),
    Cause("Mosin-K", 8, 26),
    Cause("F-10", 6, 12),
    Cause("TTk", 6, 5),
    Cause("Fasam", 6, 22),
    Cause("Scorp", 6, 16),
    Cause("R-5", 5, 17),
    Cause("IZH-70", 5, 17),
    Cause("Sawed-Off Shotgun", 5, 3),
    Cause("M99", 5, 107),
    Cause("PP-3000", 4, 2),
    Cause("Combat Knife", 4, 0),
    Cause("M133", 3, 4),
    Cause("N4", 3, 14),
    Cause("GRM-40", 1, 12),
    Cause("C1911", 1, 9),
    Cause("F-57", 1, 11),
    Cause("Woodcutter's Axe", 1, 0),
    Cause("land_vehicle", 13, VEHICLE_METRES, DeathKind.VEHICLE),
    Cause("boat", 1, VEHICLE_METRES, DeathKind.VEHICLE),
    Cause("", 4, VEHICLE_METRES, DeathKind.UNKNOWN),
    Cause("suicide_by_relocation", 359, 0, DeathKind.MENU),
    Cause("falling", 69, 0, DeathKind.FALL),
    Cause("R-5", 6, 0, DeathKind.SELF),
    Cause("F-10", 3, 0, DeathKind.SELF),
    Cause("Stronger Explosive Charge", 1, 0, DeathKind.SELF),
    Cause("Dynamite", 1, 0, DeathKind.SELF),
)
