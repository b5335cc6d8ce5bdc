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
