from string import Formatter

from accounts.languages import LANGUAGES
from billing.wording import RECEIPT, say


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
