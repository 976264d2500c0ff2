/** A real browser, where the machine has one. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** What distributions and Google call it; the first one does without a screen. */
const NAMES = [
  'chromium-headless-shell',
  'chrome-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
];

const executable = process.env.CHROMIUM ?? findExecutable();

/** Why tests that need a browser are skipped; `false` when there is one. */
export const NO_BROWSER =
  executable === undefined &&
  'no Chromium here: install chromium-headless-shell, or name an executable in CHROMIUM';

/** Starts it without a window; the caller closes it. */
export function launchBrowser(): Promise<Browser> {
  if (executable === undefined) throw new Error('tests with a browser are skipped where there is none');
  // Chromium refuses to start its sandbox as root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: executable, args });
}

function findExecutable(): string | undefined {
  const directories = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  return NAMES.flatMap((name) => directories.map((directory) => join(directory, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
