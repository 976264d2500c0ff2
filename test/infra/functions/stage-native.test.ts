import assert from 'node:assert/strict';
import { existsSync, globSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bytesOf } from '../../../infra/functions/function-code.ts';
import { CPU, isNeeded, stageNative } from '../../../infra/functions/stage-native.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const { path, dispose } = temporaryDirectory();
after(dispose);
/** Of this machine, whose packages npm has installed: no registry is asked. */
const HERE = process.arch === CPU.arm64 ? 'arm64' : 'x86_64';
const skip = process.platform === 'linux' ? false : 'functions run on Linux';

describe('packages with machine code, as Lambda needs them', { skip }, () => {
  const cache = join(path, 'cache');
  let staged: string;
  let files: string[];
  before(() => {
    // Nobody answers there, and nothing is kept.
    process.env.npm_config_registry = 'http://127.0.0.1:9/';
    process.env.npm_config_cache = join(path, 'npm');
    process.env.npm_config_fetch_retries = '0';
    staged = stageNative(HERE, cache);
    files = globSync('**/*', { cwd: staged }).filter((file) => statSync(join(staged, file)).isFile());
  });

  it('are those that handlers import and what these need', () => {
    const modules = join(staged, 'node_modules');
    assert.deepEqual(readdirSync(modules).sort(), [
      '@img',
      'detect-libc',
      'onnxruntime-common',
      'onnxruntime-node',
      'semver',
      'sharp',
    ]);
    const cpu = CPU[HERE];
    assert.deepEqual(readdirSync(join(modules, '@img')).sort(), [
      'colour',
      `sharp-libvips-linux-${cpu}`,
      `sharp-linux-${cpu}`,
    ]);
  });

  it('have machine code for one platform, without CUDA, sources and what installing needs', () => {
    const binaries = files.filter((file) => file.includes('/napi-v6/'));
    assert.ok(binaries.length >= 2, `${binaries}`);
    for (const file of binaries) assert.ok(file.includes(`/napi-v6/linux/${CPU[HERE]}/`), file);
    assert.ok(binaries.some((file) => file.endsWith('.node')));
    for (const file of files) {
      assert.doesNotMatch(file, /\.(map|d\.ts|d\.mts|d\.cts|md)$|libonnxruntime_providers_/);
      assert.doesNotMatch(
        file,
        /(onnxruntime-node|onnxruntime-common)\/(lib|script)\/|sharp\/(src|install)\//,
      );
    }
    assert.ok(files.includes('node_modules/sharp/package.json'));
    assert.ok(files.some((file) => file.startsWith('node_modules/onnxruntime-node/dist/')));
  });

  it('are made once for the versions of the lock file', () => {
    assert.match(staged, new RegExp(`/native-${HERE}-[0-9a-f]{16}$`));
    writeFileSync(join(staged, 'mark'), '');
    assert.equal(stageNative(HERE, cache), staged);
    assert.ok(existsSync(join(staged, 'mark')));
    assert.deepEqual(readdirSync(cache).length, 1, 'nothing half-made beside it');
  });
});

it('files are needed that a function on this platform opens', () => {
  const native = 'onnxruntime-node/bin/napi-v6';
  for (const [path, x86, arm] of [
    ['sharp/dist/index.cjs', true, true],
    ['sharp/package.json', true, true],
    ['sharp/src', false, false],
    ['sharp/src/common.cc', false, false],
    ['sharp/srcs', true, true],
    ['sharp/install/build.js', false, false],
    ['onnxruntime-node/lib/index.ts', false, false],
    ['onnxruntime-node/script/install.js', false, false],
    ['onnxruntime-common/lib/env.ts', false, false],
    ['x/onnxruntime-common/lib/env.js', true, true],
    ['onnxruntime-common/dist/cjs/env.js', true, true],
    ['semver/a.d.ts', false, false],
    ['semver/a.d.mts', false, false],
    ['semver/a.d.cts', false, false],
    ['semver/a.ts', true, true],
    ['semver/a.js.map', false, false],
    ['semver/README.md', false, false],
    ['semver/a.mdx', true, true],
    ['onnxruntime-node/bin', true, true],
    [native, true, true],
    [`${native}/linux`, true, true],
    [`${native}/darwin`, false, false],
    [`${native}/win32/x64/onnxruntime.dll`, false, false],
    [`${native}/linux/x64`, true, false],
    [`${native}/linux/arm64`, false, true],
    [`${native}/linux/x64/onnxruntime_binding.node`, true, false],
    [`${native}/linux/arm64/libonnxruntime.so.1`, false, true],
    [`${native}/linux/x64/libonnxruntime_providers_cuda.so`, false, false],
    [`${native}/linux/arm64/libonnxruntime_providers_shared.so`, false, false],
  ] as const) {
    assert.deepEqual([isNeeded(path, 'x86_64'), isNeeded(path, 'arm64')], [x86, arm], path);
  }
});

describe('bytesOf', () => {
  it('adds up files, at any depth', () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory.path, 'a'), '12345');
    mkdirSync(join(directory.path, 'b/c'), { recursive: true });
    writeFileSync(join(directory.path, 'b/c/d'), '12');
    assert.equal(bytesOf(directory.path), 7);
    directory.dispose();
  });
});
