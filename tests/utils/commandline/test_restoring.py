"""``bot.py restore``: what it prints, asks and refuses, over a real MongoDB and backups on the disk."""

import asyncio
import io
import json
import os
import pty
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient

from bot import main
from tests.fakes.backups import DOCUMENTS, MOMENT, begin_archive, finish, write_archive
from tests.fakes.restores import LOGGED_STEPS, PRESENT
from utils.backup.archive import PROOF_NAME, Archive, write_manifest, write_note
from utils.backup.manifest import dump_json
from utils.clock import SystemClock
from utils.commandline.restoring import describe_gap
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.process.embedded import EmbeddedMongod
from utils.models.backups import BackupReason
from utils.models.restores import RestoreGap

DONE, FAILED, WRONG_USAGE = 0, 1, 2
DAMAGE = b"damaged" * 10_000
Call = Callable[..., tuple[int, str, str]]


class Installation:
    """A data folder with a configuration, and its database in the tests' MongoDB.

    Attributes:
        place: the folder of its backups.
    """

    def __init__(self, folder: Path, mongodb_uri: str) -> None:
        self.data_dir, self.config = folder / "data", folder / "config.json"
        self.place = self.data_dir / "backups"
        self.place.mkdir(parents=True)
        self.database = f"test_{uuid4().hex[:16]}"
        self.uri = mongodb_uri
        self.configure()

    def configure(self, **changes: Any) -> None:
        """Write the configuration."""
        values = {
            "discord": {"token": "a.b.c"},
            "mongodb": {"uri": self.uri, "database": self.database},
            "data_dir": str(self.data_dir),
        }
        self.config.write_text(json.dumps(values | changes), "utf-8")

    def fill(self) -> None:
        """Store the present data."""
        with MongoClient[dict[str, Any]](self.uri) as client:
            for name, documents in PRESENT.items():
                client[self.database][name].insert_many([dict(one) for one in documents])

    def read(self) -> dict[str, list[dict[str, Any]]]:
        """Return all documents but those about processes, by collection."""
        with MongoClient[dict[str, Any]](self.uri) as client:
            database = client[self.database]
            names = set(database.list_collection_names()) - {"leases"}
            return {name: list(database[name].find(sort=[("_id", 1)])) for name in sorted(names)}


@pytest.fixture(name="installation")
def _installation(tmp_path: Path, mongod_uri: str) -> Iterator[Installation]:
    """Return an installation with data."""
    installation = Installation(tmp_path, mongod_uri)
    installation.fill()
    yield installation
    with MongoClient[dict[str, Any]](mongod_uri) as client:
        client.drop_database(installation.database)


@pytest.fixture(name="call")
def _call(capsys: pytest.CaptureFixture[str], installation: Installation) -> Iterator[Call]:
    """Run ``bot.py restore`` in this process; return exit code and output."""
    before = sys.getswitchinterval()

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["restore", *arguments, "--config", str(installation.config)])
        return code, *capsys.readouterr()

    yield call
    sys.setswitchinterval(before)


def write_keyless(place: Path, **changes: Any) -> Archive:
    """Write a backup without logins, with changes to its manifest that fit its sums."""
    archive = finish(begin_archive(place))
    content = json.loads((archive.path / "manifest.json").read_bytes()) | {"key_check": None} | changes
    for name in ("SHA256SUMS", "manifest.json"):
        (archive.path / name).unlink()

    class Changed:
        collections = archive.manifest.collections

        def dump(self) -> bytes:
            return dump_json(content)

    write_manifest(archive.path, Changed())  # type: ignore[arg-type]  # it asks for these two alone
    return archive


STEPS_OF_LOG = ["newer and lost by the restore", *LOGGED_STEPS]


def test_deaths_that_a_backup_lacks_are_told_in_plain_words() -> None:
    """The call tells how many are read again, and how many only after their server is added again."""
    assert describe_gap(RestoreGap(0)) == ["The backup has every death of the data before the restore."]
    [unknown] = describe_gap(RestoreGap())
    assert unknown.startswith("The data before the restore couldn't be read, so nobody knows how many deaths")
    again, gone = describe_gap(RestoreGap(1_234, gone=56, servers=2))
    assert again.startswith("Deaths that aren't in the backup: 1,234. The bot reads them again from the logs")
    assert gone.startswith("Deaths of game servers that were added after the backup: 56 on 2 servers.")


def type_id(call: Call, patch: pytest.MonkeyPatch, *arguments: str, typed: str) -> tuple[int, str, str]:
    """Run the call at a terminal where a person types a line."""
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "r") as stdin:
        patch.setattr(sys, "stdin", stdin)
        os.write(controller, f"{typed}\n".encode())
        done = call(*arguments)
    os.close(controller)
    return done


