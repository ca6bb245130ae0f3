"""The bot's own mongod, and the connection to any MongoDB."""
