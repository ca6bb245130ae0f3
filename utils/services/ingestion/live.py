"""Live ingestion: what was appended to a server's logs becomes stored deaths and notices.

One poll reads on from the cursors. Every chunk is one transaction: new deaths, counters, days, rewards,
notices, rejected lines and the cursor move together or not at all, so a crash at any point repeats or skips
nothing.
"""

from collections.abc import Mapping, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from structlog import get_logger

from utils.clock import Clock
from utils.errors import CursorMovedError, LeaseLostError, StorageConflictError
from utils.events import CountersStored, DeathsStored, EventDispatcher, NoticesQueued, PlayerKilled
from utils.models.deaths import Death, DeathKind, LogFile
from utils.models.guilds import ChannelKind
from utils.models.notices.bounties import BountyNotice
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.kinds import NOTICE_KINDS
from utils.models.notices.notice import Notice
from utils.models.players import PlayerDay, PlayerRecord
from utils.models.quantities import write_quantity
from utils.models.reading import Chunk, Cursor
from utils.models.scope import PlayerId, ServerScope
from utils.models.servers import GameServer
from utils.services.ingestion.counting import (
    Counting,
    DayKey,
    KillFacts,
    Order,
    PlayerRecount,
    count_one_player,
    list_player_ids,
)
from utils.services.ingestion.log_source import LiveLogs
from utils.services.ingestion.news import NewsRule, choose_news_rule
from utils.services.ingestion.poison import store_around_poison
from utils.services.ingestion.row_reader import BATCHES_OF_ALL, ReadLines, RowReader
from utils.services.ingestion.stores import IngestionStore, IngestionUnit, LiveRewards
from utils.services.money.rewards import LiveKill, RewardTerms
from utils.turns import FairTurns

FIRST_PROBLEM_CHARACTERS = 250  # behind it the status has room for how many more there are
NEWEST_FILES = 3  # of a world, looked at for the newest row: one may have begun with half a row or none
SHARED_LINES = 100  # a chunk of so many shares its transaction with other servers of the guild

logger = get_logger(__name__)


class PostedFinder(Protocol):
    """Knows which classes of death of a server are posted."""

    async def __call__(self) -> frozenset[DeathKind]:
        """Return them as it is set at this moment; none without a channel.

        Raises:
            StorageError: the settings cannot be read.
        """


@dataclass(frozen=True, slots=True)
class Batch:
    """One chunk, read: what one transaction stores; a claim is in time by ``read_at``."""

    read_at: datetime
    chunk: Chunk
    read: ReadLines


@dataclass(frozen=True, slots=True)
class Announced:
    """What a chunk's new deaths bring about.

    Attributes:
        kinds: the classes that get a notice; without a channel none does.
        terms: how kills are rewarded; None where they are not.
    """

    rule: NewsRule
    kinds: frozenset[DeathKind]
    terms: RewardTerms | None = None

    def needs_newest(self, *, is_growth: bool) -> bool:
        """Tell whether the newest row of the logs must be known before such a chunk is judged."""
        is_asked = bool(self.kinds) or self.terms is not None
        return is_asked and self.rule.needs_newest(is_growth=is_growth)

    def includes(self, death: Death, *, is_growth: bool) -> bool:
        """Tell whether a new death is announced."""
        return death.row.kind in self.kinds and self.is_news(death, is_growth=is_growth)

    def is_news(self, death: Death, *, is_growth: bool) -> bool:
        """Tell whether a new death happened just now, as far as can be told."""
        return self.rule.is_news(death.row.written_at, is_growth=is_growth)


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What a transaction added: the new deaths in order of the log, and which kinds of channel get posts.

    Attributes:
        left_out: how many posts were left out, because too many wait.
    """

    deaths: tuple[Death, ...] = ()
    kinds: frozenset[ChannelKind] = frozenset()
    counters: CountersStored | None = None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class CountedBatch:
    """The killers' standing after each kill, by death, and the counters that changed."""

    facts: Mapping[bytes, KillFacts]
    players: tuple[PlayerRecord, ...] = ()
    days: tuple[PlayerDay, ...] = ()


@dataclass(frozen=True, slots=True)
class PollOutcome:
    """What one poll did.

    Attributes:
        left_out: posts that were left out, because too many wait.
        problem: what it had to pass over.
        cursors: where reading stands now, by file.
    """

    deaths: int = 0
    rejected: int = 0
    left_out: int = 0
    newest_at: datetime | None = None
    problem: str | None = None
    cursors: Mapping[LogFile, Cursor] = field(default_factory=dict)