def test_backup_is_restored_and_the_present_data_is_kept_as_a_backup(
    installation: Installation, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id is typed; the call tells what changes, lists losses in a file, and backs the present data up."""
    archive = write_keyless(installation.place)
    write_note(archive, PROOF_NAME, MOMENT, {})
    code, out, error = type_id(call, monkeypatch, "latest", typed=archive.id)
    assert (code, error) == (DONE, "")
    assert "Type the id of the backup to restore it: " in out
    assert f"Backup {archive.id} of 2026-11-30T00:53:20+00:00" in out
    assert "  kills                     200 now          300 in the backup\n" in out
    assert f"{archive.id} is restored" in out
    assert out.endswith("Start the bot now.\nThe backup has every death of the data before the restore.\n")
    written = (installation.data_dir / "logs" / "backup.log").read_text("utf-8")
    logged = [json.loads(line) for line in written.splitlines()]
    assert [one["event"] for one in logged if one["level"] == "info"] == STEPS_OF_LOG
    assert not (installation.data_dir / "logs" / "errors.log").exists()
    found = installation.read()
    assert {name: found[name] for name in DOCUMENTS} == DOCUMENTS
    assert [row["action"] for row in found["audit"]] == ["backup restore"] * 2
    [kept] = [path for path in installation.place.iterdir() if BackupReason.BEFORE_RESTORE in path.name]
    assert (kept / "check.json").exists()
    [lost] = installation.data_dir.glob("restore-*-lost.json")
    assert (lost.stat().st_mode & 0o777, json.loads(lost.read_bytes())["backup"]) == (0o600, archive.id)


def test_dry_run_changes_nothing(installation: Installation, call: Call) -> None:
    """The plan is shown, and neither data nor backups change."""
    archive = write_keyless(installation.place)
    before = installation.read()
    code, out, error = call(archive.id, "--dry-run")
    assert (code, error) == (DONE, "")
    assert out.endswith("Nothing was changed: this was a dry run.\n")
    assert installation.read() == before
    assert [path.name for path in installation.place.iterdir()] == [archive.id]


def flip(archive: Archive) -> None:
    """Change one bit in the middle of a file."""
    path = archive.path / "kills.bson.zst"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(archive: Archive) -> None:
    """Cut the last byte of a file off."""
    path = archive.path / "guilds.bson.zst"
    path.write_bytes(path.read_bytes()[:-1])


def lose(archive: Archive) -> None:
    """Delete a file."""
    (archive.path / "links.bson.zst").unlink()


def edit(archive: Archive) -> None:
    """Change the manifest by hand."""
    path = archive.path / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"documents": 300', b'"documents": 299'))


def leave_unfinished(archive: Archive) -> None:
    """Leave the folder as a process that was killed leaves it."""
    (archive.path / "manifest.json").unlink()


REFUSALS: list[tuple[Callable[[Archive], None] | dict[str, Any], str]] = [
    (flip, "The backup {id} is damaged: kills.bson.zst is not as it was written."),
    (cut, "guilds.bson.zst of the backup {id} has"),
    (lose, "The backup {id} has no links.bson.zst."),
    (edit, "The manifest of the backup {id} was changed: it doesn't fit SHA256SUMS."),
    (leave_unfinished, "The backup {id} has no manifest.json."),
    ({"format": 2}, "The backup {id} has format 2 and this bot knows format 1. Update the bot."),
    ({"data_version": 99}, "The backup {id} has data of version 99 and this bot knows version 4."),
    ({"key_check": "0123456789abcdef"}, "The logins in the backup {id} need another secret key."),
]


@pytest.mark.parametrize(("change", "sentence"), REFUSALS)
def test_unusable_backup_is_refused_by_name_before_anything_changes(
    installation: Installation,
    call: Call,
    change: Callable[[Archive], None] | dict[str, Any],
    sentence: str,
) -> None:
    """A damaged, cut, foreign, newer or unfinished backup is one sentence, and the data stays."""
    archive = write_keyless(installation.place, **(change if isinstance(change, dict) else {}))
    if not isinstance(change, dict):
        change(archive)
    before = installation.read()
    code, _, error = call(str(archive.path), "--yes")
    assert (code, error.count("\n")) == (FAILED, 1)
    assert error.startswith(sentence.format(id=archive.id))
    assert installation.read() == before


def test_backup_with_other_logins_is_restored_without_them(installation: Installation, call: Call) -> None:
    """The refusal names the way; the bot's key is the valid one then, and newer data is accepted."""
    archive = write_archive(installation.place)
    with MongoClient[dict[str, Any]](installation.uri) as client:  # a newer bot has used it since
        client[installation.database]["schema"].update_one({"_id": "data"}, {"$set": {"version": 99}})
    assert "With --without-logins everything but the logins is restored." in call(archive.id, "--yes")[2]
    assert call(archive.id, "--yes", "--without-logins")[0] == DONE
    schema = {one["_id"]: one for one in installation.read()["schema"]}
    assert (installation.data_dir / "secret.key").exists()
    assert (schema["secret_key"]["following"], schema["data"]["version"]) == (None, MIGRATIONS.newest)


def test_restore_needs_a_terminal_or_a_yes(installation: Installation, call: Call) -> None:
    """Without both it is wrong usage, before anything is opened."""
    archive = write_keyless(installation.place)
    code, out, error = call(archive.id)
    assert (code, out) == (WRONG_USAGE, "")
    assert error.endswith("Add --yes to restore without the question.\n")


def test_other_text_than_the_id_restores_nothing(
    installation: Installation, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a terminal the id decides."""
    archive = write_keyless(installation.place)
    before = installation.read()
    code, out, _ = type_id(call, monkeypatch, archive.id, typed="yes")
    assert (code, out.endswith("That is not the id of the backup. Nothing was restored.\n")) == (FAILED, True)
    assert installation.read() == before


def test_running_bot_keeps_a_restore_away(installation: Installation, call: Call) -> None:
    """The data folder of a bot that runs, and the lease of one elsewhere, are refused."""
    archive = write_keyless(installation.place)
    with MongoClient[dict[str, Any]](installation.uri) as client:
        lease = {
            "_id": 0,
            "token": 5,
            "instance_id": "elsewhere",
            "sessions": [b"0123456789abcdef"],
            "expires_at": MOMENT.replace(year=2990),
            "shard_count": 1,
        }
        client[installation.database]["leases"].insert_one(lease)
    code, _, error = call(archive.id, "--yes")
    sentence = "A bot works with this database, or a backup is made or restored. Stop every bot first, then"
    assert (code, error) == (FAILED, f"{sentence} try again.\n")


def test_empty_database_beside_its_backup_is_begun_again_only_on_demand(
    installation: Installation, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    """A lost database does not look like a first start; the sentence names both ways on."""
    write_keyless(installation.place, database=installation.database)
    code, _, error = call("nothing")
    assert (code, "is not empty. Nothing was changed" in error) == (FAILED, True)
    with MongoClient[dict[str, Any]](installation.uri) as client:
        client.drop_database(installation.database)
    assert main(["check", "--config", str(installation.config)]) == FAILED
    assert "If it was lost, run `python bot.py restore latest`." in capsys.readouterr().out
    assert installation.read() == {}
    assert call("nothing")[0] == DONE
    assert installation.read() == {"schema": [{"_id": "data", "version": MIGRATIONS.newest}]}


class Interrupted(io.StringIO):
    """Output whose reader presses Ctrl-C at the question."""

    def write(self, words: str) -> int:
        """Take words."""
        if words.startswith("Type the id"):
            os.kill(os.getpid(), signal.SIGINT)
        return super().write(words)


def test_stop_at_the_question_says_that_nothing_has_changed(
    installation: Installation, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends the call with 1 and one line of what stands."""
    archive = write_keyless(installation.place)
    before = installation.read()
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stdout", Interrupted())
        code, _, error = call(archive.id)
    os.close(controller)
    assert (code, error) == (FAILED, "Stopped. Nothing was restored; the data is as it was.\n")
    assert installation.read() == before


@pytest.mark.fault
def test_data_that_its_mongod_cannot_read_is_set_aside(
    tmp_path: Path, mongod_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mongod that starts and dies of its data keeps its files; the call says what to do, and does it."""
    assert mongod_uri  # skips the test without mongod
    own = Installation(tmp_path, "")
    archive = write_keyless(own.place)
    asyncio.run(fill_and_damage(own))
    before = {path.name: path.read_bytes() for path in (own.data_dir / "mongodb").glob("*.wt")}
    arguments = ["restore", archive.id, "--yes", "--config", str(own.config)]
    assert main(arguments) == FAILED
    error = capsys.readouterr().err
    assert "The bot's own MongoDB can't read its data: " in error
    assert "with --discard-current that folder is set aside" in error
    assert main([*arguments, "--discard-current"]) == DONE
    out = capsys.readouterr().out
    [aside] = own.data_dir.glob("mongodb.broken-*")
    assert f"The MongoDB that can't be used is set aside in {aside}.\n" in out
    kept = {path.name: path.read_bytes() for path in aside.glob("*.wt")}
    assert kept.keys() >= before.keys()
    damaged = [name for name, content in before.items() if DAMAGE in content]
    assert len(damaged) == 1
    assert DAMAGE in kept[damaged[0]]


async def fill_and_damage(own: Installation) -> None:
    """Store data in a mongod of the bot, stop it, and write over the middle of a file of its deaths."""
    mongod = EmbeddedMongod(own.data_dir, clock=SystemClock())
    with MongoClient[dict[str, Any]](await mongod.start()) as client:
        database = client[own.database]
        for name, documents in PRESENT.items():
            database[name].insert_many([dict(one) for one in documents])
        database["kills"].insert_many([{"_id": 1_000 + n, "rest": os.urandom(500)} for n in range(2_000)])
        uri = database.command("collStats", "kills")["wiredTiger"]["uri"]
    await mongod.stop()
    path = own.data_dir / "mongodb" / f"{uri.removeprefix('statistics:table:')}.wt"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + len(DAMAGE)] = DAMAGE
    path.write_bytes(content)
