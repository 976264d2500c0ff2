/**
 * The package as somebody installs it: packed, installed into an empty project by npm with nothing set, imported in
 * each way, and run. Needs the npm registry, and no other network: `npm run test:full`.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { pack } from '../../packaging/pack.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { addressIn } from '../support/cli.ts';
import { testExamples } from '../support/examples.ts';
import { COFFEE, ROOT } from '../support/samples.ts';

const run = promisify(execFile);
/** Packing 300 MB takes 40 s on one busy processor, installing 30 s. */
const SLOW_MS = 600_000;

/** A user's: nothing of this repository's `.npmrc`, which npm hands on to what it runs, nor of its programs. */
const env = Object.fromEntries(
  Object.entries({ ...process.env, npm_config_audit: 'false' }).filter(
    ([name]) => !/^npm_(?!config_audit|config_cache)|^NODE_OPTIONS$|^ONNXRUNTIME_/i.test(name),
  ),
);

const { path: temporary, dispose } = temporaryDirectory();
const project = join(temporary, 'project');
const bundled = join(project, 'node_modules/show-and-tell/node_modules');
const [best] = (await (await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 })).caption(readFileSync(COFFEE)))
  .captions;
after(dispose);

/** In the project; its standard output. */
async function inProject(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(program, args, { cwd: project, env, timeout: SLOW_MS });
  return stdout;
}

function write(name: string, content: string | object): void {
  writeFileSync(join(project, name), typeof content === 'string' ? content : JSON.stringify(content));
}

const USE = `const captioner = await loadCaptioner();
const { captions } = await captioner.caption('coffee.jpg');
console.log(captions[0].text);
await captioner.close();
`;

describe('the package in an empty project', { timeout: SLOW_MS }, () => {
  before(async () => {
    mkdirSync(project);
    write('package.json', { name: 'project', private: true });
    cpSync(COFFEE, join(project, 'coffee.jpg'));
    const tarball = await pack(temporary);
    await inProject('npm', 'install', '--no-fund', tarball, 'hono', '@hono/node-server');
  });

  it('brings onnxruntime for every platform, without a script that downloads', () => {
    const { scripts } = JSON.parse(readFileSync(join(bundled, 'onnxruntime-node/package.json'), 'utf8'));
    assert.equal(scripts, undefined);
    for (const platform of ['linux/x64', 'linux/arm64', 'darwin/arm64', 'win32/x64', 'win32/arm64']) {
      assert.ok(existsSync(join(bundled, 'onnxruntime-node/bin/napi-v6', platform)), platform);
    }
  });

  it('is what publint and are-the-types-wrong expect of one', async () => {
    await run(process.execPath, [join(ROOT, 'packaging/lint.ts')], { env, timeout: SLOW_MS }).catch(
      ({ stdout }) => assert.fail(stdout),
    );
  });

  it('is imported by an ES module', async () => {
    write('esm.mjs', `import { loadCaptioner } from 'show-and-tell';\n${USE}`);
    assert.equal(await inProject(process.execPath, 'esm.mjs'), `${best!.text}\n`);
  });

  it('is imported by CommonJS', async () => {
    write('cjs.cjs', `(async () => { const { loadCaptioner } = await import('show-and-tell');\n${USE}})();`);
    assert.equal(await inProject(process.execPath, 'cjs.cjs'), `${best!.text}\n`);
  });

  for (const [module, moduleResolution, types] of [
    ['nodenext', 'nodenext', ['node']],
    // Without Node's types, as in a project for browsers.
    ['esnext', 'bundler', []],
  ] as const) {
    it(`is checked and compiled by TypeScript, module resolution ${moduleResolution}`, async () => {
      const directory = join(project, moduleResolution);
      mkdirSync(directory);
      write(`${moduleResolution}/package.json`, { type: 'module' });
      write(`${moduleResolution}/tsconfig.json`, {
        compilerOptions: {
          module,
          moduleResolution,
          target: 'es2023',
          strict: true,
          skipLibCheck: false,
          types,
          typeRoots: [join(ROOT, 'node_modules/@types')],
        },
        files: ['use.ts'],
      });
      write(
        `${moduleResolution}/use.ts`,
        `import { altText, type CaptionResult, createPool, ImageNotFound, loadCaptioner } from 'show-and-tell';
const captioner = await loadCaptioner({ threads: 1 });
const result: CaptionResult = await captioner.caption(new URL('../coffee.jpg', import.meta.url), {
  count: 1,
  signal: AbortSignal.timeout(60_000),
});
console.log(result.captions[0]!.text);
// @ts-expect-error: a number is no image
const wrong = () => captioner.caption(7);
// @ts-expect-error: no such option
const option = () => captioner.caption('coffee.jpg', { beam: 3 });
await captioner.close();
void [altText, createPool, ImageNotFound, wrong, option];
`,
      );
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
      await run(process.execPath, [tsc, '-p', directory], { cwd: directory }).catch(({ stdout }) =>
        assert.fail(stdout),
      );
      assert.equal(await inProject(process.execPath, `${moduleResolution}/use.js`), `${best!.text}\n`);
    });
  }

  it('is a command of npx', async () => {
    const stdout = await inProject('npx', 'show-and-tell', 'caption', '--top', '1', 'coffee.jpg');
    assert.match(stdout, new RegExp(`0\\) ${best!.text.replaceAll('.', '\\.')} \\(p=`));
  });

  it('serves captions and the page', async (t) => {
    const child = spawn('npx', ['show-and-tell', 'serve', '--port', '0', '--workers', '1', '--quiet'], {
      cwd: project,
      env,
      // npx and the server in a group of their own: npx does not hand every signal on.
      detached: true,
    });
    t.after(() => child.exitCode ?? child.signalCode ?? process.kill(-child.pid!, 'SIGKILL'));
    const url = await addressIn(child);
    const response = await fetch(new URL('captions?count=1', url), {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg' },
      body: readFileSync(COFFEE),
    });
    assert.equal(((await response.json()) as { captions: [{ text: string }] }).captions[0].text, best!.text);
    assert.match(await (await fetch(url)).text(), /<script type="module">/);
    assert.equal((await fetch(new URL('health', url))).status, 200);
    const ended = once(child, 'exit');
    process.kill(-child.pid!, 'SIGINT');
    await ended;
  });
});

describe('an example beside the installed package:', { timeout: SLOW_MS }, () => {
  before(() => {
    mkdirSync(join(project, 'examples'));
    write('examples/package.json', { type: 'module' });
    for (const name of ['caption.ts', 'folder.ts', 'route.ts', 'lambda.ts', 'client.py']) {
      cpSync(join(ROOT, 'examples', name), join(project, 'examples', name));
    }
  });
  testExamples({
    directory: join(project, 'examples'),
    node: [],
    env,
    start: (args) =>
      spawn('node', ['node_modules/show-and-tell/dist/cli/launch.js', ...args], { cwd: project, env }),
  });
});
