"""All settings, from the environment only. A missing or unsafe value stops the start with every fault in one message.

`docs/operations.md` lists the variables; `local/` fills them in on one bare machine.
"""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django_stubs_ext
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from environs import Env

django_stubs_ext.monkeypatch()  # models.ForeignKey[…] is also written at run time

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env(eager=False)
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY")
FIELD_KEYS: list[str] = env.list("FIELD_KEYS")  # Fernet keys for secrets at rest, newest first
SITE_URL = env.str("SITE_URL")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS")
INSECURE_LOCAL = env.bool("INSECURE_LOCAL", False)  # plain http, on loopback only
DATABASE_URL = env.str("DATABASE_URL")  # the role bound by row-level security
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", "")  # the role that migrates; the site itself has none
DATABASE_POOL = env.int("DATABASE_POOL", 0)  # connections kept per web process; 0 keeps none
REDIS_URL = env.str("REDIS_URL")
FILES_DIR = env.path("FILES_DIR")  # files that schools upload for CSV, and the pages of pulls
EVIDENCE_DAYS = env.int("EVIDENCE_DAYS", 7)  # days that the pages of a pull are kept; 0 keeps none
MORE_CONNECTORS: list[str] = env.list("MORE_CONNECTORS", [])  # dotted paths of connectors of whoever runs this (R5)
STATIC_ROOT = env.path("STATIC_ROOT", BASE_DIR / ".local" / "static")
EMAIL_HOST = env.str("EMAIL_HOST", "localhost")
EMAIL_PORT = env.int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", False)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL")
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", "")  # our own people, told when a school's syncs are in trouble; empty: nobody
METRICS_TOKEN = env.str("METRICS_TOKEN", "")  # who bears it may read /metrics; empty: that address is not there
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)  # how many proxies of ours stand before the site
BROKER_VISIBILITY_TIMEOUT = env.int("BROKER_VISIBILITY_TIMEOUT", 3600)  # seconds until a lost task comes back
LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
env.seal()


def unsafe() -> list[str]:
    """Return a sentence for every setting that must not run in production."""
    faults = []
    loopback = urlsplit(SITE_URL).hostname in {"127.0.0.1", "localhost", "::1"}
    if INSECURE_LOCAL and not loopback:
        faults.append("INSECURE_LOCAL is for loopback only, but SITE_URL is not on loopback.")
    if not INSECURE_LOCAL:
        faults += [] if SITE_URL.startswith("https://") else ["SITE_URL must begin with https://."]
        faults += ["DEBUG must be off."] if DEBUG else []
        faults += ["ALLOWED_HOSTS must not contain *."] if "*" in ALLOWED_HOSTS else []
    if len(SECRET_KEY) < 50:
        faults.append("SECRET_KEY is shorter than 50 characters.")
    for key in FIELD_KEYS:
        try:
            Fernet(key)
        except ValueError:
            faults.append("FIELD_KEYS holds a value that is no Fernet key.")
    if not 60 <= BROKER_VISIBILITY_TIMEOUT <= 4000:
        faults.append("BROKER_VISIBILITY_TIMEOUT must be 60 to 4000 s: a task is stopped after half of it.")
    if not 0 <= EVIDENCE_DAYS <= 90:
        faults.append("EVIDENCE_DAYS must be 0 to 90: what partners answer is children's data.")
    if METRICS_TOKEN and len(METRICS_TOKEN) < 32:
        faults.append("METRICS_TOKEN is shorter than 32 characters.")
    if not FIELD_KEYS:
        faults.append("FIELD_KEYS is empty.")
    return faults


if unsafe():
    raise ImproperlyConfigured("unsafe settings: " + " ".join(unsafe()))


