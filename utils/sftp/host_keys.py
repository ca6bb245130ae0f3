"""Host keys: pinned at first use, compared ever after."""

import asyncssh

from utils.errors import HostKeyChangedError

NO_HOST_KEY = ""
"""In the place of a pinned key: no key fits, so the host is asked for its key and never gets a secret."""


def format_host_key(key: asyncssh.SSHKey) -> str:
    """Return a public key in OpenSSH's ``algorithm base64`` form, without its comment."""
    algorithm, encoded = key.export_public_key("openssh").decode("ascii").split()[:2]
    return f"{algorithm} {encoded}"


def compute_fingerprint(host_key: str) -> str:
    """Return ``SHA256:...`` of a key in ``algorithm base64`` form, as ``ssh-keygen -l`` prints it."""
    return asyncssh.import_public_key(host_key).get_fingerprint("sha256")


def get_key_type(host_key: str) -> str:
    """Return the algorithm of a key in ``algorithm base64`` form."""
    return host_key.split(maxsplit=1)[0]


class HostKeyPin(asyncssh.SSHClient):
    """Decides about the key a host shows while connecting, and remembers it.

    Attributes:
        offered: the key the host showed; None before it did.
        is_lost: the connection has ended, for whatever reason.
    """

    def __init__(self, pinned: str | None) -> None:
        self.pinned = pinned
        self.offered: str | None = None
        self.is_lost = False
        self._ssh: asyncssh.SSHClientConnection | None = None

    @property
    def has_greeted(self) -> bool:
        """Tell whether the host called itself an SSH server, which is the first thing that one does."""
        return self._ssh is not None and self._ssh.get_extra_info("server_version") is not None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Take the connection, to be asked what the host said."""
        self._ssh = conn

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Take the pinned key alone; without a pin, any."""
        del host, addr, port
        self.offered = format_host_key(key)
        return self.pinned is None or self.pinned == self.offered

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end of the connection."""
        del exc
        self.is_lost = True

    def build_changed_error(self, address: str) -> HostKeyChangedError:
        """Say which key is shown now, and what to do about it."""
        offered = self.offered or ""
        if self.pinned == NO_HOST_KEY:
            return HostKeyChangedError(
                f"No host key of {address} is pinned, so it gets no password. It shows"
                f" {compute_fingerprint(offered)}: ask the hoster whether that is right, then accept it with"
                " /admin server hostkey.",
                offered=offered,
            )
        return HostKeyChangedError(
            f"{address} shows another host key than before ({compute_fingerprint(offered)}). Either the"
            " hoster moved the server, or somebody is in between. Ask the hoster, then accept the new key"
            " with /admin server hostkey.",
            offered=offered,
        )
