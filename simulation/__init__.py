"""The simulated world around the bot: a Discord and a game host for demo, tests and benchmarks."""
