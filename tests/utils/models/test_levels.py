"""Levels: the XP that each takes, and the titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.models.levels import LAST_LEVEL, compute_level, compute_needed_xp, find_title


def test_each_level_begins_at_its_xp() -> None:
    """One XP less is the level before; there is none behind the last."""
    for level in range(1, LAST_LEVEL + 1):
        needed = compute_needed_xp(level)
        assert (compute_level(needed - 1), compute_level(needed), compute_level(needed + 1)) == (
            level - 1,
            level,
            level,
        )
    assert [compute_needed_xp(level) for level in (0, 1, 5, 10, 20, 30, 50, 100)] == [
        *(0, 50, 750, 2_750, 10_500, 23_250, 63_750, 252_500)
    ]
    assert compute_level(10_000_000) == LAST_LEVEL


@given(st.integers(min_value=0, max_value=400_000))
def test_level_is_the_highest_whose_xp_is_there(xp: int) -> None:
    """The formula agrees with a search."""
    assert compute_level(xp) == max(
        level for level in range(LAST_LEVEL + 1) if compute_needed_xp(level) <= xp
    )


@pytest.mark.parametrize(
    ("level", "title"),
    [
        *((0, "Newcomer"), (4, "Newcomer"), (5, "Drifter"), (9, "Drifter"), (10, "Hunter"), (19, "Hunter")),
        *((20, "Stalker"), (29, "Stalker"), (30, "Raider"), (39, "Raider"), (40, "Sharpshooter")),
        *((49, "Sharpshooter"), (50, "Veteran"), (69, "Veteran"), (70, "Warden"), (99, "Warden")),
        (100, "Legend"),
    ],
)
def test_title_is_that_of_the_last_step(level: int, title: str) -> None:
    """A title is held until the next one begins."""
    assert str(find_title(level)) == title
