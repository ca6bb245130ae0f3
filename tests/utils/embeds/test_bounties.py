"""Bounties and wallets: posts with a look of their own, repeatable, and safe with any name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.embeds.factory import EmbedFactory
from utils.embeds.limits import MAX_CHARACTERS, count_characters
from utils.embeds.notices.bounties import BOUNTY_LOOK
from utils.localization.pools import ENGLISH_POOLS
from utils.models.deaths import DeathKind
from utils.models.money import Bounty, BountySettings, BountyState, Change, LedgerKind, LedgerRow, Wallet
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.notice import Notice
from utils.models.post_styles import PostShape, PostStyle
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope

AT = datetime(2026, 5, 1, 12, 30, 15, tzinfo=UTC)
END = AT + timedelta(hours=24)
STAMP, END_STAMP = int(AT.timestamp()), int(END.timestamp())
SCOPE = ServerScope(GuildId(1), ServerId("k3v9x0aa"))
PLAYER_ID = PlayerId("0002" + "ab" * 14)
BOUNTY = Bounty(SCOPE, "b1", PLAYER_ID, "Night_Owl", 1500, MemberId(42), AT, END)
FRAME: dict[str, Any] = {"server_name": "North *EU*", "target_name": "Night_Owl", "at": AT}
NOTICES = {
    BountyEvent.PLACED: BountyNotice(
        **FRAME, event_id=b"1", event=BountyEvent.PLACED, amount=1500, placer_id=MemberId(42), ends_at=END
    ),
    BountyEvent.AUTO: BountyNotice(
        **FRAME, event_id=b"2", event=BountyEvent.AUTO, amount=2000, ends_at=END, kills=7
    ),
    BountyEvent.CLAIMED: BountyNotice(
        **FRAME,
        event_id=b"3",
        event=BountyEvent.CLAIMED,
        amount=12_500,
        count=3,
        claimer_id=MemberId(77),
        claimer_name="@everyone",
    ),
    BountyEvent.EXPIRED: BountyNotice(
        **FRAME, event_id=b"4", event=BountyEvent.EXPIRED, amount=1500, placer_id=MemberId(42)
    ),
}
FACTS = {
    BountyEvent.PLACED: f"Ends <t:{END_STAMP}:R>",
    BountyEvent.AUTO: f"7 kills without dying · Ends <t:{END_STAMP}:R>",
    BountyEvent.CLAIMED: "Paid to <@77> · 3 bounties at once",
    BountyEvent.EXPIRED: "Paid back in full",
}

_FACTORY = EmbedFactory()


def build(notice: Notice) -> discord.Embed:
    """Return the embed of a post in a channel that shows several servers."""
    [embed] = _FACTORY.build_feed([notice], PostShape(names_servers=True)).embeds
    return embed


def read(embed: discord.Embed) -> tuple[str, dict[str, str]]:
    """Return an embed's description and its fields."""
    return embed.description or "", {field.name: field.value for field in embed.fields}


@pytest.mark.parametrize("event", BountyEvent)
def test_post_tells_its_facts_in_two_lines(event: BountyEvent) -> None:
    """The post has target, amount, placer or claimer, and end, with a colour and a picture of its own."""
    embed = build(NOTICES[event])
    story, facts = (embed.description or "").split("\n")
    look = BOUNTY_LOOK.variants[event]
    assert r"**Night\_Owl**" in story
    assert f"**{NOTICES[event].amount:,} 💎**" in story
    assert facts == FACTS[event]
    assert (embed.title or "").removeprefix(f"{look.mark} ") in ENGLISH_POOLS[f"bounty.{event}"].titles
    assert embed.colour == discord.Colour(look.colour)
    picture = f"attachment://bounty_{event.value}.png"
    assert embed.to_dict()["footer"] == {"text": "North *EU*", "icon_url": picture}


def test_server_is_left_out_where_a_channel_shows_one() -> None:
    """A bounty is a card in every style; without small print its picture is a large one."""
    [embed] = _FACTORY.build_feed([NOTICES[BountyEvent.AUTO]], PostShape(PostStyle.LINE)).embeds
    assert "footer" not in embed.to_dict()
    assert embed.to_dict()["thumbnail"] == {"url": "attachment://bounty_auto.png"}


def test_claim_names_the_hunter_and_pings_nobody() -> None:
    """The name is shown unchanged and does not ping."""
    story = (build(NOTICES[BountyEvent.CLAIMED]).description or "").split("\n")[0]
    assert "**@\u200beveryone**" in story


def test_placer_is_a_member_or_the_house() -> None:
    """Discord shows a member's name; a bounty without a placer is the house's."""
    placed = build(NOTICES[BountyEvent.PLACED]).description or ""
    auto = build(NOTICES[BountyEvent.AUTO]).description or ""
    lost = replace(NOTICES[BountyEvent.EXPIRED], placer_id=None)
    assert "<@42>" in placed
    assert "the house" in auto.lower()
    assert "The house keeps its money" in (build(lost).description or "")


