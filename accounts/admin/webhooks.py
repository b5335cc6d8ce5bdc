"""Endpoints of webhooks, the log of what was sent to them, and sending it again."""

import json
import re
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import destinations
from accounts.admin.base import BackOfficeAdmin, button, label
from accounts.event_types import ALL, OF_BUSINESS
from accounts.exceptions import DestinationRefused
from accounts.http import businesses_for, person
from accounts.models import Event, WebhookDelivery, WebhookEndpoint
from accounts.roles import Permission
from accounts.services import attempts, deliveries, endpoints

STATE_COLORS: Final = {"on": "success", "failing": "warning", "off": "danger"}
DELIVERY_COLORS: Final = {
    WebhookDelivery.Status.PENDING.value: "info",
    WebhookDelivery.Status.SUCCEEDED.value: "success",
    WebhookDelivery.Status.FAILED.value: "danger",
}
# An endpoint's page has the newest; the log has all.
SHOWN: Final = 10
_KINDS: Final = sorted({f"{each.partition('.')[0]}.*" for each in OF_BUSINESS})


class TypesField(forms.CharField):
    """One type, or kind, on each line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        return re.findall(r"[^\s,]+", super().clean(value))


class EndpointForm(forms.ModelForm[WebhookEndpoint]):
    types = TypesField(
        label="Listens for",
        initial=ALL,
        help_text="One on each line: invoice.paid, or all of a kind, or * for everything. "
        f"The kinds are {', '.join(_KINDS)}.",
    )


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(BackOfficeAdmin):
    """Owners alone see it: whoever listens learns all that happens."""

    form = EndpointForm
    to_view = to_add = to_change = to_delete = Permission.MANAGE_BUSINESS
    list_display = ("url", "state", "listens_for", "description", "business")
    list_filter = ("enabled",)
    list_select_related = ("business",)
    search_fields = ("url", "description")
    ordering = ("-pk",)
    readonly_fields = ("state", "failing_since", "previous_secret_until", "newest")
    actions_detail = ("see_log", "send_test", "send_failed", "new_secret")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        typed = ["url", "description", "types", "enabled"]
        if obj is None:
            return ["business", *typed]
        return [*typed, ("state", "failing_since"), "previous_secret_until", "newest"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        own = businesses_for(request, Permission.MANAGE_BUSINESS)
        return {"business": own.order_by("pk").first()}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("business")

    @label("state", STATE_COLORS)
    def state(self, endpoint: WebhookEndpoint) -> tuple[str, str]:
        if not endpoint.enabled:
            return "off", "Off"
        return ("failing", "Failing") if endpoint.failing_since else ("on", "On")

    @admin.display(description="listens for")
    def listens_for(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.types)

    @admin.display(description="newest deliveries")
    def newest(self, endpoint: WebhookEndpoint) -> SafeString:
        rows = endpoint.deliveries.select_related("event").order_by("-pk")[:SHOWN]
        return render_to_string("admin/webhooks/newest.html", {"deliveries": rows})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method == "POST" and self._may_save(request, object_id):
            # Here, because it looks the host up, which is nothing for a transaction.
            try:
                destinations.check(request.POST.get("url", ""))
            except DestinationRefused as error:
                vars(request)["refusal"] = ValidationError({"url": str(error)})
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _may_save(self, request: HttpRequest, object_id: str | None) -> bool:
        if object_id is None:
            return self.has_add_permission(request)
        endpoint = self.get_object(request, object_id)
        return self.has_change_permission(request, endpoint)

    def save_model(
        self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool
    ) -> None:
        fields = {name: form.cleaned_data[name] for name in endpoints.FIELDS}
        actor, now = person(request), timezone.now()
        if change:
            endpoints.update_endpoint(endpoint=obj, actor=actor, now=now, fields=fields)
            return
        made = endpoints.create_endpoint(
            business=form.cleaned_data["business"], actor=actor, now=now, fields=fields
        )
        obj.pk, obj.public_id = made.pk, made.public_id

    def response_add(
        self, request: HttpRequest, obj: WebhookEndpoint, post_url_continue: Any = None
    ) -> HttpResponse:
        return self._secret(request, obj, "The endpoint is added")

    def _secret(
        self, request: HttpRequest, endpoint: WebhookEndpoint, title: str
    ) -> HttpResponse:
        # Not redirected to: a message for another page travels there in a cookie.
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.model._meta,
            "secret": WebhookEndpoint.objects.get(pk=endpoint.pk).secret,
            "page": self.page_of(endpoint.pk),
        }
        return TemplateResponse(request, "admin/webhooks/secret.html", context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        # Its log goes with it, which nobody may delete alone.
        found, counts, _, protected = super().get_deleted_objects(objs, request)
        return found, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        endpoints.delete_endpoint(
            endpoint=obj, actor=person(request), now=timezone.now()
        )

    @button("Log", "list_alt")
    def see_log(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.get_object(request, object_id)
        path = reverse("admin:accounts_webhookdelivery_changelist")
        query = urlencode({"endpoint__public_id__exact": str(endpoint.public_id)})
        return redirect(f"{path}?{query}")

    @button("Send a test", "send")
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.get_object(request, object_id)

        def act() -> str:
            endpoints.ping(endpoint=endpoint, actor=person(request), now=timezone.now())
            return "A test is on its way; the newest deliveries say how it went."

        return self.ask(
            request,
            endpoint,
            title="Send a test",
            consequence=(
                f"{endpoint.url} receives an event of the type webhook_endpoint.pinged, "
                "signed as all others are. Nothing else happens."
            ),
            act=act,
        )

    @button("Send failed again", "replay")
    def send_failed(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.get_object(request, object_id)

        def act() -> str:
            queued = deliveries.send_all_again(endpoint=endpoint, now=timezone.now())
            return (
                f"Queued again: {queued}. They go out at the next run of the schedule."
            )

        return self.ask(
            request,
            endpoint,
            title="Send failed again",
            consequence=(
                f"Every event of the last {deliveries.KEPT.days} days that did not reach "
                f"{endpoint.url} is sent there once more, the oldest first."
            ),
            act=act,
        )

    @button("New secret", "key", ActionVariant.DANGER)
    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.get_object(request, object_id)

        def act() -> str:
            endpoints.roll_secret(
                endpoint=endpoint, actor=person(request), now=timezone.now()
            )
            return "For a day, the secret before signs as well."

        return self.ask(
            request,
            endpoint,
            title="New secret",
            consequence=(
                "You see the new secret once, on the next page. For a day, what is sent "
                "is signed with the one before as well; give whoever listens the new one "
                "until then."
            ),
            act=act,
            show=lambda: self._secret(request, endpoint, "The new secret"),
        )


def _code(text: str) -> SafeString:
    return render_to_string("admin/webhooks/code.html", {"text": text})


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(BackOfficeAdmin):
    business_path = "endpoint__business"
    to_view = Permission.MANAGE_BUSINESS
    to_add = to_change = to_delete = None
    list_display = ("created_at", "type", "state", "answer", "tries", "endpoint_url")
    list_filter = ("status",)
    list_select_related = ("event", "endpoint")
    search_fields = ("^event__type", "=event__public_id")
    search_help_text = "Search for a type, or for the id of an event."
    ordering = ("-pk",)
    actions_detail = ("send_again",)
    fields = (
        ("type", "endpoint_url"),
        ("state", "answer"),
        ("created_at", "tries"),
        ("tried_at", "next_try_at"),
        "answered",
        "sent",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.select_related("event__business", "event__actor", "endpoint")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        # As the endpoint's page links to it.
        return lookup == "endpoint__public_id__exact" or super().lookup_allowed(
            lookup, value, request
        )

    @admin.display(description="type", ordering="event__type")
    def type(self, delivery: WebhookDelivery) -> str:
        return delivery.event.type

    @admin.display(description="endpoint")
    def endpoint_url(self, delivery: WebhookDelivery) -> str:
        return delivery.endpoint.url

    @label("status", DELIVERY_COLORS, ordering="status")
    def state(self, delivery: WebhookDelivery) -> tuple[str, str]:
        return delivery.status, delivery.get_status_display()

    @admin.display(description="latest answer")
    def answer(self, delivery: WebhookDelivery) -> str:
        took = f"{delivery.duration_ms} ms" if delivery.duration_ms is not None else ""
        said = delivery.error or str(delivery.response_status or "")
        return ", ".join(part for part in (said.rstrip("."), took) if part) or "-"

    @admin.display(description="sent")
    def sent(self, delivery: WebhookDelivery) -> SafeString:
        body = json.loads(attempts.content(delivery.event))
        return _code(json.dumps(body, indent=2, ensure_ascii=False))

    @admin.display(description="answered")
    def answered(self, delivery: WebhookDelivery) -> SafeString | str:
        return _code(delivery.response_body) if delivery.response_body else "-"

    @button("Send again", "replay")
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        delivery = self.get_object(request, object_id)
        event: Event = delivery.event

        def act() -> str:
            deliveries.send_again(delivery=delivery, now=timezone.now())
            return "It is sent again; this page says how that went."

        return self.ask(
            request,
            delivery,
            title="Send again",
            consequence=(
                f"{delivery.endpoint.url} receives {event.type} again, under the same id, "
                "now, and for three days more if need be."
            ),
            act=act,
        )
