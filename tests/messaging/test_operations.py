"""Letters are written once and delivered once, over real SMTP, whatever the mail server says or does not say."""

import datetime
import logging
import threading
from collections.abc import Callable
from typing import Final

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from messaging import operations, post, queries
from messaging.models import Letter
from messaging.operations import Attempt, NoMailbox, Recipient
from messaging.signals import letter_written
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.messaging.mail_server import MailServer

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

Write = Callable[..., Letter]
RHEA: Final = "rhea@northgate-school.example"


def school_of(letter: Letter) -> int:
    """Return the id of its school."""
    assert letter.school_id
    return letter.school_id


def again(letter: Letter) -> Letter:
    """Return the letter as it is now."""
    with scope.school(school_of(letter)):
        return Letter.objects.get(pk=letter.pk)


def deliver(letter: Letter, after: datetime.timedelta = datetime.timedelta()) -> Attempt:
    """Try it as a worker does, some time from now."""
    return operations.deliver(
        school=school_of(letter), letter=letter.pk, clock=lambda: timezone.now() + after + datetime.timedelta(seconds=1)
    )


# Writing.


def test_a_letter_has_a_subject_a_text_and_the_schools_name_and_colour(letter: Write, northgate: School) -> None:
    made = letter()
    assert made.subject == "Northgate School: it waits"
    assert "Three of <them>." in made.text
    assert made.text.endswith("Northgate School, sent by SchoolsBuddy\n")
    assert "Three of &lt;them&gt;." in made.html
    assert f"hsl({northgate.hue}, 55%, 26%)" in made.html


def test_the_same_letter_is_written_once_and_told_once(letter: Write, northgate: School) -> None:
    told: list[int] = []

    def hear(*, letter: int, **_later: object) -> None:
        told.append(letter)

    letter_written.connect(hear)
    made = letter()
    with pytest.raises(ValueError, match="not enough values"):  # nothing new was written
        letter()
    letter_written.disconnect(hear)
    assert told == [made.pk]
    assert letter("another").pk != made.pk
    with scope.school(northgate.pk):
        assert Letter.objects.count() == 2


def test_a_letter_that_is_rolled_back_is_never_told(letter: Write, northgate: School) -> None:
    told: list[object] = []

    def hear(**said: object) -> None:
        told.append(said)

    letter_written.connect(hear)
    with transaction.atomic():
        letter()
        transaction.set_rollback(True)
    letter_written.disconnect(hear)
    assert told == []


@pytest.mark.parametrize(
    "address", ["student-41@northgate.noemail.invalid", "A@X.NOEMAIL.INVALID", "", "rhea", "a@b@c"]
)
def test_nobody_can_be_made_a_recipient_of_what_is_no_mailbox(address: str) -> None:
    with pytest.raises(NoMailbox):
        Recipient(address=address)
    with pytest.raises(NoMailbox):
        Recipient.ours(address)


def test_the_database_refuses_a_dummy_as_well(letter: Write, northgate: School) -> None:
    made = letter()
    with pytest.raises(IntegrityError, match="no_letter_to_a_dummy"), scope.school(northgate.pk):
        Letter.objects.filter(pk=made.pk).update(address="student-41@NORTHGATE.noemail.invalid")


def test_only_a_login_in_use_can_be_written_to(rhea: Person) -> None:
    with pytest.raises(NoMailbox):
        Recipient.of(rhea.account)
    rhea.account.activate(timezone.now())
    assert Recipient.of(rhea.account) == Recipient(address=RHEA, account=rhea.account.pk)
    rhea.account.is_active = False
    with pytest.raises(NoMailbox):
        Recipient.of(rhea.account)


# Delivering.


