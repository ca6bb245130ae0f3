"""Changes of the settings of posts about events and players, of a guild or of one of its game servers."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any

from utils.errors import InvalidInputError, NotFoundError
from utils.models.audit import AuditAction, AuditFacts
from utils.models.declared_settings import find_problem, list_changes
from utils.models.event_settings import (
    FITTING,
    POSTED_KIND_NAMES,
    EventChange,
    EventSettings,
    PostedKind,
    ServerEventSettings,
)
from utils.models.guilds import GuildSettings
from utils.models.labels import Choice, find_labelled
from utils.models.missions import ID_PREFIX, MISSIONS, Mission, fold_mission_id, get_mission
from utils.models.scope import GuildId, MemberId
from utils.models.texts import Command, text
from utils.models.typed_text import quote
from utils.services.guilds.audit import AuditLog
from utils.services.guilds.guild_changes import GuildChangeService
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ports import LoopControl, ServerStore
from utils.services.servers.game_servers import GameServerService

OPTION_NAMES: Mapping[str, str] = {"is_on": "on", "is_edited": "edit"}
"""The names of options that differ from those of their fields."""

Mutation = Callable[[EventSettings], EventSettings]


@dataclass(eq=False, repr=False)
class EventChangeService:
    """Changes the settings of posts: each is checked, and stored with its entry of the audit."""

    settings: SettingsService
    servers: GameServerService
    _: KW_ONLY
    guild_changes: GuildChangeService
    store: ServerStore
    audit: AuditLog
    loops: LoopControl

    async def choose(
        self,
        guild_id: GuildId,
        kind: PostedKind,
        chosen: Mapping[str, Any],
        *,
        action: AuditAction,
        server: str | None,
        actor_id: MemberId,
    ) -> EventChange:
        """Change the choices for a kind; without any, return those that hold.

        Raises:
            InvalidInputError: a choice does not fit the kind, or its value is not allowed.
            NotFoundError, AmbiguousError: there is no such server.
        """
        verify_fitting(kind, chosen)
        return await self._change(guild_id, server, actor_id, action, lambda one: one.choose(kind, chosen))

    async def mute(
        self, guild_id: GuildId, typed: str, *, is_muted: bool, server: str | None, actor_id: MemberId
    ) -> tuple[Mission, EventChange]:
        """Stop the posts about a mission, or begin them again.

        Raises:
            NotFoundError: there is no such mission, or no such server.
        """
        mission_id = resolve_mission(typed)
        change = await self._change(
            guild_id,
            server,
            actor_id,
            AuditAction.EVENTS_MUTE,
            lambda one: one.mute(mission_id, is_muted=is_muted),
        )
        return get_mission(mission_id), change

    async def _change(
        self, guild_id: GuildId, typed: str | None, actor_id: MemberId, action: AuditAction, mutate: Mutation
    ) -> EventChange:
        if typed is not None:
            return await self._change_server(guild_id, typed, actor_id, action, mutate)

        def mutate_guild(settings: GuildSettings) -> GuildSettings:
            return replace(settings, events=mutate(settings.events))

        changed = await self.guild_changes.change(guild_id, actor_id, action, mutate_guild)
        nothing = EventSettings()
        return EventChange(
            None,
            ServerEventSettings(nothing, changed.before.events),
            ServerEventSettings(nothing, changed.after.events),
        )

    async def _change_server(
        self, guild_id: GuildId, typed: str, actor_id: MemberId, action: AuditAction, mutate: Mutation
    ) -> EventChange:
        of_guild = (await self.settings.get_settings(guild_id)).events
        async with self.servers.lock(guild_id):
            server = await self.servers.resolve(guild_id, typed)
            after = mutate(server.events)
            if (problem := find_problem(server.events, after)) is not None:
                raise InvalidInputError(problem)
            if changes := list_changes(server.events, after):
                facts = AuditFacts(server_name=server.name, changes=changes)
                write = partial(self.store.set_events, server.scope, after)
                try:
                    await self.audit.carry_out(guild_id, actor_id, action, facts, write)
                finally:  # a write that failed may have happened
                    self.loops.refresh(server.scope)
        before = ServerEventSettings(server.events, of_guild)
        return EventChange(server.name, before, ServerEventSettings(after, of_guild))


def verify_fitting(kind: PostedKind, chosen: Mapping[str, Any]) -> None:
    """Refuse a choice that a kind does not have.

    Raises:
        InvalidInputError: there is one.
    """
    for name in chosen:
        if name not in FITTING[kind]:
            raise InvalidInputError(
                text(
                    "“{option}” doesn't fit {kind}. Leave it out.",
                    option=OPTION_NAMES.get(name, name),
                    kind=POSTED_KIND_NAMES[kind],
                )
            )


def list_mission_choices() -> list[Choice]:
    """Return the missions of the game's world by name; the value is the folded id."""
    known = sorted(MISSIONS, key=lambda one: one.name)
    return [(one.ids[0].lower(), one.name) for one in known]


def resolve_mission(typed: str) -> str:
    """Return the folded id of a typed mission: an id or a name; one that is unknown here needs its ``GA_``.

    Raises:
        NotFoundError: there is no such mission.
    """
    choices = list_mission_choices()
    folded = fold_mission_id(typed.strip())
    if folded in dict(choices) or typed.strip().lower().startswith(ID_PREFIX):
        return folded
    found = find_labelled(typed, choices)
    if not found:
        raise NotFoundError(
            text("I know no mission called {typed}.", typed=quote(typed)),
            hint=text("Start typing its name after {mute}, and pick one.", mute=Command("events mute")),
        )
    return found[0]
