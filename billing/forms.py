from decimal import Decimal
from typing import Any

from django import forms

from invoices.exceptions import AmountOutOfRange
from invoices.money import exponent, to_minor


class PayForm(forms.Form):
    """How much to pay, as typed; left empty, all that is due."""

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._currency = currency
        self.fields["amount"] = forms.DecimalField(
            required=False,
            max_digits=15,
            decimal_places=exponent(currency),
            min_value=Decimal(0),
        )

    def clean_amount(self) -> int | None:
        amount: Decimal | None = self.cleaned_data["amount"]
        if amount is None:
            return None
        try:
            return to_minor(amount, self._currency)
        except AmountOutOfRange as error:
            raise forms.ValidationError(str(error)) from error
