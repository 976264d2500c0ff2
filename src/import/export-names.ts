/** How exporters of Hugging Face name the graphs of a model in several precisions. */

/** As manifests have it; of exports, which of several files. */
export type Precision = 'fp32' | 'fp16' | 'int8';

/** What stands behind the name of a graph, in the order of preference where nobody says which. */
export const SUFFIXES: Record<Precision, readonly string[]> = {
  fp32: [''],
  fp16: ['_fp16'],
  int8: ['_quantized', '_int8'],
};
export const PRECISIONS = Object.keys(SUFFIXES) as readonly Precision[];
