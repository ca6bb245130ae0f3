"""Incidents as they are stored."""

from datetime import timedelta

import pytest

from tests.fakes.clock import START
from utils.database.core.database import SafeDatabase
from utils.database.repositories.incidents import IncidentRepository
from utils.errors import StorageConflictError
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import WHOLE_BOT, CheckState, Incident, IncidentKey
from utils.models.scope import GuildId, ServerId

GUILD = GuildId(42)
LATER = START + timedelta(minutes=5)


def build(subject: str = "k3v9x0aa", guild_id: GuildId = GUILD, *, minutes: int = 0) -> Incident:
    """Build an incident that was opened some minutes after the start."""
    key = IncidentKey(guild_id, IncidentKind.SERVER_UNREAD, subject)
    return Incident(key, CheckState.WARN, START + timedelta(minutes=minutes))


async def test_incident_is_read_back_as_it_was_stored_until_it_is_over(database: SafeDatabase) -> None:
    """An incident is replaced by its newest form, and a later one has the same key."""
    incidents, first = IncidentRepository(database), build()
    told = first.escalate(LATER).note_told(LATER)
    told = Incident(
        told.key,
        told.state,
        told.opened_at,
        told_state=told.told_state,
        told_at=told.told_at,
        escalated_at=told.escalated_at,
        servers=frozenset({ServerId("k3v9x0aa")}),
    )
    whole = build("", WHOLE_BOT)
    for one in (first, told, whole):
        await incidents.put(one.key.guild_id, one)
    assert await incidents.list_open(GUILD) == (told,)
    assert await incidents.list_open(WHOLE_BOT) == (whole,)
    await incidents.put(GUILD, told.end(LATER))
    assert await incidents.list_open(GUILD) == ()
    again = build(minutes=9)
    await incidents.put(GUILD, again)
    assert await incidents.list_open(GUILD) == (again,)


async def test_second_open_incident_with_one_key_is_refused(database: SafeDatabase) -> None:
    """Two processes that find the same trouble have one incident."""
    incidents = IncidentRepository(database)
    await incidents.put(GUILD, build())
    with pytest.raises(StorageConflictError):
        await incidents.put(GUILD, build(minutes=1))


async def test_old_incidents_and_those_beyond_the_limit_are_pruned(database: SafeDatabase) -> None:
    """Open incidents stay; ended ones go after their time, or when there are too many."""
    incidents = IncidentRepository(database)
    for minutes in range(5):
        one = build(str(minutes), minutes=minutes)
        await incidents.put(GUILD, one if minutes in (0, 4) else one.end(LATER))
    other = build("other", GuildId(7)).end(LATER)
    await incidents.put(GuildId(7), other)
    await incidents.prune(GUILD, before=START, kept=2)
    found = await database.unscoped("incidents").distinct("subject")
    assert found == ["0", "3", "4", "other"]
    await incidents.prune(GUILD, before=LATER + timedelta(seconds=1), kept=2)
    assert await database.unscoped("incidents").distinct("subject") == ["0", "4", "other"]
