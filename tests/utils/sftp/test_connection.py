"""Connecting: trusted keys, accepted logins, and the sentences of failures."""

import asyncio
import logging
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from simulation.game_host.host import GameHost, HostUser
from tests.fakes.ssh_doors import Questioner, serve_ssh
from tests.fakes.web_page import LONG_PAGE, SHORT_PAGE, serve_page
from utils.errors import (
    ConnectionLostError,
    HandshakeRefusedError,
    HostKeyChangedError,
    HostUnreachableError,
    InvalidSecretError,
    LoginRefusedError,
    NoSshServerError,
    RemoteError,
    RemoteTimeoutError,
)
from utils.models.scope import GuildId
from utils.models.servers import Credentials
from utils.sftp.addresses import Address
from utils.sftp.algorithms import choose_algorithms
from utils.sftp.connection import Connector, HostConnection
from utils.sftp.host_keys import compute_fingerprint
from utils.sftp.login import HostLogin, PoolLimits
from utils.sftp.names import NameResolver

PASSWORD = "s3cret-pass"

OLD_KEY_EXCHANGE = pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
"""cryptography warns that it will drop algorithms of old servers; until then the option works"""


async def open_connection(login: HostLogin, limits: PoolLimits) -> HostConnection:
    """Connect for a guild."""
    return await Connector(limits).open(GuildId(42), login)


async def connect_once(login: HostLogin, limits: PoolLimits) -> str:
    """Connect, close, and return the shown host key."""
    connection = await open_connection(login, limits)
    await connection.close(5)
    return connection.host_key


async def test_any_key_is_taken_and_reported_when_none_is_pinned(host: GameHost, limits: PoolLimits) -> None:
    """The first connection shows which key to pin."""
    assert await connect_once(host.login("renter"), limits) == host.host_key
    assert compute_fingerprint(host.host_key).startswith("SHA256:")


async def test_cipher_that_costs_least_is_asked_for_first(host: GameHost, limits: PoolLimits) -> None:
    """The bot picks the strongest common algorithm, no matter which one the host prefers."""
    connection = await open_connection(host.login("renter"), limits)
    assert connection.ssh.get_extra_info("send_cipher") == "aes128-gcm@openssh.com"
    await connection.close(5)


async def test_the_pinned_key_is_accepted_again(host: GameHost, limits: PoolLimits) -> None:
    """An equal key changes nothing."""
    login = host.login("renter", host_key=host.host_key)
    assert await connect_once(login, limits) == host.host_key


async def test_another_key_is_refused_before_any_secret_is_sent(host: GameHost, limits: PoolLimits) -> None:
    """The error is lasting and names the new key, and the host never gets the password."""
    login = host.login("renter", host_key=host.host_key)
    await host.change_host_key()
    with pytest.raises(HostKeyChangedError, match="shows a new host key") as caught:
        await open_connection(login, limits)
    assert caught.value.offered == host.host_key
    assert caught.value.is_lasting
    await host.wait_for_connections(0)


async def test_key_of_another_type_is_seen_as_changed(root: Path, limits: PoolLimits) -> None:
    """A host that now has a key of another type is noticed, although the pinned type is preferred."""
    rsa = asyncssh.generate_private_key("ssh-rsa").export_public_key("openssh").decode()
    pinned = " ".join(rsa.split()[:2])
    async with GameHost(root, {"renter": PASSWORD}) as host:
        with pytest.raises(HostKeyChangedError):
            await open_connection(host.login("renter", host_key=pinned), limits)


def test_the_pinned_type_is_asked_for_first() -> None:
    """A host with several keys shows the pinned one."""
    algorithms = choose_algorithms(legacy=False, pinned_type="ssh-rsa")["server_host_key_algs"]
    assert algorithms[:3] == ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]
    assert "ssh-rsa" not in algorithms


@pytest.mark.fault
async def test_wrong_password_is_a_lasting_refusal(host: GameHost, limits: PoolLimits) -> None:
    """Only a person can correct a password."""
    login = HostLogin(host.address, host.port, "renter", Credentials(password="wrong-pass"))
    with pytest.raises(LoginRefusedError, match="refused the login") as caught:
        await open_connection(login, limits)
    assert caught.value.is_lasting
    await host.wait_for_connections(0)


