"""Counts of errors in memory, until they are written.

The path of a failing command counts here and nothing else: a few microseconds, no I/O. What is kept is
bounded: when there are too many groups, the one that was seen least recently is merged into the group for
all others.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from utils.models.error_groups import SAMPLES, ErrorCategory, GroupDelta, Sample
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId, MemberId
from utils.telemetry.fingerprints import OVERFLOW, OVERFLOWN, ErrorIdentity

MOST_GROUPS = 1_000
HOUR = timedelta(hours=1)
MOST_KEYS = 20  # commands, tasks … of one group between two writes

Keyed = dict[str | int, int]


@dataclass(slots=True, kw_only=True)  # not frozen: made for every error, and that would take twice the time
class ErrorContext:
    """The circumstances of one error.

    Attributes:
        task: the kind of the background task, without ids.
        host: the game host; it is never stored.
    """

    at: datetime
    guild_id: GuildId | None = None
    server_id: str | None = None
    member_id: MemberId | None = None
    command: str | None = None
    task: str | None = None
    host: str | None = None
    correlation_id: str | None = None


RecentOpener = Callable[[GuildId, str], deque[ErrorContext]]


@dataclass(slots=True)
class GroupCounts:
    """The errors of one group since they were written last.

    Attributes:
        last: the circumstances of the last errors that are in the log in full.
        recent: those of the last errors of the hour, which outlive the writing.
    """

    guild_id: GuildId
    identity: ErrorIdentity
    category: ErrorCategory
    text: str
    first_seen_at: datetime
    last_seen_at: datetime
    count: int = 0
    hours: dict[datetime, int] = field(default_factory=dict)
    commands: Keyed = field(default_factory=dict)
    tasks: Keyed = field(default_factory=dict)
    servers: Keyed = field(default_factory=dict)
    members: Keyed = field(default_factory=dict)
    guilds: Keyed = field(default_factory=dict)
    last: deque[ErrorContext] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    recent: deque[ErrorContext] = field(default_factory=lambda: deque(maxlen=0))

    def build_delta(self) -> GroupDelta:
        """Return the counts as they are written."""
        identity = self.identity
        return GroupDelta(
            guild_id=self.guild_id,
            fingerprint=identity.fingerprint,
            reference=identity.reference,
            category=self.category,
            error_type=identity.error_type,
            place=identity.place,
            frames=identity.frames,
            text=self.text,
            count=self.count,
            first_seen_at=self.first_seen_at,
            last_seen_at=self.last_seen_at,
            hours=dict(self.hours),
            commands=dict(self.commands),
            tasks=dict(self.tasks),
            servers=dict(self.servers),
            members=dict(self.members),
            guilds=dict(self.guilds),
            samples=tuple(_build_sample(one, is_whole=self.guild_id == WHOLE_BOT) for one in self.last),
        )


def _build_sample(context: ErrorContext, *, is_whole: bool) -> Sample:
    return Sample(
        at=context.at,
        correlation_id=context.correlation_id,
        command=context.command,
        server_id=None if is_whole else context.server_id,
    )


class ErrorCounts:
    """The counts of all groups that are not written yet.

    Args:
        most: the number of groups.
        open_recent: returns where the circumstances of a group's last errors are kept.

    Attributes:
        dropped: details (a command, a task …) that were given up because there were too many.
    """

    def __init__(self, *, most: int = MOST_GROUPS, open_recent: RecentOpener | None = None) -> None:
        self._most = most
        self._open_recent = open_recent
        self._groups: OrderedDict[tuple[GuildId, str], GroupCounts] = OrderedDict()
        self._hour = self._next_hour = datetime.min.replace(tzinfo=UTC)
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._groups)

    def add(
        self,
        identity: ErrorIdentity,
        category: ErrorCategory,
        text: str,
        context: ErrorContext,
        *,
        is_sample: bool = True,
    ) -> None:
        """Count an error in its guild's group and in that of the whole bot.

        ``is_sample`` keeps its circumstances as those of one of the last errors.
        """
        guild_id, at = context.guild_id, context.at
        if not self._hour <= at < self._next_hour:
            self._hour = at.replace(minute=0, second=0, microsecond=0)
            self._next_hour = self._hour + HOUR
        whole = self._find(WHOLE_BOT, identity, category, text, at)
        self._count(whole, context, is_sample=is_sample)
        if guild_id is not None:
            self._note(whole.guilds, guild_id)
            own = self._find(guild_id, identity, category, text, at)
            self._count(own, context, is_sample=is_sample)
            if context.server_id is not None:
                self._note(own.servers, context.server_id)
            if context.member_id is not None:
                self._note(own.members, context.member_id)
        if len(self._groups) > self._most:
            self._merge_oldest()

    def add_back(self, delta: GroupDelta) -> None:
        """Add counts that a process before could not write."""
        identity = ErrorIdentity(
            delta.fingerprint, delta.reference, delta.error_type, delta.place, delta.frames
        )
        group = self._find(delta.guild_id, identity, delta.category, delta.text, delta.first_seen_at)
        self._merge(group, delta)
        if len(self._groups) > self._most:
            self._merge_oldest()

    def take(self, limit: int) -> tuple[GroupDelta, ...]:
        """Return the counts that have waited longest, and forget them here."""
        waiting = sorted(self._groups.items(), key=lambda one: one[1].first_seen_at)[:limit]
        return tuple(self._groups.pop(key).build_delta() for key, _ in waiting)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget what is not written yet of a guild; the whole bot's groups stay, without the guild's id."""
        self._groups = OrderedDict((key, group) for key, group in self._groups.items() if key[0] != guild_id)
        for group in self._groups.values():
            group.guilds.pop(guild_id, None)
            group.last = deque((one for one in group.last if one.guild_id != guild_id), maxlen=SAMPLES)

    def forget_member(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Forget who it was; the errors stay counted."""
        for (owner, _), group in self._groups.items():
            if owner == guild_id:
                group.members.pop(member_id, None)

    def _find(
        self, guild_id: GuildId, identity: ErrorIdentity, category: ErrorCategory, text: str, at: datetime
    ) -> GroupCounts:
        key = (guild_id, identity.fingerprint)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = GroupCounts(guild_id, identity, category, text, at, at)
            if self._open_recent is not None:
                group.recent = self._open_recent(guild_id, identity.fingerprint)
        else:
            self._groups.move_to_end(key)
        return group

    def _count(self, group: GroupCounts, context: ErrorContext, *, is_sample: bool) -> None:
        group.count += 1
        group.last_seen_at = context.at
        group.hours[self._hour] = group.hours.get(self._hour, 0) + 1
        if context.command is not None:
            self._note(group.commands, context.command)
        if context.task is not None:
            self._note(group.tasks, context.task)
        group.recent.append(context)
        if is_sample:
            group.last.append(context)

    def _note(self, counts: Keyed, key: str | int, n: int = 1) -> None:
        if key in counts:
            counts[key] += n
        elif len(counts) < MOST_KEYS:
            counts[key] = n
        else:
            self.dropped += 1

    def _merge_oldest(self) -> None:
        """Merge the group that was seen least recently into the one for all others, without its details."""
        of_guilds = (key for key in self._groups if key[1] != OVERFLOW)
        key = next(of_guilds, None)
        self.dropped += 1
        if key is None:  # one such group for each of too many guilds; the whole bot's counts these errors too
            del self._groups[next(key for key in self._groups if key[0] != WHOLE_BOT)]
            return
        group = self._groups.pop(key)
        rest = self._find(key[0], OVERFLOWN, group.category, "", group.first_seen_at)
        self._merge(rest, group.build_delta(), with_details=False)
        if len(self._groups) > self._most:
            self._merge_oldest()

    def _merge(self, group: GroupCounts, other: GroupDelta, *, with_details: bool = True) -> None:
        group.count += other.count
        group.first_seen_at = min(group.first_seen_at, other.first_seen_at)
        group.last_seen_at = max(group.last_seen_at, other.last_seen_at)
        for hour, n in other.hours.items():
            group.hours[hour] = group.hours.get(hour, 0) + n
        if not with_details:
            return
        for name in ("commands", "tasks", "servers", "members", "guilds"):
            counted: Mapping[str | int, int] = getattr(other, name)
            for key, n in counted.items():
                self._note(getattr(group, name), key, n)
        group.last.extend(
            ErrorContext(
                at=one.at, correlation_id=one.correlation_id, command=one.command, server_id=one.server_id
            )
            for one in other.samples
        )
