"""One world in every dialect: the same school through all connectors is the same roster, less what each cannot say.

The CSV files say everything, so they are the truth here. What a dialect leaves out or says in another form is declared
below and asserted exactly: a field that begins to come, or ceases to, is noticed.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from sync.pipeline.extract import Extract
from sync.records import KIND_OF, NOT_SHARED, PARTS, Kind
from tests.sync.contract.stands import STANDS, Stand, read

Values = dict[str, Any]
Portrait = dict[Kind, dict[Any, Values]]  # by what people call somebody, not by reference: references differ


def portrait(told: Extract) -> Portrait:
    """Turn references into names, so that two dialects can be held against each other."""
    names: dict[tuple[Kind, str], Any] = {}
    found: Portrait = defaultdict(dict)
    for record in told.records:
        kind = KIND_OF.get(type(record))
        if kind and kind not in PARTS:
            values = _values(record)
            names[kind, values.pop("ref")] = name = _name(kind, values)
            assert name not in found[kind], f"two {kind} are called {name}"
            found[kind][name] = values
    for record in told.records:
        kind = KIND_OF.get(type(record))
        if kind in PARTS:
            first, second = PARTS[kind]
            values = _values(record)
            one, other = values.pop(_part(values)), values.pop(_part(values))
            said = names[second, other] if second else values.pop("condition", "") or values.pop("need")
            assert (names[first, one], said) not in found[kind]
            found[kind][names[first, one], said] = values
    return dict(found)


def _values(record: Any) -> Values:
    return {field: getattr(record, field) for field in record.__struct_fields__}


def _part(values: Values) -> str:
    """The next field that is a reference: they come first in every link."""
    return next(field for field in values if field.endswith("ref"))


def _name(kind: Kind, values: Values) -> Any:
    if kind is Kind.CLASSES:
        return values["name"]
    return (values["given_name"], values["family_name"], values.get("date_of_birth") or values["phone"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dialect:
    """What a dialect cannot say: whole kinds, fields, and what it says in another form."""

    without: frozenset[Kind] = frozenset()
    silent: Mapping[Kind, frozenset[str]] = dataclasses.field(default_factory=dict)
    otherwise: tuple[Callable[[Portrait], Portrait], ...] = ()

    def of(self, truth: Portrait) -> Portrait:
        """Say the truth in this dialect."""
        for tell in self.otherwise:
            truth = tell(truth)
        return {
            kind: {name: self._less(kind, values) for name, values in rows.items()}
            for kind, rows in truth.items()
            if kind not in self.without
        }

    def _less(self, kind: Kind, values: Values) -> Values:
        silent = self.silent.get(kind, frozenset())
        assert silent <= values.keys()
        return {field: NOT_SHARED if field in silent else value for field, value in values.items()}


def homerooms(truth: Portrait) -> Portrait:
    """A registration form is told as the homeroom of its tutor."""
    forms = {name: values for name, values in truth[Kind.CLASSES].items() if values["subject"] == ""}
    tutors = {form: person for form, person in truth[Kind.TEACHING] if form in forms}
    called = {form: f"{forms[form]['year']} – {tutors[form][0]} {tutors[form][1]}" for form in forms}

    def renamed(rows: dict[Any, Values]) -> dict[Any, Values]:
        return {(called.get(one, one), other): values for (one, other), values in rows.items()}

    classes = {
        called.get(name, name): {**values, "name": called.get(name, name)}
        for name, values in truth[Kind.CLASSES].items()
    }
    students = {name: {**values, "form": called[values["form"]]} for name, values in truth[Kind.STUDENTS].items()}
    links = {kind: renamed(truth[kind]) for kind in (Kind.ENROLMENTS, Kind.TEACHING)}
    return {**truth, Kind.CLASSES: classes, Kind.STUDENTS: students, **links}


def one_diet(truth: Portrait) -> Portrait:
    """A student's dietary needs are one text."""
    needs: dict[Any, list[str]] = defaultdict(list)
    for student, need in truth[Kind.DIETARY]:
        needs[student].append(need)
    return {**truth, Kind.DIETARY: {(student, ", ".join(said)): {} for student, said in needs.items()}}


def in_one(condition: str, details: str) -> str:
    return f"{condition}: {details}" if details else condition


def notes_of_one_text(truth: Portrait) -> Portrait:
    """Condition and details come as one text, whose first line is taken for the condition."""
    notes = {}
    for (student, condition), values in truth[Kind.MEDICAL].items():
        first, _, rest = in_one(condition, values["details"]).partition("\n")
        notes[student, first] = {**values, "details": rest or NOT_SHARED}
    return {**truth, Kind.MEDICAL: notes}


def notes_of_one_field(truth: Portrait) -> Portrait:
    """Whatever is wrong with a student stands in one field, which is called after itself."""
    notes = {
        (student, "Conditions"): {**values, "details": in_one(condition, values["details"])}
        for (student, condition), values in truth[Kind.MEDICAL].items()
    }
    return {**truth, Kind.MEDICAL: notes}


UNDATED: Final = {Kind.STUDENTS: frozenset({"left_on"}), Kind.STAFF: frozenset({"left_on"})}
ONEROSTER: Final = Dialect(
    silent={
        **UNDATED,
        Kind.TIES: frozenset({"priority", "parental_responsibility", "restricted"}),
    },
    otherwise=(notes_of_one_text,),
)
DIALECTS: Final = {
    "managebac": Dialect(
        without=frozenset({Kind.MEDICAL, Kind.DIETARY}),
        silent={
            Kind.STUDENTS: frozenset({"upn"}),
            Kind.STAFF: frozenset({"title", "left_on"}),
            Kind.TIES: frozenset({"priority", "parental_responsibility", "restricted"}),
        },
        otherwise=(homerooms,),
    ),
    "isams": Dialect(
        silent={**UNDATED, Kind.TIES: frozenset({"priority", "restricted"})}, otherwise=(one_diet, notes_of_one_field)
    ),
    "wonde": Dialect(silent={**UNDATED, Kind.CLASSES: frozenset({"year"})}, otherwise=(one_diet,)),
    "gg4l": ONEROSTER,
    "oneroster": ONEROSTER,
    "csv_files": Dialect(),
}


def of(key: str) -> Portrait:
    told = read(next(stand for stand in STANDS if stand.key == key)).told
    assert told is not None
    return portrait(told)


@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: stand.key)
def test_every_dialect_says_the_truth_less_what_it_cannot_say(stand: Stand) -> None:
    expected = DIALECTS[stand.key].of(of("csv_files"))
    found = of(stand.key)
    assert found.keys() == expected.keys()
    for kind, rows in expected.items():
        assert found[kind] == rows


def test_every_kind_is_told_by_the_truth() -> None:
    assert of("csv_files").keys() == set(Kind)
