"""Everything the bot shows: from a value to a ``discord.Embed``."""
