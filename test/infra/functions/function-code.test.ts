import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { assembleFunctions } from '../../../infra/functions/function-code.ts';
import { CPU } from '../../../infra/functions/stage-native.ts';
import type { Resource } from '../../support/aws/template.ts';
import { copyBundle, flipByte, temporaryDirectory } from '../../support/bundles.ts';
import { rejectsUnusable } from '../../support/errors.ts';
import { ROOT } from '../../support/samples.ts';
import { synthesise } from '../synthesis.ts';

test('a damaged bundle is not packed', async (t) => {
  const place = temporaryDirectory();
  t.after(() => place.dispose());
  const bundle = copyBundle(place.path);
  const out = join(place.path, 'out');
  for (const damaged of [bundle.manifestPath, bundle.pathOf('decoder')]) {
    flipByte(damaged);
    const problem = await rejectsUnusable(
      assembleFunctions({ architecture: 'x86_64', modelDirectory: place.path }, out),
    );
    assert.equal(problem.file, damaged);
    assert.ok(!existsSync(out));
    flipByte(damaged);
  }
});

/** Packages that have no machine code for an Intel Mac, or were installed for another machine. */
const WITHOUT_MACHINE_CODE = `
  import { registerHooks } from 'node:module';
  const native = /^(onnxruntime-node|sharp)$/;
  registerHooks({
    resolve(name, context, next) {
      if (native.test(name)) throw new Error(name + ' has no machine code for this platform');
      return next(name, context);
    },
  });
`;

const skip = process.platform === 'linux' ? false : 'the packages for Linux would be asked of the registry';

test('functions can be read by every user and need no machine code of this machine, whoever packs them', {
  skip,
}, (t) => {
  const place = temporaryDirectory();
  t.after(() => place.dispose());
  const { manifestPath, directory } = copyBundle(place.make('model'));
  chmodSync(manifestPath, 0o600);
  const out = join(place.path, 'out');
  const module = pathToFileURL(join(ROOT, 'infra/functions/function-code.ts'));
  const architecture = process.arch === CPU.arm64 ? 'arm64' : 'x86_64';
  const settings = JSON.stringify({ architecture, modelDirectory: directory });
  const script = `${WITHOUT_MACHINE_CODE}
    process.umask(0o077);
    const { assembleFunctions } = await import('${module}');
    await assembleFunctions(${settings}, ${JSON.stringify(out)});`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const modes = ['.', ...readdirSync(out, { recursive: true, encoding: 'utf8' })].map((path) => {
    const { mode } = statSync(join(out, path));
    return { path, mode: (mode & 0o777).toString(8) };
  });
  assert.deepEqual(
    modes.filter(({ mode }) => !['644', '755'].includes(mode)),
    [],
  );
  for (const name of ['http.mjs', 'model/manifest.json', 'node_modules/sharp/package.json'])
    assert.equal(modes.find(({ path }) => path === name)?.mode, '644', name);
});

test('the same code with other modes is another asset, so that a broken one is not taken for it', (t) => {
  const { path: directory, dispose } = temporaryDirectory();
  t.after(dispose);
  const keyOf = (mode: number) => {
    chmodSync(join(directory, 'http.mjs'), mode);
    const { resources } = synthesise({ source: { kind: 'zip', directory } });
    const [{ Properties }] = Object.values(resources).filter(
      ({ Type }) => Type === 'AWS::Lambda::Function',
    ) as [Resource];
    return (Properties.Code as { S3Key: string }).S3Key;
  };
  writeFileSync(join(directory, 'http.mjs'), '');
  const readable = keyOf(0o644);
  assert.notEqual(keyOf(0o600), readable);
  assert.equal(keyOf(0o644), readable);
});
