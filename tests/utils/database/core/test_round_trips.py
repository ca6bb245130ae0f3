"""Documents: every value comes back unchanged from its stored form.

Values go through BSON, as in MongoDB, so that the test shows types that BSON would change.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from bson import CodecOptions, decode, encode
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from utils.database.core.keys import KEY_BYTES, build_key_prefix, build_key_range
from utils.database.core.scope_rules import scope_document, scope_of_server
from utils.database.documents.death_documents import (
    build_cursor_move,
    build_death_document,
    build_rejected_document,
    decode_deaths,
    read_cursor,
    read_death,
    read_rejected,
)
from utils.database.documents.guild_documents import SettingsDocuments
from utils.database.documents.notice_documents import (
    build_entry_document,
    build_message_document,
    read_entry,
    read_message,
)
from utils.database.documents.player_documents import (
    build_player_document,
    format_month,
    group_days,
    merge_days,
    read_days,
    read_player,
)
from utils.database.documents.server_documents import (
    build_health_document,
    build_import_document,
    build_server_document,
    read_health,
    read_import,
    read_server,
)
from utils.errors import ScopeViolationError
from utils.models.deaths import Death, DeathKind, DeathRow, LogFile
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.outbox import EntryKey, Feed, MessageState, OutgoingMessage
from utils.models.players import Counters, NameSeen, PlayerDay, PlayerRecord
from utils.models.problems import Problem
from utils.models.reading import CatchUp, Cursor, ImportJob, RejectedLine, RowClock
from utils.models.rejections import RejectionReason
from utils.models.scope import ChannelId, GuildId, PlayerId, ServerId, ServerScope
from utils.models.servers import ConnectionState, EncryptedSecret, GameServer, ServerHealth
from utils.models.texts import Text
from utils.services.ingestion.fingerprint import build_scope_prefix, compute_death_id

SCOPE = ServerScope(GuildId(42), ServerId("aaaaaaaa"))
OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
REASONS = st.sampled_from([RejectionReason.EMPTY.say(), RejectionReason.COLUMNS.count(3)]) | TEXT.map(
    lambda failure: RejectionReason.NOT_STORED.say(failure=failure)
)
QUOTED = TEXT.map(lambda name: Problem.QUOTED.say(name=name))
PROBLEMS = QUOTED | st.builds(
    lambda more, first: Problem.AND_MORE.count(more, first=first), st.integers(1, 99), QUOTED
)
SECONDS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - wall-clock times
    lambda at: at.replace(microsecond=0)
)
MOMENTS = SECONDS.map(lambda at: at.replace(tzinfo=UTC))
COUNTS = st.integers(0, 2**40)
IDS = st.text("0123456789abcdef", min_size=32, max_size=32).map(PlayerId)
SNOWFLAKES = st.integers(1, 2**63 - 1)
FILES = st.builds(LogFile, TEXT, TEXT)
COUNTERS = st.builds(Counters, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
ROWS = st.builds(
    DeathRow,
    written_at=SECONDS,
    kind=st.sampled_from(DeathKind),
    killer_id=st.none() | IDS,
    killer_name=TEXT,
    victim_id=IDS,
    victim_name=TEXT,
    weapon=TEXT,
    distance=st.integers(0, 10**6),
    killer_platform=TEXT,
    victim_platform=TEXT,
)
DEATHS = st.builds(
    Death,
    st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES),
    ROWS,
    MOMENTS,
    FILES,
    st.integers(0, 2**40),
    st.none() | SECONDS,
)
CHANNELS = st.dictionaries(st.sampled_from(ChannelKind), SNOWFLAKES.map(ChannelId))
FEEDS = st.builds(
    Feed,
    st.builds(ServerScope, st.just(SCOPE.guild_id), st.sampled_from(["aaaaaaaa", "bbbbbbbb"]).map(ServerId)),
    st.sampled_from(ChannelKind),
)
SERVERS = st.builds(
    GameServer,
    scope=st.just(SCOPE),
    name=TEXT,
    host=TEXT,
    port=st.integers(1, 65535),
    username=TEXT,
    secret=st.binary(max_size=40).map(EncryptedSecret),
    number=st.none() | st.integers(0, 10**9),
    base_path=st.none() | TEXT,
    timezone=TEXT,
    legacy=st.booleans(),
    host_key=st.none() | TEXT,
    silenced=st.frozensets(st.sampled_from(DeathKind) | TEXT),
    generation=st.integers(0, 1000),
    is_paused=st.booleans(),
    added_at=st.none() | MOMENTS,
    channels=CHANNELS,
)


def store(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as MongoDB returns it."""
    return decode(encode(document), OPTIONS)


