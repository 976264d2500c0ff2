/** bench/gpu.sh up to what it measures: in a tree of its own, since it adds a library to node_modules. */
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { temporaryDirectory } from '../support/bundles.ts';
import { ROOT } from '../support/samples.ts';

const NATIVE = 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64';
const LIBRARIES = ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'];
const GPU = 'echo "NVIDIA H100 80GB HBM3, 580.159.04"';
/** Unpacks what the wheel has where pip was told to. */
const PIP = `
[ "$1" = -m ] || exit 0
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/onnxruntime/capi"
for library in ${LIBRARIES.join(' ')}; do echo "$*" > "$2/onnxruntime/capi/$library"; done`;

interface Machine {
  gpu?: string;
  python?: string;
}

interface Ran extends SpawnSyncReturns<string> {
  /** What Node was asked to run. */
  commands: string[];
}

describe('bench/gpu.sh', { skip: process.platform !== 'linux' || process.arch !== 'x64' }, () => {
  const { path, dispose, make } = temporaryDirectory();
  after(dispose);
  let trees = 0;

  function plant(): string {
    const tree = make(`tree-${trees++}`);
    for (const file of ['bench/gpu.sh', 'infra/container/add-accelerator.sh']) {
      cpSync(join(ROOT, file), join(tree, file));
    }
    mkdirSync(join(tree, NATIVE), { recursive: true });
    writeFileSync(join(tree, 'node_modules/onnxruntime-node/package.json'), '{"version": "1.30.0"}');
    mkdirSync(join(tree, 'node_modules/.bin'));
    symlinkSync(process.execPath, join(tree, 'node-24'));
    writeProgram(
      join(tree, 'node_modules/.bin/node'),
      `case "$1" in -p) exec "${join(tree, 'node-24')}" "$@" ;; esac; echo "$*"`,
    );
    mkdirSync(join(tree, 'tmp'));
    return tree;
  }

  function bundle(tree: string, precision: string): string {
    mkdirSync(join(tree, precision));
    writeFileSync(join(tree, precision, 'manifest.json'), `{\n  "precision": "${precision}"\n}`);
    return join(tree, precision);
  }

  function run(tree: string, args: string[], { gpu = GPU, python = PIP }: Machine = {}): Ran {
    const bin = join(tree, 'bin');
    mkdirSync(bin);
    writeProgram(join(bin, 'nvidia-smi'), gpu);
    writeProgram(join(bin, 'python3'), python);
    writeProgram(join(bin, 'ldd'), 'echo "	libcuda.so.1 => not found"');
    writeProgram(join(bin, 'ldconfig'), 'echo "	libcudnn.so.9 (libc6,x86-64) => /lib/libcudnn.so.9"');
    const ran = spawnSync('sh', [join(tree, 'bench/gpu.sh'), ...args], {
      encoding: 'utf8',
      cwd: path,
      env: { PATH: `${bin}:/usr/bin:/bin`, TMPDIR: join(tree, 'tmp') },
    });
    assert.deepEqual(readdirSync(join(tree, 'tmp')), [], 'left in the temporary directory');
    return { ...ran, commands: ran.stdout.split('\n').filter((line) => line !== '') };
  }

  const assertRefused = ({ status, stderr, commands }: Ran, reason: RegExp) => {
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^gpu\.sh: .*\n$/);
    assert.match(stderr, reason);
    assert.deepEqual(commands, []);
  };

  test('adds the library of the wheel, then measures', () => {
    const tree = plant();
    const fp32 = bundle(tree, 'fp32');
    const { status, stderr, commands } = run(tree, [fp32, '--seconds', '1']);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^NVIDIA H100 80GB HBM3, 580\.159\.04\n$/);
    assert.deepEqual(readdirSync(join(tree, NATIVE)).sort(), LIBRARIES);
    assert.deepEqual(commands, [
      `bench/main.ts throughput --model ${fp32} --execution-provider cuda ` +
        '--workers 1,2,4 --batches 1,8,32 --seconds 1',
    ]);
  });

  test('takes the library that was laid there, without pip', () => {
    const tree = plant();
    const laid = join(tree, 'infra/container/cuda-provider');
    mkdirSync(laid);
    for (const library of LIBRARIES) writeFileSync(join(laid, library), '');
    const { status, stderr } = run(tree, [bundle(tree, 'fp32')], { python: 'exit 1' });
    assert.equal(status, 0, stderr);
    assert.deepEqual(readdirSync(join(tree, NATIVE)).sort(), LIBRARIES);
  });

  test('makes a network of random weights where no bundle is named', () => {
    const { stderr, commands } = run(plant(), []);
    assert.match(stderr, /^test\/full\/make-bundles\.ts \S+ --fp32$/m);
    assert.match(commands[0]!, /^bench\/main\.ts throughput --model \S+\/fp32 --execution-provider cuda /);
  });

  test('measures the processor without a GPU, and touches nothing', () => {
    const tree = plant();
    const int8 = bundle(tree, 'int8');
    const { status, commands } = run(tree, [int8, '--execution-provider', 'cpu'], { gpu: 'exit 127' });
    assert.equal(status, 0);
    assert.deepEqual(readdirSync(join(tree, NATIVE)), []);
    assert.match(commands[0]!, /--execution-provider cpu$/);
  });

  test('refuses a machine without a GPU', () => {
    const tree = plant();
    const fp32 = bundle(tree, 'fp32');
    assertRefused(run(tree, [fp32], { gpu: 'exit 9' }), /expected an NVIDIA GPU/);
    assert.ok(!existsSync(join(tree, NATIVE, LIBRARIES[0]!)));
  });

  test('refuses without a wheel', () => {
    const tree = plant();
    const ran = run(tree, [bundle(tree, 'fp32')], { python: 'exit 1' });
    assertRefused(ran, /expected the wheel onnxruntime-gpu 1\.30\.0/);
  });

  test('refuses a bundle that is not fp32', () => {
    const tree = plant();
    assertRefused(run(tree, [bundle(tree, 'int8')]), /expected an fp32 bundle for CUDA, found int8/);
  });

  test('refuses a directory without a bundle, and none', () => {
    const tree = plant();
    assertRefused(run(tree, [dirname(tree)]), /expected an fp32 bundle for CUDA, found none/);
    assertRefused(run(plant(), ['nowhere']), /nowhere: expected a bundle/);
  });
});

function writeProgram(file: string, script: string): void {
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
