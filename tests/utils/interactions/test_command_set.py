"""The command set: known without any registration, and registered in two parts."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from simulation.discord import Fault, Guild, Permission, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.own_bot import OwnBot, wait_until
from tests.fakes.pseudo_language import PSEUDO
from tests.fakes.small_bot import Shelf, SmallBot
from utils.interactions.command_set import is_registered_in, list_commands
from utils.interactions.command_texts import localised
from utils.localization.languages import Languages

GUILD_COMMANDS = "/applications/{application_id}/guilds/{guild_id}/commands"


def list_owner_rights(world: SimulatedDiscord, guild_id: int | None) -> Mapping[str, int]:
    """Return who sees the commands of the hosts in a scope, as the permission that Discord asks for."""
    return {
        command["name"]: int(command["default_member_permissions"])
        for command in world.commands.list_commands(guild_id)
        if command["name"] == "owner"
    }


async def test_commands_are_listed_by_full_name_without_groups(shelf: Shelf) -> None:
    """Every command is listed once, in order, before the bot has ever connected."""
    bot = SmallBot(shelf.build_services())
    names = [command.qualified_name for command in list_commands(bot)]
    assert names == [
        "chart",
        "deep admin",
        "deep change",
        "deep fail",
        "deep home",
        "deep owner",
        "deep private",
        "fail",
        "find",
        "form",
        "pages",
        "premium",
        "public",
        "sure",
    ]
    await bot.close()


async def test_commands_of_the_hosts_are_registered_in_the_home_guild_alone(
    shelf: Shelf, world: SimulatedDiscord, guild: Guild, tmp_path: Path
) -> None:
    """No other guild knows them, and a member of the home guild needs Manage Server to see them."""
    shelf.home_guild_id = guild.id
    bot = OwnBot(shelf, tmp_path)
    async with running_bot(bot, world):
        await wait_until(lambda: bool(world.commands.list_commands(guild.id)))
    assert list_owner_rights(world, None) == {}
    assert list_owner_rights(world, guild.id) == {"owner": Permission.MANAGE_GUILD}
    assert [command["name"] for command in world.commands.list_commands(guild.id)] == ["owner"]
    known = {command.qualified_name: command for command in list_commands(bot)}
    assert is_registered_in(guild.id, known["owner grant"])
    assert not is_registered_in(guild.id + 1, known["owner grant"])
    assert is_registered_in(guild.id + 1, known["premium status"])


async def test_hosts_without_a_home_guild_reach_their_commands_as_administrators(
    shelf: Shelf, world: SimulatedDiscord, guild: Guild, tmp_path: Path
) -> None:
    """The owner of the bot has a Discord server of their own, where they are an administrator.

    The former home guild forgets the commands.
    """
    shelf.home_guild_id = guild.id
    async with running_bot(OwnBot(shelf, tmp_path), world):
        await wait_until(lambda: bool(world.commands.list_commands(guild.id)))
    shelf.home_guild_id = None
    async with running_bot(OwnBot(shelf, tmp_path), world):
        await wait_until(lambda: not world.commands.list_commands(guild.id))
    assert list_owner_rights(world, None) == {"owner": Permission.ADMINISTRATOR}


@pytest.mark.fault
async def test_home_guild_without_the_bot_holds_up_no_other_command(
    shelf: Shelf, world: SimulatedDiscord, guild: Guild, tmp_path: Path
) -> None:
    """The bot is not in its home guild yet, so only the other set is registered; each connect tries again."""
    shelf.home_guild_id = guild.id
    refusal = world.faults.add(Fault(method="PUT", route=GUILD_COMMANDS, status=403))
    async with running_bot(OwnBot(shelf, tmp_path), world):
        await wait_until(lambda: refusal.is_spent and bool(world.commands.list_commands(None)))
    async with running_bot(OwnBot(shelf, tmp_path), world):
        await wait_until(lambda: bool(world.commands.list_commands(guild.id)))
    assert list_owner_rights(world, guild.id) == {"owner": Permission.MANAGE_GUILD}
    assert len(world.journal.requests_to("PUT", "/applications/{application_id}/commands")) == 1


async def test_register_of_an_older_version_is_written_again(
    shelf: Shelf, world: SimulatedDiscord, guild: Guild, tmp_path: Path
) -> None:
    """An older version kept one digest as plain text; all commands are registered once more."""
    assert guild.bot
    (tmp_path / "commands.json").write_text("0" * 64, "ascii")
    async with running_bot(OwnBot(shelf, tmp_path), world):
        await wait_until(lambda: bool(world.commands.list_commands(None)))


PO = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgctxt "command"
msgid "Which one"
msgstr "{said}"

msgctxt "choice"
msgid "Kills"
msgstr "Bajas"

msgctxt "context menu"
msgid "Stats"
msgstr "Estadísticas"

msgctxt "command"
msgid "Which days to count"
msgstr "Which days to count"
"""


def list_localised(item: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the English and the translations of everything in a command that has some."""
    for key in ("name", "description"):
        if f"{key}_localizations" in item:
            yield item[key], item[f"{key}_localizations"]
    for part in (*item.get("options", ()), *item.get("choices", ())):
        yield from list_localised(part)


async def register_in_spanish(said: str, shelf: Shelf, world: SimulatedDiscord, folder: Path) -> int:
    """Run a bot with a Spanish catalogue until its commands are known, and count the registrations."""
    (folder / "es.po").write_text(PO.replace("{said}", said), "utf-8")
    shelf.languages = Languages(folder)
    async with running_bot(OwnBot(shelf, folder), world) as bot:
        await bot.wait_until_registered()  # type: ignore[attr-defined]
    return world.commands.writes


@pytest.mark.usefixtures("guild")
async def test_commands_are_registered_in_every_language(
    shelf: Shelf, world: SimulatedDiscord, tmp_path: Path
) -> None:
    """Another catalogue registers them again, the same one does not; names of commands stay in English."""
    assert await register_in_spanish("Cuál", shelf, world, tmp_path) == 1
    commands = world.commands.list_commands(None)
    found = [said for command in commands for said in list_localised(command)]
    assert dict(found) == {
        "Which one": {"es-ES": "Cuál"},
        "Kills": {"es-ES": "Bajas"},
        "Stats": {"es-ES": "Estadísticas"},
    }
    assert await register_in_spanish("Cuál", shelf, world, tmp_path) == 1
    assert await register_in_spanish("¿Cuál?", shelf, world, tmp_path) == 2


async def test_commands_have_no_translations_outside_of_the_block(shelf: Shelf) -> None:
    """A second connect computes the same digest as the first one."""
    commands = OwnBot(shelf, Path()).pending_application_commands
    before = [command.to_dict() for command in commands]
    with localised(commands, [PSEUDO]):
        assert [command.to_dict() for command in commands] != before
    assert [command.to_dict() for command in commands] == before
