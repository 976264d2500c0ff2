export interface Line {
  measure: string;
  value: number;
  unit: 'ms' | 'ratio' | 'images/s' | 'MiB' | 'requests' | 'images' | 'nats' | 'levels';
  /** What the project sets itself, where it does. */
  target?: string;
}

/** A JSON line on standard output, a row of a table on standard error. */
export function report(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
  const { measure, value, unit, target = '' } = line;
  const shown = unit === 'nats' && value < 0.01 ? value.toExponential(1) : value.toFixed(2);
  process.stderr.write(`${measure.padEnd(52)} ${shown.padStart(9)} ${unit.padEnd(9)} ${target}\n`);
}
