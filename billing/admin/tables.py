"""Small tables of figures on a row's page."""

from collections.abc import Sequence

from django.template.loader import render_to_string
from django.utils.safestring import SafeString


def figures(
    head: Sequence[str], rows: Sequence[Sequence[object]], *, none: str
) -> SafeString:
    """
    Rows below a head; the first column names the row.

    :param none: what to say where there is no row
    """
    context = {"head": head, "rows": rows, "none": none}
    return render_to_string("admin/includes/figures.html", context)
