"""Error telemetry: every error that was handled comes here, is counted, and is logged if there is room.

*Theory of operation.* A refusal is not an error. A trouble of the surroundings (no database, no game host, no
Discord) is counted by class, host and hour. Everything else is unexpected and belongs to a group
(``fingerprints.py``), which is counted in memory (``error_counts.py``) and written every ten seconds
(``error_writer.py``). The path of a failing command waits for nothing, and a report never raises.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType

import structlog
from structlog import get_logger

from utils.clock import Clock
from utils.error_sink import TELLS_ITSELF, ErrorSource, Where, write_error_record
from utils.models.error_groups import ErrorCategory
from utils.models.scope import GuildId, MemberId
from utils.telemetry.admission import LogAdmission
from utils.telemetry.categories import OF_SOURCES, find_category
from utils.telemetry.error_counts import ErrorContext, ErrorCounts
from utils.telemetry.fingerprints import (
    OVERFLOWN,
    ErrorIdentity,
    build_key,
    identify,
    list_chain,
    list_frames,
)
from utils.telemetry.kept_text import choose_text
from utils.telemetry.kinds import ErrorKind, LibraryErrors, name_host
from utils.telemetry.last_words import LastWords
from utils.telemetry.patterns import RecentContexts
from utils.telemetry.troubles import TroubleCounts

_log = get_logger(__name__)

_TASK_KIND = re.compile(r"[a-z]+(?::[a-z-]+(?=:|$))?")
"""The kind of a task: ``read:deathlog`` of ``read:deathlog:42/k3v9x0aa``, ``deliver`` of ``deliver:42/7``."""

OF_TASKS = "t-"  # the beginning of the ids of their runs
KNOWN_TASKS = 2_000  # remembered kinds of task names
KNOWN_WAYS = 5_000  # remembered ways of errors through the code; when there are more, all are forgotten


@dataclass(frozen=True, slots=True)
class _Description:
    """The things that are equal for all errors of one class from one way through the code.

    Attributes:
        category: the category of the class; None if the place of the error decides.
        text: the text of the first of them that may be stored.
        codes: the code that the error went through, kept so that no other code gets the same id.
    """

    identity: ErrorIdentity
    kind: ErrorKind
    category: ErrorCategory | None
    text: str
    codes: tuple[CodeType, ...]


class ErrorTelemetry:
    """Takes every error of the process.

    Args:
        clock: tells when an error happened.
        library_errors: the knowledge of other rooms about the errors of their libraries.
        redact: removes known secrets from a text that is kept.

    Attributes:
        counts: the groups of unexpected errors that are not written yet.
        recent: the circumstances of the last errors of each group.
        troubles: the troubles of the last hours.
        totals: the unexpected errors since the start, by category.
        admission: decides which errors are logged in full.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        library_errors: LibraryErrors | None = None,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._clock = clock
        self._library_errors = library_errors or LibraryErrors()
        self._redact = redact
        self._described: dict[tuple[object, ...], _Description] = {}
        self._task_kinds: dict[str, str] = {}
        self.recent = RecentContexts(clock)
        self.counts = ErrorCounts(open_recent=self.recent.open)
        self.troubles = TroubleCounts(clock)
        self.totals: Counter[ErrorCategory] = Counter()
        self.admission = LogAdmission(clock)

    def report(self, error: BaseException, *, where: Where) -> str:
        """Count and log an error, and return its reference code for people; never raises."""
        try:
            return self._report(error, where)
        except Exception:  # noqa: BLE001 - the person still gets a code, and the caller its answer
            _log.error("an error cannot be described", error_type=type(error).__name__)
            return OVERFLOWN.reference

    def tell_left_out(self, *, is_last: bool = False) -> None:
        """Write one line about the records that were left out, once a minute and at the end."""
        left_out = self.admission.take_left_out(is_last=is_last)
        if left_out is not None:
            _log.warning("errors not logged in full", errors=left_out.records, groups=left_out.groups)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget everything about a guild that is not stored yet."""
        self.counts.forget_guild(guild_id)
        self.recent.forget_guild(guild_id)
        self.troubles.forget_guild(guild_id)

    def forget_member(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Forget that errors happened to a member."""
        self.counts.forget_member(guild_id, member_id)
        self.recent.forget_member(guild_id, member_id)

    def describe_last_words(self, error: BaseException) -> LastWords:
        """Return an error that ends the process as the next process will read it."""
        described = self._describe(error)
        category = described.category or OF_SOURCES[ErrorSource.LAST_WORDS]
        return LastWords(described.identity, category, described.text, self._clock.now())

    def count_last_words(self, words: LastWords) -> None:
        """Count and log the error that ended the process before."""
        context = ErrorContext(at=words.at or self._clock.now())
        self.counts.add(words.identity, words.category, words.text, context)
        _log.error(
            ErrorSource.LAST_WORDS.value,
            reference=words.identity.reference,
            error_type=words.identity.error_type,
            place=words.identity.place,
        )

    def _report(self, error: BaseException, where: Where) -> str:
        described = self._describe(error)
        identity = described.identity
        if described.kind is ErrorKind.REFUSAL:
            return identity.reference
        if described.kind is ErrorKind.TROUBLE:
            self._count_trouble(error, where, identity.reference)
            return identity.reference
        is_logged = self.admission.admits(identity.fingerprint)
        context = self._build_context(where, is_sample=is_logged)
        category = described.category or OF_SOURCES[where.source]
        self.counts.add(identity, category, described.text, context, is_sample=is_logged)
        self.totals[category] += 1
        if is_logged:
            write_error_record(error, where, reference=identity.reference, place=identity.place)
        return identity.reference

    def _describe(self, error: BaseException) -> _Description:
        """Return the description of an error; working one out takes some 100 microseconds."""
        facts = self._library_errors.facts
        key = build_key(error, facts)
        found = self._described.get(key)
        if found is None:
            if len(self._described) >= KNOWN_WAYS:
                self._described.clear()
            found = self._described[key] = _Description(
                identity=identify(error, facts),
                kind=self._library_errors.choose_kind(error),
                category=find_category(error),
                text=choose_text(error, self._redact),
                codes=tuple(code for one in list_chain(error) for _, code in list_frames(one)),
            )
        return found

    def _count_trouble(self, error: BaseException, where: Where, reference: str) -> None:
        """Count a trouble, and log it in one line unless its source does; its place does not matter."""
        name = type(error).__name__
        guild_id = where.guild_id or structlog.contextvars.get_contextvars().get("guild")
        self.troubles.count(guild_id, name, name_host(error, where.host))
        if where.source not in TELLS_ITSELF and self.admission.admits(name):
            problem = f"{name}: {error}"
            _log.warning(where.source.value, **where.list_fields(), problem=problem, reference=reference)

    def _build_context(self, where: Where, *, is_sample: bool) -> ErrorContext:
        """Return the circumstances: those that the source knows, and those bound around it.

        Reading the bound ones takes 5 microseconds, so it is done where they are needed.
        """
        is_known = where.guild_id is not None and (where.command or where.task) is not None
        bound = {} if is_known and not is_sample else structlog.contextvars.get_contextvars()
        task = where.task or bound.get("task")
        return ErrorContext(
            at=self._clock.now(),
            guild_id=where.guild_id or bound.get("guild"),
            server_id=where.server_id or bound.get("server"),
            member_id=where.member_id or bound.get("member"),
            command=where.command or bound.get("command"),
            task=None if task is None else self._name_kind(task),
            host=where.host,
            correlation_id=self._clean_id(bound.get("id")),
        )

    def _clean_id(self, correlation_id: str | None) -> str | None:
        """Return the id of a piece of work; that of a task's run holds its name, which loses its ids."""
        if correlation_id is None or not correlation_id.startswith(OF_TASKS):
            return correlation_id
        name, _, run = correlation_id.removeprefix(OF_TASKS).rpartition("-")
        return f"{OF_TASKS}{self._name_kind(name)}-{run}"

    def _name_kind(self, task: str) -> str:
        """Return the kind of a task by its name, without ids."""
        found = self._task_kinds.get(task)
        if found is None:
            if len(self._task_kinds) >= KNOWN_TASKS:
                self._task_kinds.clear()
            named = _TASK_KIND.match(task)
            found = self._task_kinds[task] = named.group() if named else "task"
        return found
