import { objectionsTo } from '../../alt/page/page-images.ts';
import { reportOf } from '../../errors.ts';
import { printable, printableJson } from '../../printable.ts';
import { complain } from '../shared/complain.ts';
import { EXIT_ALT_MISSING, EXIT_OK, severity } from '../shared/exit.ts';
import type { AltFlags } from './flags.ts';
import { expandPages, readPage, shownSource } from './pages.ts';

/**
 * Lists images that axe-core would find without alternative text, one a line: page, line, address.
 * @returns exit code: a page that could not be checked counts more than an image without text
 */
export async function checkPages(args: string[], { json = false }: AltFlags): Promise<number> {
  let failed = EXIT_OK;
  let missing = EXIT_OK;
  for (const page of await expandPages(args)) {
    try {
      const objections = objectionsTo((await readPage(page)).text);
      if (objections.length > 0) missing = EXIT_ALT_MISSING;
      for (const { line, src, rule, blank } of objections) {
        const text = json
          ? printableJson({ page, line, src, rule })
          : printable(`${page}:${line}: ${blank ? 'blank' : 'no'} alt text: ${shownSource(src)}`);
        process.stdout.write(`${text}\n`);
      }
    } catch (error) {
      const report = reportOf(error);
      failed = Math.max(failed, severity(report));
      complain(page, report);
    }
  }
  return failed || missing;
}
