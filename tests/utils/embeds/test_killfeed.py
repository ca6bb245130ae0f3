"""The killfeed: lines and flat cards, repeatable, themed, and safe with any name."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.game_host.arsenal import CAUSES
from utils.embeds.factory import EmbedFactory
from utils.embeds.limits import MAX_CHARACTERS, MAX_DESCRIPTION, count_characters
from utils.embeds.notices.deaths import DEATH_LOOK, HIGHLIGHTS
from utils.embeds.notices.weapons import WeaponClass, classify_weapon
from utils.localization.pools import ENGLISH_POOLS, choose_text
from utils.models.deaths import DeathKind
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.highlights import Highlight, HighlightKind
from utils.models.post_styles import PostShape, PostStyle

AT = datetime(2026, 5, 1, 12, 30, 15, tzinfo=UTC)
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
RECORD = Highlight(HighlightKind.RECORD, 720, 412)
STREAK = Highlight(HighlightKind.STREAK, 10)
CARD, CARD_WITH_SERVER = PostShape(PostStyle.CARD), PostShape(PostStyle.CARD, names_servers=True)
LINE, LINE_WITH_SERVER = PostShape(PostStyle.LINE), PostShape(PostStyle.LINE, names_servers=True)
SHAPES = [PostShape(style, names_servers=named) for style in PostStyle for named in (False, True)]
VICTIM = "**@\u200beveryone**"
NAMES = rf"**Hollow\_Amtumn\_** → {VICTIM}"
LONG = "😀_" * 200
"""A name of characters that are escaped or count twice."""

_FACTORY = EmbedFactory()


def build(notice: DeathNotice, shape: PostShape) -> discord.Embed:
    """Return the one embed of a notice."""
    [embed] = _FACTORY.build_feed([notice], shape).embeds
    return embed


def list_lines(notices: Sequence[DeathNotice], shape: PostShape = LINE) -> list[str]:
    """Return the lines of notices that are not cards."""
    embeds = _FACTORY.build_feed(notices, shape).embeds
    assert all(embed.title is None for embed in embeds)
    return [line for embed in embeds for line in (embed.description or "").split("\n")]


def read_footer(embed: discord.Embed) -> tuple[str | None, str | None]:
    """Return the small print of a card, and its picture."""
    return (embed.footer.text, embed.footer.icon_url) if embed.footer else (None, None)


def test_tag_of_a_faction_stands_before_the_name() -> None:
    """Cards and lines have it; it is part of the name, and escaped like one."""
    tagged = replace(NOTICE, killer_tag="WLF", victim_tag="A1")
    named = "**[WLF] Hollow\\_Amtumn\\_**"
    card, [line] = build(tagged, CARD).description or "", list_lines([tagged])
    for text in (card.replace("\\[", "[").replace("\\]", "]"), line.replace("\\[", "[").replace("\\]", "]")):
        assert named in text
        assert "**[A1] @\u200beveryone**" in text


def test_card_is_a_title_a_sentence_and_a_row_of_facts() -> None:
    """Nothing is said twice, and Discord shows the time itself."""
    embed = build(NOTICE, CARD)
    assert r"**Hollow\_Amtumn\_**" in (embed.description or "")
    assert "**@\u200beveryone**" in (embed.description or "")
    assert "\n" not in (embed.description or "")
    assert read_footer(embed) == ("AK-SU · 1,234\u00a0m · K/D 2.40 · Streak 3", "attachment://rifle.png")
    assert (embed.title or "").removeprefix("🎯 ") in ENGLISH_POOLS["death.rifle"].titles
    assert (embed.fields, "thumbnail" in embed.to_dict(), "timestamp" in embed.to_dict()) == (
        [],
        False,
        False,
    )


def test_server_is_named_only_where_a_channel_shows_several() -> None:
    """It ends the row of facts; in small print nothing is markup."""
    assert read_footer(build(NOTICE, CARD_WITH_SERVER))[0] == (
        "AK-SU · 1,234\u00a0m · K/D 2.40 · Streak 3 · North *EU* 1"
    )
    [line] = list_lines([NOTICE], LINE_WITH_SERVER)
    assert line == f"🎯 {NAMES} · AK-SU 1,234\u00a0m · North \\*EU\\* 1"


@pytest.mark.parametrize(
    ("notice", "facts"),
    [
        (replace(NOTICE, killer_streak=2), "AK-SU · 1,234\u00a0m · K/D 2.40"),
        (replace(NOTICE, distance=0), "AK-SU · K/D 2.40 · Streak 3"),
        (replace(NOTICE, weapon="", killer_kills=None, killer_streak=None), "1,234\u00a0m"),
        (
            replace(NOTICE, kind=DeathKind.VEHICLE, weapon="land_vehicle", distance=1),
            "Vehicle · K/D 2.40 · Streak 3",
        ),
        (replace(NOTICE, kind=DeathKind.VEHICLE, weapon="boat", distance=1), "Boat · K/D 2.40 · Streak 3"),
    ],
)
def test_row_of_facts_holds_what_is_known_and_means_something(notice: DeathNotice, facts: str) -> None:
    """A streak begins with three kills; neither a vehicle nor a blade has a distance."""
    assert read_footer(build(notice, CARD))[0] == facts


@pytest.mark.parametrize(
    ("kind", "weapon", "facts", "picture"),
    [
        (DeathKind.FALL, "falling", None, "fall.png"),
        (DeathKind.SELF, "F-10", "F-10", "self.png"),
        (DeathKind.SELF, "", None, "self.png"),
        (DeathKind.UNKNOWN, "", None, "unknown.png"),
    ],
)
def test_card_without_a_killer_does_not_repeat_its_sentence(
    kind: DeathKind, weapon: str, facts: str | None, picture: str
) -> None:
    """Without a row of facts the picture is a large one."""
    bare = replace(NOTICE, kind=kind, weapon=weapon, distance=0, killer_kills=None, killer_streak=None)
    embed = build(bare, CARD)
    address = f"attachment://{picture}"
    thumbnail = embed.to_dict().get("thumbnail", {}).get("url")
    assert read_footer(embed) == (facts, address if facts else None)
    assert thumbnail == (None if facts else address)


@pytest.mark.parametrize(
    ("notice", "line"),
    [
        (NOTICE, f"🎯 {NAMES} · AK-SU 1,234\u00a0m"),
        (replace(NOTICE, weapon="Fire Axe", distance=0), f"🎯 {NAMES} · Fire Axe"),
        (replace(NOTICE, weapon="", distance=0), f"🎯 {NAMES}"),
        (replace(NOTICE, kind=DeathKind.VEHICLE, weapon="boat", distance=1), f"🚙 {NAMES} · Boat"),
        (replace(NOTICE, kind=DeathKind.FALL), "🪨 **@\u200beveryone** fell to their death"),
        (
            replace(NOTICE, kind=DeathKind.SELF, weapon="F-10"),
            "💥 **@\u200beveryone** was killed by their own F-10",
        ),
        (replace(NOTICE, kind=DeathKind.SELF, weapon=""), "💥 **@\u200beveryone** died in an accident"),
        (replace(NOTICE, kind=DeathKind.UNKNOWN, weapon=""), "🐺 **@\u200beveryone** died in the wild"),
        (replace(NOTICE, kind=DeathKind.MENU), "🔄 **@\u200beveryone** respawned"),
        (replace(NOTICE, highlights=(RECORD, STREAK)), f"🏔️ {NAMES} · AK-SU 1,234\u00a0m"),
    ],
)
def test_line_tells_who_whom_with_what_and_how_far(notice: DeathNotice, line: str) -> None:
    """Each class has its own sentence; a highlight gives its line its mark."""
    assert list_lines([notice]) == [line]


def test_styles_differ_in_what_is_a_line() -> None:
    """A story tells highlights in cards; a respawn is a line everywhere."""
    special, respawn = replace(NOTICE, highlights=(STREAK,)), replace(NOTICE, kind=DeathKind.MENU)
    notices = [NOTICE, respawn, special, special, NOTICE]

    def show(style: PostStyle) -> list[int]:
        """Return the lines of each embed, 0 for a card."""
        embeds = _FACTORY.build_feed(notices, PostShape(style)).embeds
        return [0 if embed.title else len((embed.description or "").split("\n")) for embed in embeds]

    assert show(PostStyle.STORY) == [2, 0, 0, 1]
    assert show(PostStyle.LINE) == [5]
    assert show(PostStyle.CARD) == [0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("highlight", "shown"),
    [
        (RECORD, "720\u00a0m"),
        (Highlight(HighlightKind.MILESTONE, 1000), "1,000"),
        (Highlight(HighlightKind.BOUNTY, 1500), "1,500 💎"),
        (Highlight(HighlightKind.MULTIKILL, 4), "4"),
        (Highlight(HighlightKind.STREAK_ENDED, 11), "11"),
        (STREAK, "10"),
        (Highlight(HighlightKind.REVENGE), ""),
        (Highlight(HighlightKind.FIRST_BLOOD), ""),
    ],
)
def test_highlight_is_the_title_of_its_card(highlight: Highlight, shown: str) -> None:
    """The title has its mark and its number, and the edge its colour."""
    for number in range(20):
        notice = replace(NOTICE, event_id=bytes([number]), highlights=(highlight,))
        embed, look = build(notice, PostShape()), HIGHLIGHTS[highlight.kind]
        titles = [one.format(value=shown) for one in ENGLISH_POOLS[look.pool].titles]
        assert (embed.title or "").removeprefix(f"{look.mark} ") in titles
        assert embed.colour == discord.Colour(look.colour)
        assert read_footer(embed)[1] == "attachment://rifle.png"


def test_card_shows_two_highlights_and_the_old_record_and_repeats_nothing() -> None:
    """The second highlight follows the sentence; what a title says is not among the facts again."""
    third = Highlight(HighlightKind.FIRST_BLOOD)
    embed = build(replace(NOTICE, distance=720, highlights=(RECORD, STREAK, third)), PostShape())
    _, more = (embed.description or "").split("\n")
    assert (embed.title or "").startswith("🏔️ ")
    assert more.startswith("🔥 ")
    assert more.endswith(" · Old record: 412\u00a0m")
    assert more.count(" · ") == 1
    assert read_footer(embed)[0] == "AK-SU · K/D 2.40"


def test_first_record_has_no_old_one() -> None:
    """Without a record before there is nothing to tell of it."""
    embed = build(replace(NOTICE, highlights=(replace(RECORD, before=0),)), PostShape())
    assert "\n" not in (embed.description or "")


def test_every_weapon_of_the_logs_has_a_class_but_one() -> None:
    """The picture follows from the name, however it is written; an unknown name has the general one."""
    names = {cause.weapon for cause in CAUSES if cause.kind in (DeathKind.KILL, DeathKind.SELF)}
    assert {name for name in names if classify_weapon(name) is None} == {"N4"}
    assert {classify_weapon(name) for name in names} == {None, *WeaponClass}
    assert classify_weapon("TTK") is classify_weapon("TTk") is WeaponClass.PISTOL
    assert read_footer(build(replace(NOTICE, weapon="Railgun"), CARD))[1] == "attachment://kill.png"


@pytest.mark.parametrize("name", [name for name in ENGLISH_POOLS if name.startswith("death.")])
def test_pools_of_deaths_name_the_players(name: str) -> None:
    """Each line names the victim, and of a kill both players, each once."""
    is_kill = name.removeprefix("death.") not in (DeathKind.FALL, DeathKind.SELF, DeathKind.UNKNOWN)
    for line in ENGLISH_POOLS[name].lines:
        assert (line.count("{victim}"), line.count("{killer}")) == (1, is_kill), line


def test_texts_follow_from_the_event() -> None:
    """Equal facts look equal at every try and after every restart, and all texts are used."""
    for shape in SHAPES:
        first, second = (one.build_feed([replace(NOTICE)], shape) for one in (_FACTORY, EmbedFactory()))
        assert [one.to_dict() for one in first.embeds] == [one.to_dict() for one in second.embeds]
    pool = ENGLISH_POOLS["death.kill"].lines
    chosen = {choose_text(pool, number.to_bytes(12), part="line") for number in range(400)}
    assert chosen == set(pool)


def test_choice_is_pinned() -> None:
    """The choice depends on stored data, so a message that was prepared before an update stays equal."""
    chosen = "".join(choose_text("abcdefghij", bytes([number]), part="line") for number in range(8))
    assert chosen == "gahicfbh"


def test_message_carries_the_pictures_of_its_cards_once() -> None:
    """Ten cards of two kinds share two files; lines have none."""
    notices = [replace(NOTICE, kind=kind) for kind in (DeathKind.KILL, DeathKind.FALL) for _ in range(5)]
    post = _FACTORY.build_feed(notices, CARD)
    assert [picture.name for picture in post.pictures] == ["rifle.png", "fall.png"]
    assert len(post.embeds) == 10
    assert _FACTORY.build_feed(notices, LINE).pictures == ()


def test_lines_beyond_the_limit_of_an_embed_go_on_in_the_next() -> None:
    """Ten lines of the longest names keep both limits of Discord, and none is cut."""
    longest = replace(
        NOTICE, **dict.fromkeys(("server_name", "killer_name", "victim_name", "weapon"), LONG), distance=999
    )
    post = _FACTORY.build_feed([longest] * 10, LINE_WITH_SERVER)
    [line] = list_lines([longest], LINE_WITH_SERVER)
    assert list_lines([longest] * 10, LINE_WITH_SERVER) == [line] * 10
    assert all(count_characters(embed) <= MAX_DESCRIPTION for embed in post.embeds)
    assert sum(map(count_characters, post.embeds)) <= MAX_CHARACTERS


@given(
    st.text(max_size=400),
    st.text(max_size=400),
    st.text(max_size=400),
    st.sampled_from(DeathKind),
    st.sampled_from(SHAPES),
    st.lists(st.sampled_from([RECORD, STREAK]), max_size=2, unique=True),
)
def test_no_text_breaks_the_layout(
    server: str, name: str, weapon: str, kind: DeathKind, shape: PostShape, highlights: list[Highlight]
) -> None:
    """A line stays one line, a card has one or two rows of text, and ten fit in a message."""
    notice = replace(NOTICE, kind=kind, server_name=server, killer_name=name, victim_name=name, weapon=weapon)
    embed = build(replace(notice, highlights=tuple(highlights)), shape)
    rows = len((embed.description or "").split("\n"))
    if embed.title is None:
        assert rows == 1
    else:
        assert rows <= 1 + bool(highlights)
        edge = HIGHLIGHTS[highlights[0].kind] if highlights else DEATH_LOOK.find(notice)
        assert embed.colour == discord.Colour(edge.colour)
    assert count_characters(embed) * 10 <= MAX_CHARACTERS


@pytest.mark.parametrize("name", ["مرحبا بالعالم", "\u202ereversed", "שלום"])
def test_names_from_right_to_left_do_not_turn_their_line_round(name: str) -> None:
    """Killer, arrow and victim keep their order, and no character that reorders is left."""
    [line] = list_lines([replace(NOTICE, killer_name=name)])
    assert line.index("**") < line.index(" → ") < line.index("everyone")
    assert "\u202e" not in line
