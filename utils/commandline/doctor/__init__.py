"""``bot.py doctor``: everything that is known about a bot and its surroundings, the worst first."""
