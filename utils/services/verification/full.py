"""The full verification: every death, every figure and every ledger, each part as of one moment.

It reads blocking, in a process of its own. A game server's part is read in one snapshot; if MongoDB has
forgotten its moment, that part is read once more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from zlib import crc32

from utils.errors import SnapshotGoneError
from utils.models.backups import BackupProgress, BackupStep
from utils.models.scope import ServerScope
from utils.models.verification import (
    DataFault,
    DataFinding,
    DeathCounts,
    KeptCommunities,
    ShownServer,
    VerificationReport,
)
from utils.services.ingestion.generation import COUNTED_ROWS, count_anew
from utils.services.verification.gone import find_gone
from utils.services.verification.ledgers import verify_ledgers
from utils.services.verification.recount import ComparedGeneration
from utils.services.verification.stores import WholeData
from utils.services.verification.verifier import DataVerifier, of_server

DAYS = 7
"""Each game server is verified once in this many days, if a day is given."""

Pause = Callable[[], Awaitable[None]]


async def do_not_pause() -> None:
    """Go on at once."""


class HalfPace:
    """Rests as long as it worked since the last rest, so that half of a core stays free.

    Args:
        sleep: waits a number of seconds.
        measure: returns the seconds of CPU so far.
    """

    def __init__(self, sleep: Callable[[float], Awaitable[None]], measure: Callable[[], float]) -> None:
        self._sleep = sleep
        self._measure = measure
        self._since = measure()

    async def rest(self) -> None:
        """Rest."""
        await self._sleep(self._measure() - self._since)
        self._since = self._measure()


@dataclass(eq=False)
class FullVerifier:
    """Verifies everything, or on a day the game servers of that day and everything besides.

    Args:
        open_data: opens a snapshot.
        build_verifier: returns the verifier of samples, for the parts that both share.
        pause: is awaited between pieces of work.
    """

    open_data: Callable[[], AbstractContextManager[WholeData]]
    build_verifier: Callable[[WholeData], DataVerifier]
    pause: Pause = do_not_pause

    def run(
        self,
        expected: DeathCounts,
        kept: KeptCommunities | None = None,
        *,
        day: int | None = None,
        also: Collection[ServerScope] = (),
    ) -> Generator[BackupProgress, None, VerificationReport]:
        """Verify the data piece by piece, and return what was found.

        Args:
            expected: the deaths of the newest proven backup.
            kept: its communities.
            day: a number of days; its rest decides which seventh of the servers is counted again.
            also: further game servers that are counted again.

        Raises:
            StorageError: the database does not answer.
        """
        with self.open_data() as data:
            report, servers = self._begin(data, expected, kept)
        chosen = [one for one in servers if is_due_on(one.scope, day) or one.scope in also]
        progress = BackupProgress(BackupStep.VERIFYING, collections=len(chosen))
        yield progress
        for number, server in enumerate(chosen):
            progress = replace(progress, collection=str(server.scope), collections_done=number)
            yield progress
            findings, deaths = self._verify_patiently(server.scope)
            progress = replace(progress, documents=progress.documents + deaths)
            report = replace(
                report,
                findings=(*report.findings, *findings),
                servers=report.servers + 1,
                deaths=report.deaths + deaths,
            )
        yield replace(progress, collections_done=len(chosen))
        return report

    def run_server(self, scope: ServerScope) -> Generator[BackupProgress, None, VerificationReport]:
        """Verify all deaths and figures of one game server.

        Raises:
            StorageError: the database does not answer.
        """
        yield BackupProgress(BackupStep.VERIFYING, str(scope), collections=1)
        findings, deaths = self._verify_patiently(scope)
        return VerificationReport(findings=tuple(findings), servers=1, deaths=deaths)

    def _begin(
        self, data: WholeData, expected: DeathCounts, kept: KeptCommunities | None
    ) -> tuple[VerificationReport, Sequence[ShownServer]]:
        """Verify what concerns all game servers."""
        verifier = self.build_verifier(data)
        version = data.find_data_version()
        if version != verifier.newest_version:
            found = DataFinding(DataFault.VERSION, found=version or 0, expected=verifier.newest_version)
            return VerificationReport(findings=(found,)), ()
        findings = [DataFinding(DataFault.INDEX, detail=problem) for problem in data.list_index_problems()]
        servers, unreadable = data.list_servers()
        wallets, wrong = verify_ledgers(data)
        findings += [*unreadable, *verifier.compare_deaths(servers, expected), *wrong]
        findings += [
            DataFinding(DataFault.MARKS, guild_id, found=number)
            for guild_id, number in data.count_wrong_marks().items()
        ]
        findings += [*data.list_orphans(), *(find_gone(data, kept) if kept else ())]
        return VerificationReport(findings=tuple(findings), wallets=wallets), servers

    def _verify_patiently(self, scope: ServerScope) -> tuple[Sequence[DataFinding], int]:
        try:
            return self._verify(scope)
        except SnapshotGoneError:
            return self._verify(scope)

    def _verify(self, scope: ServerScope) -> tuple[Sequence[DataFinding], int]:
        """Return what is wrong with a game server, and the number of its deaths."""
        with self.open_data() as data:
            generation = data.find_generation(scope)
            if generation is None or data.is_importing(scope):
                return (), 0
            shown = ShownServer(scope, generation)
            compared = asyncio.run(_recount(data, shown, self.pause))
            playtimes = data.count_wrong_playtimes(scope)
        findings = []
        if compared.denied:
            findings.append(of_server(DataFault.DENIED, scope, found=len(compared.denied)))
        if compared.wrong:
            findings.append(of_server(DataFault.COUNTERS, scope, found=compared.wrong))
        if playtimes:
            findings.append(of_server(DataFault.PLAYTIME, scope, found=playtimes))
        return findings, compared.deaths


async def _recount(data: WholeData, server: ShownServer, pause: Pause) -> ComparedGeneration:
    compared = ComparedGeneration(data, server, pause=pause)
    batches = compared.iterate_deaths(server.scope, batch=COUNTED_ROWS)
    await count_anew(compared, server.scope, server.generation, batches)
    compared.finish()
    return compared


def is_due_on(scope: ServerScope, day: int | None) -> bool:
    """Tell whether a game server is among those of a day; each is once in seven. Without a day all are."""
    return day is None or crc32(str(scope).encode()) % DAYS == day % DAYS
