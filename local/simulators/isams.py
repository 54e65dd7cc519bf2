"""iSAMS: the Batch API, one document of everything that the school ticked for the key, and the REST API's registers.

    GET /api/batch/1.0/xml.ashx?apiKey={GUID}
    POST /auth/connect/token, then GET /api/registration/… (`local.simulators.isams_registers`)

Forms are `Forms/Form`, all other classes `Sets/Set`; a student's `Id` (the database row) is not their `SchoolId`. What
the batch never says: who is called first, who is restricted, when somebody leaves. A leaver is not in it at all.
"""

import functools
import hmac
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape, quoteattr

from local.simulators import isams_registers
from local.simulators.server import Reply, Request, Simulator, as_json
from local.world.model import ClassTruth, GuardianTruth, SchoolWorld, StaffTruth, StudentTruth, TieTruth

KEY: Final = "5a3d9c1e-7b42-4f60-9c11-0d2e6b8f4a17"
HEALTH_KEY: Final = "7c0e5b2a-1d94-4e3b-8f60-2b9a4c7d3e15"  # a second key, with the health list only
CLIENT: Final = "schoolsbuddy-registers"
SECRET: Final = "isams-simulated-client-secret"  # noqa: S105 -- of the simulator only, as what follows
TOKEN: Final = "isams-simulated-token"  # noqa: S105
REST_TOKEN: Final = "isams-simulated-rest-token"  # noqa: S105
BATCH: Final = "/api/batch/1.0/xml.ashx"
SPACE: Final = uuid.UUID("3a0f3c9a-52d1-4a6e-8c4e-3f0c5a7d1b20")
HEALTH: Final = "CurrentPupilsHealth"
METHODS: Final[Mapping[str, str]] = {
    "CurrentPupils": "Pupil_GetCurrentPupils",
    "Contacts": "Pupil_GetContacts",
    "CurrentPupilsHealth": "Pupil_GetCurrentPupilsHealth",
    "CurrentStaff": "HumanResources_GetCurrentStaff",
    "Forms": "School_GetSchoolForms",
    "Years": "School_GetAllYears",
    "Departments": "Teaching_GetDepartmentsAndSubjects",
    "Sets": "Teaching_GetTeachingSets",
    "SetLists": "Teaching_GetTeachingSetLists",
}
CORE: Final = frozenset({"CurrentPupils", "Contacts", "CurrentStaff", "Forms", "Years"})  # the free methods
MANAGERS: Final[Mapping[str, tuple[str, ...]]] = {
    "PupilManager": ("Contacts", "CurrentPupils", "CurrentPupilsHealth"),
    "HRManager": ("CurrentStaff",),
    "SchoolManager": ("Forms", "Years"),
    "TeachingManager": ("SetLists", "Departments", "Sets"),
}
LEFT_STAFF: Final = "9999"
FORMER_ROW: Final = "777777"  # a pupil who left, as contacts and set lists still name one

Attributes = Mapping[str, str]


def element(name: str, inner: str = "", attributes: Attributes | None = None) -> str:
    """Return an element; `inner` is XML already."""
    given = "".join(f" {key}={quoteattr(value)}" for key, value in (attributes or {}).items())
    return f"<{name}{given}>{inner}</{name}>" if inner else f"<{name}{given}/>"


def leaf(name: str, text: str, *, legacy: bool = False) -> str:
    """Return an element with text; nothing where there is no text, as iSAMS leaves it out."""
    return element(name, escape(text), {"Legacy": "True"} if legacy else None) if text else ""


def row_of(student: StudentTruth) -> str:
    """Return the number of the database row of a student."""
    return f"9{student.ref}"


def guid_of(person: GuardianTruth | StudentTruth | StaffTruth) -> str:
    """Return the PersonGuid of a person, in lower case; the same human has one, whatever they are at the school."""
    return str(uuid.uuid5(SPACE, person.key))


def number_of(year: str) -> str:
    """Return the national curriculum year of a label: "Year 7" is 7, the first year of school 0, Nursery -2."""
    digits = "".join(filter(str.isdigit, year))
    return digits or ("-2" if year == "Nursery" else "0")


