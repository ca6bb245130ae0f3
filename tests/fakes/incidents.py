"""Incidents and sent alerts in memory."""

from datetime import datetime

from utils.errors import StorageUnavailableError
from utils.models.incidents import Incident, IncidentKey
from utils.models.scope import GuildId


class FakeIncidentStore:
    """Stored incidents; while the database is away, every call fails.

    Attributes:
        stored: every incident that was ever stored, as it was stored last.
    """

    def __init__(self) -> None:
        self.stored: dict[tuple[IncidentKey, float], Incident] = {}
        self.is_away = False

    async def list_open(self, guild_id: GuildId) -> tuple[Incident, ...]:
        """Return the incidents of a guild that are not over."""
        self._verify()
        return tuple(one for one in self.stored.values() if one.is_open and one.key.guild_id == guild_id)

    async def put(self, guild_id: GuildId, incident: Incident) -> None:
        """Store an incident as it is now."""
        self._verify()
        assert guild_id == incident.key.guild_id
        self.stored[incident.key, incident.opened_at.timestamp()] = incident

    def _verify(self) -> None:
        if self.is_away:
            raise StorageUnavailableError("away")


class FakeToldStore:
    """Sent alerts; while the database is away, every call fails.

    Attributes:
        told: when each was sent, by guild and digest.
    """

    def __init__(self) -> None:
        self.told: dict[tuple[GuildId, str], datetime] = {}
        self.is_away = False

    async def list_told(self, guild_id: GuildId, *, since: datetime) -> frozenset[str]:
        """Return the digests of the alerts that were sent since a moment."""
        self._verify()
        return frozenset(digest for (of, digest), at in self.told.items() if of == guild_id and at >= since)

    async def note_told(self, guild_id: GuildId, digest: str, *, at: datetime) -> None:
        """Note that an alert was sent."""
        self._verify()
        self.told[guild_id, digest] = at

    async def forget_told(self, guild_id: GuildId, digest: str) -> None:
        """Forget that an alert was sent."""
        self._verify()
        self.told.pop((guild_id, digest), None)

    def _verify(self) -> None:
        if self.is_away:
            raise StorageUnavailableError("away")
