# One image per service; it holds shared/ and its own service, nothing else:
#
#   docker build --build-arg SERVICE=referral --tag hub-and-spoke-referral:0.1.0 .
#
# Where no registry can be reached, `make images` makes a base of Debian packages first.
#
# The base is named by tag. For a release pin it by digest: `docker buildx imagetools inspect
# python:3.13-slim` prints it; then build with --build-arg PYTHON=python:3.13-slim@sha256:<digest>.
ARG PYTHON=python:3.13-slim

# hadolint ignore=DL3006
FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY requirements/run.txt requirements/run.txt
# Wheels only: nothing is compiled here, so no compiler is needed. pip writes the bytecode.
# Both secrets are optional: a network that has its own package index or its own certificates gives them.
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
    python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --require-hashes --only-binary :all: \
       --requirement requirements/run.txt \
    && rm -r requirements

ARG SERVICE
# An empty SERVICE would make the last COPY take every service; an unknown one has no folder.
RUN test -n "$SERVICE" || { echo 'SERVICE must be one of the folders of services/' >&2; exit 1; }
COPY shared shared
COPY services/__init__.py services/__main__.py services/
COPY services/${SERVICE} services/${SERVICE}
# The file system will be read-only, so the bytecode is written now and never looked at again.
RUN python -m compileall -q --invalidation-mode unchecked-hash shared services

# hadolint ignore=DL3006
FROM ${PYTHON}
ARG SERVICE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="hub-and-spoke ${SERVICE}" \
      org.opencontainers.image.description="The ${SERVICE} service of a Hub and Spoke referral network" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HTTP_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
# A number, because Kubernetes can't tell whether a name is root.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
# No shell: Python is process 1 and gets the SIGTERM.
CMD ["python", "-m", "services"]
