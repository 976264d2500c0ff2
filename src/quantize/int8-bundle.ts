/** What INT8 bundles of any kind are made from and say. */
import type { Bundle } from '../model/bundle.ts';
import type { Manifest } from '../model/manifest.ts';
import type { Draft } from '../model/write-bundle.ts';
import type { Agreement } from './agreement.ts';

export interface QuantizeSettings {
  /** The fp32 bundle. */
  directory: string;
  /** Image files to measure the ranges of values on, and to compare captions. */
  images: readonly Uint8Array[];
  /** Where the INT8 bundle will stand. */
  out: string;
  name: string;
  onProgress(done: number, total: number): void;
}

/** An INT8 bundle, and how far it agrees with the fp32 one. */
export interface QuantizedDraft {
  draft: Draft;
  agreement: Agreement;
}

export type BundleOf<M extends Manifest> = Pick<Bundle, 'directory' | 'hash'> & { manifest: M };

/** Without what was measured: that was on other weights. */
export function int8Manifest<M extends Manifest>(manifest: M, hash: string, name: string): Omit<M, 'files'> {
  const { files: _files, metrics: _metrics, confidence: _, ...rest } = manifest;
  const origin = {
    what: `fp32 bundle ${manifest.name}, quantised`,
    source: 'show-and-tell quantize',
    license: manifest.license,
    sha256: hash,
  };
  return { ...rest, name, precision: 'int8', provenance: [...manifest.provenance, origin] } as Omit<
    M,
    'files'
  >;
}
