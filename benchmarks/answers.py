"""``answers``: how soon commands are acknowledged while a history is imported."""

import asyncio

from benchmarks.figures import Figure, compute_percentile
from benchmarks.town import Town, running_town

KNOWN, IMPORTED = 1, 2
COMMANDS = ("/stats", "/leaderboard", "/killfeed status", "/help", "/admin server list")
PAUSE_SECONDS = 0.02
PLAYER = "Mar"  # matches several names: the answer takes a search


async def measure(rows: int) -> list[Figure]:
    """Ask one command after another until the import is done."""
    async with running_town() as town:
        town.write_history(KNOWN, rows=2_000, days=4)
        await town.add_server(KNOWN)
        await town.wait_for_import(KNOWN)
        town.write_history(IMPORTED, rows=rows, days=max(1, rows // 500))
        await town.add_server(IMPORTED)
        seconds = await _ask_until_imported(town)
    return [
        Figure("commands answered while an import runs", len(seconds), ""),
        Figure("first acknowledgement: p50", compute_percentile(seconds, 0.5) * 1000, "ms", digits=1),
        Figure(
            "first acknowledgement: p99", compute_percentile(seconds, 0.99) * 1000, "ms", aim=200, digits=1
        ),
    ]


async def _ask_until_imported(town: Town) -> list[float]:
    seconds: list[float] = []
    while not town.is_imported(IMPORTED):
        command = COMMANDS[len(seconds) % len(COMMANDS)]
        options = {"player": PLAYER} if command == "/stats" else {}
        reply = await town.admin.ask(town.office, command, **options)
        if reply.acknowledged_after_seconds is not None:
            seconds.append(reply.acknowledged_after_seconds)
        await asyncio.sleep(PAUSE_SECONDS)
    return seconds
