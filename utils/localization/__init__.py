"""Languages: writes the texts of the bot, in Markdown or plain; catalogues; escapes foreign text."""
