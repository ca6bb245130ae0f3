"""The names of counters: channels that show how many players are online."""

from collections.abc import Mapping

from utils.embeds.values import frame
from utils.localization.localizer import Localizer
from utils.models.counters import DEFAULT_FORMAT, UNKNOWN, CounterPlace, fill_format
from utils.models.game_log import LogCondition, PlayersReport
from utils.models.texts import Number, Text, Value, text_in

STATES: Mapping[LogCondition, Text] = {
    LogCondition.OK: text_in("a counter", "running"),
    LogCondition.QUIET: text_in("a counter", "no news"),
    LogCondition.STOPPED: text_in("a counter", "stopped"),
}


def write_counter(words: Localizer, report: PlayersReport, template: str | None) -> str:
    """Return the name of a counter; the queue is in the default format while somebody waits."""
    queue = _count_queue(report)
    facts: Mapping[CounterPlace, Value | None] = {
        CounterPlace.SERVER: report.server_name,
        CounterPlace.ONLINE: _count_online(report),
        CounterPlace.MAX: _show(report.max_players),
        CounterPlace.QUEUE: _show(queue),
        CounterPlace.PEAK: _show(report.peak_today),
        CounterPlace.STATE: STATES.get(report.condition),
    }
    written = {place: _write(words, fact) for place, fact in facts.items()}
    shape = template or DEFAULT_FORMAT
    if template is None and queue:
        waiting = text_in("a counter", "{queue} in Queue", queue=Number(queue))
        shape += f" | {words.write_plain(waiting)}"
    return fill_format(shape, written)


def _write(words: Localizer, fact: Value | None) -> str:
    return UNKNOWN if fact is None else words.write_plain(frame("{fact}", fact=fact))


def _show(number: int | None) -> Number | None:
    return None if number is None else Number(number)


def _count_online(report: PlayersReport) -> Number | None:
    if report.condition is LogCondition.UNKNOWN:
        return None
    return Number(0 if report.condition is LogCondition.STOPPED else report.state.presence.count_online())


def _count_queue(report: PlayersReport) -> int | None:
    """Return how many wait; None if that is not known."""
    if report.condition is LogCondition.UNKNOWN:
        return None
    is_stopped = report.condition is LogCondition.STOPPED
    return 0 if is_stopped else report.state.presence.count_queue(report.max_players)
