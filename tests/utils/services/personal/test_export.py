"""The export of a person over a storage in memory."""

import csv
import io
import json
import zipfile

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import SCOPE, build_player_id, build_row
from tests.fakes.links import FakeAuditLog, FakeLinkStore, FakePlayerFinder
from tests.fakes.personal import FakePersonalStore
from tests.utils.services.personal.test_archives import OTHER, build_death
from utils.models.links import Link
from utils.models.personal import DataQuestion
from utils.models.scope import MemberId
from utils.services.links.proof import PROOF_OBJECTION_TIME
from utils.services.personal.export import ExportService
from utils.services.personal.people import PersonFinder

ALICE = MemberId(1)
WOLF = build_player_id("Wolf")


class ProvenLinks(FakeLinkStore):
    """Links that are all proven."""

    list_players = FakeLinkStore.list_of_member


async def export(store: FakePersonalStore, question: DataQuestion) -> dict[str, bytes]:
    """Return the files of an export's only archive."""
    links, clock = ProvenLinks(), FakeClock()
    wolf = Link(SCOPE.guild_id, ALICE, WOLF, "Wolf", clock.now())
    await links.put_proven(SCOPE.guild_id, wolf, at=clock.now() - PROOF_OBJECTION_TIME)
    people = PersonFinder(links, FakePlayerFinder("Elk"), clock=FakeClock())
    service = ExportService(store, people, audit=FakeAuditLog(), clock=clock)
    [archive] = [archive async for archive in service.export(question, write=str)]
    with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
        return {name: files.read(name) for name in files.namelist()}


async def test_member_has_everything_of_himself_and_his_players() -> None:
    """Parts are stored under their names; a rejected line has no id of others."""
    store = FakePersonalStore()
    store.player_parts = {"figures": [{"name": "Wolf"}], "rejected_lines": [{"line": f"{WOLF};{OTHER}"}]}
    changes = [{"detail": f"<@{ALICE}> linked <@77>"}]
    store.member_parts = {"wallet": [{"balance": 3}], "ledger": [], "changes_by_hand": changes}
    store.attempts = {WOLF: [{"count": 2}]}
    store.deaths = [[build_death(1), build_death(2)], [build_death(3)]]
    files = await export(store, DataQuestion(SCOPE.guild_id, ALICE))
    line = f"{WOLF};(another player)"
    servers = [{"server": "Mirny", "figures": [{"name": "Wolf"}], "rejected_lines": [{"line": line}]}]
    assert json.loads(files["data.json"]) == {
        "exported_at": FakeClock().now().isoformat(),
        "community_id": str(SCOPE.guild_id),
        "member_id": "1",
        "players": [{"player_id": WOLF, "servers": servers, "proof_attempts": [{"count": 2}]}],
        "wallet": [{"balance": 3}],
        "ledger": [],
        "changes_by_hand": [{"detail": f"<@{ALICE}> linked (another member)"}],
    }
    rows = list(csv.DictReader(io.StringIO(files["kills.csv"].decode())))
    assert [row["distance"] for row in rows] == ["1", "2", "3"]


async def test_player_alone_has_no_wallet_but_the_link() -> None:
    """A request by mail is about a player; the player's link is part of the data."""
    store = FakePersonalStore()
    store.links = [{"member_id": 5}]
    store.member_parts = {"wallet": [{"balance": 3}]}
    elk = build_row("Elk", "Bear").killer_id
    files = await export(store, DataQuestion(SCOPE.guild_id, ALICE, is_admin=True, player="Elk"))
    data = json.loads(files["data.json"])
    assert (data["member_id"], "wallet" in data) == (None, False)
    assert data["players"] == [
        {"player_id": elk, "servers": [], "proof_attempts": [], "links": [{"member_id": 5}]}
    ]
