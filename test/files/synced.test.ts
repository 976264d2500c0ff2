/** What is written lasts before it has its name, and its name lasts: shown by the system calls. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { temporaryDirectory } from '../support/bundles.ts';

const url = (path: string) => JSON.stringify(new URL(`../../src/${path}`, import.meta.url));

const CALLS = 'fsync,rename,renameat,renameat2,link,linkat';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

function hasStrace(): boolean {
  try {
    // Some containers forbid it.
    return spawnSync('strace', ['-f', 'true']).status === 0;
  } catch {
    return false;
  }
}

/** The calls of a program, in order: `fsync DIR/name`, `give DIR/name` for any that gives a name. */
function callsOf(directory: string, program: string): string[] {
  const log = join(temporary.path, 'calls');
  const args = ['-f', '-y', '-e', `trace=${CALLS}`, '-e', 'signal=none', '-o', log];
  execFileSync('strace', [...args, process.execPath, '--input-type=module', '-e', program]);
  const calls: string[] = [];
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    if (!line.includes(directory) || /<\.\.\. .* resumed>|= -1 /.test(line)) continue;
    const synced = /fsync\(\d+<([^>]*)>/.exec(line)?.[1];
    const named = /"([^"]*)"[^"]*"([^"]*)"/.exec(line);
    const call = synced === undefined ? `give ${named![2]}` : `fsync ${synced}`;
    calls.push(call.replace(directory, 'DIR').replace(/\.show-and-tell-[\w-]+\.part/g, 'PART'));
  }
  return calls;
}

/** Each of these in this order, whatever is between. */
function inOrder(calls: readonly string[], expected: readonly string[]): void {
  let at = -1;
  for (const call of expected) {
    at = calls.indexOf(call, at + 1);
    assert.notEqual(at, -1, `${call} in\n${calls.join('\n')}`);
  }
}

describe('a file', { skip: !hasStrace() && 'needs strace' }, () => {
  const directory = join(temporary.path, 'dir');
  mkdirSync(directory);

  it('that is replaced: content, what tells the two apart, exchange, directory', () => {
    const file = join(directory, 'page.html');
    writeFileSync(file, 'old');
    const calls = callsOf(
      directory,
      `const { replaceFile } = await import(${url('files/replace-file.ts')});
       await replaceFile(${JSON.stringify(file)}, Buffer.from('old'), Buffer.from('new'));`,
    );
    const order = ['fsync DIR/PART/file/page.html', 'fsync DIR/PART/hashes', 'fsync DIR/PART'];
    inOrder(calls, [...order, 'give DIR/page.html', 'fsync DIR']);
  });

  it('that is new, or written over', () => {
    for (const [name, put] of [
      ['new.xmp', 'putNewFile'],
      ['over.svg', 'putFile'],
    ]) {
      const calls = callsOf(
        directory,
        `const { ${put} } = await import(${url('files/write-file.ts')});
         await ${put}(${JSON.stringify(join(directory, name!))}, 'new');`,
      );
      inOrder(calls, ['fsync DIR/PART', `give DIR/${name}`, 'fsync DIR']);
    }
  });

  it('of a bundle: all of them, then their directory, then its name', () => {
    const calls = callsOf(
      directory,
      `const { draftBundle } = await import(${url('model/write-bundle.ts')});
       const { readBundle } = await import(${url('model/bundle.ts')});
       const { DEFAULT_BUNDLE } = await import(${url('model/load.ts')});
       const { manifest: { files, ...rest } } = await readBundle(DEFAULT_BUNDLE);
       const parts = { encoder: [Buffer.from('1')], decoder: [Buffer.from('2')], vocabulary: [Buffer.from('3')] };
       await (await draftBundle(${JSON.stringify(join(directory, 'bundle'))}, parts, rest)).publish();`,
    );
    for (const name of ['encoder.onnx', 'decoder.onnx', 'word_counts.txt']) {
      inOrder(calls, [`fsync DIR/PART/${name}`, 'fsync DIR/PART', 'give DIR/bundle', 'fsync DIR']);
    }
    inOrder(calls, ['fsync DIR/PART/PART', 'give DIR/PART/manifest.json', 'give DIR/bundle']);
  });

  it('of results, when it is closed', () => {
    const file = join(directory, 'results.jsonl');
    const calls = callsOf(
      directory,
      `const { openResults } = await import(${url('cli/caption/resume.ts')});
       const recipe = { model: { name: 'any', hash: '' }, options: {}, duplicatesCount: false };
       const results = openResults(${JSON.stringify(file)}, recipe);
       results.append('photo.jpg', '00', {});
       results.close();`,
    );
    inOrder(calls, ['give DIR/results.jsonl.lock', 'fsync DIR/results.jsonl']);
  });

  it('that was downloaded', () => {
    const calls = callsOf(
      directory,
      `const { downloadSource } = await import(${url('import/source/download.ts')});
       const { createServer } = await import('node:http');
       const server = createServer((_, answer) => answer.end('weights')).listen(0, '127.0.0.1', async () => {
         const sha256 = (await import('node:crypto')).hash('sha256', 'weights');
         const address = 'http://127.0.0.1:' + server.address().port + '/weights.pb';
         await downloadSource(address, { sha256 }, { directory: ${JSON.stringify(directory)} });
         server.close();
         server.closeAllConnections();
       });`,
    );
    inOrder(calls, ['fsync DIR/weights.pb.part', 'give DIR/weights.pb', 'fsync DIR']);
  });
});
