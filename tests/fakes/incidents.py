"""Incidents in memory."""

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
