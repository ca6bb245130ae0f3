"""Secret keys: a start finds a wrong or lost key, and a change of the key may be killed at any point."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from utils.clock import SystemClock
from utils.database.core.database import Fence, SafeDatabase
from utils.database.migrations.secret_keys import (
    AT_WORK,
    CUT_OFF,
    LOST_KEY,
    WRONG_KEY,
    KeyProof,
    MovedLogins,
    Rekeying,
    SecretCipher,
    StoredLogins,
    verify_secret_key,
)
from utils.database.repositories.leases import UPGRADE_LEASE, LeaseRepository
from utils.database.repositories.servers import GameServerRepository
from utils.errors import ConfigurationError, SecretError, StorageUnavailableError
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.servers import Credentials, EncryptedSecret, GameServer
from utils.redaction import Redactor
from utils.secret_key import KeyPlace, change_secret_key, open_secret_box
from utils.secrets import SecretBox

OLD, NEW, THIRD = (
    SecretBox("the key until now"),
    SecretBox("the key from now on"),
    SecretBox("a third key for all"),
)
SCOPES = [
    ServerScope(GuildId(guild), ServerId(server)) for guild in (42, 43, 44) for server in ("aaaa", "bbbb")
]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PASSWORDS = {scope: Credentials(f"pass of {scope}") for scope in SCOPES}


class Killed(BaseException):
    """Simulates the end of a process."""


class MortalLogins(StoredLogins):
    """Dies before or after one of its writes.

    Attributes:
        writes: the number of remaining writes; negative: no limit.
    """

    def __init__(self, database: SafeDatabase, *, writes: int = -1, is_after: bool = False) -> None:
        super().__init__(database)
        self.writes = writes
        self._is_after = is_after

    async def save_proof(self, proof: KeyProof, *, fence: Fence | None = None) -> None:
        """Write the proof, or die."""
        self._live(is_after=False)
        await super().save_proof(proof, fence=fence)
        self._live(is_after=True)

    async def move(
        self, guild_id: GuildId, old: SecretCipher | None, new: SecretCipher, fence: Fence
    ) -> MovedLogins:
        """Move a guild, or die."""
        self._live(is_after=False)
        moved = await super().move(guild_id, old, new, fence)
        self._live(is_after=True)
        return moved

    def _live(self, *, is_after: bool) -> None:
        if is_after == self._is_after:
            if not self.writes:
                raise Killed
            self.writes -= 1


@pytest.fixture(name="stored", autouse=True)
async def _stored(database: SafeDatabase, make_server: Callable[..., GameServer]) -> None:
    """Store six servers of three guilds, and a removed one without a login."""
    servers = GameServerRepository(database)
    for scope, credentials in PASSWORDS.items():
        await servers.insert_server(
            scope, replace(make_server(scope), secret=OLD.encrypt(scope, credentials))
        )
    removed = ServerScope(GuildId(42), ServerId("gone"))
    await servers.insert_server(removed, make_server(removed))
    await servers.mark_removed(removed, keep_stats=True, at=NOW)


def build(database: SafeDatabase, logins: StoredLogins | None = None) -> Rekeying:
    """Return the change of the key."""
    leases = LeaseRepository(database, shard_count=1)
    return Rekeying(logins or StoredLogins(database), leases, instance_id="here", clock=SystemClock())


async def read(database: SafeDatabase, box: SecretBox) -> dict[ServerScope, Credentials]:
    """Return the logins that open with a key."""
    found = {}
    for guild_id in await StoredLogins(database).list_guild_ids():
        for scope, secret in (await StoredLogins(database).list_logins(guild_id)).items():
            try:
                found[scope] = box.decrypt(scope, secret)
            except SecretError:
                continue
    return found


async def verify(database: SafeDatabase, box: SecretBox | None) -> str:
    """Return the error of a start with a key; empty if the bot starts."""
    try:
        await verify_secret_key(StoredLogins(database), box)
    except ConfigurationError as error:
        return str(error)
    return ""


async def test_key_that_does_not_fit_is_told_at_the_start(database: SafeDatabase) -> None:
    """Without a stored proof the logins decide; later the proof decides, even with damaged logins."""
    assert [await verify(database, box) for box in (NEW, None, OLD)] == [WRONG_KEY, LOST_KEY, ""]
    damaged = EncryptedSecret(b"\x01 nothing")
    servers = GameServerRepository(database)
    for scope in SCOPES:
        server = await servers.find_server(scope)
        assert server is not None
        await servers.replace_server(scope, replace(server, secret=damaged))
    assert [await verify(database, box) for box in (NEW, None, OLD)] == [WRONG_KEY, LOST_KEY, ""]


async def test_any_key_fits_where_nothing_is_lost_with_the_old_one(database: SafeDatabase) -> None:
    """Without logins the bot starts with any key, and stores its proof."""
    for scope in SCOPES:
        await GameServerRepository(database).mark_removed(scope, keep_stats=True, at=NOW)
    for box in (OLD, NEW, NEW):
        assert [await verify(database, None), await verify(database, box)] == ["", ""]
        proof = await StoredLogins(database).find_proof()
        assert proof.current is not None
        assert box.is_proven_by(proof.current)


async def test_all_logins_go_over_to_the_new_key(database: SafeDatabase) -> None:
    """Every login opens only with the new key, and the bot starts only with it."""
    assert await build(database).run(OLD, NEW) == MovedLogins(len(SCOPES))
    assert (await read(database, NEW), await read(database, OLD)) == (PASSWORDS, {})
    assert [await verify(database, box) for box in (OLD, NEW)] == [WRONG_KEY, ""]


@pytest.mark.fault
async def test_change_that_was_killed_at_any_point_is_gone_on_with(database: SafeDatabase) -> None:
    """After a kill at any write no bot starts, no other key works, and the same command ends the change."""
    await verify_secret_key(StoredLogins(database), OLD)
    old, new = OLD, NEW
    for writes, is_after in product(range(5), (False, True)):
        mortal = MortalLogins(database, writes=writes, is_after=is_after)
        with pytest.raises(Killed):
            await build(database, mortal).run(old, new)
        assert await read(database, old) | await read(database, new) == PASSWORDS
        if 0 < writes + is_after < 5:
            assert [await verify(database, box) for box in (old, new, None)] == [CUT_OFF] * 3
            with pytest.raises(ConfigurationError, match="with the same new key"):
                await build(database).run(old, THIRD)
        for _ in range(2):  # the second time like after a kill right before the end
            assert await build(database).run(old, new) == MovedLogins(len(SCOPES))
        assert (await read(database, new), await verify(database, new)) == (PASSWORDS, "")
        old, new = new, old


async def test_wrong_and_lost_old_keys_move_nothing(database: SafeDatabase) -> None:
    """Wrong keys move nothing. With ``--lost`` the logins stay unchanged, and the bot starts."""
    for old, sentence in ((THIRD, WRONG_KEY), (None, LOST_KEY)):
        with pytest.raises(ConfigurationError) as caught:
            await build(database).run(old, NEW)
        assert str(caught.value) == sentence
    assert await read(database, OLD) == PASSWORDS
    assert await build(database).run(None, NEW, is_lost=True) == MovedLogins(0, len(SCOPES))
    assert (await verify(database, NEW), await read(database, OLD)) == ("", PASSWORDS)


async def test_change_is_refused_while_a_bot_is_at_work(database: SafeDatabase) -> None:
    """A bot on any machine is seen by its lease, and goes on."""
    leases, now = LeaseRepository(database, shard_count=1), SystemClock().now()
    token = await leases.acquire(0, instance_id="elsewhere", now=now)
    assert token is not None
    with pytest.raises(ConfigurationError) as caught:
        await build(database).run(OLD, NEW)
    assert (str(caught.value), await verify(database, OLD)) == (AT_WORK, "")
    await leases.release(0, token=token)
    await leases.acquire(UPGRADE_LEASE, instance_id="elsewhere", now=now)
    with pytest.raises(ConfigurationError, match="at work"):
        await build(database).run(OLD, NEW)
    assert await read(database, OLD) == PASSWORDS


class LateLeases(LeaseRepository):
    """A bot takes a shard between the two checks."""

    def __init__(self, database: SafeDatabase) -> None:
        super().__init__(database, shard_count=1)
        self._looks = 0

    async def end_idle(self, *, instance_id: str, now: datetime) -> bool:
        """Check, and let a bot begin."""
        self._looks += 1
        if self._looks == 2:
            await self.acquire(0, instance_id="elsewhere", now=now)
        return await super().end_idle(instance_id=instance_id, now=now)


async def test_bot_that_begins_at_the_same_moment_wins(database: SafeDatabase) -> None:
    """The change sees the lease of the bot and undoes its mark, so the bot's next start works."""
    await verify_secret_key(StoredLogins(database), OLD)
    before = await StoredLogins(database).find_proof()
    work = Rekeying(StoredLogins(database), LateLeases(database), instance_id="here", clock=SystemClock())
    with pytest.raises(ConfigurationError, match="at work"):
        await work.run(OLD, NEW)
    assert (await StoredLogins(database).find_proof(), await read(database, OLD)) == (before, PASSWORDS)


