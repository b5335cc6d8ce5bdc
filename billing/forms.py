from decimal import Decimal
from typing import Any

from django import forms

from invoices.money import exponent, to_minor


class AmountField(forms.DecimalField):
    """
    Takes the comma that most languages write, too. Never points that group digits: an
    amount is refused rather than read as another.
    """

    # The stubs say that it is an integer, as in the class above it.
    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.count(",") == 1 and "." not in value:
            value = value.replace(",", ".")
        return super().to_python(value)


class PayForm(forms.Form):
    """How much to pay, as typed; left empty, all that is due."""

    def __init__(
        self, *args: Any, currency: str, takes_comma: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._currency = currency
        field = AmountField if takes_comma else forms.DecimalField
        self.fields["amount"] = field(
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
