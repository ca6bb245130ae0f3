"""The pinned and the shown host keys of a stored server."""

from contextlib import AbstractContextManager, nullcontext

import pytest

from simulation.game_host.host import GameHost
from utils.clock import SystemClock
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.servers import Credentials, EncryptedSecret, GameServer, HostKeys
from utils.sftp.access import DeathLogAccess
from utils.sftp.pool import SftpConnectionPool

SCOPE = ServerScope(GuildId(42), ServerId("aaaaaaaa"))


class PlainSecrets:
    """Passwords without encryption."""

    def decrypt(self, scope: ServerScope, secret: EncryptedSecret) -> Credentials:
        """Return the password."""
        del scope
        return Credentials(secret.ciphertext.decode())

    def forget(self, scope: ServerScope) -> None:
        """Do nothing."""

    def trying(self, guild_id: GuildId, credentials: Credentials) -> AbstractContextManager[None]:
        """Do nothing."""
        del guild_id, credentials
        return nullcontext()


@pytest.fixture(name="access")
def _access(pool: SftpConnectionPool) -> DeathLogAccess:
    return DeathLogAccess(pool, PlainSecrets(), clock=SystemClock())


def build_server(host: GameHost, *, host_key: str | None = None, password: str = "s3cret-pass") -> GameServer:  # noqa: S107 - the simulated host's
    """Return a server of that host."""
    secret = EncryptedSecret(password.encode())
    return GameServer(SCOPE, "North", host.address, host.port, "renter", secret, host_key=host_key)


async def read(access: DeathLogAccess, server: GameServer) -> HostKeys:
    """Ask like ``/admin server hostkey``."""
    return await access.read_host_keys(server, guild_limit=1)


async def test_key_that_is_pinned_is_the_one_that_is_shown(host: GameHost, access: DeathLogAccess) -> None:
    """A server without a pin shows the key that would be pinned."""
    first = await read(access, build_server(host))
    assert (first.pinned, first.problem, first.is_changed) == (None, None, True)
    assert first.shown is not None
    assert first.shown.fingerprint.startswith("SHA256:")
    again = await read(access, build_server(host, host_key=first.shown.text))
    assert (again.pinned, again.shown, again.is_changed) == (first.shown, first.shown, False)


@pytest.mark.fault
async def test_changed_key_is_shown_beside_the_pinned_one(host: GameHost, access: DeathLogAccess) -> None:
    """A host with another key gets no login, but its key is shown."""
    pinned = (await read(access, build_server(host))).shown
    assert pinned is not None
    await host.change_host_key()
    keys = await read(access, build_server(host, host_key=pinned.text, password="never sent"))
    assert (keys.pinned, keys.is_changed, keys.problem) == (pinned, True, None)


@pytest.mark.fault
async def test_host_that_is_away_leaves_the_pinned_key_with_a_reason(
    host: GameHost, access: DeathLogAccess
) -> None:
    """The sentence says why there is no key."""
    pinned = (await read(access, build_server(host))).shown
    assert pinned is not None
    await host.stop()
    keys = await read(access, build_server(host, host_key=pinned.text, password="other"))
    assert (keys.pinned, keys.shown, keys.is_changed) == (pinned, None, False)
    assert "can't reach" in str(keys.problem)
