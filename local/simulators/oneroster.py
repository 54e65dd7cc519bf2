"""A OneRoster 1.1 service with one night of a school, as sheet and field reports describe them: correct or not.

`local.simulators.gg4l` stands on it.
"""

import base64
import functools
import hashlib
import hmac
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from local.simulators.server import Reply, Request, Simulator, as_json
from local.world.model import GuardianTruth, Night, SchoolWorld, StaffTruth, StudentTruth, TieTruth

Row = dict[str, Any]

OWN_FAULTS: Final[Mapping[str, str]] = {
    "repeat-page": "the offset is ignored: every page is the first",
    "clamped": "no page is longer than 25 rows, whatever was asked for",
    "wrong-total": "the total is one more than there are rows",
    "low-total": "the total is ten fewer than there are rows",
    "moving-total": "the total grows with every page",
    "hole": "the second page is empty",
    "lost-rows": "the row in the middle never comes, but the total counts it",
    "duplicate-across-pages": "the last row of each page comes again first on the next, and pushes nothing out",
    "contradiction": "the first student comes twice, with two family names",
    "empty": "every collection is empty",
    "no-users": "the collection of users is empty",
    "no-guardians": "guardians and agents are left out",
    "no-enrollments": "enrollments are forbidden (403)",
    "no-classes": "classes are forbidden (403)",
    "no-demographics": "demographics are forbidden (403)",
    "missing-demographics": "there is no such collection (404)",
    "null-fields": "email, phone, birthDate and grades are null, as when a permission was taken away",
    "wrong-wrapper": "rows stand under a name of the service's own",
    "no-list": "200 without a list",
    "null-list": "200 with null where the list should be",
    "failure-200": "200 with a body that says failure",
    "bad-rows": "one student's e-mail is a number, one class has no sourcedId, one enrollment no user",
    "unknown-role": "one member of staff has a role that OneRoster does not have",
    "lost-token": "each token is refused (401) after four requests",
    "no-page-behind": "behind the end is 404 instead of an empty page",
}
_LOSES_TOKEN_AFTER: Final = 4
_CLAMP: Final = 25


def grade(year: str) -> str:
    """Return the code of OneRoster (CEDS) for a year label of the world."""
    number = year.rpartition(" ")[2]
    return f"{int(number):02d}" if number.isdecimal() else "KG"


def years_setting(school: SchoolWorld) -> str:
    """Return the setting with which a connector calls the years as the school does."""
    return ", ".join(f"{grade(label)}={label}" for label in school.year_labels)


