"""From the outbox to a Discord channel: each notice once, in order, also when something breaks on the way."""
