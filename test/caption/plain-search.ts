/** Two searches written for plainness, to hold the real one against. */
import type { FoundCaption, SearchOptions } from '../../src/caption/beam-search.ts';
import { TopN } from '../../src/caption/search/top-n.ts';
import type { Model } from './fake-models.ts';

function begin(options: SearchOptions): FoundCaption {
  return { ids: options.startIds, wordLogProbabilities: [], logProbability: 0, score: 0, complete: false };
}

function append(caption: FoundCaption, word: number, p: number, options: SearchOptions): FoundCaption {
  const ids = [...caption.ids, word];
  const logProbability = caption.logProbability + p;
  const complete = word === options.endId;
  const factor = options.lengthNormalization;
  const score = complete && factor > 0 ? logProbability / ids.length ** factor : logProbability;
  return { ids, wordLogProbabilities: [...caption.wordLogProbabilities, p], logProbability, score, complete };
}

/** Beam search without any shortcut: the whole softmax is sorted for each hypothesis, and all steps are made. */
export function plainSearch(model: Model, options: SearchOptions): FoundCaption[] {
  let live: readonly FoundCaption[] = [begin(options)];
  const complete = new TopN<FoundCaption>(options.beamWidth);
  for (let step = 1; step < options.maxLength; step++) {
    const partial = new TopN<FoundCaption>(options.beamWidth);
    for (const caption of live) {
      const row = model(caption.ids);
      const allowed = row
        .map((p, word) => ({ p, word }))
        .filter(({ word }) => !options.bannedIds.has(word))
        .filter(({ word }) => word !== options.endId || caption.ids.length > options.minLength)
        .sort((a, b) => b.p - a.p || a.word - b.word);
      for (const { p, word } of allowed.slice(0, options.beamWidth)) {
        if (p < Math.log(1e-12)) continue;
        const longer = append(caption, word, p, options);
        (longer.complete ? complete : partial).push(longer);
      }
    }
    live = partial.items();
  }
  if (complete.size > 0) return complete.sorted().slice(0, options.count);
  return [...live].sort((a, b) => b.score - a.score).slice(0, options.count);
}

/** Constrained beam search without any shortcut: a beam for each group of the constraint, every word looked at. */
export function plainConstrainedSearch(model: Model, options: SearchOptions): FoundCaption[] {
  const { constraint, beamWidth, endId } = options;
  const stateOf = ({ ids }: FoundCaption) =>
    ids
      .slice(1)
      .reduce<number | null>((s, id) => (s === null ? s : constraint.next(s, id)), constraint.start);
  const bestByGroup = (captions: readonly FoundCaption[]) => {
    const allowed = captions.filter((caption) => stateOf(caption) !== null);
    const groups = Map.groupBy(allowed, (caption) => {
      const state = stateOf(caption)!;
      return `${constraint.group(state)} ${constraint.mustGoOn(state)}`;
    });
    return [...groups.values()].flatMap((group) =>
      group.sort((a, b) => b.logProbability - a.logProbability).slice(0, beamWidth),
    );
  };
  /** Without those that must go on and are no better than as many others as the beam has places. */
  const living = (captions: readonly FoundCaption[]) => {
    const best = bestByGroup(captions);
    return best.filter((caption) => {
      const state = stateOf(caption)!;
      const others = best.filter((other) => {
        const beside = stateOf(other)!;
        return constraint.group(beside) === constraint.group(state) && !constraint.mustGoOn(beside);
      });
      const better = others.filter((other) => other.logProbability >= caption.logProbability);
      return !constraint.mustGoOn(state) || better.length < beamWidth;
    });
  };
  let live = [begin(options)];
  const complete: FoundCaption[] = [];
  for (let step = 1; step < options.maxLength; step++) {
    const longer = live.flatMap((caption) => {
      const words = model(caption.ids).map((p, word) => append(caption, word, p, options));
      return bestByGroup(words.filter((c) => !c.complete || constraint.accepts(stateOf(caption)!)));
    });
    complete.push(...longer.filter((c) => c.ids.at(-1) === endId));
    live = living(longer.filter((c) => !c.complete));
  }
  return complete.sort((a, b) => b.score - a.score).slice(0, options.count);
}

/** Every complete sentence within the maximum length, best first; all partial ones when there is none. */
export function enumerateSearch(model: Model, options: SearchOptions): FoundCaption[] {
  const complete: FoundCaption[] = [];
  let live = [begin(options)];
  for (let step = 1; step < options.maxLength; step++) {
    const longer = live.flatMap((caption) =>
      model(caption.ids).map((p, word) => append(caption, word, p, options)),
    );
    complete.push(...longer.filter((c) => c.complete));
    live = longer.filter((c) => !c.complete);
  }
  return (complete.length > 0 ? complete : live).sort((a, b) => b.score - a.score);
}
