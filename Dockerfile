# One image for worker, API, command and simulator. Not yet built: no container engine was at hand.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.lock /tmp/requirements.lock
RUN /venv/bin/pip install --require-hashes -r /tmp/requirements.lock
COPY . /app
# Editable, so that `workflows`, `activities` and `worker` are found beside `seamline`, in /app.
RUN /venv/bin/pip install --no-deps --no-build-isolation --editable /app

FROM python:3.12-slim
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin seamline \
    && install -d -o seamline /state
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER seamline
CMD ["python", "-m", "worker"]
