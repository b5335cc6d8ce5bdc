"""Keys to the API."""

from datetime import datetime
from typing import Final

from django.db import transaction
from knox.models import get_digest_token
from knox.settings import CONSTANTS, knox_settings

from accounts.exceptions import TooManyTokens
from accounts.models import ApiToken, User
from accounts.services.events import record_event

# knox looks through all of a person's tokens at every request.
TOKENS_EACH: Final = 20


@transaction.atomic
def create_token(*, user: User, name: str, now: datetime) -> tuple[ApiToken, str]:
    """
    Make a token, and the key that nobody can show again.

    :raises TooManyTokens: if the user has `TOKENS_EACH` that still hold
    """
    # Two at once take turns, or both would be the last that fits.
    user = User.objects.select_for_update().get(pk=user.pk)
    if ApiToken.objects.live(now).filter(user=user).count() >= TOKENS_EACH:
        raise TooManyTokens(
            f"You have {TOKENS_EACH} tokens; revoke one that is no longer used."
        )
    digest, key = get_digest_token()
    token = ApiToken.objects.create(
        user=user,
        name=name,
        digest=digest,
        token_key=key[: CONSTANTS.TOKEN_KEY_LENGTH],
        expiry=now + knox_settings.TOKEN_TTL,
    )
    record_event(
        type="token.created",
        subject=token,
        business=None,
        actor=user,
        now=now,
        data={"name": name, "prefix": token.token_key},
    )
    return token, key


@transaction.atomic
def revoke_token(*, token: ApiToken, actor: User, now: datetime) -> None:
    """What uses it is refused from now on. Revoking twice is revoking once."""
    deleted, _ = ApiToken.objects.filter(pk=token.pk).delete()
    if not deleted:
        return
    record_event(
        type="token.revoked",
        subject=token,
        business=None,
        actor=actor,
        now=now,
        data={"name": token.name, "prefix": token.token_key},
    )
