"""Setting the bot up: ``/setup``, and the button of the message after joining."""

from cogs.setup.cog import SetupCog

setup = SetupCog.setup
