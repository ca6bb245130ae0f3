"""Premium: the tiers, and the grants of guilds."""
