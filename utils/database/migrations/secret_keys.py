"""Secret keys: which key encrypted the stored logins, and how they are encrypted with another one.

*Theory of operation.* The database holds a proof: a text that the key encrypted, which only that key can
decrypt. At the start the bot checks its key with it. So a wrong or lost key is reported before anything is
read, and no new key is made while logins need the old one.

One process encrypts the logins with a new key (``Rekeying``), under the lease of upgrades and behind its
fence:

1. The proof of the new key is written beside that of the old one. From then on no bot starts: a bot checks
the proof when it holds its leases, and this process checks the leases again, so one of the two sees the
other.
2. Each guild's logins are encrypted in one transaction. Logins that the new key opens are done already.
3. The new proof replaces both. If the process is killed at any point, the same command goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from utils.clock import Clock
from utils.database.core.blocking import BlockingCollection
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.core.transaction import Transaction
from utils.database.repositories.leases import UPGRADE_LEASE, LeaseRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.errors import ConfigurationError, SecretError
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.servers import Credentials, EncryptedSecret
from utils.models.sharding import Sharding

LOST_KEY = (
    "The secret key is gone, and the stored SFTP logins need it. Put data/secret.key back, or set secret_key"
    " to the old key. If it is lost for good, run `python bot.py rekey --lost`; each login is typed again"
    " then."
)
WRONG_KEY = (
    "The secret key does not fit the stored SFTP logins. Give the bot the key they were stored with, the same"
    " in every process: in secret_key, or with secret_key empty in data/secret.key. If it is lost for good,"
    " run `python bot.py rekey --lost`; each login is typed again then."
)
CUT_OFF = (
    "A change of the secret key was cut off. Run `python bot.py rekey` again, with the same new key: it goes"
    " on where it ended."
)
AT_WORK = "A bot is at work on this database. Stop it first, then run `python bot.py rekey` again."
OLD_DATA = (
    "The data is of an older version. Start the bot once, stop it, then run `python bot.py rekey` again."
)

_ID = "secret_key"


class SecretCipher(Protocol):  # implemented by SecretBox
    """Encryption with one secret key."""

    def seal_proof(self) -> bytes:
        """Return a proof: only this key opens it, and it holds no data."""

    def is_proven_by(self, proof: bytes) -> bool:
        """Tell whether this key sealed a proof."""

    def encrypt(self, scope: ServerScope, credentials: Credentials) -> EncryptedSecret:
        """Encrypt a login for one server."""

    def decrypt(self, scope: ServerScope, secret: EncryptedSecret) -> Credentials:
        """Return the login of one server; ``SecretError`` if the key does not fit."""


@dataclass(frozen=True, slots=True)
class KeyProof:
    """The proofs of the key of the stored logins.

    Attributes:
        current: the proof of that key; None if there is none yet.
        following: the proof of the next key, during a change of the key.
    """

    current: bytes | None = None
    following: bytes | None = None


@dataclass(frozen=True, slots=True)
class MovedLogins:
    """The number of logins with the new key, and of those that neither key opens, which stay as they are."""

    logins: int = 0
    unreadable: int = 0


class StoredLogins:
    """The logins of all guilds, and the proof of their key."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database
        self._schema = database.unscoped("schema")
        self._scope_index = ScopeIndexRepository(database, Sharding())

    async def find_proof(self) -> KeyProof:
        """Return the proof of the key; an empty one if the data has none."""
        found = await self._database.run("schema.find", self._schema.find_one({"_id": _ID})) or {}
        return KeyProof(found.get("current"), found.get("following"))

    async def save_proof(self, proof: KeyProof, *, fence: Fence | None = None) -> None:
        """Write the proof, behind a fence if one is given."""
        fields = {"_id": _ID, "current": proof.current, "following": proof.following}

        def write(transaction: Transaction) -> None:
            replace, session = transaction.unscoped("schema").replace_one, transaction.session
            transaction.run("schema.update", replace, {"_id": _ID}, fields, upsert=True, session=session)

        await self._database.in_transaction(write, fence=fence)

    async def list_guild_ids(self) -> tuple[GuildId, ...]:
        """Return every guild that may have logins."""
        return await self._scope_index.list_guild_ids()

    async def list_logins(self, guild_id: GuildId) -> Mapping[ServerScope, EncryptedSecret]:
        """Return the logins of a guild."""
        servers = ScopedCollection.of_guild(self._database, "game_servers", guild_id)
        return await servers.call(lambda: _read_logins(servers.blocking, guild_id))

    async def move(
        self, guild_id: GuildId, old: SecretCipher | None, new: SecretCipher, fence: Fence
    ) -> MovedLogins:
        """Encrypt a guild's logins with another key, in one transaction."""

        def work(transaction: Transaction) -> MovedLogins:
            servers = transaction.of_guild("game_servers", guild_id)
            moved = unreadable = 0
            for scope, secret in _read_logins(servers, guild_id).items():
                if _open(new, scope, secret) is not None:
                    moved += 1
                elif old is not None and (credentials := _open(old, scope, secret)) is not None:
                    change = {"$set": {"secret": new.encrypt(scope, credentials).ciphertext}}
                    servers.update_one({"server_id": str(scope.server_id)}, change)
                    moved += 1
                else:
                    unreadable += 1
            return MovedLogins(moved, unreadable)

        return await self._database.in_transaction(work, fence=fence)


