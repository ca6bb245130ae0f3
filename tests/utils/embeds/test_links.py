"""The embeds of links."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from utils.embeds.factory import EmbedFactory
from utils.models.links import Link, LinkState, ProofOutcome, ProofWindow
from utils.models.scope import GuildId, MemberId, PlayerId

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
STAMP = int(AT.timestamp())
ID = PlayerId("0002" + "ab" * 14)
WINDOWS = tuple(
    ProofWindow(AT + timedelta(minutes=minute), AT + timedelta(minutes=minute + 2)) for minute in (3, 12)
)
PENDING = Link(GuildId(1), MemberId(77), ID, "I_l", AT, windows=WINDOWS)
PROVEN = replace(PENDING, state=LinkState.PROVEN, is_main=True, proven_at=AT, windows=())


@pytest.fixture(name="factory", scope="module")
def _factory() -> EmbedFactory:
    return EmbedFactory()


def test_request_names_both_times_and_what_to_do(factory: EmbedFactory) -> None:
    """Times are Discord's timestamps, names are escaped, ids are hidden, the limit is named."""
    embed = factory.build_asked_link(PENDING, count=1, limit=5, is_followed=True)
    text = str(embed.description)
    assert embed.title == "⏳ Prove it's you"
    assert "⬜ <t:{0}:t> to <t:{1}:t> (<t:{0}:R>)".format(STAMP + 180, STAMP + 300) in text
    assert "⬜ <t:{0}:t> to <t:{1}:t> (<t:{0}:R>)".format(STAMP + 720, STAMP + 840) in text
    assert text.index("You lose what you carry") < text.index("⬜")
    assert ("<@77>" in text, "**I\\_l**" in text, ID in text) == (True, True, False)
    assert text.endswith("I'll tick them off in this message and tell you the result.")
    assert embed.footer is not None
    assert embed.footer.text == "1 of 5 links used"


def test_seen_window_is_ticked_off(factory: EmbedFactory) -> None:
    """The second window was seen, the first one not."""
    text = str(factory.build_proof_progress(PENDING, WINDOWS[1:]).description)
    assert f"⬜ <t:{STAMP + 180}:t>" in text
    assert f"✅ <t:{STAMP + 720}:t>" in text
    assert "**1 of 2 seen**" in text


def test_leaving_is_offered_where_it_counts(factory: EmbedFactory) -> None:
    """The line is in the answer and in its progress, only if the log of a server told who is online."""
    offered = "Or leave the game server in a window and stay away for a minute"
    counting = replace(PENDING, counts_leaving=True)
    asked = factory.build_asked_link(counting, count=1, limit=5, is_followed=True)
    assert offered in str(asked.description)
    assert offered in str(factory.build_proof_progress(counting, WINDOWS[1:]).description)
    assert offered not in str(factory.build_proof_progress(PENDING, ()).description)


def test_request_says_so_when_its_message_cannot_be_changed_later(factory: EmbedFactory) -> None:
    """Without View Channel the bot cannot edit the message after a quarter of an hour."""
    embed = factory.build_asked_link(PENDING, count=1, limit=5, is_followed=False)
    assert "because I'm missing View Channel. `/links` shows whether it worked." in str(embed.description)


def test_link_without_proof_is_told_at_once(factory: EmbedFactory) -> None:
    """The words are those after a proof, with the limit."""
    embed = factory.build_asked_link(PROVEN, count=2, limit=5, is_followed=True)
    assert embed.title == "✅ Linked and proven"
    assert str(embed.description).startswith("<@77> is **I\\_l** (main).")
    assert embed.footer is not None
    assert embed.footer.text == "2 of 5 links used"


@pytest.mark.parametrize(
    ("outcome", "title", "part"),
    [
        (ProofOutcome.PROVEN, "✅ Linked and proven", "(alt)"),
        (ProofOutcome.TAKEN, "❌ Someone else proved it first", "linked to someone else now"),
        (ProofOutcome.UNCLEAR, "❌ Two requests, one player", "fits both requests"),
        (ProofOutcome.EXPIRED, "❌ Not proven in time", "Try again later with `/link`"),
        (ProofOutcome.ENDED, "⏸️ Link ended", "`/link` starts again"),
        (ProofOutcome.REPLACED, "⏸️ Asked again", "newer message"),
        (ProofOutcome.REFUSED, "❌ Refused by an admin", "An admin refused"),
    ],
)
def test_every_outcome_says_what_to_do_next(
    factory: EmbedFactory, outcome: ProofOutcome, title: str, part: str
) -> None:
    """Each outcome names member and player."""
    embed = factory.build_link_outcome(replace(PROVEN, is_main=False), outcome)
    text = str(embed.description)
    assert (embed.title, part in text, "<@77>" in text, "I\\_l" in text) == (title, True, True, True)


def test_list_shows_main_alts_and_what_waits(factory: EmbedFactory) -> None:
    """Only proven links have a verified mark."""
    alt = replace(PROVEN, player_name="Bear", is_main=False)
    embed = factory.build_links(MemberId(77), [PROVEN, alt, PENDING], limit=5, is_own=True)
    assert str(embed.description).splitlines() == [
        "<@77>",
        f"✅ **I\\_l** · main · <t:{STAMP}:D>",
        f"✅ **Bear** · alt · <t:{STAMP}:D>",
        f"⏳ **I\\_l** · waiting for respawns at <t:{STAMP + 180}:t> and <t:{STAMP + 720}:t>",
    ]


def test_empty_list_says_how_to_link(factory: EmbedFactory) -> None:
    """The sentence names the next step."""
    own = factory.build_links(MemberId(77), [], limit=5, is_own=True)
    assert own.description == "You haven't linked a player yet. `/link` does it."
    embed = factory.build_links(MemberId(77), [], limit=5, is_own=False)
    assert embed.description == "<@77> hasn't linked a player yet. They can do it with `/link`."
