/** Forms as programs write them: the names of files, above all. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MIMEType } from 'node:util';
import fc from 'fast-check';
import { readForm } from '../../../src/http/request/multipart.ts';

const TYPE = new MIMEType('multipart/form-data; boundary=edge');

/** A form of parts, each its headers and its content. */
function formOf(...parts: [headers: string | Buffer, content: string | Buffer][]): Uint8Array<ArrayBuffer> {
  const pieces = parts.flatMap(([headers, content]) => ['--edge\r\n', headers, '\r\n\r\n', content, '\r\n']);
  return new Uint8Array(Buffer.concat([...pieces, '--edge--\r\n'].map((piece) => Buffer.from(piece))));
}

/** The name of the file in a form of one part with these parameters. */
function fileName(parameters: string | Buffer): string | null {
  const headers = Buffer.concat([
    Buffer.from('Content-Disposition: form-data; '),
    Buffer.from(parameters),
    Buffer.from('\r\nContent-Type: image/jpeg'),
  ]);
  const [part, ...others] = readForm(formOf([headers, 'abc']), TYPE);
  assert.deepEqual(others, []);
  assert.equal(part!.name, 'image');
  assert.equal(Buffer.from(part!.bytes).toString(), 'abc');
  return part!.fileName;
}

describe('the file name of a part', () => {
  const WRITTEN: [by: string, parameters: string | Buffer, name: string | null][] = [
    ['anybody', 'name="image"; filename="cat.jpg"', 'cat.jpg'],
    ['curl before 7.81, with a quote', String.raw`name="image"; filename="12\" pizza.jpg"`, '12" pizza.jpg'],
    ['curl before 7.81, with a backslash', String.raw`name="image"; filename="a\\b.jpg"`, 'a\\b.jpg'],
    ['curl before 7.81, with both at the end', String.raw`name="image"; filename="a\\\""`, 'a\\"'],
    ['curl before 7.81, with a quote and a semicolon', String.raw`name="image"; filename="a\"; b"`, 'a"; b'],
    ['browsers, with a quote', 'name="image"; filename="12%22 pizza.jpg"', '12" pizza.jpg'],
    ['browsers, with line breaks', 'name="image"; filename="a%0D%0Ab.jpg"', 'a\r\nb.jpg'],
    ['browsers, with a per cent sign', 'name="image"; filename="100%20.jpg"', '100%20.jpg'],
    ['browsers, for a field without a file', 'name="image"; filename=""', ''],
    ['somebody who escapes nothing', 'name="image"; filename="12" pizza.jpg"', '12" pizza.jpg'],
    ['Internet Explorer', String.raw`name="image"; filename="C:\photos\new\cat.jpg"`, 'cat.jpg'],
    [
      'Internet Explorer, from a server',
      String.raw`name="image"; filename="\\nas\photos\cat.jpg"`,
      'cat.jpg',
    ],
    ['Internet Explorer, a directory', String.raw`name="image"; filename="C:\"`, ''],
    ['Python’s requests, of old', 'name="image"; filename*=utf-8\'\'k%C3%B6nig.jpg', 'könig.jpg'],
    ['both ways', 'name="image"; filename="k_nig.jpg"; filename*=UTF-8\'\'k%C3%B6nig.jpg', 'könig.jpg'],
    ['Latin-1 by its name', 'name="image"; filename*=iso-8859-1\'de\'k%F6nig.jpg', 'könig.jpg'],
    ['an extension that is damaged', 'name="image"; filename="a.jpg"; filename*=UTF-8\'\'%F6', 'a.jpg'],
    ['an extension in no encoding', 'name="image"; filename="a.jpg"; filename*=x-none\'\'b.jpg', 'a.jpg'],
    ['raw UTF-8', 'name="image"; filename="König 猫.jpg"', 'König 猫.jpg'],
    ['raw Latin-1', Buffer.from('name="image"; filename="König.jpg"', 'latin1'), 'König.jpg'],
    ['without quotes', 'name=image; filename=cat.jpg', 'cat.jpg'],
    ['in another order and case, without blanks', 'FileName="cat.jpg";NAME="image"', 'cat.jpg'],
    ['with parameters that are not known', 'name="image"; size=3; filename="cat.jpg"; a', 'cat.jpg'],
    ['with a name twice', 'name="image"; filename="cat.jpg"; filename="dog.jpg"', 'cat.jpg'],
    ['on two lines', 'name="image";\r\n filename="cat.jpg"', 'cat.jpg'],
    ['with a semicolon in it', 'name="image"; filename="a; name=b.jpg"', 'a; name=b.jpg'],
    ['for a text', 'name="image"', null],
  ];
  for (const [by, parameters, name] of WRITTEN) {
    it(`is read as it is written: ${by}`, () => {
      assert.equal(fileName(parameters), name);
    });
  }

  it('comes back from what curl before 7.81 and browsers make of any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const plain = name.replaceAll(/[\r\n]/g, '').toWellFormed();
        fc.pre(!/^(?:[a-z]:\\|\\)|%(?:22|0[ad])/i.test(plain));
        const escaped = plain.replaceAll(/["\\]/g, '\\$&');
        assert.equal(fileName(`name="image"; filename="${escaped}"`), plain);
        fc.pre(!plain.includes('\\'));
        assert.equal(fileName(`name="image"; filename="${plain.replaceAll('"', '%22')}"`), plain);
      }),
    );
  });
});

