"""Live ingestion: stores the rows that were appended to a server's logs, and queues notices.

One poll reads on from the cursors. Every chunk is one transaction: new deaths, counters, days, rewards,
notices, rejected lines and the cursor are stored together or not at all, so no row is repeated or skipped
after a crash. The functions for a chunk, top down:

    poll → _store_chunk → RowReader.read_chunk       bytes to deaths
                        → _find_announced            the current settings for them
                        → _take → _store             once, or twice if rows were copied
                                    → GroupCommit.join    a small chunk: together with other servers
                                    → _store_group        a large one, or with a search: alone
                                        → store_live_batches, in a thread (``live_batch``)
                                → EventDispatcher.dispatch

Servers of one shard share transactions, also servers of different guilds, because one lease guards them.
``group_commit`` says why no guild slows or stops another. A chunk that may take long or fail has its own
transaction from the start: many lines, or rows that may be copies.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.errors import (
    CursorMovedError,
    LeaseLostError,
    RemotePermissionError,
    StorageConflictError,
    StorageError,
)
from utils.events import EventDispatcher, NoticesQueued
from utils.group_commit import GROUP_SECONDS, GroupCommit
from utils.models.deaths import LogFile
from utils.models.guilds import ChannelKind
from utils.models.problems import Problem
from utils.models.reading import Chunk, Cursor
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import GameServer, PostedDeaths
from utils.models.sharding import Sharding
from utils.models.texts import Text
from utils.models.visible_text import cut
from utils.services.ingestion.batch_rules import BatchRule
from utils.services.ingestion.live_batch import LiveBatch, NewsTerms, StoredBatch, store_live_batches
from utils.services.ingestion.log_source import LiveLogs
from utils.services.ingestion.news import NewsRule, choose_news_rule
from utils.services.ingestion.poison import find_place, store_around_poison
from utils.services.ingestion.row_reader import BATCHES_OF_ALL, ReadLines, RowReader
from utils.services.ingestion.stores import IngestionStore
from utils.turns import FairTurns

FOREIGN_CHARACTERS = 100  # of a path in a problem; the number of further problems follows it
NEWEST_FILES = 3  # per world, searched for the newest row: the newest file may hold none yet
LARGE_LINES = 100  # a larger chunk needs one of the places in memory
SHARED_LINES = 10  # a larger chunk shares no transaction, because other servers would wait for it

logger = get_logger(__name__)


class PostedFinder(Protocol):
    """Finds the deaths that are posted for a server."""

    async def __call__(self) -> PostedDeaths:
        """Return the deaths that the current settings post; none without a channel.

        Raises:
            StorageError: the settings cannot be read.
        """


@dataclass(frozen=True, slots=True)
class PollOutcome:
    """The result of one poll.

    Attributes:
        left_out: the number of posts that were left out, because too many wait.
        problem: the problem with skipped files or lines; None without one.
        cursors: the cursors after the poll, by file.
    """

    deaths: int = 0
    rejected: int = 0
    left_out: int = 0
    problem: Text | None = None
    cursors: Mapping[LogFile, Cursor] = field(default_factory=dict)


@dataclass(slots=True)
class _Poll:
    """The state of one poll; ``rule`` and ``outcome`` change with its chunks."""

    server: GameServer
    tail: LiveLogs
    reader: RowReader
    find_posted: PostedFinder
    last_read_at: datetime | None
    rule: NewsRule
    outcome: PollOutcome


class LiveIngestion:
    """Stores the rows that a poll finds, and queues their notices.

    Args:
        store: the storage of ingestion.
        events: dispatches events after a batch is stored.
        rules: judge new deaths in their order, within the transaction that stores them.
        max_announce_age: the highest age of news (``polling.max_announce_age_minutes``).
        turns: places for large batches in memory, for all guilds.
        sharding: tells which guilds one lease guards; without it all of them.
        group_seconds: how long a small batch waits for other servers.
    """

    def __init__(
        self,
        store: IngestionStore,
        events: EventDispatcher,
        *,
        clock: Clock,
        max_announce_age: timedelta,
        rules: Sequence[BatchRule] = (),
        turns: FairTurns | None = None,
        sharding: Sharding | None = None,
        group_seconds: float = GROUP_SECONDS,
    ) -> None:
        self._ingestion = store
        self._events = events
        self._rules = tuple(rules)
        self._clock = clock
        self._max_age = max_announce_age
        self._turns = turns or FairTurns(BATCHES_OF_ALL)
        self._sharding = sharding or Sharding()
        self._group = GroupCommit(self._store_group, clock=clock, seconds=group_seconds)

    async def poll(
        self,
        server: GameServer,
        tail: LiveLogs,
        *,
        last_read_at: datetime | None,
        find_posted: PostedFinder,
        cursors: Mapping[LogFile, Cursor] | None = None,
        held: Collection[LogFile] = (),
        passes_over: bool = False,
    ) -> PollOutcome:
        """Read on once and store all new rows, except those of files that are ``held``.

        ``cursors`` are those of the last successful poll; without them they are read from the database. If
        another process moved one, storing the chunk fails with CursorMovedError. With ``passes_over``, a line
        that cannot be stored is kept as rejected, and reading goes on.

        The settings are read after each chunk. So a row that was written after a change of the settings is
        never judged by the old ones, no matter how long the poll takes.

        Raises:
            RemoteError: the host failed; earlier chunks stay stored.
            StorageError: no part of the current chunk was stored.
        """
        if cursors is None:
            cursors = await self._ingestion.list_cursors(server.scope)
        rule = choose_news_rule(last_read_at=last_read_at, now=self._clock.now(), max_age=self._max_age)
        reader = RowReader(server.scope, server.zone)
        poll = _Poll(server, tail, reader, find_posted, last_read_at, rule, PollOutcome(cursors=cursors))
        async with aclosing(tail.read_on(cursors, held)) as chunks:
            async for chunk in chunks:
                if passes_over:
                    await self._store_around_poison(poll, chunk)
                else:
                    await self._store_chunk(poll, chunk)
        outcome = replace(poll.outcome, problem=_sum_up(tail.problems))
        return await self._forget_gone(server.scope, tail, outcome)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget that storing for a guild failed."""
        self._group.forget_guild(guild_id)

    async def _forget_gone(self, scope: ServerScope, tail: LiveLogs, outcome: PollOutcome) -> PollOutcome:
        """Delete the cursors of files that are gone for long: a host could make any number of them."""
        gone = frozenset(tail.list_gone(outcome.cursors))
        if not gone:
            return outcome
        await self._ingestion.forget_cursors(scope, sorted(gone))
        kept = {file: cursor for file, cursor in outcome.cursors.items() if file not in gone}
        return replace(outcome, cursors=kept)

    async def _store_chunk(self, poll: _Poll, chunk: Chunk) -> None:
        """Parse a chunk, store it, and dispatch its events; a large one first waits for its guild's turn."""
        is_large = chunk.lines > LARGE_LINES
        async with self._turns.lend(poll.server.scope.guild_id) if is_large else nullcontext():
            now = self._clock.now()
            since = poll.last_read_at if chunk.is_growth else None
            read = await poll.reader.read_chunk(chunk, now=now, since=since)
            if not chunk.is_last_row or read.deaths:
                announced = await self._find_announced(poll, chunk)
                await self._take(poll, _build_batch(poll, chunk, read, announced, now))

    async def _find_announced(self, poll: _Poll, chunk: Chunk) -> NewsTerms:
        """Return the current settings for the deaths of a chunk."""
        found = [await rule.find_terms(poll.server.scope) for rule in self._rules]
        terms = tuple(one for one in found if one is not None)
        announced = NewsTerms(poll.rule, await poll.find_posted(), terms)
        if announced.needs_newest(is_growth=chunk.is_growth):
            poll.rule = await self._find_newest(poll)
            announced = replace(announced, rule=poll.rule)
        return announced

    async def _find_newest(self, poll: _Poll) -> NewsRule:
        """Return the rule of a poll with the newest row of the logs; the newest file may hold no row yet.

        If a newest file may not be read, no row is news: the others may be of any age. Another failure may
        pass, so the poll fails and is repeated.
        """
        latest = poll.reader.find_latest(self._clock.now())
        for back in range(NEWEST_FILES):
            try:
                lines = await poll.tail.read_newest_lines(back=back)
            except RemotePermissionError:
                return poll.rule.with_newest((), latest=latest)
            rule = poll.rule.with_newest(lines, latest=latest)
            if rule.newest_written_at is not None:
                break
        return rule

    async def _take(self, poll: _Poll, batch: LiveBatch) -> None:
        """Store a batch and dispatch its events."""
        try:
            stored = await self._store(batch)
        except StorageError:
            # it may be stored nevertheless, without its event, so wake delivery
            self._events.dispatch(NoticesQueued(scope=batch.server.scope, kinds=frozenset(ChannelKind)))
            raise
        for event in stored.events:
            self._events.dispatch(event)
        if batch.read.lines_rejected or stored.late_players:
            logger.info(
                "a batch has late or rejected rows",
                scope=str(batch.server.scope),
                rejected=batch.read.lines_rejected,
                late_players=stored.late_players,
            )
        poll.outcome = _add(poll.outcome, batch, stored)

    async def _store(self, batch: LiveBatch) -> StoredBatch:
        """Store a batch; if one of its deaths is stored already, search for known deaths and store the rest.

        Raises:
            StorageError: no part of it was stored.
        """
        if not batch.looks:
            try:
                return await self._store_once(batch)
            except (CursorMovedError, LeaseLostError):
                raise
            except StorageConflictError:
                scope = str(batch.server.scope)
                logger.info("deaths are stored already", scope=scope, lines=batch.read.lines)
        return await self._store_once(replace(batch, looks=True))

    async def _store_once(self, batch: LiveBatch) -> StoredBatch:
        guild_id = batch.server.scope.guild_id
        shard = self._sharding.compute_shard(guild_id)
        if not batch.looks and batch.read.lines <= SHARED_LINES:
            return await self._group.join(shard, guild_id, batch)
        (stored,) = await self._store_group(shard, [batch])
        return stored

    async def _store_group(self, shard: int, batches: Sequence[LiveBatch]) -> Sequence[StoredBatch]:
        """Store batches of a shard in one transaction; if there are several, it is not tried again."""
        del shard  # the guilds determine it
        guild_ids = {batch.server.scope.guild_id for batch in batches}
        work = partial(store_live_batches, batches=batches)
        return await self._ingestion.in_shared_transaction(guild_ids, work, repeats=len(batches) == 1)

    async def _store_around_poison(self, poll: _Poll, chunk: Chunk) -> None:
        """Store a chunk, in parts if need be, without the lines that cannot be stored."""
        await store_around_poison(
            chunk,
            store=partial(self._store_chunk, poll),
            pass_over=partial(self._pass_over, poll),
            report=partial(self._events.errors.report, where=find_place(poll.server.scope)),
        )

    async def _pass_over(self, poll: _Poll, chunk: Chunk, reason: Text) -> None:
        """Keep the only line of a chunk as rejected; an incomplete line is read again later."""
        if chunk.is_last_row:
            return
        now = self._clock.now()
        read = poll.reader.reject(chunk, reason, now=now)
        await self._take(poll, _build_batch(poll, chunk, read, NewsTerms(poll.rule, PostedDeaths()), now))


