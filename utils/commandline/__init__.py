"""The command line of ``bot.py``: its arguments, and each call besides running the bot."""
