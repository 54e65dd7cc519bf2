"""`manage.py shell --school` opens one school for the session."""

import pytest
from django.core.management import CommandError, call_command

from tenants import scope
from tenants.models import School
from tests.factories import people


def test_inside_the_school(northgate: School, himal: School, capsys: pytest.CaptureFixture[str]) -> None:
    for school, name in ((northgate, "Ann Bell"), (himal, "Gita Rai")):
        with scope.school(school.pk):
            people.student(name)
    code = "from users.models import Student; print([str(each) for each in Student.objects.all()])"
    call_command("shell", "--no-imports", "--command", code, "--school", "himal")
    assert "['Gita Rai']" in capsys.readouterr().out
    assert not scope.is_open()


def test_without_a_school_none_is_open(northgate: School) -> None:
    with pytest.raises(scope.NoSchoolOpen):
        call_command("shell", "--no-imports", "--command", "from users.models import Student; Student.objects.count()")


def test_a_school_that_is_not_there(northgate: School) -> None:
    with pytest.raises(CommandError, match="there is no school “nowhere”"):
        call_command("shell", "--command", "1", "--school", "nowhere")