def _build_batch(
    poll: _Poll, chunk: Chunk, read: ReadLines, announced: NewsTerms, now: datetime
) -> LiveBatch:
    """Return the batch of a chunk; appended rows are taken for new until a conflict shows otherwise."""
    behind = replace(chunk, after=read.after)
    return LiveBatch(poll.server, behind, read, announced, read_at=now, looks=not chunk.is_growth)


def _sum_up(problems: Sequence[Text]) -> Text | None:
    """Return the first of several problems with the number of others; None without one."""
    if not problems:
        return None
    first, more = problems[0], len(problems) - 1
    if not more:
        return first
    return Problem.AND_MORE.count(more, first=_shorten(first))


def _shorten(said: Text) -> Text:
    """Return a text with its foreign parts cut, because paths may be long and more text follows them."""
    values = [
        (name, cut(fact, FOREIGN_CHARACTERS) if isinstance(fact, str) else fact) for name, fact in said.values
    ]
    return replace(said, values=tuple(values))


def _add(outcome: PollOutcome, batch: LiveBatch, stored: StoredBatch) -> PollOutcome:
    return replace(
        outcome,
        deaths=outcome.deaths + len(stored.deaths),
        rejected=outcome.rejected + batch.read.lines_rejected,
        left_out=outcome.left_out + stored.left_out,
        cursors={**outcome.cursors, batch.chunk.after.file: batch.chunk.after},
    )
