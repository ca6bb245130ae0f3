"""Answers about weapons, rivals, hours and deaths: whole payloads."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_comparison_has_a_row_for_each_figure_with_the_better_one_bold(factory: EmbedFactory) -> None:
    """The head-to-head is on top; fewer deaths are better, and figures of neither player are left out."""
    first = build_stats("A_a", kills=1234, deaths=20, longest=99)
    second = build_stats("B", kills=34, deaths=2, longest=99)
    comparison = Comparison(first, replace(second, rank=None), 5, 3)
    assert factory.build_comparison(comparison, COVERAGE).to_dict() == {
        "type": "rich",
        "title": "⚔️ A\\_a vs B",
        "description": (
            "North\\_1 · All time\n**5** Head-to-head 3\n\n"
            "**1,234** Kills 34\n20 Deaths **2**\n**61.70** K/D 17.00\n99\u00a0m Longest kill 99\u00a0m\n"
            "2 Streak now 2\n**#1** Rank —"
        ),
        "color": NORTHERN.neutral,
        "fields": [],
    }
    peace = factory.build_comparison(replace(comparison, first_kills=0, second_kills=0), COVERAGE)
    assert "No kills between them yet" in (peace.description or "")


@given(first=st.integers(0, 9), second=st.integers(0, 9))
def test_better_figure_alone_is_bold(first: int, second: int) -> None:
    """Equal figures are both plain, and zeros of both are left out."""
    embed = EmbedFactory().build_comparison(
        Comparison(build_stats("A", kills=first), build_stats("B", kills=second), 0, 0), COVERAGE
    )
    rows = [line for line in (embed.description or "").split("\n") if " Kills " in line]
    shown = (f"**{first}**", second) if first > second else (first, f"**{second}**")
    if first == second:
        shown = (first, second)
    assert rows == ([f"{shown[0]} Kills {shown[1]}"] if first or second else [])


def test_weapons_are_the_frame_of_their_picture(factory: EmbedFactory) -> None:
    """The embed says whose they are, where, and how many kills; the picture shows the rest."""
    embed = factory.build_weapons(TABLE, COVERAGE)
    assert (embed.title, embed.description) == ("🔫 Weapons", "North\\_1 · All time · 1,250 kills")
    own = factory.build_weapons(WeaponTable((), 0), COVERAGE, name="A_a")
    assert own.title == "🔫 Weapons of A\\_a"
    assert own.description == "North\\_1 · All time · no kills yet"


def test_board_of_weapons_has_medals_and_a_posted_one_its_place_in_the_title(factory: EmbedFactory) -> None:
    """Weapons are ranked like players; a posted board has its servers in the title, and its time."""
    embed = factory.build_weapon_board(ROWS, TABLE, replace(COVERAGE, period=Period.MONTH), first=3)
    assert embed.to_dict() == {
        "type": "rich",
        "title": "🏆 Deadliest weapons",
        "description": (
            "North\\_1 · Last 30 days\n\n"
            "🥉 **AK-SU** — 1,200 kills (96.0 %)\n"
            "`#4` **Vehicle** — 40 kills (3.2 %)\n"
            "`#5` **$\\*x\\*** — 10 kills (0.8 %)"
        ),
        "color": NORTHERN.ranking,
        "fields": [],
    }
    posted = factory.build_posted_board(embed, COVERAGE, at=AT).to_dict()
    _, *rows = (embed.description or "").split("\n")
    assert posted == {
        **embed.to_dict(),
        "description": "\n".join(["All time", *rows]),
        "title": "🏆 Deadliest weapons · North\\_1",
        "timestamp": AT.isoformat(),
        "footer": {"text": "Updates itself · last change"},
    }
    empty = factory.build_weapon_board((), WeaponTable((), 0), COVERAGE, first=1)
    assert (empty.description or "").endswith("\n\nThis board is still empty.")


def test_rivals_are_scores(factory: EmbedFactory) -> None:
    """The rival's kills come first in both lists; an empty list has a sentence."""
    rivals = Rivals("A_a", (Rival(PlayerId("b"), "B_b", 2, 9),), ())
    both = factory.build_rivals(replace(rivals, prey=(Rival(PlayerId("c"), "C", 8, 1),)), COVERAGE)
    assert [field.value for field in both.fields] == ["**B\\_b** — 9 : 2", "**C** — 1 : 8"]
    assert factory.build_rivals(rivals, COVERAGE).to_dict() == {
        "type": "rich",
        "title": "🩸 Rivals of A\\_a",
        "description": "North\\_1 · All time",
        "color": NORTHERN.neutral,
        "footer": {"text": "The rival's kills come first, then the player's."},
        "fields": [
            {"name": "Nemesis", "value": "**B\\_b** — 9 : 2", "inline": False},
            {"name": "Prey", "value": "They haven't killed anyone three times yet.", "inline": False},
        ],
    }
    own = factory.build_rivals(Rivals("", (), (Rival(PlayerId("b"), "B", 7, 1),)), COVERAGE)
    assert (own.title, own.fields[1].value) == ("🩸 Your rivals", "**B** — 1 : 7")
    assert own.fields[0].value == "No one has killed you three times yet."


def test_activity_counts_what_its_picture_shows(factory: EmbedFactory) -> None:
    """The embed has the sum, the player and the time zone."""
    hours = (3,) + (0,) * 167
    assert factory.build_activity(Activity(hours, "A_a"), COVERAGE).to_dict() == {
        "type": "rich",
        "title": "🕒 Activity of A\\_a",
        "description": "North\\_1 · All time · 3 kills",
        "color": NORTHERN.neutral,
        "footer": {"text": "By the game servers' own clocks"},
        "fields": [],
    }
    empty = factory.build_activity(Activity((0,) * 168), COVERAGE)
    assert (empty.title, empty.description) == (
        "🕒 Activity",
        "North\\_1 · All time · no kills yet",
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
    assert embed.title == "📰 Latest deaths · all 2 servers"
    assert lines[0].startswith("🪨 **Bob** fell to their death · ")
    assert lines[0].endswith(f" · <t:{at + 1}:R> · N\\_1")
    assert lines[1] == f"🎯 **An\\_n** → **Bob** · Mosin 120\u00a0m · <t:{at}:R> · N\\_1"
    one = factory.build_recent(deaths[1:], COVERAGE)
    assert one.description == f"🎯 **An\\_n** → **Bob** · Mosin 120\u00a0m · <t:{at}:R>"
    assert factory.build_recent([], COVERAGE).description == "No deaths yet."
