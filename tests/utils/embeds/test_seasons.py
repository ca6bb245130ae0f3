"""Seasons as they are shown: days gone and left, what comes next, the post about the results."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tests.fakes.seasons import build_season
from utils.embeds.factory import EmbedFactory
from utils.models.notices.seasons import SeasonNotice, SeasonPlace
from utils.models.scope import GuildId, ServerId
from utils.models.seasons import Season, SeasonList, SeasonReport, SeasonState
from utils.models.statistics import Board

SPRING = build_season(GuildId(1), name="Spring_*")  # from 28 Apr to 04 May
AT = datetime(2025, 5, 5, 1, tzinfo=UTC)
NOTICE = SeasonNotice(
    event_id=b"s",
    server_name="",
    at=AT,
    season="Spring_*",
    game_server="North_*",
    places=(
        SeasonPlace(Board.KILLS, 1, "Wolf_*", 4_000),
        SeasonPlace(Board.KILLS, 3, "Fox", 100),
        SeasonPlace(Board.KD, 1, "Fox", 235),
        SeasonPlace(Board.LONGEST, 1, "Fox", 39_300),
        SeasonPlace(Board.BOUNTIES, 1, "Wolf_*", 150_000),
    ),
)


@pytest.fixture(name="factory", scope="module")
def _factory() -> EmbedFactory:
    return EmbedFactory()


@pytest.mark.parametrize(
    ("season", "today", "said"),
    [
        (SPRING, date(2025, 4, 28), "North · day 1 · 6 days left\n\nNobody has a kill yet."),
        (SPRING, date(2025, 5, 3), "North · day 6 · 1 day left\n\nNobody has a kill yet."),
        (SPRING, date(2025, 5, 4), "North · day 7 · the last day\n\nNobody has a kill yet."),
        # in another zone it is a day earlier, or a day later
        (SPRING, date(2025, 4, 27), "North · day 1 · 6 days left\n\nNobody has a kill yet."),
        (SPRING, date(2025, 5, 5), "North · day 7 · the last day\n\nNobody has a kill yet."),
        (
            replace(SPRING, last_day=None),
            date(2025, 5, 3),
            "North · day 6 · no last day\n\nNobody has a kill yet.",
        ),
        (
            replace(SPRING, state=SeasonState.PLANNED),
            date(2025, 4, 1),
            "North · begins on 28 Apr 2025 · ends on 04 May 2025",
        ),
        (
            replace(SPRING, state=SeasonState.CLOSING),
            date(2025, 5, 5),
            (
                "North · 28 Apr 2025 to 04 May 2025\n\nNobody has a kill yet.\n\n"
                "The season is over. Its results follow within a day."
            ),
        ),
    ],
)
def test_time_of_a_season_is_said_in_days(
    factory: EmbedFactory, season: Season, today: date, said: str
) -> None:
    """The first day is day 1, and the last day has no day left."""
    embed = factory.build_season_info(SeasonReport(season, "North", today))
    assert (embed.title, embed.description) == (r"🏁 Spring\_\*", said)


def test_list_says_the_state_of_each_season(factory: EmbedFactory) -> None:
    """A season without a kill has no winner."""
    states = (SeasonState.PLANNED, SeasonState.RUNNING, SeasonState.CLOSING, SeasonState.CLOSED)
    seasons = [replace(SPRING, state=state, last_day=None) for state in states]
    found = SeasonList(seasons, {}, {ServerId(""): "North"})
    lines = (factory.build_season_list(found, seasons).description or "").split("\n")
    assert lines[1::2] == [
        "-# North · begins on 28 Apr 2025",
        "-# North · running since 28 Apr 2025 · no last day",
        "-# North · 28 Apr 2025 to 28 Apr 2026 · results follow",
        "-# North · 28 Apr 2025 to 28 Apr 2026 · no kills",
    ]
    empty = factory.build_season_list(SeasonList((), {}, {}), ())
    assert empty.description == "There's no season yet. An admin can start one with `/season start`."


def test_post_about_results_has_the_first_of_each_board(factory: EmbedFactory) -> None:
    """Values have their units; an erased player leaves a place open."""
    [embed] = factory.build_feed([NOTICE]).embeds
    assert (embed.description or "").startswith("**Spring\\_\\*** · North\\_\\*\n")
    assert (embed.description or "").endswith("\n`/season results` shows everybody.")
    assert {field.name: field.value for field in embed.fields} == {
        "Kills": "🥇 Wolf\\_\\* · 40 kills\n🥉 Fox · 1 kill",
        "K/D ratio": "🥇 Fox · 2.35 K/D",
        "Longest kill": "🥇 Fox · 393\u00a0m",
        "Claimed bounties": "🥇 Wolf\\_\\* · 1,500 💎",
    }
    [nobody] = factory.build_feed([replace(NOTICE, places=(), game_server="")]).embeds
    assert (nobody.description or "").startswith("**Spring\\_\\***\n")
    assert ((nobody.description or "").split("\n")[-1], nobody.fields) == ("Nobody had a kill.", [])
