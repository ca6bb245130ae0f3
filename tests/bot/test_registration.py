"""The command set as Discord gets it."""

import json
from pathlib import Path
from typing import Any

import pytest

from simulation.discord import UnknownCommandError
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Stage
from utils.composition.interactions import COMMANDS_NAME

SNAPSHOT = Path(__file__).with_name("snapshots") / "commands.json"
GUILD_CONTEXT = 0
ADMINISTRATOR = 1 << 3
MANAGE_GUILD = 1 << 5
MOST_CHARACTERS = 5_500


def get_registered(stage: Stage) -> list[dict[str, Any]]:
    """Return the command set as the bot sent it."""
    [request] = stage.world.journal.requests_to("PUT", "/applications/{application_id}/commands")
    commands = request.body
    assert isinstance(commands, list)
    return sorted(commands, key=lambda command: str(command["name"]))


def test_no_command_comes_near_discords_limit() -> None:
    """A command with its subcommands has 8,000 characters at most; translations are longer than English."""
    lengths = {one["name"]: count_characters(one) for one in json.loads(SNAPSHOT.read_text("utf-8"))}
    assert {name: length for name, length in lengths.items() if length > MOST_CHARACTERS} == {}


def count_characters(command: dict[str, Any]) -> int:
    """Return the characters of names, descriptions and values, as Discord counts them."""
    own = len(command["name"]) + len(command.get("description", ""))
    choices = sum(len(one["name"]) + len(str(one["value"])) for one in command.get("choices", ()))
    return own + choices + sum(map(count_characters, command.get("options", ())))


async def test_command_set_is_registered_as_recorded_when_the_bot_starts_first(stage: Stage) -> None:
    """Names, options and limits of commands are a contract: users are informed of a change of this file."""
    recorded = json.loads(SNAPSHOT.read_text("utf-8"))
    registered = get_registered(stage)
    assert json.dumps(drop_translations(registered)) == json.dumps(recorded)
    admin = next(command for command in registered if command["name"] == "admin")
    assert admin["description_localizations"].keys() == {"de", "es-ES", "fr", "pt-BR", "ru"}
    await check_places(stage, registered)


async def check_places(stage: Stage, commands: list[dict[str, Any]]) -> None:
    """No command shows in direct messages, and those of admins show to members with Manage Server."""
    assert [command["contexts"] for command in commands] == [[GUILD_CONTEXT]] * len(commands)
    rights = {command["name"]: command.get("default_member_permissions") for command in commands}
    assert {name: right for name, right in rights.items() if right is not None} == {
        "admin": MANAGE_GUILD,
        "events": MANAGE_GUILD,
        "owner": ADMINISTRATOR,
        "roles": MANAGE_GUILD,
        "setup": MANAGE_GUILD,
    }
    with pytest.raises(UnknownCommandError):
        await stage.player.invoke(stage.office, "/admin server list")


def drop_translations(payload: Any) -> Any:
    """Return a payload in English alone; tests of the catalogues look at the other languages."""
    if isinstance(payload, list):
        return [drop_translations(each) for each in payload]
    if not isinstance(payload, dict):
        return payload
    return {
        name: drop_translations(value)
        for name, value in payload.items()
        if not name.endswith("_localizations")
    }


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
async def test_nothing_is_registered_again_when_the_set_is_the_same(
    open_stage: StageFactory, *, is_killed: bool
) -> None:
    """A second start with the same commands registers none, also after the first bot was killed."""
    stage = await open_stage()
    await stage.bot.start()
    kept = stage.bot.data_dir / COMMANDS_NAME
    await until(lambda: kept.exists() and bool(kept.read_text("ascii")), what=lambda: stage.bot.output)
    if is_killed:
        await stage.bot.kill()
    else:
        assert await stage.bot.stop() == 0
    written = stage.world.commands.writes
    await stage.bot.start()
    await stage.ask("/help")
    assert stage.world.commands.writes == written
