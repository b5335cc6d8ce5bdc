from decimal import Decimal
from typing import Any

from django import forms

from invoices.money import exponent, to_minor


class PayForm(forms.Form):
    """How much to pay, as typed; left empty, all that is due."""

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._currency = currency
        self.fields["amount"] = forms.DecimalField(
            required=False,
            # Fewer than the books hold, whatever the currency.
            max_digits=15,
            decimal_places=exponent(currency),
            min_value=Decimal(0),
            error_messages={"invalid": "Write an amount in figures, such as 12.50."},
        )

    def clean_amount(self) -> int | None:
        amount: Decimal | None = self.cleaned_data["amount"]
        return None if amount is None else to_minor(amount, self._currency)
