"""Erasure: answers ``/data erase``. ``eraser`` has its steps."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

from utils.clock import Clock
from utils.errors import InvalidInputError
from utils.events import EventDispatcher, LinksChanged, PlayerErased
from utils.models.audit import AuditAction, AuditFacts
from utils.models.personal import DataQuestion, Holdings, Person
from utils.models.roles import RoleId
from utils.models.scope import (
    ERASED_MEMBER_ID,
    ERASED_NAME,
    ERASED_PLAYER_ID,
    GuildId,
    MemberId,
)
from utils.models.texts import Command, text
from utils.services.guilds.audit import AuditLog
from utils.services.personal.eraser import DEATHS_AT_ONCE, Eraser, ErasureStore
from utils.services.personal.erasure_log import ErasureLog
from utils.services.personal.people import PersonFinder
from utils.services.roles.looks import RoleLooks


class MemberMemory(Protocol):  # implemented by ErrorWriter
    """Facts about members that are only in memory yet."""

    async def forget_member(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Store what will be erased there, and forget the rest.

        Raises:
            StorageError: the database is away.
        """


@dataclass(frozen=True, slots=True)
class Erased:
    """The result of an erasure.

    Attributes:
        deaths: how many deaths no longer name one of the players.
        kept_roles: roles that could not be taken from the member.
    """

    deaths: int
    kept_roles: tuple[RoleId, ...] = ()


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """The person to erase, and a summary of the member's data."""

    person: Person
    holdings: Holdings


@dataclass(eq=False, repr=False)
class ErasureService:
    """Answers ``/data erase``.

    Args:
        store: the guild's data.
        people: finds the person of a request.
        audit: gets an entry of the erasure, without the person.
        events: dispatches ``PlayerErased`` and ``LinksChanged``.
        memory: has errors of members that are not stored yet.
        roles: the roles that the bot gave.
        log: keeps digests of the erased persons for the next restore.
        deaths_at_once: how many deaths are changed in one transaction.
    """

    store: ErasureStore
    people: PersonFinder
    _: KW_ONLY
    audit: AuditLog
    events: EventDispatcher
    memory: MemberMemory
    roles: RoleLooks
    log: ErasureLog
    clock: Clock
    deaths_at_once: int = DEATHS_AT_ONCE

    def __post_init__(self) -> None:
        self._eraser = Eraser(self.store, clock=self.clock, deaths_at_once=self.deaths_at_once)

    async def plan(self, question: DataQuestion) -> ErasurePlan:
        """Return the plan of an erasure.

        Raises:
            InvalidInputError, NotAllowedError, NotFoundError, AmbiguousError: the person is unclear, the
            asker may not erase them, or there is no data.
        """
        person, holdings = await self.people.find(question), Holdings()
        if person.member_id is not None:
            holdings = await self.store.find_holdings(person.guild_id, person.member_id)
        if not person.players and holdings.is_empty:
            raise InvalidInputError(
                text(
                    "Nothing to erase: no link, no wallet, no bounty. To erase a player, prove they're yours "
                    "with {link} first, or ask an admin to choose them in “player”.",
                    link=Command("link"),
                )
            )
        return ErasurePlan(person, holdings)

    async def plan_again(self, plan: ErasurePlan, question: DataQuestion) -> ErasurePlan:
        """Return the current plan: the question was asked minutes before it was confirmed.

        Raises:
            InvalidInputError, NotAllowedError, NotFoundError, AmbiguousError: as from ``plan``, or the
            question was about another person.
        """
        now = await self.plan(question)
        if now.person != plan.person:
            raise InvalidInputError(
                text("This data belongs to someone else now, so I erased nothing. Run the command again.")
            )
        return now

    async def erase(self, plan: ErasurePlan, *, actor_id: MemberId) -> Erased:
        """Erase a person, and take the roles from them that the bot gave.

        Raises:
            StorageError: it is not complete yet; call it again.
        """
        person = plan.person
        await self.log.note(person)  # before the first step, so that an older backup never undoes it
        kept_roles: Sequence[RoleId] = ()
        if person.member_id is None:
            deaths = await self._eraser.erase(person)
        else:
            await self.memory.forget_member(person.guild_id, person.member_id)
            async with self.roles.taking_all(person.guild_id, person.member_id) as kept_roles:
                deaths = await self._eraser.erase(person)
        await self.log.note(person)  # what was stored in the meantime is erased as well
        self.events.dispatch(PlayerErased(guild_id=person.guild_id))
        member_id = ERASED_MEMBER_ID if person.member_id is None else person.member_id
        self.events.dispatch(LinksChanged(guild_id=person.guild_id, member_id=member_id))
        await self._write_audit(person, actor_id)
        return Erased(deaths, tuple(kept_roles))

    async def _write_audit(self, person: Person, actor_id: MemberId) -> None:
        facts = AuditFacts(member_id=ERASED_MEMBER_ID)
        if person.member_id is None:
            facts = AuditFacts(player_id=ERASED_PLAYER_ID, player_name=ERASED_NAME)
        # do not store again a person who has just erased themself
        actor = None if person.is_asker else actor_id
        await self.audit.write(person.guild_id, actor, AuditAction.DATA_ERASE, facts)
