"""All settings, from the environment; docs/settings.md explains each variable, and a test keeps it complete."""

from __future__ import annotations

import logging
import tomllib
import zoneinfo
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from events.monitoring.logs import FORMATS, logging_settings
from rasax import env
from rasax.identity_providers import openid_connect, saml
from rasax.model_storage import model_storage

BASE_DIR = Path(__file__).resolve().parent.parent
RUN_DIR = Path(env.text("RASAX_RUN_DIR", str(BASE_DIR / ".run")))
VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]

DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text("SECRET_KEY", "only-for-debugging" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set; set it, or SECRET_KEY_FILE, to a long random text.")
# Old ones: they still verify and open, and sign and encrypt nothing (docs/settings.md).
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
# Encrypts what has to be read again, such as the tokens of Rasa servers; the first encrypts, all of them decrypt.
ENCRYPTION_KEYS = env.words("ENCRYPTION_KEYS")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

# How conversations arrive (docs/event-brokers.md)
EVENT_BROKER_URL = env.text("EVENT_BROKER_URL")
RASA_ENDPOINTS = env.text("RASA_ENDPOINTS")
EVENT_SERVICE_IN_WORKER = env.flag("EVENT_SERVICE_IN_WORKER", default=True)
CANARY_SECONDS = env.whole("CANARY_SECONDS", 0)
EVENT_FOLLOWERS = ["rasax.chat.following.follow", "rasax.annotation.following.follow"]
FORGETTING_FOLLOWERS = ["rasax.annotation.forgetting.forget"]
CORRECTION_FOLLOWERS = ["rasax.annotation.corrections.follow"]
RETENTION_BY_MONTH = env.flag("RETENTION_BY_MONTH")
SECOND_OPINION = env.flag("SECOND_OPINION")

# Training data (docs/training-data.md)
TRAINING_FOLLOWERS = ["rasax.annotation.taught.follow"]
TRAINING_DATA = "rasax.training.projects.files"

# Rasa servers (docs/environments.md)
ALLOW_PRIVATE_ADDRESSES = env.flag("ALLOW_PRIVATE_ADDRESSES")
# Training and evaluation (docs/training.md)
RASAX_URL = env.text("RASAX_URL")
RASA_PROJECT = env.text("RASA_PROJECT")
TRAINING_TIMEOUT = env.whole("TRAINING_TIMEOUT", 7200)
SERVICE_TOKEN = env.text("SERVICE_TOKEN")
MODEL_SIZE_LIMIT = env.whole("MODEL_SIZE_LIMIT_MB", 800) * 2**20  # bytes

INSTALLED_APPS = [
    "channels",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "events",
    "trackers",
    "rasax.accounts",
    "rasax.conversations",
    "rasax.training",
    "rasax.deployment",
    "rasax.chat",
    "rasax.annotation",
]

MIDDLEWARE = [
    "rasax.observing.ObservingMiddleware",
    "rasax.accounts.signing.AddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "rasax.migrating.SchemaMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "rasax.accounts.sessions.SeenMiddleware",
    "rasax.accounts.passwords.MustChangePasswordMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "rasax.urls"
ASGI_APPLICATION = "rasax.asgi.application"
WSGI_APPLICATION = "rasax.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]


# A PostgreSQL that vanished without a word is given up within half a minute, where TCP alone takes up to two hours.
FAILS_IN_TIME = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
# Of a replica sooner: one can do without.
FAILS_SOON = {
    "connect_timeout": 2,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "tcp_user_timeout": 4_000,
}


def _database(url: str, name: str = "DATABASE_URL", fails: dict[str, int] = FAILS_IN_TIME) -> dict[str, Any]:
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(
            f"{name} is no database address; set it to postgresql://user:password@host:5432/name or sqlite:///path."
        ) from error
    if config["ENGINE"] == "django.db.backends.sqlite3":
        env.folder(Path(config["NAME"]).parent)
        # WAL with IMMEDIATE: four writers got 777 "database is locked" in 5 s with SQLite's defaults, none with these.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;",
        }
    else:
        config["OPTIONS"] = {**fails, **config.get("OPTIONS", {})}
    return config


# Of PostgreSQL itself, where DATABASE_URL leads through a pooler that gives out a session for each transaction.
DIRECT_DATABASE_URL = env.text("DIRECT_DATABASE_URL")
DIRECT_DATABASE = _database(DIRECT_DATABASE_URL, "DIRECT_DATABASE_URL") if DIRECT_DATABASE_URL else {}
DATABASES = {"default": _database(env.text("DATABASE_URL", f"sqlite:///{RUN_DIR / 'rasax.sqlite3'}"))}
# Lists, statistics and exports are read from it, where it is and keeps up (events/replica.py).
if REPLICA_URL := env.text("DATABASE_REPLICA_URL"):
    DATABASES["replica"] = _database(REPLICA_URL, "DATABASE_REPLICA_URL", FAILS_SOON)
    DATABASE_ROUTERS = ["events.replica.Router"]
if DIRECT_DATABASE_URL:
    for database in DATABASES.values():
        database["DISABLE_SERVER_SIDE_CURSORS"] = True
MIGRATION_HEALTH_PORT = env.whole("MIGRATION_HEALTH_PORT", 8000)
# Where processes that serve no pages tell how they are (docs/monitoring.md)
MONITORING_HOST = env.text("MONITORING_HOST", "0.0.0.0")  # noqa: S104 - a container's own network
MONITORING_PORT = env.whole("MONITORING_PORT", 0)
METRICS_TOKEN = env.text("METRICS_TOKEN")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL")
CACHES: dict[str, dict[str, Any]] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if REDIS_URL:
    from rasax.redis_cache import OPTIONS

    CACHES["default"] = {"BACKEND": "rasax.redis_cache.Cache", "LOCATION": REDIS_URL, "OPTIONS": OPTIONS}
    CHANNEL_LAYERS["default"] = {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # The event service tells over it what it has kept, and must not wait for a Redis that does not answer.
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_connect_timeout": 2, "socket_timeout": 10}],
            "capacity": 1000,
            "expiry": 10,
        },
    }

