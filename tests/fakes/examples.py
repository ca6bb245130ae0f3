"""How many examples a test takes: few in every run, many with ``--hypothesis-profile=deep``."""

from hypothesis import HealthCheck, settings

QUICK, DEEP = "quick", "deep"


def register_profiles() -> None:
    """Make both profiles, and use the quick one unless pytest gets another.

    An example has no deadline, because a machine may stand still.
    """
    for name, number in ((QUICK, 30), (DEEP, 500)):
        settings.register_profile(
            name, max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        )
    settings.load_profile(QUICK)


def choose_examples(*, quick: int, deep: int) -> int:
    """Return the number for a test whose examples take long, or that has its own way to tell them."""
    return deep if settings.get_current_profile_name() == DEEP else quick
