"""The languages that documents and mail to customers are written in."""

from typing import Final

# By their codes in CLDR, named in themselves.
LANGUAGES: Final = (
    ("en", "English"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("fr", "Français"),
    ("it", "Italiano"),
    ("nl", "Nederlands"),
    ("pl", "Polski"),
    ("pt", "Português"),
    ("sv", "Svenska"),
    ("el", "Ελληνικά"),
)

# Amounts of some currencies are written at home as nowhere else: francs with an apostrophe
# and a point by people who write 2,5 hours. CLDR's Portuguese is Brazil's, which puts the
# euro in front.
AMOUNTS_AT_HOME: Final = {
    ("de", "CHF"): "de_CH",
    ("it", "CHF"): "it_CH",
    ("pt", "EUR"): "pt_PT",
}
