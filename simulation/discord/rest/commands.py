"""Registration of application commands."""

from simulation.discord.commands import CommandRegistry
from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.rest.call import NO_CONTENT, Answer, Call, Endpoint

_GLOBAL = "/applications/{application_id}/commands"
_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"


class CommandRoutes:
    """Handlers of /applications/{application_id}/commands and its twin for a server."""

    def __init__(self, registry: CommandRegistry) -> None:
        self._registry = registry

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        routes = []
        for base in (_GLOBAL, _GUILD):
            one = base + "/{command_id}"
            routes += [
                Endpoint("GET", base, self.list_commands),
                Endpoint("PUT", base, self.overwrite_commands),
                Endpoint("POST", base, self.create_command),
                Endpoint("GET", one, self.get_command),
                Endpoint("PATCH", one, self.edit_command),
                Endpoint("DELETE", one, self.delete_command),
            ]
        return routes

    @staticmethod
    def _scope(call: Call) -> int | None:
        if call.parameter("application_id") != str(call.world.application_id):
            raise ApiError(ErrorCode.UNKNOWN_APPLICATION)
        return call.guild().id if "guild_id" in call.request.parameters else None

    async def list_commands(self, call: Call) -> Answer:
        """Return the commands of a scope."""
        return Answer(body=self._registry.list_commands(self._scope(call)))

    async def overwrite_commands(self, call: Call) -> Answer:
        """Replace all commands of a scope."""
        return Answer(body=self._registry.overwrite(self._scope(call), call.request.body))

    async def create_command(self, call: Call) -> Answer:
        """Create a command, or replace the one with its name."""
        command, is_new = self._registry.upsert(self._scope(call), call.body)
        return Answer(201 if is_new else 200, command)

    async def get_command(self, call: Call) -> Answer:
        """Return a command."""
        return Answer(body=self._registry.get(self._scope(call), call.parameter("command_id")))

    async def edit_command(self, call: Call) -> Answer:
        """Change a command."""
        return Answer(body=self._registry.edit(self._scope(call), call.parameter("command_id"), call.body))

    async def delete_command(self, call: Call) -> Answer:
        """Delete a command."""
        self._registry.delete(self._scope(call), call.parameter("command_id"))
        return NO_CONTENT
