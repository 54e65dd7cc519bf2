"""The words in which a cast is written down: a child, an adult, a member of staff, a tie, and what happens to them."""

import datetime
from typing import NamedTuple

from local.world.model import Alters, Arrives, Change, GuardianTruth, StaffTruth, StudentTruth, TieTruth, Truth


class Scene(NamedTuple):
    """What happens to the cast on one night, and why it is told. See `Event` for `cosmetic`."""

    night: int
    why: str
    changes: tuple[Change, ...]
    cosmetic: bool = False


class Coach(NamedTuple):
    """Somebody whom the school adds by hand: never in any feed (R36)."""

    given_name: str
    family_name: str
    email: str


def child(
    key: str, ref: str, name: str, born: str, form: str, *, year: str = "", email: str = "", upn: str = ""
) -> StudentTruth:
    """Write down a student; without `year` the form says it ("7B" is "Year 7")."""
    given, family = name.split(" ", 1)
    return StudentTruth(
        key=key,
        ref=ref,
        given_name=given,
        family_name=family,
        date_of_birth=datetime.date.fromisoformat(born),
        year=year or f"Year {form[:-1]}",
        form=form,
        email=email,
        upn=upn,
    )


def adult(key: str, ref: str, name: str, email: str = "", *, home: str = "", phone: str = "") -> GuardianTruth:
    """Write down a contact, named "Title Given Family"; `home` is the household, by default one of their own."""
    title, given, family = name.split(" ", 2)
    return GuardianTruth(
        key=key,
        ref=ref,
        title=title,
        given_name=given,
        family_name=family,
        email=email,
        phone=phone,
        household=home or f"home-{key}",
    )


def staff(key: str, ref: str, name: str, email: str, post: str) -> StaffTruth:
    """Write down a member of staff, named "Title Given Family"."""
    title, given, family = name.split(" ", 2)
    return StaffTruth(key=key, ref=ref, title=title, given_name=given, family_name=family, email=email, post=post)


def tie(student: str, guardian: str, relationship: str, priority: int = 1, *, responsible: bool = True) -> TieTruth:
    """Write down what a guardian (key) is to a student (key)."""
    return TieTruth(
        student=student,
        guardian=guardian,
        relationship=relationship,
        priority=priority,
        parental_responsibility=responsible,
    )


def arrive(*records: Truth) -> tuple[Change, ...]:
    """Let all of these arrive."""
    return tuple(Arrives(record) for record in records)


def new_address(guardian: str, email: str) -> Change:
    """Let a guardian (key) have another address; "" is none."""
    return Alters(GuardianTruth, guardian, {"email": email})
