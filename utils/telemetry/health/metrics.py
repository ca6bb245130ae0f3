"""The metrics: one text for node_exporter's textfile collector.

Each text has families of its own, in a registry of its own: every value is read from counts that
exist anyway, so nothing is measured twice, and nothing is registered globally.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from utils.tallies import LIMITS, Durations

MOST_SERVERS = 2_000
PREFIX = "killfeed"

Labelled = Mapping[tuple[str, ...], float]
"""Values by the values of their labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All values of one text."""

    version: str
    data_version: int
    written_at: float
    health_state: Labelled = field(default_factory=dict)
    incidents: Labelled = field(default_factory=dict)
    commands: Labelled = field(default_factory=dict)
    command_durations: Durations = field(default_factory=Durations)
    deaths_stored: int = 0
    messages_sent: int = 0
    outbox_entries: int = 0
    outbox_oldest_seconds: float = 0.0
    direct_entries: int = 0
    direct_oldest_seconds: float = 0.0
    server_lag_seconds: Labelled = field(default_factory=dict)
    game_logs: Labelled = field(default_factory=dict)
    errors: Labelled = field(default_factory=dict)
    errors_dropped: int = 0
    troubles: Labelled = field(default_factory=dict)
    rate_limited: Labelled = field(default_factory=dict)
    event_loop_lag_seconds: Labelled = field(default_factory=dict)
    database_seconds: Labelled = field(default_factory=dict)
    resident_memory_bytes: int | None = None
    backup_timestamp_seconds: float | None = None
    backup_proof_timestamp_seconds: float | None = None
    backup_bytes: int | None = None
    data_check_timestamp_seconds: float | None = None


class FiguresCollector:
    """Turns the values into Prometheus' families."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        figures = self._figures
        build = (figures.version, str(figures.data_version))
        yield _gauge("build_info", "The version.", {build: 1.0}, "version", "data_version")
        yield _gauge("status_written_timestamp_seconds", "When this was written.", _only(figures.written_at))
        yield _gauge("health_state", "0 well, 1 warning, 2 critical.", figures.health_state, "check")
        yield _gauge("incidents", "Open incidents.", figures.incidents, "kind")
        yield _counter("commands", "Commands that were used.", figures.commands, "command", "outcome")
        yield _histogram("command_seconds", "How long commands took.", figures.command_durations)
        yield _counter("deaths_stored", "Live deaths that were stored.", _only(figures.deaths_stored))
        yield _counter("messages_sent", "Messages that were posted.", _only(figures.messages_sent))
        yield _gauge("outbox_entries", "Posts that wait.", _only(figures.outbox_entries))
        oldest = _only(figures.outbox_oldest_seconds)
        yield _gauge("outbox_oldest_seconds", "How long the oldest post waits.", oldest)
        yield _gauge("direct_entries", "Direct messages that wait.", _only(figures.direct_entries))
        oldest = _only(figures.direct_oldest_seconds)
        yield _gauge("direct_oldest_seconds", "How long the oldest direct message waits.", oldest)
        lags = dict(list(figures.server_lag_seconds.items())[:MOST_SERVERS])
        yield _gauge("server_lag_seconds", "How late the newest rows came.", lags, "guild", "server")
        yield _gauge("game_logs", "Logs of game servers, by their state.", figures.game_logs, "state")
        yield _counter("errors", "Unexpected errors.", figures.errors, "category")
        yield _counter(
            "errors_dropped", "Details of errors that were given up.", _only(figures.errors_dropped)
        )
        yield _counter("troubles", "Troubles of the surroundings.", figures.troubles, "kind")
        yield _counter("rate_limited", "Requests that Discord limited.", figures.rate_limited, "scope")
        lag = figures.event_loop_lag_seconds
        yield _gauge("event_loop_lag_seconds", "How late the event loop was.", lag, "quantile")
        seconds = figures.database_seconds
        yield _gauge("database_seconds", "How long operations took.", seconds, "quantile")
        for name, said, value in (
            ("resident_memory_bytes", "The memory of the process.", figures.resident_memory_bytes),
            ("backup_timestamp_seconds", "The newest backup.", figures.backup_timestamp_seconds),
            (
                "backup_proof_timestamp_seconds",
                "The newest backup that is proven.",
                figures.backup_proof_timestamp_seconds,
            ),
            ("backup_bytes", "The size of the newest backup.", figures.backup_bytes),
            (
                "data_check_timestamp_seconds",
                "The last full verification of the data.",
                figures.data_check_timestamp_seconds,
            ),
        ):
            if value is not None:
                yield _gauge(name, said, _only(value))


def write_metrics(figures: Figures) -> str:
    """Return the text; it ends with a line feed and holds no time of a sample."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FiguresCollector(figures))
    return generate_latest(registry).decode("utf-8")


def _only(value: float) -> Labelled:
    """Return the value of a family without labels."""
    return {(): value}


def _gauge(name: str, said: str, values: Labelled, *labels: str) -> Metric:
    return _fill(GaugeMetricFamily(f"{PREFIX}_{name}", said, labels=labels), values)


def _counter(name: str, said: str, values: Labelled, *labels: str) -> Metric:
    return _fill(CounterMetricFamily(f"{PREFIX}_{name}", said, labels=labels), values)


def _fill(family: GaugeMetricFamily | CounterMetricFamily, values: Labelled) -> Metric:
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _histogram(name: str, said: str, durations: Durations) -> Metric:
    family = HistogramMetricFamily(f"{PREFIX}_{name}", said)
    family.add_metric((), list(_cumulate(durations.counts)), sum_value=durations.seconds)
    return family


def _cumulate(counts: Iterable[int]) -> Iterator[tuple[str, float]]:
    total = 0
    for limit, count in zip([*map(str, LIMITS), "+Inf"], counts, strict=True):
        total += count
        yield limit, total