@dataclass(slots=True)
class _Poll:
    """One poll under way; ``rule`` and ``outcome`` change with its chunks."""

    server: GameServer
    tail: LiveLogs
    reader: RowReader
    find_posted: PostedFinder
    last_read_at: datetime | None
    rule: NewsRule
    outcome: PollOutcome


class LiveIngestion:
    """Stores and announces what a poll finds.

    Args:
        store: the guild's storage.
        events: told about what was stored, after it was.
        rewards: settles what kills earn and claim; None where nothing is paid at all.
        max_announce_age: how old news may be (``polling.max_announce_age_minutes``).
        turns: places for large batches in memory, of all guilds.
    """

    def __init__(
        self,
        store: IngestionStore,
        events: EventDispatcher,
        *,
        clock: Clock,
        max_announce_age: timedelta,
        rewards: LiveRewards | None = None,
        turns: FairTurns | None = None,
    ) -> None:
        self._store = store
        self._events = events
        self._rewards = rewards
        self._clock = clock
        self._max_age = max_announce_age
        self._turns = turns or FairTurns(BATCHES_OF_ALL)

    async def poll(
        self,
        server: GameServer,
        tail: LiveLogs,
        *,
        last_read_at: datetime | None,
        find_posted: PostedFinder,
        cursors: Mapping[LogFile, Cursor] | None = None,
        passes_over: bool = False,
    ) -> PollOutcome:
        """Read on once and store all that is new.

        ``cursors`` are those of the poll before, if it went well; without them they are read. One that was
        moved meanwhile is noticed when it is moved again. With ``passes_over``, a line that cannot be stored
        is kept as rejected, and the rest is read on.

        What is posted and paid is asked for once a chunk is read: a row written after a setting was changed
        is never judged by the setting before, however long the poll had been on its way.

        Raises:
            RemoteError: the host failed; what was stored before stays stored.
            StorageError: nothing of the chunk at hand was stored.
        """
        if cursors is None:
            cursors = await self._store.list_cursors(server.scope)
        rule = choose_news_rule(last_read_at=last_read_at, now=self._clock.now(), max_age=self._max_age)
        reader = RowReader(server.scope, ZoneInfo(server.timezone))
        poll = _Poll(server, tail, reader, find_posted, last_read_at, rule, PollOutcome(cursors=cursors))
        store, pass_over = partial(self._store_chunk, poll), partial(self._pass_over, poll)
        async with aclosing(tail.read_on(cursors)) as chunks:
            async for chunk in chunks:
                if passes_over:
                    await store_around_poison(chunk, store=store, pass_over=pass_over)
                else:
                    await store(chunk)
        outcome = replace(poll.outcome, problem=_sum_up(tail.problems))
        return await self._forget_gone(server.scope, tail, outcome)

    async def _forget_gone(self, scope: ServerScope, tail: LiveLogs, outcome: PollOutcome) -> PollOutcome:
        """Forget the cursors of files that went long ago: a host could make ever more of them."""
        gone = frozenset(tail.list_gone(outcome.cursors))
        if not gone:
            return outcome
        await self._store.forget_cursors(scope, sorted(gone))
        kept = {file: cursor for file, cursor in outcome.cursors.items() if file not in gone}
        return replace(outcome, cursors=kept)

    async def _store_chunk(self, poll: _Poll, chunk: Chunk) -> None:
        """Read a chunk, store it, and tell of it; with a large one it waits for its guild's turn."""
        is_large = chunk.lines > SHARED_LINES
        async with self._turns.lend(poll.server.scope.guild_id) if is_large else nullcontext():
            await self._take_chunk(poll, chunk)

    async def _take_chunk(self, poll: _Poll, chunk: Chunk) -> None:
        now = self._clock.now()
        since = poll.last_read_at if chunk.is_growth else None
        read = await poll.reader.read_chunk(chunk, now=now, since=since)
        batch = Batch(now, replace(chunk, after=read.after), read)
        if chunk.is_last_row and not batch.read.deaths:
            return
        terms = await self._rewards.find_terms(poll.server.scope) if self._rewards else None
        announced = Announced(poll.rule, await poll.find_posted(), terms)
        if announced.needs_newest(is_growth=chunk.is_growth):
            poll.rule = await self._find_newest(poll)
            announced = replace(announced, rule=poll.rule)
        stored = await self._store_batch(poll.server, batch, announced)
        await self._publish(poll.server.scope, stored)
        poll.outcome = _add(poll.outcome, batch, stored)

    async def _find_newest(self, poll: _Poll) -> NewsRule:
        """Return the rule of a poll with the newest row known; the newest file may hold no row yet."""
        latest = poll.reader.find_latest(self._clock.now())
        for back in range(NEWEST_FILES):
            rule = poll.rule.with_newest(await poll.tail.read_newest_lines(back=back), latest=latest)
            if rule.newest_written_at is not None:
                break
        return rule

    async def _pass_over(self, poll: _Poll, chunk: Chunk, reason: str) -> None:
        """Keep the only line of a chunk as rejected; one that is not whole yet comes again."""
        if chunk.is_last_row:
            return
        now = self._clock.now()
        read = poll.reader.reject(chunk, reason, now=now)
        batch = Batch(now, replace(chunk, after=read.after), read)
        stored = await self._store_batch(poll.server, batch, Announced(poll.rule, frozenset()))
        poll.outcome = _add(poll.outcome, batch, stored)

    async def _store_batch(self, server: GameServer, batch: Batch, announced: Announced) -> StoredBatch:
        """Store a chunk. What a file grew by is new unless somebody copied it: it is not looked for first."""
        is_shared = batch.read.lines <= SHARED_LINES
        run = self._store.in_shared_transaction if is_shared else self._store.in_transaction
        work = partial(self._store_in_unit, server, batch, announced)
        if batch.chunk.is_growth:
            try:
                return await run(server.scope, partial(work, looks=False))
            except (CursorMovedError, LeaseLostError):
                raise
            except StorageConflictError:
                logger.info("deaths are stored already", scope=str(server.scope), lines=batch.read.lines)
        return await run(server.scope, partial(work, looks=True))

    async def _store_in_unit(
        self, server: GameServer, batch: Batch, announced: Announced, unit: IngestionUnit, *, looks: bool
    ) -> StoredBatch:
        new = await _select_new(unit, batch.read.deaths, looks=looks)
        counted = await _count(unit, server, new)
        facts = counted.facts
        is_growth = batch.chunk.is_growth
        news = {death.id for death in new if announced.is_news(death, is_growth=is_growth)}
        live = [death for death in new if is_growth or death.id in news]
        notices = [
            build_notice(server, death, facts.get(death.id))
            for death in new
            if announced.includes(death, is_growth=is_growth)
        ]
        await unit.insert_deaths(live, read_at=batch.read_at)
        await unit.insert_deaths([death for death in new if not is_growth and death.id not in news])
        kills = [
            LiveKill(death, facts[death.id].streak, death.id in news) for death in live if death.id in facts
        ]
        won = await self._settle(unit, server, kills, terms=announced.terms, read_at=batch.read_at)
        queued: Sequence[Notice] = (*notices, *won)
        appended = await unit.append_notices(queued, created_at=self._clock.now(), changes_counters=bool(new))
        await unit.insert_rejected(batch.read.rejected)
        await unit.add_lines_read(batch.read.lines, batch.read.lines_rejected)
        await unit.move_cursor(batch.chunk.before, batch.chunk.after)
        kinds = NOTICE_KINDS.list_channel_kinds(queued)
        counters = CountersStored(
            scope=server.scope,
            generation=server.generation,
            batches=appended.batches,
            deaths=tuple(new),
            players=counted.players,
            days=counted.days,
        )
        return StoredBatch(tuple(new), kinds, counters if new else None, left_out=appended.left_out)

    async def _settle(
        self,
        unit: IngestionUnit,
        server: GameServer,
        kills: Sequence[LiveKill],
        *,
        terms: RewardTerms | None,
        read_at: datetime,
    ) -> Sequence[BountyNotice]:
        if self._rewards is None or terms is None or not kills:
            return ()
        return await self._rewards.settle(
            unit.money, server.scope, server.name, kills, terms=terms, read_at=read_at
        )

    async def _publish(self, scope: ServerScope, stored: StoredBatch) -> None:
        if stored.kinds:
            await self._events.dispatch(NoticesQueued(scope=scope, kinds=stored.kinds))
        if stored.counters is not None:
            await self._events.dispatch(stored.counters)
        if stored.deaths:
            await self._events.dispatch(DeathsStored(scope=scope, deaths=stored.deaths))
        for death in stored.deaths:
            if death.row.kind.is_kill:
                await self._events.dispatch(PlayerKilled(scope=scope, death=death))


