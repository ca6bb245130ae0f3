"""The killfeed: compact, repeatable, themed, and safe with any name."""

from dataclasses import replace
from datetime import UTC, datetime

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.embeds.factory import EmbedFactory
from utils.embeds.limits import MAX_CHARACTERS, count_characters
from utils.embeds.notices.deaths import DEATH_LOOK
from utils.localization.pools import ENGLISH_POOLS, choose_text
from utils.models.deaths import DeathKind
from utils.models.notices.deaths import DeathNotice

AT = datetime(2026, 5, 1, 12, 30, 15, tzinfo=UTC)
STAMP = int(AT.timestamp())
NOTICE = DeathNotice(
    event_id=b"\x01\x02",
    kind=DeathKind.KILL,
    server_name="North *EU* 1",
    killer_name="Hollow_Amtumn_",
    victim_name="@everyone",
    weapon="AK-SU",
    distance=1234,
    at=AT,
    killer_kills=12,
    killer_deaths=5,
    killer_streak=3,
)

_FACTORY = EmbedFactory()


@pytest.fixture(name="factory", scope="module")
def _factory() -> EmbedFactory:
    return _FACTORY


def _list_lines(embed: discord.Embed) -> list[str]:
    return (embed.description or "").split("\n")


def test_kill_shows_all_facts_in_three_lines(factory: EmbedFactory) -> None:
    """Names, weapon, distance, K/D, streak, server and time are escaped and grouped, without fields."""
    embed = factory.build_feed_embed(NOTICE)
    story, facts, place = _list_lines(embed)
    assert r"**Hollow\_Amtumn\_**" in story
    assert "**@\u200beveryone**" in story
    assert facts == "AK-SU · 1,234 m · K/D 2.40 · Streak 3"
    assert place == rf"North \*EU\* 1 · <t:{STAMP}:t> · <t:{STAMP}:R>"
    assert embed.title is not None
    assert embed.title.removeprefix("🎯 ") in ENGLISH_POOLS["death.kill"].titles
    assert (embed.fields, embed.to_dict()["thumbnail"]) == ([], {"url": "attachment://kill.png"})


@pytest.mark.parametrize(
    ("notice", "facts"),
    [
        (replace(NOTICE, kind=DeathKind.VEHICLE, weapon="land_vehicle", distance=1), "Vehicle · 1 m"),
        (replace(NOTICE, kind=DeathKind.VEHICLE, weapon="boat", distance=1), "Boat · 1 m"),
        (replace(NOTICE, kind=DeathKind.MENU, weapon="suicide_by_relocation"), "Menu suicide"),
        (replace(NOTICE, kind=DeathKind.FALL, weapon="falling"), "Fall"),
        (replace(NOTICE, kind=DeathKind.SELF, weapon="F-10"), "Self-kill · F-10"),
        (replace(NOTICE, kind=DeathKind.SELF, weapon=""), "Self-kill"),
        (replace(NOTICE, kind=DeathKind.UNKNOWN, weapon="", killer_name=""), "No known killer"),
    ],
)
def test_each_class_tells_its_own_facts(factory: EmbedFactory, notice: DeathNotice, facts: str) -> None:
    """A vehicle kill keeps the killer's figures; a death without a killer shows only its cause."""
    shown = _list_lines(factory.build_feed_embed(notice))
    assert len(shown) == 3
    assert shown[1] == (f"{facts} · K/D 2.40 · Streak 3" if notice.kind.is_kill else facts)


def test_kill_without_figures_leaves_them_out(factory: EmbedFactory) -> None:
    """Unknown figures are not invented, and an empty weapon leaves no gap."""
    bare = replace(NOTICE, weapon="", killer_kills=None, killer_deaths=None, killer_streak=None)
    assert _list_lines(factory.build_feed_embed(bare))[1] == "1,234 m"


@pytest.mark.parametrize("kind", DeathKind)
def test_pools_are_large_and_name_the_victim(kind: DeathKind) -> None:
    """Each kind of death has at least ten different titles and lines; kills name both players."""
    pool = ENGLISH_POOLS[f"death.{kind}"]
    titles, lines = pool.titles, pool.lines
    assert min(len(set(titles)), len(set(lines))) >= 10
    assert (len(set(titles)), len(set(lines))) == (len(titles), len(lines))
    assert all("{victim}" in line and ("{killer}" in line) == kind.is_kill for line in lines)


def test_texts_follow_from_the_event(factory: EmbedFactory) -> None:
    """Equal facts look equal at every try and after every restart, and all texts are used."""
    assert (
        factory.build_feed_embed(NOTICE).to_dict()
        == EmbedFactory().build_feed_embed(replace(NOTICE)).to_dict()
    )
    pool = ENGLISH_POOLS["death.kill"].lines
    chosen = {choose_text(pool, number.to_bytes(12), part="line") for number in range(400)}
    assert chosen == set(pool)


def test_choice_is_pinned() -> None:
    """The choice depends on stored data, so a message that was prepared before an update stays equal."""
    chosen = "".join(choose_text("abcdefghij", bytes([number]), part="line") for number in range(8))
    assert chosen == "gahicfbh"


def test_message_carries_each_picture_once(factory: EmbedFactory) -> None:
    """Ten embeds of two kinds share two files."""
    notices = [replace(NOTICE, kind=kind) for kind in (DeathKind.KILL, DeathKind.FALL) for _ in range(5)]
    post = factory.build_feed(notices)
    assert [picture.name for picture in post.pictures] == ["kill.png", "fall.png"]
    assert len(post.embeds) == 10


@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=400), st.sampled_from(DeathKind))
def test_any_text_gives_three_lines_and_ten_fit(server: str, name: str, weapon: str, kind: DeathKind) -> None:
    """No name breaks the layout, and a full message of the longest names is within Discord's limit."""
    notice = replace(
        NOTICE, kind=kind, server_name=server, killer_name=name, victim_name=name, weapon=weapon or "x"
    )
    embed = _FACTORY.build_feed_embed(notice)
    assert len(_list_lines(embed)) == 3
    assert count_characters(embed) * 10 <= MAX_CHARACTERS
    assert embed.colour == discord.Colour(DEATH_LOOK.variants[kind].colour)
