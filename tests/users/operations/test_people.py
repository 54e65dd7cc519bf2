"""What a school does to its people by hand, one act at a time (R42–R48, R65, R66)."""

import contextlib
import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tenants import scope
from tenants.models import AuditEvent, School, SchoolDomain
from tests.factories import people as made
from tests.tenants.samples import NIGHT
from users.models import Account, Guardian, LocalEdit, Membership, Person, RoleGrant, StaffMember, Student, Tie
from users.operations import people, turns
from users.operations.accounts import link_people
from users.operations.people import UnableToAdd, UnableToBlock, UnableToCorrect, UnableToDelete
from users.operations.roles import designate_super_user
from users.queries import children_of, effect_of_deleting, effect_of_domain_block, standing

pytestmark = pytest.mark.django_db

LATER = NIGHT + datetime.timedelta(hours=3)


@pytest.fixture
def school(db: None) -> Iterator[School]:
    """Alder, open, with a domain of its own."""
    alder = School.objects.create(slug="alder", name="Alder", student_access_years=["12"])
    SchoolDomain.objects.create(school=alder, domain="alder.example")
    with scope.school(alder.pk):
        yield alder


@pytest.fixture
def by(db: None) -> int:
    """A super user's account."""
    return made.account("rhea@alder.example").pk


def audited(action: str) -> list[tuple[str, str]]:
    return list(AuditEvent.objects.filter(action=action).values_list("subject", "reason"))


def fresh(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def correct(person: Person, by: int, at: datetime.datetime = NIGHT, /, **what: str) -> LocalEdit:
    """Correct one field, given by name."""
    ((field, value),) = what.items()
    return people.correct(person, field=field, value=value, by=by, at=at, reason="She said so")


# Names and phones.


def test_a_corrected_name_is_there_at_once_and_found_at_once(school: School, by: int) -> None:
    student = made.student("Zoe MuÃ±oz")
    edit = correct(student, by, family_name="  Mun\u0303oz ")
    assert (student.family_name, fresh(student).family_name) == ("Muñoz", "Muñoz")
    assert Student.objects.named("munoz").get() == student
    assert (edit.field, edit.value, edit.replaced, edit.by_id, edit.at) == ("family_name", "Muñoz", "MuÃ±oz", by, NIGHT)
    assert edit.closed_at is None
    assert audited("person.corrected") == [(f"student:{student.pk}", "family_name. She said so")]


def test_correcting_again_keeps_what_the_mis_said_at_first(school: School, by: int) -> None:
    guardian = made.guardian("Joan Bell", title="Mrs")
    first = correct(guardian, by, title="Dr")
    again = correct(guardian, by, LATER, title="Prof")
    assert again.pk == first.pk
    assert (again.value, again.replaced, again.at) == ("Prof", "Mrs", LATER)
    assert correct(guardian, by, LATER, title="Prof").pk == first.pk


def test_correcting_back_ends_the_edit(school: School, by: int) -> None:
    guardian = made.guardian("Joan Bell")
    correct(guardian, by, given_name="Jane")
    edit = correct(guardian, by, LATER, given_name="Joan")
    assert (edit.closed_at, edit.closed_why) == (LATER, "Corrected back to what the MIS says.")
    assert fresh(guardian).name == "Joan Bell"
    assert correct(guardian, by, LATER, given_name="Jo").pk != edit.pk


def test_a_phone_that_the_mis_never_shared_can_be_set_and_taken_back(school: School, by: int) -> None:
    guardian = made.guardian("Joan Bell", phone=None)
    edit = correct(guardian, by, phone="01632 960001")
    assert edit.replaced is None
    people.withdraw(edit, by=by, at=LATER)
    assert fresh(guardian).phone is None
    assert (fresh(edit).closed_at, fresh(edit).closed_why) == (LATER, "Withdrawn by hand.")
    assert people.withdraw(edit, by=by, at=NIGHT).closed_at == LATER, "twice changes nothing"
    assert audited("person.edit_withdrawn") == [(f"guardian:{guardian.pk}", "phone")]


def test_a_withdrawn_name_is_found_again_as_the_mis_says_it(school: School, by: int) -> None:
    student = made.student("Ann Bell", preferred_name="")
    edit = correct(student, by, preferred_name="Pip")
    assert Student.objects.named("pip").exists()
    people.withdraw(edit, by=by, at=LATER)
    assert not Student.objects.named("pip").exists()
    assert fresh(student).preferred_name == ""


def test_of_somebody_added_by_hand_an_edit_is_over_at_once(school: School, by: int) -> None:
    coach = made.staff_member("Lee Park", source="external", phone="1")
    edit = correct(coach, by, phone="2")
    assert (fresh(coach).phone, edit.replaced, edit.closed_at) == ("2", None, NIGHT)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"year": "8"}, "comes from your MIS alone"),
        ({"form": "8B"}, "comes from your MIS alone"),
        ({"date_of_birth": "2014-03-01"}, "“date of birth” comes from your MIS alone"),
        ({"phone": "1"}, "comes from your MIS alone"),
        ({"given_name": "Ann"}, "says already"),
        ({"preferred_name": " "}, "says already"),
        ({"given_name": "x" * 501}, "longer than 500"),
        ({"given_name": "A\x00n"}, "cannot be shown"),
        ({"email": "ann@"}, "not an address"),
        ({"email": ""}, "not an address"),
        ({"email": "x@alder.noemail.invalid"}, "not an address"),
        ({"email": "ann@mail.example"}, "Students of this year have no address"),
    ],
    ids=str,
)
def test_what_is_refused(school: School, by: int, what: dict[str, str], says: str) -> None:
    student = made.student("Ann Bell", year="7")
    with pytest.raises(UnableToCorrect, match=says):
        correct(student, by, **what)
    assert not LocalEdit.objects.exists()


