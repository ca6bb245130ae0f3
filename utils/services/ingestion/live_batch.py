"""Storing a live batch: the deaths, counters, notices and the cursor of one chunk, all or nothing.

*Theory of operation.* All of it is one transaction. Within the transaction the order is:

1. **New deaths.** Appended rows are taken for new without a search, which saves a read. If a death is stored
already (copied rows), storing it is a conflict, everything is undone, and ``LiveIngestion`` runs it again
with a search (``LiveBatch.looks``). For all other chunks the search comes first.
2. **Counters** are read, for all batches of the transaction in one operation, with the numbers of 5 and what
   rules ask first: whose players these are. They are counted on and written. A second batch that
   counts the same player meets a write conflict and runs again as a whole, on what the first one wrote.
3. **Deaths** are inserted before the rules judge, because a rule may read a killer's kills, also those of
this batch.
4. **Rules** (``batch_rules``) pay rewards, claim bounties and return further notices. Then the kills that
   are posted get their ``highlights``.
5. **Numbers of notices** are drawn after that. If another transaction draws numbers for this server, this one
gets a write conflict and runs again.
6. **The cursor** is moved from the value at which the chunk was read. This makes a batch happen once: if
another transaction has moved the cursor, this one stores nothing. Writes wait for the transaction's end, and
the cursor is written first, so an outdated chunk fails with CursorMovedError and is not taken for copied
rows.

These are plain functions of a unit and of values. They run in a thread (``database/core/threads.py`` says
why), do not await, use no service, and may run several times.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from utils.events import CountersStored, DeathsStored, Event, NoticesQueued
from utils.models.deaths import Death, Killing
from utils.models.guilds import ChannelKind
from utils.models.money import PAID_WINDOW
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.highlights import Highlight, HighlightKind
from utils.models.notices.kinds import NOTICE_KINDS
from utils.models.notices.notice import Notice
from utils.models.players import PlayerDay, PlayerRecord, ServerMonth, sum_months
from utils.models.reading import Chunk, CountingNeeds
from utils.models.scope import PlayerId
from utils.models.servers import GameServer, PostedDeaths
from utils.services.ingestion.batch_rules import BatchTerms, LiveDeaths, LiveKill, RuleOutcome
from utils.services.ingestion.counting import (
    Counting,
    DayKey,
    KillFacts,
    LastKills,
    Order,
    PlayerRecount,
    count_one_player,
    list_player_ids,
    list_watched_killers,
)
from utils.services.ingestion.highlights import (
    HighlightTerms,
    HighlightUnit,
    compute_killed_since,
    find_highlights,
)
from utils.services.ingestion.news import NewsRule
from utils.services.ingestion.row_reader import ReadLines
from utils.services.ingestion.stores import IngestionUnit, SharedUnit


@dataclass(frozen=True, slots=True)
class NewsTerms:
    """The settings for a chunk's new deaths: what to post, and the terms of the rules.

    Attributes:
        posted: the deaths to post, and their highlights; none without a channel.
        terms: the terms of the rules that apply.
    """

    rule: NewsRule
    posted: PostedDeaths
    terms: Sequence[BatchTerms] = ()

    def needs_newest(self, *, is_growth: bool) -> bool:
        """Tell whether the newest row of the logs must be known before such a chunk is judged."""
        is_asked = bool(self.posted.kinds) or bool(self.terms)
        return is_asked and self.rule.needs_newest(is_growth=is_growth)


@dataclass(frozen=True, slots=True)
class LiveBatch:
    """One parsed chunk, ready to be stored.

    Attributes:
        read_at: when it was read; this decides whether a claim is in time.
        looks: True: search for stored deaths first.
    """

    server: GameServer
    chunk: Chunk
    read: ReadLines
    announced: NewsTerms
    read_at: datetime
    looks: bool

    def is_news(self, death: Death) -> bool:
        """Tell whether a new death is recent enough to be posted."""
        return self.announced.rule.is_news(death.row.written_at, is_growth=self.chunk.is_growth)

    def is_posted(self, death: Death) -> bool:
        """Tell whether a new death is posted."""
        return death.row.kind in self.announced.posted.kinds and self.is_news(death)


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """The result of a transaction: the new deaths in order of the log, and the events to dispatch.

    Attributes:
        left_out: the number of posts that were left out, because too many wait.
        late_players: the number of players with a row that is older than a counted one.
    """

    deaths: tuple[Death, ...] = ()
    events: tuple[Event, ...] = ()
    left_out: int = 0
    late_players: int = 0


@dataclass(frozen=True, slots=True)
class CountedBatch:
    """The counters around each kill, by death, and the changed counters.

    Attributes:
        late: the players with a row that is older than a counted one.
        months: the server's months of these kills, as they were before.
    """

    facts: Mapping[bytes, KillFacts]
    players: tuple[PlayerRecord, ...] = ()
    days: tuple[PlayerDay, ...] = ()
    late: frozenset[PlayerId] = frozenset()
    months: Mapping[date, ServerMonth] = field(default_factory=dict)


def store_live_batches(unit: SharedUnit, batches: Sequence[LiveBatch]) -> list[StoredBatch]:
    """Store batches of several servers in one transaction; return the result of each."""
    parts = [unit.of_server(batch.server.scope) for batch in batches]
    new = list(map(_select_new, parts, batches))  # 1
    unit.read_ahead(list(map(_list_needs, batches, new)))
    return list(map(store_live_batch, parts, batches, new))


def store_live_batch(unit: IngestionUnit, batch: LiveBatch, new: Sequence[Death]) -> StoredBatch:
    """Store one batch with its new deaths; the numbers are those of the module's docstring."""
    counted = _count(unit, batch.server, new)  # 2
    killings = _find_killings(unit, batch, new)
    news = {death.id for death in new if batch.is_news(death)}
    live = [death for death in new if batch.chunk.is_growth or death.id in news]
    unit.insert_deaths(live, read_at=batch.read_at)  # 3
    if len(live) < len(new):
        unit.insert_deaths([death for death in new if not batch.chunk.is_growth and death.id not in news])
    outcome = _judge(unit, batch, live, counted.facts, news)  # 4
    highlights = _find_highlights(unit, batch, new, counted, killings, outcome.claims)
    posted = batch.announced.posted
    notices: list[Notice] = [
        build_notice(
            batch.server,
            death,
            counted.facts.get(death.id),
            highlights.get(death.id, ()),
            tags=outcome.tags,
        )
        for death in new
        if batch.is_posted(death) and (highlights.get(death.id) or not posted.is_near(death.row))
    ]
    notices += outcome.notices
    delays = {ChannelKind.KILLFEED: posted.delay}
    appended = unit.append_notices(  # 5
        notices, created_at=batch.read_at, delays=delays, changes_counters=bool(new)
    )
    unit.insert_rejected(batch.read.rejected)
    unit.add_lines_read(batch.read.lines, batch.read.lines_rejected)
    unit.move_cursor(batch.chunk.before, batch.chunk.after)  # 6
    told = _tell(batch.server, new, notices, counted, batches=appended.batches)
    events = (*told, *outcome.events)
    return StoredBatch(tuple(new), events, left_out=appended.left_out, late_players=len(counted.late))


