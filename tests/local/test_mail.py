"""The mail catcher keeps what is sent, shows it safely, and sends nothing on."""

from __future__ import annotations

import json
import smtplib
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from local import mail

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[mail.Catcher]:
    with mail.running(folder=tmp_path / "mail") as running:
        yield running


def send(catcher: mail.Catcher, *, subject: str = "Hello", text: str = "Hello", html: str = "") -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "hello@schoolsbuddy.example", "bob@family.example", subject
    letter.set_content(text)
    if html:
        letter.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port) as server:
        server.send_message(letter)


def read(catcher: mail.Catcher, path: str, *, host: str | None = None) -> tuple[str, str]:
    """Body and Content-Security-Policy of a page."""
    headers = {"Host": host} if host else {}
    request = urllib.request.Request(catcher.url + path, headers=headers)  # noqa: S310 (our own page)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as page:
        return page.read().decode(), page.headers["Content-Security-Policy"]


def test_a_sent_mail_is_listed_newest_first(catcher: mail.Catcher) -> None:
    send(catcher, subject="First")
    send(catcher, subject="Zoë’s trip")
    body, _ = read(catcher, "")
    assert body.index("Zoë’s trip") < body.index("First")
    first, second = json.loads(read(catcher, "messages.json")[0])
    assert (first["subject"], second["subject"]) == ("Zoë’s trip", "First")
    assert first["recipients"] == ["bob@family.example"]


def test_an_empty_box_says_what_will_come(catcher: mail.Catcher) -> None:
    assert "No mail yet" in read(catcher, "")[0]


def test_text_is_escaped_and_its_links_work(catcher: mail.Catcher) -> None:
    send(catcher, subject=EVIL, text=f"{EVIL}\nhttp://127.0.0.1:8000/a/?b=1&c=2.")
    for path in ("", "1"):
        assert EVIL not in read(catcher, path)[0]
    assert '<a href="http://127.0.0.1:8000/a/?b=1&amp;c=2"' in read(catcher, "1")[0]


def test_the_html_part_is_shut_in_a_sandbox(catcher: mail.Catcher) -> None:
    send(catcher, html=f"<p>Hello</p>{EVIL}")
    page, policy = read(catcher, "1")
    assert EVIL not in page
    assert 'src="/1/html"' in page
    assert "sandbox=" in page
    assert "default-src 'none'" in policy
    part, its_policy = read(catcher, "1/html")
    assert "<p>Hello</p>" in part
    assert "sandbox" in its_policy
    assert "allow-scripts" not in its_policy + page


def test_codes_stand_out(catcher: mail.Catcher) -> None:
    send(catcher, text="Your code is\n\n    K7QP-2MXD\n\nor\n\n482913\n\nHello\n")
    assert json.loads(read(catcher, "messages.json")[0])[0]["codes"] == ["K7QP-2MXD", "482913"]
    assert '<span class="code">482913</span>' in read(catcher, "")[0]


def test_another_name_for_this_machine_is_refused(catcher: mail.Catcher) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        read(catcher, "messages.json", host="evil.example:80")


def test_unknown_pages_are_404(catcher: mail.Catcher) -> None:
    for path in ("7", "7/html", "../secrets.env", "favicon.ico"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(catcher, path)


def test_mail_outlives_the_catcher_and_the_oldest_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "KEPT", 2)
    box = mail.Postbox(tmp_path)
    for number in range(3):
        box.take(f"Subject: {number}\r\n\r\nHello\r\n".encode(), recipients=["bob@family.example"])
    assert [letter.subject for letter in mail.Postbox(tmp_path).letters()] == ["2", "1"]
    assert len(list(tmp_path.iterdir())) == 2
