"""An SSH server that sends unrequested packets without end, in a process of its own.

Run as ``python -m tests.fakes.noisy_host KIND``. It prints its port, serves its folder, and begins to send as
soon as a user has logged in.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
from asyncssh.packet import Boolean, Byte, String, UInt32

ROOT = Path(__file__).resolve().parents[2]
IGNORE, GLOBAL_REQUEST, WINDOW_ADJUST = 2, 80, 93
PACKETS_AT_ONCE = 500

NOISES: Mapping[str, tuple[bytes, ...]] = {
    "ignore": (Byte(IGNORE), String(b"")),
    "request": (Byte(GLOBAL_REQUEST), String(b"unknown"), Boolean(value=False)),
    "window": (Byte(WINDOW_ADJUST), UInt32(0), UInt32(1)),
}
"""The kinds of packets."""


class NoisyServer(asyncssh.SSHServer):
    """Accepts every login and sends its packets."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._noise: asyncio.Task[None] | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Store the connection."""
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        """Accept the login without a password."""
        del username
        asyncio.get_running_loop().call_later(0.2, self._begin)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop sending."""
        del exc
        if self._noise is not None:
            self._noise.cancel()

    def _begin(self) -> None:
        self._noise = asyncio.create_task(self._make_noise())

    async def _make_noise(self) -> None:
        kind, *rest = NOISES[self._kind]
        while True:
            for _ in range(PACKETS_AT_ONCE):
                self._connection.send_packet(kind[0], *rest)
            await asyncio.sleep(0.005)


async def _serve(kind: str) -> None:
    acceptor = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: NoisyServer(kind),
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        sftp_factory=True,
        config=None,
        gss_host=None,
    )
    print(acceptor.get_port(), flush=True)  # noqa: T201 - the test that started it reads this
    await acceptor.wait_closed()


@asynccontextmanager
async def run_noisy_host(kind: str) -> AsyncIterator[int]:
    """Run a noisy host of a kind next to the test; yields its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        kind,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    if process.stdout is None:
        raise RuntimeError("The noisy host has no output.")
    try:
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
