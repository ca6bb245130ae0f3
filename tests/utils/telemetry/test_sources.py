"""Errors full of secrets, names, ids and hosts: none of it reaches a collection, a file or an answer."""

import json
from datetime import timedelta
from pathlib import Path

from tests.fakes.clock import FakeClock
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import INDEXES
from utils.database.repositories.errors import ErrorRepository
from utils.embeds.factory import EmbedFactory
from utils.error_sink import ErrorSource, Where
from utils.errors import ChannelUnusableError, DeliveryRefusedError, StorageError
from utils.log_context import bind_log_context
from utils.models.error_groups import ErrorCategory, ErrorGroup
from utils.models.error_reports import GroupReport
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId, MemberId, ServerId
from utils.telemetry.error_writer import ErrorWriter
from utils.telemetry.errors import ErrorTelemetry
from utils.telemetry.guides import find_group_guide
from utils.telemetry.last_words import write_last_words
from utils.telemetry.pending_file import PendingCounts, write_pending

GUILD = GuildId(42)
NEEDLES = ("hunter2", "Ghostdkr67", "Wolf", "0002a9f3deadbeef", "sftp.host.example", "10.0.0.7", "aW50ZXJh")
MESSAGE = (
    "Wolf alias Ghostdkr67 (0002a9f3deadbeef) at sftp.host.example:22 and 10.0.0.7, "
    "password=hunter2 token aW50ZXJh"
)
OWN_KINDS = (StorageError, ChannelUnusableError, DeliveryRefusedError)
CATEGORIES = {
    ErrorSource.COMMAND: ErrorCategory.COMMAND,
    ErrorSource.AUTOCOMPLETE: ErrorCategory.COMMAND,
    ErrorSource.VIEW: ErrorCategory.COMMAND,
    ErrorSource.MODAL: ErrorCategory.COMMAND,
    ErrorSource.GATEWAY: ErrorCategory.EVENT,
    ErrorSource.TASK: ErrorCategory.TASK,
    ErrorSource.TURN: ErrorCategory.TASK,
    ErrorSource.HANDLER: ErrorCategory.EVENT,
    ErrorSource.WATCH: ErrorCategory.TASK,
    ErrorSource.CONNECTING: ErrorCategory.SFTP,
    ErrorSource.DELIVERY: ErrorCategory.DELIVERY,
    ErrorSource.MESSAGE: ErrorCategory.DELIVERY,
    ErrorSource.DISCORD: ErrorCategory.DISCORD,
    ErrorSource.DATABASE: ErrorCategory.DATABASE,
    ErrorSource.EVENT_LOOP: ErrorCategory.TASK,
    ErrorSource.THREAD: ErrorCategory.TASK,
    ErrorSource.UNRAISABLE: ErrorCategory.TASK,
    ErrorSource.LAST_WORDS: ErrorCategory.TASK,
}


def list_errors(source: ErrorSource) -> list[Exception]:
    """Return a bug that only this source meets, and errors of our own classes, all with the same message."""
    bug = type(f"{source.name.title()}Bug", (Exception,), {})
    return [
        bug(MESSAGE, {"player": MESSAGE}),
        *(kind(MESSAGE) for kind in OWN_KINDS),
        OSError(2, MESSAGE, MESSAGE),
    ]


async def test_nothing_that_was_typed_is_kept(database: SafeDatabase, tmp_path: Path) -> None:
    """Each source has one group for its bug, in the right category, and no needle is found anywhere."""
    clock, store = FakeClock(), ErrorRepository(database)
    errors = ErrorTelemetry(clock)
    writer = ErrorWriter(errors, store, folder=tmp_path, clock=clock)
    for source in ErrorSource:
        clock.move(1)  # a second has room for fifty records
        where = Where(
            source=source,
            guild_id=GUILD,
            server_id=ServerId("k3v9x0aa"),
            member_id=MemberId(7),
            task="read:deaths:42/k3v9x0aa",
            name=MESSAGE,
            host="sftp.host.example:22",
        )
        for error in list_errors(source) * 2:
            with bind_log_context(correlation_id="t-proof:42/7/0002a9f3deadbeef/9:PROVEN-3"):
                errors.report(error, where=where)
            write_last_words(tmp_path, errors.describe_last_words(error))
            assert_clean((tmp_path / "last-words.json").read_text("utf-8"))
    write_pending(tmp_path, PendingCounts("", (), (deltas := errors.counts.take(1000))))
    assert_clean((tmp_path / "errors-pending.json").read_text("utf-8"))
    assert len({delta.fingerprint for delta in deltas}) == len(ErrorSource) + len(OWN_KINDS) + 1
    writer.load_pending()
    await writer.write_all()
    for name in INDEXES:
        async for document in database.unscoped(name).find({}, {"_id": 0}):
            assert_clean(json.dumps(document, default=str))
            if document["guild_id"] == WHOLE_BOT and name == "errors":
                assert (document["servers"], document["members"]) == ([], [])
    groups, _ = await store.list_groups(GUILD, limit=100)
    found = {group.error_type.rpartition(".")[2]: group for group in groups}
    for source, category in CATEGORIES.items():
        group = found[f"{source.name.title()}Bug"]
        assert (group.category, group.count) == (category, 2)
        assert {one.correlation_id for one in group.samples} == {"t-proof-3"}
        assert_clean(json.dumps(build_embed(group)))


def build_embed(group: ErrorGroup) -> object:
    """Return what an owner of the bot is shown of a group."""
    report = GroupReport(group, find_group_guide(group), 1, 2, 3, None, is_whole=False)
    return EmbedFactory().build_error_report(report, is_owner=True).to_dict()


def assert_clean(kept: str) -> None:
    """Find no secret, no name, no id of a player and no host."""
    assert [needle for needle in NEEDLES if needle in kept] == []


def test_pattern_is_told_from_ten_errors_on() -> None:
    """Most errors of the last hour share something; it is forgotten after an hour, or with the member."""
    clock = FakeClock()
    errors = ErrorTelemetry(clock)
    for number in range(10):
        member = MemberId(7 if number < 8 else number)
        where = Where(source=ErrorSource.COMMAND, guild_id=GUILD, member_id=member, command=f"c{number}")
        errors.report(KeyError(), where=where)
    [fingerprint] = {delta.fingerprint for delta in errors.counts.take(9)}
    told = [str(errors.recent.find_pattern(one, fingerprint)) for one in (GUILD, WHOLE_BOT, GuildId(5))]
    assert told == ["Nearly all of one member: <@7>.", "Nearly all of one community.", "None"]
    clock.move(timedelta(minutes=59).total_seconds())
    assert errors.recent.find_pattern(GUILD, fingerprint) is not None
    errors.forget_member(GUILD, MemberId(7))
    assert errors.recent.find_pattern(GUILD, fingerprint) is None
