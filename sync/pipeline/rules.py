"""What a school has decided about its roster: the plan's only knowledge of the school, as a value."""

from typing import Final

import msgspec

# Classes are rebuilt every September, people are not: lists of who sits where may change by more before a person looks,
# yet by less than the half that a feed cut in two would lose.
CLASS_CHURN_PERCENT: Final = 40


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one school; every field is a setting a person can see and change."""

    domains: frozenset[str] = frozenset()  # R38, R39: matched exactly
    block_own_domains_for_guardians: bool = False  # R42
    primary_years: frozenset[str] = frozenset()  # R58
    student_access_years: frozenset[str] = frozenset()  # R59
    staff_leavers_authoritative: bool = False  # R49
    medical_synced: bool = True  # R35
    leaving_percent: int = 5  # R12: more than this share of what we hold …
    leaving_count: int = 5  # … and more than this many, in one night, waits for a person
    rollover: bool = False  # tonight the year rolls over: classes and who sits in them may all change, people may not

    def student_may_sign_in(self, year: str | None) -> bool:
        """Whether a student of this year uses a real address (R58, R59)."""
        return year in self.student_access_years and year not in self.primary_years
