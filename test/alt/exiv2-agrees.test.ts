/** What an independent program reads out of the files: Exiv2, where the package exiv2-wasm is installed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { describeImage } from '../../src/alt/describe-image.ts';
import { COFFEE } from '../support/samples.ts';

interface Exiv2 {
  read(bytes: Uint8Array): Partial<Record<'exif' | 'iptc' | 'xmp', Record<string, string>>>;
}

const exiv2 = await loadExiv2();
const skip = exiv2 === null && 'exiv2-wasm is not installed';

/** The package's own entry point looks for its files in the wrong place; a variable, since TypeScript must not look. */
async function loadExiv2(): Promise<Exiv2 | null> {
  const file: string = 'exiv2-wasm/dist/exiv2.esm.js';
  const load = await import(file).catch(() => null);
  return load && (await load.default());
}

describe('Exiv2', { skip }, () => {
  for (const format of ['jpeg', 'png', 'webp', 'tiff'] as const) {
    it(`finds both texts in a ${format}, and all else as it was`, async () => {
      const before = await sharp(readFileSync(COFFEE))
        .withExif({ IFD0: { Copyright: 'Ann' }, IFD3: { GPSLatitude: '51/1 30/1 0/1' } })
        .withIccProfile('p3')
        .withXmp(
          '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="theirs"/></rdf:RDF></x:xmpmeta>',
        )
        .toFormat(format)
        .toBuffer();
      const { bytes } = describeImage(before, 'A cup, "hot".', false);
      const was = exiv2!.read(new Uint8Array(before));
      const is = exiv2!.read(new Uint8Array(bytes!));
      assert.ok(Object.keys(is.exif!).length > 5);
      // TIFF has its XMP packet among the tags; where it is and how long is no property of the picture.
      delete was.exif!['Exif.Image.XMLPacket'];
      delete is.exif!['Exif.Image.XMLPacket'];
      assert.deepEqual([is.exif, is.iptc], [was.exif, was.iptc]);
      assert.deepEqual(is.xmp, {
        'Xmp.dc.format': 'theirs',
        'Xmp.dc.description': 'lang="x-default" A cup, "hot".',
        'Xmp.iptc.AltTextAccessibility': 'lang="x-default" A cup, "hot".',
      });
    });
  }
});