def build_notice(
    server: GameServer,
    death: Death,
    facts: KillFacts | None,
    highlights: tuple[Highlight, ...] = (),
    *,
    tags: Mapping[PlayerId, str] | None = None,
) -> DeathNotice:
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
        highlights=highlights,
        killer_tag=(tags or {}).get(row.killer_id or PlayerId(""), ""),
        victim_tag=(tags or {}).get(row.victim_id, ""),
    )


def _select_new(unit: IngestionUnit, batch: LiveBatch) -> list[Death]:
    """Return each new death once, in the order of the log; stored ones are removed only with ``looks``."""
    deaths = batch.read.deaths
    first_of = {death.id: death for death in reversed(deaths)}
    known = unit.find_known_ids(tuple(first_of)) if first_of and batch.looks else frozenset()
    return [death for death in deaths if death.id not in known and first_of[death.id] is death]


def _list_needs(batch: LiveBatch, new: Sequence[Death]) -> CountingNeeds:
    """Return what is to be read before new deaths are counted, and judged by rules if there are any."""
    server = batch.server
    kills = _list_avenging(batch, new)
    return CountingNeeds(
        server.scope,
        server.generation,
        _list_day_keys(new),
        finds_members=bool(batch.announced.terms),
        killed=_list_killers(kills),
        killed_since=compute_killed_since(kills),
    )


def _count(unit: IngestionUnit, server: GameServer, deaths: Sequence[Death]) -> CountedBatch:
    """Count new deaths, starting from the stored counters."""
    if not deaths:
        return CountedBatch({})
    generation = server.generation
    keys = _list_day_keys(deaths)
    players = unit.find_players(list_player_ids(deaths), generation=generation)
    days = unit.find_days(keys, generation=generation)
    last_kills = _find_last_kills(unit, deaths, players, days)
    counting = Counting(players, days, xp_events=unit.list_xp_events(), last_kills=last_kills)
    folded = {death.id: counting.add(death) for death in sorted(deaths, key=_get_order)}
    facts = {death_id: fact for death_id, fact in folded.items() if fact is not None}
    late = counting.late_players
    records = [record for record in counting.freeze_players() if record.player_id not in late]
    changed = [day for day in counting.freeze_days() if day.player_id not in late]
    for player_id in sorted(late):
        recount = _recount(unit, player_id, deaths)
        records.append(recount.record)
        changed.extend(recount.days)
        facts.update((key, fact) for key, fact in recount.standings.items() if key in facts)
    unit.replace_players(records, generation=generation)
    unit.replace_days(changed, generation=generation)
    months = add_months(unit, counting.freeze_months(), generation)
    return CountedBatch(facts, tuple(records), tuple(changed), frozenset(late), months)


