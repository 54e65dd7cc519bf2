"""What every page is framed with: theme, school, mode, navigation. No query of its own, ever."""

import dataclasses
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

from portals.gates import MODE_NAMES
from users.queries import Mode, Standing
from users.roles import Can

THEMES: Final = ("auto", "light", "dark")
THEME: Final = "theme"  # the cookie that keeps the choice, so that the server sends the right stylesheet: no flash
DARK_MEDIA: Final = {"auto": "(prefers-color-scheme: dark)", "dark": "all", "light": ""}
DEFAULT_HUE: Final = 176


@dataclasses.dataclass(frozen=True, kw_only=True)
class Door:
    """One link of the navigation, or of the switch between modes."""

    label: str
    icon: str
    url: str
    here: bool = False


@dataclasses.dataclass(frozen=True)
class _Item:
    label: str
    icon: str
    view: str
    covers: frozenset[str] = frozenset()
    right: Can | None = None  # shown to who holds it


_PEOPLE: Final = frozenset(
    f"reception:{view}"
    for view in (
        *("person", "why", "correct", "new_id", "withdraw", "delete", "restore", "add_guardian", "tie", "block"),
        *("unblock", "untie", "rules", "parents_domain", "primary_years", "rollover", "hours"),
        *("morning", "weekdays", "add_closure", "remove_closure"),
    )
)
_ABSENCES: Final = frozenset(f"staff:{view}" for view in ("settle", "reopen", "call", "call_about", "take_back"))
_NAVIGATION: Final[dict[Mode, tuple[_Item, ...]]] = {
    "staff": (
        _Item("Students", "users", "staff:home", frozenset({"staff:student", "staff:medical"})),
        _Item("Classes", "book-open", "staff:classes", frozenset({"staff:class"})),
        _Item("Absences", "user-x", "staff:absence", _ABSENCES, Can.SEE_ABSENCES),
    ),
    "parent": (
        _Item(
            "Home",
            "house",
            "parent:home",
            frozenset({"parent:child", "parent:absence", "parent:report", "parent:withdraw"}),
        ),
    ),
    "reception": (
        _Item("Front desk", "layout-grid", "reception:home"),
        _Item("Conflicts", "shield-alert", "reception:conflicts", frozenset({"reception:conflict"})),
        _Item("Tonight", "moon", "reception:tonight"),
        _Item("People", "users", "reception:people", _PEOPLE),
        _Item("Sync runs", "refresh-cw", "reception:runs", frozenset({"reception:run", "reception:ask"})),
        _Item("Attendance", "book-open", "reception:attendance", frozenset({"reception:code"})),
        _Item(
            "Data quality", "triangle-alert", "reception:quality", frozenset({"reception:bucket", "reception:fixed"})
        ),
        _Item("CSV files", "inbox", "reception:files", frozenset({"reception:upload"})),
        _Item("Joining", "circle-check", "reception:joining", frozenset({"reception:preview"})),
        _Item(
            "Connection", "key-round", "reception:connection", frozenset({"reception:systems", "reception:settings"})
        ),
    ),
}
_MODE_ICONS: Final[dict[Mode, str]] = {"staff": "graduation-cap", "parent": "house", "reception": "school"}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the frame of a page; everything in it was read by the gate already."""
    school = getattr(request, "school", None)
    standing: Standing | None = getattr(request, "standing", None)
    mode: Mode | None = getattr(request, "mode", None)
    theme = request.COOKIES.get(THEME, "auto")
    theme = theme if theme in THEMES else "auto"
    inside = school is not None and standing is not None and mode is not None
    return {
        "theme": theme,
        "themes": THEMES,
        "dark_media": DARK_MEDIA[theme],
        "hue": school.hue if school else DEFAULT_HUE,
        "school": school,
        "mode": mode,
        "mode_name": MODE_NAMES[mode] if mode else "",
        "nav": _nav(request, school.slug, mode, standing) if school and standing and mode else (),
        "other_modes": _other_modes(school.slug, standing, mode) if school and standing and mode else (),
        "elsewhere": bool(standing and standing.elsewhere),
        "person": (standing.guardian if mode == "parent" else standing.staff_member) if inside and standing else None,
    }


def mode_url(slug: str, mode: Mode) -> str:
    """Return the address at which a mode of a school begins."""
    return reverse(f"{mode}:home", kwargs={"school": slug})


def mode_icon(mode: Mode) -> str:
    """Return the icon of a mode."""
    return _MODE_ICONS[mode]


def _nav(request: HttpRequest, slug: str, mode: Mode, standing: Standing) -> tuple[Door, ...]:
    view = request.resolver_match.view_name if request.resolver_match else ""
    return tuple(
        Door(
            label=item.label,
            icon=item.icon,
            url=reverse(item.view, kwargs={"school": slug}),
            here=view == item.view or view in item.covers,
        )
        for item in _NAVIGATION[mode]
        if item.right is None or item.right in standing.rights
    )


def _other_modes(slug: str, standing: Standing, mode: Mode) -> tuple[Door, ...]:
    return tuple(
        Door(label=f"{MODE_NAMES[other]} mode", icon=_MODE_ICONS[other], url=mode_url(slug, other))
        for other in standing.modes
        if other != mode
    )
