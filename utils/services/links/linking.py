"""Links of members and players: asking for one, ending it, and what admins do by hand.

The first proven link of a member is the main, the others are alts; when the main ends, the oldest alt takes
its place. A player belongs to one member of a guild when the link is proven. Before that, several members may
ask for it. Links belong to the guild, not to a game server: they stay when a server is removed and when the
bot leaves.
"""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import date, datetime
from functools import partial
from random import Random
from typing import Protocol

from utils.clock import Clock
from utils.errors import (
    AlreadyLinkedError,
    AmbiguousError,
    InvalidInputError,
    LimitReachedError,
    NotFoundError,
)
from utils.events import EventDispatcher, FactionChanged, LinksChanged
from utils.locks import KeyedLocks
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.labels import find_labelled, label_choices
from utils.models.links import Link, ProofAttempts, ProofOutcome, ProofWindow, RemovedLinks
from utils.models.players import KnownPlayer
from utils.models.quantities import describe_wait
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId
from utils.models.texts import Command, Mention, Number, Text, text
from utils.models.typed_text import fold_text, quote
from utils.services.guilds.audit import AuditLog, log_entry
from utils.services.links.proof import can_be_asked_for, can_be_proven, choose_windows, count_request
from utils.services.links.proof_watcher import ProofSource, ProofWatcher
from utils.services.links.request_alerts import AlertedRequests, RequestAlerts
from utils.services.players.asked_players import AskedPlayers
from utils.services.players.player_names import PlayerNames
from utils.services.players.wording import describe_several_links
from utils.services.ports import MemberNotifier

MAX_LINKS = 5  # links of a member, pending ones included: a main, and the alts of a household


Describe = Callable[[Link], AuditEntry]
"""Tells what the audit has of a link as it was found when it ended."""


class LinkStore(ProofSource, AlertedRequests, Protocol):  # implemented by LinkRepository
    """Storage of links; every write is one transaction, its ``entry`` of the audit included."""

    async def list_of_member(self, guild_id: GuildId, member_id: MemberId) -> Sequence[Link]:
        """Return a member's links: the main, alts from the oldest on, then pending ones."""

    async def list_all_proven(self, guild_id: GuildId) -> Sequence[Link]:
        """Return the proven links of all members."""

    async def find_attempts(self, guild_id: GuildId, player_id: PlayerId) -> ProofAttempts | None:
        """Return the requests for a player since its last proof."""

    async def put_attempts(self, guild_id: GuildId, player_id: PlayerId, attempts: ProofAttempts) -> None:
        """Store the requests for a player."""

    async def put_pending(self, guild_id: GuildId, link: Link, *, entry: AuditEntry | None = None) -> None:
        """Store a request; it replaces the member's earlier one for this player."""

    async def put_proven(
        self, guild_id: GuildId, link: Link, *, at: datetime, entry: AuditEntry | None = None
    ) -> Link | None:
        """Store a link that needs no proof (any more); None if the player belongs to another member."""

    async def attach_message(
        self, guild_id: GuildId, link: Link, *, channel_id: ChannelId, message_id: int
    ) -> bool:
        """Store the message of this request and mark it open; tell whether the request is still stored."""

    async def refuse(self, guild_id: GuildId, link: Link, *, entry: AuditEntry) -> bool:
        """End this request; tell whether it still waited for its proof."""

    async def remove(
        self,
        guild_id: GuildId,
        member_id: MemberId,
        player_ids: Sequence[PlayerId],
        *,
        at: datetime,
        describe: Describe | None = None,
    ) -> RemovedLinks:
        """Delete links and return them; if the main is among them, the oldest remaining alt becomes main.

        The member's time in a faction ends with their last proven link.
        """


@dataclass(frozen=True, slots=True)
class AskedLink:
    """The answer to a request: the link, and the number of the member's links with it (of ``MAX_LINKS``)."""

    link: Link
    count: int


