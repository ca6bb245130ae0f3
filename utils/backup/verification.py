"""Verification of one backup: its files, its secret key and version, and a restore on trial."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from utils.backup.archive import CHECK_NAME, PROOF_NAME, Archive, read_archive, write_note
from utils.backup.checking import check_files
from utils.backup.child import Job, work_in_child
from utils.backup.manifest import Manifest
from utils.backup.memory import read_free_memory
from utils.backup.proof import prove
from utils.backup.steps import Pause, Show, Steps, carry_out, do_not_pause, run_in_thread
from utils.clock import Clock, SystemClock
from utils.database.archives.trial import TrialDatabase, TrialPlace, open_trial
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.process.scratch import clear_scratch
from utils.errors import ArchiveRefusedError, BackupError
from utils.models.texts import Number, Text, text

PROOF_BYTES = 700 * 1024 * 1024
"""Free memory that a proof needs: a scratch mongod with a cache of 256 MB, and its process."""

PROOF_JOB = "proof"

TrialCheck = Callable[[TrialDatabase, Manifest], Sequence[Text]]
"""Verifies the data of a backup after its restore on trial; returns a sentence for each difference."""

KeyCheck = Callable[[str], str | None]
"""Returns the check of the secret key for a backup's id, as hex; None if there is no key."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A backup that was verified.

    Attributes:
        archive: the backup with its new notes.
        unproven: why it was not restored on trial; None if it was.
        differences: what is wrong with the data itself; the backup is a true copy of it.
    """

    archive: Archive
    unproven: Text | None
    differences: tuple[Text, ...] = ()


@dataclass(eq=False)
class BackupVerifier:
    """Verifies backups; needs no database where there is a mongod program.

    Args:
        place: where a trial happens.
        command: starts the child process.
        key_check: computes the check of this installation's secret key.
        free_memory: tells how many bytes are free; None if unknown.
    """

    place: TrialPlace
    _: KW_ONLY
    command: Sequence[str]
    key_check: KeyCheck
    clock: Clock
    free_memory: Callable[[], int | None] = read_free_memory

    async def verify(self, archive: Archive, *, show: Show, pause: Pause = do_not_pause) -> Verified:
        """Verify a backup, and note in its folder what was done.

        Raises:
            ArchiveRefusedError: the backup is damaged or does not fit; the text says how.
        """
        refuse_newer(archive)
        self.refuse_other_key(archive)
        archive = await self.check(archive, show=show, pause=pause)
        free = await run_in_thread(self.free_memory)
        if free is not None and free < PROOF_BYTES:
            return Verified(await self._read_again(archive), _explain_memory(free))
        began = self.clock.monotonic()
        await self.clear_away()
        try:
            result = await work_in_child(self.command, PROOF_JOB, self._build_job(archive), show=show)
        except ArchiveRefusedError:
            raise
        except BackupError as error:  # the trial failed and not the backup
            return Verified(await self._read_again(archive), error.said)
        finally:
            await self.clear_away()
        await self._note(archive, PROOF_NAME, began, result)
        differences = tuple(
            text("The data in the backup isn't right: {why}", why=one) for one in result["differences"]
        )
        return Verified(await self._read_again(archive), None, differences)

    async def clear_away(self) -> None:
        """Delete the scratch databases of trials that were cut off."""
        await run_in_thread(partial(clear_scratch, self.place.scratch))

    async def check(self, archive: Archive, *, show: Show, pause: Pause = do_not_pause) -> Archive:
        """Compare the files of a backup with its manifest, and note in its folder that this was done.

        Raises:
            ArchiveRefusedError: the backup is damaged; the text says how.
        """
        began = self.clock.monotonic()
        archive = await carry_out(check_files(archive), show=show, pause=pause)
        await self._note(archive, CHECK_NAME, began, {})
        return archive

    def refuse_other_key(self, archive: Archive) -> None:
        """Refuse a backup with logins that need another secret key.

        Raises:
            ArchiveRefusedError: it is one.
        """
        needed = archive.manifest.key_check
        if needed is not None and needed != self.key_check(archive.id):
            raise ArchiveRefusedError(
                text(
                    "The logins in the backup {id} need another secret key. Put back the key from the "
                    "time of the backup; after a change of the key the old one is in data/secret.key.old.",
                    id=archive.id,
                )
            )

    def _build_job(self, archive: Archive) -> Mapping[str, object]:
        configured = self.place.mongod_path
        return {
            "archive": str(archive.path),
            "scratch": str(self.place.scratch),
            "mongod": None if configured is None else str(configured),
            "uri": self.place.uri,
            "database": self.place.database,
        }

    async def _note(self, archive: Archive, name: str, began: float, facts: Mapping[str, object]) -> None:
        noted = {"seconds": round(self.clock.monotonic() - began, 1), **facts}
        if os.access(archive.path, os.W_OK):  # a place may be readable alone
            await run_in_thread(partial(write_note, archive, name, self.clock.now(), noted))

    async def _read_again(self, archive: Archive) -> Archive:
        return await run_in_thread(partial(read_archive, archive.path))


def refuse_newer(archive: Archive) -> None:
    """Refuse a backup of a newer bot.

    Raises:
        ArchiveRefusedError: it is one.
    """
    if archive.manifest.data_version > MIGRATIONS.newest:
        raise ArchiveRefusedError(
            text(
                "The backup {id} has data of version {version} and this bot knows version {known}. "
                "Update the bot.",
                id=archive.id,
                version=Number(archive.manifest.data_version),
                known=Number(MIGRATIONS.newest),
            )
        )


def _explain_memory(free: int) -> Text:
    return text(
        "It isn't proven: a trial needs {needed} MB of free memory, and {free} MB are free.",
        needed=Number(PROOF_BYTES // 1024**2),
        free=Number(free // 1024**2),
    )


def prove_in_child(order: Mapping[str, Any], *, check: TrialCheck) -> Steps[Mapping[str, Any]]:
    """Do the job that ``BackupVerifier`` sends to its child process."""
    clock = SystemClock()
    configured = order["mongod"]
    place = TrialPlace(
        scratch=Path(order["scratch"]),
        mongod_path=None if configured is None else Path(configured),
        uri=order["uri"],
        database=order["database"],
    )
    archive = read_archive(Path(order["archive"]))
    with open_trial(place, clock=clock) as (trial, where):
        proof = yield from prove(archive, trial)
        differences = [str(one) for one in check(trial, archive.manifest)]
    return {"where": where, "documents": proof.documents, "differences": differences}


def build_jobs(check: TrialCheck) -> Mapping[str, Job]:
    """Return the jobs of the child process."""
    return {PROOF_JOB: partial(prove_in_child, check=check)}
