"""Invalid answers of an SFTP server: each has a limited cost and becomes one of the bot's errors."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle

import asyncssh
import pytest
from asyncssh.packet import Byte, String, UInt32
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.errors import (
    ConnectionLostError,
    RemoteAnswerError,
    RemoteError,
    RemoteFileMissingError,
    RemotePermissionError,
)
from utils.models.scope import GuildId
from utils.models.servers import Credentials
from utils.sftp.channel import (
    ANSWER_BYTES_MAXIMUM,
    ANSWER_SECONDS,
    BYTE_SECONDS,
    HANDLE_ANSWER_BYTES_MAXIMUM,
    NAME_SECONDS,
    NAMES_OF_AN_ANSWER,
    weigh_answer,
)
from utils.sftp.login import HostLogin, PoolLimits
from utils.sftp.pool import SftpConnectionPool
from utils.sftp.session import ListingBudget, SftpSession

STATUS, HANDLE, DATA, NAME, ATTRIBUTES, EXTENDED = 101, 102, 103, 104, 105, 201
BEGIN, VERSION, EXTENSION = 1, 2, 200
KINDS = (STATUS, HANDLE, DATA, NAME, ATTRIBUTES, EXTENDED)
MISSING, DENIED = 2, 3
KEY = asyncssh.generate_private_key("ssh-ed25519")

Answer = tuple[int, bytes]


class OpenDoor(asyncssh.SSHServer):
    """Accepts every login, and answers SFTP itself."""

    def __init__(self, answers: Iterator[Answer], limits: bytes) -> None:
        self._answers = answers
        self._limits = limits

    def begin_auth(self, username: str) -> bool:
        """Accept the login without a password."""
        del username
        return False

    def session_requested(self) -> "Talker":
        """Accept the session."""
        return Talker(self._answers, self._limits)


class Talker(asyncssh.SSHServerSession[bytes]):
    """An SFTP server that sends the next of its answers to every request."""

    def __init__(self, answers: Iterator[Answer], limits: bytes) -> None:
        self._answers = answers
        self._limits = limits
        self._heard = b""
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """Store the channel."""
        self._channel = chan

    def subsystem_requested(self, subsystem: str) -> bool:
        """Accept every subsystem."""
        del subsystem
        return True

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Answer each complete request."""
        del datatype
        self._heard += data
        while len(self._heard) >= (size := 4 + int.from_bytes(self._heard[:4])) > 4:
            request, self._heard = self._heard[4:size], self._heard[size:]
            answer = self._choose(request[0], request[1:5])
            assert self._channel is not None
            if not self._channel.is_closing():
                self._channel.write(UInt32(len(answer)) + answer)

    def _choose(self, kind: int, number: bytes) -> bytes:
        if kind == BEGIN:
            offered = String(b"limits@openssh.com") + String(b"1") if self._limits else b""
            return Byte(VERSION) + UInt32(3) + offered
        if kind == EXTENSION:
            return Byte(EXTENDED) + number + self._limits
        chosen, body = next(self._answers)
        return Byte(chosen) + number + body


@asynccontextmanager
async def speaking(answers: Sequence[Answer], *, limits: bytes = b"") -> AsyncIterator[SftpSession]:
    """Lend a session of a host that sends these answers in a cycle."""
    queue = cycle(answers)
    door = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=lambda: OpenDoor(queue, limits), server_host_keys=[KEY], encoding=None
    )
    login = HostLogin("127.0.0.1", door.get_port(), "renter", Credentials("any"))
    pool = SftpConnectionPool(PoolLimits())
    try:
        async with pool.lend(GuildId(42), login, guild_limit=1) as session:
            yield session
    finally:
        await pool.aclose()
        door.close()
        await door.wait_closed()


async def ask_all(session: SftpSession) -> None:
    """Use every method of a session."""
    for ask in (
        lambda: session.stat("a"),
        lambda: session.real_path("a"),
        lambda: session.is_folder("a"),
        lambda: session.scan("a", lambda _: None, budget=ListingBudget(50)),
        lambda: session.read("a", offset=5, length=10),
    ):
        try:
            await ask()
        except RemoteError:
            continue


