FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/bus && /opt/bus/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY bus bus
COPY adapters adapters
COPY samples samples
COPY schemas schemas
COPY contracts contracts
RUN /opt/bus/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/bus --create-home bus
COPY --from=build /opt/bus /opt/bus
USER bus
ENV PATH=/opt/bus/bin:$PATH BUS_DATA_DIR=/var/lib/bus
VOLUME /var/lib/bus
EXPOSE 8080
ENTRYPOINT ["bus"]
CMD ["serve", "--host", "0.0.0.0"]
