import pytest
from django.urls import reverse

from accounts.models import Event
from invoices.models import Customer, TaxRate
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    InvoiceFactory,
    MembershipFactory,
    TaxRateFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

ACME = {
    "name": "Acme",
    "email": "acme@example.com",
    "contacts-TOTAL_FORMS": "0",
    "contacts-INITIAL_FORMS": "0",
}
VAT = {"name": "VAT 7 %", "category": "S", "percent": "7", "is_active": "on"}


def test_a_customer_is_added_to_the_one_business_without_asking(desk, owner, business):
    add = reverse("admin:invoices_customer_add")
    assert "business" not in desk.get(add).context["adminform"].form.fields

    desk.post(add, ACME)

    customer = Customer.objects.get()
    event = Event.objects.get()
    assert (customer.business, customer.name) == (business, "Acme")
    assert (event.type, event.actor) == ("customer.created", owner)


def test_owners_of_several_businesses_say_whose_customer_it_is(desk, owner):
    second = BusinessFactory()
    MembershipFactory(user=owner, business=second)

    desk.post(
        reverse("admin:invoices_customer_add"), ACME | {"business": str(second.pk)}
    )

    assert Customer.objects.get().business == second


def test_nobody_adds_to_a_business_of_others(desk, owner):
    MembershipFactory(user=owner)
    foreign = BusinessFactory()

    response = desk.post(
        reverse("admin:invoices_customer_add"), ACME | {"business": str(foreign.pk)}
    )

    assert "business" in response.context["adminform"].form.errors
    assert not Customer.objects.exists()


def test_nothing_is_added_where_there_is_no_business(client):
    client.force_login(UserFactory(is_superuser=True))

    response = client.post(reverse("admin:invoices_customer_add"), ACME)

    assert response.status_code == 200
    assert not Customer.objects.exists()


def test_a_customer_is_changed_by_the_service(desk, business):
    customer = CustomerFactory(business=business)

    desk.post(reverse("admin:invoices_customer_change", args=[customer.pk]), ACME)

    customer.refresh_from_db()
    assert customer.name == "Acme"
    assert Event.objects.get().type == "customer.updated"


def test_a_customer_leads_to_the_invoices(desk, business):
    invoice = InvoiceFactory(business=business)
    InvoiceFactory(business=business)

    html = desk.get(reverse("admin:invoices_customer_changelist")).content.decode()
    url = reverse("admin:invoices_invoice_changelist")
    query = f"?customer__id__exact={invoice.customer.pk}"

    assert f'href="{url}{query}"' in html
    assert list(desk.get(url + query).context["cl"].queryset) == [invoice]


def test_a_customer_is_deleted_by_the_service(desk, business):
    customer = CustomerFactory(business=business)
    url = reverse("admin:invoices_customer_delete", args=[customer.pk])

    desk.post(url, {"post": "yes"})

    assert not Customer.objects.exists()
    assert Event.objects.get().type == "customer.deleted"


def test_a_customer_with_invoices_stays(desk, business):
    customer = InvoiceFactory(business=business).customer
    url = reverse("admin:invoices_customer_delete", args=[customer.pk])

    response = desk.post(url, {"post": "yes"})

    assert Customer.objects.get() == customer
    assert "INV" not in response.content.decode()
    assert b"protected" in response.content


def test_a_tax_rate_is_added_changed_and_deleted_by_its_services(desk, business):
    desk.post(reverse("admin:invoices_taxrate_add"), VAT)
    rate = TaxRate.objects.get()
    change = reverse("admin:invoices_taxrate_change", args=[rate.pk])
    desk.post(change, VAT | {"name": "Books"})
    assert TaxRate.objects.get().name == "Books"

    desk.post(reverse("admin:invoices_taxrate_delete", args=[rate.pk]), {"post": "yes"})

    assert not TaxRate.objects.exists()
    assert list(Event.objects.order_by("pk").values_list("type", flat=True)) == [
        "tax_rate.created",
        "tax_rate.updated",
        "tax_rate.deleted",
    ]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"percent": "500"}, "A tax rate is a percentage between 0 and 100."),
        ({"category": "E"}, "Only the standard category has a percentage."),
        (
            {"category": "AE", "percent": "0"},
            "Say on the invoice why no tax is charged: fill in the note.",
        ),
    ],
)
def test_a_tax_rate_that_makes_no_sense_is_refused(desk, wrong, sentence):
    response = desk.post(reverse("admin:invoices_taxrate_add"), VAT | wrong)

    assert sentence in response.context["errors"][0]
    assert not TaxRate.objects.exists()


def test_a_percentage_is_shown_as_a_person_writes_it(desk, business):
    TaxRateFactory(business=business, name="Reduced", percent="5.500")

    html = desk.get(reverse("admin:invoices_taxrate_changelist")).content.decode()

    assert "5.5 %" in html
