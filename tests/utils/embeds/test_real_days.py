"""Real days and a generated battle in every style: each death is shown once, in order, and nothing is cut."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from simulation.counting import Count
from simulation.game_host.battle import Battle
from simulation.posts import Post, expect_posts, is_about, read_posts, split_posts
from simulation.starts import PROJECT
from utils.embeds.factory import EmbedFactory
from utils.embeds.limits import MAX_CHARACTERS, MAX_EMBEDS, count_characters
from utils.models.deaths import DeathKind, DeathRow
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.highlights import Highlight, HighlightKind
from utils.models.post_styles import PostShape, PostStyle
from utils.parsers.deathlog import parse_death_line

SAMPLES = sorted((PROJECT.parent / "shared" / "samples" / "deathlogs").glob("*.csv"))
LATEST = datetime(2025, 6, 1)  # noqa: DTZ001 - wall clock of the logs
FACTORY = EmbedFactory()


def read_day(file: Path) -> list[DeathRow]:
    """Return the deaths of a real day."""
    rows = [parse_death_line(line, latest=LATEST) for line in file.read_bytes().splitlines()]
    return [row for row in rows if isinstance(row, DeathRow)]


def list_expected(rows: Sequence[DeathRow]) -> list[Post]:
    """Return the expected posts of all rows, respawns among them."""
    kills = iter(expect_posts(rows))
    respawn = DeathKind.MENU
    return [Post(frozenset({row.victim_name})) if row.kind is respawn else next(kills) for row in rows]


def build_notices(rows: Sequence[DeathRow]) -> Iterator[DeathNotice]:
    """Yield the notices of deaths; each fifth kill in a row is a highlight."""
    count = Count()
    for number, row in enumerate(rows):
        count.add(row)
        killer = count.players[row.killer_id] if row.kind.is_kill and row.killer_id else None
        streak = killer.current_streak if killer else 0
        special = streak and streak % 5 == 0
        yield DeathNotice(
            event_id=number.to_bytes(12),
            server_name="North",
            at=row.written_at.replace(tzinfo=UTC),
            kind=row.kind,
            killer_name=row.killer_name,
            victim_name=row.victim_name,
            weapon=row.weapon,
            distance=row.distance,
            killer_kills=killer.kills if killer else None,
            killer_deaths=killer.deaths if killer else None,
            killer_streak=streak if killer else None,
            highlights=(Highlight(HighlightKind.STREAK, streak),) if special else (),
        )


def verify(rows: Sequence[DeathRow], style: PostStyle) -> None:
    """Show rows ten a message, and compare the posts with the rows."""
    shape = PostShape(style, names_servers=True)
    notices = list(build_notices(rows))
    posts = []
    for start in range(0, len(notices), MAX_EMBEDS):
        post = FACTORY.build_feed(notices[start : start + MAX_EMBEDS], shape)
        assert sum(map(count_characters, post.embeds)) <= MAX_CHARACTERS
        posts += [one for embed in post.embeds for one in split_posts(dict(embed.to_dict()))]
    assert read_posts(posts) == list_expected(rows)
    assert all(is_about(post, "North") for post in posts)
    cards = ["title" in post for post in posts]
    special = [bool(notice.highlights) for notice in notices]
    menu = [notice.kind is DeathKind.MENU for notice in notices]
    expected = {
        PostStyle.STORY: special,
        PostStyle.LINE: [False] * len(notices),
        PostStyle.CARD: [not one for one in menu],
    }
    assert cards == expected[style]


@pytest.mark.parametrize("style", PostStyle)
@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_real_day_is_told_in_every_style(file: Path, style: PostStyle) -> None:
    """The golden days, death by death."""
    verify(read_day(file), style)


@pytest.mark.parametrize("style", PostStyle)
def test_battle_is_told_in_every_style(style: PostStyle) -> None:
    """A battle has mutual kills and all weapons of the logs."""
    verify(list(islice(Battle(seed=5).rows(), 1500)), style)
