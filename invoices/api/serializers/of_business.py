from rest_framework import serializers

from accounts.api.serializers import OwnBusinessField
from accounts.models import Business
from invoices.models import Customer, ReminderStep, TaxRate


# A row stays with the business that it was made for.
class OfBusinessSerializer[M: (Customer, ReminderStep, TaxRate)](
    serializers.ModelSerializer[M]
):
    business = OwnBusinessField(
        required=False, help_text="Needed when you write the books of several."
    )

    def validate_business(self, business: Business) -> Business:
        if self.instance and business != self.instance.business:
            raise serializers.ValidationError("This cannot be changed.")
        return business
