/** Which files of a model an import needs: one precision of its graphs, and what describes them. */
import { basename } from 'node:path';
import { PRECISIONS, type Precision, SUFFIXES } from '../export-names.ts';

const DESCRIPTIONS = [
  'README.md',
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
];

export interface Choice {
  precision: Precision;
  /** Paths in the repository, descriptions first. */
  paths: string[];
}

/**
 * Names are safe to use on this machine: only those of known form are chosen.
 * @param paths of all files
 * @returns one for each precision that there is all of, in the order of preference
 */
export function choicesIn(paths: readonly string[]): Choice[] {
  const graphs = graphsIn(paths);
  return PRECISIONS.map((precision) => ({ precision, graphs: graphsOf(graphs, precision) }))
    .filter((set) => isCaptioner(set.graphs))
    .map((set) => ({
      precision: set.precision,
      paths: [
        ...DESCRIPTIONS.filter((name) => paths.includes(name)),
        ...set.graphs.flatMap((graph) => [graph, ...paths.filter((path) => isDataOf(path, graph))]),
      ],
    }));
}

/** ONNX files where exporters put them: in `onnx`, or else at the top. */
export function graphsIn(paths: readonly string[]): string[] {
  const inFolder = paths.filter((path) => /^onnx\/[\w-]+\.onnx$/.test(path));
  return inFolder.length > 0 ? inFolder : paths.filter((path) => /^[\w-]+\.onnx$/.test(path));
}

/** A merged decoder has both of its others in it. */
const MERGED_OF: Record<string, string> = {
  decoder_model: 'decoder_model_merged',
  decoder_with_past_model: 'decoder_model_merged',
};

/** One file for each part of the network. */
function graphsOf(graphs: readonly string[], precision: Precision): string[] {
  const parts = new Map<string, string>();
  for (const suffix of SUFFIXES[precision]) {
    for (const graph of graphs) {
      const name = basename(graph, '.onnx');
      const part = name.slice(0, name.length - suffix.length);
      const isOfAnother = OTHER_SUFFIXES.some((other) => part.endsWith(other));
      if (name.endsWith(suffix) && !isOfAnother && !parts.has(part)) parts.set(part, graph);
    }
  }
  return [...parts].filter(([part]) => !parts.has(MERGED_OF[part] ?? '')).map(([, graph]) => graph);
}

const OTHER_SUFFIXES = ['_fp16', '_quantized', '_int8', '_uint8', '_q4', '_q4f16', '_bnb4'];

function isCaptioner(graphs: readonly string[]): boolean {
  const has = (part: string): boolean => graphs.some((graph) => basename(graph).startsWith(part));
  return has('decoder_model') && (has('encoder_model') || has('vision_encoder'));
}

/** `encoder_model.onnx_data`, `encoder_model.onnx_data_1`, `encoder_model.onnx.data` */
function isDataOf(path: string, graph: string): boolean {
  return path.startsWith(graph) && /^[._]data(_\d+)?$/.test(path.slice(graph.length));
}
