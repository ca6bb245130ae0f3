"""Names of hosts: looked up in threads of their own, so that a silent name server holds up nobody else.

*Theory of operation.* The system's look-up blocks, and for a name whose servers are silent it takes half a
minute that nothing can cut short. Anybody can bring such a name. So each look-up has a thread that nobody
waits for: not the default threads of the loop, which the rest of the bot needs, and not the end of the
process. A guild has few of them at once, all guilds together some more, and a thread that takes long keeps
its place until it ends. The next place is for the guild that holds the fewest.
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
ADDRESSES_MAXIMUM = 8  # of one name; a game host has one or two

Addresses = tuple[str, ...]
"""Numeric addresses, in the order in which they are to be tried; of IPv6 perhaps with a ``%scope``."""

LookUp = Callable[[str], Addresses]
_Name = tuple[GuildId, str]


def look_up(host: str) -> Addresses:
    """Ask the system for the addresses of a name; blocks.

    Raises:
        socket.gaierror: there is no such name, or nobody knows.
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
        """Return the addresses of a host; one that is an address already is asked of nobody.

        May take half a minute. A caller that waits no longer leaves the look-up to others of the guild.

        Raises:
            socket.gaierror: there is no such name, or nobody knows.
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
        """Look a name up, in the thread that is for it alone."""
        outcome: Addresses | Exception
        try:
            outcome = self._look_up(name[1])
        except OSError as error:
            outcome = error
        except ValueError:
            outcome = UnicodeError("This cannot be a name.")
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._end, name, outcome)

    def _end(self, name: _Name, outcome: Addresses | Exception) -> None:
        """Tell everybody who waits for a name, and give its thread's place to the next."""
        self._under_way.discard(name)
        self._asked.pop(name).set_result(outcome)
        self._begin()
