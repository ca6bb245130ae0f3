"""Registration of commands, and their use by people."""

from typing import Any

import pytest

from simulation.discord import (
    Channel,
    ChannelKind,
    Guild,
    InvalidOptionError,
    Member,
    Permission,
    SimulatedDiscord,
    UnknownCommandError,
)
from simulation.discord.clients import BareClient


def _option(**changes: Any) -> dict[str, Any]:
    return {"type": 3, "name": "name", "description": "its name", **changes}


def _command(*options: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"name": "add", "description": "Adds", "options": list(options), **changes}


def _group(*options: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"type": 2, "name": "server", "description": "Servers", "options": list(options), **changes}


def _subcommand(*options: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"type": 1, "name": "add", "description": "Adds", "options": list(options), **changes}


CHOICE = {"name": "Kills", "value": "kills"}


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (_command(name="Add"), "0.name"),
        (_command(name="add server"), "0.name"),
        (_command(name="x" * 33), "0.name"),
        (_command(description=""), "0.description"),
        (_command(description="x" * 101), "0.description"),
        (_command(id=5), "0.id"),
        (_command(type=9), "0.type"),
        (_command(contexts=[3]), "0.contexts.0"),
        (_command(contexts=[]), "0.contexts"),
        (_command(default_member_permissions="many"), "0.default_member_permissions"),
        (_command(*(_option(name=f"o{number}") for number in range(26))), "0.options"),
        (_command(_option(), _option()), "0.options.1.name"),
        (_command(_option(), _option(name="late", required=True)), "0.options.1"),
        (_command(_option(type=12)), "0.options.0.type"),
        (_command(_option(choices=[CHOICE] * 26)), "0.options.0.choices"),
        (_command(_option(choices=[CHOICE], autocomplete=True)), "0.options.0.autocomplete"),
        (_command(_option(choices=[{"name": "x" * 101, "value": "x"}])), "0.options.0.choices.0.name"),
        (_command(_option(choices=[{"name": "x", "value": 5}])), "0.options.0.choices.0.value"),
        (_command(description_localizations={"xx": "x"}), "0.description_localizations.xx"),
        (_command(description_localizations={"de": "x" * 101}), "0.description_localizations.de"),
        (_command(description_localizations=["de"]), "0.description_localizations"),
        (_command(name_localizations={"de": "Zu viel"}), "0.name_localizations.de"),
        (_command(type=2, name="Add", name_localizations={"de": "x" * 33}), "0.name_localizations.de"),
        (
            _command(_option(description_localizations={"fr": ""})),
            "0.options.0.description_localizations.fr",
        ),
        (
            _command(_option(choices=[{**CHOICE, "name_localizations": {"es-ES": "x" * 101}}])),
            "0.options.0.choices.0.name_localizations.es-ES",
        ),
        (
            _command(
                _option(
                    choices=[
                        {"name": name, "value": name, "name_localizations": {"de": "gleich"}} for name in "ab"
                    ]
                )
            ),
            "0.options.0.choices.1",
        ),
        (
            _command(
                *(
                    _option(
                        name=f"o{language}",
                        choices=[
                            {"name": c, "value": c, "name_localizations": {"de": c, language: c * 100}}
                            for c in "abcdefghijklmnopqrst"
                        ],
                    )
                    for language in ("fr", "pl", "ru", "it")
                ),
            ),
            "0",
        ),
        (_command(_option(type=6, autocomplete=True)), "0.options.0.autocomplete"),
        (_command(_option(min_length=-1)), "0.options.0.min_length"),
        (_command(_group(_group(_subcommand()))), "0.options.0.options.0.type"),
        (_command(_group(_option())), "0.options.0.options.0.type"),
        (_command(_subcommand(_subcommand())), "0.options.0.options.0.type"),
        (_command(_subcommand(), _option()), "0.options"),
        (
            _command(
                *(
                    _option(
                        name=f"o{n}", choices=[{"name": f"{n}{c}" * 25, "value": "v" * 75} for c in "abc"]
                    )
                    for n in range(10, 25)
                ),
                _option(description="x" * 100),
                _option(name="z", choices=[{"name": c * 100, "value": c * 100} for c in "abcdefghij"]),
            ),
            "0",
        ),
    ],
)
async def test_command_is_refused_when_it_breaks_a_rule(
    world: SimulatedDiscord, client: BareClient, command: dict[str, Any], place: str
) -> None:
    """Registration does Discord's checks, and registers nothing on an error."""
    status, error = await client.register(command)
    assert (status, error["code"]) == (400, 50035)
    node = error["errors"]
    for step in place.split("."):
        node = node[step]
    assert node["_errors"]
    assert world.commands.list_commands(None) == []


