"""The buckets of what is wrong with a school's data: what each means, and what to change in the MIS (R28). Pure."""

from typing import Final

import msgspec

from sync.pipeline.roster import Fault


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of fault, in words for the person who mends it; `{mis}` in `change` is the school's own system."""

    key: str  # its part of an address
    title: str
    means: str
    change: str
    faults: frozenset[Fault] = frozenset()  # none where it is not refusals that lie in it

    def to_change(self, mis: str) -> str:
        """Return what to change, and where."""
        return self.change.format(mis=mis)


NO_EMAIL: Final = Bucket(
    key="no-email",
    title="No e-mail address",
    means="There is no address in the MIS, so nobody can be invited and no mail arrives. Students count only in years "
    "that may sign in.",
    change="Fill in the e-mail field of the person in {mis}. The next sync takes it in place; nothing is lost.",
)
SHARED: Final = Bucket(
    key="shared",
    title="One address, two people",
    means="Two people have the same address. Whoever had it first keeps it, the other has none: each needs their own.",
    change="Give one of the two another address in the e-mail field in {mis}.",
    faults=frozenset({Fault.SHARED_ADDRESS}),
)
ROLE_MAILBOX: Final = Bucket(
    key="role-mailbox",
    title="An office’s mailbox given for many people",
    means="One address stands with many people, so it is nobody’s own. Whoever reads it could see all their children.",
    change="Give each person their own address in the e-mail field in {mis}, or leave the field empty.",
    faults=frozenset({Fault.ROLE_MAILBOX}),
)
DUPLICATES: Final = Bucket(
    key="duplicates",
    title="Possibly one person, entered twice",
    means="Two guardians of one student have the same name or the same telephone. A couple may well share a telephone: "
    "then nothing is wrong. We never merge people by ourselves.",
    change="If it is one person, keep one contact in {mis} and move the children to it.",
)
STAFF: Final = Bucket(
    key="staff",
    title="Staff not in the last feeds",
    means="The MIS no longer names them. They stay until somebody decides, because many systems leave people out.",
    change="Put them back in {mis} if they still work here; if they have left, delete them here.",
)
CHARACTERS: Final = Bucket(
    key="characters",
    title="Names with broken letters",
    means="A name looks as if it was read in the wrong character set on its way into the MIS: “MuÃ±oz” for “Muñoz”.",
    change="Type the name anew in {mis}. Where there are many, ask support to review them.",
)
REFUSED: Final = (
    Bucket(
        key="malformed",
        title="Malformed e-mail addresses",
        means="What stands in the e-mail field cannot be an address, so these people have none.",
        change="Correct the e-mail field in {mis}: one address, with an @ and a whole domain.",
        faults=frozenset({Fault.EMAIL}),
    ),
    Bucket(
        key="placeholder",
        title="Words instead of an e-mail address",
        means="“n/a”, “none@none.com” and the like only say that there is no address.",
        change="Put the real address in the e-mail field in {mis}, or leave the field empty.",
        faults=frozenset({Fault.PLACEHOLDER}),
    ),
    Bucket(
        key="blocked-domain",
        title="Guardians with an address of the school",
        means="The school does not let guardians in with an address on its own domain, so these have none.",
        change="Put a personal address in the contact’s e-mail field in {mis}.",
        faults=frozenset({Fault.BLOCKED_DOMAIN}),
    ),
    Bucket(
        key="unknown-domain",
        title="Staff whose domain is not recognised",
        means="The address is on none of the school’s domains, so no staff login is made.",
        change="Put the school’s own address in the e-mail field of the member of staff in {mis}, or ask support to "
        "add the domain.",
        faults=frozenset({Fault.UNKNOWN_DOMAIN}),
    ),
    Bucket(
        key="gone",
        title="Addresses that are gone",
        means="The MIS gave an address and now gives none. The one we know stays in use until somebody decides.",
        change="Put the address back in the e-mail field in {mis}, or a new one in its place.",
        faults=frozenset({Fault.ADDRESS_GONE}),
    ),
    Bucket(
        key="declined",
        title="Addresses whose owner said no",
        means="The owner of the address says that they are not this person, so it is no way in.",
        change="Ask the family for their address and correct the e-mail field in {mis}.",
        faults=frozenset({Fault.DECLINED}),
    ),
    Bucket(
        key="nameless",
        title="Without a name",
        means="There is nothing to call them, so they were not taken. A note or a need without a word lies here too.",
        change="Fill in the name fields in {mis}.",
        faults=frozenset({Fault.NAMELESS}),
    ),
    Bucket(
        key="unreadable",
        title="Rows that cannot be read",
        means="The row is there and says something that cannot be: whoever it names stays as they were.",
        change="Look the row up in {mis}, correct the field that is named, and sync again.",
        faults=frozenset({Fault.UNREADABLE, Fault.NO_REFERENCE, Fault.TWICE}),
    ),
    Bucket(
        key="dangling",
        title="Links that lead nowhere",
        means="A contact, class place or note names somebody who is not in the MIS’s lists, so it was not taken.",
        change="Add the missing person or class to the lists of {mis}, or remove the link there.",
        faults=frozenset({Fault.DANGLING}),
    ),
    Bucket(
        key="dates",
        title="Dates that cannot be",
        means="A date of birth lies before 1900 or in the future; we keep the one that we knew before.",
        change="Correct the date of birth in {mis}.",
        faults=frozenset({Fault.DATE}),
    ),
    Bucket(
        key="too-long",
        title="Texts too long for what they should be",
        means="A name or another short field holds far too much, mostly because a column has slipped. Nothing is cut.",
        change="Shorten the field in {mis}, or look at the columns of the export.",
        faults=frozenset({Fault.TOO_LONG}),
    ),
    Bucket(
        key="control-characters",
        title="Invisible control characters",
        means="Something that cannot be seen was pasted into a field. It was left out, the rest was taken.",
        change="Type the field anew in {mis} instead of pasting it.",
        faults=frozenset({Fault.CONTROL_CHARACTERS}),
    ),
)
# In the order of the page: what keeps most people out comes first.
BUCKETS: Final = (
    NO_EMAIL,
    *REFUSED[:2],
    SHARED,
    ROLE_MAILBOX,
    *REFUSED[2:6],
    DUPLICATES,
    STAFF,
    CHARACTERS,
    *REFUSED[6:],
)
BY_KEY: Final = {bucket.key: bucket for bucket in BUCKETS}
BY_FAULT: Final = {fault: bucket for bucket in BUCKETS for fault in bucket.faults}
# Each leaves a person without the address that the MIS gives, so "no address" is not what is wrong with them.
NOT_USED: Final = frozenset(
    {
        *(Fault.EMAIL, Fault.PLACEHOLDER, Fault.SHARED_ADDRESS, Fault.ROLE_MAILBOX, Fault.DECLINED),
        *(Fault.BLOCKED_DOMAIN, Fault.UNKNOWN_DOMAIN),
    }
)

MANY: Final = 5
_OFFICES: Final = frozenset(
    (
        *("office", "admin", "info", "reception", "school", "contact", "contacts", "enquiries", "mail", "parents"),
        *("admissions", "secretary", "noreply", "no-reply", "head", "registrar"),
    )
)


def is_role_mailbox(address: str, people: int) -> bool:
    """Whether an address of this many people is an office’s: five of them, or three at `office@` and its like."""
    return people >= MANY or (people >= 3 and address.partition("@")[0] in _OFFICES)
