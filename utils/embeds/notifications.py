"""Direct messages: what a member is told, and what they want to be told."""

from collections.abc import Sequence

import discord

from utils.embeds.style import Style
from utils.embeds.values import frame, show_money, show_name
from utils.models.notifications import (
    TOPIC_CHOICES,
    TOPICS,
    DirectEvent,
    DirectMessage,
    DirectProblem,
    Notifications,
    Topic,
)
from utils.models.texts import Command, Moment, Number, Text, join, text

MOST_LINES = 15  # of one message; more are only counted

_PROBLEMS = {
    DirectProblem.CLOSED: text(
        "I switched them off, because Discord didn't let me write to you. Allow direct messages in the "
        "privacy settings of this Discord server, then switch them on again."
    ),
    DirectProblem.GONE: text("I switched them off, because Discord didn't know you. Switch them on again."),
}


def build_direct_message_embed(
    style: Style, messages: Sequence[DirectMessage], guild_name: str
) -> discord.Embed:
    """Return the message about everything that waited for a member, oldest first."""
    lines = [style.write(_describe(style, one)) for one in messages[:MOST_LINES]]
    if len(messages) > MOST_LINES:
        lines.append(style.write(text("and {count} more", count=Number(len(messages) - MOST_LINES))))
    embed = style.build(text("{guild}", guild=guild_name), lines=lines)
    stop = text(
        "You asked for these messages. To stop them, use {notify} in {guild}.",
        notify=Command("notify"),
        guild=guild_name,
    )
    return style.add_footer(embed, stop)


def build_notifications_embed(style: Style, chosen: Notifications) -> discord.Embed:
    """Return what a member wants to be told, and why nothing is sent any more."""
    listed = [
        frame("{topic}: **{state}**", topic=name, state=text("on") if topic in chosen.topics else text("off"))
        for topic, name in TOPIC_CHOICES.items()
    ]
    said = [
        text("I can tell you these things in a direct message:"),
        join(listed, "\n"),
        text("At most one message in ten minutes, and ten a day. They come from this Discord server only."),
    ]
    colour = None
    if chosen.problem is not None:
        said.insert(0, _PROBLEMS[chosen.problem])
        colour = style.theme.warning
    return style.build(text("📨 Direct messages"), join(said, "\n\n"), colour=colour)


def _describe(style: Style, told: DirectMessage) -> Text:
    """Return one line of a message."""
    match TOPICS[told.event]:
        case Topic.LEVEL:
            return text("You reached level {level}.", level=Number(told.level))
        case Topic.ROLE:
            return _describe_role(told)
        case Topic.FACTION:
            return _describe_faction(told)
    return _describe_bounty(style, told)


def _describe_role(told: DirectMessage) -> Text:
    role = show_name(told.role_name)
    if told.event is DirectEvent.GIVEN:
        return text("You have the role **{role}** now.", role=role)
    return text("You don't have the role **{role}** any more.", role=role)


def _describe_faction(told: DirectMessage) -> Text:
    faction = told.faction_name
    if told.event is DirectEvent.INVITED and told.ends_at is not None:
        return text(
            "The faction **{faction}** invites you. Join it with {join}. The invitation ends {ends}.",
            faction=faction,
            join=Command("faction join"),
            ends=Moment(told.ends_at),
        )
    if told.event is DirectEvent.KICKED:
        return text("You aren't in the faction **{faction}** any more.", faction=faction)
    if told.event is DirectEvent.LED:
        return text("You don't lead the faction **{faction}** any more.", faction=faction)
    return text("You lead the faction **{faction}** now.", faction=faction)


def _describe_bounty(style: Style, told: DirectMessage) -> Text:
    amount, player = show_money(style.theme, told.amount), show_name(told.player_name)
    match told.event:
        case DirectEvent.PLACED | DirectEvent.AUTO if told.ends_at is not None:
            return text(
                "There is a bounty of {amount} on **{player}** on {server}. It ends {ends}.",
                amount=amount,
                player=player,
                server=show_name(told.server_name),
                ends=Moment(told.ends_at),
            )
        case DirectEvent.CLAIMED:
            return text(
                "**{claimer}** claimed your bounty of {amount} on **{player}**.",
                claimer=show_name(told.claimer_name),
                amount=amount,
                player=player,
            )
        case DirectEvent.EXPIRED:
            return text(
                "Nobody claimed your bounty on **{player}**. You got {amount} back.",
                player=player,
                amount=amount,
            )
    return text(
        "Your bounty on **{player}** was taken down. You got {amount} back.", player=player, amount=amount
    )
