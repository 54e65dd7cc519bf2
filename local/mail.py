"""The mail catcher: takes every mail of the demo over SMTP on loopback, sends none on, and shows them on a small page.

`/` the list, newest first · `/<number>` one mail · `/<number>/html` its HTML part, shut in a sandbox · `/messages.json`
all of it for tests. The last 500 are kept, in memory and as `.eml` files.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime as dt
import email
import email.policy
import html
import http.server
import json
import re
import signal
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from local import pages
from local.processes import LOOPBACK, free_port

KEPT = 500
CODE = re.compile(r"^\s*([0-9]{6,8}|[A-Z0-9]{4,6}(?:-[A-Z0-9]{4,6})?)\s*$", re.MULTILINE)
LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")
PAGE_POLICY = pages.policy("frame-src 'self'")
# The part itself: sandboxed even when opened alone, its own inline style allowed, nothing loaded from anywhere.
PART_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One caught mail."""

    number: int
    at: dt.datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str

    @property
    def codes(self) -> list[str]:
        """One-time codes: what stands alone on a line and looks like one."""
        return CODE.findall(self.text)

    @property
    def links(self) -> list[str]:
        """Addresses in the text part."""
        return LINK.findall(self.text)

    def as_json(self) -> dict[str, Any]:
        """Everything a test may want, `at` in ISO 8601 UTC."""
        return dataclasses.asdict(self) | {"at": self.at.isoformat(), "codes": self.codes, "links": self.links}


class Postbox:
    """The letters kept, oldest first; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        """Take over what an earlier run left in `folder`."""
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._letters = [_held(file) for file in sorted(folder.glob("*.eml"))[-KEPT:]]

    def letters(self) -> list[Letter]:
        """All letters, newest first."""
        with self._lock:
            return self._letters[::-1]

    def letter(self, number: int) -> Letter | None:
        """One letter, or None."""
        return next((letter for letter in self.letters() if letter.number == number), None)

    def take(self, raw: bytes, *, recipients: list[str]) -> Letter:
        """Keep a mail as it came over SMTP, and let the oldest go."""
        with self._lock:
            number = self._letters[-1].number + 1 if self._letters else 1
            now = dt.datetime.now(dt.UTC).isoformat()
            file = self._file(number)
            file.write_bytes(f"X-Caught-At: {now}\r\nX-Caught-For: {', '.join(recipients)}\r\n".encode() + raw)
            self._letters.append(_held(file))
            for gone in self._letters[:-KEPT]:
                self._file(gone.number).unlink(missing_ok=True)
            del self._letters[:-KEPT]
            return self._letters[-1]

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:06d}.eml"

    # aiosmtpd calls its handler by this name.
    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one mail from SMTP."""
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        self.take(raw, recipients=[str(address) for address in envelope.rcpt_tos])
        return "250 kept"


