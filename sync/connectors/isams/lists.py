"""The rows of all documents on disk until every reference can be judged; in memory is only what is small."""

import contextlib
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Final, Self, TypeVar

from sync.connectors.isams import wire
from sync.connectors.isams.document import Node
from sync.connectors.isams.settings import IsamsSettings
from sync.records import NOT_SHARED, Text
from sync.spool import Spool

_HEALTH_HINTS: Final = ("health", "medical")  # in the name of a list that nobody has agreed on yet

R = TypeVar("R", bound=wire.Row)


class Shelf(Spool[R]):
    """A spool that remembers which elements any of its rows has."""

    def __init__(self, kind: type[R]) -> None:
        super().__init__(kind)
        self._fields = kind.__struct_fields__
        self._seen: set[str] = set()
        self._added = 0

    def put(self, key: str, row: R) -> None:
        """Keep a row under its key."""
        if len(self._seen) < len(self._fields):
            self._seen.update(field for field in self._fields if getattr(row, field) is not None)
        super().put(key, row)

    def add(self, row: R) -> None:
        """Keep a row that gets its key later, when what it names can be looked up."""
        self._added += 1
        self.put(f"{self._added:012}", row)

    def told(self, row: wire.Row, field: str) -> Text:
        """Return what a row says: "" if it lacks the element and others have it, NOT_SHARED if no row has it.

        iSAMS leaves out what is empty, so absent in one row means empty.
        """
        said: str | None = getattr(row, field)
        return ("" if self.shares(field) else NOT_SHARED) if said is None else said

    def shares(self, field: str) -> bool:
        """Whether any row has this element."""
        return field in self._seen


class Lists:
    """Takes rows in any order; a context manager, for it holds files.

    `filled` are the lists that came with rows: one that is there and empty proves nothing. `fields` are the elements of
    the health list, or of one that looks like it. `only` counts the contacts left out.
    """

    def __init__(self, settings: IsamsSettings) -> None:
        self._settings = settings
        self._files = contextlib.ExitStack()
        self.pupils = self._shelf(wire.Pupil)  # by SchoolId
        self.rows = self._shelf(wire.Ref)  # the same by database row
        self.adults = self._shelf(wire.Adult)  # of contacts, by reference and number
        self.numbers = self._shelf(wire.Ref)  # the same by PersonGuid; torn if one person has several
        self.bonds = self._shelf(wire.Bond)
        self.staff = self._shelf(wire.Adult)  # by Id
        self.codes = self._shelf(wire.Ref)  # the same by UserCode
        self.groups = self._shelf(wire.Group)
        self.posts = self._shelf(wire.Post)
        self.seats = self._shelf(wire.Seat)  # in sets
        self.places = self._shelf(wire.Seat)  # in forms
        self.notes = self._shelf(wire.Note)
        self.years: dict[str, str] = {}
        self.subjects: dict[str, str] = {}
        self.filled: set[str] = set()
        self.taught: set[str] = set()  # the lists of groups in which somebody teaches
        self.fields: set[str] = set()
        self.only = 0
        self._takers: dict[str, Callable[[Node], None]] = {
            "currentpupils": self._take_pupil,
            "contacts": self._take_contact,
            "currentstaff": self._take_member,
            "years": self._take_year,
            "departments": self._take_department,
            "forms": self._take_form,
            "sets": self._take_set,
            "setlists": lambda node: self.seats.add(wire.seat(node)),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def _shelf(self, shape: type[R]) -> Shelf[R]:
        shelf = Shelf(shape)
        self._files.enter_context(shelf)
        return shelf

    def take(self, name: str, node: Node) -> None:
        """Take a row of the list `name`; a list that nobody asked for is passed over."""
        if name in self._settings.lists:
            self.filled.add(name)
            self._takers[name](node)
        elif name == self._settings.health:
            self.filled.add(name)
            self.fields.update(node.texts)
            for row in wire.notes(node, self._settings.medical | self._settings.dietary):
                self.notes.add(row)
        elif not self._settings.health and any(hint in name for hint in _HEALTH_HINTS):
            self.fields.update(node.texts)

    def _take_pupil(self, node: Node) -> None:
        row, at = wire.pupil(node), node.attribute("Id")
        self.pupils.put(row.ref, row)
        if at:
            self.rows.put(at, wire.Ref(ref=row.ref))
        if "forms" in self._settings.lists and row.form:
            self.places.add(wire.Seat(group=wire.form_ref(row.form), child=wire.Child(row=at, ref=row.ref)))

    def _take_contact(self, node: Node) -> None:
        row = wire.contact(node, by_person=self._settings.by_person)
        if not row:
            self.only += 1
            return
        self.adults.put(f"{row.ref}{wire.BETWEEN}{row.number:0>20}", row)
        if guid := wire.person_of(node):
            self.numbers.put(guid, wire.Ref(ref=row.number))
        for bond in wire.bonds(node, row):
            self.bonds.add(bond)

    def _take_member(self, node: Node) -> None:
        row = wire.member(node)
        self.staff.put(row.ref, row)
        if code := node.said("UserCode"):
            self.codes.put(code, wire.Ref(ref=row.ref))

    def _take_year(self, node: Node) -> None:
        number = node.attribute("Id")
        self.years[number] = node.said("Name") or number

    def _take_department(self, node: Node) -> None:
        for subject in node.under("Subjects", "Subject"):
            self.subjects[subject.attribute("Id")] = subject.said("Name") or ""

    def _take_form(self, node: Node) -> None:
        row = wire.form(node)
        self._take_group("forms", row, wire.tutors(node, row.ref))

    def _take_set(self, node: Node) -> None:
        row = wire.teaching_set(node)
        self._take_group("sets", row, wire.teachers(node, row.ref))

    def _take_group(self, name: str, row: wire.Group, posts: Iterable[wire.Post]) -> None:
        self.groups.put(row.ref, row)
        for post in posts:
            self.taught.add(name)
            self.posts.add(post)
