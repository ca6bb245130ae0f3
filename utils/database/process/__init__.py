"""The mongod beside the bot, and the way to any MongoDB."""
