"""Colors, sizes and styles of every document."""

from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm

REGULAR, BOLD = "Roboto-Regular", "Roboto-Bold"
MARGIN: Final = 20 * mm
GAP: Final = 6 * mm
INK, FADED, RULE, ACCENT, WASH, WATER = map(
    HexColor, ("#122622", "#495d57", "#d2dcd6", "#005f44", "#eef6f1", "#ebf1ee")
)

BODY = ParagraphStyle("body", fontName=REGULAR, fontSize=9, leading=13, textColor=INK)
RIGHT = ParagraphStyle("right", BODY, alignment=TA_RIGHT)
STRONG = ParagraphStyle("strong", BODY, fontName=BOLD)
STRONG_RIGHT = ParagraphStyle("strong right", STRONG, alignment=TA_RIGHT)
LABEL = ParagraphStyle("label", BODY, fontSize=8, leading=11.5, textColor=FADED)
LABEL_RIGHT = ParagraphStyle("label right", LABEL, alignment=TA_RIGHT)
LABEL_CENTER = ParagraphStyle("label center", LABEL, alignment=TA_CENTER, fontSize=7)
SMALL = ParagraphStyle("small", BODY, fontSize=8, leading=11.5)
SMALL_RIGHT = ParagraphStyle("small right", SMALL, alignment=TA_RIGHT)
TITLE = ParagraphStyle("title", STRONG_RIGHT, fontSize=20, leading=24, textColor=ACCENT)
SELLER = ParagraphStyle("seller", STRONG, fontSize=12, leading=16)
SUM = ParagraphStyle("sum", STRONG, fontSize=11.5, leading=15)
SUM_RIGHT = ParagraphStyle("sum right", SUM, alignment=TA_RIGHT)
FOOTER = ParagraphStyle("footer", LABEL, fontSize=7.5, leading=10.5)
