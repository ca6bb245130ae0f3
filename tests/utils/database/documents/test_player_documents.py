"""Players and months as they are stored, also by versions that knew less of them."""

from datetime import UTC, date, datetime, timedelta

from utils.database.documents.player_documents import (
    build_month_document,
    build_player_document,
    read_month,
    read_player,
)
from utils.models.players import Counters, PlayerRecord, ServerMonth, WeaponCount
from utils.models.scope import PlayerId

AT = datetime(2025, 5, 1, 12, tzinfo=UTC)
ORDER = (AT.replace(tzinfo=None), "world_0", "2025.05.01-00.00.00.csv", 7)


def test_times_of_last_kills_are_stored_and_an_older_document_has_none() -> None:
    """A player of an older version has no last kills until the next one."""
    recent = (AT, AT + timedelta(seconds=5))
    ann = PlayerRecord(PlayerId("a"), "Ann", (), Counters(kills=2), 2, ORDER, AT, recent=recent)
    document = build_player_document(ann, generation=0)
    assert read_player({**document, "last_order": list(ORDER)}) == ann
    del document["recent"]
    assert read_player(document).recent == ()


def test_days_of_a_month_are_stored_and_an_older_document_has_none() -> None:
    """A month of an older version knows its days with a kill from the next kill on."""
    may = ServerMonth(date(2025, 5, 1), (WeaponCount("Mosin", 3, 90),), (0,) * 168, (1, 30))
    document = build_month_document(may, generation=0)
    assert read_month(document) == may
    assert (may.kills, may.longest) == (3, 90)
    del document["days"]
    assert read_month(document).days == ()
