"""Unexpected failures of delivery: shown, reported once, and tried again after growing pauses."""

from dataclasses import dataclass

from structlog import get_logger

from utils.delivery.ports import Lane
from utils.error_sink import ErrorSink, ErrorSource, Where
from utils.models.scope import GuildId
from utils.models.texts import Text, text
from utils.services.ingestion.poison import describe_failure
from utils.services.ports import AdminNotifier
from utils.tasks import RESTART_BACKOFF

ALERT_KEY = "delivery"

logger = get_logger(__name__)

Place = Lane | GuildId
"""A lane, or a guild (finding its lanes failed)."""


@dataclass(slots=True)
class _Failure:
    """The error of a place, and its number of failures in a row."""

    problem: Text | None = None
    times: int = 0


class UnexpectedFailures:
    """The lanes and guilds whose last delivery failed unexpectedly."""

    def __init__(self, notifier: AdminNotifier, errors: ErrorSink) -> None:
        self._notifier = notifier
        self._errors = errors
        self._found: dict[GuildId, dict[Place, _Failure]] = {}

    def find_problem(self, guild_id: GuildId) -> Text | None:
        """Return the text about a guild's oldest failure that is not over."""
        return next((one.problem for one in self._found.get(guild_id, {}).values()), None)

    async def note(self, guild_id: GuildId, place: Place, error: BaseException) -> float:
        """Show a failure, tell the admins once, and return seconds until the next try."""
        failure = self._found.setdefault(guild_id, {}).setdefault(place, _Failure())
        problem = text(
            "Posting to Discord failed unexpectedly ({failure}). I'll keep trying; the bot's log has the "
            "details.",
            failure=describe_failure(error),
        )
        if failure.problem != problem or failure.times & (failure.times + 1) == 0:
            logger.error("delivery failed", place=str(place), times=failure.times + 1)
        self._errors.report(
            error, where=Where(source=ErrorSource.DELIVERY, guild_id=guild_id, task="deliver")
        )
        failure.problem, failure.times = problem, failure.times + 1
        await self._notifier.notify(guild_id, problem, ALERT_KEY)
        return RESTART_BACKOFF.compute_seconds(failure.times)

    async def mark_recovered(self, guild_id: GuildId, place: Place) -> None:
        """Forget a failure. When the guild has none left, clear the alert."""
        found = self._found.get(guild_id)
        if found is None or found.pop(place, None) is None:
            return
        logger.info("delivery goes on where it had failed", place=str(place))
        if not found:
            await self.forget(guild_id)

    async def forget(self, guild_id: GuildId) -> None:
        """Forget all failures of a guild, because its delivery ends."""
        if self._found.pop(guild_id, None) is not None:
            await self._notifier.clear(guild_id, ALERT_KEY)
