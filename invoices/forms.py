"""
The form of a draft: its fields, and its lines and adjustments as typed. And what must be
known before money is booked, credited or put off.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.db.models import Model
from django.forms.formsets import DELETION_FIELD_NAME
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.money import EXPONENTS
from invoices.models import Invoice, ManualPayment, check_date
from invoices.money import exponent, to_major, to_minor

CURRENCIES = [(code, code) for code in sorted(EXPONENTS)]


class DraftForm(forms.ModelForm[Invoice]):
    currency = forms.ChoiceField(
        choices=CURRENCIES, widget=UnfoldAdminSelect2Widget(choices=CURRENCIES)
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None and "currency" in self.fields:
            field: Any = self.fields["currency"]
            field.required = False
            field.choices = [("", "The customer's"), *CURRENCIES]
        if "due_date" in self.fields:
            self.fields["due_date"].help_text = (
                "Left empty, the customer's terms or the business's count from the issue "
                "date."
            )
        _without_zeros(self.initial)


class WantedForm(forms.Form):
    """Beside the form of a draft: what it should come to, in major units."""

    wanted_total = forms.DecimalField(
        label="Total wanted",
        required=False,
        max_digits=15,
        decimal_places=4,
        help_text="Says whether it can be reached, or what is next to it.",
        widget=UnfoldAdminDecimalFieldWidget(
            attrs={"inputmode": "decimal", "form": "invoice_form"}
        ),
    )


class RowForm(forms.ModelForm[Any]):
    """Shows decimals as a person writes them: 2.5, not 2.500000."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # In a table, the head of the column is the label for those who see it.
            field.widget.attrs["aria-label"] = field.label
        _without_zeros(self.initial)


def _without_zeros(initial: MutableMapping[str, Any]) -> None:
    for name, value in initial.items():
        if isinstance(value, Decimal):
            initial[name] = plain(value)


def plain(value: Decimal) -> str:
    """A decimal without zeros that say nothing, and without an exponent."""
    return f"{value.normalize():f}"


class RowsFormSet(PaginationInlineFormSet):
    """
    The rows of a draft. It saves nothing: a service replaces all of them at once.

    :param refused: sentences by `<prefix>.<index>.<field>`, as the service gives them
    """

    # What Django's admin reads after saving, to write its own log.
    new_objects = changed_objects = deleted_objects = ()

    def __init__(
        self, *args: Any, refused: dict[str, list[str]] | None = None, **kwargs: Any
    ) -> None:
        self.refused = refused or {}
        super().__init__(*args, **kwargs)

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        # Not the key of a row that must exist: the last save replaced those that the
        # page behind the Back button still names.
        form.fields["id"] = forms.CharField(
            required=False, widget=forms.HiddenInput, initial=form.instance.pk
        )
        if "tax_rate" in form.fields:
            form.fields["tax_rate"].choices = self._tax_rates(form.fields["tax_rate"])

    def _tax_rates(self, field: Any) -> list[Any]:
        # One query for all rows.
        if not hasattr(self, "_known_rates"):
            self._known_rates = list(field.choices)
        return self._known_rates

    def clean(self) -> None:
        super().clean()
        kept = self._kept()
        for name, sentences in self.refused.items():
            if name.startswith(f"{self.prefix}."):
                _, index, field = name.split(".")
                kept[int(index)].add_error(field, sentences)

    def rows(self) -> list[Model]:
        """Unsaved, in the order of the page, without rows deleted or left empty."""
        return [form.instance for form in self._kept()]

    def rows_so_far(self) -> list[Model]:
        """Those of a page that is being filled in which are complete already."""
        return [form.instance for form in self._kept() if form.is_valid()]

    def incomplete(self) -> list[int]:
        """The places on the page of the others, counted from 1."""
        return [
            self.forms.index(form) + 1 for form in self._kept() if not form.is_valid()
        ]

    def _kept(self) -> list[Any]:
        first_new = self.initial_form_count()
        return [
            form
            for index, form in enumerate(self.forms)
            if (index < first_new or form.has_changed())
            and not form.cleaned_data.get(DELETION_FIELD_NAME)
        ]


