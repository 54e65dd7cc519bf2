"""How far a school is with joining, and what its system shares: answers for pages, whole (R1, R4)."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from django.utils.crypto import salted_hmac

from sync import registry
from sync.catalogue import LABELS, Ability, Answer, Says, shared
from sync.connector import Connector, Reach
from sync.connectors.csv_files import CsvFiles
from sync.models import Connection, MisProduct, Run, Trial
from tenants.models import School
from users.models import RoleGrant
from users.roles import SuperUser

WORDS: Final = {Says.YES: "Yes", Says.DEPENDS: "Depends", Says.UNKNOWN: "Unknown", Says.NO: "No"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """One ability of one system, in words."""

    ability: str
    label: str
    says: str
    word: str
    note: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting of a connector, for the guide."""

    label: str
    help: str
    secret: bool
    needed: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class System:
    """One system of the catalogue, as a page shows it: its answers as far as our connector keeps them."""

    product: MisProduct
    connector: type[Connector] | None
    lines: tuple[Line, ...]

    @property
    def key(self) -> str:
        """Which guide tells how to set it up; every system has one (R4)."""
        return self.product.connector

    @property
    def settings(self) -> tuple["Setting", ...]:
        """What is filled in, in the words and the order of the form: what is needed comes first."""
        kind: Any = self.connector.Settings if self.connector else None
        found = (
            Setting(
                label=field.metadata["label"],
                help=field.metadata["help"],
                secret=field.metadata["secret"],
                needed=field.default is dataclasses.MISSING,
            )
            for field in (dataclasses.fields(kind) if kind else ())
            if not field.metadata.get("ours")
        )
        return tuple(sorted(found, key=lambda setting: not setting.needed))

    @property
    def notes(self) -> list[str]:
        """What is special about this system."""
        return self.product.notes.splitlines()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """The systems reached in one way."""

    key: str
    title: str
    systems: tuple[System, ...]


def catalogue() -> tuple[Group, ...]:
    """Return every system, grouped by how it is reached: by ourselves, by partner, by files; one query (R6)."""
    found = [system_of(product) for product in sorted(MisProduct.objects.all(), key=_as_read)]
    files = [system for system in found if system.key == CsvFiles.key]
    direct = [system for system in found if not system.product.partner and system not in files]
    partners = sorted({system.product.partner for system in found if system.product.partner}, key=_partner_order)
    groups = [("direct", "Read by us, without a partner", direct)]
    groups += [
        (f"partner-{number}", f"Through {partner}", [system for system in found if system.product.partner == partner])
        for number, partner in enumerate(partners, start=1)
    ]
    groups.append(("files", "No system, or another one", files))
    return tuple(Group(key=key, title=title, systems=tuple(systems)) for key, title, systems in groups if systems)


def _as_read(product: MisProduct) -> str:
    return product.name.casefold()  # iSAMS stands before ManageBac, whatever the database's order


def _partner_order(partner: str) -> tuple[bool, str]:
    return (partner != "Wonde", partner)  # the one with most schools first


def system(slug: str) -> System | None:
    """Return the system with this part of an address, or None; one query."""
    return next((system_of(product) for product in MisProduct.objects.all() if product.slug == slug), None)


def system_of(product: MisProduct) -> System:
    """Return a product as a page shows it."""
    connector = connector_of(product.connector)
    return System(
        product=product,
        connector=connector,
        lines=tuple(_line(ability, shared(_answer(product, ability), ability, connector)) for ability in Ability),
    )


def connector_of(key: str) -> type[Connector] | None:
    """Return the connector with this key, or None where a row of support's names none."""
    try:
        return registry.connector(key)
    except registry.UnknownConnector:
        return None


def _answer(product: MisProduct, ability: Ability) -> Answer:
    said = product.abilities.get(ability.value, {})
    says = said.get("says", Says.UNKNOWN.value)
    return Answer(Says(says) if says in set(Says) else Says.UNKNOWN, said.get("note", ""))


