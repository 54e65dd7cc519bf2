"""The small pages of the mail catcher and of the simulators: one frame, one look, no script."""

from __future__ import annotations

import html
import http.server
from urllib.parse import urlsplit

from local.processes import LOOPBACK

STYLE = """
:root { color-scheme: light dark; --paper: #f6f8f7; --card: #fff; --ink: #17211f; --soft: #52615d; --line: #d8e0dd;
  --brand: #0b6b5c; --tint: #e2f1ed; --alarm: #a3271b; --on-brand: #fff; }
@media (prefers-color-scheme: dark) { :root { --paper: #111816; --card: #1a2421; --ink: #eaf1ee; --soft: #a5b5b0;
  --line: #2e3b37; --brand: #6fd6c1; --tint: #1f3a34; --alarm: #ff9d91; --on-brand: #10211d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main, header { max-width: 46rem; margin: 0 auto; padding: 1rem; }
header { padding-bottom: 0; }
h1 { margin: 0; font-size: 1.375rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
p { margin: .25rem 0; }
a { color: var(--brand); }
:focus-visible { outline: 3px solid var(--brand); outline-offset: 2px; }
.soft { color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
"""


def policy(*more: str) -> str:
    """Return a Content-Security-Policy: nothing but our own style, and what `more` opens."""
    shut = ("default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'")
    forms = () if any(one.startswith("form-action") for one in more) else ("form-action 'none'",)
    return "; ".join((*shut, *forms, *more))


def page(*, title: str, of: str, lead: str, body: str) -> str:
    """Return a whole page; `title` and `of` are text, `lead` and `body` HTML. The style is at /style.css."""
    return (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)} · {html.escape(of)}</title>"
        '<link rel="stylesheet" href="/style.css"></head><body>'
        f"<header>{lead}<h1>{html.escape(title)}</h1></header><main>{body}</main></body></html>"
    )


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers safely, and this machine only."""

    timeout = 60

    def is_here(self) -> bool:
        """Whether this machine is asked by its own name, and not by a page that is somebody else's.

        A web page, whose name points at loopback or which posts a form here, must neither read nor change anything.
        """
        host = self.headers.get("Host") or ""
        origin = self.headers.get("Origin")
        named = host.rpartition(":")[0] in {LOOPBACK, "localhost"}
        return named and (origin is None or urlsplit(origin).netloc == host)

    def send(self, status: int, kind: str, body: str, *, policy: str = policy(), **headers: str) -> None:
        """Send a whole answer; `Location="/"` is a header."""
        content = body.encode()
        self.send_response(status)
        safe = {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(content)),
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",  # with no referrer at all a form would come from the origin “null”
            "Cache-Control": "no-store",
        }
        for name, value in (safe | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the page is for people, its log for nobody."""
