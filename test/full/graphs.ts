/**
 * The graphs at full width (512 units, 12,000 words) against TensorFlow. Not among the quick tests: the weights have
 * 150 MB. Run by `npx node --test test/full/graphs.ts`; SHOW_AND_TELL_FULL_GOLDEN names the reference if it is elsewhere.
 */
import { existsSync } from 'node:fs';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readGolden } from '../import/network/golden-network.ts';
import {
  checkImage,
  checkPreparedImage,
  checkTeacherForcing,
  type Network,
  openNetwork,
} from '../import/network/golden-parity.ts';

const DEFAULT = fileURLToPath(new URL('../fixtures/golden/full.json', import.meta.url));
const path = process.env.SHOW_AND_TELL_FULL_GOLDEN ?? DEFAULT;

if (existsSync(path)) {
  const golden = readGolden(path);
  let network: Network;
  before(async () => {
    network = await openNetwork(golden);
  });
  for (const { file } of golden.images) {
    test(`${file}: embedding and LSTM state are TensorFlow's`, () => checkImage(network, file));
    test(`${file}: every word's probability and state are TensorFlow's`, () =>
      checkTeacherForcing(network, file));
  }
  test("TensorFlow's own pixels give its state and every word's probability", () =>
    checkPreparedImage(network));
} else {
  test('the full network', { skip: `no ${path}` }, () => {});
}
