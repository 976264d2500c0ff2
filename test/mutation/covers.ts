/** Which code a test file runs, its worker threads and processes included, as V8 wrote it into NODE_V8_COVERAGE. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Range {
  startOffset: number;
  endOffset: number;
  count: number;
}
interface Report {
  result: { url: string; functions: { ranges: Range[] }[] }[];
}

/** File to a list of ranges for each process or thread that loaded it. */
export type Coverage = ReadonlyMap<string, readonly (readonly Range[])[]>;

/**
 * @param directory of V8's reports
 * @param root what paths of files are relative to
 */
export function readCoverage(directory: string, root: string): Coverage {
  const prefix = `${pathToFileURL(root).href}/`;
  const coverage = new Map<string, Range[][]>();
  for (const name of readdirSync(directory)) {
    for (const { url, functions } of parse(join(directory, name)).result) {
      if (!url.startsWith(prefix)) continue;
      const file = decodeURI(url.slice(prefix.length)).replace(/[?#].*$/, '');
      const loads = coverage.get(file) ?? [];
      loads.push(functions.flatMap(({ ranges }) => ranges));
      coverage.set(file, loads);
    }
  }
  return coverage;
}

/** Empty where the process was killed while it wrote. */
function parse(path: string): Report {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch {
    return { result: [] };
  }
}

export function runs(coverage: Coverage, file: string, offset: number): boolean {
  return (coverage.get(file) ?? []).some((ranges) => (innermost(ranges, offset)?.count ?? 0) > 0);
}

function innermost(ranges: readonly Range[], offset: number): Range | undefined {
  return ranges
    .filter(({ startOffset, endOffset }) => startOffset <= offset && offset < endOffset)
    .reduce<Range | undefined>(
      (best, range) => (best && length(best) <= length(range) ? best : range),
      undefined,
    );
}

function length({ startOffset, endOffset }: Range): number {
  return endOffset - startOffset;
}
