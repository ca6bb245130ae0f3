"""Backups for the owners of the bot: how far one is, how it went, and which are there."""

from collections.abc import Sequence
from datetime import timedelta

import discord

from utils.embeds.style import Style
from utils.models.backups import (
    BackupOutcome,
    BackupProgress,
    BackupReason,
    BackupStep,
    BackupSummary,
)
from utils.models.texts import Code, Moment, Number, Span, Text, plural, text

REASON_NAMES = {
    BackupReason.DAILY: text("on schedule"),
    BackupReason.BY_HAND: text("by hand"),
    BackupReason.BEFORE_MIGRATION: text("before an upgrade"),
    BackupReason.BEFORE_RESTORE: text("before a restore"),
}
STEP_NAMES = {
    BackupStep.TAKING: text("Taking the backup"),
    BackupStep.CHECKING: text("Reading its files back from the disk"),
    BackupStep.LOADING: text("Restoring it on trial"),
    BackupStep.COMPARING: text("Comparing every document"),
    BackupStep.COPYING: text("Copying it to the other places"),
    BackupStep.VERIFYING: text("Verifying the data"),
}
KILOBYTE, MEGABYTE = 1000, 1000**2


def build_progress_embed(style: Style, progress: BackupProgress) -> discord.Embed:
    """Return how far a backup or its verification is."""
    embed = style.build(text("💾 Working on a backup"), STEP_NAMES[progress.step])
    if progress.collections:
        done = text(
            "{done} of {all}", done=Number(progress.collections_done), all=Number(progress.collections)
        )
        style.add_field(embed, text("Collections"), done, inline=True)
    if progress.documents:
        style.add_field(embed, text("Documents"), Number(progress.documents), inline=True)
    if progress.stored_bytes:
        style.add_field(embed, text("Size"), _say_size(progress.stored_bytes), inline=True)
    return embed


def build_outcome_embed(style: Style, title: Text, outcome: BackupOutcome) -> discord.Embed:
    """Return how a backup or its verification went, step by step."""
    backup, is_good = outcome.backup, outcome.unproven is None and not outcome.problems
    embed = style.build(
        title,
        Code(backup.id),
        mark=style.theme.good if is_good else style.theme.bad,
        colour=style.theme.success if is_good else style.theme.warning,
    )
    style.add_field(embed, text("Deaths"), Number(backup.deaths), inline=True)
    style.add_field(embed, text("Size"), _say_size(backup.stored_bytes), inline=True)
    style.add_field(embed, text("Took"), Span(timedelta(seconds=outcome.seconds)), inline=True)
    style.add_field(embed, text("Files"), text("Read back from the disk, all as they were written."))
    proven = text("Proven: it was restored on trial, and every document was the same.")
    style.add_field(embed, text("Trial"), outcome.unproven or proven)
    style.add_field(embed, text("Places"), "\n".join(backup.places))
    for problem in outcome.problems:
        style.add_field(embed, text("Problem"), problem)
    return embed


def build_list_embed(style: Style, backups: Sequence[BackupSummary], *, total: int) -> discord.Embed:
    """Return a page of backups."""
    lines = [style.write(_describe(backup)) for backup in backups]
    embed = style.build(text("💾 Backups"), text("No backup has been made yet."), lines=lines)
    return style.add_footer(embed, text("{total} in total", total=Number(total))) if backups else embed


def _describe(backup: BackupSummary) -> Text:
    return text(
        "**{at}** · {reason} · {size} · {deaths} · {places}\n> {id}\n> data version {version} · {proof}",
        at=Moment(backup.taken_at, "f"),
        reason=REASON_NAMES[backup.reason],
        size=_say_size(backup.stored_bytes),
        deaths=plural("{count} death", "{count} deaths", backup.deaths),
        places=plural("{count} place", "{count} places", len(backup.places)),
        id=Code(backup.id),
        version=Number(backup.data_version),
        proof=_say_proof(backup),
    )


def _say_proof(backup: BackupSummary) -> Text:
    if backup.proven_at is not None:
        return text("proven {moment}", moment=Moment(backup.proven_at))
    if backup.checked_at is not None:
        return text("files checked {moment}, not proven", moment=Moment(backup.checked_at))
    return text("not checked")


def _say_size(size: int) -> Text:
    if size < MEGABYTE:
        return text("{number} kB", number=Number(size / KILOBYTE, 1))
    return text("{number} MB", number=Number(size / MEGABYTE, 1))