@given(DEATHS)
def test_death_comes_back_as_it_was(death: Death) -> None:
    """The written time has no zone, the moment is UTC; an absent platform stays absent."""
    document = build_death_document(death)
    assert read_death(store(document)) == death
    assert ("killer_platform" in document) is bool(death.row.killer_platform)


@given(st.lists(DEATHS, max_size=4))
def test_raw_batch_holds_its_deaths_in_order(deaths: list[Death]) -> None:
    """A recount reads batches of thousands; they contain the same deaths as single reads."""
    encoded = b"".join(encode(build_death_document(death)) for death in deaths)
    assert decode_deaths(encoded) == tuple(deaths)


@given(
    FILES,
    st.integers(0, 2**40),
    st.binary(max_size=256),
    st.none() | st.builds(RowClock, SECONDS, MOMENTS),
)
def test_cursor_comes_back_as_it_was(file: LogFile, offset: int, head: bytes, clock: RowClock | None) -> None:
    """With a changed cursor the file would look rewritten."""
    cursor = Cursor(file, offset, head, clock)
    place = {"world": file.world, "name": file.name}
    read = read_cursor(store(build_cursor_move(cursor) | place))
    assert (read, read.clock) == (cursor, clock)


@given(FILES, st.integers(0, 2**40), TEXT, REASONS, MOMENTS)
def test_rejected_line_comes_back_as_it_was(
    file: LogFile, offset: int, line: str, reason: Text, seen_at: datetime
) -> None:
    """Admins see the original line."""
    rejected = RejectedLine(file, offset, line, reason, seen_at)
    assert read_rejected(store(build_rejected_document(rejected))) == rejected


@given(
    st.builds(
        PlayerRecord,
        player_id=IDS,
        name=TEXT,
        names=st.lists(st.builds(NameSeen, TEXT, MOMENTS, MOMENTS), max_size=3).map(tuple),
        counters=COUNTERS,
        current_streak=COUNTS,
        last_order=st.tuples(SECONDS, TEXT, TEXT, COUNTS),
        last_seen_at=MOMENTS,
    ),
    st.integers(0, 9),
)
def test_player_comes_back_as_he_was(player: PlayerRecord, generation: int) -> None:
    """Figures, names and the position in the log come back unchanged."""
    document = store(build_player_document(player, generation=generation))
    assert read_player(document) == player
    assert document["generation"] == generation


@given(
    st.lists(
        st.builds(
            PlayerDay,
            st.sampled_from([PlayerId("a"), PlayerId("b")]),
            st.dates(date(2025, 1, 30), date(2025, 3, 2)),
            COUNTERS,
        ),
        max_size=12,
    ),
    st.integers(0, 12),
)
def test_days_written_in_two_turns_are_the_last_ones_written(days: list[PlayerDay], first: int) -> None:
    """A month's document has each day once, in order, with its last written values."""
    stored: dict[tuple[PlayerId, str], list[dict[str, Any]]] = {}
    for turn in (days[:first], days[first:]):
        for key, changed in group_days(turn).items():
            stored[key] = merge_days(stored.get(key, ()), changed)
    buckets = [
        store({"player_id": player_id, "month": month, "days": entries})
        for (player_id, month), entries in stored.items()
    ]
    found = {(day.player_id, day.day): day for bucket in buckets for day in read_days(bucket)}
    assert found == {(day.player_id, day.day): day for day in days}
    for bucket in buckets:
        numbers = [entry["day"] for entry in bucket["days"]]
        assert numbers == sorted(set(numbers))