def test_somebody_keeps_one_name_at_least(school: School, by: int) -> None:
    student = made.student("Cher")
    with pytest.raises(UnableToCorrect, match="first name or a surname"):
        correct(student, by, given_name="")
    both = made.student("Ann Bell")
    correct(both, by, given_name="")
    with pytest.raises(UnableToCorrect, match="first name or a surname"):
        correct(both, by, family_name="")


# Addresses.


def test_a_corrected_address_moves_the_way_in_at_once(school: School, by: int) -> None:
    guardian = made.guardian("Joan Bell", email="old@mail.example")
    link_people(at=NIGHT)
    edit = correct(guardian, by, email=" New@Mail.example ")
    assert (fresh(guardian).email, edit.replaced) == ("new@mail.example", "old@mail.example")
    assert Membership.objects.get(guardian=guardian).account.email == "new@mail.example"


def test_a_dummy_gives_way_to_an_address_and_comes_back(school: School, by: int) -> None:
    guardian = made.guardian("Joan Bell")
    edit = correct(guardian, by, email="joan@mail.example")
    assert (fresh(guardian).real_email, edit.replaced) == ("joan@mail.example", "")
    people.withdraw(edit, by=by, at=LATER)
    now = fresh(guardian)
    assert (now.email, now.email_is_dummy) == (f"guardian-{guardian.pk}@alder.noemail.invalid", True)
    assert not Membership.objects.filter(guardian=guardian).exists()


def test_a_withdrawn_address_gives_way_to_the_one_the_mis_says(school: School, by: int) -> None:
    guardian = made.guardian("Joan Bell", email="old@mail.example")
    edit = correct(guardian, by, email="new@mail.example")
    people.withdraw(edit, by=by, at=LATER)
    assert fresh(guardian).real_email == "old@mail.example"


def test_staff_enter_only_on_the_schools_domains(school: School, by: int) -> None:
    teacher = made.staff_member("Ruth Vale", email="ruth@alder.example", domain_recognised=True)
    correct(teacher, by, email="ruth@evil-alder.example")
    assert not fresh(teacher).domain_recognised
    correct(teacher, by, email="r.vale@alder.example")
    assert fresh(teacher).domain_recognised
    coach = made.staff_member("Lee Park", email="lee@mail.example", source="external", domain_recognised=True)
    correct(coach, by, email="lee.park@mail.example")
    assert fresh(coach).domain_recognised, "we let external staff in, not their domain"


@pytest.mark.parametrize("model", [made.student, made.guardian, made.staff_member])
def test_nobody_gets_an_address_that_is_somebody_elses(school: School, by: int, model: Any) -> None:
    model("Mei Li", email="mei@mail.example")
    guardian = made.guardian("Bo Wang", email="bo@mail.example")
    with pytest.raises(UnableToCorrect, match="the address of Mei Li already"):
        correct(guardian, by, email="MEI@mail.example")
    assert fresh(guardian).real_email == "bo@mail.example"


