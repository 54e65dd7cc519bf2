"""The door out for letters: one mail over SMTP, and what became of it."""

import smtplib
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection

from messaging.models import Letter

_FINAL: Final = 500  # from here on an answer of SMTP is the last word; those below say “later”


class NotNow(Exception):
    """It was not taken; later it may be. The message says what kind of fault it was, without an address."""


class Unreachable(NotNow):
    """No mail server would speak with us, so there is no use in trying another letter now."""


class Undeliverable(Exception):
    """The mail server will not take this letter, now or later. The message says what kind of fault it was."""


def hand_over(letter: Letter) -> None:
    """Hand a letter to the mail server; on return it was taken.

    If the server's answer is lost on its way, nobody can know whether it was. Then it goes again, under the same
    Message-ID, by which mailboxes know two copies of one letter.

    Raises:
        Unreachable, NotNow, Undeliverable: see there.
        RuntimeError: a transaction is open; a slow mail server must never hold locks.
    """
    if connection.in_atomic_block:
        raise RuntimeError("a letter is sent outside of any transaction")
    post = get_connection()
    try:
        post.open()
        post.send_messages([_mail(letter)])
    except smtplib.SMTPRecipientsRefused as refused:
        raise _refusal(max(code for code, _ in refused.recipients.values())) from None  # the rest names the address
    except smtplib.SMTPDataError as refused:
        raise _refusal(refused.smtp_code) from None
    except smtplib.SMTPResponseException as fault:  # about us: our name, our password, our sender
        raise Unreachable(f"not let in ({fault.smtp_code})") from None
    except OSError as fault:  # smtplib's other errors are kinds of it
        raise Unreachable(f"unreachable ({type(fault).__name__})") from None
    except ValueError as fault:
        raise Undeliverable(f"no mail can be made of it ({type(fault).__name__})") from None
    finally:
        post.close()


def _refusal(code: int) -> Exception:
    return Undeliverable(f"refused ({code})") if code >= _FINAL else NotNow(f"not now ({code})")


def _mail(letter: Letter) -> EmailMultiAlternatives:
    host = urlsplit(settings.SITE_URL).hostname
    headers = {
        "Message-ID": f"<letter.{letter.school_id}.{letter.pk}@{host}>",
        "Auto-Submitted": "auto-generated",  # so that no “I am on holiday” comes back
    }
    mail = EmailMultiAlternatives(letter.subject, letter.text, to=[letter.address], headers=headers)
    if letter.html:
        mail.attach_alternative(letter.html, "text/html")
    return mail
