/** What a beam search looked at: a tree of words, for people who want to see why a caption won. */

/** One continuation of one hypothesis. */
export interface TracedWord {
  /** Index of the word before it in the list; `null` at the start. */
  parent: number | null;
  /** 0 at the start id, 1 at the first word. */
  step: number;
  id: number;
  /** Of this word, natural log. */
  logProbability: number;
  /** Sum from the start on. */
  total: number;
  /** `alive`: kept for the next step. `complete`: a caption that was kept. `dropped`: better ones pushed it out. */
  fate: 'alive' | 'dropped' | 'complete';
  /** Index of the caption returned that ends here. */
  caption?: number | undefined;
}

interface Traced {
  logProbability: number;
}

/** Words in the order in which they were looked at, the start first; hypotheses are told apart by identity. */
export interface Trace {
  words: TracedWord[];
  index: Map<Traced, number>;
}

export function startTrace(start: Traced, id: number): Trace {
  return {
    words: [{ parent: null, step: 0, id, logProbability: 0, total: 0, fate: 'alive' }],
    index: new Map([[start, 0]]),
  };
}

export function traceWord(
  trace: Trace,
  parent: Traced,
  child: Traced,
  word: { id: number; logProbability: number },
): void {
  const at = trace.index.get(parent)!;
  trace.index.set(child, trace.words.length);
  trace.words.push({
    parent: at,
    step: trace.words[at]!.step + 1,
    ...word,
    total: child.logProbability,
    fate: 'dropped',
  });
}

export function traceFate(trace: Trace, kept: readonly Traced[], fate: TracedWord['fate']): void {
  for (const hypothesis of kept) trace.words[trace.index.get(hypothesis)!]!.fate = fate;
}

export function traceCaptions(trace: Trace, captions: readonly Traced[]): void {
  captions.forEach((caption, i) => {
    trace.words[trace.index.get(caption)!]!.caption = i;
  });
}
