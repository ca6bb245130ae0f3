"""Restores for the owners of the bot: what one will change, and how it went."""

from datetime import timedelta

import discord

from utils.embeds.style import Style
from utils.models.restores import RestoreOutcome, RestorePlan
from utils.models.texts import Code, Moment, Number, Span, Text, join, text

LOSS_NAMES = {
    "changes": text("changes by hand"),
    "ledger": text("changes of balances"),
    "links": text("links and requests for links"),
    "grants": text("communities with changed premium"),
    "erasures": text("erasures, which are carried out again"),
}


def build_plan_embed(style: Style, plan: RestorePlan) -> discord.Embed:
    """Return what a restore will change, and what is lost by it."""
    embed = style.build(
        text("⚠️ Restore a backup"),
        text(
            "The bot stops for some minutes, puts this backup in the place of the present data, and begins "
            "again. The present data is backed up first."
        ),
        colour=style.theme.warning,
    )
    style.add_field(embed, text("Backup"), Code(plan.backup_id))
    style.add_field(embed, text("From"), Moment(plan.taken_at, "f"))
    now, then = plan.documents.get("kills", (0, 0))
    deaths = text("{then}, and {now} now", then=Number(then), now=Number(now or 0))
    style.add_field(embed, text("Deaths"), deaths)
    lost = [
        text("{count} {what}", count=Number(count), what=LOSS_NAMES[kind])
        for kind, count in plan.losses.counts.items()
        if count
    ]
    style.add_field(embed, text("Newer, and lost"), join(lost, "\n") if lost else text("nothing"))
    return embed


def build_begun_embed(style: Style, backup_id: str) -> discord.Embed:
    """Return the answer when the bot is about to end itself for a restore."""
    said: Text = text(
        "The bot stops now, restores {id} and begins again. The owners get a message about how it went.",
        id=Code(backup_id),
    )
    return style.build(text("💾 Restoring"), said)


def build_restore_outcome_embed(style: Style, outcome: RestoreOutcome) -> discord.Embed:
    """Return how a restore went."""
    if outcome.problem is None:
        title, said = text("Backup restored"), text("The bot is back, with the data of the backup.")
    else:
        title, said = text("Backup not restored"), outcome.problem
    is_good = outcome.problem is None
    embed = style.build(
        title,
        said,
        mark=style.theme.good if is_good else style.theme.bad,
        colour=style.theme.success if is_good else style.theme.warning,
    )
    style.add_field(embed, text("Backup"), Code(outcome.backup_id))
    style.add_field(embed, text("Took"), Span(timedelta(seconds=outcome.seconds)))
    return embed
