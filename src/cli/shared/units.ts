/** Quantities as people write them in flags. */
import { InvalidArgumentError } from 'commander';

/** As ISO/IEC 80000 has them: mb counts in thousands, mib in 1,024s. */
const BYTES: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};
/** Without a unit a number is refused: seconds and milliseconds are both usual. */
const MILLISECONDS: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 36e5 };

/** @returns whole bytes @throws InvalidArgumentError */
export function sizeOf(text: string): number {
  return quantityOf(text, BYTES, 'Give bytes, or a number with its unit, as in 10mb (10,000,000) or 32mib.');
}

/** @returns whole milliseconds @throws InvalidArgumentError */
export function durationOf(text: string): number {
  return quantityOf(text, MILLISECONDS, 'Give a number with its unit: 500ms, 30s, 2m or 1h.');
}

function quantityOf(text: string, units: Record<string, number>, advice: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = units[unit.toLowerCase()];
  if (number === '' || factor === undefined) throw new InvalidArgumentError(advice);
  return Math.round(Number(number) * factor);
}