def _line(ability: Ability, answer: Answer) -> Line:
    return Line(
        ability=ability.value,
        label=LABELS[ability],
        says=answer.says.value,
        word=WORDS[answer.says],
        note=answer.note,
    )


# What a connection test finds is about parts with names of the connector's own; these words tell what they are about,
# the surest first: a list of classes alone does not say who teaches them.
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    Ability.MEDICAL: ("medical",),
    Ability.DIETARY: ("dietary",),
    Ability.SESSIONS: ("attendance",),
    Ability.CLASSES: ("teaching", "classes"),
}
_FOUND: Final = {
    Reach.READS: ("yes", "Shared with us"),
    Reach.NOT_SHARED: ("not_shared", "Not shared by your MIS"),
    Reach.FAULTY: ("faulty", "Cannot be read"),
}


def shares(system: System, test: Trial | None) -> tuple[Line, ...]:
    """Return what one school's MIS shares: what the last good test found, else what the catalogue says (R4).

    “Not shared by your MIS” is never “none”: nobody may read an empty page as “no allergies”.
    """
    rows = test.findings if test else []
    return tuple(_found(line, rows) for line in system.lines)


def _found(line: Line, rows: Sequence[dict[str, str]]) -> Line:
    words = _PARTS.get(line.ability, ())
    row = next((row for word in words for row in rows if word in row["part"].casefold()), None)
    if row is None:
        return line
    says, word = _FOUND[Reach(row["reach"])]
    return dataclasses.replace(line, says=says, word=word, note=row["text"])


def fingerprint(connection: Connection) -> str:
    """Return what tells a trial whether it was made with the present settings; nobody can get back from it to them.

    What we fill in ourselves does not count, and saying a default aloud is no change.
    """
    connector: Any = connector_of(connection.connector)
    fields = {field.name: field for field in dataclasses.fields(connector.Settings)} if connector else {}
    given = {
        name: value
        for name, value in connection.settings.items()
        if not (name in fields and (fields[name].metadata.get("ours") or fields[name].default == value))
    }
    said = json.dumps([connection.connector, given], sort_keys=True)
    return salted_hmac("sync.queries.joining.fingerprint", said, algorithm="sha256").hexdigest()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """One step of joining; `done` is a fact of this moment, so a step that is undone loses its tick (R1)."""

    key: str
    title: str
    text: str
    done: bool
    who: str = ""  # who takes it, where it is not the super user


@dataclasses.dataclass(frozen=True, kw_only=True)
class Joining:
    """How far the open school is."""

    connection: Connection | None
    system: System | None
    test: Trial | None  # the newest, of whichever settings
    preview: Trial | None
    tested: bool  # the newest test was made with the present settings, and went well
    previewed: bool  # so was the newest preview, and nothing has been said to it yet or it was confirmed
    synced: bool
    steps: tuple[Step, ...]

    @property
    def next(self) -> Step | None:
        """The first step that is open."""
        return next((step for step in self.steps if not step.done), None)

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(step.done for step in self.steps)

    @property
    def by_files(self) -> bool:
        """Whether this school gives us files, and so has no credentials to test."""
        return self.connection is not None and self.connection.connector == CsvFiles.key


def joining(school: School) -> Joining:
    """Return how far the open school is, in five queries."""
    connection = Connection.objects.filter(active=True).select_related("product").first()
    newest = {trial.kind: trial for trial in Trial.objects.order_by("kind", "-asked_at", "-id").distinct("kind")}
    test, preview = newest.get(Trial.Kind.TEST), newest.get(Trial.Kind.PREVIEW)
    synced = connection is not None and synced_once(connection)
    tested, previewed = _holds(connection, test), _holds(connection, preview)
    confirmed = synced or bool(previewed and preview and preview.confirmed_at)
    by_files = connection is not None and connection.connector == CsvFiles.key
    steps = (
        _chosen(connection),
        *(
            (_uploaded(connection, read=synced or previewed),)
            if by_files
            else (_credentials(connection), _tested(connection, tested=tested))
        ),
        _domains(school),
        _zone(school),
        _previewed(done=confirmed),
        _synced(done=synced),
        _super_user(),
    )
    return Joining(
        connection=connection,
        system=system_of(connection.product) if connection and connection.product else None,
        test=test,
        preview=preview,
        tested=tested,
        previewed=previewed,
        synced=synced,
        steps=steps,
    )


