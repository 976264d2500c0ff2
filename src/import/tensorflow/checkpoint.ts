/** What both kinds of checkpoint offer: named tensors. */
import type { TensorHeader } from './tensor-header.ts';

export interface CheckpointTensors {
  /** The wanted tensors by name; owned by the caller. */
  floats: Map<string, Float32Array>;
  /** The scalar integer `global_step`, where there is one. */
  globalStep?: number;
}

export interface Checkpoint {
  kind: 'checkpoint-v1' | 'checkpoint-v2';
  /** The file with the names: the `.index`, or the only one. */
  file: string;
  /** All files, `file` first. */
  files: string[];
  /** Of all files. */
  bytes: number;
  /** Names and shapes are checked, data are not yet. */
  tensors: ReadonlyMap<string, TensorHeader>;
  /**
   * Reads everything once and verifies every checksum, those of unwanted tensors too.
   * @param wanted names of float32 tensors
   * @throws SourceDamaged, SourceUnsupported
   */
  readAll(wanted: ReadonlySet<string>): Promise<CheckpointTensors>;
  close(): Promise<void>;
}

/** Scalar, int32 or int64. */
export const GLOBAL_STEP = 'global_step';
