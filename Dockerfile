# docker build -t trigger-conformance .
# mkdir -p reports
# docker run --rm --user "$(id -u):$(id -g)" -e TRIGGER_API_KEY -v "$PWD/reports:/data/reports" trigger-conformance run --base-url https://…
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements-run.lock ./
RUN python -m venv /opt/suite \
 && /opt/suite/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-run.lock
COPY pyproject.toml README.md LICENSE ./
COPY openapi openapi
COPY tests tests
COPY trigger_conformance trigger_conformance
RUN /opt/suite/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:3.13-slim
COPY --from=build /opt/suite /opt/suite
ENV PATH=/opt/suite/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/opt/cache
# Whoever runs it, with whatever user id, may write reports; the run fills the cache, and shows that the image works.
RUN useradd --uid 10001 --create-home suite \
 && mkdir -p /data/reports /opt/cache \
 && trigger-conformance run --profile smoke --quiet --report-dir /tmp/first \
 && rm -r /tmp/first \
 && chmod -R a+rwX /opt/cache \
 && chmod a+rwx /data /data/reports
USER 10001
WORKDIR /data
VOLUME /data/reports
ENTRYPOINT ["trigger-conformance"]
CMD ["--help"]
