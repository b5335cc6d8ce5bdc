"""
What the API's description says about a view, beside the view.

The decorators of drf-spectacular do the same, and load all of it at once: as long as a
cold start takes to load the rest of the API. These remember; `apply` does the work, for
whoever asks for the description.
"""

from collections.abc import Callable, Mapping
from typing import Any

from drf_spectacular import utils

_waiting: list[Callable[[], object]] = []


def extend_schema[View: Callable[..., Any]](**words: Any) -> Callable[[View], View]:
    """As that of drf-spectacular."""

    def remember(view: View) -> View:
        _waiting.append(lambda: utils.extend_schema(**words)(view))
        return view

    return remember


def extend_schema_view[View: Callable[..., Any]](
    **methods: Mapping[str, Any],
) -> Callable[[View], View]:
    """As that of drf-spectacular, with what `extend_schema` takes for each method."""

    def remember(view: View) -> View:
        _waiting.append(
            lambda: utils.extend_schema_view(
                **{name: utils.extend_schema(**said) for name, said in methods.items()}
            )(view)
        )
        return view

    return remember


def apply() -> None:
    """Give the views their descriptions. Doing it twice is doing it once."""
    while _waiting:
        _waiting.pop(0)()
