import { InvalidRequest } from '../../errors.ts';

/**
 * Counts what an answer will have in it, as soon as it is there, so that no further image is captioned for an answer that
 * nobody would get.
 * @param maxBytes of the answer as a text within JSON, as gateways hand it on. @default no limit
 * @returns to be called with each part. @throws InvalidRequest when they are too long together
 */
export function answerRoom(maxBytes?: number): (part: unknown) => void {
  if (maxBytes === undefined) return () => undefined;
  let bytes = 0;
  return (part) => {
    bytes += Buffer.byteLength(JSON.stringify(JSON.stringify(part)));
    if (bytes <= maxBytes) return;
    throw new InvalidRequest(
      `the answer would have more than ${maxBytes} bytes; ask for fewer images at once, for no trace or explanation, or for a smaller beamWidth or maxLength`,
    );
  };
}
