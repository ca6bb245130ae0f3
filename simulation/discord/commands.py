"""The application commands that the bot has registered, globally and by server."""

import json
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.snowflakes import SnowflakeFactory
from simulation.discord.validation.commands import (
    CHAT_INPUT,
    MESSAGE_COMMAND,
    USER_COMMAND,
    check_command,
    check_name_unique,
)
from simulation.discord.validation.form import FormErrors

MAX_COMMANDS: Mapping[int, int] = {CHAT_INPUT: 100, USER_COMMAND: 5, MESSAGE_COMMAND: 5}
"""Commands of one kind and scope. Discord allowed 5 of a menu for years, and more since."""

Command = dict[str, Any]
# fields that Discord adds or keeps; it drops all others of a request
_KEPT = (
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "options",
    "contexts",
    "integration_types",
    "nsfw",
)


def _list_commands(errors: FormErrors, bodies: object) -> list[Command]:
    return [item for item in errors.check_list((), bodies, most=130) if isinstance(item, dict)]


@lru_cache(maxsize=8)  # a bot registers the same long command set in every new world
def _check_commands(bodies: str) -> None:
    """Check the command set of a scope, given as JSON.

    Raises:
        ApiError: 50035 with all that is wrong.
    """
    errors = FormErrors()
    wanted = _list_commands(errors, json.loads(bodies))
    for index, body in enumerate(wanted):
        check_command(errors, (index,), body)
    check_name_unique(errors, wanted)
    errors.raise_if_any()


class CommandRegistry:
    """Commands by scope (None for global, else the server's id) and by id."""

    def __init__(self, application_id: int, snowflakes: SnowflakeFactory) -> None:
        self._application_id = application_id
        self._snowflakes = snowflakes
        self._scopes: dict[int | None, dict[str, Command]] = {}
        self.writes = 0  # all registrations; a bot that syncs only on change does not raise it

    def list_commands(self, scope: int | None) -> list[Command]:
        """Return the commands of one scope in order of registration."""
        return list(self._scopes.get(scope, {}).values())

    def get(self, scope: int | None, command_id: str) -> Command:
        """Return one command.

        Raises:
            ApiError: 10063 if there is no such command.
        """
        command = self._scopes.get(scope, {}).get(command_id)
        if command is None:
            raise ApiError(ErrorCode.UNKNOWN_COMMAND)
        return command

    def find(self, name: str, guild_id: int | None, kind: int = CHAT_INPUT) -> Command | None:
        """Return the command of this name and kind; the server's own command goes before a global one."""
        scopes = (None,) if guild_id is None else (guild_id, None)
        for scope in scopes:
            for command in self.list_commands(scope):
                if command["name"] == name and command["type"] == kind:
                    return command
        return None

    def overwrite(self, scope: int | None, bodies: object) -> list[Command]:
        """Replace all commands of a scope; a command with an old name and type keeps its id."""
        _check_commands(json.dumps(bodies))
        wanted = _list_commands(FormErrors(), bodies)
        self._check_count(wanted)
        before = {(known["type"], known["name"]): known for known in self.list_commands(scope)}
        after = [self._build(scope, body, before.get(_key(body))) for body in wanted]
        self._scopes[scope] = {command["id"]: command for command in after}
        self.writes += 1
        return after

    def upsert(self, scope: int | None, body: Mapping[str, Any]) -> tuple[Command, bool]:
        """Create a command or replace the one with its name; return it and whether it is new."""
        errors = FormErrors()
        check_command(errors, (), body)
        errors.raise_if_any()
        known = next((c for c in self.list_commands(scope) if (c["type"], c["name"]) == _key(body)), None)
        command = self._build(scope, body, known)
        self._scopes.setdefault(scope, {})[command["id"]] = command
        self._check_count(self.list_commands(scope))
        self.writes += 1
        return command, known is None

    def edit(self, scope: int | None, command_id: str, body: Mapping[str, Any]) -> Command:
        """Change parts of a command."""
        known = self.get(scope, command_id)
        merged = {**known, **body, "id": known["id"]}
        errors = FormErrors()
        check_command(errors, (), merged)
        errors.raise_if_any()
        command = self._build(scope, merged, known)
        self._scopes[scope][command_id] = command
        self.writes += 1
        return command

    def delete(self, scope: int | None, command_id: str) -> None:
        """Delete a command."""
        self.get(scope, command_id)
        del self._scopes[scope][command_id]
        self.writes += 1

    @staticmethod
    def _check_count(commands: list[Command]) -> None:
        kinds = Counter(command.get("type") or CHAT_INPUT for command in commands)
        if any(kinds[kind] > most for kind, most in MAX_COMMANDS.items()):
            raise ApiError(ErrorCode.TOO_MANY_COMMANDS)

    def _build(self, scope: int | None, body: Mapping[str, Any], known: Command | None) -> Command:
        permissions = body.get("default_member_permissions")
        command: Command = {
            "id": known["id"] if known else str(self._snowflakes.make()),
            "application_id": str(self._application_id),
            "type": body.get("type") or CHAT_INPUT,
            "default_member_permissions": None if permissions is None else str(permissions),
            "dm_permission": body.get("dm_permission") is not False,
            "description": "",
            "contexts": None,
            "integration_types": [0],
            "nsfw": False,
        }
        command |= {key: body[key] for key in _KEPT if body.get(key) is not None}
        if "options" in command:
            command["options"] = [_tidy_option(option) for option in command["options"]]
        if scope is not None:
            command["guild_id"] = str(scope)
        is_same = known is not None and {**known, "version": None} == {**command, "version": None}
        command["version"] = known["version"] if known and is_same else str(self._snowflakes.make())
        return command


def _key(body: Mapping[str, Any]) -> tuple[object, object]:
    return body.get("type") or CHAT_INPUT, body.get("name")


def _tidy_option(option: Mapping[str, Any]) -> Command:
    """Return an option as Discord returns it, without empty fields, with tidy options and choices."""
    tidy = {key: value for key, value in option.items() if not _says_nothing(value)}
    if "options" in tidy:
        tidy["options"] = [_tidy_option(child) for child in tidy["options"]]
    return tidy


def _says_nothing(value: object) -> bool:
    return value is None or value is False or value in ([], {})
