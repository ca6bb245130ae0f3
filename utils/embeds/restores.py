"""Restores for the owners of the bot: what one will change, and how it went."""

from datetime import timedelta

import discord

from utils.embeds.style import Style
from utils.models.restores import RestoreOutcome, RestorePlan
from utils.models.texts import Code, Moment, Number, Span, Text, join, plural, text


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
    style.add_field(embed, text("Made"), Moment(plan.taken_at, "f"))
    now, then = plan.documents.get("kills", (0, 0))
    deaths = text("{then} in the backup, {now} now", then=Number(then), now=Number(now or 0))
    style.add_field(embed, text("Deaths"), deaths)
    newer = [_describe_newer(kind, count) for kind, count in plan.losses.counts.items() if count]
    if None in plan.losses.counts.values():
        newer.append(text("A part can't be read, so more may be lost."))
    style.add_field(embed, text("Newer than the backup"), join(newer or [text("nothing")], "\n"))
    return embed


def _describe_newer(kind: str, count: int) -> Text:
    """Return what happens to the changes of a kind that are newer than the backup."""
    match kind:
        case "changes":
            return plural("{count} change by hand is lost", "{count} changes by hand are lost", count)
        case "ledger":
            return plural(
                "{count} change of a balance is lost", "{count} changes of balances are lost", count
            )
        case "links":
            return plural("{count} link or request is lost", "{count} links and requests are lost", count)
        case "grants":
            return plural(
                "{count} community loses its change of premium",
                "{count} communities lose their changes of premium",
                count,
            )
    return plural("{count} erasure is carried out again", "{count} erasures are carried out again", count)


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