@pytest.mark.fault
async def test_closed_port_and_unknown_host_are_unreachable(host: GameHost, limits: PoolLimits) -> None:
    """Unreachable hosts and lost connections are temporary, so the bot retries."""
    login = host.login("renter")
    await host.stop()
    with pytest.raises(HostUnreachableError, match="can't reach"):
        await open_connection(login, limits)
    nowhere = HostLogin("no-such-host.invalid", 22, "renter", Credentials(password=PASSWORD))
    with pytest.raises(HostUnreachableError, match="no host named") as caught:
        await open_connection(nowhere, limits)
    assert not caught.value.is_lasting


@pytest.mark.fault
async def test_host_is_reached_again_on_its_port_after_an_outage(host: GameHost, limits: PoolLimits) -> None:
    """After an outage no input is needed."""
    login = host.login("renter", host_key=host.host_key)
    await host.stop()
    await host.start()
    assert await connect_once(login, limits) == login.host_key


@pytest.fixture(name="silent_port")
async def _silent_port() -> AsyncIterator[int]:
    """A port that accepts connections but never sends a banner."""
    ended = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    ended.set()
    server.close()
    await server.wait_closed()


@pytest.mark.fault
async def test_host_that_never_speaks_ends_in_a_timeout(silent_port: int) -> None:
    """A silent host costs one connect timeout."""
    login = HostLogin("127.0.0.1", silent_port, "renter", Credentials(password=PASSWORD))
    with pytest.raises(RemoteTimeoutError):
        await open_connection(login, PoolLimits(connect_timeout_seconds=0.2))


@pytest.mark.fault
@pytest.mark.parametrize(
    "page",
    [
        LONG_PAGE,
        SHORT_PAGE * 1000,
        b"SSH-1.5-before\r\n",
        b"SSH-2.0-\xff\xfe\r\n",
        b"SSH-2.0-here\r\n" + b"\xff" * 4000,
    ],
    ids=["page of one line", "page of many lines", "first SSH", "no ASCII", "no packets"],
)
async def test_something_else_than_ssh_is_named_as_the_matter_of_its_host(
    limits: PoolLimits, page: bytes
) -> None:
    """A web server or a garbled greeting is an error of the host, for all its logins, and may pass."""
    async with serve_page(page) as port:
        login = HostLogin("127.0.0.1", port, "renter", Credentials(password=PASSWORD))
        with pytest.raises(NoSshServerError, match="not as an SSH server") as caught:
            await open_connection(login, limits)
    assert (caught.value.is_of_host, caught.value.is_lasting) == (True, False)


@pytest.mark.fault
async def test_host_that_hangs_up_without_a_greeting_is_not_told_to_be_old(limits: PoolLimits) -> None:
    """A short page ends like a busy host; the error does not call it old, because old servers greet first."""
    async with serve_page(SHORT_PAGE) as port:
        login = HostLogin("127.0.0.1", port, "renter", Credentials(password=PASSWORD))
        with pytest.raises(ConnectionLostError, match="the port is wrong") as caught:
            await open_connection(login, limits)
    assert (caught.value.is_of_host, "legacy" in str(caught.value)) == (True, False)


@pytest.mark.fault
async def test_host_that_hangs_up_in_the_handshake_is_told_with_the_legacy_hint(limits: PoolLimits) -> None:
    """The failure may pass; an old server can look like this, so the sentence names the option."""
    async with serve_page(b"SSH-2.0-old\r\n") as port:
        login = HostLogin("127.0.0.1", port, "renter", Credentials(password=PASSWORD))
        with pytest.raises(ConnectionLostError, match=r"hung up during the handshake.*legacy:True") as caught:
            await open_connection(login, limits)
    assert not caught.value.is_lasting


@OLD_KEY_EXCHANGE
async def test_old_server_needs_legacy_and_works_with_it(root: Path, limits: PoolLimits) -> None:
    """Old algorithms are offered only with the option, and the refusal names it."""
    async with GameHost(root, {"renter": PASSWORD}, is_legacy=True) as host:
        with pytest.raises(HandshakeRefusedError, match="legacy") as caught:
            await open_connection(host.login("renter"), limits)
        assert caught.value.is_lasting
        assert await connect_once(host.login("renter", legacy=True), limits) == host.host_key
        pinned = host.login("renter", legacy=True, host_key=host.host_key)
        assert await connect_once(pinned, limits) == host.host_key


