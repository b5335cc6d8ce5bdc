"""What can be refused, and what about people and businesses is."""

from typing import ClassVar


class Refusal(Exception):
    """
    Base of everything the domain refuses. Its message is a sentence for the person who
    asked: what is wrong, and how to mend it. `code` is stable and part of the API.
    """

    code: ClassVar[str] = "refused"
    # Whether the same may be granted a moment, or a day, later: nobody keeps this answer.
    passes: ClassVar[bool] = False


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
    passes = True


class TooManyTokens(Refusal):
    """The person has as many as one may."""

    code = "too_many_tokens"


class InvalidKey(InvalidInput):
    """No Idempotency-Key, whatever else it is."""

    code = "invalid_idempotency_key"


class StillRunning(Refusal):
    """The first request under this Idempotency-Key has not been answered yet."""

    code = "idempotency_key_in_use"
    passes = True


class KeyReused(Refusal):
    """This Idempotency-Key stands for something else."""

    code = "idempotency_key_reused"


class AnswerLost(Refusal):
    """It was done under this Idempotency-Key; what was answered is gone."""

    code = "idempotency_answer_lost"


class DestinationRefused(InvalidInput):
    """Nothing may be sent there: it is no public address, or none at all."""

    code = "destination_refused"
    passes = True


class NotReached(Refusal):
    """Whoever listens at an endpoint gave no answer."""

    code = "not_reached"


class UnknownEventType(InvalidInput):
    """Nothing that happens fits what an endpoint is to listen for."""

    code = "unknown_event_type"


class TooManyEndpoints(Refusal):
    """The business has as many as it may."""

    code = "too_many_endpoints"
    passes = True


class EndpointGone(Refusal):
    """Somebody deleted the endpoint meanwhile."""

    code = "endpoint_gone"


class EndpointOff(Refusal):
    """Nothing is sent to an endpoint that is off."""

    code = "endpoint_off"
    passes = True


class BeingSent(Refusal):
    """Somebody is sending this delivery at this moment."""

    code = "being_sent"
    passes = True
