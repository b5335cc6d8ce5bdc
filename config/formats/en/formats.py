"""How the back office writes days and moments: one way on every page."""

from typing import Final

DATE_FORMAT: Final = "j M Y"
DATETIME_FORMAT: Final = "j M Y, H:i"
TIME_FORMAT: Final = "H:i"
YEAR_MONTH_FORMAT: Final = "F Y"
MONTH_DAY_FORMAT: Final = "j F"