async def test_command_is_refused_when_its_name_is_taken_in_the_same_list(client: BareClient) -> None:
    """A bulk registration names every command once."""
    status, error = await client.register(_command(), _command())
    assert (status, error["errors"]["1"]["name"]["_errors"][0]["code"]) == (
        400,
        "APPLICATION_COMMANDS_DUPLICATE_NAME",
    )


async def test_command_lives_when_it_is_created_changed_and_deleted(
    world: SimulatedDiscord, guild: Guild, client: BareClient
) -> None:
    """Single registration in a server: create, read, change, delete, unknown."""
    base = f"/applications/{world.application_id}/guilds/{guild.id}/commands"
    created, command = await client.call("POST", base, json=_command(_option(required=True)))
    again, same = await client.call("POST", base, json=_command(_option(required=True)))
    one = f"{base}/{command['id']}"
    changed, edited = await client.call("PATCH", one, json={"description": "Adds more"})
    _, listed = await client.call("GET", base)
    deleted, _ = await client.call("DELETE", one)
    unknown, error = await client.call("GET", one)
    assert (created, again, changed, deleted, unknown, error["code"]) == (201, 200, 200, 204, 404, 10063)
    assert same == command
    assert listed == [edited]
    assert (edited["description"], edited["guild_id"]) == ("Adds more", str(guild.id))
    assert edited["version"] != command["version"]
    assert world.contract_violations == []


STATS = _command(
    _option(name="player", required=True, max_length=5),
    _option(type=4, name="count", min_value=1, max_value=25),
    _option(name="board", choices=[CHOICE]),
    _option(type=7, name="place", channel_types=[0]),
    name="stats",
)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"player": None},
        {"player": "too long"},
        {"player": 5},
        {"player": "x", "unknown": "y"},
        {"player": "x", "count": 26},
        {"player": "x", "count": "1"},
        {"player": "x", "count": True},
        {"player": "x", "board": "Deaths"},
        {"player": "x", "place": "general"},
    ],
    ids=repr,
)
async def test_invocation_is_impossible_when_options_do_not_fit(
    world: SimulatedDiscord, channel: Channel, alice: Member, client: BareClient, options: dict[str, Any]
) -> None:
    """The client refuses values that break the registered options."""
    await client.register(STATS)
    with pytest.raises(InvalidOptionError):
        await alice.invoke(channel, "/stats", **options)
    assert world.interactions == []


async def test_invocation_carries_values_when_options_fit(
    world: SimulatedDiscord, guild: Guild, channel: Channel, alice: Member, client: BareClient
) -> None:
    """Choices may be named by their names, channels resolve, other kinds of channels are refused."""
    voice = world.create_channel(guild, "talk", kind=ChannelKind.VOICE)
    await client.register(STATS)
    reply = await alice.invoke(channel, "/stats", player="Mlsno", board="Kills", place=channel)
    assert reply.payload["data"]["options"] == [
        {"name": "player", "type": 3, "value": "Mlsno"},
        {"name": "board", "type": 3, "value": "kills"},
        {"name": "place", "type": 7, "value": str(channel.id)},
    ]
    assert reply.payload["data"]["resolved"]["channels"][str(channel.id)]["name"] == "general"
    with pytest.raises(InvalidOptionError, match="channels of types"):
        await alice.invoke(channel, "/stats", player="x", place=voice)


@pytest.mark.parametrize(
    "text", ["/nothing", "/admin", "/admin server", "/admin server remove", "/admin add"]
)
async def test_invocation_is_impossible_when_the_command_is_not_registered(
    channel: Channel, alice: Member, client: BareClient, text: str
) -> None:
    """A person can use whole commands only, not groups or unknown subcommands."""
    await client.register(_command(_group(_subcommand()), name="admin"))
    with pytest.raises(UnknownCommandError):
        await alice.invoke(channel, text)
    await alice.invoke(channel, "/admin server add")


