/**
 * English words that name a person's gender, as they occur in the vocabularies of Flickr8k and COCO captions. A model
 * guesses them from appearance; a search that may not say them says `person`, `child` or `people`.
 */
export const GENDERED_WORDS: readonly string[] = [
  ...['he', 'him', 'himself', 'his', 'she', 'her', 'hers', 'herself'],
  ...['man', 'men', 'woman', 'women', 'boy', 'boys', 'girl', 'girls', 'male', 'males', 'female', 'females'],
  ...['guy', 'guys', 'lady', 'ladies', 'gentleman', 'gentlemen', 'boyfriend', 'girlfriend'],
  ...['mother', 'mothers', 'mom', 'father', 'fathers', 'dad', 'son', 'sons', 'daughter', 'daughters'],
  ...['brother', 'brothers', 'sister', 'sisters', 'husband', 'wife', 'uncle', 'aunt'],
  ...['grandmother', 'grandfather', 'bride', 'brides', 'bridesmaid', 'bridesmaids', 'groom', 'groomsmen'],
  ...['king', 'queen', 'prince', 'princess', 'cowboy', 'cowboys', 'cowgirl', 'waiter', 'waitress'],
  ...['actor', 'actress', 'ballerina', 'ballerinas', 'policeman', 'policemen', 'policewoman'],
  ...['fireman', 'firemen', 'fisherman', 'fishermen', 'businessman', 'businessmen', 'cameraman'],
  ...['baseman', 'batsman', 'horseman', 'sportsman', 'salesman', 'workman'],
];
