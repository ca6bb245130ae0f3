"""Read-back: which batches and imports are looked at, what is found, and what comes of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.fakes.clock import FakeClock
from tests.fakes.errors import FakeErrorSink
from tests.fakes.verified import (
    DEATHS,
    GUILD,
    MEMBERS,
    NOW,
    SERVER,
    Community,
    RepairShop,
    build_verifier,
)
from tests.utils.services.verification.test_nightly import FakeWhole, Memory
from tests.utils.services.verification.test_verifier import CASES, change_death, lose_death
from utils.composition.read_back import ReadBackCheck
from utils.database.core.database import SafeDatabase
from utils.errors import StorageUnavailableError
from utils.events import CountersStored, HistoryImported
from utils.models.deaths import Death
from utils.models.players import Counters, PlayerRecord
from utils.models.reading import ImportJob
from utils.models.scope import PlayerId, ServerId, ServerScope
from utils.models.verification import (
    DataCheck,
    DataFault,
    DataFinding,
    ShownServer,
    VerificationReport,
)
from utils.services.verification.nightly import DataCare
from utils.services.verification.read_back import (
    EVERY,
    MOST_RECOUNTED,
    ReadBack,
    choose_players,
    read_stored,
)
from utils.settings import Settings
from utils.tasks import TaskManager

OTHER = ServerScope(GUILD, ServerId("bbbbbbbb"))
SHOWN = ShownServer(SERVER, 0)
COUNTERS = DataFinding(DataFault.COUNTERS, GUILD, SERVER.server_id, found=3)
DENIED = DataFinding(DataFault.DENIED, GUILD, SERVER.server_id, found=1)
WALLET = DataFinding(DataFault.LEDGER, GUILD, member_id=MEMBERS[0])
GOOD = VerificationReport(players=3, deaths=2)


@dataclass
class FakeReader:
    """Reads nothing, and remembers what it was asked for.

    Attributes:
        fails: the database is away.
    """

    asked: list[object] = field(default_factory=list)
    taken_up: list[Collection[ServerScope]] = field(default_factory=list)
    fails: bool = False

    async def read_stored(
        self, server: ShownServer, deaths: Sequence[Death], player_ids: Collection[PlayerId]
    ) -> VerificationReport:
        """Find no fault."""
        del deaths
        self.asked.append((server, player_ids))
        return VerificationReport()

    async def read_server(self, scope: ServerScope) -> VerificationReport:
        """Find no fault, or fail."""
        self.asked.append(scope)
        if self.fails:
            raise StorageUnavailableError("away")
        return VerificationReport()

    async def take_up(self, report: VerificationReport, *, verified: Collection[ServerScope]) -> None:
        """Remember what was verified completely."""
        assert report.is_good
        self.taken_up.append(verified)


def build_player(name: str, *, kills: int, deaths: int) -> PlayerRecord:
    """Return a player with these numbers of kills and deaths."""
    counters = Counters(kills=kills, deaths=deaths)
    return PlayerRecord(PlayerId(name), name, (), counters, 0, (NOW, "", "", 0), NOW)


def build_event(scope: ServerScope, *players: PlayerRecord) -> CountersStored:
    """Return the event of a stored batch."""
    return CountersStored(scope=scope, generation=0, batches=1, deaths=(), players=players, days=())


async def test_every_200th_batch_and_every_import_is_read_back(clock: FakeClock) -> None:
    """The batches of all game servers count together; a failure is reported and ends nothing."""
    reader, errors = FakeReader(), FakeErrorSink()
    tasks = TaskManager(clock, errors=errors)
    read_back = ReadBack(reader, reader, tasks=tasks)  # type: ignore[arg-type] # a care of the data as well
    for _ in range(EVERY - 1):
        read_back.on_counters_stored(build_event(OTHER))
    read_back.on_counters_stored(build_event(SERVER, build_player("Ann", kills=1, deaths=2)))
    await clock.advance(0)
    assert (reader.asked, reader.taken_up) == ([(SHOWN, ["Ann"])], [()])
    reader.fails = True
    read_back.on_history_imported(HistoryImported(scope=SERVER))
    await clock.advance(0)
    assert ([type(error) for error in errors.reported], reader.taken_up) == ([StorageUnavailableError], [()])
    reader.fails = False
    read_back.on_history_imported(HistoryImported(scope=OTHER))
    await clock.advance(0)
    assert (reader.asked[1:], reader.taken_up) == ([SERVER, OTHER], [(), [OTHER]])
    await tasks.stop()


def test_players_with_few_deaths_are_counted_again() -> None:
    """A player with many deaths costs much, and waits for the night."""
    half = build_player("Half", kills=MOST_RECOUNTED // 4, deaths=MOST_RECOUNTED // 4)
    rest = build_player("Rest", kills=MOST_RECOUNTED // 2, deaths=0)
    known = build_player("Known", kills=MOST_RECOUNTED, deaths=1)
    assert choose_players([known, rest, half]) == ["Rest", "Half"]


async def read(community: Community) -> list[str]:
    """Read the first three deaths back with all players, as the batch that stored them."""
    deaths, players = community.build_deaths(3), await community.list_player_ids()
    verifier = build_verifier(community.database)
    report = await community.database.call(lambda: read_stored(verifier, SHOWN, deaths, players))
    assert (report.deaths, report.players) == (3, len(players))
    return [str(one.said) for one in report.findings]


async def test_batch_is_read_back_as_it_was_stored(database: SafeDatabase, community: Community) -> None:
    """A death that is gone or denies its id is found, and so are players whose counters are others."""
    place = "the game server aaaaaaaa of the community 42."
    assert await read(community) == []
    await change_death(community, 1)
    first, *_ = await read(community)
    assert first == f"1 stored death isn't what it was: {place}"
    await lose_death(community)
    said = [
        f"2 stored deaths aren't what they were: {place}",
        f"3 figures aren't what the deaths say: {place}",
    ]
    assert await read(community) == said
    await community.imports.begin_import(SERVER, ImportJob(1, NOW, {}))
    assert await read(community) == said[:1]  # an import counts again
    await database.unscoped("game_servers").update_one({}, {"$set": {"removed_at": NOW}})
    assert await read(community) == []  # its deaths may be deleted by now


async def test_import_is_read_back_completely(
    database: SafeDatabase, community: Community, mongod_uri: str, tmp_path: Path
) -> None:
    """A small game server is verified in this process, a large one by the same work in a child process."""
    check = ReadBackCheck(None, database)  # type: ignore[arg-type] # the settings are for the child
    assert await check.read_server(SERVER) == VerificationReport(servers=1, deaths=DEATHS)
    await CASES["other player"][0](community)
    wrong = VerificationReport(servers=1, deaths=DEATHS, findings=(replace(COUNTERS, found=1),))
    assert await check.read_server(SERVER) == wrong
    place = {"uri": mongod_uri, "database": database.name}
    settings = Settings.model_validate({"mongodb": place, "data_dir": tmp_path, "secret_key": "k" * 40})
    assert await ReadBackCheck(settings, database, most=DEATHS - 1).read_server(SERVER) == wrong


async def test_found_faults_are_repaired_and_stand_beside_those_of_the_night(
    database: SafeDatabase, community: Community, shop: RepairShop, clock: FakeClock
) -> None:
    """Figures are counted again at once. Other faults stay until the game server is verified."""
    memory, noted = Memory(DataCheck(NOW, [WALLET])), list[DataCheck]()
    care = DataCare(FakeWhole(), shop.repair, memory, note=noted.append, clock=clock)
    await care.take_up(VerificationReport(), verified=[SERVER])
    assert noted == []
    await CASES["counters"][0](community)
    check = ReadBackCheck(None, database)  # type: ignore[arg-type] # the settings are for the child
    await care.take_up(await check.read_server(SERVER), verified=[SERVER])
    counted = {SERVER: clock.now()}
    assert noted == [DataCheck(NOW, (replace(COUNTERS, found=39).repaired(), WALLET), counted)]
    await care.take_up(VerificationReport(findings=(DENIED,)), verified=())
    await care.take_up(VerificationReport(findings=(DENIED,)), verified=())
    assert noted[-1].findings == (DENIED, replace(COUNTERS, found=39).repaired(), WALLET)
    await care.take_up(await check.read_server(SERVER), verified=[SERVER])
    assert (noted[-1], memory.check) == (DataCheck(NOW, (WALLET,), counted), noted[-1])
