"""What the demo finds for itself, and what it says when it is up."""

import json
import socket

import pytest

from local import demo, processes
from local.crew import Crew
from local.places import Place
from local.stack import Stack


def test_no_two_of_its_servers_share_a_port(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind((processes.LOOPBACK, 0))
        taken.listen()
        first = taken.getsockname()[1]
        found = demo._ports(web_port=first, mail_port=first, control_port=first)
    assert first not in found.values()
    assert len(set(found.values())) == 3
    assert f"Port {first} is taken" in capsys.readouterr().out


def test_the_welcome_names_every_address_and_login(place: Place) -> None:
    place.make()
    login = {"email": "priya.nair@northgate-school.example", "password": "p", "home": "/s/northgate/reception/"}
    (place.home / "logins.json").write_text(json.dumps({"reception": login}))
    site = Stack(crew=Crew(place, environment={}), web_port=8000, mail_port=8025, control_port=8085)
    told = demo._welcome(site, night=1)
    for said in ("localhost:8000/s/northgate/reception/", "localhost:8025/", "localhost:8085/", login["email"]):
        assert said in told
    assert "make demo NIGHT=2" in told
    assert "NIGHT=6" not in demo._welcome(site, night=5)
