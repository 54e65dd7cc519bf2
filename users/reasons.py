"""Why somebody cannot come in, or cannot see a child: plain sentences with what to do about each. Pure.

A reason that blocks follows from the very facts on which the app decides (`users.queries`), so a page that shows
these and the rule that turns people away can never disagree: whoever has no blocking reason comes in.
"""

import dataclasses
import enum
from typing import Final, Literal

Kind = Literal["students", "guardians", "staff"]


class Do(enum.StrEnum):
    """What takes a reason away; a page makes a button of it, or says where to go instead."""

    CHANGE_IN_MIS = "change in MIS"
    CORRECT_EMAIL = "correct the e-mail"
    RESTORE = "restore"
    UNBLOCK = "unblock"
    TIE = "tie"
    RULES = "rules"
    DECIDE = "decide"
    OWNER = "owner"  # the owner of the address, by signing in
    SUPPORT = "support"
    WAIT = "wait"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reason:
    """One reason: what is so, what to do, and whether it keeps somebody out (else it is only worth knowing)."""

    text: str
    remedy: str
    do: Do
    blocks: bool = True
    field: str = ""  # to change in the MIS


class Login(enum.StrEnum):
    """How a person's login stands: the membership on which the app decides, in one word."""

    NONE = "none"
    WAITS = "waits"
    REFUSED = "refused"
    OPEN = "open"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """All that decides whether one person comes in."""

    kind: Kind
    login: Login = Login.NONE
    account_active: bool = True
    activated: bool = False
    school_active: bool = True
    left: bool = False
    missing: bool = False
    deleted: bool = False  # by hand
    by_hand: bool = False
    dummy: bool = False
    address: str | None = ""  # as the MIS says it; None: not shared
    malformed: bool = False  # the last sync could not use what the MIS says
    mailbox: bool = False  # many people have this one address, so the last sync gave it to none
    held: bool = False  # the last sync left something about this person to a decision
    taken_by: str = ""  # whose address it is already
    own_domain: bool = False  # the address is on one of the school's domains
    domains_blocked: bool = False  # … and guardians may not use those
    primary: bool = False  # the student's year is one of young children
    year_open: bool = False  # students of this year sign in


NO_PAGES: Final = Reason(
    text="There are no pages for students yet.",
    remedy="Nothing to do: their address is kept, and guardians and staff see what concerns them.",
    do=Do.WAIT,
)
NO_GUARDIAN: Final = Reason(
    text="No guardian of this school has their address, so this login has no parent mode.",
    remedy="If your MIS names them as a contact with another address, that address is a login of its own. To join the "
    "two, give both records the same address there; or add them as a guardian by hand, from the student’s page.",
    do=Do.TIE,
    field="e-mail of the contact",
)


def entry(facts: Entry) -> tuple[Reason, ...]:
    """Return why this person cannot come in, what blocks first, then what is worth knowing."""
    found = [*_school(facts), *_gone(facts), *_login(facts)]
    if facts.kind == "students":
        found.append(NO_PAGES)
    return (*found, *_worth_knowing(facts))


def blocked(reasons: tuple[Reason, ...]) -> bool:
    """Whether one of these keeps somebody out."""
    return any(reason.blocks for reason in reasons)


def _school(facts: Entry) -> list[Reason]:
    if facts.school_active:
        return []
    return [Reason(text="The school is suspended: nobody comes in.", remedy="Ask our support.", do=Do.SUPPORT)]


def _gone(facts: Entry) -> list[Reason]:
    if facts.deleted:
        text = "They were deleted by hand, and stay so whatever the MIS sends."
        return [Reason(text=text, remedy="Restore them here; their roles have to be granted anew.", do=Do.RESTORE)]
    if not facts.left:
        return []
    return [
        Reason(
            text="They have left the school.",
            remedy="If that is wrong, put their record back in your MIS: they return with everything they had.",
            do=Do.CHANGE_IN_MIS,
            field="the leaving date",
        )
    ]


def _login(facts: Entry) -> list[Reason]:
    match facts.login:
        case Login.OPEN:
            if facts.account_active:
                return []
            return [Reason(text="Their login is switched off.", remedy="Ask our support.", do=Do.SUPPORT)]
        case Login.WAITS:
            text = "The owner of this address has not yet said that they belong to this school."
            remedy = "They sign in with that address, and are asked."
            return [Reason(text=text, remedy=remedy, do=Do.OWNER)]
        case Login.REFUSED:
            return [
                Reason(
                    text="The owner of this address said that it is not them.",
                    remedy="The address in your MIS is most likely somebody else’s. Correct it there.",
                    do=Do.CHANGE_IN_MIS,
                    field="e-mail",
                )
            ]
        case Login.NONE:
            return [no_login(facts)]


def no_login(facts: Entry) -> Reason:
    """Return why nobody signs in as this person: why a dummy stands in, or why a real address makes no login."""
    if facts.dummy:
        return why_dummy(facts)
    if facts.kind == "staff" and not facts.own_domain:
        return Reason(
            text="Their address is on none of the school’s domains, so it makes no staff login.",
            remedy="Put their school address into your MIS, or ask our support to add the domain.",
            do=Do.CHANGE_IN_MIS,
            field="e-mail",
        )
    return Reason(text="Their login is not made yet.", remedy="It comes with the next sync.", do=Do.WAIT)


