"""Sealing what is kept for one person, so that only their own key opens it."""

import os
from typing import Final

from django.conf import settings
from django.utils.crypto import salted_hmac

_NONCE: Final = 12


class Unreadable(Exception):
    """Sealed under another key, or under a secret of the site that is gone."""


def seal(plain: bytes, *, key: str) -> bytes:
    """Encrypted, and protected from changes. The site's secret is needed as well."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_derived(key, settings.SECRET_KEY)).encrypt(
        nonce, plain, None
    )


def unseal(sealed: bytes, *, key: str) -> bytes:
    """:raises Unreadable: if no secret that the site knows fits this key"""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, rest = sealed[:_NONCE], sealed[_NONCE:]
    for secret in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        try:
            return AESGCM(_derived(key, secret)).decrypt(nonce, rest, None)
        except InvalidTag:
            continue
    raise Unreadable


def _derived(key: str, secret: str) -> bytes:
    return salted_hmac(__name__, key, secret=secret, algorithm="sha256").digest()
