"""Dialling: the socket of one connection, opened to an address that was looked up and checked by us."""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address

import asyncssh

from utils.sftp.addresses import Address
from utils.sftp.gate import Factory, Gate
from utils.sftp.names import Addresses


class Dialler:
    """Opens the socket that the SSH library talks over; takes the place of one of its tunnels.

    So the library never sees a name, and a name that points elsewhere a moment later changes nothing.

    Args:
        is_allowed: tells of an address whether it may be connected to.
        build_gate: makes what stands between the socket and the library.

    Attributes:
        has_dialled: the host was asked for a connection, so that what goes wrong from here on is its matter.
    """

    def __init__(
        self,
        addresses: Addresses,
        is_allowed: Callable[[Address], bool],
        build_gate: Callable[[Factory], Gate],
    ) -> None:
        self._addresses = [text for text in addresses if is_allowed(ip_address(text))]
        self._build_gate = build_gate
        self.has_dialled = False

    async def create_connection(
        self, factory: Factory, host: str, port: int
    ) -> tuple[asyncio.BaseTransport, asyncssh.SSHClientConnection | None]:
        """Connect to the first address that answers.

        Raises:
            OSError: none of them does, or none may be used.
        """
        refusal = OSError(f"{host} has no address that may be used.")
        for address in self._addresses:
            self.has_dialled = True
            try:
                transport, gate = await asyncio.get_running_loop().create_connection(
                    lambda: self._build_gate(factory), address, port
                )
            except OSError as error:
                refusal = error
            else:
                return transport, gate.ssh
        raise refusal
