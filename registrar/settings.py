"""Every setting, from the environment only; a bad value stops the process with one clear line."""

import socket
from pathlib import Path
from typing import Any

import environ
import structlog
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

ENVIRONMENT = env("REGISTRAR_ENV", default="development")
if ENVIRONMENT not in {"development", "production"}:
    raise ImproperlyConfigured(f"REGISTRAR_ENV is development or production, not {ENVIRONMENT!r}")
PRODUCTION = ENVIRONMENT == "production"

DEBUG = False
SECRET_KEY = env(
    "REGISTRAR_SECRET_KEY", default="" if PRODUCTION else "for development on one machine only"
)
if not SECRET_KEY:
    raise ImproperlyConfigured("set REGISTRAR_SECRET_KEY to at least 50 random characters")
SECRET_KEY_FALLBACKS = env.list("REGISTRAR_SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list(
    "REGISTRAR_ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = env.list("REGISTRAR_TRUSTED_ORIGINS", default=[])

# Who we are to the database -----------------------------------------------------------------

ROLE = env("REGISTRAR_ROLE", default="web")
"""owner (migrations), web (takes requests, reads) or worker (settles): three database roles."""

_URLS = {
    "owner": ("DATABASE_OWNER_URL", "DATABASE_URL"),
    "web": ("DATABASE_URL",),
    "worker": ("DATABASE_WORKER_URL", "DATABASE_URL"),
}
if ROLE not in _URLS:
    raise ImproperlyConfigured(f"REGISTRAR_ROLE is owner, web or worker, not {ROLE!r}")

# A host that vanishes says no goodbye. Each end of a connection asks after a silent peer, and gives
# it up within 5 s; on a socket of this machine none of it applies.
_PEER_GONE = {
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "3s",
    # In the middle of a statement the server looks up only as often as this.
    "client_connection_check_interval": "1s",
}
_SERVER_GONE = {
    "connect_timeout": 3,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "tcp_user_timeout": 4000,
}

# A settlement that hangs must let go of its locks by itself, whatever became of its client.
_LIMITS = {
    "owner": {},
    "web": {
        **_PEER_GONE,
        "lock_timeout": "2s",
        "statement_timeout": "5s",
        "idle_in_transaction_session_timeout": "5s",
    },
    "worker": {
        **_PEER_GONE,
        "lock_timeout": "3s",
        "statement_timeout": "10s",
        "idle_in_transaction_session_timeout": "2s",
        # No limit, but of the same kind: settlements look up rows one by one, on disks that seek
        # at no cost, and foreign-key checks that scan small tables cost them a tenth.
        "random_page_cost": "1.1",
    },
}


def _database() -> dict[str, Any]:
    """The connection of this process's role: by its own login, else by SET ROLE after login."""
    url = next((env(name) for name in _URLS[ROLE] if name in env.ENVIRON), "")
    # A command like `makemigrations` needs no database; the name says what is missing if it does.
    config: dict[str, Any] = env.db_url_config(url or "postgres:///set-DATABASE_URL")
    limits = _LIMITS[ROLE]
    login = f"reg_{ROLE}"
    role = [] if ROLE == "owner" or config.get("USER") == login else [f"-c role={login}"]
    options = [f"-c {name}={value}" for name, value in limits.items()]
    config["OPTIONS"] = {
        **_SERVER_GONE,
        "application_name": f"registrar-{ROLE}",
        **config.get("OPTIONS", {}),
        "options": " ".join([*role, "-c timezone=UTC", *options]),
    }
    config |= {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
    return config


DATABASES = {"default": _database(), "witness": _database()}
"""`witness` is a second connection to the same database: what a settlement commits on it stays
when the settlement's own transaction does not (`enrollment.poison`)."""
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env("REDIS_URL", default="redis://localhost:6379/0")


def _broker(url: str) -> str:
    """Celery's spelling of a Redis URL: unix:///path?db=N is redis+socket:///path?virtual_host=N."""
    return url.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")


# Django -------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "registrar.accounts",
    "registrar.audit",
    "courses",
    "enrollment",
    "workers",
    "unfold",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_htmx",
    "import_export",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rules",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "registrar.middleware.ContentSecurityPolicy",
    "registrar.middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "registrar.middleware.SignedIn",
    "registrar.middleware.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "registrar.urls"
WSGI_APPLICATION = "registrar.wsgi.application"
# The catalogue as it was read, in each process: `courses.shelf` asks before it takes from it.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "shelf": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "shelf",
        "OPTIONS": {"MAX_ENTRIES": 500},
    },
}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["registrar.accounts.permissions.RoleBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = env("REGISTRAR_TIME_ZONE", default="UTC")
STATIC_URL = "static/"
STATIC_ROOT = env("REGISTRAR_STATIC_ROOT", default=str(BASE_DIR / ".registrar" / "static"))
WHITENOISE_USE_FINDERS = not PRODUCTION
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

UNFOLD = {
    "SITE_TITLE": "Registrar",
    "SITE_HEADER": "Registrar",
    "SITE_SUBHEADER": "Course registration",
    "SITE_SYMBOL": "school",
    "SITE_URL": None,
    "LOGIN": {"form": "registrar.accounts.forms.SignInForm"},
}

# Security -----------------------------------------------------------------------------------

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.bool("REGISTRAR_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    if env.bool("REGISTRAR_BEHIND_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# The admin's theme and the API's browser write inline styles; scripts come from here alone.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'unsafe-inline'", "'unsafe-eval'"],
        "frame-ancestors": ["'none'"],
    }
}

