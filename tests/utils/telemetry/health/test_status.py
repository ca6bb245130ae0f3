"""The status file and the metrics: complete, without names, and judged by ``bot.py status``."""

import json
import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE
from tests.utils.telemetry.health.test_checker import GUILD, World, find
from utils.models.backups import BackupState
from utils.models.health import DirectState, OutboxState, ServerReading
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import CheckState
from utils.models.servers import ConnectionState
from utils.models.verification import DataCheck
from utils.tallies import ANSWERED, LIMITS, CommandTally, Durations, compute_quantile
from utils.telemetry.errors import ErrorTelemetry
from utils.telemetry.health.metrics import Figures, write_metrics
from utils.telemetry.health.probes.gateway import RefusalCounter
from utils.telemetry.health.probes.work import ServerClocks
from utils.telemetry.health.status import STATUS_FILE, ProcessState, judge_status, read_status
from utils.telemetry.health.status_source import StatusSource
from utils.telemetry.health.status_writer import METRICS_FILE, StatusWriter

DOCS = Path(__file__).parents[4] / "docs"
MONITORING = (DOCS / "MONITORING.md").read_text("utf-8")
KINDS = (IncidentKind.SERVER_UNREAD, IncidentKind.MEMORY)


@pytest.fixture(name="source")
async def _source(clock: FakeClock) -> StatusSource:
    """A bot with a bad check, a server, a command and a waiting post."""
    world, tally = World(clock), CommandTally()
    checker = world.build(*map(world.probe, KINDS))
    world.found[KINDS[0]] = [find(KINDS[0], CheckState.WARN, "k3v9x0aa", GUILD)]
    await world.pass_quiet_time()
    await world.run(checker, 3)
    tally.note("stats", ANSWERED, guild_id=GUILD)
    tally.durations.note(0.3)
    reading = ServerReading(SCOPE, "Mirny", ConnectionState.CONNECTED, START, 4.25)
    return StatusSource(
        checker,
        tally,
        RefusalCounter(),
        ServerClocks(clock),
        ErrorTelemetry(clock),
        Durations(),
        Durations(),
        get_outbox=lambda: OutboxState({GUILD: 3}, {GUILD: 70.0}),
        get_direct=lambda: DirectState(2, 40.0),
        list_readings=lambda: [reading],
        count_sent=lambda: 7,
        get_backups=lambda: BackupState(7, START, START - timedelta(days=1), START, 96_000_000),
        get_data_check=lambda: DataCheck(START),
    )


@pytest.fixture(name="writer")
def _writer(tmp_path: Path, clock: FakeClock) -> StatusWriter:
    """Return what writes into two folders that do not exist yet."""
    folders = tmp_path / "status", tmp_path / "metrics"
    return StatusWriter(*folders, version="killfeed 1.0", data_version=3, clock=clock)


async def test_status_of_a_running_bot_has_its_checks_counts_and_ids_and_no_names(
    writer: StatusWriter, source: StatusSource
) -> None:
    """The group may read both files, and no temporary file is left."""
    writer.content, writer.startup = source, [("Database", "ok", "version 7.0")]
    writer.change(ProcessState.RUNNING)
    await writer.write()
    status = read_status(writer.folder)
    assert status is not None
    assert {name: status[name] for name in ("schema", "version", "data_version", "state", "guilds")} == {
        "schema": 1,
        "version": "killfeed 1.0",
        "data_version": 3,
        "state": "running",
        "guilds": [42],
    }
    assert status["checks"]["server-unread"]["state"] == "warn"
    assert [(one["kind"], one["guild"]) for one in status["incidents"]] == [("server-unread", 42)]
    assert (status["counts"]["outbox"], status["counts"]["commands_answered"]) == (3, 1)
    assert status["counts"]["backup"] == {
        "number": 7,
        "newest_at": "2025-05-01T12:00:00+00:00",
        "proven_at": "2025-04-30T12:00:00+00:00",
        "bytes": 96_000_000,
    }
    assert status["startup"] == [{"name": "Database", "outcome": "ok", "detail": "version 7.0"}]
    files = [writer.folder / STATUS_FILE, writer.metrics_folder / METRICS_FILE]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o640, 0o640]
    assert sorted(writer.folder.iterdir()) == files[:1]
    assert status["checks"]["server-unread"]["said"] == "It concerns 1 game server."
    assert "Mirny" not in files[0].read_text("utf-8")
    assert sorted(status) == sorted(re.findall(r"`(\w+)`", "".join(_read_rows("status.json"))))


def _read_rows(heading: str) -> list[str]:
    """Return the first cells of the table below a heading of docs/MONITORING.md."""
    part = MONITORING.split(f"## `{heading}`" if "." in heading else f"## {heading}", 1)[1].split("\n## ")[0]
    return [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]