async def test_private_key_logs_in(root: Path, limits: PoolLimits) -> None:
    """A key replaces the password, even if its line feeds were lost."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    text = key.export_private_key("openssh").decode().replace("\n", " ")
    user = HostUser(public_keys=(key.export_public_key("openssh").decode(),))
    async with GameHost(root, {"renter": user}) as host:
        login = HostLogin(host.address, host.port, "renter", Credentials(private_key=text))
        assert await connect_once(login, limits) == host.host_key


@pytest.mark.parametrize("text", ["not a key", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END"])
async def test_text_that_is_no_key_is_refused_without_connecting(
    host: GameHost, limits: PoolLimits, text: str
) -> None:
    """A bad key has an error of its own, without a connection."""
    login = HostLogin(host.address, host.port, "renter", Credentials(private_key=text))
    with pytest.raises(InvalidSecretError, match="private key"):
        await open_connection(login, limits)
    assert host.connections_opened == 0


ONE_HIDDEN = [[("Password: ", False)]]


@pytest.mark.parametrize(
    "rounds",
    [
        ONE_HIDDEN,
        [[("Passwort: ", False)]],
        [[("Mot de passe de renter : ", False)]],
        [[("请输入密码", False)]],
        [[("", False)]],
        [[], [("Enter secret for renter", False)], []],
    ],
    ids=str,
)
async def test_one_hidden_question_is_answered_with_the_password_in_any_language(
    limits: PoolLimits, rounds: list[list[tuple[str, bool]]]
) -> None:
    """A single hidden question asks for the password, in any language; announcements need no answer."""
    asked = Questioner(rounds, [[PASSWORD] * len(questions) for questions in rounds])
    async with serve_ssh(asked) as port:
        await connect_once(HostLogin("127.0.0.1", port, "renter", Credentials(PASSWORD)), limits)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("rounds", "heard"),
    [
        ([[("Password: ", False), ("Code: ", False)]], []),
        ([[("User name: ", True)]], []),
        ([*ONE_HIDDEN, [("Verification code: ", False)]], [[PASSWORD]]),
        ([[("Secret: ", False)], [("Code: ", True)]], [[PASSWORD]]),
        ([[]] * 20, [[]] * 5),
    ],
    ids=["two at once", "a visible one", "a second one", "a visible second one", "announcements for ever"],
)
async def test_host_that_asks_for_more_than_a_password_is_told_as_that(
    limits: PoolLimits, rounds: list[list[tuple[str, bool]]], heard: list[list[str]]
) -> None:
    """Two factors need a person; the password answers only one hidden question, once."""
    asked = Questioner(rounds, [])
    async with serve_ssh(asked) as port:
        login = HostLogin("127.0.0.1", port, "renter", Credentials(PASSWORD))
        with pytest.raises(LoginRefusedError, match="asks for more than a password"):
            await open_connection(login, limits)
    assert asked.heard == heard


@pytest.mark.fault
async def test_wrong_password_to_a_question_is_a_refusal(limits: PoolLimits) -> None:
    """The bot answers the password prompt once and then reports a wrong password."""
    asked = Questioner(ONE_HIDDEN, [["right"]])
    async with serve_ssh(asked) as port:
        login = HostLogin("127.0.0.1", port, "renter", Credentials("wrong"))
        with pytest.raises(LoginRefusedError, match="refused the login"):
            await open_connection(login, limits)
    assert asked.heard == [["wrong"]]


@pytest.mark.fault
async def test_host_that_insists_on_compression_is_refused(limits: PoolLimits) -> None:
    """A few compressed bytes can be gigabytes; the sentence says what to ask of the hoster."""
    async with serve_ssh(asyncssh.SSHServer(), compression_algs=["zlib@openssh.com"]) as port:
        login = HostLogin("127.0.0.1", port, "renter", Credentials(PASSWORD))
        with pytest.raises(HandshakeRefusedError, match="insists on compression") as caught:
            await open_connection(login, limits)
    assert "legacy" not in str(caught.value)
    assert caught.value.is_lasting


def test_compression_is_never_offered() -> None:
    """Compression is not offered to old servers either."""
    offers = [choose_algorithms(legacy=legacy, pinned_type=None) for legacy in (False, True)]
    assert [offer["compression_algs"] for offer in offers] == [None, None]


@pytest.mark.fault
async def test_cancelled_attempt_leaves_no_connection(host: GameHost, limits: PoolLimits) -> None:
    """A cancelled connection attempt leaves no socket at the host."""
    host.faults.stall("realpath")
    for pauses in range(0, 60, 6):
        attempt = asyncio.create_task(open_connection(host.login("renter"), limits))
        for _ in range(pauses):
            await asyncio.sleep(0.001)
        attempt.cancel()
        results = await asyncio.gather(attempt, return_exceptions=True)
        if not isinstance(results[0], BaseException):
            await results[0].close(5)
    await host.wait_for_connections(0)


async def test_no_secret_shows_in_values_errors_and_logs(
    host: GameHost, limits: PoolLimits, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a repr, nor an error with its causes, nor the library's log contains a secret."""
    caplog.set_level(logging.DEBUG)
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh").decode()
    login = HostLogin(host.address, host.port, "renter", Credentials(PASSWORD, key))
    assert repr(login) == (
        f"<HostLogin renter@127.0.0.1:{host.port} Credentials(password=***, private_key=***)>"
    )
    shown = [repr(login), str(login), f"{login.credentials}"]
    host.faults.refuse_logins = True
    try:
        await open_connection(login, limits)
    except RemoteError as error:
        shown += [repr(error), str(error), repr(error.__cause__)]
    host.faults.clear()
    await connect_once(login, limits)
    shown += [record.getMessage() for record in caplog.records]
    assert not [text for text in shown if PASSWORD in text or key.split("\n")[1] in text]
    assert not [record for record in caplog.records if record.name.startswith("asyncssh")]