class Isams(Simulator):
    """One school's iSAMS with one batch key."""

    key: ClassVar[str] = "isams"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "no-batch": "404: this host is no iSAMS",
        "health-key-off": "401 for the key with the health list",
        "slow": "the batch is silent for a second before it begins",
        "invalid-key": "401 with a message that says it is utf-16",
        "message-with-200": "the same message as if it were data",
        "not-allocated": "403: a method is not ticked for the key",
        "throttled-by-key": "403 with a message about the limit of the key",
        "filters-required": "400: a method on the key needs a filter",
        "filters-required-500": "the same with status 500",
        "deadlock": "500 once, from the database, then success",
        "unclosed": "the document ends in the middle, and Content-Length agrees",
        "malformed": "a tag is closed twice",
        "bad-character": "a control character that XML cannot hold",
        "wrong-encoding": "the document says utf-8 and is Windows-1252",
        "doctype": "a DOCTYPE with an external DTD before the data",
        "entities": "a DOCTYPE with entities that grow",
        "utf-7": "a declaration of an encoding in which markup can hide",
        "utf-16": "the document truly is UTF-16",
        "says-utf-16": "the document says utf-16 and is UTF-8",
        "other-program": "XML, but not of iSAMS",
        "older": "the shape of older servers: elements with old keys and few attributes",
        "hidden": "a filter of the key hides the first pupil with a contact",
        "empty": "all lists are there and have no rows",
        "no-pupils": "no CurrentPupils",
        "no-contacts": "no Contacts",
        "no-staff": "no module HRManager",
        "no-years": "no Years",
        "core": "the free methods only: no sets, no health",
        "empty-contacts": "Contacts without rows",
        "joint": "couples are one contact with two persons and one relationship, “Parents”",
        "relations-differ": "the first guardian with two children has a contact for each",
        "two-addresses": "two e-mail addresses in one field",
        "no-mail": "no contact has the element EmailAddress",
        "default-responsibility": "ParentalResponsibility is Default where it is yes",
        "contact-only": "the first contact is ContactOnly",
        "odd-flag": "ContactOnly of the first contact is neither yes nor no",
        "odd-couple": "IsFirstPersonContact of the first contact is neither yes nor no",
        "twice-tied": "the first contact names its first child twice, with different relationships",
        "contested-contact": "the first contact twice, with different names",
        "former": "contacts and set lists of pupils who left, and of nobody",
        "blank-staff": "a member of staff whose names are single blanks",
        "tutor-left": "the first form's tutor is no longer employed",
        "repeated": "pupils, contacts and set lists twice",
        "contested": "the first pupil twice, with different names",
        "bad-date": "the first pupil was born on 30 February",
        "nameless": "the first pupil has no SchoolId",
        "teacher-codes": "sets name their teacher by UserCode only",
        "health-renamed": "the health list has other fields",
        **isams_registers.FAULTS,
    }

    def __init__(
        self,
        school: SchoolWorld,
        night: int,
        *,
        faults: frozenset[str] = frozenset(),
        api_key: str = KEY,
        batch_secret: str = "",
        health_key: str = "",
        client_id: str = CLIENT,
        client_secret: str = SECRET,
        lists: frozenset[str] = frozenset(METHODS),
    ) -> None:
        """`lists` are what the school ticked for the key; with `batch_secret` the key is a client ID (OAuth).

        With `health_key` the health list comes with that key and not with the other.
        """
        super().__init__(school, night, faults=faults)
        self.api_key, self.batch_secret, self.health_key = api_key, batch_secret, health_key
        self.clients = {api_key: (batch_secret, TOKEN), client_id: (client_secret, REST_TOKEN)}
        self.lists = lists
        self.truth = school.at(night)
        self._registers = isams_registers.Registers(school, self.today, faults)
        self._served = 0  # requests to the REST API

    def reply(self, request: Request) -> Reply:
        """Answer the token end point, the registers and the batch."""
        if request.path.endswith("/auth/connect/token") and request.method == "POST":
            return self._token(request)
        if request.method == "GET" and isams_registers.PREFIX in request.path:
            return self._rest(request)
        if not request.path.endswith(BATCH) or request.method != "GET" or "no-batch" in self.faults:
            return Reply(404)
        if "apiKey" not in request.query:
            return message(400, "MissingParameter", "Missing Field: apiKey")
        if not self._is_known(request) or "invalid-key" in self.faults:
            return message(401, "InvalidApiKey", "Your API key is invalid, please contact the administrator.")
        delay = 1 if "slow" in self.faults else 0
        health = self._is(request, self.health_key)
        body = self.document(
            self.lists & {HEALTH} if health else self.lists - {HEALTH} if self.health_key else self.lists
        )
        return self._troubled(request) or Reply(200, body, {"Content-Type": "text/xml"}, delay=delay)

    def _token(self, request: Request) -> Reply:
        form = {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
        secret, token = self.clients.get(form.get("client_id", ""), ("", ""))
        if not secret or form.get("client_secret") != secret or form.get("grant_type") != "client_credentials":
            return as_json({"error": "invalid_client"}, 400)
        return as_json({"access_token": token, "expires_in": 3600, "token_type": "Bearer"})

    def _rest(self, request: Request) -> Reply:
        with self._counting:
            self._served += 1
            served = self._served
        known = request.headers.get("authorization") == f"Bearer {REST_TOKEN}"
        if not known or "rest-no-token" in self.faults or ("rest-expired" in self.faults and served == 3):
            return Reply(401)
        if "rest-once" in self.faults and served == 1:
            return Reply(500)
        return self._registers.reply(request)

    def _is(self, request: Request, key: str) -> bool:
        return bool(key) and hmac.compare_digest(request.query["apiKey"].strip("{}").lower(), key.lower())

    def _is_known(self, request: Request) -> bool:
        if self._is(request, self.health_key):
            return "health-key-off" not in self.faults
        bearer = not self.batch_secret or request.headers.get("authorization") == f"Bearer {TOKEN}"
        return bearer and self._is(request, self.api_key)

    def _troubled(self, request: Request) -> Reply | None:
        first = sum(one.path == request.path for one in self.requests) == 1
        filters = 'Method "ContactAdvanced - GetContacts" requires at least one filter.'
        deadlock = "Deadlock victim. Rerun the transaction."
        troubles = {
            "message-with-200": message(200, "InvalidApiKey", "Your API key is invalid."),
            "not-allocated": message(403, "MethodsNotAllocatedToKeyException", "school_getallyears"),
            "throttled-by-key": message(403, "ThrottleLimitException", "100 per hour"),
            "filters-required": message(400, "FiltersRequiredException", filters),
            "filters-required-500": message(500, "FiltersRequiredException", filters),
            "deadlock": message(500, "UnhandledException", deadlock) if first else None,
        }
        return next((reply for name, reply in troubles.items() if reply and name in self.faults), None)

    @functools.lru_cache(maxsize=2)  # noqa: B019 -- a simulator lives as long as its test
    def document(self, lists: frozenset[str]) -> bytes:
        """Return the whole document of these lists, with the faults that are switched on."""
        has = functools.partial(self._has, lists)
        inner = "".join(
            element(manager, "".join(self._list(name) for name in names if has(name)))
            for manager, names in MANAGERS.items()
            if any(map(has, names))
        )
        return self._spoilt_text(element("iSAMS", inner))

    def _spoilt_text(self, text: str) -> bytes:
        declaration = '<?xml version="1.0" encoding="utf-8"?>'
        if "utf-16" in self.faults:
            return (declaration.replace("utf-8", "utf-16") + text).encode("utf-16")
        entities = "".join(f'<!ENTITY e{at} "{f"&e{at - 1};" * 10}">' for at in range(1, 9))
        before = {
            "says-utf-16": declaration.replace("utf-8", "utf-16"),
            "utf-7": declaration.replace("utf-8", "utf-7"),
            "doctype": declaration + '<!DOCTYPE iSAMS SYSTEM "http://127.0.0.1:9/isams.dtd">',
            "entities": declaration + f'<!-- > --><!DOCTYPE iSAMS [<!ENTITY e0 "aha">{entities}]>',
        }
        head = next((head for name, head in before.items() if name in self.faults), declaration)
        if "unclosed" in self.faults:
            text = text[: len(text) * 2 // 3]
        if "malformed" in self.faults:
            text = text.replace("</Surname>", "</Surname></Surname>", 1)
        if "other-program" in self.faults:
            text = text.replace("iSAMS>", "Export>")
        if "bad-character" in self.faults:
            text = text.replace("</Surname>", "\x01</Surname>", 1)
        if "wrong-encoding" in self.faults:
            text = text.replace("</Surname>", "ë</Surname>", 1)
            return head.encode() + text.encode("windows-1252", "xmlcharrefreplace")
        return (head + text).encode()

    def _has(self, lists: frozenset[str], name: str) -> bool:
        missing = {
            "no-pupils": {"CurrentPupils"},
            "no-contacts": {"Contacts"},
            "no-staff": {"CurrentStaff"},
            "no-years": {"Years"},
            "core": METHODS.keys() - CORE,
        }
        gone = {gone for fault, names in missing.items() if fault in self.faults for gone in names}
        return name in lists - gone

    def _list(self, name: str) -> str:
        if "empty" in self.faults or f"empty-{name.lower()}" in self.faults:
            return element(name)
        rows = {
            "CurrentPupils": self._pupils,
            "Contacts": self._contacts,
            "CurrentPupilsHealth": self._health,
            "CurrentStaff": self._staff,
            "Forms": self._forms,
            "Years": self._years,
            "Departments": self._departments,
            "Sets": self._sets,
            "SetLists": self._set_lists,
        }[name]()
        written = list(rows)
        twice = "repeated" in self.faults and name in {"CurrentPupils", "Contacts", "SetLists"}
        return element(name, "".join(written * 2 if twice else written))

    def students(self) -> list[StudentTruth]:
        """Return whom the batch lists: everybody who has not left."""
        return [one for one in self.truth.students.values() if not (one.left_on and one.left_on < self.truth.date)]

    def _pupils(self) -> Iterator[str]:
        tied = {tie.student for tie in self.truth.ties.values()}
        hidden = next(one for one in self.students() if one.key in tied) if "hidden" in self.faults else None
        for at, one in enumerate(self.students()):
            if one == hidden:
                continue
            first = at == 0
            yield self._pupil(one, first=first)
            if first and "contested" in self.faults:
                yield self._pupil(one, first=True, surname="Another")

    def _pupil(self, one: StudentTruth, *, first: bool, surname: str = "") -> str:
        born = "2015-02-30" if first and "bad-date" in self.faults else one.date_of_birth.isoformat()
        inner = (
            leaf("UPN", one.upn)
            + ("" if first and "nameless" in self.faults else leaf("SchoolId", one.ref))
            + leaf("Forename", one.given_name)
            + leaf("Surname", surname or one.family_name)
            + leaf("Preferredname", one.preferred_name)
            + leaf("Fullname", f"{one.given_name} {one.family_name}")
            + leaf("DOB", f"{born}T00:00:00")
            + leaf("Form", one.form)
            + leaf("NCYear", number_of(one.year))
            + leaf("EmailAddress", one.email)
            + leaf("Ethnicity", "White, any other background")
        )
        return element("Pupil", inner, {"Id": row_of(one), **self._newer(PersonGuid=guid_of(one).upper())})

    def _newer(self, **attributes: str) -> Attributes:
        """Attributes that older servers do not write."""
        return {} if "older" in self.faults else attributes

    def _contacts(self) -> Iterator[str]:
        current = {one.key for one in self.students()}
        ties: dict[str, list[TieTruth]] = {}
        for tie in self.truth.ties.values():
            if tie.student in current:
                ties.setdefault(tie.guardian, []).append(tie)
        couples = dict(self.couples()) if "joint" in self.faults else {}
        for at, (key, told) in enumerate(ties.items()):
            yield from self._contact(key, told, number=couples.get(key, ""), first=at == 0)
        if "relations-differ" in self.faults:
            key, told = next((key, told) for key, told in ties.items() if len(told) > 1)
            yield from self._contact(key, told[1:], number=f"8{self.truth.guardians[key].ref}", first=False)
        if "former" in self.faults:
            child = element("Pupil", leaf("Status", "Former"), {"Id": FORMER_ROW})
            yield element("Contact", leaf("Surname", "Gone") + element("Pupils", child), {"Id": "70001"})

    def couples(self) -> Iterator[tuple[str, str]]:
        """Yield the second person of each couple (key) and the number of the contact, which is the first's."""
        homes: dict[tuple[str, frozenset[str]], list[GuardianTruth]] = {}
        for key, one in self.truth.guardians.items():
            children = frozenset(child.key for child in self.truth.children_of(key))
            homes.setdefault((one.household, children), []).append(one)
        for people in homes.values():
            if len(people) == 2:
                yield people[1].key, people[0].ref

    def _contact(self, key: str, ties: list[TieTruth], *, number: str, first: bool) -> Iterator[str]:
        """Yield a contact for each relationship, which iSAMS keeps with the contact and not with the child."""
        one = self.truth.guardians[key]
        groups: dict[tuple[str, bool], list[TieTruth]] = {}
        for tie in ties:
            groups.setdefault((tie.relationship, tie.parental_responsibility), []).append(tie)
        for at, ((relationship, responsible), told) in enumerate(groups.items()):
            yes = "Default" if "default-responsibility" in self.faults else "Yes"
            inner = (
                leaf("Title", one.title)
                + leaf("Forename", one.given_name)
                + leaf("Surname", one.family_name)
                + self._mail(one.email)
                + leaf("Mobile", one.phone)
                + leaf("RelationshipRaw", "Parents" if "joint" in self.faults else f"{relationship} ")
                + leaf("ParentalResponsibility", yes if responsible else "No")
                + leaf("ContactOnly", self._only(first=first))
                + element("Pupils", "".join(self._child(tie.student) for tie in told))
            )
            attributes = {
                "Id": number or (one.ref if at == 0 else f"7{at}{one.ref}"),
                "IsFirstPersonContact": "False" if number and "joint" in self.faults else "True",
                **self._newer(PersonGuid=guid_of(one).upper()),
            }
            if first and "odd-couple" in self.faults:
                attributes["IsFirstPersonContact"] = "Perhaps"
            yield element("Contact", inner, attributes)
            if first and at == 0 and "twice-tied" in self.faults:
                yield element("Contact", inner.replace(f">{relationship} <", ">Somebody else<"), attributes)
            if first and "contested-contact" in self.faults:
                yield element("Contact", inner.replace("<Surname>", "<Surname>Other "), attributes)

    def _only(self, *, first: bool) -> str:
        if first and "odd-flag" in self.faults:
            return "perhaps"
        return "1" if first and "contact-only" in self.faults else "0"

    def _mail(self, address: str) -> str:
        if "no-mail" in self.faults:
            return ""
        more = "; second@postbox.example" if address and "two-addresses" in self.faults else ""
        return element("EmailAddress", escape(address + more))

    def _child(self, key: str) -> str:
        one = self.truth.students[key]
        return element("Pupil", leaf("SchoolId", one.ref, legacy=True) + leaf("Status", "Current"), {"Id": row_of(one)})

    def _health(self) -> Iterator[str]:
        """Yield the pupils who have notes. The fields are invented: no sample of this list is public."""
        renamed = "X" if "health-renamed" in self.faults else ""
        conditions: dict[str, list[str]] = {}
        for note in self.truth.medical.values():
            conditions.setdefault(note.student, []).append(f"{note.condition}: {note.details}")
        needs: dict[str, list[str]] = {}
        for need in self.truth.dietary.values():
            needs.setdefault(need.student, []).append(need.need)
        for one in self.students():
            inner = leaf(f"{renamed}Conditions", "\n".join(conditions.get(one.key, ())))
            inner += leaf(f"{renamed}DietaryNeeds", ", ".join(needs.get(one.key, ())))
            if inner:
                yield element("Pupil", leaf("SchoolId", one.ref) + inner, {"PupilId": row_of(one)})

    def _staff(self) -> Iterator[str]:
        for one in self.truth.staff.values():
            if one.left_on and one.left_on < self.truth.date:
                continue
            inner = (
                leaf("UserCode", code_of(one))
                + leaf("Title", one.title)
                + leaf("Forename", one.given_name)
                + leaf("Surname", one.family_name)
                + leaf("SchoolEmailAddress", one.email)
                + leaf("SchoolMobileNumber", one.phone)
                + leaf("LeavingDate", "2019-08-31T00:00:00")  # a returner's, on everybody: being here wins
            )
            yield element("StaffMember", inner, {"Id": one.ref, "PersonGuid": guid_of(one)})
        if "blank-staff" in self.faults:
            yield '<StaffMember Id="9001"><Forename>&#x20;</Forename><Surname>&#x20;</Surname></StaffMember>'

    def _forms(self) -> Iterator[str]:
        for at, one in enumerate(self._groups(forms=True)):
            teachers = self._teachers(one)
            tutor = LEFT_STAFF if at == 0 and "tutor-left" in self.faults else teachers[0].ref if teachers else ""
            newer = self._newer(TutorId=tutor, AssistantTutorId="", YearId=number_of(one.year))
            code = leaf("Tutor", code_of(teachers[0]), legacy=True) if teachers else ""
            inner = code + leaf("NationalCurriculumYear", number_of(one.year), legacy=True) + leaf("Form", one.name)
            yield element("Form", inner, {"Id": one.name, **newer})

    def _years(self) -> Iterator[str]:
        for label in self.school.year_labels:
            yield element("Year", leaf("Name", label), {"Id": number_of(label)})

    def _departments(self) -> Iterator[str]:
        subjects = sorted({one.subject for one in self._groups(forms=False)})
        rows = (element("Subject", leaf("Name", name), {"Id": subject_id(name)}) for name in subjects)
        yield element("Department", element("Subjects", "".join(rows)), {"Id": "1"})

    def _sets(self) -> Iterator[str]:
        for one in self._groups(forms=False):
            teachers = self._teachers(one)
            newer = self._newer(SubjectId=subject_id(one.subject), YearId=number_of(one.year))
            subject, year = ("old", "old") if newer else (subject_id(one.subject), number_of(one.year))
            inner = leaf("SubjectId", subject, legacy=True) + leaf("YearId", year, legacy=True) + leaf("Name", one.name)
            if self.faults & {"teacher-codes", "older"}:
                inner += "".join(leaf("Teacher", code_of(teacher), legacy=True) for teacher in teachers)
            else:
                rows = (element("Teacher", "", {"Id": f"5{one.ref}", "StaffId": one.ref}) for one in teachers)
                inner += element("Teachers", "".join(rows))
            yield element("Set", inner, {"Id": one.ref, **newer})

    def _set_lists(self) -> Iterator[str]:
        current = {one.key for one in self.students()}
        sets = {one.key: one for one in self._groups(forms=False)}
        for at, seat in enumerate(self.truth.enrolments.values()):
            if seat.class_key in sets and seat.student in current:
                one, ref = self.truth.students[seat.student], sets[seat.class_key].ref
                newer = self._newer(SetId=ref, PupilId=row_of(one))
                inner = leaf("SetId", "old" if newer else ref, legacy=True) + leaf("SchoolId", one.ref, legacy=True)
                yield element("SetList", inner, {"Id": str(at), **newer})
        if "former" in self.faults:
            first = next(iter(sets.values()))
            yield element("SetList", "", {"Id": "0", "SetId": first.ref, "PupilId": FORMER_ROW})

    def _groups(self, *, forms: bool) -> Iterable[ClassTruth]:
        return [one for one in self.truth.classes.values() if (one.subject == "") == forms]

    def _teachers(self, group: ClassTruth) -> list[StaffTruth]:
        return self._teaching.get(group.key, [])

    @functools.cached_property
    def _teaching(self) -> Mapping[str, list[StaffTruth]]:
        """Who teaches each class."""
        found: dict[str, list[StaffTruth]] = {}
        for one in self.truth.teaching.values():
            found.setdefault(one.class_key, []).append(self.truth.staff[one.staff])
        return found


def code_of(one: StaffTruth) -> str:
    """Return the UserCode of a member of staff."""
    return f"{one.given_name[:1]}{one.family_name}{zlib.crc32(one.key.encode())}"


def subject_id(name: str) -> str:
    """Return the number of a subject."""
    return str(zlib.crc32(name.encode()) % 100_000)


def message(status: int, name: str, description: str) -> Reply:
    """Return an error as iSAMS writes it: it says utf-16, and is UTF-8."""
    inner = leaf("MessageId", name) + leaf("MessageName", name) + leaf("Title", name) + leaf("Description", description)
    text = '<?xml version="1.0" encoding="utf-16"?>' + element("Message", inner)
    return Reply(status, text.encode(), {"Content-Type": "text/xml"})