bodies = st.one_of(
    st.binary(max_size=40),
    st.builds(lambda count, rest: UInt32(count) + rest, st.integers(0, 2**32 - 1), st.binary(max_size=40)),
    st.builds(
        lambda code, text: UInt32(code) + String(text) * 2,
        st.integers(0, 40),
        st.binary(max_size=9),
    ),
    st.builds(
        lambda name, flags, rest: UInt32(1) + String(name) + String(name) + UInt32(flags) + rest,
        st.binary(max_size=9),
        st.integers(0, 2**32 - 1),
        st.binary(max_size=32),
    ),
    st.builds(String, st.binary(max_size=40)),
)


@pytest.mark.fault
@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(KINDS), bodies), min_size=1, max_size=6))
async def test_no_answer_is_more_than_an_error_of_ours(answers: list[Answer]) -> None:
    """For any answer of a host, the session raises only its documented errors."""
    async with speaking(answers) as session:
        await ask_all(session)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            (STATUS, UInt32(MISSING) + String("für Größe".encode("cp1252")) + String(b"")),
            RemoteFileMissingError,
        ),
        ((STATUS, UInt32(DENIED) + String(b"\xff") + String(b"de")), RemotePermissionError),
        ((NAME, UInt32(0)), RemoteAnswerError),
        ((NAME, UInt32(1) + String(b"/" + b"x" * 5000) + String(b"") + UInt32(0)), RemoteAnswerError),
        ((NAME, UInt32(9)), RemoteAnswerError),
        ((DATA, String(b"x")), RemoteAnswerError),
    ],
    ids=["missing in cp1252", "denied in no encoding", "no name", "endless path", "names lack", "data"],
)
async def test_answer_is_told_as_what_it_is_and_keeps_the_connection(
    answer: Answer, expected: type[RemoteError]
) -> None:
    """A wrong answer does not close the connection."""
    async with speaking([answer]) as session:
        for _ in range(2):
            with pytest.raises(RemoteError) as caught:
                await session.real_path("a")
            assert type(caught.value) is expected


@pytest.mark.fault
@pytest.mark.parametrize("kind", [NAME, ATTRIBUTES, STATUS])
async def test_answer_without_end_is_not_taken(kind: int) -> None:
    """An answer above the limit is not even received, because decoding it would block the loop."""
    count = 2_000_000
    answer = kind, UInt32(count) + bytes(ANSWER_BYTES_MAXIMUM)
    async with speaking([answer]) as session:
        with pytest.raises(RemoteAnswerError, match="can't make sense"):
            await session.real_path("a")
        with pytest.raises(ConnectionLostError):
            await session.real_path("a")


@pytest.mark.fault
@pytest.mark.parametrize(
    "answer",
    [
        (NAME, UInt32(NAMES_OF_AN_ANSWER + 1) + (String(b"") * 2 + UInt32(0)) * (NAMES_OF_AN_ANSWER + 1)),
        (HANDLE, String(bytes(HANDLE_ANSWER_BYTES_MAXIMUM))),
    ],
    ids=["names", "handle"],
)
async def test_answer_of_more_than_any_folder_or_handle_has_is_not_taken(answer: Answer) -> None:
    """One answer could have 20,000 empty names, which would block the loop for a tenth of a second."""
    async with speaking([answer]) as session:
        for ask in (session.real_path("a"), session.read("a", offset=0, length=1)):
            with pytest.raises((RemoteAnswerError, ConnectionLostError)):
                await ask


@given(st.integers(0, NAMES_OF_AN_ANSWER), st.integers(0, 100_000))
def test_answer_is_paid_for_by_what_is_in_it(names: int, size: int) -> None:
    """Names are by far the most expensive; file data is only passed on."""
    listed = weigh_answer(Byte(NAME) + UInt32(1) + UInt32(names) + bytes(size))
    read = weigh_answer(Byte(DATA) + UInt32(1) + UInt32(names) + bytes(size))
    assert (listed >= names * NAME_SECONDS + size * BYTE_SECONDS, read) == (True, ANSWER_SECONDS)


@pytest.mark.fault
async def test_host_that_hands_out_more_than_asked_or_allows_next_to_nothing_is_read_in_bounds() -> None:
    """Unrequested data is dropped, and a limit of one byte a read does not cause a million reads."""
    limits = b"".join(number.to_bytes(8) for number in (0, 1, 1, 0))
    answers = [(HANDLE, String(b"h")), (DATA, String(b"abc" * 3_000)), (STATUS, UInt32(0))]
    async with speaking(answers, limits=limits) as session:
        assert await session.read("a", offset=0, length=4) == b"abca"
        assert session.requests <= 3
