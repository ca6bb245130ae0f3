"""Messages of Discord as lines of a terminal."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from simulation.discord import Message, SimulatedDiscord
from simulation.markdown import Reader, Span
from simulation.terminal import Terminal, measure, wrap

NOW = datetime(2025, 5, 1, 12, 30, tzinfo=UTC)
READER = Reader(NOW)


@dataclass
class Asker:
    """The asker, as a message names them."""

    user: Any


def make_message(**parts: Any) -> Message:
    """Return a message of the bot in a world that was never started."""
    world = SimulatedDiscord()
    guild = world.create_guild("Community")
    channel = world.create_channel(guild, "killfeed")
    return Message(1, channel, world.bot_user, "2025-05-01T12:30:15+00:00", **parts)


def test_embed_is_drawn_with_bar_title_and_text() -> None:
    """Without colours an embed is text behind a bar; markup is read, not printed."""
    embed = {"title": "Law of \\_x", "description": "**a** put b\nMosin · 12 m", "color": 0xFF0000}
    assert Terminal().render_embed(embed, READER) == [
        "  ▌ Law of _x",
        "  ▌ a put b",
        "  ▌ Mosin · 12 m",
    ]


def test_bar_has_the_colour_of_the_embed() -> None:
    """With colours the bar is painted as Discord paints it, and the title is strong."""
    embed = {"title": "x", "color": 0x0A141E}
    assert Terminal(has_colours=True).render_embed(embed, READER) == [
        "  \x1b[38;2;10;20;30m▌\x1b[0m \x1b[1mx\x1b[0m"
    ]


def test_inline_fields_stand_side_by_side() -> None:
    """Up to three inline fields share a row, a wide one has its own."""
    fields = [{"name": str(number), "value": "v" * number, "inline": True} for number in range(1, 5)]
    fields.append({"name": "Where", "value": "everywhere", "inline": False})
    assert Terminal(width=64).render_embed({"fields": fields}, READER) == [
        "  ▌ 1                   2                   3",
        "  ▌ v                   vv                  vvv",
        "  ▌ 4",
        "  ▌ vvvv",
        "  ▌ Where",
        "  ▌ everywhere",
    ]


def test_footer_and_time_are_shown_last() -> None:
    """The footer is at the bottom, with the embed's time."""
    embed = {"title": "x", "footer": {"text": "Page 1 of 2"}, "timestamp": "2025-05-01T09:05:00+00:00"}
    assert Terminal().render_embed(embed, READER)[-1] == "  ▌ Page 1 of 2 · 09:05"


def test_public_message_shows_author_time_and_buttons() -> None:
    """A message begins with its author and time, and ends with its buttons."""
    buttons = [{"type": 1, "components": [{"type": 2, "style": 2, "label": "Next", "custom_id": "n"}]}]
    message = make_message(content="hello", components=buttons)
    assert Terminal().render_message(message, READER) == [
        "",
        "killfeed APP · 12:30:15",
        "  hello",
        "  [ Next ]",
    ]


def test_private_answer_is_marked() -> None:
    """An ephemeral message says who sees it."""
    message = make_message(content="hello", flags=64)
    message.interaction = Asker(user=SimulatedDiscord().create_user("ada"))  # type: ignore[assignment]
    assert Terminal().render_message(message, READER)[-1] == "  (only ada can see this)"


def test_command_is_shown_as_typed() -> None:
    """A slash command follows the name of its author; its options follow their names."""
    assert Terminal().render_command("ada", "/stats", {"player": "Wolf"}) == ["ada > /stats player:Wolf"]


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("🎯", 2), ("e\u0301", 1), ("\u200b", 0), ("狼", 2)]
)
def test_width_is_counted_in_columns(text: str, columns: int) -> None:
    """Emoji and East Asian letters take two columns, combining and invisible characters none."""
    assert measure(text) == columns


def test_long_lines_break_between_words() -> None:
    """A long line continues in the next one; a word that is too long is not broken."""
    line = (Span("one two three unbreakable"),)
    assert list(wrap(line, 8)) == [(Span("one two "),), (Span("three "),), (Span("unbreakable"),)]
