"""
Settings, in the order of Django's own documentation.

What differs between a laptop, the tests and a stage is told by config/environment.py.
"""

from datetime import timedelta
from typing import Any

from corsheaders.defaults import default_headers
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.csp import CSP

from config.environment import (
    BASE_DIR,
    IS_DEPLOYED,
    VAR_DIR,
    database,
    env,
    mailer,
    site,
    stage_needs,
    storage,
)
from config.environment import STAGE as STAGE

# Core

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = stage_needs("SECRET_KEY", on_a_laptop="harmless-on-a-laptop" * 3)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=[] if IS_DEPLOYED else ["localhost", "127.0.0.1", "[::1]"],
)
# What links in mail and at Stripe begin with; and what `reverse` puts before every path.
SITE_URL, FORCE_SCRIPT_NAME = site()
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

# allauth's conditional uniques, which MySQL lacks; allauth itself checks them as well.
# Ours have none: tests/test_architecture.py.
SILENCED_SYSTEM_CHECKS = ["models.W036"]

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "accounts",
    "blog",
    "invoices",
    "billing",
    "config.apps.UnfoldConfig",
    "unfold.contrib.filters",
    "config.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_tasks_db",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "corsheaders",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "config.static.StaticFiles",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Cache: counters of throttles and rate limits must be the same for every environment of
# a stage, and a stage has nothing shared but its database.

CACHES = {
    "default": env.cache(
        "CACHE_URL", default="dbcache://cache" if IS_DEPLOYED else "locmemcache://"
    )
}

# Database

DATABASES = {"default": database()}

# Mail

MAILERS = {"default": mailer()}
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="PayMyInvoice <pay@localhost>")
# Anyone may sign up, and an invoice is mail to anyone.
MAIL_PER_BUSINESS_A_DAY = env.int("MAIL_PER_BUSINESS_A_DAY", default=500)

# Forms and uploads: API Gateway carries 10 MB, Lambda 6.

DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

# Language and time

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["config.formats"]

# Logs

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"without_links": {"()": "config.logs.WithoutLinks"}},
    "formatters": {
        "text": {"format": "{message}", "style": "{"},
        "json": {"()": "config.logs.JsonLines"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "text"},
        # Instead of the runtime's own handler, which is no longer there then.
        "lambda": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "stream": "ext://sys.stdout",
        },
    },
    "loggers": {
        # It names the path of what was refused, and a path can be a secret.
        "django.request": {"filters": ["without_links"]},
    },
    "root": {
        "handlers": ["lambda" if IS_DEPLOYED else "console"],
        "level": env("LOG_LEVEL", default="INFO"),
    },
}

# Security

