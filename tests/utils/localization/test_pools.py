"""Pools: complete in each language, and the same text at every try."""

from pathlib import Path
from string import Formatter

import pytest

from utils.localization.languages import Languages
from utils.localization.pools import ENGLISH_POOLS, FOLDER, Pool, read_pools

OWN = """
[death.fall]
titles = ["Abwärts"]
lines = ["{victim} fiel."]
"""


def list_places(pool: Pool) -> set[str]:
    """Return the placeholders in the lines of a pool."""
    return {place for line in pool.lines for _, place, _, _ in Formatter().parse(line) if place is not None}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.toml")), ids=lambda file: file.stem)
def test_pools_of_a_language_are_complete(file: Path) -> None:
    """Each kind has eight different titles and lines, with the placeholders of the English ones."""
    pools = read_pools(file)
    assert pools.keys() == ENGLISH_POOLS.keys()
    for name, pool in pools.items():
        is_title = name.startswith("highlight.")  # which has no lines
        for texts in (pool.titles,) if is_title else (pool.titles, pool.lines):
            assert len(texts) == len(set(texts)) >= 8, name
            assert all(text == " ".join(text.split()) for text in texts), name
        assert list_places(pool) == list_places(ENGLISH_POOLS[name]), name
        has_number = is_title and name not in ("highlight.revenge", "highlight.first_blood")
        assert {title.count("{value}") for title in pool.titles} == {int(has_number)}, name
        assert all(title.count("{") == has_number for title in pool.titles), name


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.toml")), ids=lambda file: file.stem)
def test_line_of_a_death_fits_in_a_row_of_a_phone(file: Path) -> None:
    """At 390 pixels a row has about 40 letters, of which two usual names take 22."""
    lines = [line for name, pool in read_pools(file).items() if "death." in name for line in pool.lines]
    words = {line: len(line.format(killer="", victim="")) for line in lines}
    with_both = [line for line in lines if "{killer}" in line]
    assert [line for line in lines if words[line] > (19 if line in with_both else 31)] == []


async def test_language_has_its_own_pools_and_english_ones_for_the_rest(tmp_path: Path) -> None:
    """Pools of a language serve its regional variants too; they are read once."""
    (tmp_path / "de.toml").write_text(OWN, encoding="utf-8")
    languages = Languages(tmp_path, pools_folder=tmp_path)
    pools = (await languages.open("de-AT")).pools
    assert pools["death.fall"] == Pool(("Abwärts",), ("{victim} fiel.",))
    assert pools["death.kill"] == ENGLISH_POOLS["death.kill"]
    assert (await languages.open("de-AT")).pools is pools


def test_choice_belongs_to_the_event() -> None:
    """A retry shows the same title and line, which are chosen independently."""
    pool = ENGLISH_POOLS["death.kill"]
    events = [number.to_bytes(12) for number in range(400)]
    titles, lines = [pool.choose_title(one) for one in events], [pool.choose_line(one) for one in events]
    assert (set(titles), set(lines)) == (set(pool.titles), set(pool.lines))
    assert [pool.choose_title(one) for one in events] == titles
    assert len(set(zip(titles, lines, strict=True))) > len(pool.titles) * len(pool.lines) // 2
