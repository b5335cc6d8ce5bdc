"""What every page of the back office stands on: rights, choices, refusals, buttons."""

from collections.abc import Callable, Collection, Mapping
from functools import wraps
from operator import attrgetter
from typing import Any, ClassVar
from uuid import uuid4

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db import models
from django.forms import BaseForm, Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.enums import ActionVariant

from accounts.admin import confirming
from accounts.admin.paging import Bounded, BoundedList
from accounts.exceptions import KeyReused, Refusal, StillRunning
from accounts.http import businesses_for, is_operator, may
from accounts.models import Business
from accounts.roles import Permission


def label(
    description: str, colors: Mapping[Any, str], *, ordering: str | None = None
) -> Callable[
    [Callable[[Any, Any], tuple[str, str]]], Callable[[Any, Any], SafeString]
]:
    """A colored word, in lists and on pages. The method returns the value and its word."""

    def decorate(
        method: Callable[[Any, Any], tuple[str, str]],
    ) -> Callable[[Any, Any], SafeString]:
        @admin.display(description=description, ordering=ordering)
        @wraps(method)
        def badge(self: Any, row: Any) -> SafeString:
            value, word = method(self, row)
            return render_to_string(
                "unfold/helpers/label.html", {"text": word, "type": colors.get(value)}
            )

        return badge

    return decorate


def button[F: Callable[..., Any]](
    description: str, icon: str, variant: ActionVariant = ActionVariant.DEFAULT
) -> Callable[[F], F]:
    """
    A button at the head of a row's page; list the method in `actions_detail`. Listed in
    `actions_row` too, it is beside the row in lists.
    """
    decorate: Callable[[F], F] = action(
        description=description,
        icon=icon,
        variant=variant,
        extra_options={"display_in_dropdown": False},
    )
    return decorate