async def test_disk_that_takes_nothing_is_survived(writer: StatusWriter) -> None:
    """The next write tries again."""
    writer.folder.write_text("a file in the way", "utf-8")
    await writer.write()
    writer.folder.unlink()
    await writer.write()
    assert read_status(writer.folder) is not None


async def test_metrics_follow_the_rules_of_prometheus_and_their_documents(
    writer: StatusWriter, source: StatusSource
) -> None:
    """Every family is documented, with its labels; no sample has a time; the text ends with a line feed."""
    writer.content = source
    await writer.write()
    text = (writer.metrics_folder / METRICS_FILE).read_text("utf-8")
    assert text.endswith("\n")
    families = {one.name: one for one in text_string_to_metric_families(text)}
    samples = [sample for family in families.values() for sample in family.samples]
    assert [sample for sample in samples if sample.timestamp is not None] == []
    values = {(one.name, *one.labels.values()): one.value for one in samples}
    assert values["killfeed_health_state", "server-unread"] == 1
    assert values["killfeed_incidents", "server-unread"] == 1
    assert values["killfeed_commands_total", "stats", "answered"] == 1
    assert values["killfeed_server_lag_seconds", "42", "k3v9x0aa"] == 4.25
    assert (values["killfeed_outbox_entries",], values["killfeed_messages_sent_total",]) == (3, 7)
    assert (values["killfeed_direct_entries",], values["killfeed_direct_oldest_seconds",]) == (2, 40)
    assert values["killfeed_backup_timestamp_seconds",] == START.timestamp()
    assert values["killfeed_backup_proof_timestamp_seconds",] == START.timestamp() - 86_400
    assert values["killfeed_backup_bytes",] == 96_000_000
    assert values["killfeed_data_check_timestamp_seconds",] == START.timestamp()
    documented = set(re.findall(r"`(killfeed_\w+)", "".join(_read_rows("Metrics"))))
    named = {name.removesuffix("_total") for name in documented}
    assert {name for name in families if not name.endswith("_created")} == named
    alerts = json.loads((DOCS / "monitoring" / "alerts.json").read_text("utf-8"))
    rules = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    board = json.loads((DOCS / "monitoring" / "dashboard.json").read_text("utf-8"))
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    used = {
        name.removesuffix("_bucket") for one in rules + shown for name in re.findall(r"killfeed_\w+", one)
    }
    assert len(rules) == 5
    assert used - documented == set()


def test_figures_without_anything_make_a_text() -> None:
    """A process that just started has metrics as well."""
    assert "killfeed_build_info" in write_metrics(Figures(version="1", data_version=3, written_at=0.0))


STATUS = {
    "schema": 1,
    "written_at": START.isoformat(),
    "pid": 7,
    "version": "killfeed 1.0",
    "state": "running",
    "checks": {
        "memory": {"state": "warn", "since": "then", "said": "Much."},
        "database-away": {"state": "ok", "since": "then", "said": "Fine."},
    },
}
CRITICAL = {"checks": {"memory": {"state": "critical", "since": "then", "said": "Full."}}}


@pytest.mark.parametrize(
    ("change", "seconds", "is_alive", "first"),
    [
        ({}, 10, True, None),
        ({}, 61, True, "The bot hangs"),
        ({}, 10, False, "No bot"),
        ({"state": "stopped"}, 10, True, "No bot"),
        ({"state": "standby"}, 10, True, None),
        (CRITICAL, 10, True, "running"),
    ],
)
def test_status_is_well_only_if_a_bot_runs_writes_and_nothing_is_critical(
    *, change: dict[str, object], seconds: float, is_alive: bool, first: str | None
) -> None:
    """The first line says which it is; a standby is well."""
    verdict = judge_status(STATUS | change, now=START + timedelta(seconds=seconds), is_alive=is_alive)
    assert verdict.is_well == (first is None)
    assert verdict.lines[0].startswith(first or "")
    assert not judge_status(None, now=START, is_alive=True).is_well


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 2}', "{"])
def test_file_of_another_shape_is_no_status(tmp_path: Path, content: str) -> None:
    """A torn file, or one of another version, is as if there were none."""
    (tmp_path / STATUS_FILE).write_text(content, "utf-8")
    assert read_status(tmp_path) is None


@pytest.mark.parametrize(("share", "expected"), [(0.5, 0.001), (0.99, 2.0)])
def test_quantile_is_within_its_bucket(share: float, expected: float) -> None:
    """Limits at a quarter of a second and at two seconds are exact."""
    durations = Durations()
    for seconds in [0.0005] * 9 + [2.0]:
        durations.note(seconds)
    assert compute_quantile(durations.counts, share) >= expected - 0.001
    assert {0.25, 2.0} <= set(LIMITS)
    assert compute_quantile([0] * 18, 0.5) == 0.0
