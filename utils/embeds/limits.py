"""Discord's limits of embeds (API reference, "Embed limits"), and the function that keeps them."""

from collections.abc import Sequence

import discord

from utils.models.visible_text import cut

MAX_EMBEDS = 10
MAX_CHARACTERS = 6000  # of all embeds of a message together
MAX_TITLE = 256
MAX_DESCRIPTION = 4096
MAX_FIELDS = 25
MAX_FIELD_NAME = 256
MAX_FIELD_VALUE = 1024
MAX_FOOTER = 2048
MAX_AUTHOR = 256


def fit_embeds(embeds: Sequence[discord.Embed]) -> list[discord.Embed]:
    """Return the embeds of one message within every limit; longer texts are cut with an ellipsis.

    If the sum of all characters is too large, the last embeds lose fields first and then text.
    """
    remaining = MAX_CHARACTERS
    fitted = []
    for embed in embeds[:MAX_EMBEDS]:
        within = _fit_parts(embed)
        if (characters := count_characters(within)) > remaining:
            _cut_sum(within, remaining)
            characters = count_characters(within)
        remaining -= characters
        if remaining < 0:
            break
        fitted.append(within)
    return fitted


def fit_embed(embed: discord.Embed) -> discord.Embed:
    """Return the one embed of a message within every limit."""
    return fit_embeds([embed])[0]


def count_characters(embed: discord.Embed) -> int:
    """Count the characters as Discord does; a character beyond 16 bits counts twice."""
    footer, author = embed.footer, embed.author
    texts = [embed.title or "", embed.description or "", footer.text if footer else ""]
    texts.append(author.name if author else "")
    texts += [said for field in embed.fields for said in (field.name, field.value)]
    return sum(map(_count_units, texts))


def pack_lines(lines: Sequence[str], limit: int) -> list[str]:
    """Return lines in as few texts as possible, in order, each within the limit unless one line is longer."""
    packed: list[str] = []
    for line in lines:
        if packed and _count_units(packed[-1]) + 1 + _count_units(line) <= limit:
            packed[-1] += f"\n{line}"
        else:
            packed.append(line)
    return packed


def cut_lines(lines: str, limit: int) -> str:
    """Cut between lines where possible, so that no markup and no timestamp is cut in two."""
    if len(lines) <= limit:
        return lines
    head = lines[: limit - 1]
    whole, newline, _ = head.rpartition("\n")
    if newline:
        return f"{whole}\n…"
    words, space, _ = head.rpartition(" ")
    return (words if space else head.rstrip("\\")) + "…"


def _count_units(said: str) -> int:
    return len(said.encode("utf-16-le", "surrogatepass")) // 2


def _fit_parts(embed: discord.Embed) -> discord.Embed:
    fitted = embed.copy()
    if embed.title:
        fitted.title = cut(embed.title, MAX_TITLE)
    if embed.description:
        fitted.description = cut_lines(embed.description, MAX_DESCRIPTION)
    fitted.clear_fields()
    for field in embed.fields[:MAX_FIELDS]:
        value = cut_lines(field.value, MAX_FIELD_VALUE)
        fitted.add_field(name=cut(field.name, MAX_FIELD_NAME), value=value, inline=bool(field.inline))
    if embed.footer and embed.footer.text:
        fitted.set_footer(text=cut(embed.footer.text, MAX_FOOTER), icon_url=embed.footer.icon_url)
    if embed.author and embed.author.name:
        fitted.set_author(
            name=cut(embed.author.name, MAX_AUTHOR), url=embed.author.url, icon_url=embed.author.icon_url
        )
    return fitted


def _cut_sum(embed: discord.Embed, remaining: int) -> None:
    while count_characters(embed) > remaining and embed.fields:
        embed.remove_field(len(embed.fields) - 1)
    excess = count_characters(embed) - remaining
    # each character counts once or twice; a cut that counts them once is repeated until it is enough
    while excess > 0 and embed.description and len(embed.description) > 1:
        embed.description = cut_lines(embed.description, max(len(embed.description) - excess, 1))
        excess = count_characters(embed) - remaining
