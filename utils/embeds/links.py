"""Links: the answer that names the times of a proof, its progress, its outcome, and a member's list."""

from collections.abc import Collection, Mapping, Sequence

import discord

from utils.embeds.factions import describe_left
from utils.embeds.replies import build_success_embed
from utils.embeds.style import Style
from utils.embeds.theme import Theme
from utils.embeds.values import frame, show_name
from utils.models.factions import EndedMembership
from utils.models.links import Link, ProofOutcome, ProofWindow, describe_unlinked
from utils.models.scope import MemberId
from utils.models.texts import Command, Mention, Moment, Number, Text, join, text, text_in

_SEEN = "✅"
_NOT_SEEN = "⬜"
_LINK = Command("link")

_TITLES: Mapping[ProofOutcome, Text] = {
    ProofOutcome.PROVEN: text("Linked and proven"),
    ProofOutcome.TAKEN: text("Someone else proved it first"),
    ProofOutcome.UNCLEAR: text("Two requests, one player"),
    ProofOutcome.EXPIRED: text("Not proven in time"),
    ProofOutcome.ENDED: text("Link ended"),
    ProofOutcome.REPLACED: text("Asked again"),
    ProofOutcome.REFUSED: text("Refused by an admin"),
}


def build_asked_embed(
    style: Style, link: Link, *, count: int, limit: int, is_followed: bool
) -> discord.Embed:
    """Return the answer of ``/link``.

    Args:
        style: theme and language.
        link: the link, proven at once, or pending with its windows.
        count: the number of the member's links with it.
        limit: the highest number of links.
        is_followed: True: this message will show the progress and the outcome.
    """
    used = _count_used(count, limit)
    if link.is_proven:
        return style.add_footer(build_outcome_embed(style, link, ProofOutcome.PROVEN), used)
    return style.add_footer(_build_task_embed(style, link, (), is_followed=is_followed), used)


def build_progress_embed(style: Style, link: Link, seen: Collection[ProofWindow]) -> discord.Embed:
    """Return the message that named the times, with the windows ticked off in which a sign was seen."""
    return _build_task_embed(style, link, seen, is_followed=True)


def build_outcome_embed(style: Style, link: Link, outcome: ProofOutcome) -> discord.Embed:
    """Return the last state of the message that named the times."""
    theme = style.theme
    colours = {ProofOutcome.PROVEN: theme.success, ProofOutcome.TAKEN: theme.error}
    return style.build(
        _TITLES[outcome],
        _describe_outcome(link, outcome),
        mark=_get_mark(theme, outcome),
        colour=colours.get(outcome, theme.warning),
    )


def describe_end(theme: Theme, link: Link, outcome: ProofOutcome) -> Text:
    """Return the line that tells the member how their proof ended; the message above it says more."""
    return frame(
        f"{{member}} {_get_mark(theme, outcome)} {{title}}: **{{player}}**",
        member=Mention("@", link.member_id),
        title=_TITLES[outcome],
        player=show_name(link.player_name),
    )


def build_unlinked_embed(style: Style, said: Text, membership: EndedMembership | None) -> discord.Embed:
    """Return the answer of ``/unlink``; the member's time in a faction ends with their last link."""
    parts = [said] if membership is None else [said, describe_left(membership)]
    return build_success_embed(style, text("Unlinked"), join(parts, "\n\n"))


def build_links_embed(
    style: Style, member_id: MemberId, links: Sequence[Link], *, limit: int, is_own: bool
) -> discord.Embed:
    """Return a member's linked players: main, alts, and pending links; ``is_own``: they asked for it."""
    member = Mention("@", member_id)
    lines = [style.write(member), *(_write_link(style, link) for link in links)]
    if not links:
        own = text("You haven't linked a player yet. {link} does it.", link=_LINK)
        nobody = own if is_own else describe_unlinked(member_id)
        lines = [style.write(nobody)]
    return style.add_footer(
        style.build(text("🔗 Linked players"), lines=lines), _count_used(len(links), limit)
    )


def _get_mark(theme: Theme, outcome: ProofOutcome) -> str:
    failed = (ProofOutcome.TAKEN, ProofOutcome.UNCLEAR, ProofOutcome.EXPIRED, ProofOutcome.REFUSED)
    marks = {ProofOutcome.PROVEN: theme.good, **dict.fromkeys(failed, theme.bad)}
    return marks.get(outcome, theme.paused)


