"""
What every view set of the API stands on: its POSTs honour Idempotency-Key.

A test finds each POST that stands on another.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.http import HttpResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import idempotency
from accounts.exceptions import InvalidInput, Refusal
from accounts.services import repeating


class OncePerKey(viewsets.ViewSetMixin):
    """
    A POST with an Idempotency-Key is done once; asked for again, it is answered again.

    Who may not, asks too often or cannot be understood is told so each time. So is who
    types something wrong. What is refused for another reason stays refused under a key.
    """

    prepared: Any

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc] # of the view beside it
        post = vars(self).get("post")
        if not post or request.method != "POST":
            return
        if idempotency.HEADER in request.headers:
            post = partial(self._once, post)
        vars(self)["post"] = partial(self._prepared, post)

    def prepare(self, request: Request) -> AbstractContextManager[Any]:
        """
        Around a POST, before a key's transaction opens and until it has ended: here a
        view asks whatever is a network, and finds it as `prepared`. Who may not gets none
        of it, and what else is wrong is for the method to say.
        """
        return nullcontext()

    def _prepared(
        self, post: Callable[..., Any], request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        with self.prepare(request) as self.prepared:
            response: HttpResponse = post(request, *args, **kwargs)
        return response

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Any:
        view: Any = super()
        shown = view.finalize_response(request, response, *args, **kwargs)
        if request.user.is_authenticated:
            # Nobody on the way keeps it, and no browser for whoever comes after.
            patch_cache_control(shown, private=True, no_store=True)
        return shown

    def _once(
        self, post: Callable[..., Any], request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        answers: list[HttpResponse] = []

        def work() -> bytes:
            response = self._answer(post, request, *args, **kwargs)
            answers.append(response)
            return idempotency.packed(response)

        kept = repeating.do_once(
            caller=idempotency.caller_of(request),
            key=idempotency.key_of(request),
            wish=idempotency.wish_of(request),
            now=timezone.now(),
            work=work,
        )
        return answers[0] if kept is None else idempotency.replayed(kept)

    def _answer(
        self, post: Callable[..., Any], request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        view: Any = self
        try:
            with transaction.atomic():
                response = post(request, *args, **kwargs)
        except Refusal as error:
            if error.passes or isinstance(error, InvalidInput):
                raise
            response = view.handle_exception(error)
        response = view.finalize_response(request, response, *args, **kwargs)
        # Written out here, so that what cannot be is not done either.
        whole: HttpResponse = (
            response.render() if isinstance(response, Response) else response
        )
        return whole


class GenericViewSet[Row: Model](OncePerKey, viewsets.GenericViewSet[Row]):
    pass


class ReadOnlyModelViewSet[Row: Model](OncePerKey, viewsets.ReadOnlyModelViewSet[Row]):
    """Its own reads, and what POSTs a view adds."""


class ModelViewSet[Row: Model](OncePerKey, viewsets.ModelViewSet[Row]):
    pass