describe('a form', () => {
  it('is taken apart as Node’s own reader does, whatever is in its parts', async () => {
    const content = fc
      .array(fc.constantFrom('\r', '\n', '-', '--', 'edge', '--edge', '\r\n--edge', 'x', '\0', 'é'))
      .map((pieces) => pieces.join(''))
      // A whole boundary cannot be content.
      .filter((text) => !/(?:^|\r\n)--edge(?:--|\r\n|$)/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.array(content, { minLength: 1, maxLength: 5 }), async (contents) => {
        const form = new FormData();
        for (const [i, text] of contents.entries()) form.append(`f${i}`, new Blob([text]), `${i}.jpg`);
        const sent = new Response(form);
        const type = new MIMEType(sent.headers.get('content-type')!);
        const fields = readForm(new Uint8Array(await sent.arrayBuffer()), type);
        assert.deepEqual(
          fields.map(({ name, fileName, bytes }) => [name, fileName, Buffer.from(bytes).toString()]),
          contents.map((text, i) => [`f${i}`, `${i}.jpg`, text]),
        );
        const byHand = contents.map((text, i): [string, string] => [
          `content-disposition: form-data; name=f${i}`,
          text,
        ]);
        assert.deepEqual(
          readForm(formOf(...byHand), TYPE).map(({ bytes }) => Buffer.from(bytes).toString()),
          contents,
        );
      }),
    );
  });

  it('may have base64 in its parts, blanks after its boundaries and text before them', () => {
    const part =
      'Content-Disposition: form-data; name="image"; filename="a"\r\nContent-Transfer-Encoding: base64';
    const body = `preamble\r\n--edge \t\r\n${part}\r\n\r\nYWJj\r\n--edge--epilogue`;
    const contents = readForm(new Uint8Array(Buffer.from(body)), TYPE).map(({ bytes }) => bytes);
    assert.deepEqual(contents.map(String), ['abc']);
  });

  const BROKEN = [
    ['', 'abc'],
    ['Content-Type: image/jpeg', 'abc'],
    ['Content-Disposition: form-data', 'abc'],
    ['Content-Disposition: form-data; filename="a.jpg"', 'abc'],
    ['Content-Disposition: attachment; name="image"', 'abc'],
  ] as const;
  for (const [headers, content] of BROKEN) {
    it(`is refused with a part that says no more than "${headers}"`, () => {
      assert.throws(() => readForm(formOf([headers, content]), TYPE), { code: 'MalformedRequest' });
    });
  }

  it('is read in linear time, however its header is made', () => {
    const start = performance.now();
    for (const unit of ['"', '\\', '\\"', '" ', ';', ' ', '=', 'a=";', '\r\n ', '%', "'"]) {
      const headers = `Content-Disposition: form-data; name="image"; filename="${unit.repeat(8000 / unit.length)}`;
      readForm(formOf(...Array<[string, string]>(20).fill([headers, 'abc'])), TYPE);
    }
    assert.ok(performance.now() - start < 2_000);
  });
});
