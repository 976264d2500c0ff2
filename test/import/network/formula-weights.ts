/** The golden networks' weights, made from nothing but a formula: "Weights" in fixtures/golden/README.md. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface FormulaVariable {
  /** Canonical: `lstm/basic_lstm_cell/kernel`, whatever the generation. */
  name: string;
  shape: number[];
  scale: number;
  offset: number;
  /** The first three values. */
  first: number[];
  /** Of the float32 little-endian bytes. */
  sha256: string;
}

/** The part of `tiny.json` and `full.json` that weights come from. */
export interface FormulaNetwork {
  salt: string;
  global_step: number;
  gains: { end: number; start: number };
  vocabulary: { start_id: number; end_id: number };
  variables: FormulaVariable[];
}

export const GOLDEN = fileURLToPath(new URL('../../fixtures/golden', import.meta.url));
export const TINY = `${GOLDEN}/tiny`;

/** @param file `tiny.json` of the fixtures by default */
export function readNetwork(file = `${GOLDEN}/tiny.json`): FormulaNetwork {
  return JSON.parse(readFileSync(file, 'utf8')) as FormulaNetwork;
}

/** One variable, row-major float32. */
export function formulaWeights(network: FormulaNetwork, variable: FormulaVariable): Float32Array {
  const { scale, offset, shape, name } = variable;
  const seed = fnv1a(network.salt + name);
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const boost = boosts(network, name);
  for (let i = 0; i < values.length; i++) {
    const hash = fmix32((seed + Math.imul(i, 0x9e3779b9)) >>> 0);
    // float64 in this order, then rounded once
    values[i] = ((hash / 2 ** 32) * 2 - 1) * scale + offset + (boost?.get(i) ?? 0);
  }
  return values;
}

/** The logits of "end" and "start" are moved, so that captions end and never start again. */
function boosts({ gains, vocabulary }: FormulaNetwork, name: string): Map<number, number> | null {
  if (name !== 'logits/biases') return null;
  return new Map([
    [vocabulary.end_id, gains.end],
    [vocabulary.start_id, gains.start],
  ]);
}

/** FNV-1a, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The last mixing step of MurmurHash3, 32 bits. */
function fmix32(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
