"""Answers about weapons, rivals, hours and deaths: whole payloads."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.fakes.deaths import build_death, build_row
from utils.embeds.factory import EmbedFactory
from utils.embeds.theme import NORTHERN
from utils.models.deaths import DeathKind
from utils.models.players import Counters, NamedCount, PlayerStats
from utils.models.scope import GuildId, PlayerId, ServerId
from utils.models.statistics import (
    Activity,
    Comparison,
    Coverage,
    Period,
    RecentDeath,
    Rival,
    Rivals,
    WeaponRow,
    WeaponTable,
)

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
STAMP = int(AT.timestamp())
COVERAGE = Coverage(GuildId(1), (ServerId("a"),), where="North_1", today=AT.date())
ROWS = (
    WeaponRow("AK-SU", 1200, 99, "I_l", 700),
    WeaponRow("land_vehicle", 40, 0, "Bo", 40),
    WeaponRow("$*x*", 10, 5),
)
TABLE = WeaponTable(ROWS, 1250)


@pytest.fixture(name="factory", scope="module")
def _factory() -> EmbedFactory:
    return EmbedFactory()


def build_stats(name: str, **counters: int) -> PlayerStats:
    """Return a player's figures."""
    return PlayerStats(
        player_id=PlayerId(name),
        name=name,
        counters=Counters(**counters),
        current_streak=2,
        top_weapon=NamedCount("boat", 3),
        nemesis=None,
        prey=NamedCount("P_y", 4),
        rank=1,
        ranked=20,
        last_seen_at=AT,
        servers=(ServerId("a"),),
    )


def test_comparison_has_both_players_and_their_score(factory: EmbedFactory) -> None:
    """The embed has the twelve figures of both players, a line each, and the head-to-head below."""
    comparison = Comparison(build_stats("A_a", kills=1234, deaths=2), build_stats("B"), 5, 3)
    embed = factory.build_comparison(comparison, COVERAGE)
    lines = (
        "Kills: **{}**\nDeaths: **{}**\nK/D: **{}**\nSuicides: **0**\nLongest kill: **none yet**\n"
        "Best streak: **0**\nCurrent streak: **2**\nTop weapon: **Boat (3)**\nNemesis: **none yet**\n"
        f"Prey: **P\\_y (4)**\nRank: **#1 of 20**\nLast seen: **<t:{STAMP}:R>**"
    )
    assert embed.to_dict() == {
        "type": "rich",
        "title": "⚔️ A\\_a vs B",
        "description": "North\\_1 · all time",
        "color": NORTHERN.neutral,
        "fields": [
            {"name": "A\\_a", "value": lines.format("1,234", "2", "617.00"), "inline": True},
            {"name": "B", "value": lines.format("0", "0", "0.00"), "inline": True},
            {"name": "Head-to-head", "value": "**5 : 3**\nA\\_a · B", "inline": False},
        ],
    }
    peace = factory.build_comparison(replace(comparison, first_kills=0, second_kills=0), COVERAGE)
    assert "they never killed each other" in peace.fields[2].value


def test_weapons_show_share_longest_and_best_user(factory: EmbedFactory) -> None:
    """Each weapon is a line with small print, without unknown values, with escaped foreign text."""
    embed = factory.build_weapons(ROWS, TABLE, COVERAGE, first=9)
    assert embed.to_dict() == {
        "type": "rich",
        "title": "🔫 Weapons",
        "description": (
            "` 9` **AK-SU** — 1,200 kills (96.0 %)\n-# longest 99 m · best I\\_l (700)\n"
            "`10` **Vehicle** — 40 kills (3.2 %)\n-# best Bo (40)\n"
            "`11` **$\\*x\\*** — 10 kills (0.8 %)\n-# longest 5 m"
        ),
        "color": NORTHERN.neutral,
        "fields": [{"name": "Where", "value": "North\\_1 · all time · 1,250 kills", "inline": False}],
    }
    own = factory.build_weapons((), WeaponTable((), 0), COVERAGE, first=1, name="A_a")
    assert (own.title, own.description) == ("🔫 Weapons of A\\_a", "No kills yet.")


