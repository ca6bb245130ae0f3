"""Patterns: what most errors of a group in the last hour have in common, in one sentence; pure."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from utils.clock import Clock
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId, MemberId
from utils.models.texts import Code, Mention, Text, text
from utils.telemetry.error_counts import MOST_GROUPS, ErrorContext

WINDOW = timedelta(hours=1)
LEAST = 10  # errors; fewer show no pattern
SHARE = 0.8
KEPT = 100  # contexts of a group


def find_pattern(contexts: Iterable[ErrorContext], *, now: datetime, is_whole: bool) -> Text | None:
    """Return the sentence about the first thing that most of the errors share; None without one.

    Args:
        contexts: the circumstances of the last errors.
        now: the present moment.
        is_whole: they are those of the whole bot, which tells of communities and not of members.
    """
    recent = [one for one in contexts if now - one.at < WINDOW]
    if len(recent) < LEAST:
        return None
    for read, say in _WHOLE if is_whole else _OWN:
        [(value, n)] = Counter(map(read, recent)).most_common(1)
        if value is not None and n >= SHARE * len(recent):
            return say(value)
    return None


class RecentContexts:
    """The circumstances of the last errors of each group, in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._groups: OrderedDict[tuple[GuildId, str], deque[ErrorContext]] = OrderedDict()

    def open(self, guild_id: GuildId, fingerprint: str) -> deque[ErrorContext]:
        """Return where the circumstances of a group's last errors are kept."""
        key = (guild_id, fingerprint)
        contexts = self._groups.get(key)
        if contexts is None:
            contexts = self._groups[key] = deque(maxlen=KEPT)
            if len(self._groups) > MOST_GROUPS:
                self._groups.popitem(last=False)
        else:
            self._groups.move_to_end(key)
        return contexts

    def find_pattern(self, guild_id: GuildId, fingerprint: str) -> Text | None:
        """Return what most errors of a group in the last hour have in common."""
        contexts = self._groups.get((guild_id, fingerprint), ())
        return find_pattern(contexts, now=self._clock.now(), is_whole=guild_id == WHOLE_BOT)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget the circumstances of the errors of a guild."""
        for key in [key for key in self._groups if key[0] == guild_id]:
            del self._groups[key]
        self._drop(lambda context: context.guild_id == guild_id)

    def forget_member(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Forget the errors of a member of a guild."""
        self._drop(lambda context: (context.guild_id, context.member_id) == (guild_id, member_id))

    def _drop(self, is_gone: Callable[[ErrorContext], bool]) -> None:
        for contexts in self._groups.values():
            kept = [one for one in contexts if not is_gone(one)]
            contexts.clear()  # it stays the same one for those who opened it
            contexts.extend(kept)


Reader = Callable[[ErrorContext], object]
Sayer = Callable[[object], Text]

_SHARED: tuple[tuple[Reader, Sayer], ...] = (
    (lambda one: one.host, lambda host: text("Nearly all at one host: {host}.", host=Code(str(host)))),
    (lambda one: one.command, lambda name: text("Nearly all with one command: /{name}.", name=str(name))),
    (lambda one: one.task, lambda name: text("Nearly all in one task: {name}.", name=str(name))),
)
_OWN: tuple[tuple[Reader, Sayer], ...] = (
    (
        lambda one: one.member_id,
        lambda member: text("Nearly all of one member: {member}.", member=Mention("@", int(str(member)))),
    ),
    (lambda one: one.server_id, lambda _: text("Nearly all with one game server.")),
    *_SHARED,
)
_WHOLE: tuple[tuple[Reader, Sayer], ...] = (
    (lambda one: one.guild_id, lambda _: text("Nearly all of one community.")),
    *_SHARED,
)
