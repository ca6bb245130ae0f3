"""SSH servers on 127.0.0.1 that ask questions or refuse logins, one per test."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncssh

Question = tuple[str, bool]  # the question, and whether the answer is visible


@dataclass(eq=False, slots=True)
class Questioner(asyncssh.SSHServer):
    """Accepts a client that answers every round of questions as expected (``keyboard-interactive``).

    Attributes:
        rounds: the questions of each round.
        answers: the expected answers of each round.
        heard: the received answers.
    """

    rounds: Sequence[Sequence[Question]]
    answers: Sequence[Sequence[str]]
    heard: list[list[str]] = field(default_factory=list)

    def kbdint_auth_supported(self) -> bool:
        """Offer ``keyboard-interactive``."""
        return True

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, Sequence[Question]]:
        """Ask the first round."""
        del username, lang, submethods
        return ("", "", "", self.rounds[0])

    def validate_kbdint_response(
        self, username: str, responses: Sequence[str]
    ) -> bool | tuple[str, str, str, Sequence[Question]]:
        """Store the answers of a round; ask the next round, or decide."""
        del username
        self.heard.append(list(responses))
        if len(self.heard) < len(self.rounds):
            return ("", "", "", self.rounds[len(self.heard)])
        return self.heard == [list(answers) for answers in self.answers]


class OpenDoor(asyncssh.SSHServer):
    """Accepts every login."""

    def begin_auth(self, username: str) -> bool:
        """Accept the login without a password."""
        del username
        return False


@asynccontextmanager
async def serve_ssh(server: asyncssh.SSHServer, **options: Any) -> AsyncIterator[int]:
    """Serve SFTP with a test's own server class; yields the port."""
    acceptor = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: server,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        sftp_factory=True,
        config=None,
        gss_host=None,
        **options,
    )
    try:
        yield acceptor.get_port()
    finally:
        acceptor.close()
        await acceptor.wait_closed()
