/** Another program that edits a file again and again: `node editor.ts FILE ROUNDS WAY...`. Edit 12 is a line `edit 12`. */
import {
  appendFileSync,
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const [file = '', rounds = '', ...ways] = process.argv.slice(2);

const edit: Record<string, (line: string) => void> = {
  append: (line) => appendFileSync(file, line),
  // Opened, and written some time later.
  late: (line) => {
    const descriptor = openSync(file, 'a');
    for (const end = performance.now() + 5; performance.now() < end; );
    writeSync(descriptor, line);
    closeSync(descriptor);
  },
  // As editors save.
  rename: (line) => {
    writeFileSync(`${file}.new`, readFileSync(file, 'utf8') + line);
    renameSync(`${file}.new`, file);
  },
};

for (let round = 0; round < Number(rounds); round++) {
  edit[ways[round % ways.length]!]!(`edit ${round}\n`);
  await pause((round * 13) % 47);
}
