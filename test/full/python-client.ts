/**
 * The client that openapi-python-client makes of the running server's document: it compiles, and captions. Needs
 * Python 3 and its registry: `npm run test:api`.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../support/bundles.ts';
import { type Api, startApi } from './api-server.ts';
import { argumentsFor, assertSays, clientProgram } from './client-says.ts';
import { pythonWith, whyNoPython } from './python.ts';

const PACKAGES = ['openapi-python-client==0.29.1'];
/** A range of media types, which it passes over; bodies that are files it makes of `application/octet-stream`. */
const WARNINGS = ['Unsupported content type image/*'];
const SLOW_MS = 600_000;

const reason = await whyNoPython();

describe('a Python client', { skip: reason ?? false, timeout: SLOW_MS }, () => {
  const { path: project, dispose } = temporaryDirectory();
  let api: Api;
  let programs: string;

  /** In the project; all that it says. */
  const inProject = async (program: string, ...args: string[]) => {
    const PATH = `${programs}:${process.env.PATH}`;
    const ended = promisify(execFile)(join(programs, program), args, {
      cwd: project,
      env: { ...process.env, PATH },
    });
    return await ended.catch(({ stdout, stderr }) => assert.fail(`${stdout}${stderr}`));
  };

  before(async () => {
    cpSync(clientProgram('use.py'), join(project, 'use.py'));
    [api, programs] = await Promise.all([startApi(), pythonWith(project, PACKAGES)]);
  });
  after(async () => {
    await api?.close();
    dispose();
  });

  it('is made, compiles, and captions in each way', async () => {
    const { stdout, stderr } = await inProject(
      'openapi-python-client',
      'generate',
      ...['--url', `${api.url}/openapi.json`],
      ...['--meta', 'none', '--output-path', 'show_and_tell_client'],
    );
    const said = `${stdout}${stderr}`;
    const warnings = said.match(/^(Unsupported|Error|Unable|Invalid|Cannot|Could not|ERROR).*/gm) ?? [];
    assert.deepEqual(warnings, WARNINGS, said);
    assert.equal(said.match(/^WARNING/gm)?.length, WARNINGS.length, said);
    await inProject('python', '-m', 'compileall', '-q', 'show_and_tell_client');
    assertSays((await inProject('python', 'use.py', ...argumentsFor(api))).stdout);
  });
});
