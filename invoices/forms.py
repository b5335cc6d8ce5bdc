"""The form of a draft: its fields, and its lines as typed."""

from decimal import Decimal
from typing import Any

from django import forms
from django.forms.formsets import DELETION_FIELD_NAME
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminSelect2Widget

from accounts.money import EXPONENTS
from invoices.models import Invoice, InvoiceLine

CURRENCIES = [(code, code) for code in sorted(EXPONENTS)]


class DraftForm(forms.ModelForm[Invoice]):
    currency = forms.ChoiceField(
        choices=CURRENCIES, widget=UnfoldAdminSelect2Widget(choices=CURRENCIES)
    )


class LineForm(forms.ModelForm[InvoiceLine]):
    """Shows decimals as a person writes them: 2.5, not 2.500000."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # In a table, the head of the column is the label for those who see it.
            field.widget.attrs["aria-label"] = field.label
        for name, value in self.initial.items():
            if isinstance(value, Decimal):
                self.initial[name] = plain(value)


def plain(value: Decimal) -> str:
    """A decimal without zeros that say nothing, and without an exponent."""
    return f"{value.normalize():f}"


class LinesFormSet(PaginationInlineFormSet):
    """
    The lines of a draft. It saves nothing: a service replaces all lines at once.

    :param refused: sentences by `lines.<index>.<field>`, as the service gives them
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
            if name.startswith("lines."):
                _, index, field = name.split(".")
                kept[int(index)].add_error(field, sentences)

    def lines(self) -> list[InvoiceLine]:
        """Unsaved, in the order of the page, without rows deleted or left empty."""
        return [form.instance for form in self._kept()]

    def _kept(self) -> list[Any]:
        first_new = self.initial_form_count()
        return [
            form
            for index, form in enumerate(self.forms)
            if (index < first_new or form.has_changed())
            and not form.cleaned_data.get(DELETION_FIELD_NAME)
        ]
