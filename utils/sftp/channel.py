"""The SFTP channel of a connection: the library's client, behind a reader of answers with an end."""

import asyncio

import asyncssh
from asyncssh.sftp import start_sftp_client
from asyncssh.stream import SSHClientStreamSession

BLOCK_BYTES_MAXIMUM = 256 * 1024  # of one read; OpenSSH cuts off who asks for more in one message
ANSWER_BYTES_MAXIMUM = BLOCK_BYTES_MAXIMUM + 1024  # the library takes 4 MB, which are 300,000 names at once
FOREIGN_TEXT = "backslashreplace"  # a host may say in any encoding why it refuses something
VERSION = 3  # of the protocol: the one that all servers speak


class AnswerReader(asyncssh.SSHReader[bytes]):
    """Reads the answers of a host, each of which says first how long it is."""

    async def readexactly(self, n: int) -> bytes:
        """Return so many bytes.

        Raises:
            asyncssh.SFTPBadMessage: an answer is longer than anything that was asked for.
        """
        if n > ANSWER_BYTES_MAXIMUM:
            raise asyncssh.SFTPBadMessage(f"An answer of {n:,} bytes")
        return await super().readexactly(n)


async def open_channel(ssh: asyncssh.SSHClientConnection) -> asyncssh.SFTPClient:
    """Open the channel, as the library's own ``start_sftp_client`` does.

    Raises:
        asyncssh.Error: the host does not let the login use SFTP, or does not speak it.
    """
    session = SSHClientStreamSession[bytes]()
    channel, _ = await ssh.create_session(lambda: session, subsystem="sftp", encoding=None)
    return await start_sftp_client(
        ssh,
        asyncio.get_running_loop(),
        FOREIGN_TEXT,
        AnswerReader(session, channel),
        asyncssh.SSHWriter(session, channel),
        path_encoding="utf-8",
        path_errors="strict",
        sftp_version=VERSION,
    )
