"""Answers about game servers that are kept in memory and followed, batch by batch.

An answer is kept with the server's generation and the number of batches that were counted by then. It is
shown only if both are those of the database at the moment of the question, so every question reads them
first. ``CountersStored`` brings an answer one batch forward, or drops it if that cannot be done. After any
other difference (a lost event, another process, an import, an erasure) it is read again, together with the
number in one snapshot: without that, a batch could count twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Generic, TypeVar

from pymongo.client_session import ClientSession

from utils.database.core.database import SafeDatabase
from utils.database.read_models.counted import list_counted
from utils.database.read_models.shown import ShownServers
from utils.events import CountersStored, ServerRemoved
from utils.locks import KeyedLocks
from utils.models.scope import GuildId, ServerId, ServerScope

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Answer]):
    """An answer, as of one batch of a generation."""

    generation: int
    batches: int
    answer: Answer

    def fits(self, generation: int, batches: int) -> bool:
        return (self.generation, self.batches) == (generation, batches)


@dataclass(eq=False, repr=False)
class FollowedAnswers(Generic[Asked, Answer]):
    """The answers of one kind.

    Attributes:
        read: reads the answer for a server and a generation in a session.
        follow: returns an answer after a batch; None if it must be read again.
        most: how many answers are kept; the server that was asked for longest ago is dropped first.
    """

    database: SafeDatabase
    _: KW_ONLY
    read: Callable[[ServerScope, int, Asked, ClientSession], Awaitable[Answer]]
    follow: Callable[[Asked, Answer, CountersStored], Answer | None]
    most: int
    _servers: dict[ServerScope, dict[Asked, _Kept[Answer]]] = field(default_factory=dict)
    _locks: KeyedLocks[ServerScope] = field(default_factory=KeyedLocks[ServerScope])

    @property
    def count(self) -> int:
        """How many answers are kept."""
        return sum(map(len, self._servers.values()))

    async def ask(
        self, guild_id: GuildId, shown: Sequence[ShownServers], questions: Iterable[Asked]
    ) -> list[dict[Asked, Answer]]:
        """Return the answers of each server."""
        asked = list(dict.fromkeys(questions))
        servers = [(ServerId(server_id), one.generation) for one in shown for server_id in one.server_ids]
        if not asked:
            return []
        counted = await list_counted(self.database, guild_id, [server_id for server_id, _ in servers])
        answers = await asyncio.gather(
            *(
                self._ask(ServerScope(guild_id, server_id), generation, counted.get(server_id, 0), asked)
                for server_id, generation in servers
            )
        )
        self._forget_longest_unused()
        return answers

    def on_counters_stored(self, event: CountersStored) -> None:
        """Bring the answers about a server one batch forward."""
        kept = self._servers.get(event.scope, {})
        for question, one in list(kept.items()):
            if one.generation == event.generation and one.batches >= event.batches:
                continue
            is_next = one.fits(event.generation, event.batches - 1)
            answer = self.follow(question, one.answer, event) if is_next else None
            if answer is None:
                del kept[question]
            else:
                kept[question] = _Kept(event.generation, event.batches, answer)

    def on_server_removed(self, event: ServerRemoved) -> None:
        """Drop the answers about a removed server."""
        self._servers.pop(event.scope, None)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop the answers about a guild."""
        for scope in [one for one in self._servers if one.guild_id == guild_id]:
            del self._servers[scope]

    async def _ask(
        self, scope: ServerScope, generation: int, batches: int, questions: Sequence[Asked]
    ) -> dict[Asked, Answer]:
        """Return answers from memory; those that do not fit are read, all of one moment."""
        async with self._locks.hold(scope):
            kept = self._servers.pop(scope, {})
            self._servers[scope] = kept  # the server that was used last is the last one
            answers = _list_fitting(kept, generation, batches, questions)
            if len(answers) == len(questions):
                return answers
            with self.database.open_snapshot() as session:
                counted = await list_counted(
                    self.database, scope.guild_id, [scope.server_id], session=session
                )
                batches = counted.get(scope.server_id, 0)
                answers = _list_fitting(kept, generation, batches, questions)
                for question in questions:
                    if question not in answers:
                        answers[question] = await self.read(scope, generation, question, session)
                        kept.pop(question, None)
                        kept[question] = _Kept(generation, batches, answers[question])
        return answers

    def _forget_longest_unused(self) -> None:
        """Keep the memory within its bound: of a server, the answers that were read longest ago go first."""
        over = self.count - self.most
        for scope, kept in list(self._servers.items()):
            for question in list(kept)[: max(0, over)]:
                del kept[question]
                over -= 1
            if not kept:
                del self._servers[scope]


def _list_fitting(
    kept: dict[Asked, _Kept[Answer]], generation: int, batches: int, questions: Iterable[Asked]
) -> dict[Asked, Answer]:
    found = ((question, kept.get(question)) for question in questions)
    return {question: one.answer for question, one in found if one and one.fits(generation, batches)}
