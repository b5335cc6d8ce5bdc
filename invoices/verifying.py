"""What somebody hands in to have a document compared."""

import hashlib
import re
from typing import Any

from django import forms

# API Gateway takes 10 MB and Lambda 6, both counted after a third was added on the way.
LARGEST_FILE = 4_000_000


class VerifyForm(forms.Form):
    """A PDF, or its hash as another program worked it out."""

    file = forms.FileField(
        required=False,
        label="The PDF",
        widget=forms.ClearableFileInput(attrs={"accept": "application/pdf"}),
    )
    sha256 = forms.CharField(
        required=False,
        label="Or its SHA-256",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > LARGEST_FILE:
            raise forms.ValidationError(
                "This is larger than 4 MB. Write its SHA-256 instead."
            )
        return file

    def clean_sha256(self) -> str:
        typed = "".join(self.cleaned_data["sha256"].split()).lower()
        if typed and not re.fullmatch("[0-9a-f]{64}", typed):
            raise forms.ValidationError(
                "A SHA-256 has 64 digits, of 0 to 9 and a to f."
            )
        return typed

    def clean(self) -> dict[str, Any]:
        """In the end `sha256` is what is to be compared, whichever was given."""
        cleaned = super().clean() or {}
        if file := cleaned.get("file"):
            cleaned["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
        elif not self.errors and not cleaned.get("sha256"):
            raise forms.ValidationError("Choose the PDF, or write its SHA-256.")
        return cleaned
