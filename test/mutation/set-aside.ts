/** Changes that no test can or should notice, each with its reason. */
import type { Mutant } from './mutants.ts';

interface SetAside {
  /** As in the file, white space aside. */
  from: string;
  to: string;
  because: string;
}

const ASCII = 'Without it the text is UTF-8, and what it is compared with has ASCII alone.';

const NO_HASHES = 'Neither text is one of hashes.';

/** File to what may be changed in it. */
const SET_ASIDE: Record<string, readonly SetAside[]> = {
  'src/model/worker-messages.ts': [
    { from: "'stop'", to: '""', because: 'Anything will do that is no object.' },
  ],
  'src/bucket-run/list.ts': [
    {
      from: "''",
      to: '"Stryker was here!"',
      because: 'S3 lists no object without a key; the type alone allows it.',
    },
  ],
  'src/cli/evaluate/evaluate.ts': [
    { from: 'close();', to: ';', because: 'The process ends right after, and its open files with it.' },
  ],
  'src/evaluate/bleu.ts': [
    { from: 'next < best', to: '(next <= best)', because: 'Of two equal lengths either is the same number.' },
  ],
  'src/pictures/heat.ts': [
    {
      from: 'share < TELLING',
      to: '(share <= TELLING)',
      because: 'No importance has a share of exactly 0.01 in floating point.',
    },
  ],
  'src/quantize/quantize-products.ts': [
    {
      from: '{ axis: 0 }',
      to: '{}',
      because: "0 is the standard's default for Gather, and Concat and Split fail without.",
    },
    { from: '{ keepdims: 1 }', to: '{}', because: "1 is the standard's default for ReduceMax." },
  ],
  'src/caption/vocabulary/word-list.ts': [
    {
      from: 'field !== undefined',
      to: '(true)',
      because: 'Only the types need it: as a text, "undefined" is no number either.',
    },
  ],
  'src/alt/page/page-images.ts': [
    {
      from: `/^(?:"(.*)"|'(.*)')$/s`,
      to: `/^(?:"(.*)"|'(.*)')/s`,
      because: 'In HTML a value that begins with a quote ends with it.',
    },
  ],
  'src/alt/xmp-packet.ts': [
    {
      from: 'error instanceof UnsupportedImage',
      to: '(true)',
      because:
        'Nothing else is thrown there; a fault of the program would be, and shall not pass for damaged XMP.',
    },
  ],
  'src/alt/png.ts': [{ from: "'latin1'", to: '""', because: ASCII }],
  'src/alt/webp.ts': [{ from: "'latin1'", to: '""', because: ASCII }],
  'src/alt/words/exif.ts': [{ from: "'latin1'", to: '""', because: ASCII }],
  'src/alt/words/photoshop.ts': [{ from: "'latin1'", to: '""', because: ASCII }],
  'src/alt/jpeg.ts': [
    {
      from: 'change.digest === null',
      to: '(false)',
      because: 'Without a digest there is no resource of it to replace.',
    },
  ],
  'src/alt/tiff.ts': [
    {
      from: 'digest?.set',
      to: 'digest.set',
      because: 'Only the types need it: there is a new digest where there was an old one.',
    },
  ],
  'src/alt/raw-original.ts': [{ from: '[]', to: '["Stryker was here"]', because: 'A text has no tag.' }],
  'src/http/request/disposition.ts': [
    { from: 'at - before', to: '(at + before)', because: 'A sum is odd where the difference is.' },
    { from: 'quote >= 0', to: '(quote > 0)', because: 'A name stands before every quote.' },
    { from: 'at >= 0', to: '(at > 0)', because: 'A name stands before every quote.' },
  ],
  'src/http/request/json.ts': [
    {
      from: 'at >= 0',
      to: '(at > 0)',
      because: 'The quote that begins a text stands before the one that ends it.',
    },
  ],
  'src/http/transport/compression.ts': [
    { from: "''", to: '"Stryker was here!"', because: 'Neither is a type that is compressed.' },
  ],
  'src/files/maker.ts': [
    { from: "'ended'", to: '""', because: 'Neither says when a process began.' },
    { from: '/^.*\\) /s', to: '/.*\\) /s', because: 'The first match begins at the start anyhow.' },
  ],
  'src/files/part.ts': [
    { from: '[]', to: '["Stryker was here"]', because: 'That is the name of no part.' },
    {
      from: 'maker === undefined',
      to: '(false)',
      because: 'Only the types need it: no part has such a name.',
    },
  ],
  'src/files/replacement.ts': [
    { from: "() => ''", to: '() => undefined', because: NO_HASHES },
    { from: "''", to: '"Stryker was here!"', because: NO_HASHES },
  ],
  'src/import/bytes/crc32c.ts': [
    { from: 'length % 8', to: '(length * 8)', because: 'Byte by byte it is the same checksum, only slower.' },
  ],
  'src/import/tensorflow/graph-def.ts': [
    {
      from: 'offset + length > start + filled',
      to: '(offset + length >= start + filled)',
      because: 'The same bytes are read once more.',
    },
    {
      from: 'length > buffer.length',
      to: '(length >= buffer.length)',
      because: 'A buffer gives way to another of its length.',
    },
  ],
};

export function reasonFor({ file, from, to }: Mutant): string | null {
  const found = SET_ASIDE[file]?.find(
    (entry) => plain(entry.from) === plain(from) && plain(entry.to) === plain(to),
  );
  return found?.because ?? null;
}

function plain(code: string): string {
  return code.replace(/\s+/g, '');
}
