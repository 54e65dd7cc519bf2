"""What a school enters so that its iSAMS can be read."""

import dataclasses
import re
from typing import Final

from sync.connector import demand_choices, setting

GROUPS: Final = ("forms and sets", "forms", "sets")
PEOPLE: Final = ("contact", "person")
NO_YES: Final = ("no", "yes")
_BETWEEN: Final = re.compile(r"[\s,;]+")
_SEAM: Final = re.compile(r"(?<=[^\W_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_.\s-]+")  # between words of a name


@dataclasses.dataclass(frozen=True, kw_only=True)
class IsamsSettings:
    """Where the school's iSAMS is, the keys it made for us, and what differs from school to school.

    Raises:
        ValueError: something is missing or none of the choices; no message holds a key.
    """

    host: str = setting(
        label="Host", help="Such as school.isams.cloud; a whole https:// address is possible as well.", address=True
    )
    api_key: str = setting(
        label="Batch API key",
        help="Made in iSAMS, Control Panel › API Services Manager. Several keys, with blanks between them, are read "
        "one after the other. With a client secret this is the client ID.",
        secret=True,
    )
    batch_secret: str = setting(
        label="Client secret of the batch API key",
        help="Only for a batch API key that is a client ID and has a secret.",
        secret=True,
        default="",
    )
    client_id: str = setting(
        label="REST client ID",
        help="For attendance. Made in iSAMS, Control Panel › API Services Manager › Manage REST API Clients, with the "
        "right to read the Registration Manager.",
        default="",
    )
    client_secret: str = setting(label="REST client secret", help="Comes with the client ID.", secret=True, default="")
    classes: str = setting(label="Classes", help="What counts as a class.", default=GROUPS[0], choices=GROUPS)
    guardians: str = setting(
        label="Guardians are told apart by",
        help="contact: by the number of the contact. person: by PersonGuid, so that a parent with several contact "
        "numbers is one guardian; only if iSAMS sends it. Not to be changed once guardians were read.",
        default=PEOPLE[0],
        choices=PEOPLE,
    )
    hidden: str = setting(
        label="Students are hidden on purpose",
        help="yes: a filter of the key keeps some current students from us for good. no: if contacts name current "
        "students who are not listed, the list is taken for incomplete and nobody leaves.",
        default=NO_YES[0],
        choices=NO_YES,
    )
    health_key: str = setting(
        label="Batch API key for health",
        help="A key of its own for Pupil_GetCurrentPupilsHealth; empty: the keys above have it, or nobody.",
        secret=True,
        default="",
    )
    health_list: str = setting(
        label="Health list", help="The list with the health rows, as agreed with the school; empty: none.", default=""
    )
    medical_fields: str = setting(label="Medical fields", help="Names with commas between them.", default="")
    dietary_fields: str = setting(label="Dietary fields", help="Names with commas between them.", default="")

    def __post_init__(self) -> None:
        if not self.host.strip() or not self.keys:
            raise ValueError("host and api_key are needed")
        if self.batch_secret and (len(self.keys) > 1 or self.health_key):
            raise ValueError("with a batch_secret there is one api_key and no health_key")
        if bool(self.client_id) != bool(self.client_secret):
            raise ValueError("client_id and client_secret come together")
        demand_choices(self)

    @property
    def base(self) -> str:
        """The address of the school's iSAMS without a slash at the end."""
        host = self.host.strip().rstrip("/")
        return host if "://" in host else f"https://{host}"

    @property
    def token_url(self) -> str:
        """Where both interfaces give tokens."""
        return f"{self.base}/auth/connect/token"

    @property
    def keys(self) -> tuple[str, ...]:
        """The batch keys without the one for health."""
        return tuple(filter(None, _BETWEEN.split(self.api_key)))

    @property
    def lists(self) -> frozenset[str]:
        """The lists that are read, by their names in lower case."""
        forms = {"forms"} if "forms" in self.classes else set()
        sets = {"sets", "setlists", "departments"} if "sets" in self.classes else set()
        return frozenset({"currentpupils", "contacts", "currentstaff", "years"} | forms | sets)

    @property
    def by_person(self) -> bool:
        """Whether a guardian is a person and not a contact."""
        return self.guardians == "person"

    @property
    def health(self) -> str:
        """The name of the health list in lower case, "" if none was agreed."""
        return self.health_list.strip().lower()

    @property
    def medical(self) -> frozenset[str]:
        """The fields of the health list that are medical notes, in lower case."""
        return frozenset(self.conditions) if self.health else frozenset()

    @property
    def conditions(self) -> dict[str, str]:
        """What a person reads above the note of each medical field, by its name in lower case."""
        return {name.lower(): _in_words(name) for name in _names(self.medical_fields)}

    @property
    def dietary(self) -> frozenset[str]:
        """The fields of the health list that are dietary needs, in lower case."""
        return frozenset(map(str.lower, _names(self.dietary_fields))) if self.health else frozenset()


def _names(written: str) -> list[str]:
    return [name for name in map(str.strip, written.split(",")) if name]


def _in_words(name: str) -> str:
    """Return “Medical notes” of “MedicalNotes”, and “GP notes” of “GPNotes”."""
    words = [word if word.isupper() and len(word) > 1 else word.lower() for word in _SEAM.split(name) if word]
    said = " ".join(words)
    return said[:1].upper() + said[1:]
