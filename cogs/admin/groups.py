"""The groups under ``/admin``; each module of this package adds the commands of its own."""

from functools import partial

import discord

from utils.interactions.declarations import Access

ADMIN = discord.SlashCommandGroup(
    "admin",
    "Game servers and channels of this Discord server",
    default_member_permissions=discord.Permissions(manage_guild=True),
)
SERVER = ADMIN.create_subgroup("server", "The game servers this bot reads")
CHANNEL = ADMIN.create_subgroup("channel", "Where this bot posts")
COUNTER = ADMIN.create_subgroup("counter", "Channels whose names show who's online")
BOARD = ADMIN.create_subgroup("board", "Boards that stay up in a channel")
ERRORS = ADMIN.create_subgroup("errors", "What went wrong")
LINK = ADMIN.create_subgroup("link", "Links of members and players")
BACKUP = ADMIN.create_subgroup("backup", "Backups of this bot, for its owners")

admin_access = partial(Access, is_admin=True, is_private=True)
"""The declaration of every command of these groups: it is for admins, and its answers are private."""
