/**
 * Words that keep their full stop ("mr.", "st."), as the Stanford PTB tokenizer 3.4.1 treats them.
 * Found by asking it about every word of up to four letters and a dictionary, not read from its source.
 */
const anyCase = `
  adj adm adv al ala alex apr ariz assn assoc asst atty attys aug ave bhd bldg blvd brig bros calif capt cf cie cmdr
  co col colo comdr conn corp cos cpl ct dak dec dept det dr drs elec ens esq est etc ext feb fla fri ft ga gen gov govs
  hon inc ind insp intl invt jan jos jr jul jun kan kans ky lt ltd maj mar md messrs mfg mich minn mlle mme mo mon mont
  mr mrs ms msgr mt mtg natl neb nev nov oct okla penn pfc ph plc ppte ppty pres prof profs pte ptes pty ptys pvt rd rep
  reps rev rt sen sens sep sept seq sfc sgt spc sq sr st ste supt sys tel tenn thu thurs treas tue tues univ va vs vt
  wed wis wisc wm wyo`;

/** These also are everyday words, so only a capital makes the abbreviation: "Miss." but "a near miss .". */
const capitalised = 'Ark Az Del Ill La Mass Miss Ore Pa Tex Wash';

/** Only in front of a number: "no. 5" but "no .". */
const beforeNumber = 'art ca fig figs no nos op pp prop';

/** After these a single letter with a full stop ends a sentence: "plan b . Then" but "B. Smith". */
const sentenceStarters = `
  A About According Additionally After An As At But Earlier He Her Here However If In It Last Many More Now Once One
  Other Our She Since So Some Such That The Their Then There These They This We What When While Yet You`;

const alternatives = (words: string): string => words.trim().split(/\s+/).join('|');

/** Alternatives for a regular expression, without the full stop; `capitalised` and `sentenceStarters` are case-sensitive. */
export const abbreviations = {
  anyCase: alternatives(anyCase),
  capitalised: alternatives(capitalised),
  beforeNumber: alternatives(beforeNumber),
  sentenceStarters: alternatives(sentenceStarters),
};
