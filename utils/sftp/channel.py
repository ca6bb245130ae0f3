"""The SFTP channel of a connection: the library's client, with a reader that limits the size of answers."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncssh
from asyncssh.constants import FXP_DATA, FXP_HANDLE, FXP_NAME
from asyncssh.sftp import start_sftp_client
from asyncssh.stream import SSHClientStreamSession

BLOCK_BYTES_MAXIMUM = 256 * 1024  # per read; OpenSSH closes the connection for larger requests
ANSWER_BYTES_MAXIMUM = BLOCK_BYTES_MAXIMUM + 1024  # the library accepts 4 MB, which is 300,000 names at once
NAMES_OF_AN_ANSWER = 4_500  # an answer of short names could hold 21,000, decoded without a pause
HANDLE_ANSWER_BYTES_MAXIMUM = 1024  # the protocol allows handles of 256; each is sent with every read
HEADER_BYTES = 4  # the length in front of each answer
ANSWER_SECONDS, NAME_SECONDS, BYTE_SECONDS = 1e-4, 12e-6, 1e-7
"""CPU seconds per answer, per name in it and per byte (file data excluded)."""

FOREIGN_TEXT = "backslashreplace"  # a host's error text may have any encoding
VERSION = 3  # the version of the protocol that all servers speak


Pay = Callable[[float], Awaitable[None]]
"""Waits until this number of seconds of the event loop's time may be used."""


def weigh_answer(answer: bytes) -> float:
    """Return how long the event loop will work on an answer, in seconds.

    Raises:
        asyncssh.SFTPBadMessage: it is longer than any answer to our requests.
    """
    kind, head = answer[:1], answer[5:9]
    names = int.from_bytes(head) if kind == bytes([FXP_NAME]) else 0
    if names > NAMES_OF_AN_ANSWER:
        raise asyncssh.SFTPBadMessage(f"An answer of {names:,} names")
    if kind == bytes([FXP_HANDLE]) and len(answer) > HANDLE_ANSWER_BYTES_MAXIMUM:
        raise asyncssh.SFTPBadMessage(f"A handle of {len(answer):,} bytes")
    decoded = 0 if kind == bytes([FXP_DATA]) else len(answer)
    return ANSWER_SECONDS + names * NAME_SECONDS + decoded * BYTE_SECONDS


class AnswerReader(asyncssh.SSHReader[bytes]):
    """Reads the answers of a host; each answer begins with its length.

    An answer is decoded in one step, in the event loop. So its cost is taken from the allowance before.
    """

    def __init__(
        self, session: SSHClientStreamSession[bytes], channel: asyncssh.SSHClientChannel[bytes], pay: Pay
    ) -> None:
        super().__init__(session, channel)
        self._pay = pay

    async def readexactly(self, n: int) -> bytes:
        """Return this number of bytes.

        Raises:
            asyncssh.SFTPBadMessage: an answer is longer than any answer to our requests.
        """
        if n > ANSWER_BYTES_MAXIMUM:
            raise asyncssh.SFTPBadMessage(f"An answer of {n:,} bytes")
        data = await super().readexactly(n)
        if n > HEADER_BYTES:
            await self._pay(weigh_answer(data))
        return data


async def open_channel(ssh: asyncssh.SSHClientConnection, pay: Pay) -> asyncssh.SFTPClient:
    """Open the channel, as the library's own ``start_sftp_client`` does.

    Raises:
        asyncssh.Error: the login may not use SFTP, or the host does not speak it.
    """
    session = SSHClientStreamSession[bytes]()
    channel, _ = await ssh.create_session(lambda: session, subsystem="sftp", encoding=None)
    return await start_sftp_client(
        ssh,
        asyncio.get_running_loop(),
        FOREIGN_TEXT,
        AnswerReader(session, channel, pay),
        asyncssh.SSHWriter(session, channel),
        path_encoding="utf-8",
        path_errors="strict",
        sftp_version=VERSION,
    )
