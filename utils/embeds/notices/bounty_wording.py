"""The bot's words for bounties: titles and lines of the bounties channel, by what happened.

Lines take ``{target}``, ``{amount}`` and ``{by}``: the house or the member who placed it, or the player who
made the kill; ``{By}`` where a sentence begins. All are escaped and bold when they arrive here. As in
``death_wording``, the choice depends on a pool's length.
"""

from collections.abc import Mapping, Sequence

from utils.models.notices.bounties import BountyEvent

TITLES: Mapping[BountyEvent, Sequence[str]] = {
    BountyEvent.PLACED: (
        "Wanted",
        "A price on a head",
        "Dead, not alive",
        "New paper on the wall",
        "Somebody pays",
        "The hunt is open",
        "Contract posted",
        "Fair game",
        "Money talks",
        "Marked",
    ),
    BountyEvent.AUTO: (
        "Too good to live",
        "The house puts up a price",
        "Public enemy",
        "A streak worth ending",
        "Stop this one",
        "Out of control",
        "The north wants silence",
        "Top of the list",
        "Open season",
        "Nobody is safe",
    ),
    BountyEvent.CLAIMED: (
        "Bounty claimed",
        "Paid in full",
        "Contract fulfilled",
        "Job done",
        "Cash on the table",
        "The hunt is over",
        "Head delivered",
        "Blood for emeralds",
        "Name crossed out",
        "Collected",
    ),
    BountyEvent.EXPIRED: (
        "Still breathing",
        "The paper fades",
        "Nobody dared",
        "Time is up",
        "Off the hook",
        "Outlived the price",
        "The hunters go home",
        "Luck held",
        "Not this time",
        "Contract void",
    ),
}

LINES: Mapping[BountyEvent, Sequence[str]] = {
    BountyEvent.PLACED: (
        "{By} pays {amount} for the life of {target}.",
        "{target} is worth {amount} to {by}, cold.",
        "{By} laid {amount} on the table. {target} is the job.",
        "Bring down {target} and take {amount} from {by}.",
        "{By} wants {target} in the ground and pays {amount}.",
        "The tags of {target} buy {amount}, says {by}.",
        "{By} has {amount} and a grudge against {target}.",
        "{target} made an enemy: {by} offers {amount}.",
        "For {amount} from {by}, somebody will find {target}.",
        "{By} put {amount} on {target}. Good hunting.",
    ),
    BountyEvent.AUTO: (
        "{By} pays {amount} to the player who stops {target}.",
        "{target} leaves bodies everywhere. {By} offers {amount}.",
        "Nobody stands up to {target}. {By} adds {amount} for courage.",
        "{target} has had enough luck, says {by}, and lays out {amount}.",
        "End the run of {target} and {by} counts out {amount}.",
        "{By} put {amount} on {target}: the woods are getting crowded with graves.",
        "{target} hunts the north. {By} pays {amount} for the hunter.",
        "{amount} from {by} for the one who makes {target} bleed.",
        "{By} is tired of {target}. The price is {amount}.",
        "Every wolf falls. {By} pays {amount} for {target}.",
    ),
    BountyEvent.CLAIMED: (
        "{By} brought down {target} and takes {amount}.",
        "{By} turned {target} into {amount}.",
        "{target} is down. {amount} go to {by}.",
        "{By} found {target} first and collects {amount}.",
        "{amount} for {by}. Nothing left for {target}.",
        "{By} did the job on {target}: {amount}, cash.",
        "The price of {target} was {amount}. {By} earned it.",
        "{By} came for {target} and left with {amount}.",
        "{target} ran out of road. {By} ran off with {amount}.",
        "{By} delivered {target}. {amount} paid.",
    ),
    BountyEvent.EXPIRED: (
        "{target} outlived the price of {amount}.",
        "Nobody earned {amount}. {target} walks.",
        "{target} is still out there; {amount} go back.",
        "The {amount} on {target} found no taker.",
        "{target} kept low until the paper faded. {amount} returned.",
        "No shot was worth {amount}: {target} lives.",
        "The hunters came home without {target}, and without {amount}.",
        "{target} was harder to find than {amount} to keep.",
        "{amount} wait for another name. {target} is free.",
        "Time ran out before {target} did. {amount} go home.",
    ),
}

HOUSE = "the house"
"""Who pays for bounties that no member placed."""