async def test_command_is_hidden_when_permissions_are_missing(
    world: SimulatedDiscord, guild: Guild, channel: Channel, alice: Member, client: BareClient
) -> None:
    """Default member permissions hide a command; administrators see all of them."""
    manager = world.create_role(guild, "manager", permissions=int(Permission.MANAGE_GUILD))
    await client.register(_command(default_member_permissions=str(int(Permission.MANAGE_GUILD))))
    with pytest.raises(UnknownCommandError, match="permissions"):
        await alice.invoke(channel, "/add")
    world.set_roles(alice.membership, [manager])
    await alice.invoke(channel, "/add")
    await world.owner_of(guild).invoke(channel, "/add")
    await client.register(_command(default_member_permissions="0"))
    with pytest.raises(UnknownCommandError):
        await alice.invoke(channel, "/add")
    world.set_overwrite(channel, alice.membership, deny=int(Permission.USE_APPLICATION_COMMANDS))
    await client.register(_command())
    with pytest.raises(UnknownCommandError, match="may not use commands"):
        await alice.invoke(channel, "/add")


async def test_command_of_servers_is_not_offered_when_writing_directly(
    world: SimulatedDiscord, alice: Member, client: BareClient
) -> None:
    """Contexts decide where a command shows."""
    direct = world.direct_messages(alice.user)
    await client.register(_command(contexts=[0]))
    with pytest.raises(UnknownCommandError, match="not offered"):
        await alice.invoke(direct, "/add")
    await client.register(_command(contexts=[0, 1]))
    reply = await alice.invoke(direct, "/add")
    assert (reply.payload["context"], reply.payload["user"]["id"]) == (1, str(alice.id))
    assert "guild_id" not in reply.payload


async def test_servers_own_command_wins_when_names_are_equal(
    world: SimulatedDiscord, guild: Guild, channel: Channel, alice: Member, client: BareClient
) -> None:
    """A server's command hides the global one with its name."""
    await client.register(_command())
    base = f"/applications/{world.application_id}/guilds/{guild.id}/commands"
    _, [own] = await client.call("PUT", base, json=[_command()])
    reply = await alice.invoke(channel, "/add")
    assert (reply.payload["data"]["id"], reply.payload["data"]["guild_id"]) == (own["id"], str(guild.id))


# menus

MENU = {"name": "Show Stats", "type": 2}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"name": "x" * 33}, "0.name"),
        ({"name": ""}, "0.name"),
        ({"description": "Shows"}, "0.description"),
        ({"options": [_option()]}, "0.options"),
    ],
)
async def test_menu_is_refused_when_it_breaks_a_rule(
    client: BareClient, changes: dict[str, Any], place: str
) -> None:
    """A command of the menu on a person has a name, and neither description nor options."""
    status, error = await client.register({**MENU, **changes})
    node = error["errors"]
    for step in place.split("."):
        node = node[step]
    assert (status, bool(node["_errors"])) == (400, True)


async def test_menu_holds_few_commands_beside_the_slash_commands(
    world: SimulatedDiscord, client: BareClient
) -> None:
    """Each kind has its own limit and its own names."""
    menus = [{**MENU, "name": f"Menu {number}"} for number in range(6)]
    status, error = await client.register(*menus)
    assert (status, error["code"]) == (400, 30032)
    status, _ = await client.register(*menus[:5], _command(name="menu"))
    assert (status, len(world.commands.list_commands(None))) == (200, 6)


async def test_menu_names_its_target_when_it_is_used(
    world: SimulatedDiscord, guild: Guild, channel: Channel, alice: Member, client: BareClient
) -> None:
    """The target is a member, or a bare user if they left; only an offered command can be used."""
    await client.register(MENU)
    gone = world.add_member(guild, "gone")
    on_bot = await alice.invoke_on(channel, "Show Stats", guild.bot.user)
    del guild.members[gone.id]
    on_gone = await alice.invoke_on(channel, "Show Stats", gone)
    data = on_bot.payload["data"]
    assert (data["type"], data["target_id"]) == (2, str(guild.bot.user.id))
    assert data["resolved"]["users"][data["target_id"]]["bot"]
    assert list(data["resolved"]["members"]) == [data["target_id"]]
    assert list(on_gone.payload["data"]["resolved"]) == ["users"]
    with pytest.raises(UnknownCommandError):
        await alice.invoke_on(channel, "show stats", gone)
    with pytest.raises(UnknownCommandError):
        await alice.invoke(channel, "/show")
    assert world.violations == []
