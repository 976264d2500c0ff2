import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkFinite } from '../../../src/import/network/tensor-checks.ts';
import type { ShowAndTellWeights } from '../../../src/import/network/weights.ts';
import { mutate } from '../../support/mutate.ts';
import { type Random, xorshift } from '../../support/random.ts';
import { assertMemoryBounded, readDamaged, truncations } from '../fuzz.ts';
import { TINY } from '../network/formula-weights.ts';
import { temporaryDirectory } from '../source/source-failures.ts';

const MUTATIONS = 500;
/** For each graph: most hit a weight, and the graph is read to its end. */
const FLIPS = 20;
const GRAPHS = ['', '-arith', '-tf0.12', '-tf1.0', '-tf1.0-noidentity', '-tf1.6', '-folded', '-tf1.6-folded'];

after(assertMemoryBounded);

/** A graph has no checksums: what is read may hold other numbers, but in the right shapes, all finite. */
function assertUsable({ convolutions, ...decoder }: ShowAndTellWeights): void {
  assert.equal(convolutions.size, 94);
  for (const [scope, { shape, kernel, bias }] of convolutions) {
    assert.equal(kernel.length, shape[0] * shape[1] * shape[2] * shape[3], scope);
    assert.equal(bias.length, shape[3], scope);
    checkFinite('graph', scope, kernel);
    checkFinite('graph', scope, bias);
  }
  for (const part of Object.values(decoder)) {
    if ('rows' in part) assert.equal(part.data.length, part.rows * part.columns);
  }
}

function flip(file: Uint8Array, random: Random): Buffer {
  const bytes = Buffer.from(file);
  bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  return bytes;
}

for (const [turn, graph] of GRAPHS.entries()) {
  const name = `im2txt-tiny${graph}.pb`;
  const whole = readFileSync(join(TINY, name));
  // All graphs together get what each kind of checkpoint gets.
  const share = Math.ceil(MUTATIONS / GRAPHS.length);

  test(`${name}: ${share} mutations and ${FLIPS} flipped bits are refused, or read in the right shapes`, async (t) => {
    const file = join(await temporaryDirectory(t), 'model.pb');
    const random = xorshift(3 + turn);
    let refused = 0;
    for (let i = 0; i < share + FLIPS; i++) {
      const bytes = i < share ? mutate(whole, random) : flip(whole, random);
      const { problem, weights } = await readDamaged(file, file, bytes);
      if (weights) assertUsable(weights);
      else assert.equal(problem?.file, file);
      refused += problem ? 1 : 0;
    }
    assert.ok(refused > 0 && refused < share + FLIPS, `${refused} of ${share + FLIPS} were refused`);
  });

  test(`${name}: cut off anywhere, it is refused`, async (t) => {
    const file = join(await temporaryDirectory(t), 'model.pb');
    for (const cut of truncations(whole.length, 12)) {
      // The last bytes of a graph are its version numbers, which no weight needs.
      const { problem, weights } = await readDamaged(file, file, whole.subarray(0, cut));
      if (weights) assert.ok(cut > whole.length - 20, `cut at ${cut}`);
      else assert.equal(problem?.file, file);
    }
  });
}
