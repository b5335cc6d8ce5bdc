import pytest

from invoices.templatetags.places import country


@pytest.mark.parametrize(
    ("code", "name"), [("DE", "Germany"), ("GB", "United Kingdom"), ("QZ", "QZ")]
)
def test_country_has_a_name(code, name):
    assert country(code) == name
