from string import Formatter

import pytest

from accounts.languages import LANGUAGES
from invoices.page_wording import PAGE, words_of
from invoices.wording import WORDS, say


def places(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_language_of_documents_has_its_words():
    assert set(WORDS) == {code for code, _ in LANGUAGES}


@pytest.mark.parametrize("language", WORDS)
def test_every_language_says_the_same(language):
    english = {key: places(text) for key, text in WORDS["en"].items()}

    assert {key: places(text) for key, text in WORDS[language].items()} == english
    assert all(text.strip() for text in WORDS[language].values())


def test_the_page_that_compares_has_words_of_its_own_in_every_language():
    assert set(PAGE) == {code for code, _ in LANGUAGES}
    assert not set(PAGE["en"]) & set(WORDS["en"])
    for language, said in PAGE.items():
        assert list(said) == list(PAGE["en"]), language
        assert all(text.strip() == text != "" for text in said.values())
    assert words_of("ja")["language"] == words_of("")["language"] == "en"


def test_say_fills_in_the_values():
    assert say("de", "page", page="2") == "Seite 2 von"


def test_say_speaks_english_where_nobody_chose_a_language_of_ours():
    assert say("", "invoice") == say("ja", "invoice") == "Invoice"
