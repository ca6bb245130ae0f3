"""The rules about bounties, over a guild in memory."""

import pytest

from tests.fakes.bounties import build_shelf
from tests.fakes.small_bot import Shelf
from utils.services.money.bounties.endings import BountyEndings
from utils.services.money.bounties.placing import BountyService


@pytest.fixture(name="shelf")
def _shelf() -> Shelf:
    return build_shelf()


@pytest.fixture(name="bounties")
def _bounties(shelf: Shelf) -> BountyService:
    return shelf.build_services().bounties


@pytest.fixture(name="endings")
def _endings(shelf: Shelf, bounties: BountyService) -> BountyEndings:
    assert bounties  # over the same storages
    return shelf.bounty_endings