def synced_once(connection: Connection) -> bool:
    """Whether people came in by this connection already."""
    return Run.objects.finished().rosters().filter(generation=connection.generation).exists()


def _holds(connection: Connection | None, trial: Trial | None) -> bool:
    """Whether a trial went well and still speaks of the present settings."""
    return bool(connection and trial and trial.went_well and trial.made_with == fingerprint(connection))


def is_whole(connection: Connection) -> bool:
    """Whether everything that the connector cannot do without is saved."""
    connector: Any = connector_of(connection.connector)
    if connector is None:
        return False
    needed = [field.name for field in dataclasses.fields(connector.Settings) if field.default is dataclasses.MISSING]
    try:
        connector.Settings(**connection.settings)
    except (TypeError, ValueError):
        return False
    return all(connection.settings[name] not in (None, "") for name in needed)


def _chosen(connection: Connection | None) -> Step:
    label = str(connection) if connection else ""
    text = f"You use {label}." if label else "Say which system your school keeps its records in."
    return Step(key="system", title="Choose your system", text=text, done=connection is not None)


def _credentials(connection: Connection | None) -> Step:
    return Step(
        key="credentials",
        title="Save the credentials",
        text="The guide says what to switch on in your system, and which keys it gives you. Nothing is sent by saving.",
        done=connection is not None and is_whole(connection),
    )


def _tested(connection: Connection | None, *, tested: bool) -> Step:
    text = "We read one page of each list and write nothing."
    if connection and connection.paused_reason:
        text = f"Your MIS refused us: {connection.paused_reason} Save the settings again once that is mended."
    return Step(
        key="test",
        title="Test the connection",
        text=text,
        done=tested and not (connection and connection.paused_reason),
    )


def _uploaded(connection: Connection | None, *, read: bool) -> Step:
    folder = Path(connection.settings.get("folder", "")) if connection else Path()
    return Step(
        key="files",
        title="Give us your files",
        text="Fill in the templates. A file that you leave out means “not shared”.",
        done=read or (folder.is_absolute() and folder.is_dir() and any(folder.iterdir())),
    )


def _domains(school: School) -> Step:
    domains = sorted(school.domains.values_list("domain", flat=True))
    text = f"Staff on {', '.join(domains)} get a login." if domains else "Staff get a login only on your own domains."
    return Step(key="domains", title="E-mail domains of your staff", text=text, done=bool(domains), who="our support")


def _zone(school: School) -> Step:
    return Step(
        key="zone",
        title="Your time zone",
        text=f"Nights and registers go by {school.timezone}.",
        done=school.confirmed_timezone == school.timezone,
    )


def _previewed(*, done: bool) -> Step:
    return Step(
        key="preview",
        title="Look at the first sync before it happens",
        text="Who would come in, whose address is missing, what does not fit. Nothing is written until you say so.",
        done=done,
    )


def _synced(*, done: bool) -> Step:
    return Step(
        key="sync",
        title="The first sync",
        text="It starts when you confirm the preview, and takes minutes.",
        done=done,
    )


def _super_user() -> Step:
    held = RoleGrant.objects.filter(role=SuperUser.key, revoked_at=None).exists()
    return Step(
        key="super_user",
        title="A super user",
        text="Somebody of the school who runs it here.",
        done=held,
        who="our support",
    )
