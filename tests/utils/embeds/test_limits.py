"""Limits: for any input, Discord accepts the output."""

import discord
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.examples import choose_examples
from utils.embeds.limits import MAX_CHARACTERS, count_characters, cut_lines, fit_embed, fit_embeds

TEXT = st.builds(
    lambda word, times: word * times, st.text("ab \n🎯", min_size=1, max_size=7), st.integers(1, 900)
)


@st.composite
def _embeds(draw: st.DrawFn) -> discord.Embed:
    embed = discord.Embed(title=draw(TEXT), description=draw(st.none() | TEXT), colour=5)
    for _ in range(draw(st.integers(0, 30))):
        embed.add_field(name=draw(TEXT), value=draw(TEXT), inline=draw(st.booleans()))
    if draw(st.booleans()):
        embed.set_footer(text=draw(TEXT))
        embed.set_author(name=draw(TEXT))
    return embed


@settings(max_examples=choose_examples(quick=20, deep=400), deadline=None)
@given(st.lists(_embeds(), min_size=1, max_size=12))
def test_fitted_embeds_keep_every_limit(embeds: list[discord.Embed]) -> None:
    """Any embeds are cut to Discord's limits, and the first one always stays."""
    fitted = fit_embeds(embeds)
    assert 1 <= len(fitted) <= 10
    assert sum(count_characters(embed) for embed in fitted) <= MAX_CHARACTERS
    for embed in fitted:
        assert len(embed.title or "") <= 256
        assert len(embed.description or "") <= 4096
        assert len(embed.fields) <= 25
        assert all(len(field.name) <= 256 and len(field.value) <= 1024 for field in embed.fields)


def test_embed_within_the_limits_is_unchanged() -> None:
    """An embed within the limits does not change."""
    embed = discord.Embed(title="t", description="d", colour=5).add_field(name="n", value="v", inline=False)
    embed.set_footer(text="f").set_thumbnail(url="attachment://kill.png").set_author(name="a")
    assert fit_embed(embed).to_dict() == embed.to_dict()


def test_sum_counts_all_texts_and_wide_characters_twice() -> None:
    """Title, description, fields, footer and author count; an emoji counts twice."""
    embed = discord.Embed(title="1234", description="🎯").add_field(name="56", value="7")
    embed.set_footer(text="89").set_author(name="0")
    assert count_characters(embed) == 4 + 2 + 3 + 2 + 1


def test_text_is_cut_between_lines_or_words() -> None:
    """Lines are cut only if necessary, so timestamps and escapes do not break."""
    assert cut_lines("one two\nthree four", 12) == "one two\n…"
    assert cut_lines("one two three", 9) == "one two…"
    assert cut_lines("abc\\\\\\def", 6) == "abc…"
    assert cut_lines("short", 9) == "short"
