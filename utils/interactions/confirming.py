"""Questions before what cannot be taken back."""

from utils.interactions.context import KillfeedContext
from utils.interactions.services import Services
from utils.interactions.views import ConfirmView
from utils.models.texts import Text


def build_confirmation(ctx: KillfeedContext, services: Services, label: Text) -> ConfirmView:
    """Return the buttons of a question to the user of a command: yes, with a label, and no."""
    view = ConfirmView(
        label,
        invoker_id=ctx.author.id,
        live=services.views,
        replies=services.replies,
        limits=services.limits,
        words=ctx.embeds.words,
    )
    view.shown_in = ctx.interaction
    return view
