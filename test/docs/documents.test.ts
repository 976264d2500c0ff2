/** What the documents tell people to type and to open has to be there. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { before, describe, test } from 'node:test';
import { runCli } from '../support/cli.ts';
import { ROOT } from '../support/samples.ts';
import { type Document, readDocuments } from './documents.ts';

const documents = readDocuments();

/** What readers make themselves. */
const MADE_BY_READERS = ['models/im2txt', 'docs/api'];
/** Not of the program: they stand in sentences about others. */
const FLAGS_OF_OTHERS = ['--all', '--scope', '--aws-sigv4', '--optimize-for-size'];

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const files = globSync('{src,infra,test,bench}/**/*.{ts,js}', { cwd: ROOT }).map((path) => basename(path));

function codeOf({ blocks, spans }: Document): string[] {
  return [...blocks.flatMap((block) => block.split('\n')), ...spans];
}

/** `src/model/pool.ts`, `samples/*.jpg`: whatever starts with a directory of the repository. */
function pathsIn(code: string): string[] {
  const paths = code.matchAll(
    /(?<![\w/.:$~}-])(?:src|infra|test|docs|bench|models|samples)\/[\w.*/-]*[\w*]/g,
  );
  return [...paths].map(([path]) => path);
}

for (const document of documents) {
  describe(document.path, () => {
    test('every path in it is there', () => {
      const paths = codeOf(document)
        .flatMap(pathsIn)
        .filter((path) => !MADE_BY_READERS.some((made) => path.startsWith(made)));
      assert.deepEqual(
        paths.filter((path) => globSync(path, { cwd: ROOT }).length === 0),
        [],
      );
    });

    test('every link leads somewhere', () => {
      const targets = document.links.map((link) => normalize(join(dirname(document.path), link)));
      assert.deepEqual(
        targets.filter((target) => !existsSync(join(ROOT, target))),
        [],
      );
    });

    test('every source file that it names without its directory is there', () => {
      const names = document.spans.filter((span) => /^[a-z][\w-]*\.(ts|js)$/.test(span));
      assert.deepEqual(
        names.filter((name) => !files.includes(name)),
        [],
      );
    });

    test('every script of npm in it is in package.json', () => {
      const names = codeOf(document).flatMap((code) =>
        [...code.matchAll(/\bnpm (?:run ([\w:-]+)|(test)\b)/g)].map(([, run, own]) => run ?? own!),
      );
      assert.deepEqual(
        names.filter((name) => !(name in scripts)),
        [],
      );
    });
  });
}

test('what readers are said to make themselves is still said', () => {
  for (const path of MADE_BY_READERS)
    assert.ok(
      documents.some(({ text }) => text.includes(path)),
      path,
    );
});

/** A command line of the program: its subcommand and its flags. */
interface CommandLine {
  code: string;
  command: string;
  flags: string[];
}

/** Up to what the shell does next. */
const COMMAND_LINE =
  /(?:\bshow-and-tell |\bnpm run (?=caption |evaluate |serve ))([a-z][a-z-]+)((?:(?! [|>#;]|&&|\)).)*)/g;

function commandLines({ blocks, spans }: Document): CommandLine[] {
  return [...blocks, ...spans].flatMap((code) =>
    [...code.matchAll(COMMAND_LINE)].map(([line, command, rest]) => ({
      code: line,
      command: command!,
      flags: flagsIn(rest!),
    })),
  );
}

function flagsIn(text: string): string[] {
  return [...text.matchAll(/(?<=^|\s)--[a-z][\w-]*/g)].map(([flag]) => flag);
}

/** Flags of a script of `bench/`, from its own table. */
function benchFlags(script: string): string[] {
  const source = readFileSync(join(ROOT, 'bench', script), 'utf8');
  return [...source.matchAll(/^ {4}'?([\w-]+)'?: \{ type: 'string'/gm)].map(([, name]) => `--${name}`);
}

describe('the command line in the documents', () => {
  const known = new Map<string, string[]>();

  before(async () => {
    const { stdout } = await runCli(['--help']);
    const commands = [...stdout.matchAll(/^ {2}([a-z][a-z-]+) \[?[\w<]/gm)].map(([, name]) => name!);
    await Promise.all(
      commands
        .filter((name) => name !== 'help')
        .map(async (name) => {
          const help = await runCli([name, '--help']);
          known.set(name, flagsIn(help.stdout.replace(/,/g, ' ')));
        }),
    );
  });

  test('the help was understood', () => {
    assert.ok(known.get('run-bucket')?.includes('--dry-run'));
    assert.ok(known.get('caption')?.includes('--json'));
  });

  test('every command and every flag of it is there', () => {
    const lines = documents.flatMap(commandLines);
    assert.ok(lines.length > 10);
    const wrong = lines.filter(
      ({ command, flags }) =>
        !flags.every((flag) => known.get(command)?.includes(flag)) || !known.has(command),
    );
    assert.deepEqual(wrong, []);
  });

  test('every flag that stands alone belongs to some command', () => {
    const all = [...known.values(), benchFlags('main.ts'), benchFlags('costs.ts'), FLAGS_OF_OTHERS].flat();
    const alone = documents.flatMap(({ spans }) =>
      spans.filter((span) => span.startsWith('--')).flatMap(flagsIn),
    );
    assert.deepEqual(
      alone.filter((flag) => !all.includes(flag)),
      [],
    );
  });

  test('every flag of a benchmark is there', () => {
    const lines = documents.flatMap(codeOf);
    const given = lines.flatMap((line) =>
      [...line.matchAll(/\bnode bench\/([\w-]+\.ts)(.*)/g)].flatMap(([, script, rest]) =>
        flagsIn(rest!).map((flag) => ({ script: script!, flag })),
      ),
    );
    assert.ok(given.length > 0);
    assert.deepEqual(
      given.filter(({ script, flag }) => !benchFlags(script).includes(flag)),
      [],
    );
  });
});
