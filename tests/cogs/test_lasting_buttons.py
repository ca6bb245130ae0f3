"""The lasting buttons of all cogs: messages with them exist for ever."""

import re

from tests.fakes.own_bot import OwnBot
from utils.interactions.lasting_buttons import list_handlers


async def test_each_lasting_button_has_one_handler(bot: OwnBot) -> None:
    """A name in two cogs would be answered by one of them alone."""
    names = [handler.kind.name for handler in list_handlers(bot.cogs.values())]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch("[a-z_]{1,20}", name)] == []