def test_a_student_never_shares_not_even_in_the_family(school: School, by: int) -> None:
    made.guardian("Mei Li", email="mei@mail.example")
    with pytest.raises(UnableToCorrect, match="the address of Mei Li already"):
        correct(made.student("Bo Li", year="12"), by, email="mei@mail.example")


def test_a_teacher_who_is_a_parent_may_be_given_one_address_for_both(school: School, by: int) -> None:
    teacher = made.staff_member("Jo Hart", email="jo@alder.example", domain_recognised=True)
    parent = made.guardian("Joanna Hart-Reed", email="jo@mail.example")
    link_people(at=NIGHT)
    correct(parent, by, email="jo@alder.example")
    account = Account.objects.get(email="jo@alder.example")
    now = standing(account_id=account.pk)
    assert (now.staff_member, now.guardian) == (teacher, parent)


def test_the_schools_own_domains_may_be_blocked_for_guardians(school: School, by: int) -> None:
    School.objects.update(block_own_domains_for_guardians=True)
    with pytest.raises(UnableToCorrect, match="blocked its own domains"):
        correct(made.guardian("Jo Hart"), by, email="jo@alder.example")
    correct(made.student("Ann Bell", year="12"), by, email="ann@alder.example")


def test_a_withdrawn_address_that_is_taken_meanwhile_leaves_a_dummy(school: School, by: int) -> None:
    guardian = made.guardian("Joan Bell", email="joan@mail.example")
    edit = correct(guardian, by, email="new@mail.example")
    made.guardian("Jane Bell", email="joan@mail.example")
    people.withdraw(edit, by=by, at=LATER)
    assert fresh(guardian).email_is_dummy


# Guardians and ties by hand.


def test_a_guardian_by_hand_is_one_record_with_a_way_in(school: School, by: int) -> None:
    ann, tom = made.student("Ann Hart"), made.student("Tom Hart")
    jo = people.add_guardian(
        given_name="Jo",
        family_name="Hart",
        email="Jo@mail.example",
        students=[(ann, "Mother"), (tom, "Aunt")],
        by=by,
        at=NIGHT,
    )
    assert (jo.source, jo.real_email, jo.mis_email, jo.folded) == ("manual", "jo@mail.example", None, "hart jo")
    assert list(Tie.objects.order_by("id").values_list("student__given_name", "relationship", "by_hand")) == [
        ("Ann", "Mother", True),
        ("Tom", "Aunt", True),
    ]
    assert set(children_of(jo)) == {ann, tom}
    assert Membership.objects.get(guardian=jo).confirmed_at == NIGHT
    assert audited("guardian.added") == [(f"guardian:{jo.pk}", "")]
    assert len(audited("tie.added")) == 2


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"students": []}, "at least one student"),
        ({"email": "jo@"}, "not an address"),
        ({"email": "joan@mail.example"}, "the address of Joan Bell already"),
        ({"given_name": " ", "family_name": ""}, "first name or a surname"),
        ({"family_name": "H\x07"}, "cannot be shown"),
        ({"relationship": "M\x07"}, "cannot be shown"),
    ],
    ids=str,
)
def test_which_guardian_cannot_be_added(school: School, by: int, what: dict[str, Any], says: str) -> None:
    ann = made.student("Ann Hart")
    made.guardian("Joan Bell", email="joan@mail.example")
    relationship = what.pop("relationship", "Mother")
    asked = {"given_name": "Jo", "family_name": "Hart", "email": "jo@mail.example", "students": [(ann, relationship)]}
    with pytest.raises(UnableToAdd, match=says):
        people.add_guardian(**(asked | what), by=by, at=NIGHT)
    assert not Guardian.objects.filter(source="manual").exists()
    assert not Tie.objects.exists()


def test_a_tie_by_hand_revives_one_that_ended_and_lifts_no_restriction(school: School, by: int) -> None:
    joan, ann = made.guardian("Joan Bell"), made.student("Ann Bell")
    old = made.tie(joan, ann, ended_on=NIGHT.date(), restricted=True)
    tie = people.tie_by_hand(joan, ann, relationship="Mother", by=by, at=NIGHT)
    assert (tie.pk, tie.ended_on, tie.by_hand, tie.restricted) == (old.pk, None, True, True)
    assert not children_of(joan).exists()
    with pytest.raises(UnableToAdd, match="tied to Ann Bell already"):
        people.tie_by_hand(joan, ann, relationship="Mother", by=by, at=NIGHT)