def _held(file: Path) -> Letter:
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    return Letter(
        number=int(file.stem),
        at=dt.datetime.fromisoformat(str(message["X-Caught-At"])),
        sender=str(message["From"] or ""),
        recipients=tuple(str(message["X-Caught-For"] or "").split(", ")),
        subject=str(message["Subject"] or "(no subject)"),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    with contextlib.suppress(LookupError, KeyError):  # a charset nobody knows
        return str(part.get_content())
    return str(part.get_payload())


STYLE = (
    pages.STYLE
    + """
ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .5rem; }
li, article, .empty { background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: .75rem 1rem; }
li a { display: inline-block; min-height: 1.5rem; font-weight: 600; overflow-wrap: anywhere; }
.code { display: inline-block; margin: .25rem .5rem .25rem 0; padding: .25rem .75rem; border-radius: .5rem;
  background: var(--tint); font: 600 1.25rem/1.5 ui-monospace, monospace; letter-spacing: .08em; user-select: all; }
pre { margin: .75rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
iframe { width: 100%; height: 36rem; border: 1px solid var(--line); border-radius: .75rem; background: #fff;
  color-scheme: light; }
"""
)


def _page(*, title: str, lead: str, body: str) -> str:
    return pages.page(title=title, of="caught mail", lead=lead, body=body)


def _when(at: dt.datetime) -> str:
    return f'<time datetime="{at.isoformat()}">{at:%d %b %Y, %H:%M:%S} UTC</time>'


def _codes(letter: Letter) -> str:
    return "".join(f'<span class="code">{html.escape(code)}</span>' for code in letter.codes)


def list_page(letters: list[Letter]) -> str:
    """Draw the list, newest first."""
    if not letters:
        body = '<p class="empty">No mail yet. Whatever SchoolsBuddy sends appears here; reload the page.</p>'
        return _page(title="Mail", lead="", body=body)
    rows = "".join(
        f'<li><a href="/{letter.number}">{html.escape(letter.subject)}</a>'
        f'<p class="soft">to {html.escape(", ".join(letter.recipients))} · {_when(letter.at)}</p>{_codes(letter)}</li>'
        for letter in letters
    )
    return _page(title=f"Mail ({len(letters)})", lead="", body=f"<ol>{rows}</ol>")


def letter_page(letter: Letter) -> str:
    """Draw one letter: its codes to copy, its text with links, its HTML part in a sandboxed frame."""
    part = (
        f'<h2>As HTML</h2><iframe src="/{letter.number}/html" title="The HTML part of this mail" '
        'sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>'
        if letter.html
        else ""
    )
    body = (
        f'<article><p class="soft">from {html.escape(letter.sender)}</p>'
        f'<p class="soft">to {html.escape(", ".join(letter.recipients))}</p><p class="soft">{_when(letter.at)}</p>'
        f'{_codes(letter)}<pre tabindex="0">{_linked(letter.text)}</pre></article>{part}'
    )
    return _page(title=letter.subject, lead='<p><a href="/">All mail</a></p>', body=body)


def _linked(text: str) -> str:
    """Escape the text and make web addresses into links."""
    pieces, end = [], 0
    for found in LINK.finditer(text):
        address = html.escape(found[0])
        pieces += [html.escape(text[end : found.start()]), f'<a href="{address}" rel="noreferrer">{address}</a>']
        end = found.end()
    return "".join([*pieces, html.escape(text[end:])])


class _Handler(pages.Handler):
    postbox: Postbox

    def do_GET(self) -> None:  # noqa: N802 so the library looks for it
        if not self.is_here():
            return self.send(403, "text/plain", "Only on this machine.")
        path = self.path.partition("?")[0]
        if path == "/":
            return self.send(200, "text/html", list_page(self.postbox.letters()), policy=PAGE_POLICY)
        if path == "/style.css":
            return self.send(200, "text/css", STYLE)
        if path == "/messages.json":
            letters = [letter.as_json() for letter in self.postbox.letters()]
            return self.send(200, "application/json", json.dumps(letters))
        return self._one(path)

    def _one(self, path: str) -> None:
        found = re.fullmatch(r"/([0-9]{1,9})(/html)?", path)
        letter = self.postbox.letter(int(found[1])) if found else None
        if found is None or letter is None:
            return self.send(404, "text/plain", "No such mail.")
        if found[2]:
            return self.send(200, "text/html", letter.html, policy=PART_POLICY)
        return self.send(200, "text/html", letter_page(letter), policy=PAGE_POLICY)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Catcher:
    """A running mail catcher."""

    postbox: Postbox
    smtp_port: int
    page_port: int

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{LOOPBACK}:{self.page_port}/"


@contextlib.contextmanager
def running(*, folder: Path, smtp_port: int | None = None, page_port: int | None = None) -> Iterator[Catcher]:
    """Run the catcher in threads of this process inside the block; free ports unless given."""
    postbox = Postbox(folder)
    handler = type("Handler", (_Handler,), {"postbox": postbox})
    smtp = Controller(postbox, hostname=LOOPBACK, port=smtp_port or free_port(), data_size_limit=25 * 1024 * 1024)
    with http.server.ThreadingHTTPServer((LOOPBACK, page_port or 0), handler) as server:
        smtp.start()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Catcher(postbox=postbox, smtp_port=smtp.port, page_port=server.server_address[1])
        finally:
            server.shutdown()
            smtp.stop()


def main() -> None:
    """Catch mail until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m local.mail", description="Catch mail and show it.")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--page-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    found = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    with running(folder=found.folder, smtp_port=found.smtp_port, page_port=found.page_port) as catcher:
        print(f"mail on {catcher.url}", flush=True)
        done.wait()


if __name__ == "__main__":
    main()
