"""Discord's rules for what a bot sends, with Discord's nested error trees."""
