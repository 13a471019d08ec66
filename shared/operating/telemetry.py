"""Logs, traces and counters that carry codes and ids only.

Log fields are an allow-list: what isn't named here is dropped, so a careless call can't leak a
child's name. Exceptions are logged by class, never by text. URLs are never recorded.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.propagate import extract
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CollectorRegistry

LOG_FIELDS = frozenset(
    {
        *("event", "level", "timestamp", "trace_id", "service", "name", "port", "count", "reason"),
        *("type", "queue", "event_id", "record_id", "code", "error", "attempt", "generation"),
        *("method", "route", "status", "milliseconds", "outcome"),
        *("version", "address", "settings"),
    }
)

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def set_up(service: str, level: str = "INFO", *, scraped: CollectorRegistry | None = None) -> None:
    """Configure logs (JSON on standard error); metrics are collected from `scraped`, and go, as traces
    do, to OTEL_EXPORTER_OTLP_ENDPOINT if that is set."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_NameOnly())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for noisy in ("aio_pika", "aiormq", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_trace,
            _allowed_only,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    resource = Resource.create({"service.name": service, "service.namespace": "hub-and-spoke"})
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(_WithoutAddress())
    readers: list[MetricReader] = []
    if scraped is not None:
        readers.append(
            PrometheusMetricReader(
                disable_target_info=True,
                scope_info_enabled=False,
                resource_attribute_filter=lambda name: name == "service.name",
                registry=scraped,
            )
        )
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=readers))
    for each in _counters:
        each.add(0)


# Attributes of a request's span that are a caller's own words: path, query, method and host.
SAID = ("url.query", "url.path", "url.full", "http.request.method_original", "server.address")


class _WithoutAddress(SpanProcessor):
    """What a caller put into an address, for a method or for a host is theirs and may be a name: spans
    keep the route, and a method that there is."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        for name in SAID:
            if span.attributes and name in span.attributes:
                span.set_attribute(name, "")


class _NameOnly(logging.Formatter):
    """A library's record as its logger's name and the class of the error, never its text."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[0] if record.exc_info else None
        fields = {"level": record.levelname, "event": "library", "name": record.name}
        return json.dumps({**fields, **({"error": error.__name__} if error else {})})


def _with_trace(_: Any, __: str, fields: Any) -> Any:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        fields.setdefault("trace_id", format(context.trace_id, "032x"))
    return fields


def _allowed_only(_: Any, __: str, fields: Any) -> Any:
    return {name: value for name, value in fields.items() if name in LOG_FIELDS}


_meter = metrics.get_meter("hub-and-spoke")
_counters: list[metrics.Counter] = []


def counter(name: str, description: str) -> metrics.Counter:
    """A counter that is 0 from the start: the first of what it counts is seen as a change."""
    _counters.append(_meter.create_counter(name, description=description))
    return _counters[-1]


_published = counter("hub.events.published", "Events confirmed by the bus")
_handled = counter("hub.events.handled", "Events handled, by outcome")
_taken = _meter.create_histogram(
    "hub.events.handling", unit="s", description="Seconds that a handler took"
)
_lag = _meter.create_histogram(
    "hub.events.lag",
    unit="s",
    description="Seconds from an event to its handling",
    explicit_bucket_boundaries_advisory=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 86400),
)
_retried = counter("hub.events.retried", "Events set aside for another try")
_limited = counter("hub.limits.reached", "Requests that a limit refused, by limit")
_parked = counter("hub.events.parked", "Events parked as dead letters")


def published(service: str, event_type: str) -> None:
    """Count an event confirmed by the bus."""
    _published.add(1, {"service": service, "type": event_type})


def taken_up(queue: str, event_type: str, waited: float) -> None:
    """Note how long ago an event happened that a handler is given now."""
    _lag.record(max(0.0, waited), {"queue": queue, "type": event_type})


def handled(queue: str, event_type: str, event_id: str, outcome: str, seconds: float) -> None:
    """Count and log what a handler was given; `outcome` is done, refused or failed."""
    told = {"queue": queue, "type": event_type, "outcome": outcome}
    if outcome != "failed":
        _handled.add(1, told)
    _taken.record(seconds, told)
    log.info("event.handled", **told, event_id=event_id, milliseconds=round(seconds * 1000, 1))


def retried(queue: str, event_type: str) -> None:
    """Count an event that will be tried again."""
    _retried.add(1, {"queue": queue, "type": event_type})


def parked(queue: str, event_type: str) -> None:
    """Count an event that became a dead letter."""
    _parked.add(1, {"queue": queue, "type": event_type})


def limited(limit: str) -> None:
    """Count a request that this limit refused."""
    _limited.add(1, {"limit": limit})


@contextmanager
def turning_away() -> Iterator[None]:
    """A server span around the answer to a request that comes to no route: its answer names a trace,
    as every other one does."""
    tracer = trace.get_tracer("hub-and-spoke")
    with tracer.start_as_current_span("turned away", kind=trace.SpanKind.SERVER):
        yield


@contextmanager
def handling(queue: str, event_type: str, event_id: str, traceparent: str | None) -> Iterator[None]:
    """A consumer span in the trace of the event's writer (OpenTelemetry messaging conventions)."""
    parent = extract({"traceparent": traceparent} if traceparent else {})
    attributes = {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": f"events:{event_type}:{queue}",
        "messaging.message.id": event_id,
    }
    tracer = trace.get_tracer("hub-and-spoke")
    # record_exception stays off: an exception's text may quote a record.
    with tracer.start_as_current_span(
        f"process {queue}",
        context=parent,
        kind=trace.SpanKind.CONSUMER,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except Exception as error:
            span.set_status(trace.StatusCode.ERROR)
            span.set_attribute("error.type", type(error).__name__)
            raise
