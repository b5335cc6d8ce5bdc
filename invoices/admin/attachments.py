"""Files that go with invoices: attached on the invoice's page, kept on pages of their own."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.admin.base import button, show_refusal
from accounts.exceptions import Refusal
from accounts.http import person
from invoices.admin.records import RecordAdmin
from invoices.forms import AttachForm
from invoices.http import attachment_response
from invoices.models import Attachment
from invoices.services import attaching


class AttachButton(RecordAdmin):
    """On an invoice's page, whatever its status."""

    @button("Attach a file", "attach_file")
    def attach(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self.get_writable(request, object_id)
        form = AttachForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            typed = form.cleaned_data
            try:
                attached = attaching.attach_file(
                    invoice=invoice,
                    upload=typed["file"],
                    is_mailed=typed["is_mailed"],
                    is_shown=typed["is_shown"],
                    actor=person(request),
                    now=timezone.now(),
                )
            except Refusal as error:
                show_refusal(form, error)
            else:
                messages.success(request, f"{attached.name} is attached.")
                return redirect(self.page_of(invoice.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": "Attach a file",
            "opts": self.model._meta,
            "object": invoice,
            "consequence": (
                "It is kept with the invoice, before it is finalized and after, and is no "
                "part of the document itself."
            ),
            "form": form,
            "back": self.page_of(invoice.pk),
        }
        return TemplateResponse(request, "admin/confirm.html", context)


@admin.register(Attachment)
class AttachmentAdmin(RecordAdmin):
    to_add = None
    list_display = ("name", "invoice", "size_", "is_mailed", "is_shown", "created_at")
    list_filter = ("is_mailed", "is_shown")
    list_select_related = ("invoice",)
    search_fields = ("name", "^invoice__number")
    ordering = ("-pk",)
    fields = ("name", "invoice_", ("size_", "created_at"), "is_mailed", "is_shown")
    readonly_fields = ("name", "invoice_", "size_", "created_at")
    actions_detail = ("download",)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        labels = {"is_mailed": "Mailed", "is_shown": "Shown"}
        return super().get_form(request, obj, change, labels=labels, **kwargs)

    @admin.display(description="invoice")
    def invoice_(self, attachment: Attachment) -> Any:
        address = reverse("admin:invoices_invoice_change", args=[attachment.invoice_id])
        return format_html('<a href="{}">{}</a>', address, attachment.invoice)

    @admin.display(description="size", ordering="size")
    def size_(self, attachment: Attachment) -> str:
        return filesizeformat(attachment.size)

    @button("Download", "download")
    def download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return attachment_response(self.get_object(request, object_id))

    def save_model(
        self, request: HttpRequest, obj: Attachment, form: Any, change: bool
    ) -> None:
        attaching.change_attachment(
            attachment=obj,
            is_mailed=form.cleaned_data["is_mailed"],
            is_shown=form.cleaned_data["is_shown"],
            actor=person(request),
            now=timezone.now(),
        )

    def delete_model(self, request: HttpRequest, obj: Attachment) -> None:
        attaching.remove_attachment(
            attachment=obj, actor=person(request), now=timezone.now()
        )

    def response_post_save_change(
        self, request: HttpRequest, obj: Attachment
    ) -> HttpResponse:
        return redirect(reverse("admin:invoices_invoice_change", args=[obj.invoice_id]))

    def response_delete(
        self, request: HttpRequest, obj_display: str, obj_id: int
    ) -> HttpResponse:
        messages.success(request, f"{obj_display} is removed.")
        return redirect(reverse("admin:invoices_invoice_changelist"))
