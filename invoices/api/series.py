"""The API over how documents are numbered."""

from typing import Any, Final
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.schema import extend_schema, extend_schema_view
from accounts.api.viewsets import GenericViewSet
from accounts.http import person
from accounts.models import Business
from invoices.api.permissions import WritesBooks
from invoices.models import Counter, Series
from invoices.services import numbering

_KINDS: Final = {kind.value.replace("_", "-"): kind for kind in Series.Kind}


class SeriesSerializer(serializers.ModelSerializer[Series]):
    """
    How a business numbers its invoices or its credit notes. `id` is that of the business
    with the kind behind it. `next_number` is that of a document of today.
    """

    id = serializers.SerializerMethodField()
    business = serializers.UUIDField(source="business.public_id", read_only=True)
    next_value = serializers.SerializerMethodField()
    next_number = serializers.SerializerMethodField()

    class Meta:
        model = Series
        fields = [
            *("id", "business", "kind", "prefix", "pattern", "resets_yearly"),
            *("next_value", "next_number"),
        ]
        read_only_fields = ["kind"]

    def get_id(self, series: Series) -> str:
        return f"{series.business.public_id}-{series.kind.replace('_', '-')}"

    def get_next_value(self, series: Series) -> int:
        year = self._year(series) if series.resets_yearly else 0
        counters = Counter.objects.filter(series=series.pk, year=year)
        return counters.values_list("next_value", flat=True).first() or 1

    def get_next_number(self, series: Series) -> str:
        return series.number(self._year(series), self.get_next_value(series))

    def _year(self, series: Series) -> int:
        return series.business.today(timezone.now()).year


class RaiseSerializer(serializers.Serializer[Any]):
    next_value = serializers.IntegerField(help_text="Above the one it is now.")
    year = serializers.IntegerField(
        required=False,
        min_value=2000,
        max_value=2099,
        help_text="Where numbers begin anew yearly; left out, this year.",
    )


@extend_schema_view(
    list={"summary": "List the series of your businesses"},
    retrieve={"summary": "Read a series"},
    partial_update={
        "summary": "Number what comes by other rules",
        "description": "Numbers that were given stay, and none of them may come again.",
    },
)
class SeriesViewSet(GenericViewSet[Series]):
    """How documents are numbered. A series is there from the start, and is not deleted."""

    queryset = Series.objects.none()
    permission_classes = [IsAuthenticated, WritesBooks]
    serializer_class = SeriesSerializer
    pagination_class = None
    filter_backends = ()
    lookup_value_regex = r"[0-9a-f-]{36}-[a-z-]+"
    lookup_url_kwarg = "id"

    def list(self, request: Request) -> Response:
        own = Business.objects.for_user(person(request)).order_by("-pk")
        rows = [
            numbering.series_of(business, kind)
            for business in own
            for kind in Series.Kind
        ]
        return Response(self.get_serializer(rows, many=True).data)

    def retrieve(self, request: Request, id: str) -> Response:
        return self._shown(self.get_object())

    def partial_update(self, request: Request, id: str) -> Response:
        series = self.get_object()
        serializer = self.get_serializer(series, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changed = numbering.change_series(
            business=series.business,
            kind=Series.Kind(series.kind),
            fields=serializer.validated_data,
            actor=person(request),
            now=timezone.now(),
        )
        return self._shown(changed)

    @extend_schema(
        summary="Raise the next number",
        request=RaiseSerializer,
        responses=SeriesSerializer,
    )
    @action(detail=True, methods=["post"], url_path="raise")
    def raise_(self, request: Request, id: str) -> Response:
        """Numbers in between stay out, which is written down. It is never lowered."""
        series = self.get_object()
        serializer = RaiseSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        fields = serializer.validated_data
        now = timezone.now()
        today = series.business.today(now)
        numbering.raise_next_number(
            business=series.business,
            kind=Series.Kind(series.kind),
            next_value=fields["next_value"],
            day=today.replace(day=1, year=fields.get("year", today.year)),
            actor=person(request),
            now=now,
        )
        return self._shown(self.get_object())

    def get_object(self) -> Series:
        """:raises Http404: if it is of no business whose books the person may see"""
        public_id, kind = self.kwargs["id"][:36], self.kwargs["id"][37:]
        own = Business.objects.for_user(person(self.request))
        business = own.filter(public_id=_uuid(public_id)).first()
        if business is None or kind not in _KINDS:
            raise Http404
        series = numbering.series_of(business, _KINDS[kind])
        self.check_object_permissions(self.request, series)
        return series

    def _shown(self, series: Series) -> Response:
        return Response(self.get_serializer(series).data)


def _uuid(text: str) -> UUID:
    """:raises Http404: if it is none"""
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
