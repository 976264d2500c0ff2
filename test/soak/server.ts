/**
 * The server of the soak: as `show-and-tell serve`, with workers that a banned word makes crash or hang, and a heap that
 * SIGUSR2 makes it collect. Its settings are the first argument, as JSON.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { createLog } from '../../src/server/access-log.ts';
import { startServer } from '../../src/server/server.ts';
import { serverSettingsSchema } from '../../src/server/settings.ts';

/** Far above what an image takes on a busy processor, far below what the soak takes. */
const HANG_MS = 15_000;

const { url, stop } = await startServer({
  model: DEFAULT_BUNDLE,
  settings: serverSettingsSchema.parse(JSON.parse(process.argv[2]!)),
  report: createLog(),
  workers: { module: new URL('../model/saboteur.ts', import.meta.url), hangMs: HANG_MS },
});
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (how: { type: 'major'; flavor: 'last-resort' }) => void;
// What V8 keeps for later, up to 65 MB, goes as well.
process.on('SIGUSR2', () => collect({ type: 'major', flavor: 'last-resort' }));
process.once('SIGTERM', () => void stop());
process.stdout.write(`${url}\n`);
