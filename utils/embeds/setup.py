"""The set-up: the message after joining, and the checklist."""

from collections.abc import Mapping

import discord

from utils.embeds.style import Style
from utils.models.setup import Checklist, SetupStep, StepState
from utils.models.texts import Command, Text, join, text

MARKS: Mapping[StepState, str] = {
    StepState.DONE: "✅",
    StepState.RUNNING: "⏳",
    StepState.OPEN: "⬜",
    StepState.OPTIONAL: "🔘",
    StepState.TROUBLE: "⚠️",
    StepState.LOCKED: "⭐",
}


def build_welcome_embed(style: Style) -> discord.Embed:
    """Return the message after joining a guild: three lines."""
    lines = [
        text("I post the kills of your Deadside servers and keep everyone's stats."),
        text("Admins: press **Set up**. You'll need a few minutes and your game server's SFTP login."),
        text("Everyone: {help} shows what I can do.", help=Command("help")),
    ]
    return style.build(text("👋 Hello, survivors!"), join(lines, "\n"))


def build_setup_embed(style: Style, checklist: Checklist, *, done: Text | None = None) -> discord.Embed:
    """Return the checklist; ``done`` is what the last press did."""
    lines = [f"{MARKS[step.state]} {style.write(_describe_step(step))}" for step in checklist.steps]
    if done is not None:
        lines = [style.write(done), "", *lines]
    colour = style.theme.success if checklist.is_done else style.theme.warning
    embed = style.build(text("🧭 Setup"), lines=lines, colour=colour)
    style.add_field(embed, text("What's next"), checklist.next_step)
    return embed


def _describe_step(step: SetupStep) -> Text:
    """Return title and state of a step, and the command that does the same."""
    if step.command is None:
        return text("**{title}**: {said}", title=step.title, said=step.said)
    return text("**{title}**: {said} · {command}", title=step.title, said=step.said, command=step.command)
