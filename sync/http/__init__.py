"""The first of two doors out: reading over HTTP from the MIS partners, and nothing but reading (R20).

What goes wrong becomes one of `sync.errors`, told apart by what happens next. No text of this package holds a header,
a parameter, a form field, a path or a body: those are secrets and children's data. It names the host and the status.
"""

from sync.http.answers import Answer, Seen
from sync.http.call import Auth, Params
from sync.http.door import LONGEST, PATIENCE, TIMEOUT, WHOLE, Http
from sync.http.pace import LONGEST_WAIT, PACE, Pace
from sync.http.pages import Moved, PageStore

__all__ = [
    "LONGEST",
    "LONGEST_WAIT",
    "PACE",
    "PATIENCE",
    "TIMEOUT",
    "WHOLE",
    "Answer",
    "Auth",
    "Http",
    "Moved",
    "Pace",
    "PageStore",
    "Params",
    "Seen",
]