def build_notice(server: GameServer, death: Death, facts: KillFacts | None) -> DeathNotice:
    """Return the facts of a death for the killfeed."""
    row = death.row
    return DeathNotice(
        event_id=death.id,
        kind=row.kind,
        server_name=server.name,
        killer_name=row.killer_name,
        victim_name=row.victim_name,
        weapon=row.weapon,
        distance=row.distance,
        at=death.at,
        killer_kills=facts.kills if facts else None,
        killer_deaths=facts.deaths if facts else None,
        killer_streak=facts.streak if facts else None,
    )


async def _select_new(unit: IngestionUnit, deaths: Sequence[Death], *, looks: bool) -> list[Death]:
    """Return the deaths each once, in the order of the log; if ``looks``, only those not stored."""
    first_of = {death.id: death for death in reversed(deaths)}
    known = await unit.find_known_ids(tuple(first_of)) if first_of and looks else frozenset()
    return [death for death in deaths if death.id not in known and first_of[death.id] is death]


async def _count(unit: IngestionUnit, server: GameServer, deaths: Sequence[Death]) -> CountedBatch:
    """Count new deaths on top of what is stored."""
    if not deaths:
        return CountedBatch({})
    generation = server.generation
    players = await unit.find_players(list_player_ids(deaths), generation=generation)
    days = await unit.find_days(_list_day_keys(deaths), generation=generation)
    counting = Counting(players, days)
    folded = {death.id: counting.add(death) for death in sorted(deaths, key=_get_order)}
    facts = {death_id: fact for death_id, fact in folded.items() if fact is not None}
    late = counting.late_players
    records = [record for record in counting.freeze_players() if record.player_id not in late]
    changed = [day for day in counting.freeze_days() if day.player_id not in late]
    for player_id in sorted(late):
        recount = await _recount(unit, player_id, deaths)
        records.append(recount.record)
        changed.extend(recount.days)
        facts.update((key, fact) for key, fact in recount.standings.items() if key in facts)
    await unit.replace_players(records, generation=generation)
    await unit.replace_days(changed, generation=generation)
    await unit.add_months(counting.freeze_months(), generation=generation)
    return CountedBatch(facts, tuple(records), tuple(changed))


