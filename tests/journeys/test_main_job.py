"""Over REST alone, on a live server."""

from tests.journeys.main_job import main_job


def test_an_owner_invoices_and_a_customer_pays(shop):
    main_job(shop)