def _find_last_kills(
    unit: IngestionUnit,
    deaths: Sequence[Death],
    players: Mapping[PlayerId, PlayerRecord],
    days: Mapping[DayKey, PlayerDay],
) -> LastKills:
    """Return the stored kills on which the XP of new kills depends; a calm batch reads nothing."""
    watched = list_watched_killers(deaths, players, days)
    if not watched:
        return {}
    first = min(death.row.written_at for death in deaths if death.row.killer_id in watched)
    return unit.find_last_kills(watched, since=first - PAID_WINDOW)


def add_months(
    unit: IngestionUnit, months: Iterable[ServerMonth], generation: int
) -> Mapping[date, ServerMonth]:
    """Add the counts of new deaths to the server's months; return these as they were before."""
    new = {month.month: month for month in months}
    before = unit.find_months(new, generation=generation)
    sums = [sum_months(before[key], month) if key in before else month for key, month in new.items()]
    unit.replace_months(sums, generation=generation)
    return before


def _recount(unit: IngestionUnit, player_id: PlayerId, deaths: Sequence[Death]) -> PlayerRecount:
    """Count a player with a late row again, from all their stored deaths and these new ones."""
    stored = unit.list_deaths_of(player_id)
    own = [death for death in deaths if player_id in (death.row.killer_id, death.row.victim_id)]
    rows = sorted([*stored, *own], key=_get_order)
    return count_one_player(player_id, rows, xp_events=unit.list_xp_events())


def _judge(
    unit: IngestionUnit,
    batch: LiveBatch,
    live: Sequence[Death],
    facts: Mapping[bytes, KillFacts],
    news: set[bytes],
) -> RuleOutcome:
    """Run every rule on the live deaths, in the order of the rules."""
    if not live or not batch.announced.terms:
        return RuleOutcome()
    kills = [LiveKill(death, facts[death.id].streak, death.id in news) for death in live if death.id in facts]
    deaths = LiveDeaths(batch.server.scope, batch.server.name, live, kills, batch.read_at)
    outcomes = [terms.judge(unit, deaths) for terms in batch.announced.terms]
    return RuleOutcome(
        notices=[notice for outcome in outcomes for notice in outcome.notices],
        events=[event for outcome in outcomes for event in outcome.events],
        claims={key: amount for outcome in outcomes for key, amount in outcome.claims.items()},
        tags={player: tag for outcome in outcomes for player, tag in outcome.tags.items()},
    )


def _list_avenging(batch: LiveBatch, new: Sequence[Death]) -> list[Death]:
    """Return the kills that may be a revenge."""
    if HighlightKind.REVENGE not in batch.announced.posted.highlights:
        return []
    return [death for death in new if death.row.kind.is_kill and batch.is_posted(death)]


def _find_killings(unit: IngestionUnit, batch: LiveBatch, new: Sequence[Death]) -> Sequence[Killing]:
    """Return who killed the killers of new kills before; these kills themselves are not stored yet."""
    kills = _list_avenging(batch, new)
    since = compute_killed_since(kills)
    return [] if since is None else unit.find_killings(_list_killers(kills), since=since)


def _list_killers(kills: Sequence[Death]) -> frozenset[PlayerId]:
    return frozenset(kill.row.killer_id for kill in kills if kill.row.killer_id is not None)


def _find_highlights(
    unit: HighlightUnit,
    batch: LiveBatch,
    new: Sequence[Death],
    counted: CountedBatch,
    killings: Sequence[Killing],
    claims: Mapping[bytes, int],
) -> Mapping[bytes, tuple[Highlight, ...]]:
    """Return the highlights of new deaths, by death."""
    terms = HighlightTerms(
        generation=batch.server.generation,
        kinds=batch.announced.posted.highlights,
        facts={
            death.id: counted.facts[death.id]
            for death in new
            if death.id in counted.facts
            and batch.is_posted(death)
            and counted.late.isdisjoint(list_player_ids([death]))
        },
        months=counted.months,
        killings=killings,
        claims=claims,
    )
    return find_highlights(unit, sorted(new, key=_get_order), terms)


def _tell(
    server: GameServer,
    new: Sequence[Death],
    notices: Sequence[Notice],
    counted: CountedBatch,
    *,
    batches: int,
) -> list[Event]:
    """Return the events of a batch: NoticesQueued, CountersStored, DeathsStored."""
    events: list[Event] = []
    if notices:
        kinds = NOTICE_KINDS.list_channel_kinds(notices)
        events.append(NoticesQueued(scope=server.scope, kinds=kinds))
    if new:
        deaths = tuple(new)
        counters = CountersStored(
            scope=server.scope,
            generation=server.generation,
            batches=batches,
            deaths=deaths,
            players=counted.players,
            days=counted.days,
        )
        events += [counters, DeathsStored(scope=server.scope, deaths=deaths)]
    return events


def _get_order(death: Death) -> Order:
    return death.order


def _list_day_keys(deaths: Sequence[Death]) -> frozenset[DayKey]:
    return frozenset(
        (player_id, death.row.written_at.date()) for death in deaths for player_id in list_player_ids([death])
    )
