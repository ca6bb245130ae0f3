"""Reading the options that a person gives to a command, as the client checks and sends them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulation.discord.entities import Channel, Membership, Role, User
from simulation.discord.errors import InvalidOptionError
from simulation.discord.payloads import channel_payload, member_payload, role_payload, user_payload
from simulation.discord.validation.commands import (
    BOOLEAN,
    CHANNEL,
    INTEGER,
    LARGEST_SAFE_INTEGER,
    MENTIONABLE,
    NUMBER,
    ROLE,
    STRING,
    USER,
)

Option = Mapping[str, Any]
_MAX_TEXT = 6000


@dataclass(frozen=True)
class Forged:
    """A channel or a role of another server, sent without the client's check."""

    entity: Channel | Role


class OptionReader:
    """Checks values against their options and collects the objects they refer to in `resolved`."""

    def __init__(self, channel: Channel) -> None:
        self.resolved: dict[str, dict[str, Any]] = {}
        self._channel = channel
        self._readers: Mapping[int, Callable[[Option, Any], Any]] = {
            STRING: self._read_text,
            INTEGER: self._read_number,
            NUMBER: self._read_number,
            BOOLEAN: self._read_boolean,
            USER: self._read_user,
            ROLE: self._read_role,
            CHANNEL: self._read_channel,
            MENTIONABLE: self._read_mentionable,
        }

    def read(self, command: Option, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the options of the payload.

        Raises:
            InvalidOptionError: the client would not send this.
        """
        known = {option["name"]: option for option in command.get("options", ())}
        _refuse_unknown(command, known, given)
        for name, option in known.items():
            if option.get("required") and given.get(name) is None:
                raise InvalidOptionError(f"{command['name']}: {name!r} is required")
        return [self._read_one(known[name], value) for name, value in given.items() if value is not None]

    def read_partial(
        self, command: Option, given: Mapping[str, Any], *, focused: str, typed: str
    ) -> list[dict[str, Any]]:
        """Return the options while the person types one; none is required yet.

        Raises:
            InvalidOptionError: there is no such option, or it has no autocomplete.
        """
        known = {option["name"]: option for option in command.get("options", ())}
        _refuse_unknown(command, known, {**given, focused: typed})
        option = known[focused]
        if not option.get("autocomplete"):
            raise InvalidOptionError(f"{focused!r} has no autocomplete")
        options = [self._read_one(known[name], value) for name, value in given.items() if value is not None]
        return [*options, {"name": focused, "type": option["type"], "value": typed, "focused": True}]

    def _read_one(self, option: Option, value: Any) -> dict[str, Any]:
        reader = self._readers.get(option["type"])
        if reader is None:
            raise InvalidOptionError(f"{option['name']!r} is of a type that people here cannot give")
        return {"name": option["name"], "type": option["type"], "value": reader(option, value)}

    @staticmethod
    def _read_text(option: Option, value: Any) -> str:
        if not isinstance(value, str):
            raise InvalidOptionError(f"{option['name']!r} takes text, not {value!r}")
        if option.get("choices"):
            return str(_chosen(option, value))
        least, most = option.get("min_length") or 0, option.get("max_length") or _MAX_TEXT
        if not least <= len(value) <= most:
            raise InvalidOptionError(f"{option['name']!r} takes {least} to {most} characters")
        return value

    @staticmethod
    def _read_number(option: Option, value: Any) -> int | float:
        name = option["name"]
        if option.get("choices"):
            value = _chosen(option, value)
        is_number = isinstance(value, int if option["type"] == INTEGER else int | float)
        if not is_number or isinstance(value, bool):
            raise InvalidOptionError(f"{name!r} takes a number, not {value!r}")
        least = option.get("min_value", -LARGEST_SAFE_INTEGER)
        most = option.get("max_value", LARGEST_SAFE_INTEGER)
        if not least <= value <= most:
            raise InvalidOptionError(f"{name!r} takes {least} to {most}, not {value}")
        return value  # type: ignore[no-any-return]

    @staticmethod
    def _read_boolean(option: Option, value: Any) -> bool:
        if not isinstance(value, bool):
            raise InvalidOptionError(f"{option['name']!r} takes true or false")
        return value

    def _read_user(self, option: Option, value: Any) -> str:
        user = value.user if isinstance(value, Membership) else value
        if not isinstance(user, User):
            raise InvalidOptionError(f"{option['name']!r} takes a person, not {value!r}")
        return self.refer_to(user)

    def refer_to(self, user: User) -> str:
        """Return the id of a person, and add them to `resolved`, as a member if they are in the server."""
        guild = self._channel.guild
        self._resolve("users", user.id, user_payload(user))
        if guild is not None and (member := guild.members.get(user.id)) is not None:
            permissions = str(int(member.permissions_in(self._channel)))
            payload = member_payload(member, with_user=False) | {"permissions": permissions}
            self._resolve("members", user.id, payload)
        return str(user.id)

    def _read_role(self, option: Option, value: Any) -> str:
        if isinstance(value, Forged):
            value = value.entity
        elif not isinstance(value, Role) or value.guild is not self._channel.guild:
            raise InvalidOptionError(f"{option['name']!r} takes a role of this server, not {value!r}")
        self._resolve("roles", value.id, role_payload(value))
        return str(value.id)

    def _read_mentionable(self, option: Option, value: Any) -> str:
        return self._read_role(option, value) if isinstance(value, Role) else self._read_user(option, value)

    def _read_channel(self, option: Option, value: Any) -> str:
        if isinstance(value, Forged):
            value = value.entity
        elif not isinstance(value, Channel) or value.guild is not self._channel.guild:
            raise InvalidOptionError(f"{option['name']!r} takes a channel of this server, not {value!r}")
        kinds = option.get("channel_types")
        if kinds and int(value.kind) not in kinds:
            raise InvalidOptionError(f"{option['name']!r} takes channels of types {kinds}")
        full = channel_payload(value)
        partial = {
            key: full[key] for key in ("id", "name", "type", "parent_id", "position", "topic") if key in full
        }
        self._resolve("channels", value.id, partial | {"permissions": "0"})
        return str(value.id)

    def _resolve(self, kind: str, entity_id: int, payload: dict[str, Any]) -> None:
        self.resolved.setdefault(kind, {})[str(entity_id)] = payload


def _refuse_unknown(command: Option, known: Mapping[str, Option], given: Mapping[str, Any]) -> None:
    if unknown := given.keys() - known.keys():
        raise InvalidOptionError(f"{command['name']} has no options {sorted(unknown)}, only {sorted(known)}")


def _chosen(option: Option, value: Any) -> Any:
    """Return the value of a choice, which may be named by its name too."""
    for choice in option["choices"]:
        if value in (choice["value"], choice["name"]):
            return choice["value"]
    offered = [choice["name"] for choice in option["choices"]]
    raise InvalidOptionError(f"{option['name']!r} offers {offered}, not {value!r}")
