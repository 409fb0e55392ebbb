# One image for every part of Registrar: web, worker, beat, flower and the migration.
FROM python:3.11-slim-bookworm AS packages

# Wheels only, checked against the lock: nothing is compiled, nothing unknown gets in.
COPY requirements.txt /tmp/requirements.txt
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-input --disable-pip-version-check \
        --require-hashes --only-binary :all: --requirement /tmp/requirements.txt

FROM python:3.11-slim-bookworm

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=registrar.settings \
    REGISTRAR_ENV=production \
    REGISTRAR_STATIC_ROOT=/srv/static

RUN groupadd --system --gid 10001 registrar \
    && useradd --system --uid 10001 --gid registrar --home-dir /app --shell /usr/sbin/nologin registrar

COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
# Owned by root: the site cannot change its own code.
COPY . .
# Collecting files needs settings but no secrets; this key signs nothing and stays in this layer's
# command, not in the environment.
RUN REGISTRAR_SECRET_KEY=only-while-the-image-is-built REGISTRAR_ALLOWED_HOSTS=localhost \
        python manage.py collectstatic --no-input --verbosity 0

USER registrar
EXPOSE 8000
# Two processes of 16 threads each (REGISTRAR_WEB_THREADS), as measured; more machines, not more
# threads, serve more. 16,000 connections at most, however slow, with little memory for each.
CMD ["granian", "--interface", "rsgi", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--respawn-failed-workers", "--no-ws", "--http", "1", \
     "--backlog", "4096", "--backpressure", "8192", "--http1-buffer-size", "65536", \
     "registrar.gate:application"]