@given(st.dates(), st.dates())
def test_months_sort_as_their_days_do(one: date, other: date) -> None:
    """Months are compared as text, so they must sort by date, even in the first millennium."""
    months = (format_month(one), format_month(other))
    assert (months[0] < months[1]) is ((one.year, one.month) < (other.year, other.month))


@given(
    st.builds(
        DeathNotice,
        event_id=st.binary(min_size=32, max_size=32),
        kind=st.sampled_from(DeathKind),
        server_name=TEXT,
        killer_name=TEXT,
        victim_name=TEXT,
        weapon=TEXT,
        distance=st.integers(0, 10**6),
        at=MOMENTS,
        killer_kills=st.none() | COUNTS,
        killer_deaths=st.none() | COUNTS,
        killer_streak=st.none() | COUNTS,
    ),
    st.integers(1, 2**40),
    MOMENTS,
)
def test_notice_comes_back_with_all_its_facts(notice: DeathNotice, sequence: int, at: datetime) -> None:
    """After a restart a message is built again, and must be equal to the one that was tried."""
    entry = read_entry(SCOPE, store(build_entry_document(notice, sequence=sequence, due_at=at)))
    assert (entry.notice, entry.sequence, entry.due_at) == (notice, sequence, at)
    assert (entry.scope, entry.channel_kind) == (SCOPE, ChannelKind.KILLFEED)


@given(
    st.builds(
        OutgoingMessage,
        guild_id=st.just(SCOPE.guild_id),
        channel_id=SNOWFLAKES.map(ChannelId),
        entries=st.lists(st.builds(EntryKey, FEEDS, st.integers(0, 2**40)), max_size=10).map(tuple),
        nonce=TEXT,
        prepared_at=MOMENTS,
        state=st.sampled_from(MessageState),
    )
)
def test_message_comes_back_as_it_was(message: OutgoingMessage) -> None:
    """Group, nonce and first try come back, because they prevent a second post."""
    assert read_message(SCOPE.guild_id, store(build_message_document(message))) == message


@given(SERVERS)
def test_server_comes_back_as_it_was(server: GameServer) -> None:
    """Every setting of an admin comes back; additional fields of other features are allowed."""
    document = store(scope_document(scope_of_server(server.scope), build_server_document(server)))
    assert read_server(document | {"health": {}, "later": 1}) == server


def test_repr_of_a_stored_server_holds_no_secret() -> None:
    """Not even the ciphertext appears in tracebacks and logs."""
    server = GameServer(SCOPE, "Mirny", "h", 22, "u", EncryptedSecret(b"sealed-bytes"))
    assert "sealed" not in repr(server)


@given(CHANNELS, st.none() | SNOWFLAKES)
def test_guild_settings_come_back_as_they_were(
    channels: dict[ChannelKind, ChannelId], role: int | None
) -> None:
    """Channel ids are numbers of 63 bits and do not lose any bit."""
    documents, nothing = SettingsDocuments(GuildSettings), GuildSettings(SCOPE.guild_id)
    settings = replace(nothing, channels=channels, admin_role_id=role)
    stored = store(documents.build_changed(nothing, settings))
    assert documents.read(SCOPE.guild_id, stored) == settings


@given(
    st.builds(
        ServerHealth,
        scope=st.just(SCOPE),
        state=st.sampled_from(ConnectionState),
        problem=st.none() | PROBLEMS,
        last_read_at=st.none() | MOMENTS,
        lag_seconds=st.none() | st.floats(0, 1e6),
        lines_read=COUNTS,
        lines_rejected=COUNTS,
    )
)
def test_health_comes_back_with_the_lines_counted_beside_it(health: ServerHealth) -> None:
    """The document has no counts of lines, because the cursors have them."""
    document = store(build_health_document(health))
    assert not {"lines_read", "lines_rejected"} & document.keys()
    counts = {"lines_read": health.lines_read, "lines_rejected": health.lines_rejected}
    assert read_health(document, SCOPE, **counts) == health


