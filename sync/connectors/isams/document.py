"""An XML document of any length as a stream of rows: no DTD, no entities, no network, and memory that stays flat.

A row is an element of the fourth level (`iSAMS/PupilManager/CurrentPupils/Pupil`); its list is the third. The guard
looks at the bytes before the parser does: whatever begins with a DOCTYPE is never parsed.
"""

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final, NoReturn

import msgspec
from lxml import etree

from sync.errors import Broken, Busy

_HEAD: Final = 64 * 1024  # bytes within which the first element must begin
_LIST, _ROW = 3, 4  # levels, the root being 1
_LONGEST_ROW: Final = 20_000  # elements; a department with all its subjects has hundreds
_DECLARATION: Final = re.compile(rb"\s*<\?xml\s[^>]*?\?>")
_ENCODING: Final = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_BEFORE_ROOT: Final = re.compile(rb"(?:\s+|<!--.*?-->|<\?.*?\?>)*", re.DOTALL)
_ELEMENT: Final = re.compile(rb"<[A-Za-z_:\x80-\xff]")
# Error documents say utf-16 and are UTF-8: what is really UTF-16 is known by its NULs, not by what it says.
_READ_AS: Final = {"utf-8": "utf-8", "us-ascii": "utf-8", "utf-16": "utf-8", "iso-8859-1": "iso-8859-1"}


class Node(msgspec.Struct, frozen=True):
    """One element, detached from the document: names in lower case, texts without blanks around them."""

    name: str
    attributes: Mapping[str, str]
    text: str
    children: tuple["Node", ...]

    def attribute(self, *names: str) -> str:
        """Return the first of these attributes that says something, "" if none does."""
        return next((value for name in names if (value := self.attributes.get(name.lower(), ""))), "")

    def said(self, *names: str) -> str | None:
        """Return the text of the first of these children that says something, "" if all are empty, None if absent."""
        found = [child.text for name in names for child in self.children if child.name == name.lower()]
        return next(filter(None, found), "") if found else None

    def under(self, *path: str) -> tuple["Node", ...]:
        """Return the elements below by a path of names ("Pupils", "Pupil")."""
        nodes: tuple[Node, ...] = (self,)
        for name in path:
            nodes = tuple(child for node in nodes for child in node.children if child.name == name.lower())
        return nodes


class Document:
    """Reads one document."""

    def __init__(self, body: BinaryIO, *, complain: Callable[[Node], NoReturn]) -> None:
        """`complain` is given the whole of a `<Message>`, which comes where the data should be."""
        self._body, self._complain = body, complain

    def rows(self) -> Iterator[tuple[str, Node]]:
        """Yield the name of a list in lower case and a row of it; the end is reached only if the document has one.

        Raises:
            Broken: it is not XML as iSAMS writes it.
            Busy: it ends in the middle.
            Refused, Busy, Broken: it is a message; see `sync.connectors.isams.messages`.
        """
        source = _Guarded(self._body)
        events = etree.iterparse(
            source,
            events=("start", "end"),
            load_dtd=False,
            no_network=True,
            resolve_entities=False,
            huge_tree=False,
            collect_ids=False,
            remove_comments=True,
            remove_pis=True,
            encoding=source.encoding,
        )
        try:
            yield from self._walk(events)
        except etree.XMLSyntaxError as fault:
            line = fault.lineno  # the fault's own words may quote the document
        else:
            return
        if source.ended:
            raise Busy(f"The answer of iSAMS ends in the middle (line {line}); it will be asked again later.")
        raise Broken(f"The answer of iSAMS is not well-formed XML (line {line}).")

    def _walk(self, events: "etree.iterparse[etree._Element]") -> Iterator[tuple[str, Node]]:
        path: list[str] = []
        elements = 0
        for event, element in events:
            if event == "start":
                path.append(_local(element))
                elements = elements + 1 if len(path) > _ROW else 0
                _begin(path, element, elements)
                continue
            if len(path) == _ROW and path[0] == "isams":
                yield path[_LIST - 1], _detached(element)
            elif len(path) == 1 and path[0] == "message":
                self._complain(_detached(element))
            if len(path) <= _ROW and path[0] == "isams":
                _forget(element)
            path.pop()


