"""A language that has the longest words of all: what fits in it fits in every language of the bot."""

from typing import Any

from babel import Locale

from utils.localization.catalogue import FOLDER, Catalogue, Forms, read_catalogue
from utils.localization.languages import Languages
from utils.localization.localizer import Localizer, build_localizer
from utils.localization.pools import ENGLISH_POOLS, Pool, Pools, read_pools
from utils.localization.pools import FOLDER as POOLS_FOLDER

LANGUAGE = "qpx"
CATALOGUES = {file.stem: read_catalogue(file.stem, file) for file in sorted(FOLDER.glob("*.po"))}


def choose_longest(forms: list[Forms]) -> Forms:
    """Return the longest sentence of each text in any form; the same one for every number."""
    every = {key for each in forms for key in each}
    longest = {key: max((one for each in forms for one in each.get(key, ())), key=len) for key in every}
    return {key: (one, one) for key, one in longest.items()}


def join_pools(pools: list[Pools]) -> Pools:
    """Return the longest title and line of each pool."""
    return {
        name: Pool(
            (max((one for each in pools for one in each[name].titles), key=len),),
            (max((one for each in pools for one in each[name].lines), key=len),) if own.lines else (),
        )
        for name, own in ENGLISH_POOLS.items()
    }


def build_longest() -> Localizer:
    """Return the language; without any catalogue it is English."""
    forms = choose_longest([each.forms for each in CATALOGUES.values()])
    pools = join_pools([read_pools(file) for file in sorted(POOLS_FOLDER.glob("*.toml"))])
    return build_localizer(LANGUAGE, Catalogue(Locale("en"), forms=forms), pools)


LONGEST = build_longest()
LANGUAGES = Languages(more={LANGUAGE: LONGEST})


def list_cut(english: Any, longest: Any) -> list[str]:
    """Return the texts of a payload that are cut in this language, and a mark for each missing part."""
    if isinstance(english, str) and isinstance(longest, str):
        return [longest] if longest.endswith("…") and not english.endswith("…") else []
    if isinstance(english, list) and isinstance(longest, list):
        lost = ["a part is missing"] if len(longest) < len(english) else []
        return lost + [cut for pair in zip(english, longest, strict=False) for cut in list_cut(*pair)]
    if isinstance(english, dict) and isinstance(longest, dict):
        return [cut for key in english for cut in list_cut(english[key], longest.get(key))]
    return []
