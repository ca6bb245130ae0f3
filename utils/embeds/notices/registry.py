"""The look of each kind of notice, by its name in ``utils/models/notices/kinds.py``."""

from collections.abc import Mapping
from typing import Any

from utils.embeds.notices.bounties import BOUNTY_LOOK
from utils.embeds.notices.deaths import DEATH_LOOK
from utils.embeds.notices.levels import LEVEL_LOOK, XP_EVENT_LOOK
from utils.embeds.notices.look import NoticeLook, VariantLook
from utils.embeds.notices.recaps import RECAP_LOOK
from utils.embeds.notices.restarts import RESTART_LOOK
from utils.embeds.notices.seasons import SEASON_LOOK
from utils.embeds.notices.visits import VISIT_LOOK
from utils.embeds.notices.world import WORLD_LOOK

NoticeLooks = Mapping[str, NoticeLook[Any]]

NOTICE_LOOKS: NoticeLooks = {
    "death": DEATH_LOOK,
    "bounty": BOUNTY_LOOK,
    "visit": VISIT_LOOK,
    "world": WORLD_LOOK,
    "restart": RESTART_LOOK,
    "season": SEASON_LOOK,
    "recap": RECAP_LOOK,
    "level": LEVEL_LOOK,
    "xp_event": XP_EVENT_LOOK,
}
"""All looks."""


def list_pictured(looks: NoticeLooks = NOTICE_LOOKS) -> list[VariantLook]:
    """Return the looks that have a picture."""
    variants = [variant for look in looks.values() for variant in look.variants.values()]
    return [variant for variant in variants if variant.picture]
