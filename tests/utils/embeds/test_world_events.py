"""The posts about events of the world."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from utils.embeds.factory import EmbedFactory
from utils.models.notices.world import WorldEventNotice
from utils.models.post_styles import PostShape, PostStyle
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.world_events import EventEnd, EventKey, WorldEvent, WorldEventKind
from utils.services.world.notices import build_event_notice

START = datetime(2025, 6, 3, 12, tzinfo=UTC)
SCOPE = ServerScope(GuildId(42), ServerId("k3v9x0aa"))
SECONDS = int(START.timestamp())
BUNKER = WorldEvent(
    key=EventKey(WorldEventKind.MISSION, "bunker_01_mis1", SECONDS * 1_000),
    state="READY",
    since=START,
    seen_at=START,
    is_started=True,
)
AIRDROP = replace(BUNKER, key=EventKey(WorldEventKind.AIRDROP, "", 1), state="FLYING")
RESTART = replace(BUNKER, key=EventKey(WorldEventKind.RESTART, "", 1), state="RESTARTING")
OVER = {"ended_at": START + timedelta(seconds=75), "end": EventEnd.OVER}


def show(notice: WorldEventNotice, style: PostStyle = PostStyle.STORY) -> dict[str, object]:
    """Return the embed of a post."""
    [embed] = EmbedFactory().build_feed([notice], PostShape(style, names_servers=True)).embeds
    return embed.to_dict()  # type: ignore[return-value] # a mapping


def test_mission_is_shown_with_its_hardest_level_and_the_games_own_word() -> None:
    """The log does not tell which variant has appeared, nor what a state means."""
    notice = build_event_notice(SCOPE, "North", BUNKER)
    assert (notice.at, notice.event_id) == (START, build_event_notice(SCOPE, "", BUNKER).event_id)
    shown = show(notice)
    assert (shown["title"], shown["description"], shown["footer"]) == (
        "🚩 Mission: Underground Bunker",
        f"**Ready** since <t:{SECONDS}:t>",
        {"text": "up to Epic · North"},
    )
    line = show(notice, PostStyle.LINE)["description"]
    assert line == f"🚩 Underground Bunker **Ready** since <t:{SECONDS}:t> · North"


@pytest.mark.parametrize(
    ("event", "title", "description"),
    [
        (
            replace(BUNKER, key=EventKey(WorldEventKind.MISSION, "swamp_02_mis_1", 1)),
            "🚩 Mission: Swamp \\#2",
            "**Ready** since <t:S:t>",
        ),
        (replace(BUNKER, **OVER), "🚩 Mission: Underground Bunker", "It ended <t:S:R>."),
        (
            replace(BUNKER, **OVER, respawn_at=START),
            "🚩 Mission: Underground Bunker",
            "It ended <t:S:R>.\nIt comes back <t:S:R>.",
        ),
        (
            replace(BUNKER, ended_at=START, end=EventEnd.UNHEARD),
            "🚩 Mission: Underground Bunker",
            "The last news of it came <t:S:R>.",
        ),
        (AIRDROP, "🪂 Airdrop", "**Flying** since <t:S:t>"),
        (
            replace(AIRDROP, ended_at=START, end=EventEnd.RESTART),
            "🪂 Airdrop",
            "It ended when the game server restarted.",
        ),
        (RESTART, "🚀 Restart of the game server", "The game server is starting. It began <t:S:R>."),
        (
            replace(RESTART, ended_at=START, end=EventEnd.UNHEARD),
            "🚀 Restart of the game server",
            "The game server restarted <t:S:R>.",
        ),
        (
            replace(RESTART, **OVER, down_since=START),
            "🚀 Restart of the game server",
            "The game server is open again. It was down for 1 min 15 s.",
        ),
    ],
)
def test_event_is_shown_as_what_is_known_of_it(event: WorldEvent, title: str, description: str) -> None:
    """A state is a word, an end is a sentence."""
    shown = show(build_event_notice(SCOPE, "North", event))
    assert (shown["title"], shown["description"]) == (title, description.replace(":S:", f":{SECONDS}:"))


def test_name_of_an_unknown_mission_is_foreign_text() -> None:
    """An id of the log cannot bring markup into a post."""
    key = EventKey(WorldEventKind.MISSION, "**bold**", 1)
    notice = replace(build_event_notice(SCOPE, "North", BUNKER), name="**bold** @everyone")
    assert "**" not in str(show(notice)["title"]).replace("\\*", "")
    assert "@everyone" not in str(show(notice)["title"])
    assert build_event_notice(SCOPE, "North", replace(BUNKER, key=key)).level is None