@pytest.mark.parametrize("event", BountyEvent)
def test_pools_are_large_and_complete(event: BountyEvent) -> None:
    """Each has at least ten different titles and lines; every line names target and amount."""
    pool = ENGLISH_POOLS[f"bounty.{event}"]
    titles, lines = pool.titles, pool.lines
    assert min(len(set(titles)), len(set(lines))) >= 10
    assert (len(set(titles)), len(set(lines))) == (len(titles), len(lines))
    assert all("{target}" in line and "{amount}" in line for line in lines)
    assert all(("{by}" in line) is (event in (BountyEvent.PLACED, BountyEvent.CLAIMED)) for line in lines)


def test_texts_follow_from_the_event() -> None:
    """Equal facts look equal at every try; a message has several events, with each picture once."""
    notices = list(NOTICES.values())
    first, second = _FACTORY.build_feed(notices), EmbedFactory().build_feed([replace(one) for one in notices])
    assert [one.to_dict() for one in first.embeds] == [one.to_dict() for one in second.embeds]
    assert [picture.name for picture in _FACTORY.build_feed(notices * 2).pictures] == [
        f"bounty_{event.value}.png" for event in BountyEvent
    ]


def test_death_and_bounty_have_their_own_looks() -> None:
    """The same method builds both."""
    death = DeathNotice(
        event_id=b"1",
        kind=DeathKind.FALL,
        server_name="North",
        killer_name="",
        victim_name="Ann",
        weapon="falling",
        distance=0,
        at=AT,
    )
    post = _FACTORY.build_feed([death, NOTICES[BountyEvent.AUTO]], PostShape(PostStyle.CARD))
    assert [picture.name for picture in post.pictures] == ["fall.png", "bounty_auto.png"]


@given(st.text(max_size=400), st.text(max_size=400), st.sampled_from(BountyEvent))
def test_any_text_gives_two_lines_and_ten_fit(server: str, name: str, event: BountyEvent) -> None:
    """No name breaks the layout, and a full message is within Discord's limit."""
    names = {"server_name": server, "target_name": name, "claimer_name": name}
    embed = build(replace(NOTICES[event], amount=50_000, **names))  # type: ignore[arg-type]
    assert len((embed.description or "").split("\n")) == 2
    assert count_characters(embed) * 10 <= MAX_CHARACTERS


def test_placed_and_cancelled_answers_tell_the_money() -> None:
    """The answers name the held and the refunded money."""
    text, _ = read(_FACTORY.build_placed(BOUNTY, server_name="North"))
    assert text == (
        r"**1,500 💎 on Night\_Owl's head** (North). The first linked player to kill them gets it. "
        f"It ends <t:{END_STAMP}:R>."
    )
    text, _ = read(_FACTORY.build_cancelled(BOUNTY, refund=1350))
    assert text == r"You got 1,350 💎 back for **Night\_Owl**. Cancelling cost 150 💎."


def test_list_names_servers_only_when_there_are_several() -> None:
    """The server is below the title. Rows are numbered over the pages; ids are never shown."""
    rows = [BOUNTY, replace(BOUNTY, placer_id=None, player_name="Fox", amount=900)]
    names = {SCOPE.server_id: "North"}
    text, fields = read(_FACTORY.build_bounty_list(rows, first=11, where="North", server_names=names))
    assert text.split("\n") == [
        "North",
        r"` 11` **Night\_Owl** — 1,500 💎",
        f"-# by <@42> · ends <t:{END_STAMP}:R>",
        "` 12` **Fox** — 900 💎",
        f"-# by the house · ends <t:{END_STAMP}:R>",
    ]
    assert fields == {}
    several = {**names, ServerId("south"): "South"}
    text, _ = read(_FACTORY.build_bounty_list(rows, first=1, where="all 2 servers", server_names=several))
    assert text.split("\n")[2].startswith("-# North · by <@42>")
    text, _ = read(_FACTORY.build_bounty_list([], first=1, where="North", server_names=names))
    assert "/bounty place" in text


def test_own_list_tells_what_became_of_each() -> None:
    """Open bounties show their end, ended ones their result."""
    ends = {
        BountyState.OPEN: f"ends <t:{END_STAMP}:R>",
        BountyState.CLAIMED: f"claimed by Fox <t:{STAMP}:R>",
        BountyState.EXPIRED: "no one claimed it, paid back",
        BountyState.CANCELLED: "cancelled",
        BountyState.WITHDRAWN: "server removed, paid back",
    }
    placed = [replace(BOUNTY, state=one, closed_at=AT, claimer_name="Fox") for one in ends]
    text, _ = read(_FACTORY.build_own_bounties(placed, placed[1:2], own_kills={}))
    assert text.split("\n") == [
        "**Placed**",
        *(rf"**Night\_Owl** — 1,500 💎 · {end}" for end in ends.values()),
        "",
        "**Claimed**",
        rf"**Night\_Owl** — 1,500 💎 · <t:{STAMP}:R>",
    ]
    assert "/bounty list" in read(_FACTORY.build_own_bounties([], [], own_kills={}))[0]


