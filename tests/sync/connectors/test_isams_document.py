"""The documents of iSAMS as a stream: what is never parsed, what is asked for again, and flat memory (R12)."""

import io
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from sync.connectors.isams.document import MESSAGE, Node, rows
from sync.errors import Broken, Busy


def read(text: str | bytes) -> list[tuple[str, Node]]:
    raw = text.encode() if isinstance(text, str) else text
    return list(rows(io.BytesIO(raw)))


PUPIL = "<iSAMS><PupilManager><CurrentPupils><Pupil Id='1'><A>x</A></Pupil></CurrentPupils></PupilManager></iSAMS>"


@pytest.mark.parametrize(
    "before",
    [
        "<!DOCTYPE iSAMS>",
        "<!doctype iSAMS>",
        "  \n<!-- <iSAMS> --><?x y?><!DOCTYPE iSAMS [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>",
        "<?xml version='1.0'?>\n<!DOCTYPE iSAMS [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/'> %p;]>",
        "<?xml version='1.0' encoding='utf-7'?>+ADw-!DOCTYPE iSAMS+AD4-",
        f"<!-- {'x' * 70_000} --><!DOCTYPE iSAMS>",
    ],
)
def test_a_doctype_is_never_parsed(before: str) -> None:
    with pytest.raises(Broken):
        read(before + PUPIL)


def test_a_doctype_cannot_hide_in_utf_16() -> None:
    assert len(read(PUPIL.encode("utf-16"))) == 1
    with pytest.raises(Broken, match="DOCTYPE"):
        read(("<!DOCTYPE iSAMS>" + PUPIL).encode("utf-16"))


def test_a_declaration_of_utf_16_is_believed_only_if_it_is_true() -> None:
    says = "<?xml version='1.0' encoding='UTF-16'?>" + PUPIL.replace("x", "Zoë")
    for raw in (says.encode(), "\ufeff".encode() + says.encode(), b"\r\n" + says.encode(), says.encode("utf-16")):
        assert read(raw)[0][1].said("A") == "Zoë"


@pytest.mark.parametrize("text", ["", "   ", "{}", "\0\0", "<", "<?xml version='1.0'?>", "<iSAMS>&unknown;</iSAMS>"])
def test_what_is_no_document(text: str) -> None:
    with pytest.raises((Broken, Busy)):
        read(text)


def test_a_document_that_is_cut_is_asked_for_again_and_a_wrong_one_is_not() -> None:
    for size in range(len("<iSAMS>"), len(PUPIL)):
        with pytest.raises(Busy):
            read(PUPIL[:size])
    for wrong in (PUPIL.replace("</A>", "</B>"), PUPIL + "<a/>", PUPIL.replace("'1'", "1")):
        with pytest.raises(Broken):
            read(wrong)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(Broken):
        read(PUPIL.replace("x", "\x81\xff").encode("latin-1"))
    with pytest.raises(Broken):
        read(PUPIL.encode("utf-16") + b"<")


def test_letters_of_all_scripts_and_of_latin_1() -> None:
    names = "Zoë 小明 Żółć"
    assert read(PUPIL.replace("x", names))[0][1].said("a") == names
    assert read(PUPIL.replace("x", names).encode("utf-16"))[0][1].said("A") == names
    latin = ("<?xml version='1.0' encoding='ISO-8859-1'?>" + PUPIL.replace("x", "Zoë")).encode("latin-1")
    assert read(latin)[0][1].said("A") == "Zoë"


def test_a_row_without_end_is_refused() -> None:
    with pytest.raises(Broken, match="longer"):
        read(PUPIL.replace("<A>x</A>", "<A/>" * 1_000_001))
    with pytest.raises(Broken, match="longer"):
        read(PUPIL.replace("x", "x" * 1_000_001))
    with pytest.raises(Broken, match="longer"):
        read(PUPIL.replace("'1'", f"'{'x' * 1_000_001}'"))
    with pytest.raises(Broken, match="deeper"):
        read("<iSAMS>" + "<a>" * 5_000 + "</a>" * 5_000 + "</iSAMS>")


class Endless(io.RawIOBase):
    """A document of many rows that is never whole in memory."""

    def __init__(self, count: int) -> None:
        self._pieces = self._write(count)
        self._rest = b""

    def _write(self, count: int) -> Any:
        yield b"<iSAMS><PupilManager><CurrentPupils>"
        for at in range(count):
            yield b"<Pupil Id='%d'><SchoolId>%d</SchoolId><Notes>%s</Notes></Pupil>\n" % (at, at, b"n" * 500)
        yield b"</CurrentPupils></PupilManager></iSAMS>"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._pieces, b"")
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def resident() -> int:
    """Kilobytes of this process now; the parser's memory is not Python's."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


def test_memory_stays_flat() -> None:
    def walk(count: int) -> int:
        body = io.BufferedReader(Endless(count))
        return sum(1 for _ in rows(body))

    assert walk(2_000) == 2_000
    before = resident()
    tracemalloc.start()
    assert walk(40_000) == 40_000  # more than 20 MB of XML
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
    assert resident() - before < 12_000


def test_a_message_is_a_row_of_its_own() -> None:
    ((name, node),) = read("<Message><MessageId>InvalidApiKey</MessageId></Message>")
    assert (name, node.said("MessageId")) == (MESSAGE, "InvalidApiKey")


def test_elements_are_found_in_any_case_and_an_empty_one_is_told_from_none() -> None:
    inner = "<A/><a> two </a><B/><Pupils><Pupil Id=' 7 '/><Pupil Id='8'/></Pupils>"
    ((name, node),) = read(PUPIL.replace("<A>x</A>", inner))
    assert name == "currentpupils"
    assert (node.said("a"), node.said("b"), node.said("c"), node.said("c", "b", "A")) == ("two", "", None, "two")
    assert [one.attribute("pid", "id") for one in node.under("pupils", "PUPIL")] == ["7", "8"]
    assert node.attribute("nothing") == ""


def test_the_words_of_the_document_are_in_no_error() -> None:
    for wrong in (PUPIL.replace("</A>", "</SecretName>"), PUPIL.replace("x", "&SecretName;")):
        with pytest.raises(Broken) as caught:
            read(wrong)
        assert "SecretName" not in f"{caught.value}{caught.value.__context__}{caught.value.__cause__}"