def _read_logins(servers: BlockingCollection, guild_id: GuildId) -> Mapping[ServerScope, EncryptedSecret]:
    found = servers.find({"secret": {"$gt": b""}}, projection={"server_id": 1, "secret": 1})
    return {
        ServerScope(guild_id, ServerId(one["server_id"])): EncryptedSecret(bytes(one["secret"]))
        for one in found
    }


async def verify_secret_key(logins: StoredLogins, cipher: SecretCipher | None) -> None:
    """Check the bot's key against the stored logins, and keep its proof; None is a key that is not made yet.

    Call it when the leases are held: a change of the key checks them after it has written its proof.

    Raises:
        ConfigurationError: the key is wrong or lost, or a change of it was interrupted; the text says what to
            do.
    """
    proof = await logins.find_proof()
    if proof.following is not None:
        raise ConfigurationError(CUT_OFF)
    if cipher is None:
        if await _is_any_stored(logins):
            raise ConfigurationError(LOST_KEY)
        return
    if proof.current is not None and cipher.is_proven_by(proof.current):
        return
    if not await _fits(logins, proof, cipher):
        raise ConfigurationError(WRONG_KEY)
    await logins.save_proof(KeyProof(cipher.seal_proof()))


async def _is_any_stored(logins: StoredLogins) -> bool:
    for guild_id in await logins.list_guild_ids():
        if await logins.list_logins(guild_id):
            return True
    return False


async def _fits(logins: StoredLogins, proof: KeyProof, cipher: SecretCipher) -> bool:
    """Tell whether a key may be that of the data: by the proof or, without one, by any login.

    Without logins every key fits, because nothing depends on the old one.
    """
    if proof.current is not None and cipher.is_proven_by(proof.current):
        return True
    is_empty = True
    for guild_id in await logins.list_guild_ids():
        for scope, secret in (await logins.list_logins(guild_id)).items():
            is_empty = False
            if proof.current is None and _open(cipher, scope, secret) is not None:
                return True
    return is_empty


def _open(cipher: SecretCipher, scope: ServerScope, secret: EncryptedSecret) -> Credentials | None:
    try:
        return cipher.decrypt(scope, secret)
    except SecretError:
        return None


class Rekeying:
    """Encrypts the stored logins with another secret key, while no bot runs.

    Args:
        instance_id: the id of this installation; leases that its bot left when it was killed do not count.
    """

    def __init__(
        self, logins: StoredLogins, leases: LeaseRepository, *, instance_id: str, clock: Clock
    ) -> None:
        self._logins = logins
        self._leases = leases
        self._instance_id = instance_id
        self._clock = clock

    async def run(self, old: SecretCipher | None, new: SecretCipher, *, is_lost: bool = False) -> MovedLogins:
        """Encrypt every login with the new key; go on where an earlier try ended.

        Args:
            old: the key until now; None if it is lost.
            new: the new key; the same as before if an earlier try was interrupted.
            is_lost: the old key is lost; logins that only it opens stay unreadable.

        Raises:
            ConfigurationError: a bot is running, or a key is not the right one.
            StorageError: it was interrupted; the next try goes on.
        """
        token = await self._leases.acquire_upgrade(instance_id=self._instance_id, now=self._clock.now())
        if token is None:
            raise ConfigurationError(AT_WORK)
        try:
            return await self._run(old, new, Fence(UPGRADE_LEASE, token), is_lost=is_lost)
        finally:
            await self._leases.release(UPGRADE_LEASE, token=token)

    async def _run(
        self, old: SecretCipher | None, new: SecretCipher, fence: Fence, *, is_lost: bool
    ) -> MovedLogins:
        proof = await self._logins.find_proof()
        if proof.following is not None and not new.is_proven_by(proof.following):
            raise ConfigurationError(CUT_OFF)
        is_done = proof.following is None and proof.current is not None and new.is_proven_by(proof.current)
        if not is_done and not is_lost and (old is None or not await _fits(self._logins, proof, old)):
            raise ConfigurationError(LOST_KEY if old is None else WRONG_KEY)
        current = proof.current or (None if old is None else old.seal_proof())
        await self._verify_alone()
        await self._logins.save_proof(KeyProof(current, new.seal_proof()), fence=fence)
        try:
            await self._verify_alone()
        except ConfigurationError:
            await self._logins.save_proof(proof, fence=fence)  # nothing was moved in this try
            raise
        moved = await self._move_all(old, new, fence)
        await self._logins.save_proof(KeyProof(new.seal_proof()), fence=fence)
        return moved

    async def _verify_alone(self) -> None:
        if not await self._leases.end_idle(instance_id=self._instance_id, now=self._clock.now()):
            raise ConfigurationError(AT_WORK)

    async def _move_all(self, old: SecretCipher | None, new: SecretCipher, fence: Fence) -> MovedLogins:
        logins = unreadable = 0
        for guild_id in await self._logins.list_guild_ids():
            await self._leases.renew(UPGRADE_LEASE, token=fence.token, now=self._clock.now())
            moved = await self._logins.move(guild_id, old, new, fence)
            logins, unreadable = logins + moved.logins, unreadable + moved.unreadable
        return MovedLogins(logins, unreadable)