def database(url: str) -> dict[str, Any]:
    """Turn postgresql://user:password@host:port/name into Django's form."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
    }


DATABASES: dict[str, dict[str, Any]] = {"default": database(DATABASE_URL) | {"CONN_HEALTH_CHECKS": True}}
if DATABASE_POOL:
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": DATABASE_POOL}}
if DATABASE_OWNER_URL:
    DATABASES["owner"] = database(DATABASE_OWNER_URL)
    DATABASES["default"]["TEST"] = {"MIRROR": "owner"}  # the owner makes the test database, the site's role uses it

INSTALLED_APPS = [
    "schoolsbuddy.apps.SupportAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",  # after ours in the template search, so that our field.html themes every form
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_cotton",
    "django_htmx",
    "django_filters",
    "tenants",
    "users",
    "messaging",
    "attendance",
    "sync",
    "portals.entrance",
    "portals.staff",
    "portals.parent",
    "portals.reception",
]
if INSECURE_LOCAL and (BASE_DIR / "local").is_dir():  # the production image holds no such folder
    INSTALLED_APPS.append("local")  # `manage.py simulate`

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "users.middleware.SupportScope",
    "tenants.middleware.SchoolScope",  # last: it calls the view itself
]

ROOT_URLCONF = "schoolsbuddy.urls"
WSGI_APPLICATION = "schoolsbuddy.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portals.entrance.context.frame",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
COTTON_SNAKE_CASED_NAMES = True

# Sign-in (R7, R26, R27, R71)
AUTH_USER_MODEL = "users.Account"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # the address is unique, case-insensitively, which that check cannot see
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "users.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]  # closed by the adapter: people come from the roster
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if INSECURE_LOCAL else "https"
# A whole school stands behind one address on Monday morning, so limits per address are wide and per account tight.
ACCOUNT_RATE_LIMITS = {
    "login": "600/m/ip",
    "login_failed": "120/m/ip,5/5m/key",
    "request_login_code": "120/m/ip,3/m/key",
    "reset_password": "120/m/ip,5/m/key",
}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
MFA_ADAPTER = "users.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TRUST_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = INSECURE_LOCAL
USERSESSIONS_TRACK_ACTIVITY = False  # five queries and a write for each page; signing in and out is noted anyway

# Cookies and headers
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not INSECURE_LOCAL
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_SSL_REDIRECT = not INSECURE_LOCAL
SECURE_HSTS_SECONDS = 0 if INSECURE_LOCAL else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not INSECURE_LOCAL
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# Language and time
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English")]  # until a second one is whole, or libraries would mix theirs into our English
TIME_ZONE = "UTC"  # stored and computed in UTC; shown in the school's zone
USE_I18N = USE_TZ = True

# Files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_TIMEOUT = 10

# Celery. At least once is the only promise a queue can make, so every task is idempotent. The database is the record:
# a message only says "now", and one that is lost or comes twice changes nothing (sync/operations/runs/).
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True  # the Run row is the record
CELERY_TASK_ACKS_LATE = True  # a killed worker's task comes back …
CELERY_TASK_REJECT_ON_WORKER_LOST = True  # … also when only its child process was killed
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # a long sync must not keep others waiting behind it
CELERY_TASK_SOFT_TIME_LIMIT = BROKER_VISIBILITY_TIMEOUT // 2  # a run ends as slow: sync/operations/stops.py
CELERY_TASK_TIME_LIMIT = BROKER_VISIBILITY_TIMEOUT * 5 // 6  # below the time-out, or it would be delivered twice
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": BROKER_VISIBILITY_TIMEOUT,
    "unacked_restore_interval": 10,  # kombu's own default looks for lost tasks only every 100 s
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 3,  # a Redis behind a dead network must not hold a page
    "socket_keepalive": True,
    # Whoever sends tries twice and goes on, where kombu would try for ever: what was not sent is sent by beat.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker as long as it takes, and is back by itself
# A run outlives its broker: whoever carries it out holds its life, so a second delivery does nothing.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30  # seconds for what is on; the rest goes back to the queue and is begun again
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 600_000  # KiB: behind a very large school a child is replaced, with all it held
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Queues by who waits: nobody for a night, an office for its marks, a person in front of a page for what they asked for.
# Each has workers of its own, so that a slow night keeps neither the marks nor the clock waiting (R17).
CELERY_TASK_ROUTES = {
    "sync.tasks.roster": {"queue": "roster"},
    "sync.tasks.attendance": {"queue": "attendance"},
    "sync.tasks.cut_over": {"queue": "asked"},
    "sync.tasks.rehearse": {"queue": "asked"},
    "sync.tasks.try_out": {"queue": "asked"},
    "sync.tasks.dispatch": {"queue": "clock"},
    "sync.tasks.release_stuck_runs": {"queue": "clock"},
    "sync.tasks.purge_*": {"queue": "clock"},
    "sync.tasks.hear": {"queue": "mail"},  # what comes of it is a letter, if anything
    "sync.tasks.go_round_troubles": {"queue": "mail"},
    "messaging.tasks.*": {"queue": "mail"},
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    # The only clock there is: no school has a crontab of its own, see sync/clock.py. What comes too late is dropped.
    "dispatch": {"task": "sync.tasks.dispatch", "schedule": 60.0, "options": {"expires": 55}},
    "release stuck runs": {"task": "sync.tasks.release_stuck_runs", "schedule": 60.0, "options": {"expires": 55}},
    "sweep letters": {"task": "messaging.tasks.sweep", "schedule": 60.0, "options": {"expires": 55}},
    "go round troubles": {"task": "sync.tasks.go_round_troubles", "schedule": 300.0, "options": {"expires": 290}},
    "purge claims": {"task": "sync.tasks.purge_claims", "schedule": 24 * 3600.0},
    "purge letters": {"task": "messaging.tasks.purge", "schedule": 3600.0},
    "purge pulls": {"task": "sync.tasks.purge_pulls", "schedule": 3600.0},
    "purge trials": {"task": "sync.tasks.purge_trials", "schedule": 3600.0},
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