def test_own_list_says_why_an_own_kill_paid_nothing() -> None:
    """The line stands below the bounty, and below no other."""
    placed = [replace(BOUNTY, bounty_id="other"), BOUNTY]
    text, _ = read(_FACTORY.build_own_bounties(placed, [], own_kills={BOUNTY.bounty_id: AT}))
    lines = text.split("\n")
    assert len(lines) == 4
    assert lines[3].startswith("-# You killed them yourself")
    assert f"<t:{STAMP}:f>" in lines[3]


def test_wallet_tells_every_kind_of_row() -> None:
    """A row has the signed amount, the reason and the time; an admin's reason is escaped."""
    expected = {
        LedgerKind.KILL: r"`+22` kill of N\_1",
        LedgerKind.BOUNTY_PLACED: r"`-1,500` bounty on N\_1",
        LedgerKind.BOUNTY_CLAIMED: r"`+22` claimed the bounty on N\_1",
        LedgerKind.BOUNTY_EXPIRED: r"`+22` paid back: no one claimed the bounty on N\_1",
        LedgerKind.BOUNTY_CANCELLED: r"`+22` cancelled the bounty on N\_1",
        LedgerKind.BOUNTY_WITHDRAWN: r"`+22` paid back: bounty on N\_1, server removed",
        LedgerKind.ADMIN: r"`+22` by an admin: N\_1",
    }
    rows = []
    for number, kind in enumerate(LedgerKind, start=1):
        amount = -1500 if kind is LedgerKind.BOUNTY_PLACED else 22
        rows.append(LedgerRow(Change(MemberId(42), kind, amount, f"k{number}", AT, note="N_1"), number, 99))
    text, _ = read(_FACTORY.build_wallet(Wallet(MemberId(42), 12_345, rows), is_own=True))
    assert text.split("\n") == [
        "<@42> has **12,345 💎**.",
        "",
        *(f"{line} · <t:{STAMP}:R>" for line in expected.values()),
    ]
    text, _ = read(_FACTORY.build_wallet(Wallet(MemberId(42), 0), is_own=True))
    assert text.split("\n")[2] == "Nothing yet. Kills earn emeralds once your player is linked (`/link`)."
    text, _ = read(_FACTORY.build_wallet(Wallet(MemberId(42), 0), is_own=False))
    assert text.split("\n")[2] == "Nothing yet."


def test_pages_of_the_longest_texts_are_whole() -> None:
    """Discord's limits cut no row."""
    change = Change(MemberId(42), LedgerKind.ADMIN, 1_000_000, "k", AT, note="*" * 300)
    rows = [LedgerRow(change, number, 1) for number in range(10)]
    text, _ = read(_FACTORY.build_wallet(Wallet(MemberId(42), 1, rows), is_own=True))
    assert len(text.split("\n")) == 12
    longest = [replace(BOUNTY, player_name="*" * 99) for _ in range(10)]
    text, _ = read(_FACTORY.build_own_bounties(longest, longest, own_kills={BOUNTY.bounty_id: AT}))
    assert len(text.split("\n")) == 33


def test_settings_are_told_in_words() -> None:
    """The settings are shown as on or off, hours and the largest amount."""
    settings = BountySettings(is_enabled=True, is_auto=False, expiry_hours=48, max_amount=5000)
    assert read(_FACTORY.build_bounty_settings(settings, is_saved=False))[1] == {
        "Bounties and paid kills": "on",
        "Bounties by the house": "off",
        "A bounty lasts": "48 h",
        "Largest bounty": "5,000 💎",
    }
    titles = [_FACTORY.build_bounty_settings(settings, is_saved=is_saved).title for is_saved in (False, True)]
    assert titles == ["⚙️ Bounty settings", "✅ Bounty settings saved"]


def test_board_holds_the_highest_bounties_and_counts_the_rest() -> None:
    """The board fits one message, however many bounties are open; the button is for the rest."""
    many = [replace(BOUNTY, amount=2_000 - number) for number in range(40)]
    text, _ = read(_FACTORY.build_bounty_board(many, server_names={}))
    lines = text.splitlines()
    assert (len(lines), lines[-1]) == (31, "and 25 more: `/bounty list`")
    assert "2,000 💎" in lines[0]


def test_board_says_so_when_nobody_is_wanted_or_bounties_are_closed() -> None:
    """An empty board invites; a closed one does not."""
    empty, _ = read(_FACTORY.build_bounty_board([], server_names={}))
    closed, _ = read(_FACTORY.build_bounty_board(None, server_names={}))
    assert (empty.startswith("No one is wanted"), closed) == (True, "Bounties are off right now.")
