"""The world outside the bot, on loopback: a Discord and a game host for demo, tests and benchmarks."""
