"""``answers``: how soon commands are answered, how that grows with the kills, and during an import."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from benchmarks.figures import Figure, compute_percentile
from benchmarks.town import MeasuredTown, running_town
from simulation.discord import Member, SimulatedDiscord
from simulation.game_host.battle import Battle, Fighter
from simulation.game_host.log_files import WORLD
from simulation.town import Community
from utils.clock import SystemClock

SERVERS = 10
PLAYERS = 20_000
DAYS = 200
GROWTH = (10_000, 100_000, 1_000_000)
ROUNDS = 10
IMPORTED = SERVERS + 1
PAUSE_SECONDS = 0.02
TESTS_REST_SECONDS = 60.0  # a community tests ten hosts a minute, with each server it adds
TYPED = ("", "m", "Mar", "ka", "zzzz", "Otter", "_x")

ANSWERS: dict[str, tuple[tuple[str, dict[str, str]], ...]] = {
    "/stats": (("/stats", {"player": "?"}),),
    "/stats 30d": (("/stats", {"player": "?", "period": "30d"}),),
    "/compare": (("/compare", {"first": "?", "second": "!"}),),
    "/rivals": (("/rivals", {"player": "?"}),),
    "/killfeed recent": (("/killfeed recent", {}), ("/killfeed recent", {"player": "?"})),
    "/leaderboard": (("/leaderboard", {}), ("/leaderboard", {"board": "kd"})),
    "/leaderboard 7d": (("/leaderboard", {"period": "7d"}),),
    "/leaderboard 30d": (("/leaderboard", {"period": "30d"}), ("/leaderboard", {"board": "streak"})),
    "/weapons": (("/weapons", {}), ("/weapons", {"player": "?"})),
    "/weapons 30d": (("/weapons", {"period": "30d"}),),
    "/activity": (("/activity", {}), ("/activity", {"player": "?"})),
    "/rank": (("/rank", {"player": "?"}),),
    "/leaderboard xp": (
        ("/leaderboard", {"board": "xp"}),
        ("/leaderboard", {"board": "xp", "period": "30d"}),
    ),
    "/servers": (("/servers", {}), ("/servers", {"period": "30d"})),
}
"""Commands by the name they are shown under; ``?`` and ``!`` stand for two of the most active players."""

CHARTED = frozenset({"/stats", "/stats 30d", "/weapons", "/weapons 30d", "/activity", "/rank"})
ANSWER_AIM_MS, CHART_AIM_MS, AUTOCOMPLETE_AIM_MS, ACKNOWLEDGEMENT_AIM_MS = 500, 1500, 100, 200


@dataclass(slots=True)
class Times:
    """Seconds that commands and tests of hosts took, by name."""

    answers: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    acknowledgements: list[float] = field(default_factory=list)
    choices: list[float] = field(default_factory=list)

    def list_plain(self) -> list[float]:
        """Return the times of the answers without a chart."""
        return [one for name, seconds in self.answers.items() if name not in CHARTED for one in seconds]


async def measure(rows: int) -> list[Figure]:
    """Ask everything in communities of growing history, up to ``rows``, and in the last during an import."""
    figures: list[Figure] = []
    sizes = [size for size in GROWTH if size < rows] + [rows]
    for size in sizes:
        async with running_town() as town:
            first, second, *_ = await settle(town, size)
            fighters = first.name, second.name
            times = Times()
            for _ in range(ROUNDS):
                await ask_everything(town.world, town.community, fighters, times)
            figures += _list_figures(f"{size:,} kills", times, has_aim=size == sizes[-1])
            if size == sizes[-1]:
                figures += await _measure_during_import(town, fighters, size)
    return figures


async def settle(town: MeasuredTown, rows: int) -> Sequence[Fighter]:
    """Let a community have a history on all its servers, up to now; return its players, most active first."""
    start = SystemClock().now().replace(tzinfo=None) - timedelta(days=DAYS - 1)
    battle = Battle(1, players=PLAYERS, start=start)
    for number in range(1, SERVERS + 1):
        battle.write_files(town.host.open_files(number).deathlogs / WORLD, rows=rows // SERVERS, days=DAYS)
        await town.add_server(number)
        await town.wait_for_import(number)
    return battle.fighters


async def _measure_during_import(town: MeasuredTown, fighters: tuple[str, str], rows: int) -> list[Figure]:
    """Ask until one more server's history is read."""
    town.write_history(IMPORTED, rows=rows, days=max(1, rows // 500))
    await asyncio.sleep(TESTS_REST_SECONDS)
    await town.add_server(IMPORTED)
    times = Times()
    while not town.is_imported(IMPORTED):
        await ask_everything(town.world, town.community, fighters, times)
    asked = sum(len(one) for one in times.answers.values())
    return [
        Figure("commands answered during an import", asked, ""),
        *_list_figures("during an import", times, has_aim=True),
    ]


async def ask_everything(
    world: SimulatedDiscord,
    community: Community,
    fighters: tuple[str, str],
    times: Times,
    *,
    pause_seconds: float = PAUSE_SECONDS,
) -> None:
    """Use every command once, as a new member: each member may ask for a limited number of players."""
    asker = world.add_member(community.guild, "asker")
    named = dict(zip("?!", fighters, strict=True))
    for name, questions in ANSWERS.items():
        for command, options in questions:
            given = {key: named.get(value, value) for key, value in options.items()}
            await _ask(community, asker, times, name, command, given)
            await asyncio.sleep(pause_seconds)
    for typed in TYPED:
        start = time.perf_counter()
        await asker.autocomplete(community.office, "/stats", "player", typed)
        times.choices.append(time.perf_counter() - start)
        await asyncio.sleep(pause_seconds)


async def _ask(
    community: Community, asker: Member, times: Times, name: str, command: str, options: dict[str, Any]
) -> None:
    start = time.perf_counter()
    reply = await asker.ask(community.office, command, **options)
    times.answers[name].append(time.perf_counter() - start)
    if reply.acknowledged_after_seconds is not None:
        times.acknowledgements.append(reply.acknowledged_after_seconds)


def _list_figures(title: str, times: Times, *, has_aim: bool) -> list[Figure]:
    """Return the medians of every answer, and the percentiles that have an aim."""
    figures = [
        Figure(f"{title}: {name}, p50", compute_percentile(seconds, 0.5) * 1000, "ms")
        for name, seconds in times.answers.items()
    ]
    charted = [one for name, seconds in times.answers.items() if name in CHARTED for one in seconds]
    for name, seconds, share, aim in (
        ("first acknowledgement, p99", times.acknowledgements, 0.99, ACKNOWLEDGEMENT_AIM_MS),
        ("answers without a chart, p95", times.list_plain(), 0.95, ANSWER_AIM_MS),
        ("answers with a chart, p95", charted, 0.95, CHART_AIM_MS),
        ("autocomplete, p95", times.choices, 0.95, AUTOCOMPLETE_AIM_MS),
    ):
        value = compute_percentile(seconds, share) * 1000
        figures.append(Figure(f"{title}: {name}", value, "ms", aim=aim if has_aim else None))
    return figures
