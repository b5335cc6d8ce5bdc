from django import forms

from accounts.models import User


class SignupDetailsForm(forms.Form):
    def signup(self, request: object, user: User) -> None:
        pass