def test_equal_logins_are_equal_whatever_case_the_host_is_written_in() -> None:
    """Logins are keys, so the same host must be equal."""
    first = HostLogin("Host.Example", 22, "renter", Credentials("a"))
    second = HostLogin(" host.example", 22, "renter", Credentials("a"))
    other = HostLogin("host.example", 22, "renter", Credentials("b"))
    assert len({first, second, other}) == 2
    assert first.is_same_account(other)
    assert HostLogin("::1", 22, "renter", Credentials("b")).address == "[::1]:22"


PRIVATE_SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "2130706433",
    "localhost",
    "::ffff:127.0.0.1",
    "0.0.0.0",  # noqa: S104 - a text, not bound to
]


def is_loopback(address: Address) -> bool:
    """Treat this machine as the public internet."""
    return address.is_loopback


def tell_addresses(**known: str) -> NameResolver:
    """Return a resolver for some names below ``example``."""

    def look_up(host: str) -> tuple[str, ...]:
        if host.removesuffix(".example") not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return tuple(known[host.removesuffix(".example")].split())

    return NameResolver(look_up)


@pytest.mark.parametrize("spelling", PRIVATE_SPELLINGS)
async def test_private_host_is_never_dialled_where_that_is_forbidden(host: GameHost, spelling: str) -> None:
    """Every spelling of a private address gets the same error, and no connection is made."""
    closed = Connector(PoolLimits(allow_private_hosts=False))
    told = set()
    for port in (host.port, 1):
        login = HostLogin(spelling, port, "renter", Credentials(PASSWORD))
        with pytest.raises(HostUnreachableError) as caught:
            await closed.open(GuildId(42), login)
        told.add(str(caught.value).replace(login.address, "there"))
    (sentence,) = told
    assert sentence.startswith("I can't connect to an SSH server at there.")
    assert sentence.endswith("Addresses inside a private network don't work with this bot.")
    assert host.connections_opened == 0


async def test_connection_goes_to_the_address_that_was_checked(host: GameHost, limits: PoolLimits) -> None:
    """A name is resolved once, and the library gets only the checked address."""
    names = tell_addresses(game="127.0.0.1", split="10.0.0.1 fd00::1")
    connector = Connector(replace(limits, allow_private_hosts=False), names=names, is_public=is_loopback)
    connection = await connector.open(GuildId(42), replace(host.login("renter"), host="game.example"))
    await connection.close(5)
    with pytest.raises(HostUnreachableError, match="connect to an SSH server"):
        await connector.open(GuildId(42), replace(host.login("renter"), host="split.example"))


