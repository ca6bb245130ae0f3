"""Dialling: opens the socket of one connection, to an address that the bot looked up and checked."""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address

import asyncssh

from utils.sftp.addresses import Address
from utils.sftp.gate import Factory, Gate
from utils.sftp.names import Addresses


class Dialler:
    """Opens the socket for the SSH library, in place of one of its tunnels.

    So the library never sees a name, and it does not matter if the name has another address a moment later.

    Args:
        is_allowed: tells whether an address may be connected to.
        build_gate: makes the gate between the socket and the library.

    Attributes:
        gate: the gate, when the socket is open.
    """

    def __init__(
        self,
        addresses: Addresses,
        is_allowed: Callable[[Address], bool],
        build_gate: Callable[[Factory], Gate],
    ) -> None:
        self._addresses = [text for text in addresses if is_allowed(ip_address(text))]
        self._build_gate = build_gate
        self.gate: Gate | None = None
        self._dialled_at: float | None = None

    @property
    def has_held_up(self) -> bool:
        """Tell whether data of the host had to wait on our side."""
        return self.gate is not None and self.gate.has_held_up

    def count_seconds(self) -> float:
        """Return for how long the host has been tried; zero while its name is looked up."""
        now = asyncio.get_running_loop().time()
        return 0.0 if self._dialled_at is None else now - self._dialled_at

    async def create_connection(
        self, factory: Factory, host: str, port: int
    ) -> tuple[asyncio.BaseTransport, asyncssh.SSHClientConnection | None]:
        """Connect to the first address that answers.

        Raises:
            OSError: no address answers, or none may be used.
        """
        refusal = OSError(host)  # it is not shown: it is mapped to an error with its own text
        loop = asyncio.get_running_loop()
        self._dialled_at = loop.time()
        for address in self._addresses:
            try:
                transport, self.gate = await loop.create_connection(
                    lambda: self._build_gate(factory), address, port
                )
            except OSError as error:
                refusal = error
            else:
                return transport, self.gate.ssh
        raise refusal