@given(
    st.dictionaries(FILES, st.integers(0, 2**40), max_size=4),
    MOMENTS,
    st.none() | SNOWFLAKES.map(ChannelId),
    st.none() | SNOWFLAKES,
    st.none()
    | st.builds(
        CatchUp,
        since=MOMENTS,
        read=st.none()
        | st.dictionaries(FILES, st.tuples(st.integers(0, 2**40), st.binary(max_size=32)), max_size=4).map(
            lambda read: {file: Cursor(file, *place) for file, place in read.items()}
        ),
        history=st.dictionaries(FILES, st.integers(0, 2**40), max_size=4),
        stored=COUNTS,
        missing=COUNTS,
    ),
)
def test_import_job_comes_back_as_it_was(
    ends: dict[LogFile, int],
    at: datetime,
    channel: ChannelId | None,
    message: int | None,
    catch_up: CatchUp | None,
) -> None:
    """The end of the history is fixed once, and is the same after a crash."""
    job = ImportJob(3, at, ends, channel, message, catch_up=catch_up)
    assert read_import(store(build_import_document(job))) == job


@pytest.mark.parametrize(
    "damage",
    [{"port": "many"}, {"silenced": "fall"}, {"channels": {"gossip": 1}}, {"secret": None}],
)
def test_damaged_settings_are_refused_instead_of_guessed(damage: dict[str, object]) -> None:
    """Settings that were written by hand are checked when they are read."""
    server = GameServer(SCOPE, "Mirny", "h", 22, "u", EncryptedSecret(b"x"))
    document = scope_document(scope_of_server(SCOPE), build_server_document(server)) | damage
    with pytest.raises(ValidationError):
        read_server(document)


@given(SNOWFLAKES, st.text("abcdefgh2345", min_size=1, max_size=8), ROWS)
def test_id_of_a_death_lies_in_the_range_of_its_server_alone(guild: int, server: str, row: DeathRow) -> None:
    """All deaths of a server are between two keys, and deaths of other servers are outside."""
    scope = ServerScope(GuildId(guild), ServerId(server))
    death_id = compute_death_id(build_scope_prefix(scope), row)
    first, last = build_key_range(scope)
    assert first <= death_id <= last
    assert build_scope_prefix(scope) == build_key_prefix(scope)
    neighbour = ServerScope(GuildId(guild - 1), ServerId(server))
    low, high = build_key_range(neighbour)
    assert not low <= death_id <= high


@pytest.mark.parametrize("server_id", ["ninechars", "ünïcödé", "日本"])
def test_server_id_that_does_not_fit_is_refused(server_id: str) -> None:
    """A longer id would overlap the keys of another server."""
    with pytest.raises(ScopeViolationError, match="at most 8 ASCII characters"):
        build_key_prefix(ServerScope(GuildId(1), ServerId(server_id)))


def test_ids_follow_the_clock_of_the_log() -> None:
    """A later row has a greater id, so the newest deaths are found from the end."""
    row = DeathRow(
        datetime(2025, 5, 1),  # noqa: DTZ001 - a wall-clock time
        DeathKind.KILL,
        PlayerId("a"),
        "a",
        PlayerId("b"),
        "b",
        "Mosin",
        1,
    )
    prefix = build_scope_prefix(SCOPE)
    later = [
        DeathRow(row.written_at + timedelta(seconds=seconds), row.kind, row.killer_id, *list_rest(row))
        for seconds in (0, 1, 59, 86_400, 10**8)
    ]
    ids = [compute_death_id(prefix, one) for one in later]
    assert ids == sorted(ids)


def list_rest(row: DeathRow) -> tuple[Any, ...]:
    """Return the facts of a row without its killer."""
    return (row.killer_name, row.victim_id, row.victim_name, row.weapon, row.distance)
