"""Django looks for an app's models here; each kind has a module of its own."""

from accounts.models.answers import IdempotencyRecord as IdempotencyRecord
from accounts.models.businesses import Business as Business
from accounts.models.businesses import BusinessQuerySet as BusinessQuerySet
from accounts.models.businesses import Invitation as Invitation
from accounts.models.businesses import Membership as Membership
from accounts.models.businesses import TaxRounding as TaxRounding
from accounts.models.businesses import check_currency as check_currency
from accounts.models.businesses import check_time_zone as check_time_zone
from accounts.models.editions import Edition as Edition
from accounts.models.events import Event as Event
from accounts.models.people import ApiToken as ApiToken
from accounts.models.people import User as User
from accounts.models.people import UserManager as UserManager
from accounts.models.people import check_not_reserved as check_not_reserved
from accounts.models.webhooks import WebhookDelivery as WebhookDelivery
from accounts.models.webhooks import WebhookEndpoint as WebhookEndpoint
