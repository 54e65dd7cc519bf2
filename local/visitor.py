"""A person with a browser that knows cookies, forms and links, and nothing else: the smoke test's legs."""

from __future__ import annotations

import dataclasses
import html
import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request

TOKEN = re.compile(r'name="csrfmiddlewaretoken"\s+value="([^"]+)"')
LINK = re.compile(r'href="([^"]+)"')
SIGN_IN = "/accounts/login/"


class RefusedError(Exception):
    """The site did not let the person in."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What came back, after redirects."""

    status: int
    path: str
    body: str

    @property
    def text(self) -> str:
        """What a person reads: no tags, single spaces."""
        bare = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", self.body, flags=re.DOTALL)
        return re.sub(r"\s+", " ", html.unescape(bare)).strip()

    def link(self, pattern: str) -> str | None:
        """Find the first link whose whole path matches the pattern."""
        links = (html.unescape(found) for found in LINK.findall(self.body))
        return next((link for link in links if re.fullmatch(pattern, link)), None)


class Visitor:
    """One person's browser."""

    def __init__(self, site: str) -> None:
        """`site` has no slash at the end."""
        self.site = site
        # No proxy from the environment: the site is on this machine.
        self._browser = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )

    def get(self, path: str) -> Page:
        """Open a page of the site."""
        return self._open(self._ask(path))

    def sign_in(self, *, email: str, password: str) -> Page:
        """Sign in through the form. Raises RefusedError when the form comes back."""
        form = self.get(SIGN_IN)
        token = TOKEN.search(form.body)
        if token is None:
            raise RefusedError(f"no sign-in form at {SIGN_IN} (status {form.status})")
        answers = {"login": email, "password": password, "csrfmiddlewaretoken": token[1]}
        page = self._open(self._ask(SIGN_IN, answers=answers))
        if page.status != 200 or page.path.startswith("/accounts/"):
            raise RefusedError(f"signing in {email} led to {page.path} (status {page.status}): {page.text[:200]}")
        return page

    def _ask(self, path: str, *, answers: dict[str, str] | None = None) -> urllib.request.Request:
        data = urllib.parse.urlencode(answers).encode() if answers else None
        headers = {"Referer": self.site + path, "Origin": self.site} if answers else {}
        return urllib.request.Request(self.site + path, data=data, headers=headers)  # noqa: S310 (our own site)

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            answer = self._browser.open(request, timeout=30)
        except urllib.error.HTTPError as fault:
            answer = fault
        with answer:
            path = urllib.parse.urlsplit(answer.geturl()).path
            return Page(status=answer.status or 0, path=path, body=answer.read().decode("utf-8", errors="replace"))
