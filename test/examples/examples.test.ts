/** The examples with the sources in place of the package; `test/full/package.ts` runs them with the package. */
import { join } from 'node:path';
import { describe } from 'node:test';
import { startCli } from '../support/cli.ts';
import { testExamples } from '../support/examples.ts';
import { ROOT } from '../support/samples.ts';

describe('an example:', () => {
  testExamples({ directory: join(ROOT, 'examples'), node: ['--conditions=source'], start: startCli });
});
