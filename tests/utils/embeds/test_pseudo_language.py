"""Automatic posts are in the guild's language: notices and alerts."""

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from tests.fakes.pseudo_language import LANGUAGE, LANGUAGES, list_bare
from utils.embeds.factory import EmbedFactory
from utils.embeds.notices.registry import NOTICE_LOOKS
from utils.embeds.style import Style
from utils.embeds.theme import NORTHERN
from utils.models.guilds import ChannelKind
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKind
from utils.models.post_styles import PostShape, PostStyle
from utils.models.texts import Command, Text, text

AT = datetime(2025, 5, 1, 18, 5, tzinfo=UTC)
FACTORY = EmbedFactory(languages=LANGUAGES)


@pytest.mark.parametrize("kind", list(NOTICE_KINDS), ids=lambda kind: kind.name)
async def test_notice_holds_nothing_but_texts_and_values(kind: NoticeKind) -> None:
    """Every variant of every look is built in a language that reveals bare English."""
    embeds = await FACTORY.speak(LANGUAGE)
    style = Style(NORTHERN, embeds.words)
    samples = NOTICE_LOOKS[kind.name].samples(style, event_id=b"1", server_name="North_*", at=AT)
    first = samples[0]
    field = next(one.name for one in fields(kind.model) if getattr(first, one.name) is first.variant)
    posts = [replace(sample, **{field: variant}) for variant in kind.variants for sample in samples]
    shapes = [PostShape(style, names_servers=True) for style in PostStyle]
    shown = [embeds.build_feed([post], shape).embeds for shape in shapes for post in posts]
    assert [bare for one in shown for embed in one for bare in list_bare(embed.to_dict())] == []


@pytest.mark.parametrize(
    "said", [text("See {status}.", status=Command("premium status")), text("{x}", x="of a host")]
)
async def test_alert_and_sample_hold_nothing_but_texts_and_values(said: Text) -> None:
    """Their frames are texts, and so are their sentences."""
    embeds = await FACTORY.speak(LANGUAGE)
    sample = await embeds.build_sample(ChannelKind.ALERTS, "North", at=AT)
    shown = [embeds.build_alert(said, at=AT), *sample.embeds]
    assert [bare for embed in shown for bare in list_bare(embed.to_dict())] == []


def test_bare_english_is_found() -> None:
    """The check finds bare English; a picture's address and a colour are not words."""
    payload = {
        "embeds": [{"title": "⟦Áll ⟪Ann⟫··⟧ · 12", "description": "left", "url": "https://example.org"}],
        "components": [{"components": [{"label": "Next"}]}],
    }
    assert list_bare(payload) == ["left", "Next"]
