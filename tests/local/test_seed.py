"""Whom the demo gives a role to: somebody who is there on every night, and can sign in."""

import pytest

from local.seed import officer_of
from local.world.build import world
from local.world.model import NIGHTS, SchoolWorld


@pytest.mark.parametrize("told", world().schools, ids=lambda told: told.slug)
def test_every_school_has_an_attendance_officer_on_every_night(told: SchoolWorld) -> None:
    key = officer_of(told)
    for night in NIGHTS:
        person = told.at(night).staff[key]
        assert person.email.partition("@")[2] in told.domains
        assert key != told.super_user
