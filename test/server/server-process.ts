/** Runs a server with the settings of the first argument, as JSON, and says where it listens: its memory is its own. */
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { startServer } from '../../src/server/server.ts';
import { serverSettingsSchema } from '../../src/server/settings.ts';

const settings = serverSettingsSchema.parse({ port: 0, ...JSON.parse(process.argv[2] ?? '{}') });
const { url } = await startServer({ model: DEFAULT_BUNDLE, settings });
process.stdout.write(`${url}\n`);
