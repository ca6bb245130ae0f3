"""Links: the answer that names the times of a proof, its outcome, and a member's list."""

from collections.abc import Mapping, Sequence

import discord

from utils.embeds.style import Style
from utils.embeds.values import frame, show_name
from utils.models.links import Link, ProofOutcome, ProofWindow
from utils.models.scope import MemberId
from utils.models.texts import Command, Mention, Moment, Number, Text, join, text, text_in

_PROVEN = "✅"
_MAIN = "⭐"

_TITLES: Mapping[ProofOutcome, Text] = {
    ProofOutcome.PROVEN: text("Linked and proven"),
    ProofOutcome.TAKEN: text("Somebody else proved it first"),
    ProofOutcome.UNCLEAR: text("The proof fits more than one"),
    ProofOutcome.EXPIRED: text("Not proven in time"),
    ProofOutcome.ENDED: text("This link was ended"),
    ProofOutcome.REPLACED: text("Asked for again"),
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
        is_followed: True: this message will show the outcome.
    """
    used = _count_used(count, limit)
    if link.is_proven:
        return style.add_footer(build_outcome_embed(style, link, ProofOutcome.PROVEN), used)
    windows = [
        f"**{style.write(Number(place))}.** {style.write(_describe_window(window))}"
        for place, window in enumerate(link.windows, start=1)
    ]
    advice = text(
        "What counts is the time in the game server's log. The menu needs about five minutes between two "
        "suicides, so do not use it shortly before."
    )
    ending = style.write(_describe_ending(is_followed=is_followed))
    lines = [style.write(_describe_task(link)), "", *windows, "", style.write(advice), ending]
    embed = style.build(text("Prove your link"), lines=lines, mark=style.theme.waiting)
    return style.add_footer(embed, used)


def build_outcome_embed(style: Style, link: Link, outcome: ProofOutcome) -> discord.Embed:
    """Return the last state of the message that named the times."""
    theme = style.theme
    failed = (ProofOutcome.TAKEN, ProofOutcome.UNCLEAR, ProofOutcome.EXPIRED)
    marks = {ProofOutcome.PROVEN: theme.good, **dict.fromkeys(failed, theme.bad)}
    colours = {ProofOutcome.PROVEN: theme.success, ProofOutcome.TAKEN: theme.error}
    return style.build(
        _TITLES[outcome],
        _describe_outcome(link, outcome),
        mark=marks.get(outcome, theme.paused),
        colour=colours.get(outcome, theme.warning),
    )


def build_links_embed(
    style: Style, member_id: MemberId, links: Sequence[Link], *, limit: int
) -> discord.Embed:
    """Return a member's linked players: main, alts, and pending links."""
    lines = [style.write(Mention("@", member_id)), *(_write_link(style, link) for link in links)]
    if not links:
        lines.append(style.write(text("No player is linked yet: {link} does it.", link=Command("link"))))
    return style.add_footer(
        style.build(text("🔗 Linked players"), lines=lines), _count_used(len(links), limit)
    )


def _count_used(count: int, limit: int) -> Text:
    return text("{used} of {limit} links used", used=Number(count), limit=Number(limit))


def _describe_outcome(link: Link, outcome: ProofOutcome) -> Text:
    member, player = Mention("@", link.member_id), show_name(link.player_name)
    ask = Command("link")
    if outcome is ProofOutcome.PROVEN:
        return join([_describe_proven(link), _describe_commands()])
    if outcome is ProofOutcome.TAKEN:
        return text(
            "**{player}** belongs to another member now, so the request of {member} has ended. "
            "If that is wrong, ask an admin of this community.",
            player=player,
            member=member,
        )
    if outcome is ProofOutcome.UNCLEAR:
        return text(
            "Somebody else asked for **{player}** as well, and the same suicides fit both requests. Nobody "
            "is linked, and the request of {member} has ended. Ask again with {link}, or have an admin link "
            "you with {confirm}.",
            player=player,
            member=member,
            link=ask,
            confirm=Command("admin link confirm"),
        )
    if outcome is ProofOutcome.EXPIRED:
        return join([_describe_expired(link), _describe_clock()], "\n")
    if outcome is ProofOutcome.ENDED:
        return text(
            "{member} and **{player}** are not linked (any more). {link} begins again.",
            member=member,
            player=player,
            link=ask,
        )
    return text(
        "{member} asked again for **{player}**: the times that count stand in the newer message.",
        member=member,
        player=player,
    )


def _describe_proven(link: Link) -> Text:
    member, player = Mention("@", link.member_id), show_name(link.player_name)
    if link.is_main:
        return text("{member} is **{player}** (main).", member=member, player=player)
    return text("{member} is **{player}** (alt).", member=member, player=player)


def _describe_commands() -> Text:
    return text("{links} shows all, {unlink} ends one.", links=Command("links"), unlink=Command("unlink"))


def _describe_expired(link: Link) -> Text:
    return text(
        "The log did not show **{player}** taking the menu's suicide in both times, so the request of "
        "{member} has ended. {link} gives new times.",
        player=show_name(link.player_name),
        member=Mention("@", link.member_id),
        link=Command("link"),
    )


def _describe_clock() -> Text:
    return text(
        "Did you do both? Then the clock or the time zone of the game server may be set wrong: an admin can "
        "link you with {confirm}.",
        confirm=Command("admin link confirm"),
    )


def _describe_task(link: Link) -> Text:
    return text(
        "{member}, show that you play **{player}**: take the suicide of the game's own menu once in each of "
        "these times, on any game server of this community.",
        member=Mention("@", link.member_id),
        player=show_name(link.player_name),
    )


def _describe_ending(*, is_followed: bool) -> Text:
    if is_followed:
        return text("This message will tell how it went.")
    return text(
        "I cannot change this message later, because I lack View Channel here: {links} tells whether it "
        "worked.",
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
    shape = f"{_PROVEN} **{{player}}** · {f'{_MAIN} ' if link.is_main else ''}{{role}} · {{day}}"
    linked_at = link.proven_at or link.linked_at
    return style.write(frame(shape, player=name, role=role, day=Moment(linked_at, "D")))


def _describe_wait(link: Link) -> Text:
    moments = [Moment(window.starts_at, "t") for window in link.windows]
    if len(moments) > 1:
        return text("not proven yet, at {first} and {second}", first=moments[0], second=moments[1])
    return text("not proven yet, at {moment}", moment=moments[0]) if moments else text("not proven yet")
