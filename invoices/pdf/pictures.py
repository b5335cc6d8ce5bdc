"""The business's logo, and the code that banking apps read."""

import io
from collections.abc import Mapping
from typing import Any, Final

from PIL import Image, ImageOps
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from reportlab.lib.colors import white
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable

from accounts.models import Business
from invoices.money import to_major
from invoices.pdf.looks import INK
from invoices.pdf.tagging import canvas_of

LOGO_WIDTH, LOGO_HEIGHT = 60 * mm, 18 * mm
# 300 dots per inch of that.
_MOST_DOTS: Final = (708, 212)
# What is raised where there is no file, no picture, half of one, or one of far too many
# dots. A storage that does not answer is none of these: the task is tried again.
_BROKEN: Final = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
# With the light around it that readers of codes need: four modules.
QR_SIZE: Final = 33 * mm
_QUIET: Final = 4
# What the guideline allows (EPC069-12).
_LONGEST_NAME: Final = 70
_LARGEST: Final = 999_999_999_99


class Logo(Flowable):
    def __init__(self, picture: Image.Image, name: str) -> None:
        super().__init__()
        self._picture, self._name = ImageReader(picture), name
        scale = min(LOGO_WIDTH / picture.width, LOGO_HEIGHT / picture.height)
        self.width, self.height = picture.width * scale, picture.height * scale

    def wrap(self, available_width: float, available_height: float) -> Any:
        return self.width, self.height

    def draw(self) -> None:
        with canvas_of(self).content("Figure", alternative=self._name):
            self.canv.drawImage(self._picture, 0, 0, self.width, self.height)


def logo(seller: Mapping[str, str]) -> Logo | None:
    """None where there is none, or none that can be drawn: it never stops a document."""
    name = seller.get("logo")
    if not name:
        return None
    try:
        with Business._meta.get_field("logo").storage.open(name) as file:
            return Logo(_opaque(file.read()), seller["name"])
    except _BROKEN:
        return None


def _opaque(content: bytes) -> Image.Image:
    """On white, in three colors, as large as it is printed."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    picture.thumbnail(_MOST_DOTS)
    picture = picture.convert("RGBA")
    paper = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(paper, picture).convert("RGB")


class QRPicture(Flowable):
    """A QR code in strokes, sharp at any size."""

    def __init__(self, content: str, name: str) -> None:
        super().__init__()
        # Any mask can be read; trying all eight takes longer than the rest of the page.
        code = QRCode(error_correction=ERROR_CORRECT_M, border=_QUIET, mask_pattern=2)
        code.add_data(content.encode())
        code.make()
        self.modules, self._name = code.get_matrix(), name
        self.width = self.height = QR_SIZE

    def wrap(self, available_width: float, available_height: float) -> Any:
        return self.width, self.height

    def draw(self) -> None:
        module = QR_SIZE / len(self.modules)
        with canvas_of(self).decoration():
            self.canv.setFillColor(white)
            self.canv.roundRect(0, 0, QR_SIZE, QR_SIZE, 3, stroke=0, fill=1)
        path = self.canv.beginPath()
        for line, modules in enumerate(self.modules):
            for start, end in _runs(modules):
                left, bottom = start * module, QR_SIZE - (line + 1) * module
                path.rect(left, bottom, (end - start) * module, module)
        self.canv.setFillColor(INK)
        with canvas_of(self).content("Figure", alternative=self._name):
            self.canv.drawPath(path, stroke=0, fill=1)


def _runs(modules: list[bool]) -> list[tuple[int, int]]:
    runs, start = [], None
    for place, is_dark in enumerate([*modules, False]):
        if is_dark and start is None:
            start = place
        elif not is_dark and start is not None:
            runs.append((start, place))
            start = None
    return runs


def transfer(
    seller: Mapping[str, str], amount: int, currency: str, remittance: str
) -> str:
    """
    A SEPA transfer as the European Payments Council writes it for a QR code (EPC069-12,
    version 002); empty where there can be none.
    """
    iban = seller.get("iban", "").replace(" ", "")
    if currency != "EUR" or not iban or not 0 < amount <= _LARGEST:
        return ""
    name = " ".join(seller["name"].split())[:_LONGEST_NAME]
    euros = f"EUR{to_major(amount, currency):.2f}"
    bic = seller.get("bic", "")
    fields = ("BCD", "002", "1", "SCT", bic, name, iban, euros, "", "", remittance)
    return "\n".join(fields)
