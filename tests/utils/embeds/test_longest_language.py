"""Automatic posts with the longest words of all languages."""

from datetime import UTC, datetime

import pytest

from tests.fakes.longest_language import LANGUAGE, LANGUAGES, list_cut
from utils.embeds.factory import EmbedFactory
from utils.embeds.limits import MAX_CHARACTERS, count_characters
from utils.embeds.notices.registry import NOTICE_LOOKS
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKind
from utils.models.post_styles import PostShape, PostStyle

AT = datetime(2025, 5, 1, 18, 5, tzinfo=UTC)
FACTORY = EmbedFactory(languages=LANGUAGES)


@pytest.mark.parametrize("kind", list(NOTICE_KINDS), ids=lambda kind: kind.name)
async def test_notice_is_not_cut(kind: NoticeKind) -> None:
    """Every sample in every shape has all of its parts, and fits in a message."""
    longest = await FACTORY.speak(LANGUAGE)
    samples = NOTICE_LOOKS[kind.name].samples(FACTORY.style, event_id=b"1", server_name="North_*", at=AT)
    for style in PostStyle:
        for sample in samples:
            shape = PostShape(style, names_servers=True)
            pairs = zip(
                FACTORY.build_feed([sample], shape).embeds,
                longest.build_feed([sample], shape).embeds,
                strict=True,
            )
            for english, shown in pairs:
                assert list_cut(english.to_dict(), shown.to_dict()) == []
                assert count_characters(shown) <= MAX_CHARACTERS
