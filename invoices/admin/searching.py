"""Finding invoices by what people know of them: a number, an order, a customer."""

from typing import Any, Final

from django.db.models import Q, QuerySet

from accounts.models import Business
from invoices.models import Counter, Customer, Invoice

# Of each way to find them: more than anyone looks through. Somebody types more instead.
NEWEST: Final = 500
CUSTOMERS: Final = 100
COUNTERS: Final = 500
# Of the longest number there is, zeros before it.
DIGITS: Final = 20


def found(
    invoices: QuerySet[Any], text: str, businesses: QuerySet[Business]
) -> QuerySet[Any]:
    """
    Those whose number or reference begins like the text, whose place in its series it is,
    or whose customer has each word of it in name or address; the newest of each.

    Each way has an index of its own. Asked for together, the database would look at all
    invoices instead.
    """
    ways = (
        Q(number__istartswith=text),
        Q(reference__istartswith=text),
        Q(customer__in=_customers(text, businesses)),
        Q(pk__in=_numbered(text, businesses)),
    )
    keys = {
        key
        for way in ways
        for key in invoices.filter(way)
        .order_by("-pk")
        .values_list("pk", flat=True)[:NEWEST]
    }
    return invoices.filter(pk__in=keys)


def _customers(text: str, businesses: QuerySet[Business]) -> list[int]:
    customers = Customer.objects.filter(business__in=businesses)
    for word in text.split():
        customers = customers.filter(Q(name__icontains=word) | Q(email__icontains=word))
    newest = customers.order_by("-pk").values_list("pk", flat=True)
    return list(newest[:CUSTOMERS])


def _numbered(text: str, businesses: QuerySet[Business]) -> list[int]:
    if not text.isdecimal() or len(text) > DIGITS:
        return []
    # In no order and of counters by key: then the index of these two is all that is read.
    counters = Counter.objects.filter(series__business__in=businesses)
    newest = list(counters.order_by("-pk").values_list("pk", flat=True)[:COUNTERS])
    rows = Invoice.objects.filter(counter__in=newest, sequence=int(text))
    return list(rows.values_list("pk", flat=True))
