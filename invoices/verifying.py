"""What somebody hands in to have a document compared."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from django import forms

# API Gateway takes 10 MB and Lambda 6, both counted after a third was added on the way.
LARGEST_FILE = 4_000_000


class VerifyForm(forms.Form):
    """
    A PDF, or its hash as another program worked it out.

    :param words: of the page, in its language
    """

    # An empty one is compared as well: it is not the same.
    file = forms.FileField(
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": "application/pdf"}),
    )
    sha256 = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, words: Mapping[str, str], *args: Any) -> None:
        super().__init__(*args)
        self._words = words
        for name, field in self.fields.items():
            field.label = words[name]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > LARGEST_FILE:
            raise forms.ValidationError(self._words["too_large"])
        return file

    def clean_sha256(self) -> str:
        typed = "".join(self.cleaned_data["sha256"].split()).lower()
        if typed and not re.fullmatch("[0-9a-f]{64}", typed):
            raise forms.ValidationError(self._words["no_hash"])
        return typed

    def clean(self) -> dict[str, Any]:
        """In the end `sha256` is what is to be compared, whichever was given."""
        cleaned = super().clean() or {}
        if file := cleaned.get("file"):
            cleaned["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
        elif not self.errors and not cleaned.get("sha256"):
            raise forms.ValidationError(self._words["nothing"])
        return cleaned