class OneRosterSimulator(Simulator):
    """Serves one school, or with `neighbour` a second one too, from `base`.

    `blank` is how nothing is said ("empty", "null", "omit"), `agents` on whose rows families are joined ("both",
    "student", "guardian"), `total` whether X-Total-Count is sent, `link` how the Link header is written ("", "bare",
    "angle").
    """

    key: ClassVar[str] = "oneroster"
    FAULTS: ClassVar[Mapping[str, str]] = OWN_FAULTS
    base: ClassVar[str] = "/ims/oneroster/v1p1"
    token_path: ClassVar[str] = "/token"  # noqa: S105
    largest_page: ClassVar[int] = 5000
    longest_name: ClassVar[int | None] = None

    def __init__(
        self,
        school: SchoolWorld,
        night: int,
        *,
        faults: frozenset[str] = frozenset(),
        client_id: str = "demo-client",
        client_secret: str = "demo-client-secret",  # noqa: S107 a demo's
        oauth1: str = "",
        total: bool = True,
        link: str = "angle",
        agents: str = "both",
        blank: str = "empty",
        neighbour: bool = False,
    ) -> None:
        super().__init__(school, night, faults=faults)
        self.clients = {client_id: client_secret}
        self.oauth1, self.total, self.link, self.agents, self.blank = oauth1, total, link, agents, blank
        self.neighbour = neighbour
        self.uses: dict[str, int] = {}
        self._rows: dict[str, list[Row]] = {}

    @property
    def school_ref(self) -> str:
        """The sourcedId of the school's org."""
        return f"SC-{self.school.slug}"

    def reply(self, request: Request) -> Reply:
        """Answer a request for a token or for one page."""
        if request.path == self.token_path and request.method == "POST":
            return self._token(request)
        if not self._is_known(request):
            return _failure(401, "unauthorized")
        if request.path.startswith(f"{self.base}/"):
            return self._page(request.path.removeprefix(f"{self.base}/"), request)
        return _failure(404, "unknown object")

    def _token(self, request: Request) -> Reply:
        form = urllib.parse.parse_qs(request.body.decode())
        if not self._is_client(request) or form.get("grant_type") != ["client_credentials"]:
            return as_json({"error": "invalid_client"}, 401)
        token = f"token-{request.number}"
        self.uses[token] = 0
        return as_json({"access_token": token, "token_type": "bearer", "expires_in": 7199})

    def _is_client(self, request: Request) -> bool:
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        client, _, secret = base64.b64decode(said).decode().partition(":")
        return self.clients.get(urllib.parse.unquote(client)) == urllib.parse.unquote(secret)

    def _is_known(self, request: Request) -> bool:
        if self.oauth1:
            return _is_signed(request, clients=self.clients, method=self.oauth1)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self.uses:
            return False
        self.uses[token] += 1
        return "lost-token" not in self.faults or self.uses[token] <= _LOSES_TOKEN_AFTER

    def _page(self, name: str, request: Request) -> Reply:
        if f"no-{name}" in self.faults and name != "users":
            return _failure(403, "unauthorized")
        if name not in self.rows or f"missing-{name}" in self.faults:
            return _failure(404, "unknown object")
        whole = self.rows[name]
        limit = min(int(request.query.get("limit", "100")), self.largest_page)
        limit = min(limit, _CLAMP) if "clamped" in self.faults else limit
        offset = 0 if "repeat-page" in self.faults else int(request.query.get("offset", "0"))
        if offset >= len(whole) and offset and "no-page-behind" in self.faults:
            return _failure(404, "unknown object")
        return self._wrapped(name, self._cut(whole, offset, limit), self._headers(request, len(whole), offset, limit))

    def _cut(self, whole: list[Row], offset: int, limit: int) -> list[Row]:
        page = whole[offset : offset + limit]
        if "hole" in self.faults and limit <= offset < 2 * limit:
            return []
        if "lost-rows" in self.faults:
            return [row for row in page if row is not whole[len(whole) // 2]]
        if "duplicate-across-pages" in self.faults and offset and page:
            return [whole[offset - 1], *page]
        return page

    def _headers(self, request: Request, count: int, offset: int, limit: int) -> dict[str, str]:
        wrong = {"wrong-total": 1, "low-total": -10, "moving-total": offset}
        said = {"X_Total_Count": str(count + sum(by for fault, by in wrong.items() if fault in self.faults))}
        headers = said if self.total else {}
        if self.link and offset + limit < count:
            at = f"http://{request.headers.get('host', '')}{request.path}?limit={limit}&offset={offset + limit}"
            # GG4L's own sample has no angle brackets and counts from one.
            headers["Link"] = f'<{at}>; rel="next"' if self.link == "angle" else f'{at[:-1]}1; rel="next"'
        return headers

    def _wrapped(self, name: str, rows: list[Row], headers: dict[str, str]) -> Reply:
        if "failure-200" in self.faults:
            return _failure(200, "unknown object")
        if "no-list" in self.faults:
            return as_json({"warnings": [], "status": "ok"})
        wrapper = "results" if "wrong-wrapper" in self.faults else name
        return as_json({wrapper: None if "null-list" in self.faults else rows}, 200, **headers)

    @property
    def rows(self) -> dict[str, list[Row]]:
        """All collections, in the order of their identities."""
        if not self._rows:
            self._rows = self._spoil(
                {
                    "orgs": list(self._orgs()),
                    "users": list(self._users()),
                    "classes": list(self._classes()),
                    "enrollments": list(self._enrollments()),
                    "demographics": list(self._demographics()),
                }
            )
        return self._rows

    @functools.cached_property
    def truth(self) -> Night:
        """What the MIS holds on this night."""
        return self.school.at(self.night)

    def _spoil(self, rows: dict[str, list[Row]]) -> dict[str, list[Row]]:
        for collection in rows.values():
            collection.sort(key=lambda row: str(row["sourcedId"]))
        users = rows["users"]
        if "null-fields" in self.faults:
            for row in [*users, *rows["demographics"]]:
                row.update({field: None for field in ("email", "sms", "phone", "birthDate", "grades") if field in row})
        if "contradiction" in self.faults:
            first = next(row for row in users if row["role"] == "student")
            users.append({**first, "familyName": "Otherwise"})
        if "bad-rows" in self.faults:
            next(row for row in users if row["role"] == "student")["email"] = 5
            del rows["classes"][0]["sourcedId"]
            del rows["enrollments"][0]["user"]
        if "unknown-role" in self.faults:
            next(row for row in users if row["role"] == "teacher")["role"] = "ext:coach"
        if "empty" in self.faults:
            return {name: [] for name in rows}
        return {**rows, "users": []} if "no-users" in self.faults else rows

    def _row(self, ref: str, **fields: Any) -> Row:
        said = {name: value for name, value in fields.items() if value != "" or self.blank != "omit"}
        if self.blank == "null":
            said = {name: None if value == "" else value for name, value in said.items()}
        status = said.pop("status", "active")
        return {"sourcedId": ref, "status": status, "dateLastModified": "2026-11-09T02:00:00.000Z", **said}

    def _orgs(self) -> Iterator[Row]:
        yield self._row("DI-1", name="The district", type="district")
        schools = [self.school_ref, *(["SC-neighbour"] if self.neighbour else [])]
        for ref in schools:
            yield self._row(ref, name=ref, type="school", parent=_ref("DI-1", "org"))
        yield self._row("DP-1", name="Sixth form", type="department", parent=_ref(self.school_ref, "org"))

    def _users(self) -> Iterator[Row]:
        night = self.truth
        shown = "no-guardians" not in self.faults
        for student in night.students.values():
            yield self._student(student, night.ties_of(student.key) if shown else ())
        for guardian in night.guardians.values() if shown else ():
            yield self._guardian(guardian, [tie for tie in night.ties.values() if tie.guardian == guardian.key])
        for member in night.staff.values():
            yield self._member(member)
        if self.neighbour:
            common = {"orgs": [_ref("SC-neighbour", "org")], "givenName": "Nia", "familyName": "Next", "email": ""}
            yield self._row("ST-next", role="student", agents=[_ref("CT-next", "user")], grades=["07"], **common)
            yield self._row("CT-next", role="parent", agents=[_ref("ST-next", "user")], **common)
            yield self._row("TC-next", role="teacher", **common)

    def _person(self, of: str, role: str, one: StudentTruth | GuardianTruth | StaffTruth, **fields: Any) -> Row:
        return self._row(
            f"{of}-{one.ref}",
            role=role,
            username=f"{of}{one.ref}".lower(),
            password="not to be kept",  # noqa: S106 some services send one
            enabledUser="false" if of == "CT" else "true",
            givenName=one.given_name[: self.longest_name],
            familyName=one.family_name[: self.longest_name],
            identifier=one.ref,
            email=one.email,
            orgs=[_ref(self.school_ref, "org")],
            **fields,
        )

    def _student(self, one: StudentTruth, ties: tuple[TieTruth, ...]) -> Row:
        night = self.truth
        agents = [_ref(f"CT-{night.guardians[tie.guardian].ref}", "user") for tie in ties]
        metadata = {
            "preferred_name": one.preferred_name,
            "upn": one.upn,
            "dietary": [need.need for need in night.dietary.values() if need.student == one.key],
            "gg4l.primaryGrade": grade(one.year),
        }
        return self._person(
            "ST",
            "student",
            one,
            status="tobedeleted" if one.left_on else "active",
            grades=[grade(one.year)],
            agents=agents if self.agents != "guardian" else [],
            metadata=metadata,
        )

    def _guardian(self, one: GuardianTruth, ties: list[TieTruth]) -> Row:
        labels = {tie.relationship for tie in ties}
        label = labels.pop() if len(labels) == 1 else ""
        role = {"Mother": "parent", "Father": "parent", "Parent": "parent", "Grandmother": "relative"}.get(label)
        agents = [_ref(f"ST-{self.truth.students[tie.student].ref}", "user") for tie in ties]
        return self._person(
            "CT",
            role or "guardian",
            one,
            sms=one.phone,
            agents=agents if self.agents != "student" else [],
            metadata={"title": one.title, "relationship": label},
        )

    def _member(self, one: StaffTruth) -> Row:
        return self._person(
            "TC",
            "teacher" if one.post.startswith("Teacher") else "administrator",
            one,
            status="tobedeleted" if one.left_on else "active",
            phone=one.phone,
            metadata={"title": one.title},
        )

    def _classes(self) -> Iterator[Row]:
        for one in self.truth.classes.values():
            yield self._row(
                f"CL-{one.ref}",
                title=one.name,
                classType="scheduled" if one.subject else "homeroom",
                grades=[grade(one.year)],
                subjects=[one.subject] if one.subject else [],
                course=_ref("CO-1", "course"),
                school=_ref(self.school_ref, "org"),
            )
        if self.neighbour:
            yield self._row("CL-next", title="Next", classType="homeroom", school=_ref("SC-neighbour", "org"))

    def _enrollments(self) -> Iterator[Row]:
        night = self.truth
        seats = [(e.class_key, "student", f"ST-{night.students[e.student].ref}") for e in night.enrolments.values()]
        posts = [(t.class_key, "teacher", f"TC-{night.staff[t.staff].ref}") for t in night.teaching.values()]
        refs = {key: f"CL-{one.ref}" for key, one in night.classes.items()}
        for class_key, role, user in [*seats, *posts]:
            yield self._enrollment(refs[class_key], role, user)
        class_key, _, _ = seats[0]
        strangers = [user for key, _, user in seats if key != class_key]
        yield self._enrollment(refs[class_key], "student", strangers[0], "-last-year", endDate="2025-07-20")
        yield self._enrollment(refs[class_key], "student", strangers[1], "-gone", status="tobedeleted")
        yield self._enrollment(refs[class_key], "proctor", strangers[2], "-proctor")
        if self.neighbour:
            yield self._enrollment("CL-next", "student", "ST-next")
            yield self._enrollment("CL-next", "teacher", "TC-next")

    def _enrollment(self, class_ref: str, role: str, user: str, suffix: str = "", **fields: Any) -> Row:
        return self._row(
            f"EN-{class_ref}-{user}{suffix}",
            **{"class": _ref(class_ref, "class")},
            user=_ref(user, "user"),
            school=_ref(self.school_ref, "org"),
            role=role,
            **fields,
        )

    def _demographics(self) -> Iterator[Row]:
        night = self.truth
        for one in night.students.values():
            notes = [note for note in night.medical.values() if note.student == one.key]
            medical = [": ".join(filter(None, (note.condition, note.details))) for note in notes]
            born = one.date_of_birth.isoformat()
            yield self._row(f"ST-{one.ref}", birthDate=born, sex="female", metadata={"medical": medical})


def _ref(ref: str, kind: str) -> Row:
    return {"href": f"/{kind}s/{ref}", "sourcedId": ref, "type": kind}  # relative, as many services have it


def _failure(status: int, minor: str) -> Reply:
    info = {"imsx_codeMajor": "failure", "imsx_severity": "error", "imsx_codeMinor": minor}
    return as_json({"statusInfoSet": [info]}, status)


def _is_signed(request: Request, *, clients: Mapping[str, str], method: str) -> bool:
    """Check an OAuth 1.0a signature with code of its own: what client and service share cannot find a fault."""
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    if scheme != "OAuth":
        return False
    pairs = dict(part.strip().split("=", 1) for part in said.split(","))
    oauth = {name: urllib.parse.unquote(value.strip('"')) for name, value in pairs.items()}
    signature = oauth.pop("oauth_signature", "")
    secret = clients.get(oauth.get("oauth_consumer_key", ""))
    if secret is None or oauth.get("oauth_signature_method") != method:
        return False
    given = [(n, v) for n, values in request.queries.items() for v in values] + list(oauth.items())
    parameters = "&".join(sorted(f"{_escape(name)}={_escape(value)}" for name, value in given))
    base = f"{request.method}&{_escape('http://' + request.headers['host'] + request.path)}&{_escape(parameters)}"
    digest = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}[method]
    due = hmac.new(f"{_escape(secret)}&".encode(), base.encode(), digest).digest()
    return hmac.compare_digest(base64.b64encode(due).decode(), signature)


def _escape(text: str) -> str:
    return urllib.parse.quote(text, safe="~")
