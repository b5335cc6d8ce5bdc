"""Static files, which wait until somebody asks for one."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):
    """
    WhiteNoise, whose table of files is made by the first request for one.

    Making it looks at every file and its address, an eighth of what a cold start does.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.unread: list[tuple[str, str | None]] = []
        super().__init__(get_response)

    def add_files(self, root: str, prefix: str | None = None) -> None:
        self.unread.append((root, prefix))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if self.unread and request.path_info.startswith(self.static_prefix):
            for root, prefix in self.unread:
                super().add_files(root, prefix)
            self.unread = []
        response: HttpResponseBase = super().__call__(request)
        return response
