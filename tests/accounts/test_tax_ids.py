import pytest
from django.core.exceptions import ValidationError

from accounts.tax_ids import COUNTRIES, compact, shown


@pytest.mark.parametrize("country", COUNTRIES)
def test_the_example_of_a_country_is_kept_and_shown_and_read_again(country):
    kept = compact(f" {COUNTRIES[country].example.lower()} ", country)

    assert kept.isalnum()
    assert compact(shown(kept, country), country) == kept


@pytest.mark.parametrize(
    ("typed", "country", "kept", "as_shown"),
    [
        ("136 695 976", "DE", "DE136695976", "DE136695976"),
        ("181/815/08155", "DE", "181/815/08155", "181/815/08155"),
        ("ATU13585627", "DE", "ATU13585627", "ATU13585627"),
        ("CHE-107.787.577", "DE", "CHE107787577", "CHE-107.787.577"),
        ("che 107787577 mwst", "CH", "CHE107787577MWST", "CHE-107.787.577 MWST"),
        ("b-64717838", "ES", "B64717838", "B64717838"),
        ("094259216", "GR", "094259216", "094259216"),
        ("el094259216", "GR", "EL094259216", "EL094259216"),
        ("980 7806 84", "GB", "GB980780684", "GB 980 7806 84"),
        ("xi 980780684", "GB", "XI980780684", "XI 980 7806 84"),
        ("995525828", "NO", "995525828", "995 525 828"),
        ("995525828 mva", "NO", "995525828MVA", "995 525 828 MVA"),
        ("042103594", "US", "042103594", "04-2103594"),
        ("18547290", "RO", "18547290", "18547290"),
        ("", "DE", "", ""),
        # Nobody here knows these.
        ("any  text", "JP", "any text", "any text"),
        ("DE1", "", "DE1", "DE1"),
    ],
)
def test_a_tax_id_is_kept_compact_and_shown_as_people_write_it(
    typed, country, kept, as_shown
):
    assert compact(typed, country) == kept
    assert shown(kept, country) == as_shown


@pytest.mark.parametrize(
    ("typed", "country", "reason"),
    [
        ("DE136695978", "DE", r"Germany: its check digit .* such as DE136695976"),
        ("DE136695978", "AT", r"Germany: its check digit"),
        ("DE13669597", "DE", r"Germany: characters are missing"),
        ("136695976", "AT", r"Austria: .* such as ATU13585627"),
        ("not yet", "US", r"United States: .* correct the country"),
        ("CHE-107.787.578", "CH", r"Switzerland: its check digit"),
    ],
)
def test_a_tax_id_that_cannot_be_is_refused_with_how_to_mend_it(typed, country, reason):
    with pytest.raises(ValidationError, match=rf"“{typed}” .*{reason}"):
        compact(typed, country)
