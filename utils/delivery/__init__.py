"""From the outbox to a Discord channel: each notice once, in order, whatever breaks on the way."""
