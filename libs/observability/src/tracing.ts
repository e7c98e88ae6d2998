import { type Span, type Tracer } from '@opentelemetry/api';

/** Facts about the traced work. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

let tracer: Tracer | undefined;

/**
 * Starts sending traces to an OpenTelemetry collector (OTLP over HTTP) and answers how to stop. Nothing of OpenTelemetry is
 * loaded where `endpoint` is undefined: it would cost an idle process tens of megabytes.
 */
export async function startTracing(program: string, endpoint: string | undefined): Promise<() => Promise<void>> {
  if (endpoint === undefined) return () => Promise.resolve();
  const [{ NodeSDK }, { OTLPTraceExporter }, { trace }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/api'),
  ]);
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`;
  const sdk = new NodeSDK({ serviceName: program, traceExporter: new OTLPTraceExporter({ url }), instrumentations: [] });
  sdk.start();
  tracer = trace.getTracer('argosy');
  return async () => {
    tracer = undefined;
    await sdk.shutdown();
  };
}

/** Runs `work` inside a span; where tracing is off, just runs it. Its error marks the span and passes on. */
export async function traced<Result>(name: string, attributes: SpanAttributes, work: () => Promise<Result>): Promise<Result> {
  if (tracer === undefined) return work();
  return tracer.startActiveSpan(name, { attributes: { ...attributes } }, (span) => finishing(span, work));
}

const SPAN_ERROR = 2;

async function finishing<Result>(span: Span, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    span.setStatus({ code: SPAN_ERROR, message: String(error) });
    throw error;
  } finally {
    span.end();
  }
}