SECURE_CSP: dict[str, list[str]] = {
    "default-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "base-uri": [CSP.NONE],
    "object-src": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    # The pay button posts here and is redirected to Stripe's page.
    "form-action": [CSP.SELF, "https://checkout.stripe.com"],
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_DEPLOYED
SECURE_HSTS_SECONDS = 31_536_000 if IS_DEPLOYED else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_DEPLOYED
# API Gateway speaks nothing but TLS, and config/gateway.py says so.
SECURE_SSL_REDIRECT = IS_DEPLOYED
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key"]
CORS_EXPOSE_HEADERS = ["Idempotent-Replayed", "Retry-After"]

# Static files and media

STATIC_URL = f"{FORCE_SCRIPT_NAME}/static/"
STATIC_ROOT = BASE_DIR / "build" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = not IS_DEPLOYED
MEDIA_URL = f"{FORCE_SCRIPT_NAME}/media/"
MEDIA_ROOT = VAR_DIR / "media"
MEDIA_BUCKET = stage_needs("MEDIA_BUCKET", on_a_laptop="")
if MEDIA_BUCKET:
    SECURE_CSP["img-src"].append(f"https://{MEDIA_BUCKET}.s3.amazonaws.com")

STORAGES = {
    "default": storage("media", MEDIA_BUCKET),
    # Finalized invoices: handed out by views that know who may have them.
    "documents": storage("documents", MEDIA_BUCKET),
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if IS_DEPLOYED
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}

# Tasks: a row written in the transaction that causes it. A laptop has a worker for them.

TASKS = {
    "default": {
        "BACKEND": (
            "config.tasks.TriedAtOnce"
            if IS_DEPLOYED
            else "django_tasks_db.DatabaseBackend"
        )
    }
}

# Webhooks that we send: on a laptop, whoever listens is there as well.

WEBHOOKS_TO_LOOPBACK = not IS_DEPLOYED

# Events of Lambda

# Functions of config.schedules by the name of the queue whose messages they take.
SQS_FUNCTIONS = env.dict("SQS_FUNCTIONS", default={})
# A database that sleeps when nobody asks would never sleep.
KEEP_WARM_DATABASE = env.bool("KEEP_WARM_DATABASE", default=False)

# Accounts

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "accounts:home"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignupDetailsForm"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = SITE_URL.partition(":")[0]
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "PayMyInvoice"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_DEPLOYED

# The back office

UNFOLD = {
    "SITE_TITLE": "PayMyInvoice",
    "SITE_HEADER": "PayMyInvoice",
    "SITE_SUBHEADER": "Back office",
    "SITE_SYMBOL": "receipt_long",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("favicon.svg"),
        }
    ],
    "STYLES": [lambda request: static("css/back-office.css")],
    "SHOW_HISTORY": False,
    "DASHBOARD_CALLBACK": "config.dashboard.overview",
    "SIDEBAR": {"navigation": "config.admin.navigation"},
    "ACCOUNT": {
        "navigation": [{"title": "Account", "link": reverse_lazy("accounts:home")}]
    },
    "COLORS": {
        # The site's green, static/css/site.css.
        "primary": {
            "50": "oklch(97.5% .012 160)",
            "100": "oklch(94.5% .03 162)",
            "200": "oklch(89.5% .055 163)",
            "300": "oklch(84% .09 164)",
            "400": "oklch(79% .12 164)",
            "500": "oklch(74% .13 164)",
            "600": "oklch(43% .092 166)",
            "700": "oklch(37% .08 167)",
            "800": "oklch(32% .068 168)",
            "900": "oklch(28% .056 170)",
            "950": "oklch(22% .04 172)",
        }
    },
}

# API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["config.parsers.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "config.api.NewestFirst",
    # `config.description` puts drf-spectacular's here once somebody asks for that.
    "DEFAULT_SCHEMA_CLASS": "rest_framework.schemas.inspectors.ViewInspector",
    "DEFAULT_THROTTLE_CLASSES": [
        "accounts.api.throttles.AnonymousThrottle",
        "accounts.api.throttles.UserThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env("API_RATE_ANONYMOUS", default="60/min"),
        "user": env("API_RATE_USER", default="600/min"),
    },
    "EXCEPTION_HANDLER": "config.api.problem",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "NUM_PROXIES": 0,
}
KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105 - a model
REST_KNOX = {"TOKEN_TTL": timedelta(days=365), "TOKEN_PREFIX": "pmi_"}
SPECTACULAR_SETTINGS = {
    "PREPROCESSING_HOOKS": ["config.description.describe"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.description.complete",
    ],
    "TITLE": "PayMyInvoice API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVERS": [{"url": FORCE_SCRIPT_NAME}] if FORCE_SCRIPT_NAME else [],
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    # Several things have a status; the schema names each.
    "ENUM_NAME_OVERRIDES": {
        "CommentStatus": "blog.states.CommentStatus",
        "InvoiceStatus": "invoices.states.InvoiceStatus",
        "ManualPaymentMethod": "invoices.models.ManualPayment.Method",
        "PaymentProblem": "billing.models.Payment.Problem",
        "PaymentStatus": "billing.models.Payment.Status",
        "PostStatus": "blog.states.PostStatus",
        "RefundStatus": "billing.states.RefundStatus",
        "TaxCategory": "invoices.models.TaxCategory",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# Billing

STRIPE_API_KEY = stage_needs("STRIPE_API_KEY", on_a_laptop="sk_test_laptop")
# Several while one is rolled: a signature by any of them counts.
STRIPE_WEBHOOK_SECRETS = env.list(
    "STRIPE_WEBHOOK_SECRETS", default=[] if IS_DEPLOYED else ["whsec_laptop"]
)
# The local stand-in for Stripe; empty means Stripe itself.
STRIPE_API_BASE: str = env("STRIPE_API_BASE", default="")
if STRIPE_API_BASE:
    SECURE_CSP["form-action"].append(STRIPE_API_BASE)
