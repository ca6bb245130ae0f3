"""Answers about game servers that are kept in memory and followed, batch by batch.

The answers about a server are kept with its generation and the number of batches that were counted by then.
They are shown only if both are those of the database at the moment of the question, so every question reads
them first. ``CountersStored`` brings them one batch forward. After any other difference (a lost event,
another process, an import, an erasure) they are read again, together with the number in one snapshot: without
that, a batch could count twice. A read may take seconds; batches that are stored before its end follow then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
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


@dataclass(slots=True)
class _Kept(Generic[Asked, Answer]):
    """The answers about a server, as of one batch of a generation; those asked for last come last."""

    generation: int
    batches: int
    answers: dict[Asked, Answer]

    def fits(self, generation: int, batches: int) -> bool:
        return (self.generation, self.batches) == (generation, batches)

    def use(self, questions: Sequence[Asked]) -> dict[Asked, Answer]:
        """Return answers, which are the last ones from now on."""
        used = {question: self.answers.pop(question) for question in questions}
        self.answers.update(used)
        return used


@dataclass(eq=False, repr=False)
class FollowedAnswers(Generic[Asked, Answer]):
    """The answers of one kind.

    Attributes:
        read: reads the answers for a server and a generation in a session.
        follow: returns those of the answers that a batch changed.
        weigh: returns the weight of an answer.
        most: the weight that is kept; the server that was asked for longest ago is dropped first.
    """

    database: SafeDatabase
    _: KW_ONLY
    read: Callable[[ServerScope, int, Sequence[Asked], ClientSession], Awaitable[Mapping[Asked, Answer]]]
    follow: Callable[[Mapping[Asked, Answer], CountersStored], Mapping[Asked, Answer]]
    weigh: Callable[[Answer], int]
    most: int
    _servers: dict[ServerScope, _Kept[Asked, Answer]] = field(default_factory=dict)
    _missed: dict[ServerScope, list[CountersStored]] = field(default_factory=dict)
    """The batches that were stored since a read of a server began, which is under way."""
    _locks: KeyedLocks[ServerScope] = field(default_factory=KeyedLocks[ServerScope])

    @property
    def count(self) -> int:
        """How many answers are kept."""
        return sum(len(kept.answers) for kept in self._servers.values())

    @property
    def weight(self) -> int:
        """The weight of all answers that are kept."""
        return sum(self.weigh(one) for kept in self._servers.values() for one in kept.answers.values())

    async def ask(
        self, guild_id: GuildId, shown: Sequence[ShownServers], questions: Iterable[Asked]
    ) -> list[Mapping[Asked, Answer]]:
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
        if event.scope in self._missed:
            self._missed[event.scope].append(event)
        self._follow(event)

    def on_server_removed(self, event: ServerRemoved) -> None:
        """Drop the answers about a removed server."""
        self._forget(event.scope)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop the answers about a guild."""
        for scope in [one for one in {*self._servers, *self._missed} if one.guild_id == guild_id]:
            self._forget(scope)

    async def _ask(
        self, scope: ServerScope, generation: int, batches: int, questions: Sequence[Asked]
    ) -> Mapping[Asked, Answer]:
        """Return answers from memory, if all of them are there; else read those that are not."""
        async with self._locks.hold(scope):
            kept = self._servers.pop(scope, None)
            if kept is not None:
                self._servers[scope] = kept  # the server that was used last is the last one
                if kept.fits(generation, batches) and kept.answers.keys() >= set(questions):
                    return kept.use(questions)
            self._missed[scope] = []
            try:
                read = await self._read(scope, generation, questions)
            finally:
                missed = self._missed.pop(scope, None)
            answers = read.use(questions)
            if missed is not None:  # neither the server nor its guild is gone
                self._servers[scope] = read
                for event in missed:
                    self._follow(event)
        return answers

    async def _read(
        self, scope: ServerScope, generation: int, questions: Sequence[Asked]
    ) -> _Kept[Asked, Answer]:
        """Return what is kept of a server together with what is read, all of one moment."""
        with self.database.open_snapshot() as session:
            counted = await list_counted(self.database, scope.guild_id, [scope.server_id], session=session)
            batches = counted.get(scope.server_id, 0)
            kept = self._servers.get(scope)
            answers = dict(kept.answers) if kept is not None and kept.fits(generation, batches) else {}
            lacking = [question for question in questions if question not in answers]
            answers.update(await self.read(scope, generation, lacking, session))
        return _Kept(generation, batches, answers)

    def _follow(self, event: CountersStored) -> None:
        """Add the next batch to what is kept; after any other one it is of no use."""
        kept = self._servers.get(event.scope)
        if kept is None or (kept.generation == event.generation and kept.batches >= event.batches):
            return
        if kept.fits(event.generation, event.batches - 1):
            kept.batches = event.batches
            kept.answers.update(self.follow(kept.answers, event))
        else:
            del self._servers[event.scope]

    def _forget(self, scope: ServerScope) -> None:
        """Drop the answers about a server; those of a read that is under way are not kept either."""
        self._servers.pop(scope, None)
        self._missed.pop(scope, None)

    def _forget_longest_unused(self) -> None:
        """Keep the memory within its bound: of a server, what was asked for longest ago goes first."""
        over = self.weight - self.most
        for scope, kept in list(self._servers.items()):
            for question in list(kept.answers):
                if over <= 0:
                    return
                over -= self.weigh(kept.answers.pop(question))
            del self._servers[scope]