class MoneyField(forms.DecimalField):
    """Typed in major units of a currency, cleaned to minor ones."""

    def __init__(self, currency: str, **kwargs: Any) -> None:
        self._currency = currency
        super().__init__(
            max_digits=18,
            decimal_places=exponent(currency),
            min_value=Decimal(0),
            widget=UnfoldAdminDecimalFieldWidget(attrs={"inputmode": "decimal"}),
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        return to_major(value, self._currency) if isinstance(value, int) else value

    def clean(self, value: Any) -> int:
        typed = super().clean(value)
        return to_minor(typed, self._currency) if typed else 0


class PaymentForm(forms.Form):
    """Money that came past Stripe. The key makes a second click no second payment."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    method = forms.ChoiceField(
        choices=ManualPayment.Method, widget=UnfoldAdminSelectWidget
    )
    received_on = forms.DateField(
        label="Received on", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    reference = forms.CharField(
        required=False,
        max_length=100,
        help_text="As on the bank's statement.",
        widget=UnfoldAdminTextInputWidget,
    )
    field_order = ("method", "amount", "received_on", "reference")

    def __init__(self, data: Any = None, *, currency: str, due: int, day: date) -> None:
        initial = {"key": uuid4(), "amount": due or None, "received_on": day}
        super().__init__(data, initial=initial)
        self.fields["amount"] = MoneyField(currency, label=f"Amount in {currency}")
        self.order_fields(self.field_order)


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=250, widget=UnfoldAdminTextInputWidget)


class AmountForm(forms.Form):
    def __init__(self, data: Any = None, *, currency: str, amount: int) -> None:
        super().__init__(data, initial={"amount": amount})
        self.fields["amount"] = MoneyField(currency, label=f"Amount in {currency}")


class DueDateForm(forms.Form):
    due_date = forms.DateField(
        label="New due date",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    )


class CreditForm(forms.Form):
    """
    What of each line is credited, and why.

    :param left: by line's key, how much there is to credit
    :param notes: how many credit notes there were when the page was made
    """

    notes = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=500,
        help_text="Printed on the credit note.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )

    def __init__(
        self, data: Any = None, *, left: Mapping[int, Decimal], notes: int
    ) -> None:
        super().__init__(data, initial={"notes": notes})
        self._keys = list(left)
        for key, quantity in left.items():
            self.fields[f"line_{key}"] = forms.DecimalField(
                required=False,
                initial=plain(quantity),
                label="Quantity to credit",
                widget=UnfoldAdminDecimalFieldWidget(attrs={"inputmode": "decimal"}),
            )

    def line(self, key: int) -> forms.BoundField | None:
        return self[f"line_{key}"] if key in self._keys else None

    def quantities(self) -> dict[int, Decimal]:
        typed = {key: self.cleaned_data[f"line_{key}"] for key in self._keys}
        return {key: quantity for key, quantity in typed.items() if quantity}


class SplitForm(forms.Form):
    """Where the part of a credit note beyond the due goes, of a total that was shown."""

    shown = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, currency: str, **initial: int) -> None:
        super().__init__(data, initial=initial)
        for name, label in {
            "refunds": "Refunded by card",
            "to_balance": "Kept as the customer's balance",
            "out_of_band": "Paid back otherwise, such as by transfer",
        }.items():
            self.fields[name] = MoneyField(currency, label=label, required=False)


class NextNumberForm(forms.Form):
    next_value = forms.IntegerField(
        label="Next number",
        min_value=1,
        help_text="Without prefix and year, such as 1001.",
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
    )


class PeriodForm(forms.Form):
    """Of a statement; from the first day of the year on, if nothing else is said."""

    start = forms.DateField(
        label="From",
        validators=[check_date],
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    )
    end = forms.DateField(
        label="Until",
        validators=[check_date],
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    )

    def __init__(
        self, data: Any = None, *, day: date, currencies: Sequence[str]
    ) -> None:
        initial = {"start": day.replace(month=1, day=1), "end": day}
        super().__init__(data, initial=initial)
        self.fields["currency"] = forms.ChoiceField(
            choices=[(code, code) for code in currencies],
            widget=UnfoldAdminSelectWidget,
        )
        self.order_fields(["currency", "start", "end"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and end < start:
            raise forms.ValidationError({"end": "This is before it begins."})
        return cleaned


class AttachForm(forms.Form):
    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
        help_text=(
            "A PDF, a JPEG or PNG picture, a document or table of Office or LibreOffice, "
            "a .txt or .csv; up to 4 MB."
        ),
    )
    is_mailed = forms.BooleanField(
        required=False,
        label="Goes along when the invoice is sent",
        widget=UnfoldBooleanSwitchWidget,
    )
    is_shown = forms.BooleanField(
        required=False,
        label="The customer may download it from the invoice's page",
        widget=UnfoldBooleanSwitchWidget,
    )
