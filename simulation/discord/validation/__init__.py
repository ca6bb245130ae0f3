"""Discord's checks of the bot's requests, with Discord's nested error trees."""
