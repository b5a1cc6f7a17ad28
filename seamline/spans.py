"""Spans: what was done for one object, joined over door, process, steps and calls, sent to an OTLP collector.

A process lives for weeks, so none stays open over a wait: Temporal's interceptor closes those of a process at once, and
each try of a step has one of its own. What an exception says may hold anything, so of it only the type leaves us.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status
from temporalio import workflow
from temporalio.contrib.opentelemetry import TracingInterceptor, TracingWorkflowInboundInterceptor
from temporalio.worker import WorkflowInterceptorClassInput

from seamline.telemetry_settings import TelemetrySettings

EXCEPTION_TEXTS = ("exception.message", "exception.stacktrace")


class WithoutTexts(SpanProcessor):
    """Hands spans on without what exceptions say, whichever library recorded them."""

    def __init__(self, next: SpanProcessor) -> None:
        self._next = next

    def on_end(self, span: ReadableSpan) -> None:
        """Hand a copy on: another processor may hold the span."""
        self._next.on_end(
            ReadableSpan(
                name=span.name,
                context=span.context,
                parent=span.parent,
                resource=span.resource,
                attributes=span.attributes,
                events=_without_texts(span.events),
                links=span.links,
                kind=span.kind,
                status=Status(span.status.status_code),
                start_time=span.start_time,
                end_time=span.end_time,
                instrumentation_scope=span.instrumentation_scope,
            )
        )

    def shutdown(self) -> None:
        """Send what is left."""
        self._next.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what there is."""
        return self._next.force_flush(timeout_millis)


class ProcessSpans(TracingInterceptor):
    """Temporal's interceptor; a process that was started without a trace has one all the same, named like its run."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[TracingWorkflowInboundInterceptor]:
        """What is put around each process."""
        super().workflow_interceptor_class(input)
        return _Traced


class _Traced(TracingWorkflowInboundInterceptor):
    def _load_workflow_context_carrier(self) -> Any:
        trace_id = workflow.info().first_execution_run_id.replace("-", "")
        return super()._load_workflow_context_carrier() or {"traceparent": f"00-{trace_id}-{trace_id[-16:]}-01"}


def configure_tracing(settings: TelemetrySettings, program: str) -> None:
    """Send this program's spans to the collector that is set; do nothing when none is."""
    if not settings.otlp_endpoint:
        return
    provider = TracerProvider(resource=Resource.create(settings.identity(program)))
    exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(WithoutTexts(BatchSpanProcessor(exporter)))
    trace.set_tracer_provider(provider)


def _without_texts(events: Sequence[Event]) -> list[Event]:
    return [
        Event(
            one.name,
            {name: value for name, value in (one.attributes or {}).items() if name not in EXCEPTION_TEXTS},
            one.timestamp,
        )
        for one in events
    ]
