"""What the smoke test makes of a page."""

from __future__ import annotations

from local.smoke import CHECKS
from local.visitor import TOKEN, Page


def page(body: str) -> Page:
    return Page(status=200, path="/", body=body)


def test_text_is_what_a_person_reads() -> None:
    shown = page("<style>p{}</style><p>1,203\n <b>students</b> &amp; more</p><script>let x</script>")
    assert shown.text == "1,203 students & more"


def test_a_link_is_found_by_its_whole_path() -> None:
    shown = page(
        '<a href="/s/northgate/staff/students/?page=2">2</a> <a href="/s/northgate/staff/students/17/">Zoë</a>'
    )
    assert shown.link(r"/s/northgate/staff/students/\d+/") == "/s/northgate/staff/students/17/"
    assert shown.link(r"/runs/\d+/") is None


def test_the_forms_token_is_found() -> None:
    found = TOKEN.search('<input type="hidden" name="csrfmiddlewaretoken" value="abc">')
    assert found is not None
    assert found[1] == "abc"


def test_every_audience_and_every_school_is_walked() -> None:
    super_users = {"reception", "himal", "tamarind", "heronfork", "kareedal"}
    assert {check.who for check in CHECKS} == {"staff", "parent", "support", *super_users}
    assert len({(check.who, check.what) for check in CHECKS}) == len(CHECKS)
