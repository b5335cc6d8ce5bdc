"""What an Idempotency-Key is, whose it is, and what an answer is kept as."""

import hashlib
import json
import re
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.utils.datastructures import MultiValueDict
from rest_framework.request import Request

from accounts.api.throttles import address_of
from accounts.exceptions import InvalidKey
from accounts.http import person

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
LONGEST: Final = 255
# Of what ASCII can print. In quotation marks, as the draft of the IETF wants it, or bare,
# as most write it; with what that draft allows inside of them.
_QUOTED: Final = re.compile(r'"(?:[ !#-\[\]-~]|\\["\\])*"')
_BARE: Final = re.compile(r"[!#-~][ -~]*")


def key_of(request: Request) -> str:
    """:raises InvalidKey: if it is none that one could find again"""
    written = request.headers[HEADER].strip()
    if _QUOTED.fullmatch(written):
        key = re.sub(r"\\(.)", r"\1", written[1:-1])
    elif _BARE.fullmatch(written):
        key = written
    else:
        key = ""
    if not 1 <= len(key) <= LONGEST:
        raise InvalidKey(
            f"Idempotency-Key has 1 to {LONGEST} letters, digits and signs of ASCII; "
            "make up a UUID for each thing that you want done."
        )
    return key


def caller_of(request: HttpRequest) -> str:
    """The person; the address, of whom nobody knows more."""
    if request.user.is_authenticated:
        # Not by number: after a restore of the database somebody else may have it.
        return f"user:{person(request).public_id}"
    return f"address:{address_of(request)}"


def wish_of(request: Request) -> bytes:
    """
    All that is asked for, alike for whoever asks for the same: a form's boundary, or the
    order of names in JSON, is nothing that one asks for.
    """
    data = request.data
    if isinstance(data, MultiValueDict):
        data = {name: [_part(part) for part in parts] for name, parts in data.lists()}
    wish = [request.method, request.get_full_path(), data]
    return json.dumps(wish, sort_keys=True).encode()


def _part(part: Any) -> Any:
    if not isinstance(part, UploadedFile):
        return part
    digest = hashlib.sha256()
    for chunk in part.chunks():
        digest.update(chunk)
    part.seek(0)
    return [part.name, part.content_type, digest.hexdigest()]


def packed(response: HttpResponse) -> bytes:
    head = json.dumps([response.status_code, dict(response.items())])
    return head.encode() + b"\n" + response.content


def replayed(answer: bytes) -> HttpResponse:
    head, _, body = answer.partition(b"\n")
    status, headers = json.loads(head)
    response = HttpResponse(body, status=status)
    # Django's own guess; an answer without a body has none.
    del response["Content-Type"]
    for name, value in (headers | {REPLAYED: "true"}).items():
        response[name] = value
    return response
