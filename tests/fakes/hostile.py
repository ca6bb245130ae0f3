"""Hostile text, and every option of the command set that takes text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulation.discord import Channel, Interaction, Member, Message

SUBCOMMANDS, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE = (1, 2), 3, 4, 5, 6, 7, 8
LONGEST = 6000  # Discord's limit if a command has none

HOSTILE: Mapping[str, str] = {
    "markup": "**bold** _x_ `c` ~~s~~ ||p|| # h > q [click](https://evil.example) <t:0:R> - l",
    "mentions": "@everyone @here <@1> <@&2> <#3> </help:4> <:e:5>",
    "operator": '{"$ne": null}',
    "dollar": "$gt",
    "where": "$where: sleep(9999) || true",
    "field": "guild_id",
    "pattern": ".*(a+)+$[",
    "nul": "Pi\0ke\0",
    "lines": "a\nb\r\nc\u2028d",
    "direction": "\u202eekiP\u202c\u2066x\u2069\u200f",
    "invisible": "\u200b\u200d\ufeff\u2800\u3164",
    "blank": "   ",
    "long": "x" * LONGEST,
    "long markup": "*_`" * (LONGEST // 3),
    "astral": "😈" * 40 + "\U000e0041",
    "placeholders": "{0} {target} %s %(x)s ${x} {{7*7}}",
    "path": "../../etc/passwd",
}
"""The texts by their purpose."""

_FORBIDDEN = re.compile(
    r"@everyone|@here|<@1>|<@&2>|<#3>|</help:4>|<:e:5>|<t:0:R>|\*\*bold|\]\(https|\|\|p|~~s"
    r"|[\0\u200d\ufeff\u2028\u202a-\u202e\u2066-\u2069\u200f]"
)
_ESCAPED = re.compile(r"\\.")
_PLAYER_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Place:
    """One option of a command that takes free text.

    Attributes:
        command: the full name with its slash.
        option: the option's name; ``limit``: its maximum length in characters.
        required: the command's other required options, as registered at Discord.
        is_completed: whether autocomplete offers choices.
    """

    command: str
    option: str
    limit: int
    required: tuple[Mapping[str, Any], ...]
    is_completed: bool

    def __str__(self) -> str:
        return f"{self.command} {self.option}"


def list_places(commands: Sequence[Mapping[str, Any]]) -> Iterator[Place]:
    """Yield every option of a registered command set that takes free text."""
    for command in commands:
        yield from _list_places(command, f"/{command['name']}")


def _list_places(command: Mapping[str, Any], name: str) -> Iterator[Place]:
    options = command.get("options") or ()
    for option in options:
        if option["type"] in SUBCOMMANDS:
            yield from _list_places(option, f"{name} {option['name']}")
        elif option["type"] == STRING and not option.get("choices"):
            others = tuple(one for one in options if one.get("required") and one is not option)
            limit = option.get("max_length") or LONGEST
            yield Place(name, option["name"], limit, others, bool(option.get("autocomplete")))


@dataclass(frozen=True, slots=True)
class Attacker:
    """A hostile member who may use every command.

    Attributes:
        known: valid values of text options, by the option's name.
    """

    member: Member
    channel: Channel
    known: Mapping[str, str]

    async def attack(self, place: Place, text: str) -> list[Interaction]:
        """Use a command with a hostile text, fill in the form if one opens, and return the answers."""
        options = {option["name"]: self._choose(option) for option in place.required}
        reply = await self.member.ask(
            self.channel, place.command, **options, **{place.option: text[: place.limit]}
        )
        if reply.modal is None:
            return [reply]
        answer = await reply.submit_modal({"Password": text[:4000] or "x"})
        return [reply, await answer.wait()]

    async def type(self, place: Place, text: str) -> list[dict[str, Any]]:
        """Type a hostile text and return the choices."""
        return await self.member.autocomplete(
            self.channel, place.command, place.option, text[: min(place.limit, 100)]
        )

    def _choose(self, option: Mapping[str, Any]) -> Any:
        if option.get("choices"):
            return option["choices"][0]["value"]
        values: dict[int, Any] = {
            STRING: self.known.get(option["name"], "x"),
            INTEGER: option.get("min_value", 1),
            BOOLEAN: True,
            USER: self.member,
            CHANNEL: self.channel,
            ROLE: [*self.member.guild.roles.values()][-1],
        }
        return values[option["type"]]


def find_harm(messages: Sequence[Message]) -> list[str]:
    """Return texts of messages that ping, format, reorder, or show an id; an empty list if there are none."""
    pinging = [f"pings: {message.content}" for message in messages if message.pings]
    texts = [text for message in messages for text in _list_texts(message.content, message.embeds)]
    unescaped = ((text, _ESCAPED.sub(".", text)) for text in texts)
    return pinging + [text for text, bare in unescaped if _FORBIDDEN.search(bare) or _PLAYER_ID.search(bare)]


def find_harmful_choices(choices: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the choices that cannot be read as plain text. A choice never pings."""
    return [choice["name"] for choice in choices if _FORBIDDEN.search(choice["name"].replace("@", ""))]


def _list_texts(*values: object) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _list_texts(*value.values())
        elif isinstance(value, list):
            yield from _list_texts(*value)
