/** Commands of a document as somebody pastes them into a shell, with programs that say what they were asked. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

export const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];

/** Interactive ones, which take commands from where they read: comments, history and patterns are as on a person's screen. */
const INTERACTIVE: Record<Shell, string[]> = {
  bash: ['--noprofile', '--norc', '-i'],
  zsh: ['-f', '-i', '-o', 'no_zle', '-o', 'no_beep'],
};
/** Taken from the machine: the same everywhere, but for `wc`. */
const TOOLS = ['cat', 'jq', 'rm', 'sh'];
const NO_TERMINAL = /cannot set terminal process group|no job control in this shell/;
/** Between calls; no argument has it. */
const END = '\x1e';

/** What a program says, by how its call starts: the first line that fits. */
export type Answers = readonly (readonly [call: string, answer: string])[];

export interface Pasted {
  /** Each call in turn: the program and its arguments. */
  calls: string[][];
  /** What the shell itself complained about. */
  complaints: string[];
  /** A file that the commands wrote. */
  read: (name: string) => string;
}

/** Why a shell cannot be tried; `false` where it can. */
export function missing(shell: Shell): string | false {
  const absent = [shell, 'jq'].filter((name) => where(name) === undefined);
  return absent.length > 0 && `${absent.join(' and ')} not installed`;
}

/** What a shell says of the grammar alone; nothing is run. */
export function grammarOf(shell: Shell, script: string): string {
  return spawnSync(shell, ['-n'], { input: script, encoding: 'utf8' }).stderr;
}

export interface Surroundings {
  /** Empty but for files that commands read. */
  directory: string;
  /** Not run but asked, by name or by path from the directory. */
  programs: readonly string[];
  answers: Answers;
  variables: Record<string, string>;
}

export function paste(shell: Shell, script: string, surroundings: Surroundings): Pasted {
  const { directory, programs, answers, variables } = surroundings;
  const bin = join(directory, 'bin');
  const asked = join(directory, 'asked');
  mkdirSync(bin);
  for (const name of TOOLS) symlinkSync(where(name)!, join(bin, name));
  // As BSD's: with room before the number.
  program(join(bin, 'wc'), `printf '%8d\\n' "$(${where('wc')} "$@")"`);
  const cases = answers.map(([call, answer], i) => {
    writeFileSync(join(directory, `answer-${i}`), answer);
    return `"${call}"*) cat '${directory}/answer-${i}' ;;`;
  });
  for (const path of programs) {
    const name = path.split('/').at(-1)!;
    program(
      path.includes('/') ? join(directory, path) : join(bin, name),
      [
        `{ printf '%s\\0' '${name}' "$@"; printf '${END}'; } >> '${asked}'`,
        `case "${name} $*" in`,
        ...cases,
        'esac',
      ].join('\n'),
    );
  }
  writeFileSync(asked, '');
  const { stderr } = spawnSync(where(shell)!, INTERACTIVE[shell], {
    cwd: directory,
    input: script,
    encoding: 'utf8',
    env: { ...variables, PATH: bin, HOME: directory, TERM: 'dumb' },
  });
  const calls = readFileSync(asked, 'utf8').split(END).slice(0, -1);
  return {
    calls: calls.map((call) => call.replaceAll(directory, '.').split('\0').slice(0, -1)),
    complaints: stderr
      .split('\n')
      .filter((line) => /\b(bash|zsh|sh|jq|cat|rm): /.test(line) && !NO_TERMINAL.test(line)),
    read: (name) => readFileSync(join(directory, name), 'utf8'),
  };
}

function program(path: string, body: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

function where(name: string): string | undefined {
  const places = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, name));
  return places.find((path) => existsSync(path));
}
