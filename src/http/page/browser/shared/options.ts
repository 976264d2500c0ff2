/** What the visitor may choose, and what the model does where nothing is chosen. */
import { $ } from './document.ts';
import { send } from './send.ts';

/** `<S>` and `</S>`, which the API counts and people do not. */
const START_AND_END = 2;

export const options = $<HTMLFormElement>('#options');
/** Until the model says better. */
let defaultBeams = 3;
let defaultNeutral = false;

function field(name: string): HTMLInputElement {
  return options.elements.namedItem(name) as HTMLInputElement;
}

/** The query of a request for captions; empty fields are left out. */
export function query(): URLSearchParams {
  const chosen = (name: string) => field(name).value;
  const neutral = field('neutral').checked;
  const longest = chosen('longest');
  const asked = {
    trace: '1',
    beamWidth: chosen('beams'),
    count: chosen('captions'),
    minLength: chosen('shortest'),
    maxLength: longest && String(Number(longest) + START_AND_END),
    requiredWords: chosen('must')
      .split(',')
      .map((words) => words.trim())
      .filter(Boolean)
      .join(','),
    prefix: chosen('begins').trim(),
    genderNeutral: neutral === defaultNeutral ? '' : String(neutral),
  };
  return new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== ''));
}

/** A beam of n keeps at most n captions: the fields follow each other. */
export function followBeams(changed: EventTarget | null): void {
  const beams = field('beams');
  const captions = field('captions');
  if (!captions.value || Number(captions.value) <= Number(beams.value || defaultBeams)) return;
  if (changed === captions) beams.value = captions.value;
  else captions.value = beams.value || String(defaultBeams);
}

/** Says which model it is and what it does where the options are left empty; shows nothing when the server does not answer. */
export async function introduceModel(): Promise<void> {
  const response = await send('model').catch(() => null);
  const model = response?.ok ? await response.json().catch(() => null) : null;
  if (!model?.decoding) return;
  const { beamWidth, minLength, maxLength, genderNeutral = false } = model.decoding;
  document.body.classList.toggle('blind', !model.explains);
  defaultBeams = beamWidth;
  field('beams').placeholder = beamWidth;
  field('captions').placeholder = beamWidth;
  field('shortest').placeholder = minLength;
  field('longest').placeholder = String(maxLength - START_AND_END);
  defaultNeutral = genderNeutral;
  if (defaultNeutral) field('neutral').checked = true;
  $('#model').textContent = `Model ${model.name}, ${model.hash.slice(0, 12)}`;
  $('#model').title = model.description;
}