def test_only_a_tie_by_hand_ends_by_hand(school: School, by: int) -> None:
    joan, ann, tom = made.guardian("Joan Bell"), made.student("Ann Bell"), made.student("Tom Bell")
    tie = people.tie_by_hand(joan, ann, relationship="Mother", by=by, at=NIGHT)
    assert people.untie(tie, by=by, at=NIGHT).ended_on == NIGHT.date()
    people.untie(tie, by=by, at=LATER)
    assert len(audited("tie.ended")) == 1
    with pytest.raises(UnableToAdd, match="comes from your MIS"):
        people.untie(made.tie(joan, tom), by=by, at=NIGHT)


def test_a_block_takes_one_child_from_sight_and_needs_a_reason(school: School, by: int) -> None:
    joan, ann, tom = made.guardian("Joan Bell"), made.student("Ann Bell"), made.student("Tom Bell")
    tie, _other = made.tie(joan, ann), made.tie(joan, tom)
    with pytest.raises(UnableToBlock):
        people.block_tie(tie, by=by, at=NIGHT, why=" ")
    people.block_tie(tie, by=by, at=NIGHT, why="court order")
    assert list(children_of(joan)) == [tom]
    people.block_tie(tie, by=by, at=LATER, why="again")
    assert (tie.blocked_at, tie.blocked_why) == (NIGHT, "court order")
    people.unblock_tie(tie, by=by, at=LATER, why="lifted")
    people.unblock_tie(tie, by=by, at=LATER)
    assert set(children_of(joan)) == {ann, tom}
    assert audited("tie.blocked") == [(f"tie:{tie.pk}", "court order")]
    assert audited("tie.unblocked") == [(f"tie:{tie.pk}", "lifted")]


# Staff.


def run_by(*staff: StaffMember) -> None:
    for each in staff:
        designate_super_user(staff_member=each, by=None, reason="runs it", at=NIGHT)


def test_deleting_ends_the_way_in_and_the_roles_and_restoring_brings_no_role_back(school: School, by: int) -> None:
    ruth, rhea = (
        made.staff_member(name, email=f"{name[:4].lower()}@alder.example") for name in ("Ruth Vale", "Rhea S")
    )
    StaffMember.objects.update(domain_recognised=True)
    link_people(at=NIGHT)
    run_by(ruth, rhea)
    login = Account.objects.get(email="ruth@alder.example").pk
    assert standing(account_id=login).modes == ("staff", "reception")
    people.delete_staff(ruth, by=by, at=NIGHT, reason="Retired")
    assert standing(account_id=login).modes == ()
    assert (ruth.status, ruth.left_on, ruth.deleted_at) == ("left", NIGHT.date(), NIGHT)
    people.delete_staff(ruth, by=by, at=LATER, reason="Again")
    assert audited("staff.deleted") == [(f"staff:{ruth.pk}", "Retired")]
    people.restore_staff(ruth, by=by, at=LATER, reason="Came back")
    assert standing(account_id=login).modes == ("staff",)
    assert (ruth.status, ruth.left_on, ruth.deleted_at) == ("active", None, None)
    assert audited("staff.restored") == [(f"staff:{ruth.pk}", "Came back")]
    with pytest.raises(UnableToDelete, match="was not deleted"):
        people.restore_staff(ruth, by=by, at=LATER)


def test_deleting_a_teacher_who_is_a_parent_ends_staff_mode_only(school: School, by: int) -> None:
    teacher = made.staff_member("Jo Hart", email="jo@alder.example", domain_recognised=True)
    parent = made.guardian("Jo Hart", email="jo@alder.example")
    made.school_class("7B", made.student("Ann Bell"), teacher=teacher)
    link_people(at=NIGHT)
    login = Account.objects.get(email="jo@alder.example").pk
    effect = effect_of_deleting(teacher)
    assert (effect.classes, effect.roles, effect.stays_parent) == (("7B",), (), True)
    people.delete_staff(teacher, by=by, at=NIGHT, reason="Left")
    assert standing(account_id=login).modes == ("parent",)
    assert fresh(parent).status == "active"