def test_a_letter_is_delivered_once(letter: Write, server: MailServer) -> None:
    made = letter()
    assert deliver(made) == Attempt.SENT
    assert deliver(made) == Attempt.NOT_OURS
    assert operations.sweep(clock=lambda: timezone.now() + datetime.timedelta(days=1)) == 0
    [mail] = server.taken
    assert (mail["To"], mail["Subject"], mail["Auto-Submitted"]) == (RHEA, made.subject, "auto-generated")
    assert mail["Message-ID"].startswith(f"<letter.{made.school_id}.{made.pk}@")
    assert {part.get_content_type() for part in mail.iter_parts()} == {"text/plain", "text/html"}
    now = again(made)
    assert (now.state, now.attempts, now.fault) == (Letter.State.SENT, 1, "")
    assert now.settled_at


def test_a_server_that_is_down_is_tried_again_with_longer_pauses_and_the_letter_arrives(
    letter: Write, server: MailServer
) -> None:
    made = letter()
    server.down()
    assert deliver(made) == Attempt.UNREACHABLE
    assert deliver(made) == Attempt.NOT_OURS, "its pause is not over"
    assert deliver(made, after=operations.PAUSES[0]) == Attempt.UNREACHABLE
    assert deliver(made, after=sum(operations.PAUSES[:1], operations.PAUSES[0])) == Attempt.NOT_OURS
    assert again(made).fault == "unreachable (ConnectionRefusedError)"
    server.up()
    assert operations.sweep(clock=lambda: timezone.now() + datetime.timedelta(hours=1)) == 1
    now = again(made)
    assert (now.state, now.attempts, now.fault) == (Letter.State.SENT, 3, "")
    assert len(server.taken) == 1


def test_a_letter_is_given_up_after_its_last_try(letter: Write, server: MailServer) -> None:
    made = letter()
    server.down()
    tries = []
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for pause in (datetime.timedelta(), *operations.PAUSES):
            clock.shift(pause)
            tries.append(deliver(made))
            clock.shift(datetime.timedelta(seconds=1))
    assert tries == [Attempt.UNREACHABLE] * len(operations.PAUSES) + [Attempt.FAILED]
    assert again(made).state == Letter.State.FAILED


@pytest.mark.parametrize(
    ("asked", "answer", "attempt", "fault"),
    [
        ("to_recipients", "550 no such mailbox", Attempt.FAILED, "refused (550)"),
        ("to_recipients", "450 come back", Attempt.LATER, "not now (450)"),
        ("to_data", "554 not with these words", Attempt.FAILED, "refused (554)"),
        ("to_data", "452 full", Attempt.LATER, "not now (452)"),
    ],
)
def test_what_the_server_says_is_final_or_not(
    letter: Write,
    server: MailServer,
    caplog: pytest.LogCaptureFixture,
    asked: str,
    answer: str,
    attempt: Attempt,
    fault: str,
) -> None:
    made = letter()
    setattr(server, asked, answer)
    with caplog.at_level(logging.INFO):
        assert deliver(made) == attempt
    now = again(made)
    assert (now.state == Letter.State.FAILED, now.fault) == (attempt == Attempt.FAILED, fault)
    [said] = [record.getMessage() for record in caplog.records if record.name.startswith("messaging")]
    assert said.endswith(f": {fault}"), "no address, and nothing of what the server said: it may name the address"


def test_no_answer_in_time_is_no_yes(letter: Write, server: MailServer) -> None:
    made = letter()
    server.keeps_silent = 3
    assert deliver(made) == Attempt.UNREACHABLE
    server.keeps_silent = 0
    assert deliver(made, after=operations.PAUSES[0]) == Attempt.SENT
    first, second = (mail["Message-ID"] for mail in server.taken)
    assert first == second, "a mailbox must be able to know two copies of one letter"


def test_a_good_bye_that_is_never_answered_sends_nothing_twice(letter: Write, server: MailServer) -> None:
    made = letter()
    server.silent_at_the_end = True
    assert deliver(made) == Attempt.SENT
    assert len(server.taken) == 1


