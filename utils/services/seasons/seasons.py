"""Seasons for commands: making, ending and cancelling them, and what they show.

A change is checked and stored under a lock of its guild, and is conditional on what its admin saw. So of two
changes at one moment, or of a change and the timer, one wins; the other is refused with what became of the
season.
"""

from dataclasses import KW_ONLY, dataclass, replace
from datetime import date
from typing import Protocol

from utils.clock import Clock
from utils.errors import InvalidInputError, LimitReachedError
from utils.events import EventDispatcher, SeasonChanged
from utils.locks import KeyedLocks
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.scope import ALL_SERVERS, GuildId, MemberId
from utils.models.seasons import MOST_SEASONS, NAME_CHARACTERS, Season, SeasonState
from utils.models.servers import list_zones
from utils.models.texts import Command, Number, Text, text
from utils.models.visible_text import clean_text
from utils.services.guilds.audit import AuditLog, Change
from utils.services.seasons.choosing import choose_season
from utils.services.seasons.rules import find_begin, find_today, list_covered, verify_days, verify_free
from utils.services.seasons.running import SeasonSource
from utils.services.seasons.typed_days import TODAY, read_day
from utils.services.servers.game_servers import GameServerService, list_chosen


class SeasonStore(SeasonSource, Protocol):  # implemented by SeasonRepository
    """Storage of seasons; a change and its ``entry`` of the audit are stored both, or neither."""

    async def find_season(self, guild_id: GuildId, season_id: str) -> Season | None:
        """Return a season, also a cancelled one; None if there is none."""

    async def insert_season(
        self, guild_id: GuildId, season: Season, *, entry: AuditEntry | None = None
    ) -> bool:
        """Store a new season; tell whether there was room for it."""

    async def change_season(
        self, guild_id: GuildId, before: Season, after: Season, *, entry: AuditEntry | None = None
    ) -> bool:
        """Change a season that is still as it was read; tell whether it was."""


@dataclass(frozen=True, slots=True)
class SeasonForm:
    """The options of ``/season start``, as they were typed or chosen."""

    name: str
    first_day: str | None = None
    last_day: str | None = None
    server: str | None = None


