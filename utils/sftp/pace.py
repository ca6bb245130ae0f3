"""Pace: when each handshake with a host may begin, and how often people may test hosts by hand."""

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from utils.errors import LoginRefusedError, TooMuchAtOnceError
from utils.models.quantities import describe_wait
from utils.models.scope import GuildId
from utils.models.texts import Number, plural, text
from utils.sftp.login import HostLogin

TESTS_AT_ONCE = 2
TESTS_A_MINUTE = 10
MINUTE_SECONDS = 60.0
REFUSALS_MAXIMUM = 4
"""Refused logins of tests by hand, in ``REFUSALS_SECONDS``: usual hosts lock an address out after five."""
REFUSALS_SECONDS = 600.0


class HandshakePace:
    """Spaces the beginnings of handshakes with one host, over all guilds."""

    def __init__(self, spacing_seconds: float) -> None:
        self._spacing = spacing_seconds
        self._free_at: dict[tuple[str, int], float] = {}

    def reserve(self, login: HostLogin, *, now: float) -> float:
        """Reserve the next beginning at the login's host; return the seconds until then."""
        begins_at = max(now, self._free_at.get(login.host_and_port, now))
        self._free_at[login.host_and_port] = begins_at + self._spacing
        return begins_at - now

    def forget_past(self, *, now: float) -> None:
        """Drop the hosts whose next handshake may begin at once anyway."""
        self._free_at = {host: free_at for host, free_at in self._free_at.items() if free_at > now}


@dataclass(slots=True)
class _Tests:
    """Tests of one guild: how many run, when the last ones began, and when the refused ones began."""

    under_way: int = 0
    begun: deque[float] = field(default_factory=deque)
    refused: deque[float] = field(default_factory=deque)


class HandTries:
    """Limits the tests that members of a guild ask for: each test connects at once, to any host.

    Refused logins have a lower limit: a host that locks out an address that guesses locks out the bot for all
    guilds. They are counted over all hosts, because one host can have many names.
    """

    def __init__(self) -> None:
        self._tests: dict[GuildId, _Tests] = {}

    @contextmanager
    def admit(self, guild_id: GuildId, *, now: float) -> Iterator[None]:
        """Let a test begin, and count it until it has ended.

        Raises:
            TooMuchAtOnceError: the guild's people have to wait.
        """
        self.forget_past(now=now)
        tests = self._tests.setdefault(guild_id, _Tests())
        if tests.under_way >= TESTS_AT_ONCE:
            raise TooMuchAtOnceError(
                plural(
                    "{count} test of this Discord server is still running."
                    " Wait for its answer, then try again.",
                    "{count} tests of this Discord server are still running."
                    " Wait for their answers, then try again.",
                    TESTS_AT_ONCE,
                )
            )
        if len(tests.begun) >= TESTS_A_MINUTE:
            wait = math.ceil(tests.begun[0] + MINUTE_SECONDS - now)
            raise TooMuchAtOnceError(
                text(
                    "This Discord server tested game hosts {times} times within a minute."
                    " Try again in {wait}.",
                    times=Number(TESTS_A_MINUTE),
                    wait=plural("{count} second", "{count} seconds", wait),
                )
            )
        if len(tests.refused) >= REFUSALS_MAXIMUM:
            until = timedelta(seconds=tests.refused[0] + REFUSALS_SECONDS - now)
            raise TooMuchAtOnceError(
                text(
                    "Game hosts refused {refused} logins that this Discord server tested. Some hosts lock the"
                    " bot out if that goes on. Check user name and password, then try again in {wait}.",
                    refused=Number(REFUSALS_MAXIMUM),
                    wait=describe_wait(until),
                )
            )
        tests.begun.append(now)
        tests.under_way += 1
        try:
            yield
        except LoginRefusedError:
            tests.refused.append(now)
            raise
        finally:
            tests.under_way -= 1

    def forget_past(self, *, now: float) -> None:
        """Drop tests that began too long ago to count."""
        for guild_id, tests in list(self._tests.items()):
            _drop_before(tests.begun, now - MINUTE_SECONDS)
            _drop_before(tests.refused, now - REFUSALS_SECONDS)
            if not (tests.begun or tests.refused or tests.under_way):
                del self._tests[guild_id]


def _drop_before(moments: deque[float], first: float) -> None:
    while moments and moments[0] <= first:
        moments.popleft()
