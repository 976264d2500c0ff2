import { UpstreamUnavailable } from '../errors.ts';
import { describeFailure, isConnectionFailure } from '../net/failure.ts';
import { addressOf } from './client.ts';

/** True when no answer came, which the next try may bring; told by name and code, never by message. */
export function isLostConnection(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || isConnectionFailure(error));
}

/** @returns `null` for an error that is none of a connection's @param task what was asked for, as in `listing s3://bucket/` */
export function connectionFailureOf(error: unknown, task: string): UpstreamUnavailable | null {
  if (!isLostConnection(error)) return null;
  const { name, message } = error as Error;
  const asked = addressOf(error);
  const why = asked && describeFailure(error, asked);
  const text = why ? `${why.actual}. ${why.remedy}` : `${name}: ${message}`;
  return new UpstreamUnavailable(`${task}: ${text}`, { cause: error });
}
