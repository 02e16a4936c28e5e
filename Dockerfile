# MarketFlow in a container. It needs nothing of the host but its settings:
#
#   docker build -t marketflow .
#   docker run -d --init --stop-timeout 40 --name marketflow --env-file .env --read-only -v marketflow:/data marketflow
#
# --env-file passes quotes on as part of a value; a .env that has some goes to /data/.env instead (-v ./.env:/data/.env:ro), where
# the program reads it itself; HTTP_HOST and HTTP_PORT stay with -e then, as the health check sees only the environment. Add
# -p 127.0.0.1:8080:8080 -p 127.0.0.1:8001:8001 to reach health and metrics from the host.

# --- build: everything that is needed once ---
FROM python:3.11-slim AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

# Dependencies before the source, so that a change of the source does not fetch them again. Each is checked against the hash in
# the lock, and none may run code of its own while it is installed.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv --without-pip /opt/marketflow \
 && python -m pip install --require-hashes --only-binary :all: -r requirements/build.txt \
 && python -m pip --python /opt/marketflow/bin/python install --require-hashes --only-binary :all: -r requirements/runtime.txt

# The demo stays in the checkout: its parts are not in the runtime's lock.
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY core core
RUN python -m pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
 && python -m pip --python /opt/marketflow/bin/python install --no-deps --no-index /wheels/*.whl

# --- the image: Python, one virtual environment, no pip of its own, no source tree ---
FROM python:3.11-slim
COPY --from=build /opt/marketflow /opt/marketflow

# A number, not only a name, so that an orchestrator can see that it is not root. /data belongs to it; all else may be read-only.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin marketflow \
 && install -d -o marketflow -g marketflow -m 0700 /data
USER 10001:10001
# The default ledger, marketflow.db in the working directory, is then on the volume.
WORKDIR /data
VOLUME /data

# HTTP_HOST: inside a container 127.0.0.1 is the container alone, so health and metrics listen on all of its addresses; who may
# reach them is decided by what is published. With --network host, set HTTP_HOST=127.0.0.1.
ENV PATH=/opt/marketflow/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HTTP_HOST=0.0.0.0
EXPOSE 8001 8080

# Asks /healthz by HTTP_HOST and HTTP_PORT of the environment; a port that is off (0) counts as healthy.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "bot.web.healthcheck"]

# As the container's first process: `docker stop` sends SIGTERM, intake stops, what is in flight is settled, then it goes.
CMD ["marketflow", "run"]
