/**
 * The client that openapi-typescript and openapi-fetch make of the running server's document: it compiles, and captions.
 * Needs the npm registry: `npm run test:full`, `npm run test:api`.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../support/bundles.ts';
import { ROOT } from '../support/samples.ts';
import { type Api, startApi } from './api-server.ts';
import { argumentsFor, assertSays, clientProgram } from './client-says.ts';

/** Not among the dependencies: openapi-typescript does not work with TypeScript 7, which has no programming interface. */
const PACKAGES = ['openapi-typescript@7.13.0', 'openapi-fetch@0.17.0', 'typescript@5.9.3'];
const SLOW_MS = 600_000;

describe('a TypeScript client', { timeout: SLOW_MS }, () => {
  const { path: project, dispose } = temporaryDirectory();
  let api: Api;

  const inProject = async (program: string, ...args: string[]): Promise<string> => {
    const ended = promisify(execFile)(program, args, { cwd: project });
    const { stdout } = await ended.catch(({ stdout, stderr }) => assert.fail(`${stdout}${stderr}`));
    return stdout;
  };

  before(async () => {
    writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023', 'dom'],
      strict: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    };
    const files = ['use.ts', 'plain.ts'];
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    for (const name of ['generate.mjs', 'use.ts']) cpSync(clientProgram(name), join(project, name));
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...PACKAGES];
    [api] = await Promise.all([startApi(), inProject('npm', ...install)]);
  });
  after(async () => {
    await api?.close();
    dispose();
  });

  it('is made, compiles, and captions in each way', async () => {
    const document = `${api.url}/openapi.json`;
    // As everybody does, and with a type for files.
    await inProject('npx', 'openapi-typescript', document, '--output', 'plain.ts');
    await inProject(process.execPath, 'generate.mjs', document);
    await inProject('npx', 'tsc', '-p', '.');
    assertSays(await inProject(process.execPath, 'use.ts', ...argumentsFor(api)));
  });
});
