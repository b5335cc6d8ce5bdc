"""Finding invoices by what people know of them: a number, an order, a customer."""

from typing import Any, Final

from django.db.models import Q, QuerySet

from accounts.models import Business
from invoices.models import Counter, CreditNote, Customer, Invoice

# Of each way to find them: more than anyone looks through. Somebody types more instead.
NEWEST: Final = 500
CUSTOMERS: Final = 100
COUNTERS: Final = 500
# Of the longest number there is, zeros before it.
DIGITS: Final = 20
_LOOKUPS: Final = {"=": "iexact", "^": "istartswith"}
# Said where that was not all.
CUT: Final = (
    f"More fits than is shown: the newest {NEWEST} invoices, and those of the newest "
    f"{CUSTOMERS} customers. Write more of the name or number to find the others."
)


def found(
    invoices: QuerySet[Any], text: str, businesses: QuerySet[Business]
) -> tuple[QuerySet[Any], bool]:
    """
    Those whose number or reference begins like the text, whose place in its series it is,
    or whose customer has each word of it in name or address; the newest of each, and
    whether there are more.

    Each way has an index of its own. Asked for together, the database would look at all
    invoices instead.
    """
    customers = _customers(text, businesses)
    ways = (
        Q(number__istartswith=text),
        Q(reference__istartswith=text),
        Q(customer__in=customers[:CUSTOMERS]),
        Q(pk__in=numbered(Invoice, text, businesses)),
    )
    newest = [_newest(invoices.filter(way)) for way in ways]
    is_cut = len(customers) > CUSTOMERS or any(len(keys) > NEWEST for keys in newest)
    keys = {key for found in newest for key in found[:NEWEST]}
    return invoices.filter(pk__in=keys), is_cut


def numbered(
    issued: type[Invoice | CreditNote], text: str, businesses: QuerySet[Business]
) -> list[int]:
    """The keys of those whose place in their series the text is, zeros before it or not."""
    if not text.isdecimal() or len(text) > DIGITS:
        return []
    # In no order and of counters by key: then the index of these two is all that is read.
    counters = Counter.objects.filter(series__business__in=businesses)
    newest = list(counters.order_by("-pk").values_list("pk", flat=True)[:COUNTERS])
    rows: QuerySet[Any] = issued._default_manager.filter(
        counter__in=newest, sequence=int(text)
    )
    return list(rows.values_list("pk", flat=True))


def way(field: str, text: str) -> Q:
    """As Django has one of `search_fields`: `=` is all of it, `^` how it begins."""
    if lookup := _LOOKUPS.get(field[0]):
        return Q(**{f"{field[1:]}__{lookup}": text})
    condition = Q()
    for word in text.split():
        condition &= Q(**{f"{field}__icontains": word})
    return condition


def either(rows: QuerySet[Any], *found: QuerySet[Any]) -> QuerySet[Any]:
    """Those of `rows` that were found in one way or another; the newest of each."""
    return rows.filter(pk__in={key for each in found for key in _newest(each)[:NEWEST]})


def _newest(rows: QuerySet[Any]) -> list[int]:
    keys = rows.order_by("-pk").values_list("pk", flat=True)
    return list(keys[: NEWEST + 1])


def _customers(text: str, businesses: QuerySet[Business]) -> list[int]:
    customers = Customer.objects.filter(business__in=businesses)
    for word in text.split():
        customers = customers.filter(Q(name__icontains=word) | Q(email__icontains=word))
    newest = customers.order_by("-pk").values_list("pk", flat=True)
    return list(newest[: CUSTOMERS + 1])