async def _recount(unit: IngestionUnit, player_id: PlayerId, deaths: Sequence[Death]) -> PlayerRecount:
    """Count a player with a late row anew, from all that is stored of them and these new deaths."""
    stored = await unit.list_deaths_of(player_id)
    own = [death for death in deaths if player_id in (death.row.killer_id, death.row.victim_id)]
    return count_one_player(player_id, sorted([*stored, *own], key=_get_order))


def _get_order(death: Death) -> Order:
    return death.order


def _list_day_keys(deaths: Sequence[Death]) -> set[DayKey]:
    return {
        (player_id, death.row.written_at.date()) for death in deaths for player_id in list_player_ids([death])
    }


def _sum_up(problems: Sequence[str]) -> str | None:
    """Return the first of several problems and how many more there are; None without one."""
    if not problems:
        return None
    first, more = problems[0], len(problems) - 1
    if not more:
        return first
    if len(first) > FIRST_PROBLEM_CHARACTERS:
        first = f"{first[: FIRST_PROBLEM_CHARACTERS - 1]}…"
    return f"{first} ({write_quantity(more, 'more problem')})"


def _add(outcome: PollOutcome, batch: Batch, stored: StoredBatch) -> PollOutcome:
    newest = max((death.at for death in stored.deaths), default=outcome.newest_at)
    return replace(
        outcome,
        deaths=outcome.deaths + len(stored.deaths),
        rejected=outcome.rejected + batch.read.lines_rejected,
        left_out=outcome.left_out + stored.left_out,
        newest_at=newest if outcome.newest_at is None or newest is None else max(newest, outcome.newest_at),
        cursors={**outcome.cursors, batch.chunk.after.file: batch.chunk.after},
    )
