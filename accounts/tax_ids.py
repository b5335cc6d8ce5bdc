"""Tax ids: whether a country could have given one out, how one is kept and shown."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Final, NamedTuple

from django.core.exceptions import ValidationError


class _Known(NamedTuple):
    """
    How a country's tax ids look, and the modules of stdnum that know them.

    The first is that of the number for VAT, or what stands in its place; the others are
    of those who are not registered for VAT.
    """

    example: str
    modules: str


COUNTRIES: Final[Mapping[str, _Known]] = {
    "AT": _Known("ATU13585627", "at.uid at.tin"),
    "AU": _Known("83 914 571 673", "au.abn au.acn"),
    "BE": _Known("BE0428759497", "be.vat"),
    "BG": _Known("BG175074752", "bg.vat"),
    "CA": _Known("12302 6635 RC 0001", "ca.bn"),
    "CH": _Known("CHE-107.787.577 MWST", "ch.vat ch.uid"),
    "CY": _Known("CY10259033P", "cy.vat"),
    "CZ": _Known("CZ25123891", "cz.dic"),
    "DE": _Known("DE136695976", "de.vat de.stnr"),
    "DK": _Known("DK13585628", "dk.cvr"),
    "EE": _Known("EE100594102", "ee.kmkr ee.registrikood"),
    "ES": _Known("ESB64717838", "es.nif"),
    "FI": _Known("FI20774740", "fi.alv fi.ytunnus"),
    "FR": _Known("FR23334175221", "fr.tva fr.siren fr.siret"),
    "GB": _Known("GB980780684", "gb.vat gb.utr"),
    "GR": _Known("EL094259216", "gr.vat"),
    "HR": _Known("HR33392005961", "hr.oib"),
    "HU": _Known("HU12892312", "hu.anum"),
    "IE": _Known("IE6433435F", "ie.vat"),
    "IS": _Known("00621", "is_.vsk is_.kennitala"),
    "IT": _Known("IT00743110157", "it.iva it.codicefiscale"),
    "LT": _Known("LT119511515", "lt.pvm"),
    "LU": _Known("LU15027442", "lu.tva"),
    "LV": _Known("LV40003521600", "lv.pvn"),
    "MT": _Known("MT11679112", "mt.vat"),
    "NL": _Known("NL004495445B01", "nl.btw"),
    "NO": _Known("995525828MVA", "no.mva no.orgnr"),
    "NZ": _Known("49-098-576", "nz.ird"),
    "PL": _Known("PL8567346215", "pl.nip"),
    "PT": _Known("PT501964843", "pt.nif"),
    "RO": _Known("RO18547290", "ro.cf"),
    "SE": _Known("SE123456789701", "se.vat se.orgnr"),
    "SI": _Known("SI50223054", "si.ddv"),
    "SK": _Known("SK2022749619", "sk.dph"),
    "US": _Known("04-2103594", "us.ein us.itin"),
}
# The letters before numbers for VAT; of who is registered elsewhere, they say where.
_PREFIXES: Final = {
    known.example[:2]: country
    for country, known in COUNTRIES.items()
    if known.example[:2] == country or country in {"GR", "CH"}
} | {"XI": "GB"}
# There, the number without its letters is another one, or none.
_WITH_LETTERS: Final = {"AT", "CY", "DE", "FR", "GB", "IE", "LU", "MT", "NL", "SE"}
# Between the parts of a number, as people there write them.
_SHOWN: Final = (
    (re.compile(r"^(\d{2})(\d{3})(\d{3})(\d{3})$"), "AU", r"\1 \2 \3 \4"),
    (re.compile(r"^(BE)(\d{4})(\d{3})(\d{3})$"), "BE", r"\1 \2.\3.\4"),
    (re.compile(r"^(\d{5})(\d{4})(\w\w)(\d{4})$"), "CA", r"\1 \2 \3 \4"),
    (re.compile(r"^CHE(\d{3})(\d{3})(\d{3})(\w*)$"), "CH", r"CHE-\1.\2.\3 \4"),
    (re.compile(r"^FR(\w\w)(\d{3})(\d{3})(\d{3})$"), "FR", r"FR \1 \2 \3 \4"),
    (re.compile(r"^(GB|XI)(\d{3})(\d{4})(\d\d)$"), "GB", r"\1 \2 \3 \4"),
    (re.compile(r"^(\d{3})(\d{3})(\d{3})(MVA)?$"), "NO", r"\1 \2 \3 \4"),
    (re.compile(r"^(\d{2,3})(\d{3})(\d{3})$"), "NZ", r"\1-\2-\3"),
    (re.compile(r"^(\d{2})(\d{7})$"), "US", r"\1-\2"),
)


def compact(typed: str, country: str) -> str:
    """
    What is kept of a tax id. Where nobody here knows a country's, any text is.

    :param country: two letters; another country's number says which by its own letters
    :raises ValidationError: with what is wrong and how to mend it
    """
    text = " ".join(typed.split())
    if not text or country not in COUNTRIES:
        return text
    there = _PREFIXES.get(text[:2].upper(), country)
    wrong = []
    for place in dict.fromkeys([country, there]):
        for module in COUNTRIES[place].modules.split():
            try:
                return _checked(text.upper(), place, module)
            except ValueError as error:
                wrong.append(error)
    raise ValidationError(_sentence(text, there, wrong), code="tax_id")


def shown(kept: str, country: str) -> str:
    """A tax id as people in the country write it."""
    place = _PREFIXES.get(kept[:2], country)
    for pattern, where, form in _SHOWN:
        if where == place and pattern.match(kept):
            return pattern.sub(form, kept).strip()
    return kept


def _checked(text: str, country: str, module: str) -> str:
    """:raises ValueError: of stdnum's, if the country could not have given it out"""
    # A page that shows tax ids should not pay for checking them.
    number: str = import_module(f"stdnum.{module}").validate(text)
    known = COUNTRIES[country]
    letters = known.example[:2]
    if module == "de.stnr":
        # Each state writes its parts in other lengths.
        return text
    if module != known.modules.split()[0] or _PREFIXES.get(letters) != country:
        return number
    if text[:2] == "XI":
        letters = "XI"
    is_said = text[:2] == letters or country in _WITH_LETTERS
    return letters + number if is_said and not number.startswith(letters) else number


def _sentence(text: str, country: str, wrong: list[ValueError]) -> str:
    from babel import Locale  # noqa: PLC0415 - as above

    kinds = [type(error).__name__ for error in wrong]
    reason = "its letters or digits are not where they belong"
    if "InvalidChecksum" in kinds:
        reason = "its check digit does not fit, so a character is wrong or two changed places"
    elif kinds[0] == "InvalidLength":
        reason = "characters are missing, or there are too many"
    name = Locale("en").territories[country]
    return (
        f"“{text}” cannot be a tax id of this country, {name}: {reason}. Copy it anew, "
        f"such as {COUNTRIES[country].example}, or correct the country."
    )
