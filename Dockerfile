# One image for the site, the workers, beat and the migrations.
FROM python:3.11-slim AS build
COPY requirements-uv.txt requirements.txt /build/
RUN pip install --no-cache-dir --require-hashes -r /build/requirements-uv.txt \
    && python -m venv /venv \
    && uv pip sync --no-cache --compile-bytecode --python /venv/bin/python --require-hashes /build/requirements.txt

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin schoolsbuddy \
    && install -d -o schoolsbuddy -g schoolsbuddy -m 0700 /files
COPY --from=build /venv /venv
COPY . /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=schoolsbuddy.settings \
    FILES_DIR=/files \
    STATIC_ROOT=/app/.static
# Collecting static files loads the settings but connects nowhere and keeps none of these values.
RUN SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
    FIELD_KEYS="$(python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')" \
    INSECURE_LOCAL=1 SITE_URL=http://127.0.0.1 ALLOWED_HOSTS=127.0.0.1 \
    DATABASE_URL=postgresql://x@127.0.0.1:1/x REDIS_URL=redis://127.0.0.1:1/0 DEFAULT_FROM_EMAIL=x@schoolsbuddy.example \
    python manage.py collectstatic --noinput
USER schoolsbuddy
EXPOSE 8000
CMD ["gunicorn", "schoolsbuddy.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", \
     "--threads", "4", "--worker-tmp-dir", "/dev/shm", "--access-logfile", "-", "--no-control-socket"]
