"""The content of the status file and of the metrics, from what is counted and checked anyway."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from utils.incident_log import IncidentLog
from utils.models.backups import BackupState
from utils.models.game_log import LogCondition
from utils.models.health import DirectState, OutboxState, ServerReading
from utils.models.incident_kinds import IncidentKind
from utils.models.verification import DataCheck
from utils.tallies import CommandTally, Durations, Recent, compute_quantile
from utils.telemetry.errors import ErrorTelemetry
from utils.telemetry.health.checker import HealthChecker
from utils.telemetry.health.metrics import Figures, Labelled
from utils.telemetry.health.probes.gateway import RefusalCounter
from utils.telemetry.health.probes.machine import read_memory
from utils.telemetry.health.probes.work import ServerClocks

QUANTILES = (0.5, 0.95, 0.99)
LAG_ROUNDS, DATABASE_ROUNDS = 4, 20
"""Quantiles are over a minute of the event loop and five minutes of the database; a round is 15 seconds."""


@dataclass(eq=False, repr=False)
class StatusSource:
    """Reads what the status file and the metrics show.

    Args:
        count_sent: returns how many messages were posted.
        get_backups: returns the state of backups; None: another process makes them, or it is not known yet.
        get_data_check: returns the last full verification of the data.
    """

    checker: HealthChecker
    tally: CommandTally
    limits: RefusalCounter
    clocks: ServerClocks
    errors: ErrorTelemetry
    lag: Durations
    operations: Durations
    get_outbox: Callable[[], OutboxState]
    get_direct: Callable[[], DirectState]
    list_readings: Callable[[], Sequence[ServerReading]]
    count_sent: Callable[[], int]
    get_backups: Callable[[], BackupState | None]
    get_data_check: Callable[[], DataCheck | None]

    def __post_init__(self) -> None:
        self._recent_lag = Recent(lambda: self.lag.counts, rounds=LAG_ROUNDS)
        self._recent_operations = Recent(lambda: self.operations.counts, rounds=DATABASE_ROUNDS)

    @property
    def incidents(self) -> IncidentLog:
        """The open incidents."""
        return self.checker.incidents

    def describe(self) -> dict[str, Any]:
        """Return checks, incidents and counts; ids of guilds alone say who is concerned."""
        outbox, direct, readings = self.get_outbox(), self.get_direct(), self.list_readings()
        checks = {
            kind.value: {
                "state": report.state.code,
                "since": _write_time(report.since),
                "said": str(report.said),
            }
            for kind, report in self.checker.checks.items()
        }
        incidents = [
            {
                "kind": key.kind.value,
                "guild": int(key.guild_id) or None,
                "state": one.state.code,
                "since": _write_time(one.opened_at),
            }
            for key, one in self.incidents.all_open.items()
        ]
        counts = {
            "servers": len(readings),
            "servers_unread": sum(one.last_read_at is None for one in readings),
            "outbox": sum(outbox.entries.values()),
            "outbox_oldest_seconds": round(outbox.longest_seconds, 1),
            "direct": direct.waiting,
            "direct_oldest_seconds": round(direct.oldest_seconds, 1),
            "commands_answered": self.tally.answered,
            "commands_failed": self.tally.failed,
            "errors": sum(self.errors.totals.values()),
            "backup": _describe_backups(self.get_backups()),
        }
        guilds = sorted({int(one.scope.guild_id) for one in readings})
        return {"checks": checks, "incidents": incidents, "counts": counts, "guilds": guilds}

    def measure(self, *, version: str, data_version: int, written_at: datetime) -> Figures:
        """Return the values of all metrics."""
        outbox, backups = self.get_outbox(), self.get_backups() or BackupState()
        direct, verified = self.get_direct(), self.get_data_check()
        return Figures(
            version=version,
            data_version=data_version,
            written_at=written_at.timestamp(),
            health_state={(kind.value,): one.state for kind, one in self.checker.checks.items()},
            incidents=self._count_incidents(),
            commands=self.tally.counts,
            command_durations=self.tally.durations,
            deaths_stored=self.clocks.stored,
            messages_sent=self.count_sent(),
            outbox_entries=sum(outbox.entries.values()),
            outbox_oldest_seconds=outbox.longest_seconds,
            direct_entries=direct.waiting,
            direct_oldest_seconds=direct.oldest_seconds,
            server_lag_seconds=self._list_lags(),
            game_logs=self._count_logs(),
            errors={(category.value,): n for category, n in self.errors.totals.items()},
            errors_dropped=self.errors.counts.dropped,
            troubles={(kind,): n for kind, n in self.errors.troubles.totals.items()},
            rate_limited={("all",): self.limits.limited, ("global",): self.limits.limited_globally},
            event_loop_lag_seconds=_list_quantiles(self._recent_lag.end_round()),
            database_seconds=_list_quantiles(self._recent_operations.end_round()),
            resident_memory_bytes=read_memory().resident,
            backup_timestamp_seconds=_write_stamp(backups.newest_at),
            backup_proof_timestamp_seconds=_write_stamp(backups.proven_at),
            backup_bytes=backups.stored_bytes if backups.number else None,
            data_check_timestamp_seconds=_write_stamp(verified.checked_at if verified else None),
        )

    def _count_incidents(self) -> Labelled:
        counted: dict[tuple[str, ...], float] = {(kind.value,): 0.0 for kind in IncidentKind}
        for key in self.incidents.all_open:
            counted[key.kind.value,] += 1
        return counted

    def _list_lags(self) -> Labelled:
        return {
            (str(one.scope.guild_id), str(one.scope.server_id)): one.lag_seconds
            for one in self.list_readings()
            if one.lag_seconds is not None
        }

    def _count_logs(self) -> Labelled:
        """Return the number of game servers by the state of their Deadside.log."""
        counted: dict[tuple[str, ...], float] = {(one.value,): 0.0 for one in LogCondition}
        for reading in self.list_readings():
            condition = LogCondition.UNKNOWN if reading.log is None else reading.log.condition
            counted[condition.value,] += 1
        return counted


def _describe_backups(backups: BackupState | None) -> dict[str, Any] | None:
    if backups is None:
        return None
    return {
        "number": backups.number,
        "newest_at": None if backups.newest_at is None else _write_time(backups.newest_at),
        "proven_at": None if backups.proven_at is None else _write_time(backups.proven_at),
        "bytes": backups.stored_bytes,
    }


def _write_time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _write_stamp(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def _list_quantiles(counts: Sequence[int]) -> Mapping[tuple[str, ...], float]:
    return {(str(share),): compute_quantile(counts, share) for share in QUANTILES}