async def test_next_address_of_a_name_is_tried_when_one_refuses(host: GameHost, limits: PoolLimits) -> None:
    """A host may have addresses of both families, and answer on only one."""
    connector = Connector(limits, names=tell_addresses(game="127.99.99.99 127.0.0.1"))
    connection = await connector.open(GuildId(42), replace(host.login("renter"), host="game.example"))
    await connection.close(5)


@pytest.mark.fault
async def test_every_failure_before_the_greeting_is_one_sentence_where_private_hosts_are_forbidden(
    host: GameHost, silent_port: int
) -> None:
    """Open, closed or silent ports, other services and unknown names look equal, for public addresses too."""
    connector = Connector(
        PoolLimits(allow_private_hosts=False, connect_timeout_seconds=1),
        names=tell_addresses(game="127.0.0.1"),
        is_public=is_loopback,
    )
    await host.stop()
    told = set()
    async with serve_page(LONG_PAGE) as long_port, serve_page(SHORT_PAGE) as short_port:
        places = [("127.0.0.1", port) for port in (host.port, silent_port, long_port, short_port)]
        for name, port in [*places, ("nowhere.example", 22)]:
            with pytest.raises(HostUnreachableError) as caught:
                await connector.open(GuildId(42), HostLogin(name, port, "renter", Credentials(PASSWORD)))
            told.add(str(caught.value).replace(f"{name}:{port}", "there"))
    assert len(told) == 1
    async with serve_page(b"SSH-2.0-old\r\n") as port:  # an SSH server gets its specific error
        with pytest.raises(ConnectionLostError, match="hung up during the handshake"):
            await connector.open(GuildId(42), HostLogin("127.0.0.1", port, "r", Credentials(PASSWORD)))


@pytest.mark.fault
async def test_silent_name_server_is_no_matter_of_the_host() -> None:
    """The host itself was not asked, so other logins may try it."""
    answers = threading.Event()

    def stay_silent(host: str) -> tuple[str, ...]:
        answers.wait()
        return (host,)

    connector = Connector(PoolLimits(connect_timeout_seconds=0.2), names=NameResolver(stay_silent))
    with pytest.raises(RemoteTimeoutError, match=r"couldn't look up game\.example") as caught:
        await connector.open(GuildId(42), HostLogin("game.example", 22, "r", Credentials(PASSWORD)))
    assert not caught.value.is_of_host
    answers.set()
    assert not caught.value.tells_of_host


@pytest.mark.fault
async def test_host_that_was_asked_too_late_is_not_called_silent(silent_port: int) -> None:
    """A slow name server counts against the guild, because the guild chose the host name."""

    def answer_late(host: str) -> tuple[str, ...]:
        del host
        threading.Event().wait(0.25)
        return ("127.0.0.1",)

    connector = Connector(PoolLimits(connect_timeout_seconds=0.4), names=NameResolver(answer_late))
    with pytest.raises(RemoteTimeoutError) as caught:
        await connector.open(GuildId(42), HostLogin("game", silent_port, "r", Credentials(PASSWORD)))
    assert (caught.value.is_of_host, caught.value.tells_of_host) == (False, False)


@pytest.mark.fault
@pytest.mark.parametrize("is_private_allowed", [True, False])
async def test_host_is_not_called_silent_by_a_guild_that_has_used_up_its_time(
    host: GameHost,
    is_private_allowed: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """The host's answer waits for the allowance until the attempt ends, so the host is not blamed."""
    limits = PoolLimits(
        share_of_loop=1e-9,
        burst_seconds=0,
        connect_timeout_seconds=0.5,
        allow_private_hosts=is_private_allowed,
    )
    connector = Connector(limits, is_public=is_loopback)
    with pytest.raises(RemoteError) as caught:
        await connector.open(GuildId(42), host.login("renter"))
    assert (caught.value.is_of_host, caught.value.tells_of_host) == (False, False)
