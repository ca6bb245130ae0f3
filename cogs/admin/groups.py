"""The groups under ``/admin``; each module of this package adds the commands of its own."""

import discord

ADMIN = discord.SlashCommandGroup(
    "admin",
    "Game servers and channels of this community",
    default_member_permissions=discord.Permissions(manage_guild=True),
)
SERVER = ADMIN.create_subgroup("server", "The game servers this bot reads")
CHANNEL = ADMIN.create_subgroup("channel", "Where this bot posts")
BOARD = ADMIN.create_subgroup("board", "Boards that stand in a channel")
LINK = ADMIN.create_subgroup("link", "Links of members and players")
