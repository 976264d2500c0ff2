import type { Random } from './random.ts';

/** One to eight random injuries: bytes changed, ranges cut out, doubled, blanked or filled with 0xff. */
export function mutate(file: Uint8Array, random: Random): Buffer {
  let bytes = Buffer.from(file);
  for (let injuries = 1 + random.below(8); injuries > 0; injuries--) bytes = injure(bytes, random);
  return bytes;
}

function injure(bytes: Buffer<ArrayBuffer>, random: Random): Buffer<ArrayBuffer> {
  // Half of the injuries hit the headers, where the decoders' decisions are made.
  const reach = random.below(2) === 0 ? Math.min(bytes.length, 200) : bytes.length;
  const from = random.below(Math.max(1, reach));
  const to = Math.min(bytes.length, from + 1 + random.below(32));
  switch (random.below(5)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    case 1:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
    case 2:
      return bytes.fill(0, from, to);
    case 3:
      return bytes.fill(0xff, from, to);
    default:
      bytes[from] = random.below(256);
      return bytes;
  }
}