@dataclass(eq=False, repr=False)
class SeasonService:
    """Makes, ends and cancels seasons."""

    store: SeasonStore
    _: KW_ONLY
    servers: GameServerService
    audit: AuditLog
    events: EventDispatcher
    clock: Clock

    def __post_init__(self) -> None:
        self._locks = KeyedLocks[GuildId]()

    async def start(
        self, guild_id: GuildId, form: SeasonForm, *, actor_id: MemberId, request_id: int
    ) -> tuple[Season, str]:
        """Store a season, planned or running; return it with the name of its server, empty for all.

        There is one for each ``request_id``, which is the id of Discord's interaction.

        Raises:
            UserFacingError: with a sentence for each reason to refuse.
        """
        name = clean_text(form.name, NAME_CHARACTERS)
        if not name:
            raise InvalidInputError(text("The name needs a letter or a number. Choose another name."))
        servers = await list_chosen(self.servers, guild_id, form.server)
        zones, now = list_zones(servers), self.clock.now()
        today = find_today(zones, now)
        first = read_day(form.first_day or TODAY, today=today)
        last = None if form.last_day is None else read_day(form.last_day, today=today)
        verify_days(first, last, today=today)
        new = Season(
            guild_id=guild_id,
            season_id=str(request_id),
            name=name,
            server_id=ALL_SERVERS if form.server is None else servers[0].scope.server_id,
            first_day=first,
            last_day=last,
        )
        if find_begin(new, zones) <= now:
            new = replace(new, state=SeasonState.RUNNING)
        server_name = "" if new.is_of_all else servers[0].name
        await self._insert(new, server_name, actor_id)
        return new, server_name

    async def find_open(self, guild_id: GuildId, typed: str, *, is_running: bool) -> Season:
        """Return the season that is to be ended (a running one) or cancelled (a planned one too).

        Raises:
            NotFoundError, AmbiguousError: there is none, or several fit.
            InvalidInputError: it is over.
        """
        seasons = await self.store.list_seasons(guild_id)
        wanted = {SeasonState.RUNNING} if is_running else {SeasonState.RUNNING, SeasonState.PLANNED}
        among = [one for one in seasons if one.state in wanted]
        if not typed and not among:
            raise InvalidInputError(
                text("No season is running.") if is_running else text("No season is running or planned.")
            )
        season = choose_season(seasons if typed else among, typed)
        if season.state not in wanted:
            raise InvalidInputError(_describe_wrong_state(season))
        return season

    async def find_last_day(self, season: Season) -> date:
        """Return the day on which a running season ends if it is ended now.

        Raises:
            InvalidInputError: it ends then in any case.
        """
        servers = await self.servers.list_servers(season.guild_id)
        covered = list_covered(season, servers)
        last = max(find_today(list_zones(covered), self.clock.now()), season.first_day)
        if season.final_day <= last:
            raise InvalidInputError(text("**{season}** ends today anyway.", season=season.name))
        return last

    async def end(self, season: Season, *, actor_id: MemberId) -> Season:
        """Let a running season end today; return it as it is then.

        Raises:
            InvalidInputError: it is not as it was when the admin asked, or ends today in any case.
        """
        after = replace(season, last_day=await self.find_last_day(season))
        await self._change(season, after, AuditAction.SEASON_END, actor_id)
        return after

    async def cancel(self, season: Season, *, actor_id: MemberId) -> None:
        """Cancel a planned or running season; it has no results.

        Raises:
            InvalidInputError: it is not as it was when the admin asked.
        """
        after = replace(season, state=SeasonState.CANCELLED)
        await self._change(season, after, AuditAction.SEASON_CANCEL, actor_id)

    async def _insert(self, new: Season, server_name: str, actor_id: MemberId) -> None:
        guild_id = new.guild_id
        days = {"first_day": new.first_day, "last_day": new.last_day}
        facts = AuditFacts(
            server_name=server_name or None,
            changes=(
                FieldChange("season", None, new.name),
                *(FieldChange(name, None, day.isoformat()) for name, day in days.items() if day),
            ),
        )

        async def insert(*, entry: AuditEntry) -> None:
            if not await self.store.insert_season(guild_id, new, entry=entry):
                raise LimitReachedError(_FULL)

        async with self._locks.hold(guild_id):
            verify_free(new, await self.store.list_seasons(guild_id))
            await self._carry_out(guild_id, AuditAction.SEASON_START, actor_id, facts, insert)

    async def _change(self, before: Season, after: Season, action: AuditAction, actor_id: MemberId) -> None:
        guild_id = before.guild_id
        facts = AuditFacts(changes=(FieldChange("season", before.name, None),))

        async def change(*, entry: AuditEntry) -> None:
            if not await self.store.change_season(guild_id, before, after, entry=entry):
                found = await self.store.find_season(guild_id, before.season_id)
                raise InvalidInputError(_describe_overtaken(before, found))

        async with self._locks.hold(guild_id):
            await self._carry_out(guild_id, action, actor_id, facts, change)

    async def _carry_out(
        self,
        guild_id: GuildId,
        action: AuditAction,
        actor_id: MemberId,
        facts: AuditFacts,
        change: Change[None],
    ) -> None:
        try:
            await self.audit.carry_out(guild_id, actor_id, action, facts, change)
        finally:  # after a commit without an answer as well
            self.events.dispatch(SeasonChanged(guild_id=guild_id))


_FULL = text(
    "There are {most} seasons already, and none is over. Cancel one with {cancel} first.",
    most=Number(MOST_SEASONS),
    cancel=Command("season cancel"),
)


def _describe_wrong_state(season: Season) -> Text:
    if season.state is SeasonState.PLANNED:
        return text(
            "**{season}** hasn't begun yet. {cancel} takes it back.",
            season=season.name,
            cancel=Command("season cancel"),
        )
    return text("**{season}** is over already.", season=season.name)


def _describe_overtaken(before: Season, found: Season | None) -> Text:
    """Return what became of a season that changed before the change of an admin."""
    if found is None or found.state is SeasonState.CANCELLED:
        return text("**{season}** was cancelled a moment ago.", season=before.name)
    if found.state is SeasonState.RUNNING and before.state is SeasonState.PLANNED:
        return text("**{season}** began a moment ago. Look again, then decide.", season=before.name)
    if found.state is SeasonState.RUNNING:
        return text("Another admin ended **{season}** a moment ago: it ends today.", season=before.name)
    return text("**{season}** ended a moment ago.", season=before.name)
