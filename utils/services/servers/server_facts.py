"""Facts that admins know better than the log: how many players fit on a game server, and when it restarts."""

from dataclasses import dataclass, replace
from functools import partial

from utils.clock import Clock
from utils.errors import InvalidInputError
from utils.models.audit import AuditAction, AuditFacts, FieldChange
from utils.models.scope import GuildId, MemberId
from utils.models.servers import GameServer, RestartSettings
from utils.models.texts import text
from utils.services.guilds.audit import AuditLog, Change
from utils.services.ports import LoopControl, ServerStore
from utils.services.servers.game_servers import GameServerService
from utils.services.servers.refreshing import refreshing_if_failed
from utils.services.servers.restart_times import find_next_restart, read_times


@dataclass(eq=False, repr=False)
class ServerFactService:
    """Sets facts of game servers that concern no login."""

    servers: GameServerService
    store: ServerStore
    loops: LoopControl
    audit: AuditLog
    clock: Clock

    async def set_slots(
        self, guild_id: GuildId, typed: str, slots: int | None, *, actor_id: MemberId
    ) -> GameServer:
        """Set the number of places of a server, or leave it to its log; return the changed server.

        Raises:
            NotFoundError, AmbiguousError: there is no such server.
        """
        async with self.servers.lock(guild_id):
            server = await self.servers.resolve(guild_id, typed)
            changed = replace(server, slots=slots)
            write = partial(self.store.set_slots, server.scope, slots)
            await self._change(server, changed, AuditAction.SERVER_SLOTS, write, actor_id)
            return changed

    async def set_restarts(
        self,
        guild_id: GuildId,
        typed: str,
        times: str | None,
        warning: int | None,
        *,
        actor_id: MemberId,
    ) -> RestartSettings:
        """Set when a server restarts, and the minutes of warning; without both, forget them.

        Raises:
            UserFacingError: there is no such server, something is no time of day, or it shall be warned of
                restarts whose times are not set.
        """
        async with self.servers.lock(guild_id):
            server = await self.servers.resolve(guild_id, typed)
            changed = _set_restarts(server, times, warning)
            given = changed.restart_times, changed.restart_warning
            write = partial(self.store.set_restarts, server.scope, *given)
            await self._change(server, changed, AuditAction.SERVER_RESTARTS, write, actor_id)
        following = find_next_restart(changed, (), now=self.clock.now())
        return RestartSettings(changed, None if following is None else following.at)

    async def _change(
        self,
        server: GameServer,
        changed: GameServer,
        action: AuditAction,
        write: Change[None],
        actor_id: MemberId,
    ) -> None:
        """Write facts with their entry of the audit, unless nothing changes."""
        facts = AuditFacts(server_name=server.name, changes=_list_changes(server, changed))
        if facts.changes:
            with refreshing_if_failed(self.loops, server.scope):
                await self.audit.carry_out(server.scope.guild_id, actor_id, action, facts, write)
        self.loops.refresh(server.scope)


def _set_restarts(server: GameServer, times: str | None, warning: int | None) -> GameServer:
    """Return a server with what is given of its restarts; without both, it forgets them."""
    if times is None and warning is None:
        return replace(server, restart_times=(), restart_warning=0)
    changed = replace(
        server,
        restart_times=server.restart_times if times is None else read_times(times),
        restart_warning=server.restart_warning if warning is None else warning,
    )
    if changed.restart_warning and not changed.restart_times:
        raise InvalidInputError(text("I can only warn of restarts whose times you give me: add “times”."))
    return changed


def _list_changes(old: GameServer, new: GameServer) -> tuple[FieldChange, ...]:
    pairs = {
        "slots": (old.slots, new.slots),
        "restart_times": (", ".join(old.restart_times) or None, ", ".join(new.restart_times) or None),
        "restart_warning": (old.restart_warning, new.restart_warning),
    }
    return tuple(FieldChange(name, *values) for name, values in pairs.items() if values[0] != values[1])
