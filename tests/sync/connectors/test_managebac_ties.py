"""A parent whom only the student names: that tie is unclear, and no other tie of the child."""

from sync.connectors.managebac.listing import Table
from sync.connectors.managebac.picture import Picture
from sync.connectors.managebac.wire import Child, ParentRow, StudentRow
from sync.records import Kind, Tie, Unreadable


def test_only_the_one_sided_tie_is_unclear() -> None:
    student = StudentRow(id=7, first_name="Ann", last_name="Bell", archived=False, parent_ids=[1, 3])
    parents = {
        "1": ParentRow(id=1, first_name="Jo", last_name="Bell", children=[Child(id=7)]),
        "2": ParentRow(id=2, first_name="Al", last_name="Bell", children=[]),
        "3": ParentRow(id=3, first_name="Di", last_name="Bell", children=[]),
    }
    seen = Picture(
        students=Table(rows={"7": student}, shared=frozenset({"parent_ids"}), whole=True),
        parents=Table(rows=parents, shared=frozenset({"children"}), whole=True),
        teachers=Table(),
        classes=Table(),
        memberships=Table(),
        homerooms=False,
        leavers=False,
    )
    ties = [record for kind, records in seen.kinds() if kind is Kind.TIES for record in records]
    assert [(tie.student_ref, tie.guardian_ref) for tie in ties if isinstance(tie, Tie)] == [("7", "1")]
    assert [(one.ref, one.other_ref) for one in ties if isinstance(one, Unreadable)] == [("7", "3")]
    assert seen.proves(Kind.TIES)