def _begin(path: list[str], element: "etree._Element", elements: int) -> None:
    """Look at an element that opens; `elements` are those of its row so far."""
    if len(path) == 1 and element.getroottree().docinfo.internalDTD is not None:
        raise Broken("The answer of iSAMS holds a DOCTYPE, which it never does; it was not read.")
    if path[0] not in {"isams", "message"}:
        raise Broken("The answer is no iSAMS document: probably a web page, or another program's data.")
    if elements > _LONGEST_ROW or (path[0] == "message" and len(path) > _LIST):
        raise Broken("The answer of iSAMS has a row that is far longer than a row can be.")


class _Guarded:
    """What the parser reads from: UTF-8 or Latin-1 without a declaration, and surely without a DOCTYPE."""

    def __init__(self, body: BinaryIO) -> None:
        """Read up to the first element.

        Raises:
            Broken: there is a DOCTYPE, no element, or an encoding in which one could hide.
        """
        self.ended = False
        self._body = body
        raw = self._first()
        wide = _wide(raw)
        self._decoder = codecs.getincrementaldecoder(wide)() if wide else None
        head = self._narrow(raw).removeprefix(codecs.BOM_UTF8)
        declaration = _DECLARATION.match(head)
        self.encoding = "utf-8" if wide else _encoding(declaration[0] if declaration else b"")
        self._head = head[declaration.end() :] if declaration else head
        _demand_element(self._head)

    def read(self, size: int) -> bytes:
        """Return about `size` bytes, b"" at the end."""
        if self._head:
            head, self._head = self._head, b""
            return head
        chunk = self._body.read(size)
        self.ended = not chunk  # the parser was given everything: what it still misses is the end
        # Half a character may be left over; an empty answer would tell the parser that this is the end.
        return self._narrow(chunk) or (self.read(size) if chunk else b"")

    def close(self) -> None:
        """Leave the body to whoever opened it."""

    def _first(self) -> bytes:
        raw = b""
        while len(raw) < _HEAD and (piece := self._body.read(_HEAD - len(raw))):
            raw += piece
        return raw

    def _narrow(self, raw: bytes) -> bytes:
        if not self._decoder:
            return raw
        try:
            return self._decoder.decode(raw, not raw).encode()
        except UnicodeError:
            pass  # raised below, because the fault itself carries the text
        raise Broken("The answer of iSAMS is neither UTF-8 nor whole UTF-16.")


def _wide(raw: bytes) -> str:
    """Return the kind of UTF-16 that these bytes are, "" if none."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}.get(raw[:2], "")


def _encoding(declaration: bytes) -> str:
    found = _ENCODING.search(declaration)
    said = found[1].decode().lower() if found else "utf-8"
    if said not in _READ_AS:
        raise Broken("The answer of iSAMS is in an encoding that it never uses; it was not read.")
    return _READ_AS[said]


def _demand_element(head: bytes) -> None:
    """Demand that nothing but blanks, comments and instructions come before the first element."""
    before = _BEFORE_ROOT.match(head)
    rest = head[before.end() :] if before else head
    if rest[:9].lower() == b"<!doctype":
        if b"html" in rest[:30].lower():
            raise Broken("iSAMS answered with a web page instead of data.")
        raise Broken("The answer of iSAMS holds a DOCTYPE, which it never does; it was not read.")
    if not _ELEMENT.match(rest):
        raise Broken("The answer of iSAMS is not XML." if rest else "The answer of iSAMS is empty.")


def _local(element: "etree._Element") -> str:
    return etree.QName(element).localname.lower()


def _detached(element: "etree._Element") -> Node:
    return Node(
        name=_local(element),
        attributes={
            etree.QName(str(name)).localname.lower(): str(value).strip() for name, value in element.attrib.items()
        },
        text=(element.text or "").strip(),
        children=tuple(_detached(child) for child in element if isinstance(child.tag, str)),
    )


def _forget(element: "etree._Element") -> None:
    """Give back the memory of an element that was read, and of all before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