def _build_task_embed(
    style: Style, link: Link, seen: Collection[ProofWindow], *, is_followed: bool
) -> discord.Embed:
    """Return what to do in the game, and which windows are done."""
    windows = [
        f"{_SEEN if window in seen else _NOT_SEEN} {style.write(_describe_window(window))}"
        for window in link.windows
    ]
    task = text(
        "{member}, prove you're **{player}**: **respawn from the game's menu once in each of these two "
        "windows.** You lose what you carry, so stash it first.",
        member=Mention("@", link.member_id),
        player=show_name(link.player_name),
    )
    advice = text("Don't respawn in the five minutes before a window: the game has a cooldown.")
    lines = [style.write(task), "", *windows, *_list_counts(style, link, seen), "", style.write(advice)]
    if link.counts_leaving:
        lines.append(style.write(_describe_leaving()))
    lines.append(style.write(_describe_ending(is_followed=is_followed)))
    return style.build(text("Prove it's you"), lines=lines, mark=style.theme.waiting)


def _describe_leaving() -> Text:
    return text(
        "Or leave the game server in a window and stay away for a minute: that counts as well, and you lose "
        "nothing."
    )


def _list_counts(style: Style, link: Link, seen: Collection[ProofWindow]) -> list[str]:
    if not seen:
        return []
    counts = text("**{seen} of {all} seen**", seen=Number(len(seen)), all=Number(len(link.windows)))
    return [style.write(counts)]


def _count_used(count: int, limit: int) -> Text:
    return text("{used} of {limit} links used", used=Number(count), limit=Number(limit))


def _describe_outcome(link: Link, outcome: ProofOutcome) -> Text:
    member, player = Mention("@", link.member_id), show_name(link.player_name)
    outcomes = {
        ProofOutcome.PROVEN: join([_describe_proven(link), _describe_commands()]),
        ProofOutcome.TAKEN: text(
            "**{player}** is linked to someone else now, so the request of {member} has ended. "
            "Is it really yours? Ask an admin.",
            member=member,
            player=player,
        ),
        ProofOutcome.UNCLEAR: text(
            "Someone else asked for **{player}** too, and what I saw fits both requests, so nobody is "
            "linked. {member}, try again with {link} later, or ask an admin to use {confirm}.",
            link=_LINK,
            confirm=Command("admin link confirm"),
            member=member,
            player=player,
        ),
        ProofOutcome.EXPIRED: join([_describe_expired(link), _describe_clock()], "\n"),
        ProofOutcome.ENDED: text(
            "{member} and **{player}** aren't linked. {link} starts again.",
            member=member,
            player=player,
            link=_LINK,
        ),
        ProofOutcome.REPLACED: text(
            "{member} asked again for **{player}**: the times are in the newer message.",
            member=member,
            player=player,
        ),
        ProofOutcome.REFUSED: text(
            "An admin refused the request of {member} for **{player}**. Is it really yours? Ask an admin.",
            member=member,
            player=player,
        ),
    }
    return outcomes[outcome]


def _describe_proven(link: Link) -> Text:
    member, player = Mention("@", link.member_id), show_name(link.player_name)
    if link.is_main:
        return text("{member} is **{player}** (main).", member=member, player=player)
    return text("{member} is **{player}** (alt).", member=member, player=player)


def _describe_commands() -> Text:
    return text("{links} shows all, {unlink} ends one.", links=Command("links"), unlink=Command("unlink"))


def _describe_expired(link: Link) -> Text:
    return text(
        "{member}, I didn't see **{player}** respawn or leave in both windows. Try again later with {link}.",
        player=show_name(link.player_name),
        member=Mention("@", link.member_id),
        link=_LINK,
    )


def _describe_clock() -> Text:
    return text(
        "If you did it in both, the game server's clock or time zone may be set wrong. Ask an admin to "
        "use {confirm}.",
        confirm=Command("admin link confirm"),
    )


def _describe_ending(*, is_followed: bool) -> Text:
    if is_followed:
        return text("I'll tick them off in this message and tell you the result.")
    return text(
        "I can't update this message, because I'm missing View Channel. {links} shows whether it worked.",
        links=Command("links"),
    )


def _describe_window(window: ProofWindow) -> Text:
    return text(
        "{start} to {end} ({left})",
        start=Moment(window.starts_at, "t"),
        end=Moment(window.ends_at, "t"),
        left=Moment(window.starts_at),
    )


def _write_link(style: Style, link: Link) -> str:
    name = show_name(link.player_name)
    if not link.is_proven:
        waits = frame("**{player}** · {state}", player=name, state=_describe_wait(link))
        return f"{style.theme.waiting} {style.write(waits)}"
    role = text_in("a linked player", "main") if link.is_main else text_in("a linked player", "alt")
    linked_at = link.proven_at or link.linked_at
    shape = "**{player}** · {role} · {day}"
    return f"{_SEEN} {style.write(frame(shape, player=name, role=role, day=Moment(linked_at, 'D')))}"


def _describe_wait(link: Link) -> Text:
    moments = [Moment(window.starts_at, "t") for window in link.windows]
    if len(moments) > 1:
        return text("waiting for respawns at {first} and {second}", first=moments[0], second=moments[1])
    if moments:
        return text("waiting for a respawn at {moment}", moment=moments[0])
    return text("waiting for an admin")
