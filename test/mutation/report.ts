import type { Verdict } from './judge.ts';
import { interval } from './sample.ts';

export interface Report {
  place: string;
  /** That could be made; `verdicts` has a sample of them. */
  changes: number;
  /** Texts for people, which are left as they are. */
  wording: number;
  setAside: number;
  verdicts: Verdict[];
}

/** `src/evaluate  88.2 % of 600 (85.4 to 90.6 %), 1 late, 12 not reached; 3 set aside, 40 texts`. */
export function headline({ place, changes, wording, setAside, verdicts }: Report): string {
  const count = (wanted: Verdict['verdict']) => verdicts.filter(({ verdict }) => verdict === wanted).length;
  const noticed = count('killed') + count('late');
  const { low, high } = interval(noticed, verdicts.length);
  const reach = verdicts.length < changes ? ` of ${changes}, 95 %: ${percent(low)} to ${percent(high)}` : '';
  return (
    `${place}  ${percent(noticed / verdicts.length)}: ${noticed} of ${verdicts.length}${reach}; ` +
    `${count('late')} late, ${count('not reached')} not reached; ${setAside} set aside, ${wording} texts`
  );
}

/** Those that no test noticed, in the order of the code. */
export function survivors({ verdicts }: Report): string {
  return verdicts
    .filter(({ verdict }) => verdict === 'survived' || verdict === 'not reached')
    .sort((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1))
    .map(
      ({ file, line, column, mutator, verdict, from, to }) =>
        `${file}:${line}:${column} ${mutator}, ${verdict}\n  - ${short(from)}\n  + ${short(to)}`,
    )
    .join('\n');
}

function short(code: string): string {
  const line = code.replace(/\s+/g, ' ');
  return line.length > 160 ? `${line.slice(0, 157)}...` : line;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
