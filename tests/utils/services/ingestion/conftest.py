"""Fixtures for the tests of ingestion: a clock, a dispatcher that records events, and a server."""

import pytest

from tests.fakes.deaths import SCOPE
from utils.events import (
    DeathsStored,
    Event,
    EventDispatcher,
    HistoryImported,
    NoticesQueued,
)
from utils.models.servers import EncryptedSecret, GameServer


@pytest.fixture(name="told")
def _told() -> list[Event]:
    """Every event that was dispatched."""
    return []


@pytest.fixture(name="events")
def _events(told: list[Event]) -> EventDispatcher:
    events = EventDispatcher()

    def remember(event: Event) -> None:
        told.append(event)

    for event_type in (DeathsStored, NoticesQueued, HistoryImported):
        events.register(event_type, remember)
    return events


@pytest.fixture(name="server")
def _server() -> GameServer:
    return GameServer(
        scope=SCOPE,
        name="Mirny",
        host="127.0.0.1",
        port=22,
        username="renter",
        secret=EncryptedSecret(b""),
    )
