"""A place for errors that only remembers them, and stored groups of errors in memory."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from tests.fakes.storage import FakeAuditStore
from utils.error_sink import Where
from utils.errors import RemoteError
from utils.interactions.reaching import is_trouble
from utils.models.audit import AuditEntry
from utils.models.error_groups import ErrorGroup, GroupState, TroubleCount
from utils.models.scope import GuildId, MemberId
from utils.models.texts import Text

REFERENCE = "K7M2QX"


class FakeErrorSink:
    """Records errors in a list.

    Attributes:
        reported: the errors of the bot.
        troubles: failures of game hosts, of Discord, and of the way there.
        places: the place of each error and trouble.
    """

    def __init__(self) -> None:
        self.reported: list[BaseException] = []
        self.troubles: list[BaseException] = []
        self.places: list[Where] = []

    def report(self, error: BaseException, *, where: Where) -> str:
        """Return a constant code."""
        is_of_others = isinstance(error, RemoteError) or is_trouble(error)
        (self.troubles if is_of_others else self.reported).append(error)
        self.places.append(where)
        return REFERENCE


class FakeErrorStore:
    """Stored groups, and what is only in memory of them.

    Attributes:
        groups: the groups of each guild, the latest first.
        hours: the number of errors by guild, fingerprint and hour.
        troubles: the troubles of each guild.
        patterns: the pattern of a group, by guild and fingerprint.
        asked: the guild of every read.
        forgotten: the members that were forgotten, with their guild.
    """

    def __init__(self) -> None:
        self.groups: defaultdict[GuildId, list[ErrorGroup]] = defaultdict(list)
        self.hours: defaultdict[tuple[GuildId, str], dict[datetime, int]] = defaultdict(dict)
        self.troubles: defaultdict[GuildId, list[TroubleCount]] = defaultdict(list)
        self.patterns: dict[tuple[GuildId, str], Text] = {}
        self.asked: list[GuildId] = []
        self.forgotten: list[tuple[GuildId, MemberId]] = []
        self.audit: FakeAuditStore | None = None

    async def write_all(self) -> None:
        """Have nothing to write."""

    async def forget_member(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Record it."""
        self.forgotten.append((guild_id, member_id))

    def list_troubles(self, guild_id: GuildId) -> Sequence[TroubleCount]:
        """Return the troubles of a guild."""
        return self.troubles[guild_id]

    def find_pattern(self, guild_id: GuildId, fingerprint: str) -> Text | None:
        """Return the pattern of a group."""
        return self.patterns.get((guild_id, fingerprint))

    async def list_groups(
        self, guild_id: GuildId, *, limit: int, offset: int = 0
    ) -> tuple[Sequence[ErrorGroup], int]:
        """Return a page of groups."""
        self.asked.append(guild_id)
        return self.groups[guild_id][offset : offset + limit], len(self.groups[guild_id])

    async def find_group(self, guild_id: GuildId, reference: str) -> ErrorGroup | None:
        """Return the group with a reference."""
        self.asked.append(guild_id)
        return next((one for one in self.groups[guild_id] if one.reference == reference), None)

    async def count_hours(
        self, guild_id: GuildId, fingerprints: Sequence[str], *, since: datetime
    ) -> Mapping[str, Mapping[datetime, int]]:
        """Return the hours."""
        return {
            one: {hour: n for hour, n in self.hours[guild_id, one].items() if hour >= since}
            for one in fingerprints
        }

    async def resolve(
        self, guild_id: GuildId, fingerprint: str, *, at: datetime, by: MemberId, entry: AuditEntry
    ) -> None:
        """Resolve a group, with its entry."""
        self.groups[guild_id] = [
            replace(one, state=GroupState.RESOLVED, resolved_at=at, resolved_by=by)
            if one.fingerprint == fingerprint
            else one
            for one in self.groups[guild_id]
        ]
        if self.audit is not None:
            await self.audit.insert_entry(guild_id, entry)
