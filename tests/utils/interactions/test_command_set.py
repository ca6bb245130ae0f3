"""The command set, known without any registration."""

from tests.fakes.small_bot import Shelf, SmallBot
from utils.interactions.command_set import list_commands


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
