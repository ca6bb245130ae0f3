"""Names of hosts: looked up in threads of their own, so that a silent name server delays nothing else.

*Theory of operation.* The system's look-up blocks. If the name servers are silent, it takes half a minute and
cannot be interrupted, and any admin can add such a name. So each look-up has a thread of its own. It does not
use the default threads of the loop, which the rest of the bot needs, and the end of the process does not wait
for it. A guild has few of these threads at once, and all guilds together some more. A slow look-up keeps its
place until it ends. The next place is for the guild that holds the fewest.
"""

import asyncio
import ipaddress
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from utils.models.scope import GuildId

LOOKUPS_AT_ONCE = 100
LOOKUPS_OF_A_GUILD = 4
ADDRESSES_MAXIMUM = 8  # addresses of one name; a game host has one or two

Addresses = tuple[str, ...]
"""Numeric addresses, in the order in which to try them; an IPv6 address may have a ``%scope``."""

LookUp = Callable[[str], Addresses]
_Name = tuple[GuildId, str]


def look_up(host: str) -> Addresses:
    """Ask the system for the addresses of a name; blocks.

    Raises:
        socket.gaierror: there is no such name, or no name server answers.
        ValueError: it cannot be a name.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))[:ADDRESSES_MAXIMUM]


class NameResolver:
    """Finds the addresses of hosts for guilds."""

    def __init__(self, look_up: LookUp = look_up) -> None:
        self._look_up = look_up
        self._asked: dict[_Name, asyncio.Future[Addresses | Exception]] = {}
        self._waiting: list[_Name] = []
        self._under_way: set[_Name] = set()

    async def resolve(self, guild_id: GuildId, host: str) -> Addresses:
        """Return the addresses of a host; an address is returned without a look-up.

        It may take half a minute. If a caller stops waiting, the look-up goes on for others of the guild.

        Raises:
            socket.gaierror: there is no such name, or no name server answers.
            UnicodeError: it cannot be a name.
        """
        with suppress(ValueError):
            return (str(ipaddress.ip_address(host)),)
        outcome = await asyncio.shield(self._ask((guild_id, host)))
        if isinstance(outcome, Exception):
            raise outcome.with_traceback(None)  # shared: its tracebacks would pile up
        return outcome

    def _ask(self, name: _Name) -> asyncio.Future[Addresses | Exception]:
        """Return the one look-up of a name that all of a guild's logins share."""
        if name not in self._asked:
            self._asked[name] = asyncio.get_running_loop().create_future()
            self._waiting.append(name)
            self._begin()
        return self._asked[name]

    def _begin(self) -> None:
        """Give a thread to each look-up whose turn it is."""
        busy = Counter(guild_id for guild_id, _ in self._under_way)
        while self._waiting and len(self._under_way) < LOOKUPS_AT_ONCE:
            name = min(self._waiting, key=lambda one: busy[one[0]])
            if busy[name[0]] >= LOOKUPS_OF_A_GUILD:
                return
            busy[name[0]] += 1
            self._waiting.remove(name)
            self._under_way.add(name)
            work = partial(self._work, asyncio.get_running_loop(), name)
            threading.Thread(target=work, name="name of a host", daemon=True).start()

    def _work(self, loop: asyncio.AbstractEventLoop, name: _Name) -> None:
        """Look a name up, in its own thread."""
        outcome: Addresses | Exception
        try:
            outcome = self._look_up(name[1])
        except OSError as error:
            outcome = error
        except ValueError:
            outcome = UnicodeError("This cannot be a name.")
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._end, name, outcome)

    def _end(self, name: _Name, outcome: Addresses | Exception) -> None:
        """Give the result to all who wait for a name, and the place of the thread to the next look-up."""
        self._under_way.discard(name)
        self._asked.pop(name).set_result(outcome)
        self._begin()