# HTTP ---------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "registrar.accounts.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "DEFAULT_VERSION": "1",
    "ALLOWED_VERSIONS": ["1"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.CursorPagination",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "registrar.problems.problem",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
REST_KNOX = {"TOKEN_TTL": None, "AUTH_HEADER_PREFIX": "Token"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Registrar",
    "DESCRIPTION": "Course registration: requests keep their place in line.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "ProposalStageEnum": "courses.workflow.Stage",
        "ProposalActionEnum": "courses.workflow.Action",
        "BumpEnum": "courses.versioning.Bump",
        "CourseStateEnum": "courses.models.Course.State",
        "PrerequisiteKindEnum": "courses.models.CoursePrerequisite.Kind",
    },
}

# Registration -------------------------------------------------------------------------------

REGISTRAR = {
    # Settlements that may run at once, in different processes: settle messages beyond it are waste.
    "SETTLE_SLOTS": env.int("REGISTRAR_SETTLE_SLOTS", default=2),
    # Requests in one settlement, and offerings taken from the ready set for it.
    "SETTLE_BATCH": env.int("REGISTRAR_SETTLE_BATCH", default=2000),
    "SETTLE_OFFERINGS": env.int("REGISTRAR_SETTLE_OFFERINGS", default=512),
    # Seconds one `settle` task works before it rings for the next, which it awaits for one more.
    "SETTLE_SECONDS": env.float("REGISTRAR_SETTLE_SECONDS", default=5.0),
    # Undecided requests one student may have, and requests they may send in a minute.
    "STUDENT_OPEN": env.int("REGISTRAR_STUDENT_OPEN", default=12),
    "STUDENT_PER_MINUTE": env.int("REGISTRAR_STUDENT_PER_MINUTE", default=60),
    # Above this predicted wait, in seconds, new requests are shed with 503.
    "BACKLOG_SECONDS": env.float("REGISTRAR_BACKLOG_SECONDS", default=20.0),
    # Threads of one web process; a quarter of them may wait for a decision at once.
    "WEB_THREADS": env.int("REGISTRAR_WEB_THREADS", default=16),
    "WAIT_SECONDS": 5,
    # Wrong passwords for one user name, each within so many minutes of the last, before none is
    # taken for it; and those minutes.
    "SIGN_IN_FAILURES": env.int("REGISTRAR_SIGN_IN_FAILURES", default=10),
    "SIGN_IN_MINUTES": env.int("REGISTRAR_SIGN_IN_MINUTES", default=10),
    # Whether what is unusual about a course (its code's form, hours that do not fit its credits)
    # is refused; else it is only said.
    "CATALOGUE_STRICT": env.bool("REGISTRAR_CATALOGUE_STRICT", default=False),
    # The usual form of a course code, as a regular expression for all of it.
    "COURSE_CODES": env(
        "REGISTRAR_COURSE_CODES", default=r"[A-Z]{2,5} ?[0-9]{2,4}[A-Z]{0,2}(-[0-9]+)?"
    ),
    # What an hour of a kind counts beside a lecture's, in percent: "pratical_hours=50;...".
    "HOUR_WEIGHTS": env("REGISTRAR_HOUR_WEIGHTS", cast={"value": int}, default={}),
}

# Celery -------------------------------------------------------------------------------------

# The same Redis database as the mailbox, which looks at the length of Celery's own queue.
CELERY_BROKER_URL = _broker(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_TIME_LIMIT = 30
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"workers.tasks.settle": {"queue": "settle"}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 1_000_000
CELERY_WORKER_SEND_TASK_EVENTS = env.bool("REGISTRAR_TASK_EVENTS", default=True)
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Seconds of silence, seconds between questions, questions without an answer; and milliseconds for
# what was sent to arrive. Not every system knows all four.
_KEEPALIVE = {
    getattr(socket, name): value
    for name, value in {
        "TCP_KEEPIDLE": 5,
        "TCP_KEEPINTVL": 2,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": 10_000,
    }.items()
    if hasattr(socket, name)
}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 30 if ROLE == "worker" else 1,
    "socket_connect_timeout": 0.5,
    "socket_keepalive": True,
    "socket_keepalive_options": _KEEPALIVE,
    "health_check_interval": 25,
}
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
# Celery closes the connection before and after every task unless it may be reused; it is handed
# over fresh by `registrar.celery`.
CELERY_DB_REUSE_MAX = 1_000_000

# Logs ---------------------------------------------------------------------------------------

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
structlog.configure(
    processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
            "foreign_pre_chain": _SHARED,
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env("REGISTRAR_LOG_LEVEL", default="INFO")},
}
