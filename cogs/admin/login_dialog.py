"""The dialog about a login: a form, a test, and buttons that go on where the test fails.

Nothing is typed twice but the secret: **Try again** opens the form with all other fields filled in. A login
that leads to several game servers has a button for each, and **Save anyway** stores a server whose logs were
not found. Those two use the encrypted login of the test, for the host key that it saw.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import discord
from structlog import get_logger

from cogs.admin.server_form import LoginForm, TypedLogin
from utils.error_sink import ErrorSink, ErrorSource, Where
from utils.errors import InvalidInputError, RemoteError, StorageError, UserFacingError
from utils.interactions.context import KillfeedContext
from utils.interactions.reaching import UNREACHED
from utils.interactions.views import InvokerView
from utils.models.reading import ServerPlace
from utils.models.servers import Credentials
from utils.models.texts import Text, text
from utils.services.servers.typed_servers import LoginFields

DIALOG_SECONDS = 10 * 60.0  # to look up a password; a message can be edited for fifteen minutes
CHECK_SECONDS = 1.5  # a form must open within three seconds
MOST_PLACES = 20  # four rows of buttons; the fifth has the others

GoOn = Callable[[KillfeedContext], "Awaitable[Outcome]"]
"""Goes on with a failed test, in the context of a press."""

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a try, and the ways to go on.

    Attributes:
        fields: of the form that **Try again** opens; None without that button.
        places: the game servers to choose from, and ``choose`` goes on with one of them.
        keep: stores the server without its logs; None if that would not help.
        view: other controls below the answer.
    """

    embed: discord.Embed
    fields: LoginFields | None = None
    places: tuple[ServerPlace, ...] = ()
    choose: "Callable[[ServerPlace, KillfeedContext], Awaitable[Outcome]] | None" = None
    keep: GoOn | None = None
    view: discord.ui.View | None = None


class LoginDialog:
    """Asks for a login until it works or is given up.

    Args:
        title: of the form.
        submit: tries a login.
        fields: of the form that **Try again** opens, as long as no other ones were typed.
    """

    def __init__(
        self,
        title: Text,
        submit: Callable[[KillfeedContext, TypedLogin], Awaitable[Outcome]],
        *,
        fields: LoginFields | None,
    ) -> None:
        self._title = title
        self._submit = submit
        self._fields = fields
        self._shown: _OutcomeView | None = None

    async def open(self, ctx: KillfeedContext, fields: LoginFields | None = None) -> None:
        """Answer a command or a press with the form; the first one asks for the secret alone."""
        await ctx.send_modal(LoginForm(self._title, self._take, fields=fields, opened_in=ctx))

    async def show(self, ctx: KillfeedContext, outcome: Outcome) -> None:
        """Answer with an outcome and its buttons."""
        view = self._build_view(ctx, outcome)
        if view is None:
            await ctx.respond(embed=outcome.embed)
        else:
            await ctx.respond(embed=outcome.embed, view=view)

    async def go_on(self, ctx: KillfeedContext, work: GoOn) -> None:
        """Do what a button stands for, and show the outcome in its message."""
        with ctx.services.limits.working(ctx.member_id):
            await ctx.verify()
            outcome = await self._try(ctx, work, self._fields)
        view = self._build_view(ctx, outcome)
        await ctx.interaction.edit_original_response(embed=outcome.embed, view=view)

    async def _take(self, sent: KillfeedContext, login: TypedLogin) -> None:
        self._fields = login.fields or self._fields
        outcome = await self._try(sent, partial(self._test, login), self._fields)
        await self._retire()
        await self.show(sent, outcome)

    async def _test(self, login: TypedLogin, sent: KillfeedContext) -> Outcome:
        if login.credentials == Credentials():
            raise InvalidInputError(text("Fill in the password or the private key."))
        return await self._submit(sent, login)

    async def _try(self, ctx: KillfeedContext, work: GoOn, fields: LoginFields | None) -> Outcome:
        """Return what some work came to; a refusal that another try can mend has the button for it."""
        try:
            return await work(ctx)
        except (UserFacingError, RemoteError) as error:
            may_be_mended = isinstance(error, InvalidInputError | RemoteError)
            ctx.services.replies.report(ctx.interaction, error)
            return Outcome(ctx.services.replies.build(error, ctx.embeds), fields if may_be_mended else None)

    def _build_view(self, ctx: KillfeedContext, outcome: Outcome) -> discord.ui.View | None:
        if outcome.fields is None and not outcome.places and outcome.keep is None:
            self._shown = None
            return outcome.view
        self._shown = _OutcomeView(ctx, self, outcome)
        return self._shown

    async def _retire(self) -> None:
        """End the buttons of an answer that a sent form has made old."""
        if self._shown is not None:
            await self._shown.retire()


class _OutcomeView(InvokerView):
    """The buttons below a test that failed."""

    def __init__(self, ctx: KillfeedContext, dialog: LoginDialog, outcome: Outcome) -> None:
        super().__init__(ctx, seconds=DIALOG_SECONDS)
        self._dialog = dialog
        self._outcome = outcome
        self._is_busy = False
        primary, secondary = discord.ButtonStyle.primary, discord.ButtonStyle.secondary
        if outcome.choose is not None:
            for place in outcome.places[:MOST_PLACES]:
                self.add_button(place.label, primary, partial(self._go_on, partial(outcome.choose, place)))
        if outcome.fields is not None:
            style = secondary if outcome.places else primary
            self.add_button(text("Try again"), style, self._open_form)
        if outcome.keep is not None:
            self.add_button(text("Save anyway"), secondary, partial(self._go_on, outcome.keep))

    async def retire(self) -> None:
        """Show that the buttons have ended."""
        if not self.is_finished():
            await self.on_timeout()

    async def _open_form(self, interaction: discord.Interaction) -> None:
        await self._dialog.open(self._ctx.follow(interaction), self._outcome.fields)

    async def _go_on(self, work: GoOn, interaction: discord.Interaction) -> None:
        """Do the work once, although its button may be pressed twice."""
        if self._is_busy:
            await self.take_press(interaction)
            return
        self._is_busy = True
        try:
            await self.take_press(interaction)
        except UNREACHED:
            self._is_busy = False  # nothing was done, and the next press counts
            raise
        self.end()
        await interaction.edit_original_response(view=self)
        await self._dialog.go_on(self._ctx.follow(interaction), work)


async def check_before_form(check: Awaitable[object], errors: ErrorSink) -> None:
    """Wait for a check as long as a form may wait; what it had no time for is checked after the form.

    Raises:
        UserFacingError: the check refused.
    """
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check
    except (TimeoutError, StorageError) as failure:
        logger.info("a form opens unchecked", problem=f"{type(failure).__name__}: {failure}")
        if isinstance(failure, StorageError):
            errors.report(failure, where=Where(source=ErrorSource.DATABASE, name="form"))
