from string import Formatter

from accounts.languages import LANGUAGES
from invoices.mail_wording import MAIL, say


def names(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_language_has_every_key_with_the_same_names():
    english = {key: names(text) for key, text in MAIL["en"].items()}

    for language, _ in LANGUAGES:
        said = {key: names(text) for key, text in MAIL[language].items()}
        assert said == english, language


def test_no_language_borrows_a_sentence():
    for key in ("here_is_invoice", "overdue", "crossed", "secret", "questions"):
        assert len({MAIL[code][key] for code, _ in LANGUAGES}) == len(LANGUAGES)


def test_a_language_that_nobody_wrote_falls_back_to_english():
    assert say("xx", "invoice", number="7") == "Invoice 7"