def test_what_a_deletion_would_end(school: School) -> None:
    teacher = made.staff_member("Ruth Vale", email="ruth@alder.example", domain_recognised=True)
    run_by(teacher)
    made.school_class("7A", teacher=teacher, ended_on=NIGHT.date())
    effect = effect_of_deleting(teacher)
    assert (effect.classes, effect.stays_parent) == ((), False)
    assert effect.roles == ("Super user (Organisation Super Admin)",)


def test_the_last_super_user_stays(school: School, by: int) -> None:
    ruth, rhea = made.staff_member("Ruth Vale"), made.staff_member("Rhea Stone", status="left")
    run_by(ruth, rhea)
    with pytest.raises(UnableToDelete, match="Ruth Vale is the school’s only super user"):
        people.delete_staff(ruth, by=by, at=NIGHT, reason="Left")
    assert fresh(ruth).status == "active"
    assert RoleGrant.objects.filter(staff_member=ruth, revoked_at=None).exists()
    people.delete_staff(rhea, by=by, at=NIGHT, reason="Left long ago")


def test_deleting_needs_a_reason(school: School, by: int) -> None:
    with pytest.raises(UnableToDelete, match="Say why"):
        people.delete_staff(made.staff_member("Ruth Vale"), by=by, at=NIGHT, reason="  ")


# The block of the school's own domains (R42).


def test_the_effect_of_a_block_is_known_before(school: School, django_assert_num_queries: Any) -> None:
    SchoolDomain.objects.create(school=school, domain="senior.alder.example")
    jo = made.guardian("Jo Hart", email="jo@alder.example")
    kit = made.guardian("Kit Moss", email="kit@senior.alder.example")
    made.guardian("Eve Vale", email="eve@evil-alder.example")
    made.guardian("Mel Vale", email="mel@alder.example.evil.example")
    made.guardian("Bob Reed", email="bob@mail.example")
    made.guardian("Ken Bird", email="ken@alder.example", status="left")
    made.guardian("Nan Wood", email="nan@alder.example", source="manual")
    for name in ("Ann Hart", "Tom Hart"):
        made.tie(jo, made.student(name))
    made.tie(jo, made.student("Una Hart"), ended_on=NIGHT.date())
    link_people(at=NIGHT)
    Account.objects.filter(email="kit@senior.alder.example").update(activated_at=NIGHT)
    with django_assert_num_queries(2):
        found = effect_of_domain_block(school)
    assert [(each.guardian, each.children, each.signed_in) for each in found] == [(jo, 2, False), (kit, 0, True)]


def test_without_domains_a_block_has_no_effect(school: School) -> None:
    SchoolDomain.objects.all().delete()
    made.guardian("Jo Hart", email="jo@alder.example")
    assert effect_of_domain_block(school) == ()


# Alone: a night and a person never write over each other.


@pytest.mark.django_db(databases=["default", "owner"])
def test_while_a_night_writes_nobody_is_changed_by_hand(school: School, by: int) -> None:
    joan, ann, ruth = made.guardian("Joan Bell"), made.student("Ann Bell"), made.staff_member("Ruth Vale")
    edit = LocalEdit.objects.create(guardian=joan, field="given_name", value="Jane", at=NIGHT)
    added: dict[str, Any] = {
        "given_name": "Jo",
        "family_name": "Hart",
        "email": "jo@mail.example",
        "students": [(ann, "Mother")],
    }
    acts: list[tuple[type[Exception], Any]] = [
        (UnableToCorrect, lambda: correct(joan, by, given_name="June")),
        (UnableToCorrect, lambda: people.withdraw(edit, by=by, at=NIGHT)),
        (UnableToAdd, lambda: people.add_guardian(**added, by=by, at=NIGHT)),
        (UnableToAdd, lambda: people.tie_by_hand(joan, ann, relationship="Mother", by=by, at=NIGHT)),
        (UnableToDelete, lambda: people.delete_staff(ruth, by=by, at=NIGHT, reason="Left")),
        (UnableToDelete, lambda: people.restore_staff(ruth, by=by, at=NIGHT)),
    ]
    with elsewhere(turns.ROSTER, school.pk):
        for error, act in acts:
            with pytest.raises(error, match="being changed at this moment"):
                act()


@contextlib.contextmanager
def elsewhere(lock: int, school: int) -> Iterator[None]:
    """Let another connection have a school's turn."""
    with connections["owner"].cursor() as other:
        other.execute("select pg_advisory_lock(%s, %s)", [lock, school])
        try:
            yield
        finally:
            other.execute("select pg_advisory_unlock(%s, %s)", [lock, school])