# Celery carries jobs, and its worker hosts the event service. Without a broker of its own it uses a folder.
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "filesystem://")
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Threads: jobs wait for servers and databases more than they compute, and a fork would copy the event service's thread.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# For `celery beat`. Jobs need none: each worker looks after them (rasax/accounts/sweeping.py).
CELERY_BEAT_SCHEDULER = "events.monitoring.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5  # seconds
CELERY_BEAT_SCHEDULE = {
    "clear sessions": {"task": "rasax.accounts.tasks.clear_sessions", "schedule": crontab("17", "3")},
    "renew event statistics": {
        "task": "rasax.accounts.tasks.renew_event_statistics",
        "schedule": crontab("47", "3"),
    },
}
if CELERY_BROKER_URL == "filesystem://":
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(RUN_DIR / "celery"),
        "data_folder_out": str(RUN_DIR / "celery"),
        "control_folder": str(RUN_DIR / "celery-control"),
        "polling_interval": 0.05,  # the default of a second makes 200 tasks take 9 s instead of 0.7
    }

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["rasax.accounts.backends.LockoutBackend", "rasax.accounts.backends.OneQueryBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
# How many proxies of ours stand before the web process: the address of who asks is the one that the first of them saw.
TRUSTED_PROXIES = int(env.one_of("TRUSTED_PROXIES", "0", [str(number) for number in range(10)]))

# Whoever guesses a password wrongly five times waits, by name and address (docs/decisions/0013-signing-in.md).
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "rasax.accounts.backends.name_for_lockout"
AXES_LOCKOUT_CALLABLE = "rasax.accounts.views.locked_out"
AXES_CLIENT_IP_CALLABLE = "rasax.accounts.signing.address_of"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # the audit log has it
AXES_SENSITIVE_PARAMETERS = ["username", "next"]  # a password in the wrong field; whom the page asks for
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# A second factor, and single sign-on: of allauth we use these two, and none of its pages.
ACCOUNT_ADAPTER = "rasax.accounts.single_sign_on.PersonAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "rasax.accounts.second_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
SOCIALACCOUNT_ADAPTER = "rasax.accounts.single_sign_on.IdentityAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": openid_connect(
        env.text("OIDC_URL"),
        env.text("OIDC_CLIENT_ID"),
        env.text("OIDC_CLIENT_SECRET"),
        env.text("OIDC_NAME", "OpenID"),
    ),
    "saml": saml(
        env.text("SAML_METADATA_URL"),
        env.text("SAML_METADATA"),
        env.text("SAML_ENTITY_ID"),
        env.text("SAML_NAME", "SAML"),
    ),
}
SSO_DEFAULT_ROLE = env.text("SSO_DEFAULT_ROLE")
SSO_ONLY = env.flag("SSO_ONLY")
if SSO_ONLY and not any(provider["APPS"] for provider in SOCIALACCOUNT_PROVIDERS.values()):
    raise ImproperlyConfigured("SSO_ONLY is set, but nobody could sign in; set OIDC_URL or SAML_METADATA_URL, too.")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # each is whole (tests/test_translations.py)
LOCALE_PATHS = [BASE_DIR / "rasax" / "locale"]
FORMAT_MODULE_PATH = "rasax.formats"
TIME_ZONE = env.one_of("TIME_ZONE", "UTC", zoneinfo.available_timezones())
USE_I18N = True
USE_TZ = True

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "models": model_storage(env.text("MODEL_STORAGE_URL", (RUN_DIR.resolve() / "models").as_uri())),
}
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = RUN_DIR / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# Cookies are marked secure, and HTTPS is kept to, where the site is reached by it.
HTTPS = env.flag("HTTPS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# The HTTP API (docs/api.md)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rasax.accounts.api.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "SCHEMA_COERCE_PATH_PK": False,
    "EXCEPTION_HANDLER": "rasax.accounts.api.errors.answer",
    # Escapes instead of UTF-8: what people said may hold half a surrogate pair, which UTF-8 cannot carry.
    "UNICODE_JSON": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "rasax",
    "DESCRIPTION": "Conversations with Rasa assistants: read, search, tag, flag, review and correct them.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "JobStateEnum": "rasax.accounts.jobs.Job.State",
        "LogStateEnum": "rasax.annotation.inbox.InboxMessage.State",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "rasax.accounts.api.document.refuse_unknown_fields",
        "rasax.accounts.api.document.an_empty_text_is_a_text",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": False},  # it puts a link into each button, which WCAG 4.1.2 forbids
}
# By the minute: a person's, everybody's of one address who is not signed in, and attempts to sign in from one address.
API_REQUESTS_PER_MINUTE = {"person": 1200, "anonymous": 120, "auth": 20}
# What guests say and begin, by the minute: everybody's with one link, and everybody's of one address.
GUEST_REQUESTS_PER_MINUTE = {"link": 120, "address": 30}

LOG_FORMAT = env.one_of("LOG_FORMAT", FORMATS[0], FORMATS)
LOGGING = logging_settings(
    LOG_FORMAT,
    env.one_of("LOG_LEVEL", "INFO", logging.getLevelNamesMapping()),
    access=env.flag("ACCESS_LOG", default=LOG_FORMAT == "json"),
    quoting=DEBUG,
)
