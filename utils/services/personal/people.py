"""People: finds the person of a request for data, and decides who may ask.

Every member may ask for themself, and for the players proven to be theirs some days after the proof. Admins
may ask for every member and player at once.
"""

from collections.abc import Sequence
from datetime import timedelta

from utils.clock import Clock
from utils.errors import AdminsOnlyError, AmbiguousError, InvalidInputError, NotAllowedError
from utils.models.labels import add_labels, find_labelled
from utils.models.personal import DataQuestion, Person
from utils.models.players import NamedPlayer
from utils.models.quantities import describe_wait
from utils.models.scope import GuildId, MemberId
from utils.models.texts import Command, Number, text
from utils.services.links.linking import LinkService
from utils.services.links.proof import PROOF_OBJECTION_TIME
from utils.services.players.seen_players import SeenPlayers
from utils.services.players.wording import describe_several_links


class PersonFinder:
    """Turns the options of a command into a person."""

    def __init__(self, links: LinkService, players: SeenPlayers, *, clock: Clock) -> None:
        self._links = links
        self._players = players
        self._clock = clock

    async def find(self, question: DataQuestion) -> Person:
        """Return the person of a request.

        Raises:
            InvalidInputError: the options name both a member and a player.
            NotAllowedError: the asker is not an admin, and it is another person or a recent proof.
            NotFoundError, AmbiguousError: an admin's text fits nobody, or several.
        """
        if question.player is not None and question.member_id is not None:
            raise InvalidInputError(text("Choose a member or a player, not both."))
        person = await self._find(question)
        if person.is_asker and not question.is_admin:
            await self._verify_old_enough(question, person)
        return person

    async def _find(self, question: DataQuestion) -> Person:
        if question.player is not None:
            return await self._find_player(question, question.player)
        member_id = question.member_id or question.asker_id
        if member_id != question.asker_id and not question.is_admin:
            raise AdminsOnlyError(
                text("Only admins can ask for someone else's data. Leave out “member” to get your own.")
            )
        players = await self._list_own(question.guild_id, member_id)
        return Person(question.guild_id, member_id, players, is_asker=member_id == question.asker_id)

    async def _find_player(self, question: DataQuestion, typed: str) -> Person:
        own_players = await self._list_own(question.guild_id, question.asker_id)
        own = _choose(own_players, typed)
        if own is not None:
            return Person(question.guild_id, None, (own,), is_asker=True)
        if not question.is_admin:
            raise NotAllowedError(
                text(
                    "“{player}” isn't proven to be yours. Prove it with {link}, or ask an admin.",
                    player=typed,
                    link=Command("link"),
                )
            )
        known = await self._players.resolve(question.guild_id, typed)
        meant = NamedPlayer(known.player_id, known.name)
        is_own = any(player.player_id == meant.player_id for player in own_players)
        return Person(question.guild_id, None, (meant,), is_asker=is_own)

    async def _verify_old_enough(self, question: DataQuestion, person: Person) -> None:
        """Refuse within the time to object: a proof can be luck, and an erasure cannot be undone."""
        for link in await self._links.list_players(question.guild_id, question.asker_id):
            if link.player_id not in person.player_ids or link.is_confirmed or link.proven_at is None:
                continue
            left = link.proven_at + PROOF_OBJECTION_TIME - self._clock.now()
            if left > timedelta():
                raise NotAllowedError(
                    text(
                        "You proved “{player}” less than {days} days ago, so someone else may still object. "
                        "Try again in {wait}, or ask an admin.",
                        player=link.player_name,
                        days=Number(PROOF_OBJECTION_TIME.days),
                        wait=describe_wait(left),
                    )
                )

    async def _list_own(self, guild_id: GuildId, member_id: MemberId) -> tuple[NamedPlayer, ...]:
        links = await self._links.list_players(guild_id, member_id)
        return tuple(NamedPlayer(link.player_id, link.player_name) for link in links)


def _choose(players: Sequence[NamedPlayer], typed: str) -> NamedPlayer | None:
    """Return the player with this id, label or name; None if there is none."""
    labelled = find_labelled(typed, [(player.player_id, player.name) for player in players])
    found = [player for player in players if player.player_id == typed] or [
        player for player in players if player.player_id in labelled
    ]
    if len(found) > 1:
        choices = add_labels([(player.player_id, player.name) for player in found])
        raise AmbiguousError(describe_several_links(typed), typed=typed, choices=choices)
    return found[0] if found else None
