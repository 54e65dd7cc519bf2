"""The page on which a person sees what each school's MIS says, moves its night, and switches its faults on and off.

`/` the page · `POST /feeds/<slug>` moves one feed (fields `night`, and `fault` once for each) · `/feeds.json` where
each is served and what it says, for the seed and for tests.
"""

import contextlib
import html
import http.server
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from local import pages
from local.processes import LOOPBACK
from local.simulators.feeds import KEPT, Asked, BadMove, Feed
from local.world.model import NIGHTS

LONGEST_FORM: Final = 64 * 1024  # bytes
_MOST_READ: Final = 16 * LONGEST_FORM
_NO_FORM: Final = "What was sent is no form of this page."
_NUMBER: Final = re.compile("[0-9]{1,9}")
POLICY: Final = pages.policy("form-action 'self'")
STYLE: Final = (
    pages.STYLE
    + """
main, header { max-width: 60rem; }
section, table { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
.schools { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1rem;
  align-items: start; margin: 1rem 0; }
section { padding: 1rem; scroll-margin-top: 1rem; }
section h2 { margin: 0; font-size: 1.125rem; }
.state { display: flex; flex-wrap: wrap; gap: .25rem .5rem; margin: .25rem 0 .75rem; }
.state span { background: var(--tint); border-radius: 1rem; padding: 0 .625rem; font-size: .875rem; }
.state .on { background: var(--alarm); color: var(--paper); }
fieldset { border: 0; margin: 0 0 .75rem; padding: 0; }
legend { padding: 0; font-weight: 600; }
.nights { display: flex; flex-wrap: wrap; gap: .25rem; }
.nights label { min-width: 3rem; padding: .375rem .5rem; border: 1px solid var(--line); border-radius: .5rem; }
details { margin: .25rem 0; }
summary { cursor: pointer; padding: .25rem 0; }
.fault { display: grid; grid-template-columns: 1.5rem 1fr; gap: 0 .25rem; padding: .375rem 0; align-items: start; }
.fault input { margin-top: .3rem; }
input { accent-color: var(--brand); }
.fault b { font: 600 .9375rem/1.5 ui-monospace, monospace; }
button { font: inherit; font-weight: 600; min-height: 2.5rem; padding: .25rem 1rem; border-radius: .5rem;
  border: 1px solid var(--brand); background: var(--brand); color: var(--on-brand); cursor: pointer; }
button.quiet { background: transparent; color: var(--brand); }
.note { border-left: .25rem solid var(--brand); background: var(--tint); padding: .5rem .75rem; border-radius: .25rem; }
.note.bad { border-color: var(--alarm); }
.rows { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th, td { text-align: left; padding: .375rem .75rem; vertical-align: top; }
td:nth-child(4) { min-width: 20rem; overflow-wrap: anywhere; font-family: ui-monospace, monospace; }
.refused { color: var(--alarm); font-weight: 600; }
"""
)

Fields = Mapping[str, Sequence[str]]


class NoForm(ValueError):
    """What was posted is no form of ours; the message says why."""


