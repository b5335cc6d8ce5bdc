"""Pages of a list that also says how long it is."""

from typing import Any

from rest_framework.response import Response
from rest_framework.settings import api_settings

# The composition root decides how the API pages; this only adds to it.
Usual: Any = api_settings.DEFAULT_PAGINATION_CLASS


class Counted(Usual):
    """The API's usual pages, with the number of all rows as `count`."""

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        self.count = queryset.count()
        return super().paginate_queryset(queryset, request, view)

    def get_paginated_response(self, data: Any) -> Response:
        response: Response = super().get_paginated_response(data)
        response.data = {"count": self.count, **response.data}
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        page["properties"] = {
            "count": {"type": "integer", "example": 123},
            **page["properties"],
        }
        page["required"] = ["count", *page.get("required", [])]
        return page