def test_a_letter_of_which_no_mail_can_be_made_is_given_up_at_once(
    letter: Write, server: MailServer, northgate: School
) -> None:
    made = letter()
    with scope.school(northgate.pk):
        Letter.objects.update(subject="two\nlines")
    assert deliver(made) == Attempt.FAILED
    assert again(made).fault == "no mail can be made of it (BadHeaderError)"


def test_of_two_workers_one_delivers(letter: Write, server: MailServer) -> None:
    made = letter()
    server.keeps_silent = 0.5
    came: list[Attempt] = []
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        came.append(deliver(made))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(came) == [Attempt.NOT_OURS, Attempt.SENT]
    assert len(server.taken) == 1


def test_a_letter_whose_worker_died_is_tried_again_when_that_is_certain(letter: Write, server: MailServer) -> None:
    made = letter()
    with scope.school(school_of(made)):
        assert operations._mine(made.pk, at=timezone.now() + datetime.timedelta(seconds=1))  # and then the power failed
    assert operations.sweep() == 0
    assert operations.sweep(clock=lambda: timezone.now() + operations.LOST_AFTER * 1.1) == 1
    assert again(made).attempts == 2


def test_what_was_sent_stays_sent_though_another_worker_met_a_fault(letter: Write, server: MailServer) -> None:
    made = letter()
    with scope.school(school_of(made)):
        late = operations._mine(made.pk, at=timezone.now() + datetime.timedelta(seconds=1))
    assert late
    assert deliver(made, after=operations.LOST_AFTER) == Attempt.SENT
    operations._settled(school_of(late), late, Attempt.FAILED, timezone.now(), fault="refused (550)")
    operations._put_off(school_of(late), late, timezone.now(), post.NotNow("not now (450)"))
    assert (again(made).state, again(made).fault) == (Letter.State.SENT, "")


def test_a_sweep_asks_a_server_that_is_down_once_and_no_letter_loses_its_tries(
    letter: Write, server: MailServer
) -> None:
    made = [letter(f"number {number}") for number in range(3)]
    server.down()
    later = timezone.now() + datetime.timedelta(minutes=1)
    assert operations.sweep(clock=lambda: later) == 0
    assert [again(one).attempts for one in made] == [1, 0, 0]
    server.up()
    assert operations.sweep(clock=lambda: later + operations.PAUSES[0]) == 3


def test_a_sweep_goes_on_behind_a_letter_that_is_refused(letter: Write, server: MailServer) -> None:
    letter("first", to="nobody@mail.example")
    letter("second")
    server.to_recipients = "550 no"
    assert operations.sweep(clock=lambda: timezone.now() + datetime.timedelta(minutes=1)) == 0
    assert queries.due(at=timezone.now() + datetime.timedelta(days=1), most=9) == []


def test_a_letter_is_never_sent_inside_a_transaction(letter: Write, server: MailServer) -> None:
    made = letter()
    with transaction.atomic(), pytest.raises(RuntimeError, match="outside of any transaction"):
        post.hand_over(made)
    assert server.taken == []


# Forgetting.


def test_words_are_forgotten_when_they_are_old_and_settled(
    letter: Write, server: MailServer, northgate: School, himal: School
) -> None:
    sent, waits = letter("sent"), letter("waits")
    assert deliver(sent) == Attempt.SENT
    with scope.school(himal.pk):
        theirs = Letter.objects.create(
            key="theirs",
            address="charlie@himal.example",
            subject="s",
            text="t",
            written_at=timezone.now(),
            due_at=timezone.now(),
        )
    assert deliver(theirs) == Attempt.SENT
    at = timezone.now() + operations.KEPT_FOR
    assert operations.purge(at=at - datetime.timedelta(minutes=1)) == 0
    assert operations.purge(at=at + datetime.timedelta(minutes=1)) == 2
    assert operations.purge(at=at + datetime.timedelta(minutes=1)) == 0
    gone, kept = again(sent), again(waits)
    assert (gone.subject, gone.text, gone.html, gone.address) == ("", "", "", RHEA)
    assert kept.text
    assert again(theirs).text == ""