class Control:
    """The feeds of all schools, by slug, and the address of the site, "" where none is known."""

    def __init__(self, feeds: Sequence[Feed], *, site: str = "") -> None:
        self.feeds = {feed.school.slug: feed for feed in feeds}
        self.site = site

    def move(self, slug: str, fields: Fields) -> None:
        """Move a feed as a form asks.

        Raises:
            KeyError: no such school.
            BadMove: the form asks for what is not there.
        """
        feed = self.feeds[slug]
        night = fields.get("night", [""])[-1]
        if not _NUMBER.fullmatch(night):
            raise BadMove("The night is not a number.")
        feed.move(night=int(night), faults=[] if "off" in fields else fields.get("fault", ()))

    def as_json(self) -> str:
        """Return what each feed says, and where."""
        return json.dumps({slug: _as_value(feed) for slug, feed in self.feeds.items()})

    def page(self, *, note: str = "", bad: bool = False) -> str:
        """Draw the page."""
        lead = (
            "<p>Every school, and what its MIS says at present. Choose a night or switch faults on; then let the "
            f"school be synced ({self._link('/admin/tenants/school/', 'admin')}: tick it, “Run roster sync now”) and "
            "look at its runs in Reception.</p>"
        )
        said = f'<p class="note{" bad" if bad else ""}" role="status">{html.escape(note)}</p>' if note else ""
        cards = "".join(self._card(feed) for feed in self.feeds.values())
        return pages.page(
            title="The simulators",
            of="SchoolsBuddy",
            lead="",
            body=f'{lead}{said}<div class="schools">{cards}</div>{self._log()}',
        )

    def _link(self, path: str, text: str) -> str:
        return f'<a href="{html.escape(self.site)}{path}">{text}</a>' if self.site else text

    def _card(self, feed: Feed) -> str:
        school, slug = feed.school, feed.school.slug
        said = [f"<span>night {feed.night}</span>"]
        said += [f'<span class="on">{html.escape(name)}</span>' for name in sorted(feed.faults)]
        via = f" via {school.mis_partner}" if school.mis_partner else ""
        at = f"at {feed.url}" if feed.url else "in a folder of its own"
        faults = "".join(_faults(whose, there, on=feed.faults) for whose, there in feed.faults_there.items())
        return (
            f'<section id="{slug}" aria-labelledby="{slug}-name"><h2 id="{slug}-name">{html.escape(school.name)}</h2>'
            f'<p class="soft">{html.escape(school.mis_product + via)}, {at} · '
            f"{self._link(f'/s/{slug}/reception/runs/', 'its runs')}</p>"
            f'<p class="state">{"".join(said)}</p><form method="post" action="/feeds/{slug}">'
            f"{_nights(feed)}{faults}<p><button>Apply</button> "
            f'<button class="quiet" name="off" value="1">All faults off</button></p></form></section>'
        )

    def _log(self) -> str:
        asked = sorted((one for feed in self.feeds.values() for one in feed.asked()), key=lambda one: one.at)
        rows = "".join(map(_row, reversed(asked[-KEPT:])))
        if not rows:
            return "<h2>Requests</h2><p>None yet. They appear when a school is synced.</p>"
        head = "<tr><th>When (UTC)</th><th>School</th><th>Asked</th><th>For</th><th>Answer</th></tr>"
        return (
            f"<h2>The last {min(len(asked), KEPT)} requests</h2>"
            f'<div class="rows" tabindex="0" role="region" aria-label="Requests"><table><thead>{head}</thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )


def _nights(feed: Feed) -> str:
    choices = "".join(
        f'<label><input type="radio" name="night" value="{night}"{" checked" * (night == feed.night)}> {night}</label>'
        for night in NIGHTS
    )
    return f'<fieldset><legend>Night</legend><div class="nights">{choices}</div></fieldset>'


def _faults(whose: str, there: Mapping[str, str], *, on: frozenset[str]) -> str:
    boxes = "".join(
        f'<label class="fault"><input type="checkbox" name="fault" value="{html.escape(name)}"'
        f"{' checked' * (name in on)}>"
        f"<span><b>{html.escape(name)}</b> {html.escape(what)}</span></label>"
        for name, what in there.items()
    )
    name = html.escape(f"Faults {whose[0].lower()}{whose[1:]}")
    return (
        f"<details><summary>{name}: {len(there)}, {len(on & there.keys()) or 'none'} on</summary>"
        f'<div role="group" aria-label="{name}">{boxes}</div></details>'
    )


def _row(one: Asked) -> str:
    mark = ' class="refused"' if one.status >= HTTPStatus.BAD_REQUEST else ""
    cells = (f"{one.at:%H:%M:%S}", one.school, one.method, one.target)
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + f"<td{mark}>{one.status}</td></tr>"


def _as_value(feed: Feed) -> dict[str, Any]:
    return {
        "connector": feed.key,
        "settings": feed.settings(),
        "night": feed.night,
        "faults": sorted(feed.faults),
        "bad_nights": {name: sorted(faults) for name, faults in feed.bad_nights.items()},
    }


class _Handler(pages.Handler):
    control: Control

    def do_GET(self) -> None:  # noqa: N802 so the library looks for it
        if not self.is_here():
            return self.send(HTTPStatus.FORBIDDEN, "text/plain", "Only on this machine.")
        target = urlsplit(self.path)
        if target.path == "/feeds.json":
            return self.send(HTTPStatus.OK, "application/json", self.control.as_json())
        if target.path == "/style.css":
            return self.send(HTTPStatus.OK, "text/css", STYLE)
        if target.path == "/":
            return self._page(HTTPStatus.OK, note=self._done(target.query))
        return self._page(HTTPStatus.NOT_FOUND, note="There is no such page; this is all there is.", bad=True)

    def do_POST(self) -> None:  # noqa: N802
        if not self.is_here():
            return self.send(HTTPStatus.FORBIDDEN, "text/plain", "Only from this page.")
        slug = urlsplit(self.path).path.removeprefix("/feeds/")
        if slug not in self.control.feeds:
            return self._page(HTTPStatus.NOT_FOUND, note="Nothing was changed: there is no such school.", bad=True)
        try:
            self.control.move(slug, self._fields())
        except (BadMove, NoForm) as fault:
            return self._page(HTTPStatus.UNPROCESSABLE_ENTITY, note=f"Nothing was changed. {fault}", bad=True)
        return self.send(HTTPStatus.SEE_OTHER, "text/plain", "Done.", Location=f"/?moved={slug}#{slug}")

    def _page(self, status: HTTPStatus, *, note: str, bad: bool = False) -> None:
        self.send(status, "text/html", self.control.page(note=note, bad=bad), policy=POLICY)

    def _done(self, query: str) -> str:
        feed = self.control.feeds.get(parse_qs(query).get("moved", [""])[-1])
        if feed is None:
            return ""
        faults = ", ".join(sorted(feed.faults)) or "none"
        return f"{feed.school.name} is on night {feed.night}; faults: {faults}. The next sync will read that."

    def _fields(self) -> dict[str, list[str]]:
        length = self.headers.get("Content-Length", "")
        size = int(length) if _NUMBER.fullmatch(length) else 0
        sent = self.rfile.read(min(size, _MOST_READ))  # also what is too long: unread, it would hide the answer
        if not _NUMBER.fullmatch(length) or size > LONGEST_FORM:
            raise NoForm(_NO_FORM)
        try:
            return parse_qs(sent.decode(), errors="strict", max_num_fields=500)
        except ValueError:  # a UnicodeDecodeError is one
            raise NoForm(_NO_FORM) from None


@contextlib.contextmanager
def running(control: Control, *, port: int = 0) -> Iterator[str]:
    """Serve the page inside the block, on a free port unless one is named, and yield its address."""
    handler = type("Handler", (_Handler,), {"control": control})
    with http.server.ThreadingHTTPServer((LOOPBACK, port), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://{LOOPBACK}:{server.server_address[1]}"
        finally:
            server.shutdown()