class OfBusiness(BaseModelAdmin[Any]):
    """
    Rows, choices and rights by the person's role in a row's business; Django's
    permission tables say nothing here. Operators (superusers) see every business.
    """

    to_view: ClassVar[Permission] = Permission.VIEW_BOOKS
    # None: written by services alone, read-only for everybody.
    to_add: ClassVar[Permission | None] = Permission.WRITE_BOOKS
    to_change: ClassVar[Permission | None] = Permission.WRITE_BOOKS
    to_delete: ClassVar[Permission | None] = None
    # The way from a row to its business, as lookups write it; None: the site's own.
    business_path: ClassVar[str | None] = "business"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request)
        if self.business_path is None or is_operator(request):
            return rows
        own = businesses_for(request, self.to_view)
        return rows.filter(**{f"{self.business_path}__in": own})

    def has_view_permission(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> bool:
        return self._may(request, self.to_view, obj)

    def has_add_permission(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> bool:
        return self._may(request, self.to_add, obj)

    def has_change_permission(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> bool:
        return self._may(request, self.to_change, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> bool:
        return self._may(request, self.to_delete, obj)

    def _may(
        self,
        request: HttpRequest,
        permission: Permission | None,
        obj: models.Model | None,
    ) -> bool:
        if permission is None:
            return False
        return may(request, permission, self._business_id(obj))

    def _business_id(self, obj: models.Model | None) -> int | None:
        if obj is None or self.business_path is None:
            return None
        path = self.business_path.replace("__", ".")
        found: int = attrgetter(path if path == "pk" else f"{path}_id")(obj)
        return found

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        own = businesses_for(request, self.to_change or self.to_view)
        target = db_field.related_model
        if target is Business:
            kwargs.setdefault("queryset", own)
        elif any(field.name == "business" for field in target._meta.fields):
            rows: Any = target._meta.default_manager
            of_own = rows.filter(business__in=own)
            kwargs.setdefault("queryset", of_own)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class BackOfficeAdmin(OfBusiness, ModelAdmin):
    """
    Base of all our pages: what is not one's own is not found, and what a service
    refuses comes back on the form, with all that was typed and the reason.
    """

    show_full_result_count = False
    paginator = Bounded
    list_per_page = 50
    list_filter_sheet = False
    compressed_fields = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_action_choices(
        self,
        request: HttpRequest,
        default_choices: list[tuple[str, str]] | None = None,
        action_location: ActionLocation = ActionLocation.CHANGE_LIST,
    ) -> Any:
        # Unfold's does not know where Django 6.1 asks for them.
        nothing = [("", "Select action")]
        return super(ModelAdmin, self).get_action_choices(
            request, nothing, action_location
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """
        :raises PermissionDenied: to those who may see no row of this kind
        :raises Http404: if there is no such row among those they may see
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def get_writable(self, request: HttpRequest, object_id: str) -> Any:
        """
        :raises PermissionDenied: to those who may not write the books that it is in
        :raises Http404: if there is no such row among those they may see
        """
        found = self.get_object(request, object_id)
        if not self.may_write(request, found):
            raise PermissionDenied
        return found

    def may_write(self, request: HttpRequest, obj: models.Model) -> bool:
        return self._may(request, Permission.WRITE_BOOKS, obj)

    def offered(self, request: HttpRequest, obj: Any) -> Collection[str]:
        """Which buttons of `actions_detail` a row's page has, for whoever asks."""
        names: Collection[str] = self.actions_detail
        return names

    def called(self, obj: Any, button: str) -> str | None:
        """What a button is called on a row's page, if not as usual."""
        return None

    def get_actions_detail(
        self, request: HttpRequest, object_id: int | str
    ) -> list[UnfoldAction]:
        buttons = super().get_actions_detail(request, object_id)
        if not buttons:
            return []
        found = self.get_object(request, str(object_id))
        offered = self.offered(request, found)
        for each in buttons:
            each.description = self.called(found, each.path) or each.description
        return [each for each in buttons if each.path in offered]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        again = extra_context and extra_context.copy()
        response: HttpResponse
        try:
            response = super().changeform_view(
                request, object_id, form_url, extra_context
            )
        except (Refusal, ValidationError) as error:
            # Rolled back. The same input once more, now with the refusal on the form.
            vars(request)["refusal"] = error
            response = super().changeform_view(request, object_id, form_url, again)
        return response

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response: HttpResponse
        try:
            response = super().delete_view(request, object_id, extra_context)
        except Refusal as error:
            messages.error(request, str(error))
            response = redirect(self.page_of(object_id))
        return response

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        # Not by Django's page, which leads to any row of any table, drafts among them.
        address = getattr(obj, "get_absolute_url", None)
        return address() if address else None

    def page_of(self, object_id: object) -> str:
        opts = self.model._meta
        return reverse(
            f"admin:{opts.app_label}_{opts.model_name}_change", args=[object_id]
        )

    def get_form(
        self,
        request: HttpRequest,
        obj: models.Model | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        error = refusal(request)
        return form if error is None else _refused(form, error)

    def ask(
        self,
        request: HttpRequest,
        obj: models.Model,
        *,
        title: str,
        consequence: str,
        act: Callable[[], str],
        form: Form | None = None,
        done: Callable[[], str] | None = None,
        show: Callable[[], HttpResponse] | None = None,
    ) -> HttpResponse:
        """
        A page that says what will happen; only its button, a POST, does it: once, and
        while that is still so.

        :param act: does it, in one transaction, and returns the sentence that says what
            was done; nothing for the network, which waits for the commit
        :param form: what must be known first; `act` is called once it is valid
        :param done: the address to go to afterwards, if not back to the row
        :param show: the page to answer with instead, for what no cookie may carry there
        """
        page = self.page_of(obj.pk)
        key = request.POST.get(confirming.KEY) or str(uuid4())
        says = confirming.mark(title, consequence)
        if request.method == "POST" and (form is None or form.is_valid()):
            try:
                sentence, address = confirming.once(
                    request, key, says, lambda: (act(), done() if done else page)
                )
                messages.success(request, sentence)
                return show() if show else redirect(address)
            except (Refusal, ValidationError) as error:
                if form is None or isinstance(error, StillRunning):
                    messages.error(request, " ".join(_sentences(error)))
                    return redirect(page)
                if isinstance(error, KeyReused):
                    key, error = str(uuid4()), Refusal(confirming.SENT_BEFORE)
                show_refusal(form, error)
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.model._meta,
            "object": obj,
            "key": key,
            "says": says,
            "consequence": consequence,
            "form": form,
            "back": page,
        }
        return TemplateResponse(request, "admin/confirm.html", context)


class OperatorAdmin(BackOfficeAdmin):
    """Rows that belong to no business: operators look at them, services write them."""

    business_path = None
    may_delete: ClassVar[bool] = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_operator(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_delete and is_operator(request)


def refusal(request: HttpRequest) -> Refusal | ValidationError | None:
    """What a service refused of this very request, once it has."""
    return vars(request).get("refusal")


def show_refusal(form: BaseForm, error: Refusal | ValidationError) -> None:
    """Say what a service refused at the field that it is about, or above all of them."""
    for field, sentences in refused_fields(error).items():
        form.add_error(field if field in form.fields else None, sentences)


def _sentences(error: Refusal | ValidationError) -> list[str]:
    return [each for found in refused_fields(error).values() for each in found]


def _refused(form: type[BaseForm], error: Refusal | ValidationError) -> type[BaseForm]:
    class Refused(form):  # type: ignore[misc, valid-type] # known when it runs
        def clean(self) -> Any:
            cleaned = super().clean()
            for field, sentences in refused_fields(error).items():
                # What is about a row below is said there.
                if "." not in field:
                    known = field if field in self.fields else None
                    self.add_error(known, sentences)
            return cleaned

    return Refused


def refused_fields(error: Refusal | ValidationError) -> dict[str, list[str]]:
    """The sentences of a refusal by the name of the field they are about."""
    if isinstance(error, Refusal):
        return {NON_FIELD_ERRORS: [str(error)]}
    if hasattr(error, "error_dict"):
        return error.message_dict
    return {NON_FIELD_ERRORS: error.messages}
