"""What can be refused, and what about people and businesses is."""

from typing import ClassVar


class Refusal(Exception):
    """
    Base of everything the domain refuses. Its message is a sentence for the person who
    asked: what is wrong, and how to mend it. `code` is stable and part of the API.
    """

    code: ClassVar[str] = "refused"


class InvalidInput(Refusal):
    """The request itself is wrong, whatever the state of the books."""

    code = "invalid"


class InvalidInvitation(Refusal):
    """The invitation is unknown, expired, used, or meant for another address."""

    code = "invalid_invitation"


class AlreadyMember(Refusal):
    """Whoever is invited is a member already."""

    code = "already_member"


class EmailTaken(Refusal):
    """Another account has this address."""

    code = "email_taken"


class LastOwner(Refusal):
    """A business without an owner could not be managed by anyone."""

    code = "last_owner"


class NotAMember(Refusal):
    """Somebody removed the member meanwhile."""

    code = "not_a_member"


class TooManyInvitations(Refusal):
    """The business, or the person, sent as many today as one may."""

    code = "too_many_invitations"


class TooManyTokens(Refusal):
    """The person has as many as one may."""

    code = "too_many_tokens"
