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