async def change(place: KeyPlace, database: SafeDatabase, given: str = "", *, is_lost: bool = False) -> str:
    """Change the key of an installation."""
    return await change_secret_key(place, build(database), Redactor(), given=given, is_lost=is_lost)


def list_files(folder: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_key_file_is_never_made_anew_while_logins_need_it(
    database: SafeDatabase, tmp_path: Path
) -> None:
    """The key file is made at the first start, read at the next, and reported if it is missing."""
    place = KeyPlace("", tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        await open_secret_box(place, database, Redactor())
    assert (str(caught.value), list_files(tmp_path)) == (LOST_KEY, [])
    for scope in SCOPES:
        await GameServerRepository(database).mark_removed(scope, keep_stats=False, at=NOW)
    box = await open_secret_box(place, database, Redactor())
    again = await open_secret_box(place, database, Redactor())
    assert again.is_proven_by(box.seal_proof())
    assert list_files(tmp_path) == ["secret.key"]


async def test_key_goes_from_file_to_file_and_to_the_configuration_and_back(
    database: SafeDatabase, tmp_path: Path
) -> None:
    """Each way ends with a start that works, and says what remains to be done."""
    (tmp_path / "secret.key").write_text("the key until now")
    first = await change(KeyPlace("", tmp_path), database)
    assert first.endswith(
        "It is in data/secret.key. The old one is kept in data/secret.key.old: backups from before need it."
    )
    assert (tmp_path / "secret.key.old").read_text() == "the key until now"
    assert (
        await read(database, await open_secret_box(KeyPlace("", tmp_path), database, Redactor())) == PASSWORDS
    )
    second = await change(KeyPlace("", tmp_path), database, "the key from now on")
    assert "Set secret_key to the new key in every process" in second
    with pytest.raises(ConfigurationError, match="The secret key is gone"):
        await open_secret_box(KeyPlace("", tmp_path), database, Redactor())
    place = KeyPlace("the key from now on", tmp_path)
    assert await read(database, await open_secret_box(place, database, Redactor())) == PASSWORDS
    third = await change(place, database)
    assert third == (
        "6 logins can be read with the new secret key. It is in data/secret.key: make secret_key empty before"
        " you start the bot."
    )
    with pytest.raises(ConfigurationError, match="does not fit"):
        await open_secret_box(place, database, Redactor())
    assert (
        await read(database, await open_secret_box(KeyPlace("", tmp_path), database, Redactor())) == PASSWORDS
    )


async def test_key_that_is_lost_is_not_said_to_be_kept(database: SafeDatabase, tmp_path: Path) -> None:
    """A file of an older key is not the lost key."""
    (tmp_path / "secret.key.old").write_text("the key before that one")
    answer = await change(KeyPlace("", tmp_path), database, is_lost=True)
    assert answer.endswith("It is in data/secret.key.")


@pytest.mark.fault
async def test_change_that_was_killed_between_its_files_is_gone_on_with(
    database: SafeDatabase, tmp_path: Path
) -> None:
    """After a kill between the moves of the key files, the same command ends the change."""
    new = SecretBox.load_next(tmp_path)
    await build(database).run(OLD, new)
    for leftover in (True, False):
        if leftover:
            (tmp_path / "secret.key").write_text("the key until now")
        with pytest.raises(ConfigurationError):
            await open_secret_box(KeyPlace("", tmp_path), database, Redactor())
        kept = (tmp_path / "secret.key.new").read_text()
        await change(KeyPlace("", tmp_path), database)
        assert (tmp_path / "secret.key").read_text() == kept
        assert (
            await read(database, await open_secret_box(KeyPlace("", tmp_path), database, Redactor()))
            == PASSWORDS
        )
        (tmp_path / "secret.key").rename(tmp_path / "secret.key.new")


async def test_storage_that_fails_leaves_a_change_that_goes_on(database: SafeDatabase) -> None:
    """An outage of MongoDB in the middle has the same effect as a kill."""

    class AwayLogins(StoredLogins):
        """Fails at the second guild."""

        async def move(
            self, guild_id: GuildId, old: SecretCipher | None, new: SecretCipher, fence: Fence
        ) -> MovedLogins:
            """Fail."""
            if guild_id == GuildId(43):
                raise StorageUnavailableError("away")
            return await super().move(guild_id, old, new, fence)

    with pytest.raises(StorageUnavailableError):
        await build(database, AwayLogins(database)).run(OLD, NEW)
    assert await build(database).run(OLD, NEW) == MovedLogins(len(SCOPES))


def test_place_shows_nothing_of_its_key(tmp_path: Path) -> None:
    """The repr hides the key, because it may appear in an error."""
    assert repr(KeyPlace("the key until now", tmp_path)) == "KeyPlace(configured)"
