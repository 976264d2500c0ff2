/** X-Ray segments for those who want them; without, the SDK is not even evaluated. */
import type { Tracer } from '@aws-lambda-powertools/tracer';

/** Runs one invocation, inside a segment where tracing is on. */
export type Trace = <R>(name: string, run: () => Promise<R>) => Promise<R>;

export interface Tracing {
  trace: Trace;
  /** Gives a client whose requests show up as segments of their own. */
  capture: Tracer['captureAWSv3Client'];
}

const NO_TRACING: Tracing = { trace: (_name, run) => run(), capture: (client) => client };

export async function startTracing(wanted: boolean, serviceName: string): Promise<Tracing> {
  if (!wanted) return NO_TRACING;
  const { Tracer } = await import('@aws-lambda-powertools/tracer');
  const tracer = new Tracer({ serviceName });
  return {
    trace: (name, run) => inSegment(tracer, name, run),
    capture: (client) => tracer.captureAWSv3Client(client),
  };
}

async function inSegment<R>(tracer: Tracer, name: string, run: () => Promise<R>): Promise<R> {
  const parent = tracer.getSegment();
  // Outside of Lambda, and where this invocation is not sampled, there is none.
  if (parent === undefined) return await run();
  const segment = parent.addNewSubsegment(`## ${name}`);
  tracer.setSegment(segment);
  tracer.annotateColdStart();
  tracer.addServiceNameAnnotation();
  try {
    return await run();
  } catch (error) {
    if (error instanceof Error) tracer.addErrorAsMetadata(error);
    throw error;
  } finally {
    segment.close();
    tracer.setSegment(parent);
  }
}