@dataclass(eq=False, repr=False)
class LinkService:
    """The rules of links.

    Args:
        store: the guild's links.
        players: the known players of a guild.
        proofs: judges pending links.
        audit: gets an entry for changes by admins and for requests for taken players.
        notifier: tells admins and owners of requests for taken players.
        alerts: tells admins of all other requests.
        events: dispatches ``LinksChanged``, and ``FactionChanged`` when a membership ended with a link.
        rng: random source of the proof times; must be unpredictable.
        requires_proof: ``links.require_proof``; without it a link counts at once.
    """

    store: LinkStore
    _: KW_ONLY
    players: PlayerNames
    proofs: ProofWatcher
    audit: AuditLog
    notifier: MemberNotifier
    alerts: RequestAlerts
    events: EventDispatcher
    clock: Clock
    rng: Random
    requires_proof: bool

    def __post_init__(self) -> None:
        self._asked = AskedPlayers(self.clock)
        self._claims: set[tuple[GuildId, PlayerId]] = set()  # keys that this process already reported today
        self._claims_day: date | None = None
        self._locks = KeyedLocks[GuildId]()

    async def list_players(self, guild_id: GuildId, member_id: MemberId) -> Sequence[Link]:
        """Return a member's proven links, the main first; only these count elsewhere."""
        return tuple(link for link in await self.list_links(guild_id, member_id) if link.is_proven)

    async def list_links(self, guild_id: GuildId, member_id: MemberId) -> Sequence[Link]:
        """Return a member's links, the main first, pending ones last."""
        return tuple(await self.store.list_of_member(guild_id, member_id))

    async def ask(self, guild_id: GuildId, member_id: MemberId, player: str) -> AskedLink:
        """Ask for a link to a player, given by id or name; a running proof keeps its times.

        Raises:
            NotFoundError, AmbiguousError: the text fits no player, or several.
            AlreadyLinkedError: the player is linked already.
            LimitReachedError: the member has the most links allowed, or asked for too many players today, or
                the player was asked for without a proof a short while ago.
        """
        known = await self.players.resolve(guild_id, player)
        self._asked.note(guild_id, member_id, known.player_id)
        async with self._locks.hold(guild_id):
            links = await self.store.list_of_member(guild_id, member_id)
            before = _find(links, known.player_id)
            _verify_new(links, before, known, is_own=True)
            owner = await self.store.find_owner(guild_id, known.player_id)
            if owner is None:
                link = await self._put_request(guild_id, member_id, known, before)
        if owner is not None:
            await self._tell_claim(owner, member_id)
            raise _build_owned_error(known.name)
        self.proofs.stir(guild_id)  # from now on its deaths are judged when they are stored
        if before is not None:
            self.proofs.tell(before, ProofOutcome.REPLACED)
        await self.alerts.tell(link)
        return AskedLink(link, len(links) + (before is None))

    async def attach_message(self, link: Link, *, channel_id: ChannelId, message_id: int) -> None:
        """Note the message that names the times; the outcome will be shown there.

        The message is there before this is called. If the member asked again or ended the link in the
        meantime, only the newest message counts; an older one says that it is void.
        """
        guild_id, shown = link.guild_id, replace(link, channel_id=channel_id, message_id=message_id)
        async with self._locks.hold(guild_id):
            links = await self.store.list_of_member(guild_id, link.member_id)
            stored = _find(links, link.player_id)
            if stored is None:
                await self._attach_to_end(shown, channel_id=channel_id, message_id=message_id)
            elif stored.linked_at != link.linked_at or (stored.message_id or 0) > message_id:
                self.proofs.tell(shown, ProofOutcome.REPLACED)
            else:
                self.proofs.tell(stored, ProofOutcome.REPLACED)
                await self.store.attach_message(guild_id, link, channel_id=channel_id, message_id=message_id)
        self.proofs.stir(guild_id)  # the link may be decided by now

    async def _attach_to_end(self, shown: Link, *, channel_id: ChannelId, message_id: int) -> None:
        """Let the message of a request that is over show how it ended; of a deleted one nothing is known."""
        if not await self.store.attach_message(
            shown.guild_id, shown, channel_id=channel_id, message_id=message_id
        ):
            self.proofs.tell(shown, ProofOutcome.ENDED)

    async def unlink(self, guild_id: GuildId, member_id: MemberId, player: str) -> RemovedLinks:
        """End one of a member's own links and return what ended.

        Raises:
            NotFoundError, AmbiguousError: the text fits no link, or several.
        """
        async with self._locks.hold(guild_id):
            return await self._remove(guild_id, member_id, player)

    async def unlink_all(
        self, guild_id: GuildId, member_id: MemberId, *, shown: Sequence[Link]
    ) -> RemovedLinks:
        """End all of a member's own links, which a question showed, and return what ended.

        Raises:
            NotFoundError: all of them have ended by themselves.
            InvalidInputError: the member has a new link that was not shown.
        """
        async with self._locks.hold(guild_id):
            links = await self.store.list_of_member(guild_id, member_id)
            if {link.player_id for link in links} - {link.player_id for link in shown}:
                raise InvalidInputError(
                    text("Your links have changed, so none was ended. Run the command again.")
                )
            return await self._delete(guild_id, member_id, links)

    async def confirm(
        self, guild_id: GuildId, actor_id: MemberId, *, member_id: MemberId, player: str
    ) -> Link:
        """Let an admin prove a link by hand, asked for or not.

        Raises:
            NotFoundError, AmbiguousError, InvalidInputError, LimitReachedError
        """
        known = await self.players.resolve(guild_id, player)
        async with self._locks.hold(guild_id):
            links = await self.store.list_of_member(guild_id, member_id)
            _verify_new(links, _find(links, known.player_id), known, is_own=False)
            await self._verify_free(guild_id, member_id, known)
            confirmed = replace(self._build(guild_id, member_id, known, ()), is_confirmed=True)
            entry = AuditEntry(self.clock.now(), actor_id, AuditAction.LINK_CONFIRM, _list_facts(confirmed))
            link = await self._put_proven(guild_id, confirmed, entry=entry)
        log_entry(guild_id, entry)
        return link

    async def decide(
        self,
        guild_id: GuildId,
        actor_id: MemberId,
        *,
        member_id: MemberId,
        player_id: PlayerId,
        is_confirmed: bool,
    ) -> Text:
        """Let an admin confirm or refuse a request; return what became of it.

        Raises:
            InvalidInputError: the player was linked at this moment.
        """
        request = _find(await self.store.list_of_member(guild_id, member_id), player_id)
        if request is None:
            return text("This request is over: someone ended or refused it, or it wasn't proven in time.")
        player, member, admin = request.player_name, Mention("@", member_id), Mention("@", actor_id)
        if request.is_proven:
            return text("{member} is linked to **{player}** already.", member=member, player=player)
        if is_confirmed:
            await self.confirm(guild_id, actor_id, member_id=member_id, player=player_id)
            return text(
                "{admin} confirmed that {member} is **{player}**.", admin=admin, member=member, player=player
            )
        if not await self._refuse(request, actor_id):
            return text("{member} proved **{player}** at this moment.", member=member, player=player)
        return text(
            "{admin} refused the request of {member} for **{player}**.",
            admin=admin,
            member=member,
            player=player,
        )

    async def remove(
        self, guild_id: GuildId, actor_id: MemberId, *, member_id: MemberId, player: str
    ) -> Link:
        """Let an admin end a member's link.

        Raises:
            NotFoundError, AmbiguousError: the member has no such link, or several.
        """
        describe = partial(_describe_end, actor_id=actor_id, at=self.clock.now())
        async with self._locks.hold(guild_id):
            [link] = (await self._remove(guild_id, member_id, player, describe)).links
        log_entry(guild_id, describe(link))
        return link

    async def _refuse(self, request: Link, actor_id: MemberId) -> bool:
        """End a request; tell whether it still waited for its proof."""
        entry = _describe_end(request, actor_id=actor_id, at=self.clock.now())
        if not await self.store.refuse(request.guild_id, request, entry=entry):
            return False
        log_entry(request.guild_id, entry)
        self.proofs.stir(request.guild_id)  # shows it on the message of the request
        return True

    async def _remove(
        self, guild_id: GuildId, member_id: MemberId, player: str, describe: Describe | None = None
    ) -> RemovedLinks:
        link = _choose(await self.store.list_of_member(guild_id, member_id), player)
        return await self._delete(guild_id, member_id, [link], describe)

    async def _delete(
        self,
        guild_id: GuildId,
        member_id: MemberId,
        links: Sequence[Link],
        describe: Describe | None = None,
    ) -> RemovedLinks:
        """Delete links, and update the messages that named their times.

        Raises:
            NotFoundError: all of them have ended by themselves.
        """
        player_ids = [link.player_id for link in links]
        now = self.clock.now()
        removed = await self.store.remove(guild_id, member_id, player_ids, at=now, describe=describe)
        if not removed.links:
            raise NotFoundError(
                _describe_missing(links[0].player_name)
                if len(links) == 1
                else text("These links have ended already.")
            )
        for link in removed.links:
            self.proofs.tell(link, ProofOutcome.ENDED)
        if any(link.is_proven for link in removed.links):
            self.events.dispatch(LinksChanged(guild_id=guild_id, member_id=member_id))
        if removed.membership is not None:
            self.events.dispatch(FactionChanged(guild_id=guild_id))
        return removed

    async def _put_request(
        self, guild_id: GuildId, member_id: MemberId, known: KnownPlayer, before: Link | None
    ) -> Link:
        """Store a request, or a link without a proof, and return it."""
        if not self.requires_proof:
            return await self._put_proven(guild_id, self._build(guild_id, member_id, known, ()))
        link, count = await self._find_running(before), 0
        if link is None:
            now = self.clock.now()
            link = self._build(guild_id, member_id, known, choose_windows(now, self.rng))
            link = replace(link, counts_leaving=await self.proofs.counts_leaving(guild_id, known.servers))
            count = await self._count_request(link, now)
            link = replace(link, untold=await self.alerts.find_due(guild_id, count))
        put = partial(self.store.put_pending, guild_id, link)
        if count > 1:
            await self.audit.carry_out(guild_id, member_id, AuditAction.LINK_ASK, _list_facts(link), put)
        else:
            await put()
        return link

    async def _count_request(self, link: Link, now: datetime) -> int:
        """Count a request for a player, by any member.

        Raises:
            LimitReachedError: the pause after the last ones is not over.
        """
        before = await self.store.find_attempts(link.guild_id, link.player_id)
        if before is not None and not can_be_asked_for(before, now=now):
            raise LimitReachedError(
                text(
                    "Someone asked for “{player}” a short while ago and didn't prove it. "
                    "Try again in {wait}, or ask an admin to use {confirm}.",
                    player=link.player_name,
                    wait=describe_wait(before.free_at - now),
                    confirm=Command("admin link confirm"),
                )
            )
        attempts = count_request(before, ends_at=link.ends_at, now=now)
        await self.store.put_attempts(link.guild_id, link.player_id, attempts)
        return attempts.count

    async def _tell_claim(self, owner: Link, member_id: MemberId) -> None:
        """Tell owner and admins, once a day, that another member asked for a linked player."""
        guild_id, name = owner.guild_id, owner.player_name
        if owner.member_id == member_id:
            return
        if not self._note_claim(guild_id, owner.player_id):
            return
        key = self._build_key("claim", owner.player_id)
        facts = replace(_list_facts(owner), member_id=member_id)
        await self.audit.write(guild_id, member_id, AuditAction.LINK_ASK, facts)
        told = text(
            "Someone asked with {link} for “{player}”, who is linked to someone else. I refused, and nothing "
            "changed. {audit} shows who asked (action “link ask”).",
            link=Command("link"),
            player=name,
            audit=Command("admin audit"),
        )
        await self.notifier.notify(guild_id, told, key)
        told = text(
            "Someone asked with {link} for “{player}”, who is linked to you. I refused, and nothing changed. "
            "You don't need to do anything.",
            link=Command("link"),
            player=name,
        )
        await self.notifier.tell_member(guild_id, owner.member_id, told, key)

    def _note_claim(self, guild_id: GuildId, player_id: PlayerId) -> bool:
        """Note that a linked player was asked for; tell whether that is the first time today."""
        today = self.clock.now().date()
        if today != self._claims_day:
            self._claims_day, self._claims = today, set()
        is_first = (guild_id, player_id) not in self._claims
        self._claims.add((guild_id, player_id))
        return is_first

    def _build_key(self, what: str, player_id: PlayerId) -> str:
        """Return the key of an alert that is sent once a day."""
        return f"link {what}:{player_id}:{self.clock.now():%Y-%m-%d}"

    async def _put_proven(self, guild_id: GuildId, link: Link, *, entry: AuditEntry | None = None) -> Link:
        proven = await self.store.put_proven(guild_id, link, at=self.clock.now(), entry=entry)
        if proven is None:  # another member proved the player a moment ago
            raise _build_owned_error(link.player_name)
        self.proofs.stir(guild_id)  # tells the other members who tried
        self.events.dispatch(LinksChanged(guild_id=guild_id, member_id=link.member_id))
        return proven

    async def _verify_free(self, guild_id: GuildId, member_id: MemberId, known: KnownPlayer) -> None:
        owner = await self.store.find_owner(guild_id, known.player_id)
        if owner is not None and owner.member_id != member_id:
            raise _build_owned_error(known.name)

    async def _find_running(self, before: Link | None) -> Link | None:
        """Return the earlier request with a new request time, if its proof times are still usable."""
        if before is None or not before.windows:
            return None
        signs = await self.store.list_signs(before.guild_id, before)
        if not can_be_proven(before.windows, signs, now=self.clock.now()):
            return None
        return replace(before, channel_id=None, message_id=None)

    def _build(
        self,
        guild_id: GuildId,
        member_id: MemberId,
        known: KnownPlayer,
        windows: tuple[ProofWindow, ...],
    ) -> Link:
        now = self.clock.now()
        return Link(
            guild_id=guild_id,
            member_id=member_id,
            player_id=known.player_id,
            player_name=known.name,
            linked_at=now.replace(microsecond=now.microsecond // 1000 * 1000),  # MongoDB stores milliseconds
            windows=windows,
        )


def _verify_new(links: Sequence[Link], before: Link | None, known: KnownPlayer, *, is_own: bool) -> None:
    if before is not None and before.is_proven:
        raise AlreadyLinkedError(
            text("“{player}” is linked already: see {links}.", player=known.name, links=Command("links"))
        )
    if before is None and len(links) >= MAX_LINKS:
        limit = Number(MAX_LINKS)
        if is_own:
            raise LimitReachedError(
                text(
                    "You've used all {limit} links, requests included. End one with {unlink} first.",
                    limit=limit,
                    unlink=Command("unlink"),
                )
            )
        raise LimitReachedError(
            text(
                "They've used all {limit} links, requests included. End one with {remove} first.",
                limit=limit,
                remove=Command("admin link remove"),
            )
        )


def _build_owned_error(name: str) -> AlreadyLinkedError:
    return AlreadyLinkedError(
        text(
            "“{player}” is already linked to someone else. Is it really yours? Ask an admin.",
            player=name,
        )
    )


def _describe_missing(name: str) -> Text:
    return text("No linked player is called “{name}”.", name=quote(name))


def _describe_end(link: Link, *, actor_id: MemberId, at: datetime) -> AuditEntry:
    """Return the entry about a link or a request that an admin ended."""
    facts = replace(_list_facts(link), changes=(FieldChange("state", old=link.state.value),))
    return AuditEntry(at, actor_id, AuditAction.LINK_REMOVE, facts)


def _list_facts(link: Link) -> AuditFacts:
    return AuditFacts(member_id=link.member_id, player_id=link.player_id, player_name=link.player_name)


def _find(links: Sequence[Link], player_id: PlayerId) -> Link | None:
    return next((link for link in links if link.player_id == player_id), None)


def _choose(links: Sequence[Link], typed: str) -> Link:
    """Return the link of a player's id, label or name, or of a unique part of one."""
    wanted = fold_text(typed)
    labelled = find_labelled(typed, [(link.player_id, link.player_name) for link in links])
    found = (
        [link for link in links if link.player_id == typed]
        or [link for link in links if link.player_id in labelled]
        or [link for link in links if wanted and wanted in fold_text(link.player_name)]
    )
    names = tuple(label_choices([(link.player_id, link.player_name) for link in found or links]))
    if not found:
        raise NotFoundError(_describe_missing(typed), suggestions=names)
    if len(found) > 1:
        choices = [(link.player_id, name) for link, name in zip(found, names, strict=True)]
        raise AmbiguousError(describe_several_links(typed), typed=typed, choices=choices)
    return found[0]