def test_board_of_weapons_has_medals_and_a_posted_one_its_place_in_the_title(factory: EmbedFactory) -> None:
    """Weapons are ranked like players; the title of a posted board has its servers."""
    embed = factory.build_weapon_board(ROWS, TABLE, replace(COVERAGE, period=Period.MONTH), first=3)
    assert embed.to_dict() == {
        "type": "rich",
        "title": "🏆 Deadliest weapons",
        "description": (
            "🥉 **AK-SU** — 1,200 kills (96.0 %)\n"
            "`  4` **Vehicle** — 40 kills (3.2 %)\n"
            "`  5` **$\\*x\\*** — 10 kills (0.8 %)"
        ),
        "color": NORTHERN.ranking,
        "fields": [{"name": "Where", "value": "North\\_1 · last 30 days", "inline": False}],
    }
    posted = factory.build_posted_board(embed, COVERAGE).to_dict()
    assert posted == {
        **embed.to_dict(),
        "title": "🏆 Deadliest weapons · North\\_1",
        "footer": {"text": "Keeps itself up to date"},
    }
    empty = factory.build_weapon_board((), WeaponTable((), 0), COVERAGE, first=1)
    assert empty.description == "Nothing is on this board yet."


def test_rivals_are_written_both_ways(factory: EmbedFactory) -> None:
    """The embed has the killers and the victims of the player, with the numbers of both sides."""
    rivals = Rivals("A_a", (Rival(PlayerId("b"), "B_b", 2, 9),), ())
    assert factory.build_rivals(rivals, COVERAGE).to_dict() == {
        "type": "rich",
        "title": "🩸 Rivals of A\\_a",
        "description": "North\\_1 · all time",
        "color": NORTHERN.neutral,
        "fields": [
            {"name": "Nemesis", "value": "**B\\_b** — killed by 9 times, killed back 2", "inline": False},
            {"name": "Prey", "value": "nobody three times yet", "inline": False},
        ],
    }
    own = factory.build_rivals(Rivals("", (), (Rival(PlayerId("b"), "B", 7, 1),)), COVERAGE)
    assert (own.title, own.fields[1].value) == ("🩸 Your rivals", "**B** — killed 7 times, killed back 1")


def test_activity_counts_what_its_picture_shows(factory: EmbedFactory) -> None:
    """The embed has the sum, the player and the time zone."""
    hours = (3,) + (0,) * 167
    assert factory.build_activity(Activity(hours, "A_a"), COVERAGE).to_dict() == {
        "type": "rich",
        "title": "🕒 Activity of A\\_a",
        "description": "North\\_1 · all time · 3 kills",
        "color": NORTHERN.neutral,
        "footer": {"text": "Kills by weekday and hour, by the game servers' own clocks"},
        "fields": [],
    }
    empty = factory.build_activity(Activity((0,) * 168), COVERAGE)
    assert (empty.title, empty.description) == (
        "🕒 Activity",
        "North\\_1 · all time · no kills yet",
    )


def test_latest_deaths_have_a_line_each(factory: EmbedFactory) -> None:
    """They are the lines of the killfeed with their times; with several servers, the server is named."""
    kill = build_death(build_row("An_n", "Bob"))
    fall = build_death(build_row("Bob", "Bob", kind=DeathKind.FALL, second=1))
    at = int(kill.at.timestamp())
    deaths = [RecentDeath("N_1", fall), RecentDeath("N_1", kill)]
    several = replace(COVERAGE, server_ids=(ServerId("a"), ServerId("b")), where="all 2 servers")
    embed = factory.build_recent(deaths, several)
    lines = (embed.description or "").split("\n")
    assert embed.title == "📜 Latest deaths · all 2 servers"
    assert lines[0].startswith("🪨 **Bob** fell to their death · ")
    assert lines[0].endswith(f" · <t:{at + 1}:R> · N\\_1")
    assert lines[1] == f"🎯 **An\\_n** → **Bob** · Mosin 120 m · <t:{at}:R> · N\\_1"
    one = factory.build_recent(deaths[1:], COVERAGE)
    assert one.description == f"🎯 **An\\_n** → **Bob** · Mosin 120 m · <t:{at}:R>"
    assert factory.build_recent([], COVERAGE).description == "No deaths yet."
