"""Languages: texts of the bot as people read them, in Markdown or plain; catalogues; foreign text escaped."""
