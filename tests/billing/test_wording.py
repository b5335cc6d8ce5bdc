from string import Formatter

import pytest

from accounts.languages import LANGUAGES
from billing import exceptions, selectors
from billing.page_wording import PAGE, REFUSALS, refused, words_of
from billing.wording import RECEIPT, say
from invoices.models import LedgerEntry, ManualPayment
from invoices.wording import WORDS


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_language_has_every_key_with_the_same_names():
    english = {key: names(text) for key, text in RECEIPT["en"].items()}

    for language, _ in LANGUAGES:
        said = {key: names(text) for key, text in RECEIPT[language].items()}
        assert said == english, language


def test_no_language_borrows_a_sentence():
    for key in ("received", "arrived", "is_paid", "on_its_way", "receipt"):
        assert len({RECEIPT[code][key] for code, _ in LANGUAGES}) == len(LANGUAGES)


def test_a_language_that_nobody_wrote_falls_back_to_english():
    assert say("xx", "receipt", number="7") == "Receipt for invoice 7"


@pytest.mark.parametrize(("language", "_name"), LANGUAGES)
def test_every_language_has_every_word_of_the_page(language, _name):
    english = {key: names(text) for key, text in PAGE["en"].items()}

    assert {key: names(text) for key, text in PAGE[language].items()} == english
    assert all(text.strip() == text != "" for text in PAGE[language].values())
    assert words_of(language)["language"] == language


def test_the_page_takes_no_word_of_documents_for_another():
    assert not set(PAGE["en"]) & set(WORDS["en"])


def test_the_page_is_english_in_a_language_that_nobody_wrote():
    assert words_of("xx") == words_of("") == words_of("en")
    assert refused("xx", "already_paid", "Paid already.") == "Paid already."


def test_every_other_language_has_every_refusal_with_the_same_names():
    german = {key: names(text) for key, text in REFUSALS["de"].items()}
    codes = {
        kind.code
        for kind in (
            exceptions.NotPayable,
            exceptions.AlreadyPaid,
            exceptions.PaymentUnderWay,
            exceptions.AmountNotPayable,
            exceptions.PaymentPending,
            exceptions.PaymentRejected,
        )
    }

    assert codes < set(german)
    assert set(REFUSALS) == {code for code, _ in LANGUAGES} - {"en"}
    for language, said in REFUSALS.items():
        assert {key: names(text) for key, text in said.items()} == german, language


def test_every_movement_has_its_words():
    shown = set(LedgerEntry.Kind) - {LedgerEntry.Kind.CREDIT}
    by_hand = [ManualPayment(method=method) for method in ManualPayment.Method]

    for kind in shown:
        for payment in (None, *by_hand):
            assert (
                selectors.key_of(selectors.SHOWN_AS.get(kind, kind), payment)
                in (PAGE["en"])
            )
