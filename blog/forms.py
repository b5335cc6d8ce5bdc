from django import forms

from blog.models import MAX_COMMENT


class CommentForm(forms.Form):
    body = forms.CharField(
        label="Your comment",
        max_length=MAX_COMMENT,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Markdown works: *emphasis*, `code`, [a link](https://example.com).",
        error_messages={"required": "Write something first: this comment is empty."},
    )
    parent = forms.UUIDField(required=False, widget=forms.HiddenInput)
