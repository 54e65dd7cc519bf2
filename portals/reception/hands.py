"""What a super user does to one person by hand: each a page of its own that says first what will happen (R65, R66)."""

import dataclasses
from typing import Any, Final

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portals.reception import forms
from portals.reception.gate import ReceptionRequest, gate
from portals.reception.person import field_of, label
from sync.operations import identities
from sync.queries import histories
from sync.queries.sources import source
from users import directory, doors, queries
from users.models import LocalEdit, Person, StaffMember, Student, Tie
from users.operations import people
from users.roles import Can

STUDENTS_TO_CHOOSE: Final = 20
form_page: Final = require_http_methods(["GET", "HEAD", "POST"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Act:
    """One action on a person: its title, what it will do, and its button."""

    person: Person
    title: str
    says: tuple[str, ...]
    button: str
    hurts: bool = False  # takes something away from somebody

    @property
    def kind(self) -> str:
        """The kind of the person whose page it goes back to."""
        return directory.kind_of(self.person)


@form_page
@gate(Can.EDIT_PEOPLE)
def correct(request: ReceptionRequest, kind: str, pk: int, field: str) -> HttpResponse:
    """Correct one field of a person.

    Raises:
        Http404: no such field of this kind, or it is the MIS's alone.
    """
    person = doors.person_for(request.standing, kind, pk, right=Can.EDIT_PEOPLE)
    if field not in people.CORRECTABLE[type(person)]:
        raise Http404("no such field to correct")
    edit = directory.open_edits(person).get(field)
    form = forms.CorrectionForm(
        forms.given(request), name=label(field), field=field, initial={"value": field_of(person, field, edit).value}
    )
    if form.is_valid():
        try:
            people.correct(person, field=field, by=request.standing.account_id, at=timezone.now(), **form.cleaned_data)
        except people.UnableToCorrect as fault:
            form.add_error("value", str(fault))
        else:
            return _done(request, person, f"{label(field)} corrected. Everybody sees it from now on.")
    act = Act(
        person=person,
        title=f"Correct: {label(field)}",
        says=_how_long(person, field, edit),
        button="Save the correction",
    )
    return _ask(request, act, form)


def _how_long(person: Person, field: str, edit: LocalEdit | None) -> tuple[str, ...]:
    """Say how long a correction of this field stands (R66)."""
    if person.source != Person.Source.FEED:
        return ("Added by hand: no MIS speaks of them, so what you write stays.",)
    lasts = (
        "It stays until tonight: then your MIS wins, if it has something usable to say."
        if field in people.UNTIL_TONIGHT
        else "It stays until your MIS says something new; then your MIS wins."
    )
    mis = f"Nothing is written to your MIS. Correct it there too, in {source()}."
    said = (f"Your MIS says “{edit.replaced}”.",) if edit and edit.replaced else ()
    return (*said, "Everybody at your school who may see this person sees the correction at once.", lasts, mis)


@form_page
@gate(Can.EDIT_PEOPLE)
def withdraw(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Withdraw a correction: the field says again what the MIS says."""
    edit = doors.edit_for(request.standing, pk)
    person = edit.student or edit.guardian or edit.staff_member
    form = forms.Plain(forms.given(request))
    if form.is_valid():
        people.withdraw(edit, by=request.standing.account_id, at=timezone.now())
        return _done(request, person, "The correction was withdrawn.")
    said = f"“{edit.replaced}”" if edit.replaced else "nothing, or what it said before"
    says = (f"{label(edit.field)} says “{edit.value}” now. It will say again what your MIS says: {said}.",)
    return _ask(request, Act(person=person, title="Withdraw the correction", says=says, button="Withdraw it"), form)


@form_page
@gate(Can.EDIT_PEOPLE)
def new_id(request: ReceptionRequest, kind: str, pk: int) -> HttpResponse:
    """Let a new MIS id name this person (R22)."""
    person = doors.person_for(request.standing, kind, pk, right=Can.EDIT_PEOPLE)
    form = forms.NewIdForm(forms.given(request))
    if form.is_valid():
        try:
            made = identities.give_id(person, by=request.standing.account_id, at=timezone.now(), **form.cleaned_data)
        except identities.UnableToGiveId as fault:
            form.add_error("ref", str(fault))
        else:
            return _done(request, person, f"{made.external_id} is an id of {person.name} from now on.")
    known = ", ".join(identity.external_id for identity in histories.identities(person))
    says = (
        f"Their id so far: {known}." if known else "No MIS has named them yet.",
        f"From the next sync on, the record with the new id in {source()} is {person.name}.",
        "They keep their page, their history and their contacts; nothing is doubled.",
        "The ids so far stay theirs for ever: none is ever given to somebody else. This cannot be taken back here.",
    )
    return _ask(request, Act(person=person, title="Change the MIS id", says=says, button="Use this id"), form)


@form_page
@gate(Can.EDIT_PEOPLE)
def delete(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Delete a member of staff (R48)."""
    person = _staff(request, pk)
    form = forms.ReasonForm(forms.given(request))
    if form.is_valid():
        try:
            people.delete_staff(person, by=request.standing.account_id, at=timezone.now(), **form.cleaned_data)
        except people.UnableToDelete as fault:
            form.add_error(None, str(fault))
        else:
            return _done(request, person, f"{person.name} was deleted. Restore them from this page if that was wrong.")
    act = Act(person=person, title=f"Delete {person.name}", says=_what_ends(person), button="Delete", hurts=True)
    return _ask(request, act, form)


def _what_ends(person: StaffMember) -> tuple[str, ...]:
    effect = queries.effect_of_deleting(person)
    said = ["Their way in ends at once. They stay deleted, whatever your MIS sends, until you restore them."]
    if effect.roles:
        said.append(f"They lose: {', '.join(effect.roles)}. A role comes back only if it is granted again.")
    if effect.classes:
        said.append(f"Give somebody else the classes they teach: {', '.join(effect.classes)}.")
    if effect.stays_parent:
        said.append("They are a parent here too: parent mode stays.")
    return (*said, "Their history stays. Nothing is written to your MIS.")


@form_page
@gate(Can.EDIT_PEOPLE)
def restore(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Restore a member of staff who was deleted by hand."""
    person = _staff(request, pk)
    form = forms.MaybeReasonForm(forms.given(request))
    if form.is_valid():
        try:
            people.restore_staff(person, by=request.standing.account_id, at=timezone.now(), **form.cleaned_data)
        except people.UnableToDelete as fault:
            form.add_error(None, str(fault))
        else:
            return _done(request, person, f"{person.name} is back, without the roles of before.")
    says = ("They come in again as before, if their address allows it.", "Roles do not come back by themselves.")
    return _ask(request, Act(person=person, title=f"Restore {person.name}", says=says, button="Restore"), form)


def _staff(request: ReceptionRequest, pk: int) -> StaffMember:
    person: Any = doors.person_for(request.standing, "staff", pk, right=Can.EDIT_PEOPLE)
    found: StaffMember = person
    return found


@form_page
@gate(Can.EDIT_PEOPLE)
def add_guardian(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Add a guardian of a student by hand (R43)."""
    student: Any = doors.person_for(request.standing, "students", pk, right=Can.EDIT_PEOPLE)
    form = forms.GuardianForm(forms.given(request))
    if form.is_valid():
        given = dict(form.cleaned_data)
        students = [(student, given.pop("relationship"))]
        try:
            made = people.add_guardian(students=students, by=request.standing.account_id, at=timezone.now(), **given)
        except people.UnableToAdd as fault:
            form.add_error(None, str(fault))
        else:
            return _done(request, made, f"{made.name} was added and tied to {student.name}.")
    says = (
        f"They get a login by this address, and see {student.name} in parent mode.",
        "No sync ends or doubles them. If your MIS names them later with this address, it is the same person.",
    )
    act = Act(person=student, title=f"Add a guardian of {student.name}", says=says, button="Add and tie")
    return _ask(request, act, form)


@form_page
@gate(Can.EDIT_PEOPLE)
def tie(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Tie a guardian to one more student by hand: find the student by name, then choose."""
    guardian: Any = doors.person_for(request.standing, "guardians", pk, right=Can.EDIT_PEOPLE)
    words = request.GET.get("q", "")[:80]
    found = directory.students_named(words)
    number = found.count()
    students = found if number <= STUDENTS_TO_CHOOSE else found.none()
    form = forms.TieForm(forms.given(request), students=students)
    if form.is_valid():
        student: Student = form.cleaned_data["student"]
        try:
            people.tie_by_hand(
                guardian,
                student,
                relationship=form.cleaned_data["relationship"],
                by=request.standing.account_id,
                at=timezone.now(),
            )
        except people.UnableToAdd as fault:
            form.add_error(None, str(fault))
        else:
            return _done(request, guardian, f"{guardian.name} is tied to {student.name}.")
    act = Act(
        person=guardian,
        title=f"Tie {guardian.name} to a student",
        says=("They see this student in parent mode at once. No sync ends this tie; you can, on this person’s page.",),
        button="Tie",
    )
    return _ask(request, act, form, words=words, searches=True, number=number, most=STUDENTS_TO_CHOOSE)


@form_page
@gate(Can.EDIT_PEOPLE)
def block(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Take a guardian's sight of one student away, for safety (R66)."""
    found = doors.tie_for(request.standing, pk)
    form = forms.WhyForm(forms.given(request))
    if form.is_valid():
        try:
            people.block_tie(found, by=request.standing.account_id, at=timezone.now(), **form.cleaned_data)
        except people.UnableToBlock as fault:
            form.add_error("why", str(fault))
        else:
            return _done(request, found.guardian, f"{found.guardian.name} no longer sees {found.student.name}.")
    says = (
        f"{found.guardian.name} sees nothing of {found.student.name} from this moment, and gets no mail about them.",
        "The block beats your MIS: no sync lifts it. Other children and the other contacts are not touched.",
        "Staff see that the contact is blocked. What you write below is seen by super users only.",
    )
    act = Act(person=found.guardian, title=f"Block: {_pair(found)}", says=says, button="Block for safety", hurts=True)
    return _ask(request, act, form)


@form_page
@gate(Can.EDIT_PEOPLE)
def unblock(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Lift the school's block of a tie."""
    found = doors.tie_for(request.standing, pk)
    form = forms.WhyForm(forms.given(request))
    if form.is_valid():
        people.unblock_tie(found, by=request.standing.account_id, at=timezone.now(), **form.cleaned_data)
        return _done(request, found.guardian, "The block was lifted.")
    says = (
        f"Blocked because: {found.blocked_why}" if found.blocked_at else "This tie is not blocked.",
        f"{found.guardian.name} sees {found.student.name} again at once, unless your MIS restricts or ended the tie.",
    )
    act = Act(person=found.guardian, title=f"Lift the block: {_pair(found)}", says=says, button="Lift it", hurts=True)
    return _ask(request, act, form)


@form_page
@gate(Can.EDIT_PEOPLE)
def untie(request: ReceptionRequest, pk: int) -> HttpResponse:
    """End a tie that was made by hand."""
    found = doors.tie_for(request.standing, pk)
    form = forms.Plain(forms.given(request))
    if form.is_valid():
        try:
            people.untie(found, by=request.standing.account_id, at=timezone.now())
        except people.UnableToAdd as fault:
            form.add_error(None, str(fault))
        else:
            return _done(request, found.guardian, "The tie was ended.")
    says = (f"{found.guardian.name} no longer sees {found.student.name}. The tie can be made again by hand.",)
    act = Act(person=found.guardian, title=f"End the tie: {_pair(found)}", says=says, button="End it", hurts=True)
    return _ask(request, act, form)


def _pair(found: Tie) -> str:
    return f"{found.guardian.name} and {found.student.name}"


def _ask(request: ReceptionRequest, act: Act, form: Form, **more: Any) -> HttpResponse:
    return render(request, "reception/act.html", {"act": act, "form": form, **more})


def _done(request: ReceptionRequest, person: Person, said: str) -> HttpResponseRedirect:
    messages.success(request, said)
    kwargs = {"school": request.school.slug, "kind": directory.kind_of(person), "pk": person.pk}
    response: HttpResponseRedirect = redirect(reverse("reception:person", kwargs=kwargs))
    return response
