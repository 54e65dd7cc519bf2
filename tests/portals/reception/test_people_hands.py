"""What a super user does to people by hand: each page says first what will happen, then does just that."""

from typing import Any

import pytest
from django.utils import timezone

from sync.models import MisIdentity
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person
from tests.factories import people
from tests.portals.reception.conftest import BASE, PEOPLE, Here
from users.models import Guardian, LocalEdit, Membership, Tie
from users.operations.accounts import link_people

ALL = ("correct/family_name/", "id/")


def read(person: Person, path: str) -> str:
    response = person.client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def send(person: Person, path: str, **data: str) -> str:
    """Push the button; return the page that it leads to, or the form with what is wrong."""
    response = person.client.post(path, data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def fresh(here: Here, row: Any) -> Any:
    with scope.school(here.school.pk):
        return type(row).objects.get(pk=row.pk)


def audited(here: Here) -> list[tuple[str, int | None]]:
    with scope.school(here.school.pk):
        return list(AuditEvent.objects.order_by("id").values_list("action", "actor_id"))


def test_a_corrected_name_is_seen_by_staff_at_once(rhea: Person, alice: Person, here: Here):
    url = here.url("students", "correct/family_name/")
    before = read(rhea, url)
    assert 'value="MuÃ±oz"' in before
    assert "It stays until your MIS says something new" in before
    assert "Correct it there too, in SIMS here via Wonde." in before
    after = send(rhea, url, value="Muñoz", reason="typing")
    assert "Surname corrected. Everybody sees it from now on." in after
    assert "Zoe Muñoz" in read(alice, f"/s/northgate/staff/students/{here.zoe.pk}/")
    assert audited(here) == [("person.corrected", rhea.account.pk)]
    with scope.school(here.school.pk):
        edit = LocalEdit.objects.get()
    assert (edit.value, edit.replaced, edit.by_id, edit.reason) == ("Muñoz", "MuÃ±oz", rhea.account.pk, "typing")
    assert "Your MIS says “MuÃ±oz”" in read(rhea, url)


def test_a_correction_is_withdrawn(rhea: Person, here: Here):
    send(rhea, here.url("students", "correct/family_name/"), value="Muñoz")
    with scope.school(here.school.pk):
        edit = LocalEdit.objects.get()
    url = f"{PEOPLE}edits/{edit.pk}/withdraw/"
    assert "It will say again what your MIS says: “MuÃ±oz”." in read(rhea, url)
    assert "The correction was withdrawn." in send(rhea, url)
    assert fresh(here, here.zoe).family_name == "MuÃ±oz"
    assert "nothing, or what it said before" in withdrawn_of_nothing(rhea, here)


def withdrawn_of_nothing(rhea: Person, here: Here) -> str:
    with scope.school(here.school.pk):
        edit = LocalEdit.objects.create(guardian=here.mei, field="phone", value="1", replaced="", at=timezone.now())
    return read(rhea, f"{PEOPLE}edits/{edit.pk}/withdraw/")


def test_phones_and_addresses_bridge_until_tonight(rhea: Person, here: Here):
    for field in ("phone", "email"):
        assert "It stays until tonight" in read(rhea, here.url("guardians", f"correct/{field}/"))
    with scope.school(here.school.pk):
        by_hand = people.guardian("By Hand", email="b@mail.example", source="manual")
    assert "what you write stays" in read(rhea, f"{PEOPLE}guardians/{by_hand.pk}/correct/email/")


def test_a_correction_that_cannot_be_is_explained_and_nothing_is_changed(rhea: Person, here: Here):
    url = here.url("guardians", "correct/email/")
    text = send(rhea, url, value="nonsense")
    assert "That is not an address which mail could reach." in text
    assert 'value="nonsense"' in text
    assert "address of Kit Moss already" in send(rhea, url, value=here.kit.email)
    assert fresh(here, here.mei).email == "mei.li@mail.example"
    assert audited(here) == []


@pytest.mark.parametrize("field", ["year", "upn", "pk", "source", "nonsense"])
def test_what_is_the_mis_s_alone_has_no_form(rhea: Person, here: Here, field: str):
    url = here.url("students", f"correct/{field}/")
    assert rhea.client.get(url).status_code == 404
    assert rhea.client.post(url, {"value": "x"}).status_code == 404


def test_a_new_mis_id(rhea: Person, here: Here):
    url = here.url("students", "id/")
    text = read(rhea, url)
    assert "Their id so far: 0207." in text
    assert "This cannot be taken back here." in text
    after = send(rhea, url, ref="  02100 ", reason="renumbered")
    assert "02100 is an id of Zoe MuÃ±oz from now on." in after
    assert "Given a new MIS id by hand." in after
    with scope.school(here.school.pk):
        ids = list(MisIdentity.objects.filter(student=here.zoe).order_by("id").values_list("external_id", flat=True))
    assert ids == ["0207", "02100"]
    assert "already" in send(rhea, url, ref="02100", reason="again")
    assert "This field is required." in send(rhea, url, ref="5", reason="")


def test_deleting_and_restoring_staff(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        people.super_user(here.kit)
        parent = people.guardian("Kit Moss", email=here.kit.email)
        link_people(at=timezone.now())
    url = f"{PEOPLE}staff/{here.kit.pk}/delete/"
    text = read(rhea, url)
    for words in ("ends at once", "Willow", "Super user", "parent mode stays"):
        assert words in text, words
    assert "This field is required." in send(rhea, url, reason=" ")
    after = send(rhea, url, reason="left for good")
    assert "Kit Moss was deleted." in after
    assert "Cannot come in." in after
    assert fresh(here, here.kit).status == "left"
    assert fresh(here, parent).status == "active"
    back = f"{PEOPLE}staff/{here.kit.pk}/restore/"
    assert "Roles do not come back" in read(rhea, back)
    assert "without the roles of before" in send(rhea, back)
    assert fresh(here, here.kit).status == "active"
    assert "was not deleted by hand" in send(rhea, back)
    assert audited(here) == [("staff.deleted", rhea.account.pk), ("staff.restored", rhea.account.pk)]


def test_the_last_super_user_stays(rhea: Person, here: Here):
    assert rhea.staff_member
    text = send(rhea, f"{PEOPLE}staff/{rhea.staff_member.pk}/delete/", reason="bye")
    assert "only super user" in text
    assert fresh(here, rhea.staff_member).status == "active"


def test_a_guardian_is_added_by_hand_and_tied(rhea: Person, here: Here):
    url = here.url("students", "guardian/")
    assert "No sync ends or doubles them." in read(rhea, url)
    given = {"given_name": "Kit", "family_name": "Moss", "email": "kit@home.example", "relationship": "Father"}
    after = send(rhea, url, **given)
    assert "Kit Moss was added and tied to Zoe MuÃ±oz." in after
    assert "Tied by hand" in after
    assert "Comes in, in Parent mode." in after
    with scope.school(here.school.pk):
        made = Guardian.objects.get(email="kit@home.example")
        assert Tie.objects.get(guardian=made).by_hand
        assert Membership.objects.get(guardian=made).confirmed_at
    assert "address of Kit Moss already" in send(rhea, url, **{**given, "family_name": "Other"})


def test_a_guardian_is_tied_to_a_student_found_by_name(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        bo = people.student("Bo Lí", year="3")
        for place in range(21):
            people.student(f"Many {place}")
    url = here.url("guardians", "tie/")
    assert "Name of the student" in read(rhea, url)
    assert "No student of this name" in read(rhea, f"{url}?q=xyz")
    assert "21 students have this name. Write more of it." in read(rhea, f"{url}?q=many")
    assert "Bo Lí · Year 3" in read(rhea, f"{url}?q=li")
    assert "Choose a student." in send(rhea, f"{url}?q=li")
    after = send(rhea, f"{url}?q=li", student=str(bo.pk), relationship="Step-mother")
    assert "Mei Li is tied to Bo Lí." in after
    assert "tied to Bo Lí already" in send(rhea, f"{url}?q=li", student=str(bo.pk))
    with scope.school(here.school.pk):
        tie = Tie.objects.get(student=bo)
    over = f"{PEOPLE}ties/{tie.pk}/untie/"
    assert "no longer sees Bo Lí" in read(rhea, over)
    assert "The tie was ended." in send(rhea, over)
    assert fresh(here, tie).ended_on


def test_a_tie_of_the_mis_is_not_ended_here(rhea: Person, here: Here):
    assert "This contact comes from your MIS." in send(rhea, f"{PEOPLE}ties/{here.tie.pk}/untie/")
    assert fresh(here, here.tie).ended_on is None


def test_a_tie_is_blocked_for_safety_and_the_block_lifted(rhea: Person, here: Here):
    url = f"{PEOPLE}ties/{here.tie.pk}/block/"
    text = read(rhea, url)
    assert "The block beats your MIS" in text
    assert "This field is required." in send(rhea, url, why="  ")
    assert "Mei Li no longer sees Zoe MuÃ±oz." in send(rhea, url, why="court letter")
    assert fresh(here, here.tie).blocked_why == "court letter"
    lift = f"{PEOPLE}ties/{here.tie.pk}/unblock/"
    assert "Blocked because: court letter" in read(rhea, lift)
    assert "The block was lifted." in send(rhea, lift, why="judge said so")
    assert fresh(here, here.tie).blocked_at is None
    assert "This tie is not blocked." in read(rhea, lift)


def addresses(here: Here) -> list[str]:
    with scope.school(here.school.pk):
        edit = LocalEdit.objects.create(
            student=here.zoe, field="given_name", value="Z", replaced="Zoe", at=timezone.now()
        )
    return [
        *(here.url(kind, rest) for kind in ("students", "guardians", "staff") for rest in ALL),
        *(here.url("staff", rest) for rest in ("delete/", "restore/")),
        here.url("students", "guardian/"),
        here.url("guardians", "tie/"),
        *(f"{PEOPLE}ties/{here.tie.pk}/{rest}/" for rest in ("block", "unblock", "untie")),
        f"{PEOPLE}edits/{edit.pk}/withdraw/",
        *(f"{BASE}rules/{rest}/" for rest in ("parents-domain", "primary-years", "roll-over")),
    ]


def test_nobody_but_who_runs_the_school_does_any_of_it(alice: Person, bob: Person, charlie: Person, here: Here):
    given = {"value": "X", "reason": "x", "why": "x", "ref": "1", "given_name": "X", "family_name": "X"}
    for path in addresses(here):
        for client, status in ((alice.client, 403), (bob.client, 302), (charlie.client, 404)):
            assert client.get(path).status_code == status, path
            assert client.post(path, given).status_code == status, path
    assert audited(here) == []


def test_another_school_s_rows_are_out_of_reach(rhea: Person, here: Here, himal: School):
    with scope.school(himal.pk):
        child, adult, kit = people.student("Gita Secretly"), people.guardian("G"), people.staff_member("K")
        tie = people.tie(adult, child)
        edit = LocalEdit.objects.create(student=child, field="given_name", value="X", at=timezone.now())
    foreign = (
        f"students/{child.pk}/correct/given_name/", f"guardians/{adult.pk}/id/", f"staff/{kit.pk}/delete/",
        f"staff/{kit.pk}/restore/", f"students/{child.pk}/guardian/", f"guardians/{adult.pk}/tie/",
        f"ties/{tie.pk}/block/", f"ties/{tie.pk}/unblock/", f"ties/{tie.pk}/untie/", f"edits/{edit.pk}/withdraw/",
    )  # fmt: skip
    for path in foreign:
        for answer in (rhea.client.get(f"{PEOPLE}{path}"), rhea.client.post(f"{PEOPLE}{path}", {"value": "X"})):
            assert answer.status_code == 404, path


def test_a_student_of_another_school_is_no_choice(rhea: Person, here: Here, himal: School):
    with scope.school(himal.pk):
        gita = people.student("Gita Secretly")
    url = here.url("guardians", "tie/?q=zoe")
    assert "Select a valid choice" in send(rhea, url, student=str(gita.pk))


# The school's rules.


def test_the_rules_say_whom_they_touch(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        people.student("Bo Li", year="12", mis_email="bo@mail.example")
    School.objects.filter(pk=here.school.pk).update(primary_years=["4"], student_access_years=["12"])
    text = read(rhea, f"{BASE}rules/")
    for words in ("0 guardians come in", "Primary: placeholders", "Own addresses", "1 student", "No days are set"):
        assert words in text, words


def test_the_block_of_domains_is_previewed_before_it_is_switched_on(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        parent = people.guardian("Kit Moss", email="kit.parent@northgate-school.example")
        people.tie(parent, here.zoe)
    url = f"{BASE}rules/parents-domain/"
    text = read(rhea, url)
    for words in ("Who loses parent mode", "Kit Moss", "1 student", "northgate-school.example"):
        assert words in text, words
    assert "Mei Li" not in text
    assert "1 guardian comes in" in read(rhea, f"{BASE}rules/")
    assert "Blocked. It takes effect with the next sync." in send(rhea, url, on="yes")
    assert School.objects.get(pk=here.school.pk).block_own_domains_for_guardians
    assert "Lift the block" in read(rhea, url)
    assert "The block was lifted." in send(rhea, url)
    assert not School.objects.get(pk=here.school.pk).block_own_domains_for_guardians
    assert [action for action, _ in audited(here)] == ["school.rule_set"] * 2


def test_primary_years_are_chosen_among_those_in_use(rhea: Person, here: Here):
    url = f"{BASE}rules/primary-years/"
    assert "Year 4 (1 student, 0 with an address in your MIS)" in read(rhea, url)
    assert "Saved." in send(rhea, url, labels="4")
    assert School.objects.get(pk=here.school.pk).primary_years == ["4"]
    assert "Select a valid choice" in send(rhea, url, labels="99")
    assert "Saved." in send(rhea, url)
    assert School.objects.get(pk=here.school.pk).primary_years == []


def test_the_days_of_the_roll_over(rhea: Person, here: Here):
    url = f"{BASE}rules/roll-over/"
    assert "Give both days, or none." in send(rhea, url, first="2027-08-30")
    assert "lies before the first" in send(rhea, url, first="2027-08-30", last="2027-08-29")
    assert "From 30 August 2027 until 12 September 2027." in send(rhea, url, first="2027-08-30", last="2027-09-12")
    assert 'value="2027-08-30"' in read(rhea, url)
    assert "No days are set" in send(rhea, url)
    assert "No days are set" in send(rhea, url)
    assert [action for action, _ in audited(here)] == ["school.rule_set"] * 2
