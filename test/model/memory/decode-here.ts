/** Decodes one image in a process of its own, whose memory or time a test may take away. Prints how it ended. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { IM2TXT_INPUT, type ImageInput } from '../../../src/caption/image-input.ts';
import { reportOf } from '../../../src/errors.ts';
import { decodeImage } from '../../../src/model/image.ts';

const SMALL: ImageInput = {
  resampling: 'antialiased',
  width: 32,
  height: 32,
  dtype: 'uint8',
  range: [0, 255],
  aspect: 'squash',
};
const [file, input, mebibytes, seconds] = process.argv.slice(2) as [
  string,
  'small' | 'whole',
  string,
  string,
];
const rule = input === 'small' ? SMALL : IM2TXT_INPUT;

/** Address space beside what is taken already: RLIMIT_AS, as `ulimit -v` sets it. */
function leaveMemory(bytes: number): void {
  const taken = Number(/^VmSize:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
  execFileSync('prlimit', [`--pid=${process.pid}`, `--as=${taken + bytes}`]);
}

const bytes = readFileSync(file);
// A small one first, so that every library is loaded and every thread started.
await Promise.all([1, 2, 3, 4].map(() => decodeImage(readFileSync('samples/coffee.jpg'), rule)));
if (mebibytes !== 'all') leaveMemory(Number(mebibytes) * 2 ** 20);
const decoding = decodeImage(bytes, rule, { maxSeconds: Number(seconds) });
process.stdout.write('begun\n');
const outcome = await decoding.then(
  () => 'decoded',
  (error: unknown) => JSON.stringify(reportOf(error)),
);
process.stdout.write(`${outcome}\n`);
