import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bytesOf } from '../../../infra/functions/function-code.ts';
import { hashOf } from '../../../infra/functions/readable.ts';
import { CPU, isNeeded, stageNative } from '../../../infra/functions/stage-native.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { setEnvironment } from '../../support/network/servers.ts';
import { ROOT } from '../../support/samples.ts';

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
    // Of somebody who keeps files to himself: functions run as another user.
    const usual = process.umask(0o077);
    staged = stageNative(HERE, cache);
    process.umask(usual);
    files = globSync('**/*', { cwd: staged }).filter((file) => statSync(join(staged, file)).isFile());
  });

  it('are those that handlers import and what these need', () => {
    assert.deepEqual(readdirSync(staged).sort(), [
      '@img',
      'detect-libc',
      'onnxruntime-common',
      'onnxruntime-node',
      'semver',
      'sharp',
    ]);
    const cpu = CPU[HERE];
    assert.deepEqual(readdirSync(join(staged, '@img')).sort(), [
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
    assert.ok(files.includes('sharp/package.json'));
    assert.ok(files.some((file) => file.startsWith('onnxruntime-node/dist/')));
  });

  it('can be read by everybody, whatever the umask', () => {
    for (const path of readdirSync(staged, { recursive: true, encoding: 'utf8' })) {
      const { mode } = statSync(join(staged, path));
      assert.equal(mode & 0o444, 0o444, path);
      if (statSync(join(staged, path)).isDirectory()) assert.equal(mode & 0o111, 0o111, path);
    }
  });

  it('are made once for the versions of the lock file', () => {
    assert.match(staged, new RegExp(`/native-${HERE}-[0-9a-f]{16}/node_modules$`));
    const made = statSync(staged).ino;
    assert.equal(stageNative(HERE, cache), staged);
    assert.equal(statSync(staged).ino, made);
    assert.deepEqual(readdirSync(cache).length, 1, 'nothing half-made beside it');
  });

  const damages: Record<string, (file: string) => void> = {
    'cut short': (file) => truncateSync(file, 100),
    gone: (file) => rmSync(file),
    'readable for one user alone': (file) => chmodSync(file, 0o600),
    'made by a version that kept no hash': () => rmSync(join(dirname(staged), 'sha256')),
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(`are made anew where something is ${what}`, () => {
      const whole = hashOf(staged);
      damage(join(staged, 'sharp/package.json'));
      assert.equal(stageNative(HERE, cache), staged);
      assert.equal(hashOf(staged), whole);
      assert.deepEqual(readdirSync(cache).length, 1);
    });
  }
});

/** As on a Mac, or for the other processor: npm installed neither of Lambda's packages with machine code. */
describe('packages of another platform', () => {
  const other = HERE === 'arm64' ? 'x86_64' : 'arm64';
  const cpu = CPU[other];
  const wanted = [`@img/sharp-linux-${cpu}`, `@img/sharp-libvips-linux-${cpu}`];

  it('are asked of npm by the version and the hash of the lock file, with no script run', (t) => {
    const work = temporaryDirectory();
    t.after(() => work.dispose());
    const bin = work.make('bin');
    // Says what it was asked, and installs it.
    const npm = [
      '#!/bin/sh',
      `echo "$@" > ${work.path}/asked`,
      `cp package-lock.json ${work.path}/lock.json`,
      ...wanted.map(
        (name) => `mkdir -p node_modules/${name} && echo '{}' > node_modules/${name}/package.json`,
      ),
    ];
    writeFileSync(join(bin, 'npm'), npm.join('\n'), { mode: 0o755 });
    setEnvironment(t, { PATH: `${bin}${delimiter}${process.env.PATH}` });
    const staged = stageNative(other, join(work.path, 'cache'));
    assert.deepEqual(readFileSync(join(work.path, 'asked'), 'utf8').trim().split(' ').slice(0, 5), [
      'ci',
      '--os=linux',
      `--cpu=${cpu}`,
      '--libc=glibc',
      '--ignore-scripts',
    ]);
    const locked = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
    const { packages } = JSON.parse(readFileSync(join(work.path, 'lock.json'), 'utf8'));
    for (const name of wanted) {
      assert.deepEqual(packages[`node_modules/${name}`], locked[`node_modules/${name}`]);
      assert.ok(existsSync(join(staged, name, 'package.json')), name);
    }
    // The other package has the machine code of every platform in it.
    assert.ok(existsSync(join(staged, `onnxruntime-node/bin/napi-v6/linux/${cpu}/onnxruntime_binding.node`)));
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
