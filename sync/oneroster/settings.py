"""The settings that every OneRoster feed has: which school, how big a page, and what stands in the metadata."""

import dataclasses
from typing import Final

from sync.connector import demand_choices, setting

LARGEST_PAGE: Final = 5000
NOT_SAID: Final = "not shared"
NOTHING: Final = "nothing"
_IN_METADATA: Final = "Blank: the feed does not share it."


@dataclasses.dataclass(frozen=True, kw_only=True)
class RosterSettings:
    """What differs from school to school; OneRoster has no fields for most of it, so it stands in `metadata`."""

    school: str = setting(
        label="School", help="The sourcedId of the school's org. Needed where the feed holds several.", default=""
    )
    page_size: str = setting(label="Page size", help="Rows asked for at a time.", default="200")
    years: str = setting(
        label="Names of the years",
        help="What the school calls each grade: KG=Reception, 01=Year 1. A grade without a name stays as it is.",
        default="",
    )
    null_means: str = setting(
        label="A null e-mail, phone or grade means",
        help="Many services write null for what they do not tell. Only if yours writes it for what is empty, "
        "choose “nothing”: the school's own null then clears what we hold.",
        default=NOT_SAID,
        choices=(NOT_SAID, NOTHING),
    )
    year_key: str = setting(
        label="Year: metadata key", help="Blank: the first of the user's grades is taken.", default=""
    )
    form_key: str = setting(
        label="Form: metadata key", help="Blank: the form is the student's homeroom class.", default=""
    )
    upn_key: str = setting(label="UPN: metadata key", help=_IN_METADATA, default="")
    preferred_name_key: str = setting(
        label="Preferred name: metadata key", help="Blank: OneRoster 1.2 has a field of its own.", default=""
    )
    title_key: str = setting(label="Title: metadata key", help=_IN_METADATA, default="")
    relationship_key: str = setting(
        label="Relationship: metadata key", help="Blank: Parent, Guardian or Relative, by the role.", default=""
    )
    medical_key: str = setting(
        label="Medical: metadata key", help=f"Of the student or their demographics. {_IN_METADATA}", default=""
    )
    dietary_key: str = setting(
        label="Dietary: metadata key", help=f"Of the student or their demographics. {_IN_METADATA}", default=""
    )

    def __post_init__(self) -> None:
        demand_choices(self)
        self.check_page_size(LARGEST_PAGE)
        self.names_of_years()

    def check_page_size(self, largest: int) -> None:
        """Refuse a page size that is no number from 1 to `largest`.

        Raises:
            ValueError: it is none.
        """
        if not (self.page_size.isdecimal() and 1 <= int(self.page_size) <= largest):
            raise ValueError(f"page_size is between 1 and {largest}")

    def names_of_years(self) -> dict[str, str]:
        """Return what the school calls each grade.

        Raises:
            ValueError: an entry has no grade or no name.
        """
        pairs = [entry.partition("=") for entry in self.years.split(",") if entry.strip()]
        names = {grade.strip(): name.strip() for grade, _, name in pairs}
        if not all(names) or not all(names.values()):
            raise ValueError("years is written KG=Reception, 01=Year 1")
        return names
