"""``errors``: the cost of a storm of errors: CPU an error, lag of the event loop, memory, log, and writes.

Fifty groups in two guilds fail 10,000 times a second in all. The log goes to two handlers, as in the bot.
"""

import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from benchmarks.figures import Figure, compute_percentile
from benchmarks.processes import read_resident_megabytes
from utils.clock import SystemClock
from utils.database.core.indexes import ensure_indexes
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.process.embedded import EmbeddedMongod
from utils.database.repositories.errors import ErrorRepository
from utils.error_sink import ErrorSource, Where
from utils.models.error_groups import GroupWrite
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId, MemberId
from utils.telemetry.error_writer import ErrorWriter
from utils.telemetry.errors import ErrorTelemetry

SECONDS = 60.0
A_SECOND = 10_000
SETTLE_SECONDS = 15.0  # the first writes are behind by then
MORE_MEGABYTES = 5.0
STEP_SECONDS = 0.02
MOST_AT_ONCE = 1_000  # errors of one turn of the event loop, where the machine was too busy for it
SWITCH_SECONDS = 0.002  # as in the bot
GROUPS = 50
DEPTH = 12  # frames of the way to each error
GUILDS = (GuildId(42), GuildId(43))


class CountedStore(ErrorRepository):
    """The storage, with the number of its writes."""

    upserts = 0
    bulks = 0

    async def write(self, writes: list[GroupWrite], parcel_id: str) -> None:  # type: ignore[override] # a list here
        """Count and write."""
        self.upserts += sum(1 + len(write.delta.hours) for write in writes)
        self.bulks += 2  # one for each collection
        await super().write(writes, parcel_id)


def build_failures() -> list[Callable[[], object]]:
    """Return functions that fail, each at a place of its own below code of ours."""
    source = "def go_down(n, fail):\n    return go_down(n - 1, fail) if n else fail()\n"
    shared: dict[str, Callable[[int, object], object]] = {"__name__": "utils.services.storm"}  # type: ignore[dict-item]
    exec(compile(source, "storm.py", "exec"), shared)  # noqa: S102 - frames of a module of ours
    found: list[Callable[[], object]] = []
    for number in range(GROUPS):
        own: dict[str, Callable[[], object]] = {"__name__": "utils.services.storm"}  # type: ignore[dict-item]
        text = f"def fail_{number}():\n    raise KeyError('x')\n"
        exec(compile(text, "storm.py", "exec"), own)  # noqa: S102 - one more of them
        fail = own[f"fail_{number}"]
        found.append(lambda fail=fail: shared["go_down"](DEPTH, fail))  # type: ignore[misc]
    return found


def list_errors() -> Iterator[tuple[Exception, Where]]:
    """Yield one error of each group, with its place."""
    for number, fail in enumerate(build_failures()):
        where = Where(
            source=ErrorSource.COMMAND,
            guild_id=GUILDS[number % len(GUILDS)],
            member_id=MemberId(number),
            command="stats",
        )
        try:
            fail()
        except KeyError as error:
            yield error, where


async def measure(rows: int) -> list[Figure]:
    """Measure a storm of a minute."""
    del rows
    with tempfile.TemporaryDirectory() as folder:
        mongod = EmbeddedMongod(Path(folder) / "mongodb", clock=SystemClock())
        connection = SafeMongoDBConnection(await mongod.start(), database="storm", clock=SystemClock())
        try:
            database = await connection.open()
            await ensure_indexes(database)
            return await storm(CountedStore(database), Path(folder))
        finally:
            await connection.close()
            await mongod.stop()


async def storm(store: CountedStore, folder: Path) -> list[Figure]:
    """Report 10,000 errors a second while the writer writes; return the figures."""
    sys.setswitchinterval(SWITCH_SECONDS)
    clock = SystemClock()
    telemetry = ErrorTelemetry(clock)
    writer = ErrorWriter(telemetry, store, folder=folder, clock=clock)
    errors = list(list_errors())
    spent, lags, memory = 0.0, [], 0.0
    with counting_log_lines() as lines:
        writing = asyncio.create_task(writer.run())
        began = time.monotonic()
        reported, lag_from = 0, began
        while (now := time.monotonic()) - began < SECONDS:
            lags.append(max(now - lag_from - STEP_SECONDS, 0.0))
            due = min(int((now - began) * A_SECOND) - reported, MOST_AT_ONCE)
            cpu = time.thread_time()
            for number in range(due):
                error, where = errors[(reported + number) % GROUPS]
                telemetry.report(error, where=where)
            spent += time.thread_time() - cpu
            reported += due
            if now - began > SETTLE_SECONDS and not memory:
                memory = read_resident_megabytes(os.getpid())
            lag_from = time.monotonic()
            await asyncio.sleep(STEP_SECONDS)
        seconds = time.monotonic() - began
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        more = read_resident_megabytes(os.getpid()) - memory
        upserts, bulks = store.upserts, store.bulks
        await writer.write_all()
    groups, _ = await store.list_groups(WHOLE_BOT, limit=1000)
    return [
        Figure("CPU an error", spent / reported * 1e6, "µs", 15, digits=1),
        Figure("event loop lag p99", compute_percentile(lags, 0.99) * 1000, "ms", 100),
        Figure("log lines a second", len(lines) / seconds, "", 50, digits=1),
        Figure("log a minute", sum(map(len, lines)) / seconds * 60 / 1000, "KB"),
        Figure(f"more memory after the first {SETTLE_SECONDS:g} s", more, "MB", MORE_MEGABYTES, digits=1),
        Figure("upserts a second", upserts / seconds, "", 20, digits=1),
        Figure("bulks a minute", bulks / seconds * 60, "", 12, digits=1),
        Figure("errors a second", reported / seconds, "", A_SECOND * 0.95, is_least=True),
        Figure("errors not counted", reported - sum(group.count for group in groups), "", 0),
    ]


@contextmanager
def counting_log_lines() -> Iterator[list[str]]:
    """Render each record twice, as for console and file, and collect one of the two lines."""
    lines: list[str] = []
    render = structlog.processors.JSONRenderer()

    def write(logger: object, name: str, event: dict[str, object]) -> str:
        event = dict(structlog.processors.format_exc_info(logger, name, event))  # type: ignore[arg-type] # an event
        render(logger, name, dict(event))
        lines.append(str(render(logger, name, event)))
        raise structlog.DropEvent

    before, disabled = structlog.get_config(), logging.root.manager.disable
    structlog.configure(
        processors=[write], wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING)
    )
    try:
        yield lines
    finally:
        structlog.configure(**before)
        logging.disable(disabled)