def why_dummy(facts: Entry) -> Reason:
    """Return why a placeholder stands in for this person's address (R29)."""
    if facts.kind == "students" and not facts.year_open:
        return _closed_year(facts)
    if facts.malformed or not facts.address:
        return _nothing_usable(facts)
    if facts.kind == "guardians" and facts.domains_blocked and facts.own_domain:
        return Reason(
            text="Their address is on the school’s own domain, which the school has blocked for parents.",
            remedy="Give a personal address in your MIS, or lift the block under the school’s rules.",
            do=Do.RULES,
            field="e-mail",
        )
    if facts.mailbox:
        return Reason(
            text="Many people have this one address, so it is an office’s and nobody’s way in.",
            remedy="Give each person an address of their own in your MIS.",
            do=Do.CHANGE_IN_MIS,
            field="e-mail",
        )
    if facts.taken_by:
        return Reason(
            text=f"Their address is {facts.taken_by}’s already, and whoever had it first keeps it.",
            remedy="Give each person an address of their own in your MIS.",
            do=Do.CHANGE_IN_MIS,
            field="e-mail",
        )
    if facts.held:
        text = "Their address waits for a person’s decision."
        return Reason(text=text, remedy="Decide it under Conflicts in Reception.", do=Do.DECIDE)
    text = "Your MIS says an address that can be used, and it is not here yet."
    return Reason(text=text, remedy="It comes with the next sync.", do=Do.WAIT)


def _closed_year(facts: Entry) -> Reason:
    if facts.primary:
        return Reason(
            text="Their year is a primary year: its students have no address of their own here.",
            remedy="Change the primary years under the school’s rules.",
            do=Do.RULES,
        )
    return Reason(
        text="Students of their year do not sign in at this school.",
        remedy="Ask our support to switch it on for this year.",
        do=Do.SUPPORT,
    )


def _nothing_usable(facts: Entry) -> Reason:
    if facts.by_hand:
        return Reason(
            text="No address was given when they were added by hand.",
            remedy="Correct their e-mail here.",
            do=Do.CORRECT_EMAIL,
        )
    if facts.malformed:
        text, remedy = "The address in your MIS is malformed or a placeholder.", "Put a real one there"
    elif facts.address is None:
        text, remedy = "Your MIS does not share e-mail addresses.", "Let it share them"
    else:
        text, remedy = "Your MIS has no address for them.", "Put one there"
    return Reason(text=text, remedy=f"{remedy}, or correct it here until it does.", do=Do.CORRECT_EMAIL, field="e-mail")


def _worth_knowing(facts: Entry) -> list[Reason]:
    found: list[Reason] = []
    if facts.missing:
        found.append(
            Reason(
                text="They were missing from the last complete feed. Nothing was taken away yet.",
                remedy="If they are still here, put them back in your MIS before the next sync.",
                do=Do.CHANGE_IN_MIS,
                blocks=False,
                field="the record itself",
            )
        )
    if facts.login is Login.OPEN and not facts.activated:
        found.append(
            Reason(
                text="They have never signed in.",
                remedy="They ask for a code at the sign-in page; it is sent to their address.",
                do=Do.OWNER,
                blocks=False,
            )
        )
    return found


# What a guardian may see of one student (R50, R69).


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sight:
    """All that decides whether one guardian sees one student; `tied` is whether there ever was a tie."""

    tied: bool = False
    ended: bool = False
    restricted: bool = False
    blocked: bool = False  # by the school, for safety
    blocked_why: str = ""
    child_left: bool = False
    no_responsibility: bool = False  # the MIS says so; it takes nothing away by itself


def sight(facts: Sight) -> tuple[Reason, ...]:
    """Return why this guardian cannot see this student, what blocks first, then what is worth knowing."""
    if not facts.tied:
        text = "They are not tied to this student."
        remedy = "Add the contact in your MIS, or tie them here by hand."
        return (Reason(text=text, remedy=remedy, do=Do.TIE, field="contacts of the student"),)
    return tuple(reason for reason in (*_tie(facts), _responsibility(facts)) if reason)


def _tie(facts: Sight) -> list[Reason]:
    found: list[Reason] = []
    if facts.blocked:
        text = f"The school has blocked this tie for safety: {facts.blocked_why}".rstrip(": ")
        found.append(Reason(text=text, remedy="Lift the block here, if it no longer holds.", do=Do.UNBLOCK))
    if facts.restricted:
        found.append(
            Reason(
                text="Your MIS records a restriction, such as a court order.",
                remedy="Only your MIS lifts it; the next sync brings that here.",
                do=Do.CHANGE_IN_MIS,
                field="the court order or restriction of the contact",
            )
        )
    if facts.ended:
        found.append(
            Reason(
                text="The tie has ended: your MIS no longer names them as a contact of this student.",
                remedy="Add the contact again in your MIS, or tie them here by hand.",
                do=Do.TIE,
                field="contacts of the student",
            )
        )
    if facts.child_left:
        found.append(
            Reason(
                text="The student has left the school.",
                remedy="If that is wrong, put the student back in your MIS.",
                do=Do.CHANGE_IN_MIS,
                field="the leaving date of the student",
            )
        )
    return found


def _responsibility(facts: Sight) -> Reason | None:
    if not facts.no_responsibility:
        return None
    return Reason(
        text="Your MIS says that they have no parental responsibility. That alone takes nothing away.",
        remedy="If they may see nothing, restrict the contact in your MIS, or block the tie here.",
        do=Do.CHANGE_IN_MIS,
        blocks=False,
    )
