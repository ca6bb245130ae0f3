"""A real OpenSSH server over a folder, if one is installed, like those of real hosters.

It runs as the user who starts it, with a configuration, host keys and a port of its own. Password logins
would need the system's users, so it accepts one private key, which is made for it.
"""

import asyncio
import getpass
import os
import shutil
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh

from utils.models.servers import Credentials
from utils.sftp.host_keys import format_host_key
from utils.sftp.login import HostLogin

SSHD_FOLDERS = "/usr/sbin:/usr/local/sbin:/sbin"  # these are rarely on the PATH of a user
PRIVILEGE_FOLDER = Path("/run/sshd")  # sshd of root does not start without it

CONFIGURATION = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp -d {root}
{more}
"""


class OpenSshHost:
    """``/usr/sbin/sshd`` with ``internal-sftp`` on 127.0.0.1; logins begin in ``root_folder``.

    Attributes:
        private_key: the key for the login, in OpenSSH's text form.
    """

    address = "127.0.0.1"

    def __init__(self, root_folder: Path, work_folder: Path, *, more_configuration: str = "") -> None:
        self._work_folder = work_folder
        self._process: asyncio.subprocess.Process | None = None
        self.root_folder = root_folder
        self.port = _choose_port()
        user_key = asyncssh.generate_private_key("ssh-ed25519")
        self._host_key = asyncssh.generate_private_key(
            "ssh-rsa" if "ssh-rsa" in more_configuration else "ssh-ed25519"
        )
        self.private_key = user_key.export_private_key("openssh").decode()
        work_folder.mkdir(parents=True, exist_ok=True)
        self._write("host_key", self._host_key.export_private_key("openssh"))
        self._write("authorized_keys", user_key.export_public_key("openssh"))
        configuration = CONFIGURATION.format(
            port=self.port, folder=work_folder, root=root_folder, more=more_configuration
        )
        self._write("sshd_config", configuration.encode())

    @staticmethod
    def find_program() -> str | None:
        """Return the path of sshd, or None if it is not installed."""
        return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:{SSHD_FOLDERS}")

    @property
    def host_key(self) -> str:
        """Return the public host key as ``algorithm base64``."""
        return format_host_key(self._host_key)

    def login(self, *, host_key: str | None = None, legacy: bool = False) -> HostLogin:
        """Return the login of the user who runs this."""
        return HostLogin(
            host=self.address,
            port=self.port,
            username=getpass.getuser(),
            credentials=Credentials(private_key=self.private_key),
            legacy=legacy,
            host_key=host_key,
        )

    async def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            RuntimeError: sshd is not installed, or did not start.
        """
        program = self.find_program()
        if program is None:
            raise RuntimeError("OpenSSH's server (sshd) is not installed.")
        if os.geteuid() == 0:
            PRIVILEGE_FOLDER.mkdir(mode=0o755, exist_ok=True)  # noqa: ASYNC240 - once, at the start
        folder = self._work_folder
        self._process = await asyncio.create_subprocess_exec(
            program, "-D", "-E", str(folder / "sshd.log"), "-f", str(folder / "sshd_config")
        )
        await self._wait_until_listening(self._process)

    async def stop(self) -> None:
        """Stop listening; open connections go on until their clients end them."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _wait_until_listening(self, process: asyncio.subprocess.Process) -> None:
        """Try to connect until the port accepts."""
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection(self.address, self.port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            await writer.wait_closed()
            return
        log = (self._work_folder / "sshd.log").read_text(errors="replace")
        raise RuntimeError(f"sshd did not start: {log}")

    def _write(self, name: str, content: bytes) -> None:
        path = self._work_folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)


def _choose_port() -> int:
    """Return a port that is free now; sshd cannot choose one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
