"""Embeds: everything that the bot shows, made from values."""
