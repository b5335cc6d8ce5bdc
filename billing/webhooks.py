"""Where Stripe reports. It repeats whatever is not answered with 200, for three days."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.exceptions import InvalidSignature
from billing.gateway.client import is_live
from billing.gateway.webhooks import parse_event
from billing.services import events

logger = logging.getLogger(__name__)


# Stripe has no account and no cookie: it signs what it sends.
@login_not_required
@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """
    400 for what Stripe did not send to this stage; nothing is written then. 200 once the
    event is acted on or known to be of no concern. Whatever else goes wrong is a 500.
    """
    now = timezone.now()
    header = request.headers.get("Stripe-Signature", "")
    try:
        event = parse_event(request.body, header, now=now)
    except InvalidSignature as error:
        logger.warning("A webhook was refused: %s", error)
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    if event.livemode != is_live():
        logger.critical("Event %s is of the other mode of Stripe", event.id)
        return HttpResponseBadRequest(
            "Live and test do not mix.", content_type="text/plain"
        )
    events.receive_event(event=event, now=now)
    return HttpResponse("ok", content_type="text/plain")
