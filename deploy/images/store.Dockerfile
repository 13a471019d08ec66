# FOR TRIALS ONLY, in place of mongo:8.0 where that image can't be had: SecantusDB, which speaks
# MongoDB's protocol (GPL-2.0, beta; docs/decisions/0003). Live cases belong in MongoDB.
ARG PYTHON=python:3.13-slim

# hadolint ignore=DL3006
FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY requirements/embedded.txt embedded.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
    python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --require-hashes --only-binary :all: \
       --requirement embedded.txt

# hadolint ignore=DL3006
FROM ${PYTHON}
LABEL org.opencontainers.image.title="store for trials" \
      org.opencontainers.image.description="SecantusDB in place of MongoDB: for trials, not for live cases" \
      org.opencontainers.image.licenses="GPL-2.0"
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=build /venv /venv
COPY deploy/images/store.py /store.py
RUN mkdir -p /data/db && chown 999:999 /data/db
USER 999:999
EXPOSE 27017
VOLUME /data/db
CMD ["python", "/store.py"]
