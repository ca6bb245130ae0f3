"""Backups by hand: which one is meant, the printed progress, and the end by a signal."""

import asyncio
import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.backups import MOMENT, write_archive
from utils.backup.archive import PROOF_NAME, write_note
from utils.commandline.backing_up import ProgressPrinter, choose_archive, run_until_stopped
from utils.errors import ArchiveRefusedError
from utils.models.backups import BackupProgress, BackupReason, BackupStep

MIGRATION = BackupReason.BEFORE_MIGRATION


def test_backup_is_named_by_id_path_proof_or_reason(tmp_path: Path) -> None:
    """``latest`` is the newest proven one of all places, ``before-migration`` the newest of that reason."""
    home, other = tmp_path / "home", tmp_path / "other"
    places = (home, other, tmp_path / "away")
    newest = write_archive(home, MOMENT)
    proven = write_archive(other, MOMENT - timedelta(days=1))
    write_note(proven, PROOF_NAME, MOMENT, {})
    before = [write_archive(home, MOMENT - timedelta(days=days), reason=MIGRATION) for days in (3, 2)]
    assert choose_archive(places, "latest").id == proven.id
    assert choose_archive(places, "before-migration").id == before[1].id
    assert choose_archive(places, newest.id) == newest
    assert choose_archive((), str(newest.path)) == newest


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("latest", "No backup is proven yet. Name one by its id."),
        ("before-migration", "No backup was made before an upgrade. Name one by its id."),
        ("killfeed-x", "No place has a backup killfeed-x."),
    ],
)
def test_backup_that_is_not_there_is_a_sentence(tmp_path: Path, named: str, sentence: str) -> None:
    """The refusal says which kind of backup is missing."""
    with pytest.raises(ArchiveRefusedError) as refused:
        choose_archive((tmp_path,), named)
    assert str(refused.value) == sentence


def test_each_collection_is_one_line() -> None:
    """A line is printed when a step comes to another collection, and not for each piece."""
    lines: list[str] = []
    printer = ProgressPrinter(lines.append)
    for documents in (0, 5000, 10_000):
        printer.show(BackupProgress(BackupStep.TAKING, "kills", 2, 16, documents, documents * 50))
    printer.show(BackupProgress(BackupStep.COMPARING, "kills", 2, 16, 12_345))
    assert lines == [
        "taken: 2 of 16 collections, 0 documents; at kills\n",
        "compared: 2 of 16 collections, 12,345 documents; at kills\n",
    ]


@pytest.fixture(name="signals")
def _signals() -> Iterator[tuple[signal.Signals, ...]]:
    """Return the signals that end a call, and give them back afterwards."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("place", [0, 1], ids=["SIGINT", "SIGTERM"])
async def test_signal_ends_a_call_and_lets_it_clean_up(
    signals: tuple[signal.Signals, ...], place: int
) -> None:
    """The work is cancelled and has cleaned up; without a signal its result is returned."""
    ended: list[str] = []

    async def work() -> bool:
        try:
            os.kill(os.getpid(), signals[place])
            await asyncio.Event().wait()
            return True
        finally:
            ended.append("clean")

    assert await run_until_stopped(work) is None
    assert ended == ["clean"]

    async def succeed() -> bool:
        return True

    assert await run_until_stopped(succeed) is True
    for number in signals:
        asyncio.get_running_loop().remove_signal_handler(number)
