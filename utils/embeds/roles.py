"""Role rules: the preview of a change, the list of rules, and what a rule means for each member."""

from collections.abc import Mapping, Sequence

import discord

from utils.embeds.style import Style
from utils.embeds.values import count_kills, join_facts
from utils.models.roles import NamedTerms, RuleTerms
from utils.models.rule_plans import RuleOutcome, RulePlan, RuleReport, RuleRow
from utils.models.scope import MemberId
from utils.models.texts import Command, Mention, Metres, Names, Number, Text, Value, plural, text

MOST_NAMED = 20

_OUTCOMES: Mapping[RuleOutcome, Text] = {
    RuleOutcome.GETS: text("gets it"),
    RuleOutcome.KEEPS: text("keeps it"),
    RuleOutcome.LOSES: text("loses it"),
    RuleOutcome.WAITS: text("waits, because I can't give the role"),
    RuleOutcome.BY_HAND: text("has it by hand; I never take it"),
    RuleOutcome.WITHHELD: text("someone took it away, so I don't give it again"),
    RuleOutcome.LACKS: text("doesn't reach it"),
    RuleOutcome.LEFT: text("isn't in this Discord server"),
}

_HELD_BACK = (RuleOutcome.WAITS, RuleOutcome.WITHHELD, RuleOutcome.BY_HAND)


def build_plan_embed(style: Style, plan: RulePlan) -> discord.Embed:
    """Return the preview of a new or changed rule, above the buttons Save and Cancel."""
    title = text("Save this new role rule?") if plan.before is None else text("Change this role rule?")
    lines = [style.write(_show_rule(plan.named))]
    if plan.before_named is not None:
        before = text("Until now: {rule}", rule=plan.before_named.describe())
        lines.append(style.write(before))
    lines += [style.write(note) for note in _list_notes(plan)]
    embed = style.build(title, lines=lines)
    for name, outcomes in (
        (text("Would get it"), (RuleOutcome.GETS,)),
        (text("Would lose it"), (RuleOutcome.LOSES,)),
        (text("Held back"), _HELD_BACK),
    ):
        style.add_field(embed, name, _name_members(plan.list_members(*outcomes)))
    return embed


def _show_rule(named: NamedTerms) -> Text:
    return text("{role}: {rule}", role=Mention("@&", named.terms.role_id), rule=named.describe())


def _list_notes(plan: RulePlan) -> list[Text]:
    """Return what an admin should know before they save a rule, or while they look at one."""
    notes = []
    if plan.rests is not None:
        notes.append(plan.rests.describe())
    if plan.obstacle is not None:
        notes.append(plan.obstacle.describe())
    if plan.before is not None and plan.before.terms.role_id != plan.rule.terms.role_id:
        role = Mention("@&", plan.before.terms.role_id)
        notes.append(text("Unless another rule is about {role}, I take it from everyone.", role=role))
    if plan.is_crown_unlinked:
        notes.append(text("The first on that board isn't linked, so no one gets the role right now."))
    return notes


def _name_members(member_ids: Sequence[MemberId]) -> Text:
    """Return a number of members and the first of them."""
    if not member_ids:
        return text("No one")
    names = Names(tuple(Mention("@", member_id) for member_id in member_ids[:MOST_NAMED]))
    if len(member_ids) > MOST_NAMED:
        more = len(member_ids) - MOST_NAMED
        return plural("{members} and {count} more", "{members} and {count} more", more, members=names)
    return text("{members}", members=names)


def build_rules_embed(style: Style, reports: Sequence[RuleReport], *, most: int) -> discord.Embed:
    """Return the rules of one page, each with its holders and what is in its way."""
    lines = [style.write(_show_report(report)) for report in reports]
    none = text("No role rule yet. Make one with {add}.", add=Command("roles add"))
    embed = style.build(text("Role rules"), none, lines=lines)
    return style.add_footer(embed, text("The tier allows {most} rules.", most=Number(most)))


def _show_report(report: RuleReport) -> Text:
    facts: list[Value] = [plural("{count} holder", "{count} holders", report.holders)]
    if report.waiting:
        facts.append(plural("{count} change waits", "{count} changes wait", report.waiting))
    state = join_facts(facts)
    rule = _show_rule(report.named)
    reasons = [one.describe() for one in (report.rests, report.obstacle) if one is not None]
    if not reasons:
        return text("{rule}\n-# {state}", rule=rule, state=state)
    return text("{rule}\n-# {state}\n⚠️ {reason}", rule=rule, state=state, reason=reasons[0])


def build_rows_embed(style: Style, plan: RulePlan, rows: Sequence[RuleRow]) -> discord.Embed:
    """Return one page of members, with their figures and what a rule means for them."""
    head = [style.write(_show_rule(plan.named)), *map(style.write, _list_notes(plan)), ""]
    lines = [style.write(_show_row(plan.rule.terms, row)) for row in rows]
    none = style.write(text("No member has linked a player yet."))
    return style.build(text("Preview of a role rule"), lines=[*head, *(lines or [none])])


def _show_row(terms: RuleTerms, row: RuleRow) -> Text:
    facts: list[Value] = [_OUTCOMES[row.outcome], *_list_figures(terms, row)]
    return text("{member}: {facts}", member=Mention("@", row.member_id), facts=join_facts(facts))


def _list_figures(terms: RuleTerms, row: RuleRow) -> list[Value]:
    """Return the figures that the conditions of a rule ask for."""
    found: list[Value] = []
    figures = row.figures
    if terms.kills is not None or terms.kd is not None:
        found.append(count_kills(figures.kills))
    if terms.kd is not None and figures.ratio is not None:
        found.append(text("K/D {ratio}", ratio=Number(figures.ratio, 2)))
    if terms.longest is not None:
        found.append(Metres(figures.longest))
    if terms.streak is not None:
        found.append(text("streak {number}", number=Number(figures.streak)))
    if terms.level is not None:
        found.append(text("level {number}", number=Number(figures.level)))
    if terms.rank is not None and figures.place is not None:
        found.append(text("place {number}", number=Number(figures.place)))
    return found
