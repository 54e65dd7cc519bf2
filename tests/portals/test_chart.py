"""The chart stays inside its frame whatever the numbers."""

import datetime

from hypothesis import given
from hypothesis import strategies as st

from attendance.queries.absences import DayCounts
from portals.chart import HEIGHT, WIDTH, absences, chart
from sync.queries.reports import Night
from sync.queries.tallies import Tally

count = st.integers(min_value=0, max_value=60_000)
night = st.builds(
    Night,
    date=st.dates(datetime.date(2020, 1, 1), datetime.date(2030, 1, 1)),
    tally=st.builds(Tally, added=count, updated=count, gone=count, held=count),
)


@given(st.lists(night, max_size=14))
def test_every_bar_stays_inside(nights: list[Night]):
    drawn = chart(nights)
    assert len(drawn.bars) == len(nights)
    assert len(drawn.lines) <= 6
    for bar in drawn.bars:
        assert 0 <= bar.middle <= WIDTH
        for piece in bar.segments:
            assert 0 <= piece.y <= HEIGHT
            assert piece.height > 0
    assert all(0 <= line.y <= HEIGHT for line in drawn.lines)


def test_a_first_import_does_not_hide_the_nights_after_it():
    totals = (3000, 14, 20)
    drawn = chart([Night(date=datetime.date(2026, 11, 9), tally=Tally(added=total)) for total in totals])
    assert [bar.cut for bar in drawn.bars] == [True, False, False]
    assert drawn.bars[0].total == 3000
    assert sum(piece.height for piece in drawn.bars[2].segments) > HEIGHT / 4


def test_no_run_is_said():
    assert chart([]).sentence == "No run has finished yet"


def test_the_sentence_for_a_screen_reader():
    nights = [Night(date=datetime.date(2026, 11, day), tally=Tally(added=day)) for day in (22, 23)]
    assert chart(nights).sentence == (
        "Stacked bars: changes per run from 22 November to 23 November; 23 in the last one"
    )


def test_absences_are_drawn_in_three_pieces_and_told():
    days = [DayCounts(date=datetime.date(2026, 11, day), absent=3, excused=0, late=day) for day in (23, 24)]
    drawn = absences(days)
    assert [[piece.key for piece in bar.segments] for bar in drawn.bars] == [["absent", "late"]] * 2
    assert [bar.total for bar in drawn.bars] == [26, 27]
    assert drawn.sentence == (
        "Stacked bars: students away or late from 23 November to 24 November; "
        "3 absent, 0 with leave and 24 late on the last day"
    )
    assert absences([]).sentence == "No day of school yet"
