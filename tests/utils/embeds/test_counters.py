"""The names of counters."""

import pytest

from tests.fakes.clock import START
from tests.fakes.deaths import build_player_id
from utils.embeds.factory import EmbedFactory
from utils.models.game_log import GameLogState, LogCondition, PlayersReport
from utils.models.presence import PlayerPresence, PlayerState, ServerPresence

EVERYTHING = "{state}: {online} of {max}, {queue} waiting, {peak} today · {server}"


def build_report(
    condition: LogCondition,
    *,
    online: int = 2,
    waiting: int = 0,
    places: int | None = 2,
    peak: int | None = 4,
) -> PlayersReport:
    """Return the report of a server with this number of players."""
    states = [PlayerState.ONLINE] * online + [PlayerState.CONNECTING] * waiting
    players = [
        PlayerPresence(key=build_player_id(str(number)), state=state, since=START, seen_at=START)
        for number, state in enumerate(states)
    ]
    presence = ServerPresence(players={one.key: one for one in players}, max_players=places)
    return PlayersReport(
        server_name="North_1",
        condition=condition,
        state=GameLogState(presence=presence),
        max_players=places,
        peak_today=peak,
    )


@pytest.mark.parametrize(
    ("condition", "facts", "name", "custom"),
    [
        ("ok", {}, "North_1 | 2/2", "running: 2 of 2, 0 waiting, 4 today · North_1"),
        (
            "quiet",
            {"waiting": 3},
            "North_1 | 2/2 | 3 in Queue",
            "no news: 2 of 2, 3 waiting, 4 today · North_1",
        ),
        (
            "ok",
            {"waiting": 3, "places": 50},
            "North_1 | 2/50",
            "running: 2 of 50, 0 waiting, 4 today · North_1",
        ),
        ("ok", {"places": None}, "North_1 | 2/?", "running: 2 of ?, 0 waiting, 4 today · North_1"),
        ("stopped", {"waiting": 3}, "North_1 | 0/2", "stopped: 0 of 2, 0 waiting, 4 today · North_1"),
        ("unknown", {"waiting": 3}, "North_1 | ?/2", "?: ? of 2, ? waiting, 4 today · North_1"),
        ("unknown", {"peak": None}, "North_1 | ?/2", "?: ? of 2, ? waiting, ? today · North_1"),
    ],
)
def test_name_shows_what_is_known(condition: str, facts: dict[str, int], name: str, custom: str) -> None:
    """An unknown fact is a question mark; the queue is in the default name only while a player waits."""
    factory, report = EmbedFactory(), build_report(LogCondition(condition), **facts)
    assert factory.write_counter(report, None) == name
    assert factory.write_counter(report, EVERYTHING) == custom
