"""Classes of weapons: each has its picture and its words on a card.

The names are those of real logs. Another name is of no class, and has the general picture.
"""

from collections.abc import Mapping
from enum import StrEnum


class WeaponClass(StrEnum):
    """The classes of weapons."""

    SNIPER = "sniper"
    RIFLE = "rifle"
    SMG = "smg"
    SHOTGUN = "shotgun"
    PISTOL = "pistol"
    BLADE = "blade"
    EXPLOSIVE = "explosive"


_NAMES: Mapping[WeaponClass, tuple[str, ...]] = {
    WeaponClass.SNIPER: ("Mosin", "Mosin-K", "VSD", "M99", "S85"),
    WeaponClass.RIFLE: (
        *("UAG", "AK-mod", "AK-SM", "AK-SU", "AR4", "AR4-M", "Skar", "Grom", "Fasam", "NK417"),
        *("RPK-mod", "MG-36"),
    ),
    WeaponClass.SMG: ("BB-19", "MR5", "P900", "UMR45", "Scorp", "PP-3000"),
    WeaponClass.SHOTGUN: ("IZH-43", "MS590", "M133", "Sawed-Off Shotgun"),
    WeaponClass.PISTOL: ("Berta M9", "TTk", "IZH-70", "C1911", "F-57"),
    WeaponClass.BLADE: ("Fire Axe", "Woodcutter's Axe", "Folding Knife", "Combat Knife"),
    WeaponClass.EXPLOSIVE: ("F-10", "R-5", "GRM-40", "Stronger Explosive Charge", "Dynamite"),
}

_CLASSES = {name.casefold(): one for one, names in _NAMES.items() for name in names}


def classify_weapon(weapon: str) -> WeaponClass | None:
    """Return the class of a weapon by its name in the log; None for a name that is not known."""
    return _CLASSES.get(weapon.casefold())
