/** From the options that somebody asks for to what the core takes: once, at the edge. */
import { InvalidRequest } from '../errors.ts';
import { type CaptionOptions, type CaptionOptionsInput, parseCaptionOptions } from './options.ts';
import type { PlannedWords, Vocabulary } from './vocabulary/vocabulary.ts';

/** Options found right for one model, its words as the vocabulary takes them. Plain data: it crosses to worker threads. */
export interface CaptionPlan {
  /** As they were asked for: the key of a result in S3 follows from them. */
  asked: CaptionOptionsInput;
  /** What holds, the model's defaults filled in. */
  options: CaptionOptions;
  words: PlannedWords;
}

/** What a plan depends on. */
export interface PlannedModel {
  /** What the model was tuned for; a caller's options win. */
  defaults: CaptionOptionsInput;
  vocabulary: Vocabulary;
  /** Whether its results have a confidence. */
  calibrated: boolean;
  /** Whether leaving cells out of the image's embedding is all that its decoder sees of it. */
  explains: boolean;
  /** The longest captions that it can say, as `maxLength` counts. @default no limit */
  longest?: number | undefined;
}

/** What the decoder reads of an image is no mean of cells that one could be left out of. */
const UNEXPLAINED = 'this model cannot say which part of the image a word came from; Show and Tell can';

/**
 * @throws InvalidRequest naming each option that is out of bounds; for captions longer than the model can say; for a
 * required word that it cannot say, or that is banned as well; for a confidence or an explanation where there is none
 */
export function planCaptions(
  asked: CaptionOptionsInput,
  model: PlannedModel,
  beside: { explain?: boolean | undefined } = {},
): CaptionPlan {
  checkExplains(beside, model);
  const options = parseCaptionOptions(asked, model.defaults);
  if (options.minConfidence !== undefined && !model.calibrated) {
    const message = 'this model was not calibrated; `show-and-tell evaluate --save` does it';
    throw new InvalidRequest([{ field: 'minConfidence', message }]);
  }
  const { longest } = model;
  if (longest !== undefined && options.maxLength > longest) {
    throw new InvalidRequest([{ field: 'maxLength', message: `can be at most ${longest} with this model` }]);
  }
  const { bannedWords, genderNeutral, prefix = '', requiredWords: required = [] } = options;
  const banned = genderNeutral === true ? [...bannedWords, ...GENDERED_WORDS] : bannedWords;
  return { asked, options, words: model.vocabulary.plan({ banned, prefix, required }) };
}

/** @throws InvalidRequest */
export function checkExplains(
  { explain }: { explain?: boolean | undefined },
  { explains }: Pick<PlannedModel, 'explains'>,
): void {
  if (explain && !explains) throw new InvalidRequest([{ field: 'explain', message: UNEXPLAINED }]);
}

/**
 * English words that name a person's gender, as they occur in the vocabularies of the default model and of other models
 * trained on COCO or Flickr8k captions. A model guesses them from appearance; a search that may not say them says
 * `person`, `child` or `people`. Names of figures (`superman`) are not among them.
 */
export const GENDERED_WORDS: readonly string[] = [
  ...['he', 'him', 'himself', 'his', 'she', 'her', 'hers', 'herself'],
  ...['man', 'men', 'woman', 'women', 'boy', 'boys', 'girl', 'girls', 'male', 'males', 'female', 'females'],
  // The possessives of captions whose apostrophe got lost: "a mans hand".
  ...['mans', 'mens', 'womans', 'womens'],
  ...['guy', 'guys', 'lady', 'ladies', 'gentleman', 'gentlemen', 'boyfriend', 'girlfriend'],
  ...['fellow', 'fellows', 'lad', 'lads', 'dude', 'dudes', 'gal', 'gals'],
  // Not `blond`, which is said of everybody.
  ...['blonde', 'blondes', 'brunette', 'brunettes'],
  ...['mother', 'mothers', 'mom', 'moms', 'mommy', 'mama', 'mum'],
  ...['father', 'fathers', 'dad', 'dads', 'daddy'],
  ...['son', 'sons', 'daughter', 'daughters', 'grandson', 'granddaughter'],
  ...['brother', 'brothers', 'sister', 'sisters', 'husband', 'husbands', 'wife', 'wives', 'uncle', 'aunt'],
  ...['grandmother', 'grandfather', 'grandma', 'grandpa'],
  ...['bride', 'brides', 'bridesmaid', 'bridesmaids', 'groom', 'grooms', 'groomsman', 'groomsmen'],
  ...['king', 'kings', 'queen', 'queens', 'prince', 'princes', 'princess', 'princesses'],
  ...['cowboy', 'cowboys', 'cowgirl', 'cowgirls', 'schoolboy', 'schoolboys', 'schoolgirl', 'schoolgirls'],
  ...['waiter', 'waiters', 'waitress', 'waitresses', 'hostess', 'stewardess', 'nun', 'nuns', 'monk', 'monks'],
  ...['actor', 'actors', 'actress', 'actresses', 'ballerina', 'ballerinas'],
  ...['policeman', 'policemen', 'policewoman', 'fireman', 'firemen', 'fisherman', 'fishermen', 'mailman'],
  ...['businessman', 'businessmen', 'businesswoman', 'businesswomen', 'cameraman', 'doorman', 'handyman'],
  ...['baseman', 'basemen', 'batsman', 'batsmen', 'horseman', 'horsemen', 'sportsman', 'sportsmen'],
  ...['salesman', 'workman', 'workmen'],
];
