// Captions one photograph.
//   node caption.ts photo.jpg
import { altText, loadCaptioner } from 'show-and-tell';

const [photo = 'photo.jpg'] = process.argv.slice(2);
await using captioner = await loadCaptioner();
const { captions, confidence } = await captioner.caption(photo, { count: 1 });
console.log(altText(captions[0]!.text));
if (confidence !== undefined) console.log(`acceptable with a probability of ${confidence.toFixed(2)}`);
