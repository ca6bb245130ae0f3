"""Host keys: pinned at first use, compared afterwards."""

import asyncio
from collections.abc import Sequence

import asyncssh

from utils.errors import HostKeyChangedError
from utils.models.problems import Problem
from utils.models.texts import Command

NO_HOST_KEY = ""
"""Used instead of a pinned key: no key fits, so the host shows its key and never gets a secret."""

EXCHANGES_MAXIMUM = 10  # exchanges at once; usual are one at the login and one an hour or gigabyte
SECONDS_AN_EXCHANGE = 60.0
QUESTIONS_MAXIMUM = 5  # a password and some announcements; further questions are about something else
NAMES_OF_A_PASSWORD = ("password", "passcode")


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
    """Checks the key that a host shows while connecting, and remembers it; then gives the password.

    Attributes:
        offered: the key that the host showed; None before that.
        is_lost: the connection has ended, for any reason.
        fault: why the bot ended the connection, if it did.
        asked_for_more: the host asked for more than one password.
    """

    def __init__(self, pinned: str | None, password: str | None = None) -> None:
        self.pinned = pinned
        self.offered: str | None = None
        self.is_lost = False
        self.fault: Problem | None = None
        self.asked_for_more = False
        self._password = password
        self._questions = 0
        self._has_answered = False
        self._exchanges: float = EXCHANGES_MAXIMUM
        self._exchanged_at = 0.0
        self._ssh: asyncssh.SSHClientConnection | None = None

    @property
    def has_greeted(self) -> bool:
        """Tell whether the host greeted as an SSH server; that is the first thing such a server does."""
        return self._ssh is not None and self._ssh.get_extra_info("server_version") is not None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Remember the connection, to read the host's greeting from it."""
        self._ssh = conn

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Accept only the pinned key, or any key if none is pinned. Called at each exchange of keys."""
        del host, addr, port
        if not self._count_exchange():
            self.note_fault(Problem.TOO_MANY_EXCHANGES)
            return False
        self.offered = format_host_key(key)
        return self.pinned is None or self.pinned == self.offered

    def _count_exchange(self) -> bool:
        """Tell whether the host may exchange keys now: some at once, and one more every minute."""
        now = asyncio.get_running_loop().time()
        gained = (now - self._exchanged_at) / SECONDS_AN_EXCHANGE
        self._exchanges = min(self._exchanges + gained, EXCHANGES_MAXIMUM) - 1
        self._exchanged_at = now
        return self._exchanges >= 0

    def note_fault(self, fault: Problem) -> None:
        """Note why the bot ends the connection."""
        self.fault = fault

    def password_auth_requested(self) -> str | None:
        """Give the password, once: repeating a wrong one could lock the account."""
        password, self._password = self._password, None
        return password

    def kbdint_auth_requested(self) -> str | None:
        """Allow questions (``keyboard-interactive``), as long as there is a password to give."""
        return None if self._password is None or self._has_answered else ""

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        """Give the password to a single hidden question, in any language, and only the first time.

        If the question does not name a password, it may be about another thing; then the password may still
        be given in the usual way. An announcement without a question is acknowledged.
        """
        del name, instructions, lang
        self._questions += 1
        if not prompts and self._questions <= QUESTIONS_MAXIMUM:
            return []
        if len(prompts) != 1 or prompts[0][1] or self._has_answered or self._password is None:
            self.asked_for_more = True
            return None
        self._has_answered = True
        is_named = any(word in prompts[0][0].casefold() for word in NAMES_OF_A_PASSWORD)
        return [self.password_auth_requested() or ""] if is_named else [self._password]

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end of the connection."""
        del exc
        self.is_lost = True

    def build_changed_error(self, address: str) -> HostKeyChangedError:
        """Return the error that names the key shown now, and says what to do."""
        offered = self.offered or ""
        is_unpinned = self.pinned == NO_HOST_KEY
        problem = Problem.HOST_KEY_UNPINNED if is_unpinned else Problem.HOST_KEY_CHANGED
        said = problem.say(
            host=address,
            fingerprint=compute_fingerprint(offered),
            accept=Command("admin server hostkey"),
        )
        return HostKeyChangedError(said, offered=offered)
