"""The pictures of the documentation: invented people, the bot's own embeds, drawn as Discord shows them."""
