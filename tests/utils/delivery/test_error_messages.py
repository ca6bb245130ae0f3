"""Messages about errors reach the owners of the bot, once, and name no community."""

from discord.ext import commands

from simulation.discord import Guild, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import START
from tests.fakes.errors import FakeErrorSink
from tests.fakes.languages import FakeGuildLanguages
from tests.utils.services.guilds.test_error_groups import build_group
from utils.delivery.admin_places import AdminPlaces
from utils.delivery.error_messages import ErrorMessages
from utils.delivery.owner_places import OwnerPlaces
from utils.delivery.sender import DiscordSender
from utils.models.error_reports import AlertKind, ErrorAlert
from utils.models.guilds import GuildSettings
from utils.models.scope import GuildId
from utils.telemetry.guides import find_group_guide


class NoSettings:
    """Guilds without settings."""

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return the first settings of a guild."""
        return GuildSettings(guild_id)


async def test_owner_reads_what_happened_and_how_to_see_it(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, sender: DiscordSender
) -> None:
    """Without a home guild each owner is written to; a second try adds nothing."""

    async def list_owner_ids() -> tuple[int, ...]:
        return (guild.owner.user.id,)

    places = AdminPlaces(bot, sender, settings=NoSettings(), errors=FakeErrorSink())
    owners = OwnerPlaces(places, sender, list_owner_ids=list_owner_ids, home_guild_id=None)
    messages = ErrorMessages(
        owners, languages=FakeGuildLanguages(), find_guide=find_group_guide, home_guild_id=None
    )
    alerts = [
        ErrorAlert(AlertKind.NEW, build_group("AAAAAA"), 1),
        ErrorAlert(AlertKind.REGRESSED, build_group("BBBBBB"), 2),
        ErrorAlert(AlertKind.SPIKE, build_group("CCCCCC"), 1_234),
    ]
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        for _ in range(2):
            await messages.tell(alerts, more=3, at=START)
        await world.settle()
    [message] = world.direct_messages(guild.owner.user).all_messages
    what = "Something in the bot went wrong."
    assert message.embed["title"] == "🧯 Errors of the bot"
    assert message.embed["description"].splitlines() == [
        f"**New**: {what} `/admin errors show reference:AAAAAA everywhere:True`",
        f"**Back again**: {what} `/admin errors show reference:BBBBBB everywhere:True`",
        f"**1,234 in 5 minutes**: {what} `/admin errors show reference:CCCCCC everywhere:True`",
    ]
    assert message.embed["footer"]["text"] == "and 3 more kinds of errors"
