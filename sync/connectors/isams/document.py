"""An XML document of any length as a stream of rows: no DTD, no entities, no network, and memory that stays flat.

A row is an element of the fourth level (`iSAMS/PupilManager/CurrentPupils/Pupil`), its list one of the third. The
parser builds no tree: it tells us of each element, and stops at a DOCTYPE before it has read what the DOCTYPE says.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

import msgspec
from lxml import etree

from sync.errors import Broken, Busy

MESSAGE: Final = "message"  # the "list" of the one row of a document in which iSAMS complains
_PIECE: Final = 64 * 1024  # bytes
_LIST, _ROW = 3, 4  # levels, the root being 1
_DEEPEST: Final = 20  # levels; a department with its subjects has 6
_LONGEST_ROW: Final = 1_000_000  # characters, each element counting as one more
# Error documents say utf-16 and are UTF-8. What is truly UTF-16 does not match these bytes.
_SAYS_UTF_16: Final = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*utf-16", re.IGNORECASE)


class Node(msgspec.Struct, frozen=True):
    """One element: names in lower case, texts without blanks around them; `texts` are those of its children."""

    name: str
    attributes: Mapping[str, str]
    text: str
    children: tuple["Node", ...]
    texts: Mapping[str, str]

    def attribute(self, *names: str) -> str:
        """Return the first of these attributes that says something, "" if none does."""
        return next((value for name in names if (value := self.attributes.get(name.lower(), ""))), "")

    def said(self, *names: str) -> str | None:
        """Return the text of the first of these children that says something, "" if all are empty, None if absent."""
        found = [text for name in names if (text := self.texts.get(name.lower())) is not None]
        return next(filter(None, found), "") if found else None

    def under(self, *path: str) -> tuple["Node", ...]:
        """Return the elements below by a path of names ("Pupils", "Pupil")."""
        nodes: tuple[Node, ...] = (self,)
        for name in path:
            nodes = tuple(child for node in nodes for child in node.children if child.name == name.lower())
        return nodes


def rows(body: BinaryIO) -> Iterator[tuple[str, Node]]:
    """Yield the name of a list in lower case and a row of it; it ends without an error only if the document ends.

    Raises:
        Broken: it is not XML as iSAMS writes it.
        Busy: it ends in the middle.
    """
    piece = body.read(_PIECE).lstrip()
    told = _Told()
    parser = etree.XMLParser(
        target=told,  # type: ignore[arg-type]  # the stub wants a method for comments, which are left out
        encoding="utf-8" if _SAYS_UTF_16.match(piece) else None,
        load_dtd=False,
        no_network=True,
        resolve_entities=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    while piece:
        if line := _feed(parser, piece):
            raise Broken(f"The answer of iSAMS is not well-formed XML (line {line}).")
        yield from told.ready
        told.ready.clear()
        piece = body.read(_PIECE)
    if line := _end(parser):
        if told.is_over:
            raise Broken(f"The answer of iSAMS goes on after its end (line {line}).")
        raise Busy(f"The answer of iSAMS ends in the middle (line {line}); it will be asked again later.")


def _feed(parser: etree.XMLParser, piece: bytes) -> int:
    """Return the line of a fault, 0 if there is none. The fault itself may quote the document, so it ends here."""
    try:
        parser.feed(piece)
    except etree.XMLSyntaxError as fault:
        return fault.lineno or 1
    return 0


def _end(parser: etree.XMLParser) -> int:
    try:
        parser.close()
    except etree.XMLSyntaxError as fault:
        return fault.lineno or 1
    return 0


class _Open:
    """An element whose end has not come."""

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name, self.attributes = name, attributes
        self.pieces: list[str] = []
        self.children: list[Node] = []
        self.texts: dict[str, str] = {}

    def add(self, child: Node) -> None:
        self.children.append(child)
        self.texts[child.name] = self.texts.get(child.name) or child.text

    def closed(self) -> Node:
        return Node(self.name, self.attributes, "".join(self.pieces).strip(), tuple(self.children), self.texts)


class _Told:
    """What the parser calls; a row is `ready` when its end tag has come."""

    def __init__(self) -> None:
        self.ready: list[tuple[str, Node]] = []
        self.is_over = False
        self._path: list[str] = []
        self._open: list[_Open] = []
        self._size = 0

    def doctype(self, name: str, _public: str, _system: str) -> None:
        if name.lower() == "html":
            raise Broken("iSAMS answered with a web page instead of data; check the host in the settings.")
        raise Broken("The answer of iSAMS holds a DOCTYPE, which it never does; it was not read.")

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = _local(tag)
        self._path.append(name)
        depth = len(self._path)
        if depth == 1 and name not in {"isams", MESSAGE}:
            raise Broken("The answer is no iSAMS document: probably a web page, or another program's data.")
        if depth > _DEEPEST:
            raise Broken("The answer of iSAMS is nested deeper than it ever is.")
        if self._open or depth == _ROW or (depth == 1 and name == MESSAGE):
            given = {_local(one): value.strip() for one, value in attributes.items()} if attributes else {}
            self._open.append(_Open(name, given))
            self._grow(1 + sum(map(len, given.values())))

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1].pieces.append(text)
            self._grow(len(text))

    def end(self, _: str) -> None:
        if self._open:
            node = self._open.pop().closed()
            if self._open:
                self._open[-1].add(node)
            else:
                self.ready.append((self._path[_LIST - 1] if len(self._path) == _ROW else MESSAGE, node))
                self._size = 0
        self._path.pop()
        self.is_over = not self._path

    def close(self) -> None:
        """Be told that this is the end."""

    def _grow(self, by: int) -> None:
        self._size += by
        if self._size > _LONGEST_ROW:
            raise Broken("The answer of iSAMS has a row that is far longer than a row can be.")


@functools.lru_cache(maxsize=1024)  # a document has a hundred names, millions of times
def _local(name: str) -> str:
    return name.rpartition("}")[2].lower()
