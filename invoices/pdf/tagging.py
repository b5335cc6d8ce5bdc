"""
The structure of a document beside its pages, for those who have it read to them.

ReportLab draws; what is a heading, a table or decoration is told here, as in chapter
14.8 of ISO 32000. A role once opened stays open until its block ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, cast
from xml.sax.saxutils import escape

from reportlab.pdfbase.pdfdoc import (
    XMP,
    PDFArray,
    PDFDictionary,
    PDFName,
    PDFObjectReference,
    PDFString,
)
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Table
from reportlab.platypus.tables import TableRenderCB

_XMP: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


class Element:
    """A node of the structure: its role, and what is in it, in the order of reading."""

    def __init__(self, role: str, parent: Element | None, **attributes: Any) -> None:
        self.role, self.parent, self.attributes = role, parent, attributes
        self.kids: list[Any] = []
        self.name = ""
        if parent:
            parent.kids.append(self)

    @property
    def reference(self) -> PDFObjectReference:
        return PDFObjectReference(self.name)

    def walk(self) -> Iterator[Element]:
        yield self
        for kid in self.kids:
            if isinstance(kid, Element):
                yield from kid.walk()


class TaggingCanvas(Canvas):
    """A canvas that keeps the structure of what is drawn on it."""

    # The library's own: what is written so far has no other names.
    _doc: Any
    _code: list[str]
    _annotationrefs: list[Any]

    def __init__(self, *args: Any, **options: Any) -> None:
        self._root = Element("Document", None)
        self._open = [self._root]
        self._decorating = 0
        # By page, what each piece of marked content belongs to; and by link.
        self._marked: list[list[Element]] = [[]]
        self._links: list[Element] = []
        super().__init__(*args, **options)

    @contextmanager
    def content(self, *roles: str, **attributes: Any) -> Iterator[None]:
        """What is drawn within has the last of these roles, inside the others."""
        if self._decorating:
            yield
            return
        with ExitStack() as stack:
            for role in roles:
                stack.enter_context(self.element(role, **attributes))
            marked = self._marked[-1]
            self._open[-1].kids.append((self._doc.thisPageRef(), len(marked)))
            self._code.append(f"/{roles[-1]} <</MCID {len(marked)}>> BDC")
            marked.append(self._open[-1])
            yield
            self._code.append("EMC")

    @contextmanager
    def decoration(self) -> Iterator[None]:
        """What is drawn within is not read out: rules, watermarks, what repeats."""
        self.decorate()
        yield
        self.decorate(stop=True)

    def decorate(self, *, stop: bool = False) -> None:
        self._decorating += -1 if stop else 1
        if stop and not self._decorating:
            self._code.append("EMC")
        elif not stop and self._decorating == 1:
            self._code.append("/Artifact BMC")

    @contextmanager
    def element(self, role: str, **attributes: Any) -> Iterator[None]:
        self.open(Element(role, self._open[-1], **attributes))
        yield
        self.close()

    def open(self, element: Element) -> None:
        self._open.append(element)

    def close(self) -> None:
        self._open.pop()

    @property
    def within(self) -> Element:
        return self._open[-1]

    def linkURL(self, *args: Any, **options: Any) -> None:  # noqa: N802 - as above
        # Keys of links come after those of pages: both are looked up in one tree.
        options["StructParent"] = _KEYS_OF_LINKS + len(self._links)
        self._links.append(self._open[-1])
        super().linkURL(*args, **options)
        reference = self._annotationrefs[-1]
        self._open[-1].kids.append((self._doc.thisPageRef(), reference))

    def showPage(self) -> None:  # noqa: N802 - as above
        super().showPage()
        page = self._doc.Pages.pages[-1]
        page.__NoDefault__ = [*page.__NoDefault__, "StructParents", "Tabs"]
        page.StructParents = len(self._marked) - 1
        page.Tabs = PDFName("S")
        self._marked.append([])

    def finish(self, title: str, author: str, language: str) -> None:
        """Write the structure, and what the document is called, into the catalog."""
        document, catalog = self._doc, self._doc.Catalog
        elements = list(self._root.walk())
        for place, element in enumerate(elements):
            element.name = f"Structure{place}"
        root = PDFObjectReference("StructureRoot")
        for element in elements:
            document.Reference(_written(element, root), element.name)
        pages = [
            (page, PDFArray([element.reference for element in marked]))
            for page, marked in enumerate(self._marked)
            if marked
        ]
        links = [
            (_KEYS_OF_LINKS + place, element.reference)
            for place, element in enumerate(self._links)
        ]
        numbers = PDFArray([item for pair in [*pages, *links] for item in pair])
        tree = PDFDictionary(
            {
                "Type": PDFName("StructTreeRoot"),
                "K": self._root.reference,
                "ParentTree": PDFDictionary({"Nums": numbers}),
                "ParentTreeNextKey": _KEYS_OF_LINKS + len(links),
            }
        )
        document.Reference(tree, "StructureRoot")
        catalog.StructTreeRoot = tree
        catalog.MarkInfo = PDFDictionary({"Marked": "true"})
        values = {"title": title, "author": author, "language": language}
        xmp = _XMP.format(**{name: escape(value) for name, value in values.items()})
        catalog.Metadata = XMP(creator=lambda _: xmp.encode())
        self.setViewerPreference("DisplayDocTitle", "true")


_KEYS_OF_LINKS: Final = 10_000


def _written(element: Element, root: PDFObjectReference) -> PDFDictionary:
    written = {
        "Type": PDFName("StructElem"),
        "S": PDFName(element.role),
        "P": element.parent.reference if element.parent else root,
        "K": PDFArray([_kid(kid) for kid in element.kids]),
    }
    if alternative := element.attributes.get("alternative"):
        written["Alt"] = PDFString(alternative)
    if scope := element.attributes.get("scope"):
        written["A"] = PDFDictionary({"O": PDFName("Table"), "Scope": PDFName(scope)})
    return PDFDictionary(written)


def _kid(kid: Any) -> Any:
    if isinstance(kid, Element):
        return kid.reference
    page, content = kid
    if isinstance(content, int):
        return PDFDictionary({"Type": PDFName("MCR"), "Pg": page, "MCID": content})
    return PDFDictionary({"Type": PDFName("OBJR"), "Pg": page, "Obj": content})


def canvas_of(flowable: Flowable) -> TaggingCanvas:
    return cast("TaggingCanvas", flowable.canv)


class Layout(TableRenderCB):
    """A table that only puts things in their places: none of its lines is read out."""

    def startTable(self, table: Table) -> None:  # noqa: N802 - ReportLab calls it so
        pass

    def startBG(self, table: Table) -> None:  # noqa: N802 - as above
        canvas_of(table).decorate()

    def endBG(self, table: Table) -> None:  # noqa: N802 - as above
        canvas_of(table).decorate(stop=True)

    def startRow(self, table: Table, row: int) -> None:  # noqa: N802 - as above
        pass

    def startCell(self, table: Table, row: int, column: int, *_: Any) -> None:  # noqa: N802 - as above
        pass

    def endCell(self, table: Table) -> None:  # noqa: N802 - as above
        pass

    def endRow(self, table: Table) -> None:  # noqa: N802 - as above
        pass

    def startLines(self, table: Table) -> None:  # noqa: N802 - as above
        canvas_of(table).decorate()

    def endLines(self, table: Table) -> None:  # noqa: N802 - as above
        canvas_of(table).decorate(stop=True)

    def endTable(self, table: Table) -> None:  # noqa: N802 - as above
        pass


class Grid(Layout):
    """
    A table of rows under a head. Its parts on several pages are one table, and its head
    is read out once.
    """

    def __init__(self, *, has_head: bool = True) -> None:
        self._has_head = has_head
        self._element: Element | None = None
        self._is_repeated = False

    def startTable(self, table: Table) -> None:  # noqa: N802 - as above
        self._is_repeated = self._element is not None
        if self._element is None:
            self._element = Element("Table", canvas_of(table).within)
        canvas_of(table).open(self._element)

    def startRow(self, table: Table, row: int) -> None:  # noqa: N802 - as above
        self._row = row
        if self._is_hidden:
            canvas_of(table).decorate()
        else:
            canvas_of(table).open(Element("TR", canvas_of(table).within))

    def startCell(self, table: Table, row: int, column: int, *_: Any) -> None:  # noqa: N802 - as above
        if self._is_hidden:
            return
        canvas = canvas_of(table)
        if self._has_head and not row:
            canvas.open(Element("TH", canvas.within, scope="Column"))
        elif not self._has_head and not column:
            canvas.open(Element("TH", canvas.within, scope="Row"))
        else:
            canvas.open(Element("TD", canvas.within))

    def endCell(self, table: Table) -> None:  # noqa: N802 - as above
        if not self._is_hidden:
            canvas_of(table).close()

    def endRow(self, table: Table) -> None:  # noqa: N802 - as above
        if self._is_hidden:
            canvas_of(table).decorate(stop=True)
        else:
            canvas_of(table).close()

    def endTable(self, table: Table) -> None:  # noqa: N802 - as above
        canvas_of(table).close()

    @property
    def _is_hidden(self) -> bool:
        return self._is_repeated and self._has_head and not self._row
